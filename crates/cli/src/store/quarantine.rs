//! `hardfrost store quarantine`: whom this member does not sign beside.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use hardfrost_engine::{Changed, Command, Quarantine as Order, Quarantined, Reason, Unquarantine};
use hardfrost_store::KeyProvider;
use serde::Serialize;

use super::desk::Desk;
use super::keys::KeyOptions;
use crate::story::print_line;
use crate::Failure;

/// Do not sign beside a member, or let it in again
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    hardfrost store quarantine /var/lib/hardfrost/store \\\n    \
    --key-file /etc/hardfrost/store.key --member 3 \\\n    \
    --reason 'does not answer the telephone'\n  \
    hardfrost store quarantine /var/lib/hardfrost/store \\\n    \
    --key-file /etc/hardfrost/store.key --member 3 --lift\n\n\
    The node that has the store open must be stopped first. It holds for this member\n\
    only: as long as others choose that member, a session may need more attempts, or\n\
    end without a signature. --lift also lets in whom a proof has convicted.")]
pub struct Quarantine {
    /// The store's folder
    folder: PathBuf,
    #[command(flatten)]
    key: KeyOptions,
    /// The member's number
    #[arg(long, value_name = "NUMBER")]
    member: u16,
    /// Why, one line, for people
    #[arg(long, value_name = "TEXT", required_unless_present = "lift")]
    reason: Option<String>,
    /// Let the member in again
    #[arg(long, conflicts_with = "reason")]
    lift: bool,
    /// The group's key, hex; needed where the store holds several
    #[arg(long, value_name = "KEY")]
    group: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Shown {
    group: String,
    member: u16,
    quarantined: bool,
    reason: Option<String>,
    evidence: Option<String>,
}

/// Quarantines a member, or lifts that.
///
/// # Errors
/// A store that does not open, a group or member that it does not know, a disk that fails.
pub fn run(arguments: &Quarantine) -> Result<(), Failure> {
    let reason = arguments.reason.as_deref().map(Reason::new);
    let reason = reason.transpose();
    let reason = reason.map_err(|error| Failure::Usage(error.to_string()))?;
    let provider = arguments.key.provider()?;
    Ok(change(arguments, reason, &provider)?)
}

fn change(
    arguments: &Quarantine,
    reason: Option<Reason>,
    provider: &KeyProvider,
) -> anyhow::Result<()> {
    let desk = Desk::open(&arguments.folder, provider)?;
    let key_group = desk.group(arguments.group.as_deref())?;
    let member = desk.member(&key_group, arguments.member)?;
    if desk.is_ours(&key_group, member) {
        bail!(
            "member {member} is this store's own seat: quarantine is for members that it does not \
             sign beside. To stop this member itself: hardfrost store kill-switch"
        );
    }
    let group = key_group.to_string();
    let changed = desk.order(match reason {
        Some(reason) => Command::Quarantine(Order {
            key_group,
            member,
            reason,
        }),
        None => Command::Unquarantine(Unquarantine { key_group, member }),
    })?;
    let Changed::Quarantine(standing) = changed else {
        bail!("the engine did not answer what it was asked")
    };
    let Quarantined {
        quarantined,
        reason,
        evidence,
        ..
    } = standing;
    let shown = Shown {
        group,
        member: arguments.member,
        quarantined,
        reason: reason.map(|reason| reason.as_str().to_owned()),
        evidence: evidence.map(|hash| hash.to_string()),
    };
    if arguments.json {
        print_line(&serde_json::to_string(&shown)?);
        return Ok(());
    }
    let number = shown.member;
    print_line(&match (quarantined, &shown.reason) {
        (true, Some(reason)) => format!("This member does not sign beside {number}: {reason}"),
        (true, None) => format!("This member does not sign beside {number}: a proof convicts it."),
        (false, _) => format!("This member signs beside {number}."),
    });
    Ok(())
}
