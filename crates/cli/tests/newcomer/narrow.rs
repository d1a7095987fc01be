//! A terminal of 80 columns: tables fit, and nothing is cut where standard output is no terminal.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::shell::{alone, said, Node};
use rustix::fs::{open, Mode, OFlags};
use rustix::process::Signal;
use rustix::pty::{grantpt, openpt, ptsname, unlockpt, OpenptFlags};
use rustix::termios::{tcsetwinsize, Winsize};

const COLUMNS: u16 = 80;

/// What a command prints on a terminal.
fn on_a_terminal(folder: &Path, line: &str) -> String {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let size = Winsize {
        ws_row: 24,
        ws_col: COLUMNS,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    tcsetwinsize(&theirs, size).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_hardfrost"));
    command.args(line.split_whitespace()).current_dir(folder);
    command.stdin(Stdio::null()).stderr(Stdio::inherit());
    let mut child = command
        .stdout(Stdio::from(File::from(theirs)))
        .spawn()
        .unwrap();
    drop(command);
    let mut said = Vec::new();
    let mut ours = File::from(ours);
    // Once nobody has the other end the system calls it an error.
    let _ended = ours.read_to_end(&mut said);
    assert!(child.wait().unwrap().success(), "{line}");
    String::from_utf8(said).unwrap()
}

fn widest(text: &str) -> usize {
    let wide = text.lines().map(|line| line.trim_end().chars().count());
    wide.max().unwrap_or(0)
}

#[test]
fn tables_fit_80_columns_and_are_whole_elsewhere() {
    let folder = alone();
    let here = folder.path();
    for name in ["bartholomew-of-the-far-country", "carol"] {
        let line = format!("init {name} --name {name} --address {name}.hardfrost.example:7400");
        said(here, &line);
    }
    let cards = "bartholomew-of-the-far-country/card.toml carol/card.toml";
    let roster = said(here, &format!("roster new alice/card.toml {cards}"));
    fs::write(here.join("other.toml"), roster).unwrap();
    let check = "roster check other.toml";
    let cut = on_a_terminal(here, check);
    assert!(widest(&cut) <= usize::from(COLUMNS), "{cut}");
    assert!(cut.contains('…'), "{cut}");
    let whole = said(here, check);
    assert!(widest(&whole) > usize::from(COLUMNS), "{whole}");
    assert!(!whole.contains('…'), "{whole}");

    let config = here.join("alice/node.toml");
    let text = fs::read_to_string(&config).unwrap();
    let both = text.replace("[\"roster.toml\"]", "[\"roster.toml\", \"../other.toml\"]");
    fs::write(&config, both).unwrap();
    let node = Node::run(here);
    let hash = said(here, "roster hash alice/roster.toml");
    let create = format!("key create --node alice -t 2 --roster {}", hash.trim());
    said(here, &create);
    said(here, "psbt sample --node alice --out spend.psbt");
    for command in [
        "key list --node alice",
        "key show --node alice --json",
        "node status --node alice",
        "psbt sign --node alice spend.psbt --yes --out signed.psbt",
        "session list --node alice",
        "session show --node alice hf-",
        "blame list --node alice",
    ] {
        let text = on_a_terminal(here, command);
        let fits = widest(&text) <= usize::from(COLUMNS);
        assert!(fits || command.ends_with("--json"), "{command}:\n{text}");
    }
    node.signal(Signal::TERM);
    assert_eq!(node.end().0, Some(0));
}
