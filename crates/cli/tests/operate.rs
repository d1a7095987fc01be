#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! The commands of an operator, as a shell calls them: what they print, refuse, and end with.

mod shell;

use std::fs;

use rustix::process::Signal;
use shell::{alone, refused, said, Node};

#[test]
fn a_node_ends_with_0_when_it_is_told_to_stop_and_starts_again_after_kill_9() {
    let folder = alone();
    let here = folder.path();
    let error = refused(here, "node status --node alice", 3);
    assert!(error.contains("hardfrost node run --node alice"), "{error}");
    for signal in [Signal::TERM, Signal::INT] {
        let node = Node::run(here);
        node.signal(signal);
        let (code, log) = node.end();
        assert_eq!(code, Some(0), "{log}");
    }
    let node = Node::run(here);
    node.signal(Signal::KILL);
    assert_eq!(node.end().0, None);
    // Its socket is still there; nobody removes it by hand.
    let node = Node::run(here);
    let status = said(here, "node status --node alice");
    assert!(status.contains("not ready"), "{status}");
    assert!(status.contains("no key is held yet"), "{status}");
    let error = refused(here, "node run --node alice", 1);
    assert!(error.contains("another node serves this socket"), "{error}");
    node.signal(Signal::TERM);
    assert_eq!(node.end().0, Some(0));
}

#[test]
fn one_operator_with_two_seats_makes_a_key_and_signs_alone() {
    let folder = alone();
    let here = folder.path();
    let node = Node::run(here);
    let made = said(here, "key create --node alice -t 2");
    assert!(made.contains("signed by all members"), "{made}");
    said(here, "psbt sample --node alice --out spend.psbt");
    refused(here, "psbt sign --node alice spend.psbt", 2);
    said(
        here,
        "psbt sign --node alice spend.psbt --yes --out signed.psbt",
    );
    let transaction = said(here, "psbt finalize signed.psbt");
    assert!(transaction.starts_with("02000000000101"), "{transaction}");
    let error = refused(here, "psbt finalize spend.psbt", 1);
    assert!(error.contains("not signed yet"), "{error}");
    let mut forged = fs::read(here.join("signed.psbt")).unwrap();
    // The last byte of the only signature: PSBT_IN_TAP_KEY_SIG is key 13, its value 64 bytes.
    let key = forged
        .windows(3)
        .position(|bytes| bytes == [1, 0x13, 64])
        .unwrap();
    forged[key + 3 + 63] ^= 1;
    fs::write(here.join("forged.psbt"), forged).unwrap();
    let error = refused(here, "psbt finalize forged.psbt", 1);
    assert!(error.contains("consensus does not accept"), "{error}");
    let listed = said(here, "session list --node alice");
    assert!(listed.contains("signed"), "{listed}");
    let shown = said(here, "session show --node alice hf-");
    assert!(shown.contains("attempt"), "{shown}");
    assert_eq!(
        said(here, "blame list --node alice"),
        "Nobody is convicted.\n"
    );
    let address = said(here, "address --node alice --network bitcoin");
    assert!(address.starts_with("bc1p"), "{address}");
    said(
        here,
        "key show --node alice --certificate c.bin --roster r.toml",
    );
    let offline = said(
        here,
        "psbt show spend.psbt --certificate c.bin --roster r.toml",
    );
    assert_eq!(offline, said(here, "psbt show --node alice spend.psbt"));
    node.signal(Signal::TERM);
    assert_eq!(node.end().0, Some(0));
}

#[test]
fn every_mistake_in_a_configuration_is_named_with_file_and_key() {
    let folder = alone();
    let here = folder.path();
    let check = "node run --node alice --check";
    said(here, check);
    let file = here.join("alice/node.toml");
    let good = fs::read_to_string(&file).unwrap();
    for (from, to, key) in [
        ("log = \"human\"", "log = \"loud\"", "log"),
        ("listen = [\"127.", "listen = [\"somewhere.", "listen"),
        (
            "[network]",
            "[network]\nsend_frames = 7",
            "network.send_frames",
        ),
        ("transport = 1", "transport = 2", "transport"),
        ("\"identity.key\"", "\"engine.key\"", "identity"),
        ("roster.toml\"]", "rooster.toml\"]", "rooster.toml"),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{from}");
        fs::write(&file, bad).unwrap();
        let error = refused(here, check, 1);
        assert!(error.contains(key), "{key} is not in: {error}");
    }
    fs::write(&file, &good).unwrap();
    let roster = here.join("alice/roster.toml");
    let text = fs::read_to_string(&roster).unwrap();
    said(here, "init bob --name bob --seats 2");
    fs::write(&roster, said(here, "roster new bob/card.toml")).unwrap();
    let error = refused(here, check, 1);
    assert!(
        error.contains("roster.toml") && error.contains("has no seat"),
        "{error}"
    );
    fs::write(&roster, text).unwrap();
    said(here, check);
    let error = refused(here, "node run --node nowhere", 1);
    assert!(error.contains("hardfrost init"), "{error}");
    let error = refused(here, "init alice --name alice", 1);
    assert!(error.contains("is not empty"), "{error}");
}

#[test]
fn a_transport_key_changes_and_the_roster_keeps_its_hash() {
    let folder = alone();
    let here = folder.path();
    let hash = said(here, "roster hash alice/roster.toml");
    let card = said(
        here,
        "node card --node alice --new-transport-key --address elsewhere.example:1",
    );
    fs::write(here.join("new.toml"), &card).unwrap();
    let roster = said(here, "roster update alice/roster.toml new.toml");
    fs::write(here.join("alice/roster.toml"), &roster).unwrap();
    assert_eq!(said(here, "roster hash alice/roster.toml"), hash);
    assert!(said(here, "roster check alice/roster.toml").contains("elsewhere.example:1"));
    // The roster knows the new key; the node uses the old one until its configuration says so.
    let error = refused(here, "node run --node alice", 1);
    assert!(error.contains("another transport key"), "{error}");
    let file = here.join("alice/node.toml");
    let old = fs::read_to_string(&file).unwrap();
    fs::write(&file, old.replace("transport = 1", "transport = 2")).unwrap();
    let node = Node::run(here);
    node.signal(Signal::TERM);
    assert_eq!(node.end().0, Some(0));
}

#[test]
fn completions_and_pages_name_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let bash = said(folder.path(), "completions bash");
    said(folder.path(), "man pages");
    for command in [
        "node run",
        "key create",
        "psbt sign",
        "session watch",
        "roster update",
    ] {
        let (first, second) = command.split_once(' ').unwrap();
        let page = format!("pages/hardfrost-{first}-{second}.1");
        let page = fs::read_to_string(folder.path().join(page)).unwrap();
        assert!(page.contains("Example"), "{command}");
        assert!(
            bash.contains(&format!("hardfrost__subcmd__{first}__subcmd__{second}"))
                || bash.contains(&format!("hardfrost__{first}__{second}")),
            "{command}"
        );
    }
}
