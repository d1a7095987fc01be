//! `hardfrost store kill-switch`: this member signs no more, for good.

use std::path::PathBuf;

use anyhow::{bail, Context};
use clap::Args;
use hardfrost_engine::{Changed, Command, EmergencyRekey, Reason};
use hardfrost_primitives::SessionId;
use serde::Serialize;

use super::desk::Desk;
use super::keys::KeyOptions;
use crate::story::print_line;
use crate::terminal::wrapped;
use crate::utc::utc;
use crate::Failure;

/// Never sign with a key again
#[derive(Args)]
#[command(after_help = "Example:\n  \
    hardfrost store kill-switch /var/lib/hardfrost/store \\\n    \
    --key-file /etc/hardfrost/store.key \\\n    \
    --reason 'the laptop of node 2 was stolen' --for-good\n\n\
    The node that has the store open must be stopped first. There is no way back: a\n\
    new key must be made, and the coins moved to it by the members that still sign.\n\
    It stops this member only.")]
pub struct KillSwitch {
    /// The store's folder
    folder: PathBuf,
    #[command(flatten)]
    key: KeyOptions,
    /// Why, one line, for people
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The group's key, hex; needed where the store holds several
    #[arg(long, value_name = "KEY")]
    group: Option<String>,
    /// Stop this session only
    #[arg(long, value_name = "SESSION")]
    session: Option<String>,
    /// Say that you know that there is no way back
    #[arg(long)]
    for_good: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Shown {
    group: String,
    session: Option<String>,
    since: u64,
    reason: String,
    /// Whether the store has heard of the session; true for the whole group.
    known: bool,
}

/// Sets the kill switch.
///
/// # Errors
/// A store that does not open, a group that it does not hold, a disk that fails.
pub fn run(arguments: &KillSwitch) -> Result<(), Failure> {
    if !arguments.for_good {
        let why = "there is no way back from the kill switch: say --for-good if you mean it";
        return Err(Failure::Usage(why.into()));
    }
    let reason =
        Reason::new(&arguments.reason).map_err(|error| Failure::Usage(error.to_string()))?;
    let provider = arguments.key.provider()?;
    Ok(set(arguments, reason, &provider)?)
}

fn set(
    arguments: &KillSwitch,
    reason: Reason,
    provider: &hardfrost_store::KeyProvider,
) -> anyhow::Result<()> {
    let session = arguments.session.as_deref().map(SessionId::new);
    let session = session.transpose().context("the session")?;
    let desk = Desk::open(&arguments.folder, provider)?;
    let key_group = desk.group(arguments.group.as_deref())?;
    let known = session
        .as_ref()
        .is_none_or(|session| desk.knows(&key_group, session));
    let changed = desk.order(Command::EmergencyRekey(EmergencyRekey {
        key_group: key_group.clone(),
        session: session.clone(),
        reason,
    }))?;
    let Changed::Rekeyed(first) = changed else {
        bail!("the engine did not answer what it was asked")
    };
    let shown = Shown {
        group: key_group.to_string(),
        session: session.map(|session| session.to_string()),
        since: first.at.0,
        reason: first.reason.as_str().to_owned(),
        known,
    };
    if arguments.json {
        print_line(&serde_json::to_string(&shown)?);
        return Ok(());
    }
    let said = match &shown.session {
        Some(session) if !shown.known => format!(
            "This member signs nothing in session {session}, and this store has never heard of it: \
             is the name right?"
        ),
        Some(session) => format!("This member signs nothing more in session {session}."),
        None => format!("This member signs nothing more with {}.", shown.group),
    };
    print_line(&wrapped(&said, 3));
    print_line(&format!("Since {}: {}", utc(shown.since), shown.reason));
    print_line("The other members sign on until each is stopped. Make a new key, move the coins.");
    Ok(())
}
