//! The state pictures in `docs/states.md` name the states that the source has, no more and no fewer.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use syn::Item;

type Names = BTreeSet<String>;

/// A picture: the enum it shows, the file that has it, the states it names.
#[derive(Debug, PartialEq)]
struct Picture {
    name: String,
    file: String,
    states: Names,
}

/// The pictures of a document. Each follows a comment `<!-- states of ENUM in FILE -->`.
fn pictures(document: &str) -> Vec<Picture> {
    let after_comment = document.split("<!-- states of ").skip(1);
    let picture = |text: &str| {
        let (comment, rest) = text.split_once(" -->").unwrap();
        let (name, file) = comment.split_once(" in ").unwrap();
        let block = rest.split("```").nth(1).unwrap();
        let lines = block.strip_prefix("mermaid\nstateDiagram-v2\n").unwrap();
        Picture {
            name: name.to_owned(),
            file: file.to_owned(),
            states: lines.lines().flat_map(states_of_line).collect(),
        }
    };
    after_comment.map(picture).collect()
}

/// `A --> B: why` names A and B; `[*]` is no state.
fn states_of_line(line: &str) -> Vec<String> {
    let Some((from, to)) = line.split_once(" --> ") else {
        return Vec::new();
    };
    let to = to.split_once(':').map_or(to, |(state, _)| state);
    let both = [from.trim(), to.trim()].into_iter();
    both.filter(|state| *state != "[*]")
        .map(str::to_owned)
        .collect()
}

/// The variants of a source file's enum.
fn variants(source: &str, name: &str) -> Option<Names> {
    let items = syn::parse_file(source).unwrap().items.into_iter();
    let mut enums = items.filter_map(|item| {
        let Item::Enum(found) = item else {
            return None;
        };
        (found.ident == name).then_some(found)
    });
    let variants = enums.next()?.variants.into_iter();
    Some(variants.map(|variant| variant.ident.to_string()).collect())
}

/// What picture and source do not agree upon.
fn differences(picture: &Picture, source: &str) -> Vec<String> {
    let Picture { name, file, states } = picture;
    let Some(variants) = variants(source, name) else {
        return vec![format!("{file} has no enum {name}")];
    };
    let undrawn = variants.difference(states);
    let invented = states.difference(&variants);
    undrawn
        .map(|state| format!("{name}::{state} of {file} is not drawn"))
        .chain(invented.map(|state| format!("{name}::{state} is drawn and not in {file}")))
        .collect()
}

#[test]
fn the_pictures_show_the_states_of_the_source() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let pictures = pictures(&fs::read_to_string(root.join("docs/states.md")).unwrap());
    let shown: Vec<&str> = pictures.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(shown, ["Stage", "Outcome", "Step"]);
    for picture in &pictures {
        let source = fs::read_to_string(root.join(&picture.file)).unwrap();
        assert_eq!(differences(picture, &source), Vec::<String>::new());
    }
}

const DOCUMENT: &str = "# States\n<!-- states of Door in door.rs -->\n```mermaid\n\
    stateDiagram-v2\n    [*] --> Open\n    Open --> Shut: pushed: hard\n    Shut --> [*]\n```\n";

#[test]
fn a_state_that_is_not_drawn_is_found() {
    let picture = &pictures(DOCUMENT)[0];
    assert_eq!(
        differences(picture, "pub enum Door { Open, Shut }"),
        Vec::<String>::new()
    );
    assert_eq!(
        differences(picture, "enum Door { Open, Shut, Locked(u8) }"),
        ["Door::Locked of door.rs is not drawn"]
    );
}

#[test]
fn a_state_that_is_drawn_and_gone_is_found() {
    let picture = &pictures(DOCUMENT)[0];
    assert_eq!(
        differences(picture, "enum Door { Open }"),
        ["Door::Shut is drawn and not in door.rs"]
    );
    assert_eq!(
        differences(picture, "enum Gate { Open, Shut }"),
        ["door.rs has no enum Door"]
    );
}
