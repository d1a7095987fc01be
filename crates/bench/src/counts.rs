//! Instructions instead of time: what callgrind counts of a row's work is the same on every run and under any load, so
//! a change of a hundredth shows. It says nothing of memory, nor of what a processor does at once, so it has no goals.
//!
//! The program runs itself under callgrind, which counts only within [`crate::clock`]'s `measured_work` and writes a
//! file after each call of it. The order of the files is that of the names which the counted process prints.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{ensure, Context};
use hardfrost_primitives::Suite;
use serde::Serialize;

use crate::clock::Measured;
use crate::keygen::Keygen;
use crate::stage::Stage;

/// Key generation is counted in a smaller group: callgrind is fifty times slower than the machine.
const KEYGEN: (u16, u16) = (16, 24);
/// What is computed once and kept is computed in the first turn; the last is counted.
const TURNS: usize = 2;
/// Whose a row's sides are.
const SIDES: [&str; 3] = ["ours", "FROST library", "schnorr_fun"];

/// One comparison. Instructions of one participant.
#[derive(Serialize)]
struct Count {
    /// What is done.
    what: String,
    /// Ours.
    ours: u64,
    /// Who else does it.
    beside: String,
    /// Theirs.
    yardstick: u64,
    /// ours / yardstick
    ratio: f64,
}

/// All rows of a run.
#[derive(Serialize)]
pub struct Counts {
    rows: Vec<Count>,
}

/// A row's turns; each side's name is printed once it had them.
fn take_turns<'a>(what: &str, sides: impl IntoIterator<Item = Measured<'a>>) {
    for (side, name) in sides.into_iter().zip(SIDES) {
        let mut side = side;
        for _ in 0..TURNS {
            side();
        }
        println!("{what}\t{name}");
    }
}

/// The counted process.
///
/// # Errors
/// A side fails.
pub fn run(size: (u16, u16)) -> anyhow::Result<()> {
    let stage = Stage::new(size)?;
    let judging = stage.judging()?;
    take_turns("commit", stage.commit()?);
    take_turns("round2 bip445, sums included", stage.round2(Suite::Bip445)?);
    take_turns("aggregate and verify, honest", judging.aggregate());
    take_turns("find all bad shares, all are bad", judging.blame());
    take_turns("verify one share", judging.verify()?);
    // The other crate has no such suite.
    let tr = stage.round2(Suite::Tr)?.into_iter().take(2);
    take_turns("round2 tr", tr);
    let (t, n) = KEYGEN;
    let keygen = Keygen::new(KEYGEN)?;
    take_turns(&format!("key generation, {t} of {n}"), keygen.sides());
    Ok(())
}

/// The instructions of the work that ended with the `which`th file.
fn instructions(folder: &Path, which: usize) -> anyhow::Result<u64> {
    let path = folder.join(format!("out.{which}"));
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
    let total = total.context("callgrind writes a line of totals")?;
    Ok(total.trim().parse()?)
}

/// Runs and reads the counted process.
///
/// # Errors
/// There is no valgrind, or the counted process fails.
pub fn counts((t, n): (u16, u16)) -> anyhow::Result<Counts> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("out");
    let done = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet", "--collect-atstart=no"])
        // Two patterns for one function: callgrind heeds one order for each pattern.
        .args([
            "--toggle-collect=*measured_work*",
            "--dump-after=*clock::measured_work*",
        ])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(std::env::current_exe()?)
        .args(["counted", "-t", &t.to_string(), "-n", &n.to_string()])
        .output()
        .context("valgrind, which counts, does not start: is it installed?")?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "the counted process failed: {said}");
    let names = String::from_utf8(done.stdout)?;
    let mut counts = Counts { rows: Vec::new() };
    let mut ours = 0;
    for (which, line) in names.lines().enumerate() {
        let (what, side) = line.split_once('\t').context("a row and a side")?;
        let counted = instructions(folder.path(), (which + 1) * TURNS)?;
        if Some(&side) == SIDES.first() {
            ours = counted;
            continue;
        }
        counts.rows.push(Count {
            what: what.into(),
            ours,
            beside: side.into(),
            yardstick: counted,
            ratio: ours as f64 / counted as f64,
        });
    }
    Ok(counts)
}

impl Counts {
    /// The table as text, one row a line.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let [what, ours, beside, theirs, ratio] = ["what", "ours", "beside", "theirs", "ratio"];
        let _ = writeln!(
            out,
            "{what:<36} {ours:>12}  {beside:<14} {theirs:>14} {ratio:>7}   (instructions)"
        );
        for row in &self.rows {
            let _ = writeln!(
                out,
                "{:<36} {:>12}  {:<14} {:>14} {:>7.3}",
                row.what, row.ours, row.beside, row.yardstick, row.ratio
            );
        }
        out
    }
}
