//! What a newcomer gets wrong: each mistake is refused in words that say what to do.

use std::fs;
use std::path::Path;

use crate::shell::{alone, hardfrost, refused, said, Node};
use rustix::process::Signal;
use serde_json::Value;

fn json(folder: &Path, line: &str) -> Value {
    serde_json::from_str(&said(folder, line)).unwrap()
}

/// Every word is in the text.
fn tells(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word} is not in: {text}");
    }
}

#[test]
fn a_folder_without_a_roster_and_a_roster_of_one_seat_say_what_they_need() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let made = said(here, "init alice --name alice --listen 127.0.0.1:7400");
    tells(&made, &["alice/card.toml", "node run --node alice"]);
    let error = refused(here, "node run --node alice --check", 1);
    tells(&error, &["alice/roster.toml", "hardfrost roster new"]);
    let error = refused(here, "roster new alice/card.toml", 1);
    tells(&error, &["one seat", "the cards of all operators"]);
    let error = refused(here, "roster new alice", 1);
    tells(&error, &["alice is a folder", "alice/card.toml"]);
    let error = refused(here, "roster hash alice", 1);
    tells(&error, &["alice is a folder", "alice/roster.toml"]);
    let error = refused(here, "roster new alice/card.toml alice/card.toml", 1);
    tells(&error, &["alice", "one card given twice"]);
    let error = refused(here, "init bob --name bob --listen localhost", 2);
    tells(&error, &["10.0.0.1:7400", "--address"]);
}

#[test]
fn a_file_of_a_roster_or_a_card_is_in_its_json_too() {
    let folder = alone();
    let here = folder.path();
    let hash = said(here, "roster hash alice/roster.toml");
    let new = json(here, "roster new alice/card.toml --json");
    assert_eq!(new["hash"], hash.trim());
    let text = fs::read_to_string(here.join("alice/roster.toml")).unwrap();
    assert_eq!(new["toml"].as_str().unwrap().trim(), text.trim());
    assert_eq!(
        json(here, "roster hash alice/roster.toml --json")["hash"],
        hash.trim()
    );
    let card = json(here, "node card --node alice --json");
    fs::write(here.join("card.toml"), card["toml"].as_str().unwrap()).unwrap();
    let update = "roster update alice/roster.toml card.toml --json";
    assert_eq!(json(here, update)["hash"], hash.trim());
}

#[test]
fn a_check_has_looked_at_the_engine_and_says_so_where_it_has_not() {
    let folder = alone();
    let here = folder.path();
    let check = "node run --node alice --check --json";
    let status = "store status alice/engine --key-file alice/engine.key --json";
    let before = json(here, status);
    let checked = json(here, check);
    assert_eq!(
        (&checked["engine"], &checked["keys"]),
        (&"sound".into(), &0.into())
    );
    assert_eq!(json(here, status), before, "a check changes nothing");
    let node = Node::run(here);
    let checked = json(here, check);
    assert_eq!(checked["engine"], "in_use");
    tells(
        checked["in_use_by"].as_str().unwrap(),
        &["process", "alice/engine"],
    );
    tells(
        &said(here, "node run --node alice --check"),
        &["not looked at", "Stop the node"],
    );
    node.signal(Signal::TERM);
    assert_eq!(node.end().0, Some(0));
    let records = here.join("alice/engine/records.db");
    let good = fs::read(&records).unwrap();
    fs::write(&records, &good[..good.len() / 2]).unwrap();
    tells(&refused(here, check, 1), &["alice/engine"]);
    fs::remove_dir_all(here.join("alice/engine")).unwrap();
    tells(
        &refused(here, check, 1),
        &["there is no store in", "backup"],
    );
}

#[test]
fn no_engine_runs_on_an_identity_store() {
    let folder = alone();
    let here = folder.path();
    let serve = "engine serve --store alice/identity --key-file alice/identity.key \
                 --socket alice/engine.sock";
    let words = ["identity store", "beside it as engine"];
    tells(&refused(here, serve, 1), &words);
    let file = here.join("alice/node.toml");
    let config = fs::read_to_string(&file).unwrap();
    let (before, engine) = config.split_once("[engine]").unwrap();
    let engine = engine.replace("\"engine", "\"identity");
    fs::write(&file, format!("{before}[engine]{engine}")).unwrap();
    for command in ["node run --node alice", "node run --node alice --check"] {
        tells(&refused(here, command, 1), &words);
    }
}

/// Alice runs, bob is in the roster and does not.
fn waits_for_bob(here: &Path) -> Node {
    said(here, "init bob --name bob");
    let roster = said(here, "roster new alice/card.toml bob/card.toml");
    fs::write(here.join("alice/roster.toml"), roster).unwrap();
    Node::run(here)
}

