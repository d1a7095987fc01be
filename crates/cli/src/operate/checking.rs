//! `hardfrost node run --check`: whether a node would start.

use anyhow::Context;
use hardfrost_node::{Checked, Config, EngineFound, Prepared};
use serde::Serialize;

use super::node::credentials;
use super::table::counted;
use crate::story::print_line;
use crate::terminal::wrapped;
use crate::Failure;

#[derive(Serialize)]
struct Shown {
    /// `sound`, or `in_use`: then it was not looked at.
    engine: &'static str,
    /// Keys that the engine holds; absent where it is in use.
    keys: Option<usize>,
    /// Who has the engine.
    in_use_by: Option<String>,
    /// What would start and not do all that it could.
    warnings: Vec<String>,
}

/// Reads all that a node reads at its start, and says what came of it.
///
/// # Errors
/// The node would not start.
pub fn check(config: Config, json: bool) -> Result<(), Failure> {
    let why = "the node would not start";
    let prepared = Prepared::read(config, credentials()).context(why)?;
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().context("the system")?;
    let checked = runtime.block_on(hardfrost_node::check(&prepared));
    let Checked { engine, warnings } = checked.context(why)?;
    let mut shown = Shown {
        engine: "sound",
        keys: None,
        in_use_by: None,
        warnings,
    };
    match engine {
        EngineFound::Sound(keys) => shown.keys = Some(keys),
        EngineFound::InUse(by) => {
            shown.engine = "in_use";
            shown.in_use_by = Some(by);
        }
    }
    if json {
        print_line(&serde_json::to_string(&shown).context("plain data")?);
    } else {
        tell(&shown);
    }
    Ok(())
}

fn tell(shown: &Shown) {
    let say = |line: &str| print_line(&wrapped(line, 3));
    match (&shown.in_use_by, shown.keys) {
        (Some(by), _) => {
            say("The configuration, the rosters and the keys are in order.");
            say(&format!(
                "The engine was not looked at: {by}. Stop the node first to have it looked at too."
            ));
        }
        (None, keys) => {
            let held = counted(keys.unwrap_or_default(), "group key", "group keys");
            say("The configuration, the rosters, the keys and the engine are in order.");
            say(&format!("The engine holds {held}."));
        }
    }
    for warning in &shown.warnings {
        say(&format!("But: {warning}."));
    }
}
