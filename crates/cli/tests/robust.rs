//! Signing while members are silent and others cheat: it comes to a signature, and only cheats are convicted.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn demo(dir: &Path, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hardfrost"));
    command.current_dir(dir).args(["demo", "--in-process"]);
    command.args(arguments.split_whitespace()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn numbers(value: &Value) -> BTreeSet<u64> {
    let all = value.as_array().unwrap().iter();
    all.map(|number| number.as_u64().unwrap()).collect()
}

/// A finished demonstration: who cheated by its story, and the report in its folder.
struct Told {
    cheats: BTreeSet<u64>,
    report: Value,
}

impl Told {
    fn culprits(&self) -> BTreeSet<u64> {
        let culprits = self.report["culprits"].as_array().unwrap().iter();
        culprits.map(|c| c["member"].as_u64().unwrap()).collect()
    }

    /// Cheats that some package chose.
    fn chosen_cheats(&self) -> BTreeSet<u64> {
        let attempts = self.report["attempts"].as_array().unwrap().iter();
        let chosen = attempts.flat_map(|attempt| numbers(&attempt["chosen"]));
        chosen.filter(|m| self.cheats.contains(m)).collect()
    }
}

/// Runs the demonstration and checks what holds for every way to cheat: it signs, and convicts cheats only.
fn signed_despite(sizes: &str, cheat_kind: &str, proven: Option<&str>) -> Told {
    let dir = tempfile::tempdir().unwrap();
    let output = demo(dir.path(), &format!("{sizes} --cheat-kind {cheat_kind}"));
    let (story, error) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(
        output.status.code(),
        Some(0),
        "{cheat_kind}: {error}\n{story}"
    );
    let told = Told {
        cheats: cheats(&story, cheat_kind),
        report: serde_json::from_slice(
            &fs::read(dir.path().join("hardfrost-demo/demo.json")).unwrap(),
        )
        .unwrap(),
    };
    assert_eq!(told.report["verified"], true);
    assert!(told.culprits().is_subset(&told.cheats), "{story}");
    for culprit in told.report["culprits"].as_array().unwrap() {
        assert_eq!(culprit["kind"].as_str(), proven, "{story}");
        assert!(dir
            .path()
            .join(culprit["evidence"].as_str().unwrap())
            .is_file());
    }
    told
}

/// The members on the story's line about cheating.
fn cheats(story: &str, cheat_kind: &str) -> BTreeSet<u64> {
    let begins = format!("   from here on, cheating by {cheat_kind}: ");
    let named = story.lines().find_map(|line| line.strip_prefix(&begins));
    let words = named.unwrap().split([' ', ',']);
    words.filter_map(|word| word.parse().ok()).collect()
}

const FIVE: &str = "-t 3 -n 5 --silent 1 --cheat 1";
const TEN: &str = "-t 7 -n 10 --silent 1 --cheat 2";

#[test]
fn a_bad_share_convicts_every_chosen_cheat() {
    let five = signed_despite(FIVE, "bad-share", Some("invalid-share"));
    assert_eq!(five.culprits(), BTreeSet::from([1]));
    let ten = signed_despite(TEN, "bad-share", Some("invalid-share"));
    assert_eq!(ten.cheats, BTreeSet::from([1, 2]));
    assert!(!ten.culprits().is_empty());
    assert_eq!(ten.culprits(), ten.chosen_cheats());
}

#[test]
fn two_shares_convict_every_chosen_cheat_even_where_one_of_them_is_good() {
    for sizes in [FIVE, TEN] {
        let told = signed_despite(sizes, "double-share", Some("double-share"));
        assert!(!told.culprits().is_empty());
        assert_eq!(told.culprits(), told.chosen_cheats());
    }
}

#[test]
fn two_commitments_convict_every_cheat_chosen_or_not() {
    for sizes in [FIVE, TEN] {
        let told = signed_despite(sizes, "double-commit", Some("double-commitments"));
        assert_eq!(told.culprits(), told.cheats);
    }
}

#[test]
fn a_malformed_package_convicts_its_coordinator() {
    for sizes in [FIVE, TEN] {
        let told = signed_despite(sizes, "bad-package", Some("malformed-package"));
        assert_eq!(told.culprits(), told.cheats);
    }
}

#[test]
fn two_packages_convict_their_coordinator() {
    for sizes in [FIVE, TEN] {
        let told = signed_despite(sizes, "double-package", Some("double-package"));
        assert!(!told.culprits().is_empty());
    }
}

#[test]
fn silence_and_withholding_are_never_proven() {
    for sizes in [FIVE, TEN] {
        for cheat_kind in ["stall", "withhold"] {
            let told = signed_despite(sizes, cheat_kind, None);
            assert_eq!(told.culprits(), BTreeSet::new());
        }
    }
}

#[test]
fn silent_members_alone_cost_no_conviction() {
    let dir = tempfile::tempdir().unwrap();
    let output = demo(dir.path(), "-t 3 -n 5 --silent 2 --json");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["verified"], true);
    assert_eq!(report["culprits"], serde_json::json!([]));
    let attempts = report["attempts"].as_array().unwrap();
    let chosen: Vec<_> = attempts.iter().map(|a| numbers(&a["chosen"])).collect();
    assert!(chosen.contains(&BTreeSet::from([1, 2, 3])));
    assert!(chosen.iter().all(|c| !c.contains(&4) && !c.contains(&5)));
}

