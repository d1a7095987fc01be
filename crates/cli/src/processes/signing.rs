//! A transaction approved at every node by its operator, and watched until every session of it is over.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{ensure, Context};
use hardfrost_api::local::{ApprovalView, ApproveBody, Client, InputView, SessionView};
use hardfrost_evidence::Evidence;
use hardfrost_primitives::{KeyGroup, Member, RequestId, SessionId};
use hardfrost_seat::SessionReport;
use hardfrost_spend::UnsignedPsbt;
use serde_json::Value;
use tokio::task::JoinSet;

use super::asking::{joined, pause, refusal, Asked};
use super::{views, Processes};
use crate::cluster::Signing;
use crate::progress::Progress;

/// How long an approval holds.
const APPROVAL_MINUTES: u64 = 60;
/// So long operators wait for a signature before they give up.
const PATIENCE: Duration = Duration::from_secs(10 * 60);
/// The same where too few members do their part: it may still come to one, where a cheat delivers good shares.
const SHORT_PATIENCE: Duration = Duration::from_secs(10);
/// A cheat that approves before all others is among the first to answer, if it says something within this.
const HEAD_START: Duration = Duration::from_secs(2);
/// A cheat may be convicted a little after the signature is there.
const LATE_PROOF: Duration = Duration::from_secs(2);

/// A session at a node.
type Watched = (Member, Client, String);

impl Processes {
    pub(super) fn sign_all(
        &mut self,
        (key_group, request): (&KeyGroup, &RequestId),
        psbt: &UnsignedPsbt,
        progress: &dyn Progress,
    ) -> anyhow::Result<Signing> {
        let body = ApproveBody {
            key_group: Some(key_group.to_string()),
            psbt: psbt.to_base64(),
            request: Some(request.to_string()),
            minutes: APPROVAL_MINUTES,
        };
        let inputs = self.approve_all(&body)?;
        let honest = self.asked(|member| self.is_honest(member));
        let threshold = self.key.as_ref().map_or(0, |key| key.threshold());
        let patience = if honest.len() < usize::from(threshold) {
            SHORT_PATIENCE
        } else {
            PATIENCE
        };
        let watched = inputs.iter().flat_map(|input| {
            let session =
                |(member, client): &Asked| (*member, client.clone(), input.session.clone());
            honest.iter().map(session).collect::<Vec<_>>()
        });
        let watched: Vec<Watched> = watched.collect();
        let ended = self.asking.wait(ends(watched, patience, progress))?;
        let named = inputs.iter().map(|input| {
            let session = SessionId::new(&input.session)?;
            anyhow::Ok((input.index, session))
        });
        Ok(Signing {
            inputs: named.collect::<anyhow::Result<_>>()?,
            sessions: ended,
            convicted: self.proofs()?,
        })
    }

    /// The approval of every node; what all of them permit. Cheats come first: a member that is never chosen proves
    /// nothing.
    fn approve_all(&mut self, body: &ApproveBody) -> anyhow::Result<Vec<InputView>> {
        const PATH: &str = "/v1/approvals";
        let cheats = self.asked(|member| self.faults.cheats.contains_key(&member));
        for cheat in cheats {
            // What a convict's own engine says does not stop the others.
            let approved = self.asking.post(vec![cheat.clone()], (PATH, body));
            let approved: Option<ApprovalView> =
                { approved }.ok().and_then(|mut all| all.remove(&cheat.0));
            if let Some(input) = approved.and_then(|view| view.inputs.into_iter().next()) {
                self.asking.wait(committed(cheat, input.session))?;
            }
        }
        let convicts = self.asked(|member| {
            let faulty =
                self.faults.cheats.contains_key(&member) || self.faults.silent.contains(&member);
            self.convicted.contains(&member) && !faulty
        });
        for convict in convicts {
            let _its_own: anyhow::Result<BTreeMap<Member, ApprovalView>> =
                self.asking.post(vec![convict], (PATH, body));
        }
        let honest = self.asked(|member| self.is_honest(member));
        let approved: BTreeMap<Member, ApprovalView> = self.asking.post(honest, (PATH, body))?;
        let mut all = approved.into_values().map(|view| view.inputs);
        let inputs = all.next().context("no node approved the transaction")?;
        ensure!(
            all.all(|others| others == inputs),
            "the nodes explain the transaction differently"
        );
        Ok(inputs)
    }

