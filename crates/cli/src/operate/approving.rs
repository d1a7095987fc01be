//! A transaction that an operator looks at, approves, and has signed.

use std::collections::BTreeMap;
use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{bail, Context};
use clap::Args;
use hardfrost_api::local::{ApprovalView, ApproveBody, KeyView, SessionView};
use hardfrost_frost::{GroupPublic, Signature};
use hardfrost_spend::{Explanation, Network, SignedPsbt, SpendPlan, UnsignedPsbt};

use super::table::counted;
use super::way::{quoted_text, verified, Way};
use crate::group_files;
use crate::story::{listed, print_line};
use crate::terminal::wrapped;
use crate::watching::Watching;
use crate::Failure;

/// What `approve` and `sign` have in common.
#[derive(Args)]
pub struct Approving {
    #[command(flatten)]
    pub way: Way,
    /// The PSBT, binary or base64; - for standard input
    pub file: PathBuf,
    /// The key, hex; needed where the node holds several
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// The request's name, the same at all operators; by default the transaction's id
    #[arg(long, value_name = "NAME")]
    pub request: Option<String>,
    /// How long the approval holds, in minutes
    #[arg(long, value_name = "MINUTES", default_value_t = 60)]
    pub minutes: u64,
    /// How addresses are written
    #[arg(long, value_name = "NETWORK", default_value = "regtest",
          value_parser = ["bitcoin", "testnet", "signet", "regtest"])]
    pub network: String,
    /// Approve without asking
    #[arg(long)]
    pub yes: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// A transaction that is approved.
pub struct Approved {
    pub psbt: UnsignedPsbt,
    pub plan: SpendPlan,
    pub approval: ApprovalView,
}

impl Approving {
    /// Shows the transaction, asks, and has the node approve it.
    ///
    /// # Errors
    /// A PSBT that is not to be signed; the operator says no; the node cannot be reached or refuses.
    pub fn approve(&self) -> Result<Approved, Failure> {
        let name = self.file.display().to_string();
        let bytes = group_files::read(&self.file)?;
        let psbt =
            UnsignedPsbt::parse(&bytes).with_context(|| format!("{name} is not readable"))?;
        let key: KeyView = self.way.key(self.key.as_deref())?;
        let public: Arc<GroupPublic> = verified(&self.way, &key)?;
        let plan = SpendPlan::new(&psbt, &public).with_context(|| format!("{name} is refused"))?;
        let network: Network = self.network.parse().context("network")?;
        if !self.json {
            Explanation::new(&plan, network)
                .lines()
                .for_each(|line| print_line(&wrapped(line, 3)));
        }
        if self.json && !self.yes {
            let why =
                "with --json nothing is shown to approve: look at it with psbt show, then --yes";
            return Err(Failure::Usage(why.to_owned()));
        }
        if !self.yes {
            self.ask()?;
        }
        let body = ApproveBody {
            key_group: Some(key.key_group),
            psbt: psbt.to_base64(),
            request: self.request.clone(),
            minutes: self.minutes,
        };
        let approval: ApprovalView = self.way.post("/v1/approvals", &body)?;
        Ok(Approved {
            psbt,
            plan,
            approval,
        })
    }

    /// The options that say what is signed, as they were given: for another command about the same transaction.
    pub fn options(&self) -> String {
        let key = self.key.iter().map(|key| format!(" --key {key}"));
        let request = self.request.iter();
        let request = request.map(|name| format!(" --request {}", quoted_text(name)));
        key.chain(request).collect()
    }

    fn ask(&self) -> Result<(), Failure> {
        if self.file.as_os_str() == "-" || !std::io::stdin().is_terminal() {
            let why = "nobody can be asked here: say --yes after looking at it with psbt show";
            return Err(Failure::Usage(why.to_owned()));
        }
        eprint!("Approve this transaction? [y/N] ");
        std::io::stderr().flush().context("the terminal")?;
        let mut line = String::new();
        let stdin = std::io::stdin();
        stdin.lock().read_line(&mut line).context("the terminal")?;
        if matches!(line.trim(), "y" | "Y" | "yes") {
            return Ok(());
        }
        Err(anyhow::anyhow!("not approved").into())
    }
}

