//! `hardfrost session`: what is being signed, who is awaited, who owes.

use anyhow::Context;
use clap::{Args, Subcommand};
use hardfrost_api::local::{AttemptView, SessionView};
use hardfrost_spend::printable;

use super::approving::awaited;
use super::table::{self, numbers, Column};
use super::Way;
use crate::story::{listed, print_line};
use crate::terminal::{means, short, wrapped};
use crate::watching::Watching;
use crate::Failure;

/// See what is being signed, who is awaited and who owes
#[derive(Args)]
pub struct Session {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// List the sessions since the node was started
    List(List),
    /// Show a session and its attempts
    #[command(after_help = "Example:\n  \
        hardfrost session show --node alice hf-3f9a\n\n\
        The session may be given by its first characters, if no other begins so.")]
    Show(One),
    /// Follow a session to its end
    #[command(after_help = "Example:\n  \
        hardfrost session watch --node alice hf-3f9a\n\n\
        The session may be given by its first characters, if no other begins so.")]
    Watch(One),
    /// End a session at this node; what was sent already stays sent
    #[command(after_help = "Example:\n  \
        hardfrost session cancel --node alice hf-3f9a\n\n\
        The session may be given by its first characters, if no other begins so. This\n\
        node then sends no share any more. The others go on: t of them can still sign.")]
    Cancel(One),
}

#[derive(Args)]
#[command(after_help = "Example:\n  hardfrost session list --node alice")]
struct List {
    #[command(flatten)]
    way: Way,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct One {
    #[command(flatten)]
    way: Way,
    /// The session
    session: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs one of the actions.
///
/// # Errors
/// A node that cannot be reached, a session that it does not know.
pub fn run(arguments: &Session) -> Result<(), Failure> {
    match &arguments.action {
        Action::List(list_arguments) => list(list_arguments),
        Action::Show(one) => {
            let view = find(one)?;
            show(one, &view)
        }
        Action::Watch(one) => watch(one),
        Action::Cancel(one) => {
            let name = find(one)?.session;
            let body = serde_json::Value::Null;
            let view: SessionView = one
                .way
                .post(&format!("/v1/sessions/{name}/cancel"), &body)?;
            show(one, &view)
        }
    }
}

fn all(way: &Way) -> Result<Vec<SessionView>, Failure> {
    way.get("/v1/sessions")
}

fn find(one: &One) -> Result<SessionView, Failure> {
    let begins = |view: &SessionView| means(&one.session, &view.session);
    let mut found = all(&one.way)?.into_iter().filter(begins);
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => {
            let list = one.way.command("session list");
            let why = format!(
                "this node knows no session that begins with {} since it was started: {list}",
                one.session.escape_debug()
            );
            Err(anyhow::anyhow!(why).into())
        }
        (Some(_), Some(_)) => Err(Failure::Usage(format!(
            "several sessions begin with {}: give more of it; {}",
            one.session.escape_debug(),
            one.way.command("session list")
        ))),
    }
}

fn list(arguments: &List) -> Result<(), Failure> {
    let sessions = all(&arguments.way)?;
    if arguments.json {
        print_line(&serde_json::to_string(&sessions).context("plain data")?);
        return Ok(());
    }
    if sessions.is_empty() {
        print_line("No session since the node was started.");
    }
    let row = |view: &SessionView| {
        // Once it is signed, nobody owes anything any more.
        let owing: &[u16] = match view.state.as_str() {
            "signed" => &[],
            _ => &view.owing,
        };
        vec![
            view.session.clone(),
            view.request.clone(),
            view.input
                .map_or_else(|| "-".to_owned(), |input| input.to_string()),
            view.state.clone(),
            view.attempts.len().to_string(),
            format!("{} ms", view.millis),
            numbers(owing),
        ]
    };
    let rows: Vec<Vec<String>> = sessions.iter().map(row).collect();
    // The beginning of a session's name is what the other commands take.
    let heads = [
        Column::text("session"),
        Column::hex("request"),
        Column::whole("input"),
        Column::whole("state"),
        Column::whole("attempts"),
        Column::whole("took"),
        Column::text("owing"),
    ];
    table::print(&heads, &rows);
    Ok(())
}

fn watch(one: &One) -> Result<(), Failure> {
    let mut view = find(one)?;
    let watching = Watching::new(one.json);
    while view.state == "signing" {
        watching.says(&awaited(&view));
        view = one
            .way
            .get(&format!("/v1/sessions/{}?wait=1", view.session))?;
    }
    drop(watching);
    show(one, &view)
}

fn show(one: &One, view: &SessionView) -> Result<(), Failure> {
    if one.json {
        print_line(&serde_json::to_string(view).context("plain data")?);
        return Ok(());
    }
    print_line(&format!("session   {}", view.session));
    print_line(&format!("request   {}", view.request));
    if let Some(input) = view.input {
        print_line(&format!("input     {input}"));
    }
    print_line(&format!("message   {}", view.message));
    print_line(&format!("state     {}, {} ms", view.state, view.millis));
    if let Some(why) = &view.why {
        print_line(&wrapped(&format!("          {}", printable(why)), 10));
    }
    if let Some(signature) = &view.signature {
        print_line(&format!("signature {}", short(signature)));
    }
    let row = |attempt: &AttemptView| {
        vec![
            attempt.number.to_string(),
            attempt.coordinator.to_string(),
            numbers(&attempt.committed),
            numbers(&attempt.chosen),
            numbers(&attempt.owing),
            format!("{} ms", attempt.millis),
        ]
    };
    let rows: Vec<Vec<String>> = view.attempts.iter().map(row).collect();
    let heads = [
        Column::whole("attempt"),
        Column::whole("coordinator"),
        Column::text("committed"),
        Column::text("chosen"),
        Column::text("owing"),
        Column::whole("took"),
    ];
    table::print(&heads, &rows);
    let signed = view.state == "signed";
    let unfinished = |attempt: &AttemptView| attempt.chosen.is_empty() || !attempt.owing.is_empty();
    if signed && view.attempts.iter().any(unfinished) {
        print_line("It is signed: what is owing in an attempt that did not finish is not needed.");
    }
    // Once it is signed, who was not needed owes nobody a word.
    if !view.silent.is_empty() && !signed {
        print_line(&format!("never heard of: {}", listed(&view.silent)));
    }
    Ok(())
}
