//! `hardfrost blame list` and `show`: whom a node knows to be convicted.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use hardfrost_api::local::ConvictionView;

use super::table::{self, Column};
use super::{quoted, Way};
use crate::group_files::write;
use crate::story::print_line;
use crate::Failure;

/// List who is convicted
#[derive(Args)]
#[command(after_help = "Example:\n  hardfrost blame list --node alice")]
pub struct List {
    #[command(flatten)]
    way: Way,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

/// Show one conviction, and write its evidence file
#[derive(Args)]
#[command(after_help = "Example:\n  \
    hardfrost blame show --node alice 3 --out evidence-3.bin\n  \
    hardfrost blame verify evidence-3.bin --certificate certificate.bin \\\n    \
    --roster roster.toml")]
pub struct Show {
    #[command(flatten)]
    way: Way,
    /// The member's number
    member: u16,
    /// Write the evidence file here
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn all(way: &Way) -> Result<Vec<ConvictionView>, Failure> {
    way.get("/v1/convictions")
}

/// Lists them.
///
/// # Errors
/// A node that cannot be reached.
pub fn list(arguments: &List) -> Result<(), Failure> {
    let convictions = all(&arguments.way)?;
    if arguments.json {
        print_line(&serde_json::to_string(&convictions).context("plain data")?);
        return Ok(());
    }
    if convictions.is_empty() {
        print_line("Nobody is convicted.");
    }
    let row = |one: &ConvictionView| {
        let state = if one.in_force {
            "kept out"
        } else {
            "let in again"
        };
        vec![
            one.member.to_string(),
            one.operator.clone(),
            one.kind.clone(),
            state.to_owned(),
            one.key_group.clone(),
        ]
    };
    let rows: Vec<Vec<String>> = convictions.iter().map(row).collect();
    let heads = [
        Column::whole("member"),
        Column::text("operator"),
        Column::whole("of"),
        Column::whole("state"),
        Column::hex("key"),
    ];
    table::print(&heads, &rows);
    Ok(())
}

/// Shows one.
///
/// # Errors
/// The member is not convicted here; the file cannot be written.
pub fn show(arguments: &Show) -> Result<(), Failure> {
    let mut convictions = all(&arguments.way)?.into_iter();
    let found = convictions.find(|one| one.member == arguments.member);
    let one = found.with_context(|| {
        let (member, list) = (arguments.member, arguments.way.command("blame list"));
        format!("member {member} is not convicted here; {list} shows who is")
    })?;
    if let Some(path) = &arguments.out {
        let bytes = hex::decode(&one.file_hex).context("the node's evidence")?;
        write(path, &bytes)?;
    }
    if arguments.json {
        print_line(&serde_json::to_string(&one).context("plain data")?);
        return Ok(());
    }
    print_line(&format!("member    {} ({})", one.member, one.operator));
    print_line(&format!("convicted of {}", one.kind));
    print_line(&format!("evidence  {}", one.evidence));
    print_line(&format!("key       {}", one.key_group));
    if let Some(path) = &arguments.out {
        print_line(&format!(
            "A stranger judges it with: hardfrost blame verify {}",
            quoted(path)
        ));
    }
    Ok(())
}
