//! The demonstration as a person reads it. With `--json` it keeps silent.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;
use hardfrost_primitives::Member;
use hardfrost_roast::Outcome;
use hardfrost_seat::SessionReport;
use hardfrost_spend::{Address, Explanation};

use crate::cluster::{Faults, MadeKey, Signing};
use crate::group_folder::name;
use crate::group_size::GroupSize;
use crate::out_dir::OutDir;
use crate::progress::{Line, Progress, Quiet};
use crate::report::{self, Attempt, Culprit};
use crate::spending::Finished;
use crate::terminal::wrapped_at;

/// More than so many are not listed one by one.
const LISTED_MAX: usize = 12;

/// What a line of the story may take.
const COLUMNS_MAX: usize = 80;

/// Where the nodes are.
#[derive(Clone, Copy)]
pub enum NodesAre<'a> {
    /// All in this process.
    InProcess,
    /// Processes that leave nothing.
    Processes,
    /// Processes whose folders stay in this one.
    Kept(&'a Path),
}

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

    /// Who takes part in making a key.
    pub fn begins(&self, size: GroupSize, nodes: NodesAre<'_>) {
        let GroupSize {
            threshold,
            members,
            suite,
        } = size;
        self.say(match nodes {
            NodesAre::InProcess => {
                format!("{members} nodes in this process, each with an engine of its own.")
            }
            NodesAre::Processes => {
                format!("{members} nodes, each a process with stores of its own, on 127.0.0.1.")
            }
            NodesAre::Kept(keep) => {
                let first = keep.join(name(Member::FIRST, members));
                format!(
                    "{members} nodes, each a process with a folder of its own: {}, …",
                    first.display()
                )
            }
        });
        self.say(format!(
            "Any {threshold} of them can sign, with the suite {suite}; fewer cannot.\n"
        ));
        self.say("1  A key that nobody holds");
    }

    /// A key that was kept.
    pub fn found(&self, key: &MadeKey, keep: Option<&Path>) {
        let (t, n) = (key.public.threshold(), key.public.count());
        self.say(format!(
            "{n} nodes, each a process, started again from their stores.\n"
        ));
        let keep = keep.unwrap_or_else(|| Path::new("")).display();
        self.say(format!("1  The key that is kept in {keep}"));
        self.say(format!("   any {t} of {n} can sign; fewer cannot"));
        self.certified(key);
    }

    /// The key.
    pub fn key(&self, key: &MadeKey, took: Duration) {
        let n = key.public.count();
        self.say(format!(
            "   made by all {n} members together, without a dealer, in {}",
            seconds(took)
        ));
        self.certified(key);
    }

    fn certified(&self, key: &MadeKey) {
        self.say(format!("   group key {}", key.public.key_group()));
        self.say(format!("   certificate {}", key.certificate.hash()));
        let n = key.public.count();
        self.say(format!("   confirmed by {n} of {n} members\n"));
    }

    /// Address and transaction.
    pub fn spend(&self, address: &Address, explained: &Explanation, made_up: bool) {
        self.say(if made_up {
            "2  An address, coins on it, and a transaction that spends them"
        } else {
            "2  An address, and the transaction that somebody wants signed"
        });
        self.say(format!("   address      {address}"));
        for line in explained.lines() {
            self.say(wrapped(&format!("   {line}")));
        }
        self.say("\n3  Each node approves the transaction; the first to answer sign");
    }

    /// Attempts. Of very many only the first and the last.
    pub fn signed(&self, signing: &Signing) {
        let attempts: Vec<String> = signing.sessions.iter().flat_map(told).collect();
        let (first, last) = match attempts.len().checked_sub(LISTED_MAX) {
            None | Some(0) => (attempts.len(), attempts.len()),
            Some(hidden) => (LISTED_MAX - 2, LISTED_MAX - 2 + hidden),
        };
        for (place, attempt) in attempts.iter().enumerate() {
            if place == first {
                self.say(format!("   … {} more attempts …", last - first));
            }
            if place < first || place >= last {
                self.say(attempt);
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

    /// Convicted members, their files, and how a stranger judges one.
    pub fn culprits(&self, culprits: &[Culprit], out: &OutDir) {
        for Culprit { member, kind, .. } in culprits {
            self.say(format!("   member {member} is convicted of {kind}"));
        }
        let Some(Culprit { evidence, .. }) = culprits.first() else {
            return;
        };
        let brought = |name: &str| out.path().join(name).display().to_string();
        self.say("   A stranger can check that, offline:");
        self.say(format!("      hardfrost blame verify {evidence} \\"));
        self.say(format!(
            "        --certificate {} \\",
            brought("certificate.bin")
        ));
        self.say(format!("        --roster {}\n", brought("roster.toml")));
    }

    /// Inputs without a signature, and why. There is nothing for consensus to judge.
    pub fn unsigned(&self, reasons: &[String]) {
        for reason in reasons {
            self.say(wrapped(&format!("   {reason}")));
        }
        self.say("");
    }

    /// The last word.
    pub fn verified(&self, finished: &Finished) {
        let Finished {
            transaction,
            unsigned_by_others,
            verified,
        } = finished;
        self.say("4  Bitcoin's consensus code, with taproot on, has the last word");
        if !verified {
            self.say("   it does NOT accept the transaction, or accepts a corrupted twin\n");
            return;
        }
        if unsigned_by_others.is_empty() {
            self.say("   it accepts the transaction, and refuses a twin with one bit flipped");
        } else {
            self.say("   it accepts our inputs, and refuses a twin with one bit flipped");
            let inputs: Vec<String> = unsigned_by_others.iter().map(ToString::to_string).collect();
            self.say(format!(
                "   not complete, for others to sign: input {}",
                inputs.join(", ")
            ));
        }
        self.say(format!("   txid         {}\n", transaction.compute_txid()));
    }

    /// Where things are.
    pub fn ends(&self, out: &OutDir, nodes: NodesAre<'_>, members: u16) {
        self.say(format!("Public files are in {}/:", out.path().display()));
        for (name, what) in out.contents() {
            self.say(format!("   {name:<34} {what}"));
        }
        let keep = match nodes {
            NodesAre::InProcess => {
                self.say("No secret was written anywhere: the key is gone with this process.");
                return;
            }
            NodesAre::Processes => {
                self.say("The nodes are ended and their folders removed: the key is gone.");
                return;
            }
            NodesAre::Kept(keep) => keep,
        };
        let first = keep.join(name(Member::FIRST, members));
        let (keep, first) = (keep.display(), first.display());
        self.say(format!(
            "The group is kept in {keep}/, a folder for each node. Whoever has it has the coins."
        ));
        self.say("Start the nodes by hand, or have the demonstration start them and sign:");
        self.say(format!("   hardfrost node run --node {first}"));
        self.say(format!("   hardfrost demo --keep {keep} --psbt FILE"));
    }
}

/// The attempts of a session, in words. Nobody owes anything to one that had only begun when the signature came.
fn told(session: &SessionReport) -> Vec<String> {
    let attempts = report::attempts(std::slice::from_ref(session));
    let signs = |attempt: &&Attempt| !attempt.chosen.is_empty() && attempt.owing.is_empty();
    let signed = match session.outcome {
        Outcome::Signed(_) => attempts.iter().find(signs).map(|attempt| attempt.number),
        Outcome::Infeasible
        | Outcome::Refused(_)
        | Outcome::Cancelled
        | Outcome::Stuck(_)
        | Outcome::Expired => None,
    };
    let late = |attempt: &Attempt| signed.is_some_and(|signed| attempt.number > signed);
    let line = |attempt: &Attempt| attempted(attempt, late(attempt));
    attempts.iter().map(line).collect()
}

fn attempted(attempt: &Attempt, late: bool) -> String {
    let (number, coordinator) = (attempt.number, attempt.coordinator);
    let chosen = listed(&attempt.chosen);
    if late && (attempt.chosen.is_empty() || !attempt.owing.is_empty()) {
        return wrapped(&format!(
            "   attempt {number}: member {coordinator} to coordinate, not needed any more"
        ));
    }
    if attempt.chosen.is_empty() {
        return wrapped(&format!(
            "   attempt {number}: member {coordinator} to coordinate, no valid package here"
        ));
    }
    if attempt.owing.is_empty() {
        return wrapped(&format!(
            "   attempt {number}: member {coordinator} coordinated, {chosen} signed, in {} ms",
            attempt.millis
        ));
    }
    let without = wrapped(&format!(
        "   attempt {number}: member {coordinator} coordinated, {chosen} chosen, not finished"
    ));
    let owing = listed(&attempt.owing);
    format!(
        "{without}\n{}",
        wrapped(&format!("      no valid share from {owing}"))
    )
}

/// Prints a line on standard output. A reader that has gone away is not an error: the work goes on without it. A line
/// that is lost otherwise is: whoever called must not take an empty answer for a good one.
pub fn print_line(line: &str) {
    let mut out = io::stdout();
    let written = writeln!(out, "{line}").and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("error: cannot write to standard output: {error}");
            std::process::exit(1);
        }
        Ok(()) | Err(_) => {}
    }
}