#[test]
fn a_key_generation_that_nobody_joins_is_shown_and_can_be_ended() {
    let folder = alone();
    let here = folder.path();
    let node = waits_for_bob(here);
    let create = "key create --node alice -t 2 --detach";
    let begun = said(here, create);
    let code = begun.split_whitespace().last().unwrap();
    for command in ["key list --node alice", "node status --node alice"] {
        let words = ["(bob), until 20", code, "key cancel --node alice"];
        tells(&said(here, command), &words);
    }
    tells(&refused(here, create, 1), &["under way", "key cancel"]);
    let error = refused(here, "address --node alice", 1);
    tells(&error, &["is being made", "key list --node alice"]);
    let detached = format!("key create --node alice -t 2 --join {code} --detach");
    tells(&said(here, &detached), &["key list --node alice"]);
    let ended = said(here, "key cancel --node alice");
    tells(&ended, &["is ended", "until 20"]);
    let error = refused(here, "key cancel --node alice", 1);
    tells(&error, &["no key generation is under way"]);
    let rejoined = format!("key create --node alice -t 2 --join {code}");
    tells(&refused(here, &rejoined, 1), &["operator cancelled it"]);
    let view = json(here, "key create --node alice -t 2 --detach --json");
    let id = &view["id"].as_str().unwrap()[..8];
    let ended = json(here, &format!("key cancel --node alice {id} --json"));
    assert_eq!(ended["state"], "failed");
    node.signal(Signal::TERM);
    assert_eq!(node.end().0, Some(0));
}

#[test]
fn whoever_waits_for_the_others_is_told_who_is_missing() {
    let folder = alone();
    let here = folder.path();
    let node = waits_for_bob(here);
    let error = refused(here, "node status --node alice --wait 1", 1);
    tells(&error, &["after 1 second", "no link to bob"]);
    node.signal(Signal::TERM);
    assert_eq!(node.end().0, Some(0));
}

#[test]
fn a_key_of_a_roster_that_is_not_there_is_named_with_its_roster() {
    let folder = alone();
    let here = folder.path();
    let node = Node::run(here);
    let key = json(here, "key create --node alice -t 2 --json")["key_group"].clone();
    let key = key.as_str().unwrap();
    node.signal(Signal::TERM);
    assert_eq!(node.end().0, Some(0));
    let hash = said(here, "roster hash alice/roster.toml");
    let node = waits_for_bob(here);
    let words = [key, hash.trim(), "node.toml", "rosters"];
    let status = said(here, "node status --node alice");
    tells(&status, &[&words[..], &["not ready"]].concat());
    tells(&said(here, "key list --node alice"), &words);
    tells(&refused(here, "address --node alice", 1), &words);
    let named = format!("address --node alice --key {}", &key[..8]);
    tells(&refused(here, &named, 1), &words);
    node.signal(Signal::TERM);
    assert_eq!(node.end().0, Some(0));
    let check = said(here, "node run --node alice --check");
    tells(&check, &words);
}

#[test]
fn what_is_over_is_called_over_and_what_is_unknown_says_where_to_look() {
    let folder = alone();
    let here = folder.path();
    let node = Node::run(here);
    let made = said(here, "key create --node alice -t 2");
    tells(&made, &["Next: hardfrost address --node alice\n"]);
    let sample = said(here, "psbt sample --node alice --out spend.psbt");
    tells(&sample, &["hardfrost psbt show spend.psbt --node alice"]);
    said(
        here,
        "psbt sign --node alice spend.psbt --yes --out signed.psbt",
    );
    let again = said(here, "psbt approve --node alice spend.psbt --yes");
    tells(&again, &["is over: signed before", "psbt sign"]);
    assert!(!again.contains("once enough"), "{again}");
    let listed = json(here, "session list --node alice --json");
    let session = listed[0]["session"].as_str().unwrap();
    let error = refused(here, "session show --node alice hf-zz", 1);
    tells(&error, &["hf-zz", "session list --node alice"]);
    let error = refused(here, "key show --node alice --key zz", 2);
    tells(&error, &["zz is no key", "key list --node alice"]);
    let error = refused(here, "key show --node alice --key 0f", 1);
    tells(&error, &["no share of 0f", "key list --node alice"]);
    said(here, &format!("session show --node alice {session}"));
    let error = refused(here, "psbt show spend.psbt", 2);
    tells(&error, &["--node", "--certificate"]);
    let error = refused(here, "psbt show --node alice -", 1);
    tells(&error, &["nothing came on standard input"]);
    for action in ["show", "watch", "cancel"] {
        let help = said(here, &format!("session {action} --help"));
        tells(
            &help,
            &[&format!("hardfrost session {action} --node alice")],
        );
    }
    node.signal(Signal::TERM);
    assert_eq!(node.end().0, Some(0));
    let quarantine = "store quarantine alice/engine --key-file alice/engine.key --member 2";
    for order in ["--reason slow", "--lift"] {
        let error = refused(here, &format!("{quarantine} {order}"), 1);
        tells(&error, &["own seat", "kill-switch"]);
    }
    let stop = "store kill-switch alice/engine --key-file alice/engine.key --for-good \
                --reason lost --session hf-none";
    let stopped = said(here, stop);
    let since = stopped.split("Since ").nth(1).unwrap();
    assert_eq!(
        (&since[..2], &since[10..11], &since[19..21]),
        ("20", "T", "Z:")
    );
}

#[test]
fn what_is_no_node_is_said_plainly() {
    let folder = tempfile::tempdir().unwrap();
    let error = refused(folder.path(), "key list", 1);
    tells(&error, &["working folder", "--node", "hardfrost init"]);
    let output = hardfrost(folder.path(), "node status --node nowhere --json");
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
}
