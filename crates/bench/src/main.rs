//! `hardfrost-bench`: what the arithmetic costs beside the FROST library, and durability beside the bare disk, in one
//! process. Nothing stays behind unless asked for.

mod arithmetic;
mod bare;
mod clock;
mod counts;
mod durable;
mod keygen;
mod library;
mod ours;
mod peer;
mod signer;
mod stage;
mod svg;
mod table;
mod threads;

use std::path::PathBuf;

use anyhow::Context;
use clap::{Parser, Subcommand};

use keygen::Keygen;
use table::Table;

/// Prints a table: what, ours, the yardstick, their ratio, the goal, met or not.
///
/// Times are CPU time of one thread, medians, both sides by turns; of durability they are what passed on the wall, on
/// the disk that holds temporary files. Only the ratio means something on another machine.
#[derive(Parser)]
#[command(name = "hardfrost-bench", version)]
struct Arguments {
    /// How many members must sign
    #[arg(
        short = 't',
        long,
        value_name = "T",
        default_value_t = 67,
        global = true
    )]
    threshold: u16,
    /// How many members there are
    #[arg(
        short = 'n',
        long,
        value_name = "N",
        default_value_t = 100,
        global = true
    )]
    members: u16,
    /// Print one JSON object instead
    #[arg(long, global = true)]
    json: bool,
    /// Draw the ratios of the arithmetic into this file too
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    #[command(subcommand)]
    other: Option<Other>,
}

#[derive(Subcommand)]
enum Other {
    /// Counts instructions under valgrind instead of time: the same figure on every run; needs valgrind
    Counts,
    /// What `counts` runs under valgrind
    #[command(hide = true)]
    Counted,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let size = (arguments.threshold, arguments.members);
    anyhow::ensure!(
        (2..=128).contains(&size.1) && (2..=size.1).contains(&size.0),
        "a group has 2 <= t <= n <= 128"
    );
    match arguments.other {
        None => times(size, &arguments),
        Some(Other::Counts) => {
            let counts = counts::counts(size)?;
            if arguments.json {
                println!("{}", serde_json::to_string(&counts)?);
            } else {
                print!("{}", counts.text());
            }
            Ok(())
        }
        Some(Other::Counted) => counts::run(size),
    }
}

fn times(size: (u16, u16), arguments: &Arguments) -> anyhow::Result<()> {
    let mut rows = arithmetic::rows(size)?;
    rows.push(Keygen::new(size)?.row()?);
    if let Some(path) = &arguments.svg {
        let picture = svg::picture(size, &rows);
        std::fs::write(path, picture).with_context(|| path.display().to_string())?;
    }
    rows.extend(durable::rows()?);
    rows.extend(threads::rows()?);
    let table = Table { rows };
    if arguments.json {
        println!("{}", serde_json::to_string(&table)?);
    } else {
        print!("{}", table.text());
    }
    Ok(())
}