fn named<'a>(all: impl Iterator<Item = &'a Member>) -> String {
    listed(&all.map(|m| m.number()).collect::<Vec<_>>())
}

/// "members 1, 2 and 5"; of many only the ends: "67 members (1, 2, 3 … 99)".
pub fn listed(numbers: &[u16]) -> String {
    let names: Vec<String> = numbers.iter().map(u16::to_string).collect();
    match names.as_slice() {
        [] => "nobody".to_owned(),
        [one] => format!("member {one}"),
        [a, b, c, .., last] if names.len() > LISTED_MAX => {
            format!("{} members ({a}, {b}, {c} … {last})", names.len())
        }
        [head @ .., last] => format!("members {} and {last}", head.join(", ")),
    }
}

/// A line that is too wide for a terminal, broken between words.
fn wrapped(line: &str) -> String {
    wrapped_at(line, 6, COLUMNS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_members_are_counted_and_few_are_listed() {
        let twelve: Vec<u16> = (1..=12).collect();
        let thirteen: Vec<u16> = (1..=13).collect();
        assert_eq!(listed(&[]), "nobody");
        assert_eq!(listed(&[7]), "member 7");
        assert_eq!(
            listed(&twelve),
            "members 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 12"
        );
        assert_eq!(listed(&thirteen), "13 members (1, 2, 3 … 13)");
    }

    #[test]
    fn an_attempt_that_had_only_begun_when_the_signature_came_blames_nobody() {
        let attempt = |number, chosen: &[u16], owing: &[u16]| Attempt {
            number,
            coordinator: 4,
            chosen: chosen.to_vec(),
            owing: owing.to_vec(),
            millis: 9,
        };
        let unfinished = attempt(2, &[1, 2], &[1]);
        let before = attempted(&unfinished, false);
        assert!(before.ends_with("not finished\n      no valid share from member 1"));
        let missing = attempted(&attempt(3, &[], &[]), false);
        assert!(missing.ends_with("no valid package here"));
        for begun in [unfinished, attempt(3, &[], &[])] {
            let after = attempted(&begun, true);
            let line = format!(
                "   attempt {}: member 4 to coordinate, not needed any more",
                begun.number
            );
            assert_eq!(after, line);
        }
        let finished = attempt(5, &[1, 2], &[]);
        assert!(attempted(&finished, true).ends_with("members 1 and 2 signed, in 9 ms"));
    }

    #[test]
    fn a_wide_line_is_broken_between_words() {
        let address = "b".repeat(62);
        let wide = format!("   output 1: {} to {address}", "x".repeat(40));
        let broken = wrapped(&wide);
        assert!(broken.lines().all(|line| line.len() <= COLUMNS_MAX));
        assert!(broken.ends_with(&format!(" to\n      {address}")));
        assert_eq!(wrapped("   short line"), "   short line");
        let words = wrapped(&format!("   {}", "seven ".repeat(40)));
        assert!(words.lines().all(|line| line.len() <= COLUMNS_MAX));
        assert_eq!(words.split_whitespace().count(), 40);
    }
}