    /// Who was convicted meanwhile, each with a proof that was judged here.
    fn proofs(&mut self) -> anyhow::Result<BTreeMap<Member, Evidence>> {
        let key = self.key.clone().context("a group that signs has a key")?;
        let cheats = self.faults.cheats.iter();
        let expected: Vec<Member> = { cheats }
            .filter(|(_, kind)| kind.convicts())
            .map(|(member, _)| *member)
            .collect();
        let until = Instant::now() + LATE_PROOF;
        loop {
            let mut proven = BTreeMap::new();
            for view in self.convictions()? {
                if !self.known.contains(&view.evidence) {
                    let (member, proof) = views::proof(&view, &self.roster, &key)?;
                    proven.entry(member).or_insert(proof);
                }
            }
            let all = expected.iter().all(|member| proven.contains_key(member));
            if all || Instant::now() > until {
                return Ok(proven);
            }
            let look_again = async {
                pause().await;
                Ok(())
            };
            self.asking.wait(look_again)?;
        }
    }
}

/// Waits until a member has committed in a session of its own node, not for long.
async fn committed((member, client): Asked, session: String) -> anyhow::Result<()> {
    let until = Instant::now() + HEAD_START;
    let path = format!("/v1/sessions/{session}");
    while Instant::now() < until {
        let view = client.get::<SessionView>(&path).await;
        let view = view.map_err(|error| refusal(member, error))?;
        let mut attempts = view.attempts.iter();
        if attempts.any(|attempt| attempt.committed.contains(&member.number())) {
            break;
        }
        pause().await;
    }
    Ok(())
}

/// Watches all sessions to their ends: of each, what the node says that ended it first. What takes too long is ended by
/// its operators.
async fn ends(
    watched: Vec<Watched>,
    patience: Duration,
    progress: &dyn Progress,
) -> anyhow::Result<Vec<SessionReport>> {
    let first = watched.first().map(|(member, ..)| *member);
    let until = Instant::now() + patience;
    let look = |(member, client, session): Watched| async move {
        let path = format!("/v1/sessions/{session}?wait=1");
        let view = client.get::<SessionView>(&path).await;
        (member, client, view)
    };
    let mut open = JoinSet::new();
    let mut order: Vec<Arc<str>> = Vec::new();
    for one in watched {
        if !order.iter().any(|known| **known == *one.2) {
            order.push(one.2.as_str().into());
        }
        open.spawn(look(one));
    }
    let mut ended: BTreeMap<String, SessionReport> = BTreeMap::new();
    while let Some(task) = open.join_next().await {
        let (member, client, view) = joined(task);
        let mut view = view.map_err(|error| refusal(member, error))?;
        if view.state == "signing" && Instant::now() > until {
            let path = format!("/v1/sessions/{}/cancel", view.session);
            let cancelled = client.post(&path, &Value::Null).await;
            view = cancelled.map_err(|error| refusal(member, error))?;
        }
        if view.state != "signing" {
            let report = views::session(&view)?;
            ended.entry(view.session).or_insert(report);
            continue;
        }
        if Some(member) == first {
            tell(&view, progress);
        }
        open.spawn(look((member, client, view.session)));
    }
    Ok(order
        .iter()
        .filter_map(|name| ended.remove(&**name))
        .collect())
}

/// How far the newest attempt is.
fn tell(view: &SessionView, progress: &dyn Progress) {
    let Some(attempt) = view.attempts.last() else {
        return progress.step("signing", 0);
    };
    let number = attempt.number;
    let (chosen, owing) = (attempt.chosen.len(), attempt.owing.len());
    if chosen == 0 {
        let all = attempt.committed.len() + view.silent.len();
        let name = format!("attempt {number}: committed");
        progress.reached(&name, attempt.committed.len(), all);
    } else {
        let name = format!("attempt {number}: shares");
        progress.reached(&name, chosen.saturating_sub(owing), chosen);
    }
}