impl Approved {
    /// The approval's sessions, as they are now. An approval starts none anew that is over.
    ///
    /// # Errors
    /// The node cannot be reached.
    pub fn sessions(&self, way: &Way) -> Result<Vec<SessionView>, Failure> {
        let inputs = self.approval.inputs.iter();
        inputs
            .map(|input| way.get(&format!("/v1/sessions/{}", input.session)))
            .collect()
    }

    /// Waits until every session of the approval is over here.
    ///
    /// # Errors
    /// The node cannot be reached.
    pub fn wait(&self, way: &Way, quiet: bool) -> Result<Vec<SessionView>, Failure> {
        let watching = Watching::new(quiet);
        let inputs = &self.approval.inputs;
        let mut ended = Vec::new();
        for input in inputs {
            let path = format!("/v1/sessions/{}?wait=2", input.session);
            let view = loop {
                let view: SessionView = way.get(&path)?;
                if view.state != "signing" {
                    break view;
                }
                let (number, of) = (ended.len() + 1, inputs.len());
                watching.says(&format!("input {number} of {of}: {}", awaited(&view)));
            };
            ended.push(view);
        }
        Ok(ended)
    }

    /// The PSBT with all our signatures in it, each verified here.
    ///
    /// # Errors
    /// A session ended without a signature, or with one that is none.
    pub fn complete(self, sessions: &[SessionView]) -> anyhow::Result<SignedPsbt> {
        let mut signatures = BTreeMap::new();
        let mut unsigned = Vec::new();
        for (view, input) in sessions.iter().zip(&self.approval.inputs) {
            let Some(hex) = &view.signature else {
                let why = view.why.as_deref().unwrap_or(&view.state);
                unsigned.push(format!("input {} is not signed: {why}", input.index));
                continue;
            };
            let mut bytes = [0; 64];
            hex::decode_to_slice(hex, &mut bytes).context("the node's signature")?;
            signatures.insert(input.index, Signature(bytes));
        }
        if !unsigned.is_empty() {
            bail!("{}", unsigned.join("; "));
        }
        Ok(self.plan.complete(self.psbt, &signatures)?)
    }
}

/// Who is awaited, in words.
pub fn awaited(view: &SessionView) -> String {
    let last = view.attempts.last();
    match last {
        None => "waiting for the other members".to_owned(),
        Some(attempt) if attempt.chosen.is_empty() && !view.silent.is_empty() => format!(
            "others must approve it too: no word of {} (attempt {})",
            listed(&view.silent),
            attempt.number
        ),
        Some(attempt) if attempt.chosen.is_empty() => format!(
            "attempt {}, {} committed, member {} coordinates",
            attempt.number,
            counted(
                u64::try_from(attempt.committed.len()).unwrap_or(u64::MAX),
                "member has",
                "members have"
            ),
            attempt.coordinator
        ),
        Some(attempt) => format!(
            "attempt {}, waiting for the shares of {}",
            attempt.number,
            listed(&attempt.owing)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(committed: &[u16], chosen: &[u16], silent: &[u16]) -> SessionView {
        let attempt = serde_json::json!({
            "number": 4, "coordinator": 3, "committed": committed, "chosen": chosen,
            "owing": chosen, "millis": 0,
        });
        let view = serde_json::json!({
            "session": "hf-1", "key_group": "02", "request": "r", "input": 0, "message": "00",
            "state": "signing", "signature": null, "why": null, "began": 0, "millis": 0,
            "attempts": [attempt], "silent": silent, "owing": [],
        });
        serde_json::from_value(view).unwrap()
    }

    #[test]
    fn whose_approval_is_awaited_comes_before_the_attempt() {
        let nobody_else = awaited(&session(&[1], &[], &[2, 3]));
        assert!(nobody_else.starts_with("others must approve it too: no word of members 2 and 3"));
        let all = awaited(&session(&[1, 2, 3], &[], &[]));
        assert_eq!(
            all,
            "attempt 4, 3 members have committed, member 3 coordinates"
        );
        let chosen = awaited(&session(&[1, 2], &[1, 2], &[3]));
        assert_eq!(
            chosen,
            "attempt 4, waiting for the shares of members 1 and 2"
        );
    }
}
