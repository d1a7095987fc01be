//! The demonstration as a person reads it. With `--json` it keeps silent.

use std::io::{self, Write};
use std::time::Duration;

use clap::ValueEnum;
use hardfrost_primitives::Member;
use hardfrost_spend::{Address, Explanation, Transaction};

use crate::cluster::{Faults, MadeKey, Signing};
use crate::out_dir::OutDir;
use crate::progress::{Line, Progress, Quiet};
use crate::report::{self, Culprit};

/// Tells the story, or not.
pub struct Story {
    silent: bool,
}

fn seconds(took: Duration) -> String {
    format!("{:.2} s", took.as_secs_f64())
}

impl Story {
    /// `silent` for `--json`.
    pub fn new(silent: bool) -> Self {
        Self { silent }
    }

    fn say(&self, line: impl AsRef<str>) {
        if !self.silent {
            print_line(line.as_ref());
        }
    }

    /// Runs something slow with a progress line on standard error.
    pub fn watching<T>(&self, work: impl FnOnce(&dyn Progress) -> T) -> T {
        if self.silent {
            return work(&Quiet);
        }
        let line = Line::new();
        let done = work(&line);
        line.clear();
        done
    }

    /// Who takes part.
    pub fn begins(&self, threshold: u16, members: u16) {
        self.say(format!(
            "{members} nodes in this process, each with an engine of its own."
        ));
        self.say(format!("Any {threshold} of them can sign; fewer cannot.\n"));
        self.say("1  A key that nobody holds");
    }

    /// The key.
    pub fn key(&self, key: &MadeKey, took: Duration) {
        let n = key.public.count();
        self.say(format!(
            "   made by all {n} members together, without a dealer, in {}",
            seconds(took)
        ));
        self.say(format!("   group key    {}", key.public.key_group()));
        self.say(format!(
            "   certificate  {} ({n} confirmations)\n",
            key.certificate.hash()
        ));
    }

    /// Address and transaction.
    pub fn spend(&self, address: &Address, explained: &Explanation) {
        self.say("2  An address, coins on it, and a transaction that spends them");
        self.say(format!("   address      {address}"));
        for line in explained.lines() {
            self.say(format!("   {line}"));
        }
        self.say("\n3  Each node approves the transaction; the first to answer sign");
    }

    /// Attempts.
    pub fn signed(&self, signing: &Signing) {
        for attempt in report::attempts(&signing.sessions) {
            self.say(format!(
                "   attempt {}: member {} coordinated, {} signed, in {} ms",
                attempt.number,
                attempt.coordinator,
                members(&attempt.chosen),
                attempt.millis
            ));
            if !attempt.owing.is_empty() {
                let owing = members(&attempt.owing);
                self.say(format!("               owing a valid share: {owing}"));
            }
        }
        self.say("");
    }

    /// Members that will not do their part.
    pub fn faults(&self, faults: &Faults) {
        if !faults.silent.is_empty() {
            self.say(format!(
                "   from here on, silent: {}",
                named(faults.silent.iter())
            ));
        }
        if let Some(kind) = faults.cheats.values().next() {
            let kind = kind.to_possible_value();
            let kind = kind.as_ref().map_or("", |value| value.get_name());
            self.say(format!(
                "   from here on, cheating by {kind}: {}",
                named(faults.cheats.keys())
            ));
        }
    }

    /// Convicted members and their files.
    pub fn culprits(&self, culprits: &[Culprit]) {
        for Culprit {
            member,
            kind,
            evidence,
        } in culprits
        {
            self.say(format!(
                "   member {member} is convicted of {kind}: {evidence}"
            ));
        }
        self.say("");
    }

    /// Inputs without a signature, why, and who never answered.
    pub fn unsigned(&self, reasons: &[String], missing: &[u16]) {
        for reason in reasons {
            self.say(format!("   {reason}"));
        }
        if !missing.is_empty() {
            self.say(format!("   never answered: {}", members(missing)));
        }
    }

    /// The last word.
    pub fn verified(&self, transaction: &Transaction, verified: bool) {
        self.say("4  Bitcoin's consensus code, with taproot on, has the last word");
        if verified {
            self.say("   it accepts the transaction, and refuses a twin with one bit flipped");
            self.say(format!("   txid         {}\n", transaction.compute_txid()));
        } else {
            self.say("   it does NOT accept the transaction, or accepts a corrupted twin\n");
        }
    }

    /// Where things are.
    pub fn ends(&self, out: &OutDir) {
        self.say(format!("Public files are in {}/:", out.path().display()));
        self.say("   roster.toml, certificate.bin       who the operators are; what they certify");
        self.say("   funding.hex, spending.hex          the two transactions");
        self.say("   spend.before.psbt, spend.after.psbt");
        self.say("   demo.json                          what --json prints");
        self.say("No secret was written anywhere: the key is gone with this process.");
    }
}

/// Prints a line on standard output. A reader that has gone away is not an error: the work goes on without it.
pub fn print_line(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

fn named<'a>(all: impl Iterator<Item = &'a Member>) -> String {
    members(&all.map(|m| m.number()).collect::<Vec<_>>())
}

/// "members 1, 2 and 5"
fn members(numbers: &[u16]) -> String {
    let names: Vec<String> = numbers.iter().map(u16::to_string).collect();
    match names.as_slice() {
        [] => "nobody".to_owned(),
        [one] => format!("member {one}"),
        [head @ .., last] => format!("members {} and {last}", head.join(", ")),
    }
}
