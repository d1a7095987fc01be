//! Every command that answers has `--json`.

use std::process::Command;

/// Commands without it, and why.
const WITHOUT: [(&str, &str); 3] = [
    ("completions", "what a shell reads is the answer"),
    ("man", "it writes files and says nothing"),
    (
        "engine serve",
        "it serves until it is stopped; its socket answers",
    ),
];

fn help(words: &[String]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hardfrost"));
    let output = command.args(words).arg("--help").output().unwrap();
    assert!(output.status.success(), "{words:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The names under `Commands:`.
fn commands(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = listed.take_while(|line| !line.is_empty());
    // A description that goes on is indented further.
    let named = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = named.filter_map(|line| line.split_whitespace().next());
    names
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_command_that_answers_has_json() {
    let mut without: Vec<&str> = WITHOUT.iter().map(|(command, _)| *command).collect();
    let mut ahead: Vec<Vec<String>> = vec![Vec::new()];
    let mut seen = 0;
    while let Some(words) = ahead.pop() {
        let text = help(&words);
        let below = commands(&text);
        let deeper = below
            .iter()
            .map(|name| [&words[..], std::slice::from_ref(name)].concat());
        ahead.extend(deeper);
        if !below.is_empty() {
            continue;
        }
        seen += 1;
        let name = words.join(" ");
        let excepted = without.iter().position(|command| *command == name);
        match excepted {
            Some(place) => {
                without.remove(place);
                assert!(!text.contains("--json"), "{name} has --json: no exception");
            }
            None => assert!(text.contains("--json"), "{name} has no --json"),
        }
    }
    assert!(seen > 25, "{seen} commands were found");
    assert_eq!(without, [] as [&str; 0], "there are no such commands");
}