#[test]
fn more_faults_than_the_group_bears_are_called_infeasible_and_the_missing_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let output = demo(dir.path(), "--silent 2 --cheat 1 --cheat-kind stall");
    let (story, error) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{story}");
    for said in [
        "infeasible: 2 of 5 members do their part, 3 must sign",
        "never answered: members 4 and 5",
        "owing a valid share: member 1",
    ] {
        assert!(story.contains(said) && error.contains(said), "{story}");
    }
    assert!(story.contains("not finished"), "{story}");
    for false_word in ["consensus", "spending.hex", "spend.after", "convicted"] {
        assert!(!story.contains(false_word), "{false_word}: {story}");
    }
    let out = dir.path().join("hardfrost-demo");
    assert!(!out.join("spending.hex").exists());
    let report = fs::read(out.join("demo.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(report["verified"], false);
}

#[test]
fn a_key_that_needs_everybody_is_lost_to_one_convicted_member() {
    let dir = tempfile::tempdir().unwrap();
    let output = demo(dir.path(), "-t 3 -n 3 --cheat 1 --json");
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert!(error.contains("infeasible: too many members are convicted"));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["culprits"][0]["member"], 1);
}

#[test]
fn faults_that_make_no_sense_are_wrong_usage() {
    let dir = tempfile::tempdir().unwrap();
    for (arguments, says) in [
        ("--silent 3 --cheat 2 -n 5", "must be honest"),
        ("--cheat-kind stall", "--cheat <K>"),
        ("--cheat-kind bad-share --silent 1", "--cheat <K>"),
        ("--cheat 1 --cheat-kind kindness", "invalid value"),
    ] {
        let output = demo(dir.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments}");
        let error = text(&output.stderr);
        assert!(error.contains(says), "{arguments}: {error}");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn no_line_of_the_story_is_wider_than_a_terminal() {
    let dir = tempfile::tempdir().unwrap();
    for arguments in [
        "",
        "-t 13 -n 14",
        FIVE,
        "--silent 2 --cheat 1 --cheat-kind stall",
    ] {
        let story = text(&demo(dir.path(), arguments).stdout);
        let wide = story.lines().find(|line| line.chars().count() > 80);
        assert_eq!(wide, None, "{arguments}");
        assert!(!story.contains("\n\n\n"), "{story}");
    }
}
