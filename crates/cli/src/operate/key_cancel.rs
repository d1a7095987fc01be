//! `hardfrost key cancel`: the end of one's own part in a key generation.

use anyhow::Context;
use clap::Args;
use hardfrost_api::local::CeremonyView;

use super::Way;
use crate::story::print_line;
use crate::terminal::wrapped;
use crate::utc::utc;
use crate::Failure;

/// End this node's part in a key generation that is under way
#[derive(Args)]
#[command(after_help = "Example:\n  \
    hardfrost key cancel --node alice\n\n\
    No key comes of it, for anybody: a key needs the part of every operator. The\n\
    others\' nodes wait until the deadline, unless their operators cancel too; one\n\
    that has confirmed the key by then shows it as pending for good, and it never\n\
    signs. Once this node has confirmed the key it cannot be cancelled: others may\n\
    have its certificate by then.")]
pub struct Cancel {
    #[command(flatten)]
    way: Way,
    /// The key generation, by the first characters of its id; needed where several are under way
    id: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Ends it.
///
/// # Errors
/// There is none, or several and none is named; it has gone too far.
pub fn run(arguments: &Cancel) -> Result<(), Failure> {
    let found = find(arguments)?;
    let path = format!("/v1/ceremonies/{}/cancel", found.id);
    let ended: CeremonyView = arguments.way.post(&path, &serde_json::Value::Null)?;
    if arguments.json {
        print_line(&serde_json::to_string(&ended).context("plain data")?);
        return Ok(());
    }
    let say = |line: &str| print_line(&wrapped(line, 0));
    say("This node's part in the key generation is ended. No key comes of it.");
    say(&format!(
        "The other operators' nodes wait until {}, unless each of them cancels too. The code is \
         used up: another key generation has another one.",
        utc(ended.deadline)
    ));
    Ok(())
}

fn find(arguments: &Cancel) -> Result<CeremonyView, Failure> {
    let all: Vec<CeremonyView> = arguments.way.get("/v1/ceremonies")?;
    let named = arguments.id.as_deref();
    let meant = |one: &CeremonyView| match named {
        Some(named) => one.id.starts_with(named),
        None => one.state == "waiting",
    };
    let mut meant = all.into_iter().filter(meant);
    match (meant.next(), meant.next(), named) {
        (Some(only), None, _) => Ok(only),
        (None, _, None) => {
            let why = "no key generation is under way at this node";
            Err(anyhow::anyhow!(why).into())
        }
        (None, _, Some(named)) => {
            let why = format!(
                "this node knows no key generation that begins with {} since it was started",
                named.escape_debug()
            );
            Err(anyhow::anyhow!(why).into())
        }
        (Some(one), Some(other), _) => Err(Failure::Usage(format!(
            "several key generations are meant: name one by its first characters, such as {} or {}",
            one.id, other.id
        ))),
    }
}
