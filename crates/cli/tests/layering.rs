#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! The arrows between the crates: nothing points up, the cores do no I/O, and one consensus library judges us.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};

/// What each crate may depend on, beside `primitives`, which is open to all.
const ARROWS: [(&str, &[&str]); 19] = [
    ("primitives", &[]),
    ("locked", &[]),
    ("frost", &["locked"]),
    ("wire", &[]),
    ("spend", &["frost"]),
    ("evidence", &["wire", "frost"]),
    ("engine", &["spend", "frost", "locked"]),
    ("dkg", &["evidence", "wire", "frost"]),
    ("roast", &["evidence", "wire", "frost"]),
    (
        "seat",
        &["roast", "dkg", "engine", "evidence", "frost", "wire"],
    ),
    ("store", &["engine", "locked"]),
    ("net", &[]),
    // Beside the engine, the values that its commands carry.
    ("api", &["engine", "frost", "spend"]),
    // The loop names the values that it joins: commands and frames, certificates and proofs, transactions.
    (
        "node",
        &[
            "seat", "store", "net", "api", "engine", "wire", "frost", "dkg", "roast", "evidence",
            "spend",
        ],
    ),
    ("sim", &["seat", "engine"]),
    // It names the values that it carries: shares and packages, transactions.
    ("ffi", &["engine", "store", "frost", "spend"]),
    ("cli", &["api", "node", "sim", "evidence"]),
    // The mixed test sessions: a program beside the house. No row names it, so nothing depends on it.
    ("interop", &["frost"]),
    // The measurements: a program beside the house too, and the only place for other implementations to compare with.
    ("bench", &["frost", "engine", "spend", "store"]),
];

/// The binary looks at transactions, certificates, proofs and stores itself, and gives a traitor's node its transport.
/// Its demonstration can run all nodes in one process, so it may reach these for as long as there is no simulator.
const LOOP_IN_CLI: [&str; 9] = [
    "seat", "engine", "spend", "dkg", "wire", "frost", "roast", "store", "net",
];

/// It asks the system for memory, as the allocator does, and for nothing else. It decides nothing, and is no shell.
/// What is behind it is its own affair.
const MEMORY: &str = "hardfrost-locked";

/// The crates that decide.
const CORES: [&str; 9] = [
    "primitives",
    "frost",
    "wire",
    "evidence",
    "spend",
    "engine",
    "dkg",
    "roast",
    "seat",
];

/// A package's name as the tables have it.
fn short(package: &str) -> &str {
    match package {
        "hardfrost" => "cli",
        _ => package.strip_prefix("hardfrost-").unwrap_or(package),
    }
}

fn is_core(package: &str) -> bool {
    CORES.contains(&short(package))
}

/// Runtimes, sockets, disks and terminals: no core reaches them, through however many crates.
const OUT_OF_REACH: [&str; 30] = [
    "async-io",
    "async-std",
    "axum",
    "clap",
    "crossterm",
    "ctrlc",
    "dialoguer",
    "directories",
    "h2",
    "hyper",
    "indicatif",
    "libsqlite3-sys",
    "memmap2",
    "mio",
    "notify",
    "polling",
    "quinn",
    "rayon",
    "redb",
    "reqwest",
    "rusqlite",
    "rustls",
    "signal-hook",
    "sled",
    "smol",
    "socket2",
    "tempfile",
    "tokio",
    "tokio-rustls",
    "ureq",
];

/// Randomness, clocks and errors without a type: some library brings them, no core takes them itself.
const NOT_TAKEN: [&str; 6] = ["anyhow", "chrono", "getrandom", "rand", "time", "tracing"];

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Normal,
    Development,
}

struct Dependency {
    on: String,
    kind: Kind,
    features: Vec<String>,
}

/// One crate of the workspace.
#[derive(Default)]
struct Crate {
    dependencies: Vec<Dependency>,
    /// What the entries of its own `[features]` switch on, as `crate/feature`.
    switches: Vec<String>,
    /// Every package behind its normal dependencies, however far.
    reaches: BTreeSet<String>,
}

impl Crate {
    /// What it depends on outside its tests.
    fn normal(&self) -> impl Iterator<Item = &str> {
        let normal = self.dependencies.iter().filter(|d| d.kind == Kind::Normal);
        normal.map(|dependency| dependency.on.as_str())
    }
}

type Graph = BTreeMap<String, Crate>;

/// Normal dependencies inside the workspace that the table does not draw, and crates that it does not know.
fn forbidden_arrows(graph: &Graph) -> Vec<String> {
    let mut found = Vec::new();
    for (from, node) in graph {
        let Some((name, drawn)) = ARROWS.iter().find(|(name, _)| *name == short(from)) else {
            found.push(format!("{from} has no row in the table"));
            continue;
        };
        let loop_in_cli = *name == "cli" && !graph.contains_key("hardfrost-sim");
        for on in node.normal().filter(|on| graph.contains_key(*on)) {
            let to = short(on);
            let excepted = loop_in_cli && LOOP_IN_CLI.contains(&to);
            if to != "primitives" && !drawn.contains(&to) && !excepted {
                found.push(format!("{from} → {on} is not drawn"));
            }
        }
    }
    found
}

/// Cores that use a shell, be it only in their tests.
fn cores_over_shells(graph: &Graph) -> Vec<String> {
    let mut found = Vec::new();
    for (from, node) in graph.iter().filter(|(name, _)| is_core(name)) {
        for Dependency { on, .. } in &node.dependencies {
            if graph.contains_key(on) && !is_core(on) && on != MEMORY {
                found.push(format!("{from}, a core, uses {on}, a shell"));
            }
        }
    }
    found
}

/// Cores that can do I/O, or help themselves to randomness or a clock.
fn impure_cores(graph: &Graph) -> Vec<String> {
    let mut found = Vec::new();
    for (from, node) in graph.iter().filter(|(name, _)| is_core(name)) {
        let reached = node
            .reaches
            .iter()
            .filter(|on| OUT_OF_REACH.contains(&on.as_str()));
        found.extend(reached.map(|on| format!("{from} reaches {on}")));
        let taken = node.normal().filter(|on| NOT_TAKEN.contains(on));
        found.extend(taken.map(|on| format!("{from} depends on {on}")));
    }
    found
}

/// Manifests that switch on `bitcoin`'s own consensus feature, which accepts corrupt taproot signatures.
fn lenient_consensus(graph: &Graph) -> Vec<String> {
    let mut found = Vec::new();
    for (from, node) in graph {
        let taken = node.dependencies.iter().filter(|d| d.on == "bitcoin");
        let taken = taken.flat_map(|d| {
            d.features
                .iter()
                .map(|feature| format!("bitcoin/{feature}"))
        });
        for switch in taken.chain(node.switches.iter().cloned()) {
            let plain = switch.replace('?', "");
            if plain.starts_with("bitcoin/bitcoinconsensus") {
                found.push(format!("{from} switches on {plain}"));
            }
        }
    }
    found
}

fn all_faults(graph: &Graph) -> Vec<String> {
    [
        forbidden_arrows,
        cores_over_shells,
        impure_cores,
        lenient_consensus,
    ]
    .iter()
    .flat_map(|check| check(graph))
    .collect()
}

/// The triple of this machine, so that packages of other systems need not be downloaded.
fn host() -> String {
    let output = Command::new("rustc").arg("-vV").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap()
        .to_owned()
}

fn workspace() -> Metadata {
    MetadataCommand::new()
        .manifest_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml"))
        .other_options(["--frozen".into(), "--filter-platform".into(), host()])
        .exec()
        .unwrap()
}

/// The names of all packages behind `start`, by normal dependencies only.
fn reached(metadata: &Metadata, start: &PackageId) -> BTreeSet<String> {
    let nodes = &metadata.resolve.as_ref().unwrap().nodes;
    let mut open = vec![start];
    let mut seen = BTreeSet::from([start]);
    while let Some(id) = open.pop() {
        if metadata[id].name.as_str() == MEMORY {
            continue;
        }
        let node = nodes.iter().find(|node| &node.id == id).unwrap();
        let normal = node.deps.iter().filter(|dependency| {
            dependency
                .dep_kinds
                .iter()
                .any(|kind| kind.kind == DependencyKind::Normal)
        });
        open.extend(
            normal
                .map(|dependency| &dependency.pkg)
                .filter(|id| seen.insert(id)),
        );
    }
    seen.remove(start);
    seen.into_iter()
        .map(|id| metadata[id].name.to_string())
        .collect()
}

fn read(metadata: &Metadata, package: &Package) -> Crate {
    let dependencies = package.dependencies.iter().map(|dependency| {
        let development = dependency.kind == DependencyKind::Development;
        Dependency {
            on: dependency.name.clone(),
            kind: if development {
                Kind::Development
            } else {
                Kind::Normal
            },
            features: dependency.features.clone(),
        }
    });
    Crate {
        dependencies: dependencies.collect(),
        switches: package.features.values().flatten().cloned().collect(),
        reaches: reached(metadata, &package.id),
    }
}

fn graph_of_the_workspace() -> Graph {
    let metadata = workspace();
    let packages = metadata.workspace_packages();
    packages
        .iter()
        .map(|package| (package.name.to_string(), read(&metadata, package)))
        .collect()
}

/// A small graph: each entry is a crate and its dependencies.
fn graph(crates: &[(&str, &[(&str, Kind)])]) -> Graph {
    let node = |dependencies: &[(&str, Kind)]| Crate {
        dependencies: dependencies
            .iter()
            .map(|(on, kind)| Dependency {
                on: (*on).into(),
                kind: *kind,
                features: Vec::new(),
            })
            .collect(),
        ..Crate::default()
    };
    crates
        .iter()
        .map(|(name, dependencies)| ((*name).into(), node(dependencies)))
        .collect()
}

#[test]
fn the_workspace_keeps_the_arrows() {
    let graph = graph_of_the_workspace();
    assert!(graph.contains_key("hardfrost"), "this is not our workspace");
    assert!(
        graph["hardfrost-frost"].reaches.contains("frost-core"),
        "the packages behind a crate were not read"
    );
    assert_eq!(all_faults(&graph), Vec::<String>::new());
}

/// The crates that may hold `unsafe`, and the file that allows it: in itself, or in a module that it names.
const UNSAFE: [(&str, &str); 2] = [
    (MEMORY, "crates/locked/src/map.rs"),
    ("hardfrost-ffi", "crates/ffi/src/lib.rs"),
];

#[test]
fn unsafe_code_is_in_two_files_and_every_other_crate_forbids_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for package in workspace().workspace_packages() {
        let manifest = std::fs::read_to_string(&package.manifest_path).unwrap();
        let forbids = manifest.contains("[lints]\nworkspace = true");
        let denies = manifest.contains("unsafe_code = \"deny\"");
        let mut excepted = UNSAFE.iter();
        let excepted = excepted.find(|(name, _)| *name == package.name.as_str());
        assert_eq!(forbids, excepted.is_none(), "{}", package.name);
        assert!(forbids || denies, "{}", package.name);
        let Some((_, only)) = excepted else {
            continue;
        };
        let allowed = |path: &Path| {
            let text = std::fs::read_to_string(path).unwrap();
            text.contains("allow(\n    unsafe_code") || text.contains("allow(unsafe_code")
        };
        let folder = package.manifest_path.parent().unwrap().join("src");
        let files = std::fs::read_dir(folder).unwrap();
        let files = files.map(|entry| entry.unwrap().path());
        let allowing: Vec<_> = files.filter(|p| p.is_file() && allowed(p)).collect();
        let only = root.join(only).canonicalize().unwrap();
        assert_eq!(allowing, [only]);
    }
}

#[test]
fn an_arrow_that_is_not_drawn_is_found() {
    let upwards = graph(&[
        (
            "hardfrost-engine",
            &[("hardfrost-roast", Kind::Normal), ("serde", Kind::Normal)],
        ),
        ("hardfrost-roast", &[("hardfrost-wire", Kind::Normal)]),
        ("hardfrost-wire", &[("hardfrost-primitives", Kind::Normal)]),
        (
            "hardfrost-primitives",
            &[("hardfrost-wire", Kind::Development)],
        ),
    ]);
    assert_eq!(
        all_faults(&upwards),
        ["hardfrost-engine → hardfrost-roast is not drawn"]
    );
}

#[test]
fn a_crate_without_a_row_is_found() {
    let stranger = graph(&[("hardfrost-util", &[])]);
    assert_eq!(
        all_faults(&stranger),
        ["hardfrost-util has no row in the table"]
    );
}

#[test]
fn the_binary_may_hold_a_loop_only_until_the_simulator_exists() {
    let cli = ("hardfrost", &[("hardfrost-seat", Kind::Normal)][..]);
    let seat = ("hardfrost-seat", &[][..]);
    assert_eq!(all_faults(&graph(&[cli, seat])), Vec::<String>::new());
    let with_sim = graph(&[
        cli,
        seat,
        ("hardfrost-sim", &[("hardfrost-seat", Kind::Normal)]),
    ]);
    assert_eq!(
        all_faults(&with_sim),
        ["hardfrost → hardfrost-seat is not drawn"]
    );
}

#[test]
fn a_core_that_tests_itself_with_a_shell_is_found() {
    let graph = graph(&[
        ("hardfrost-seat", &[("hardfrost-sim", Kind::Development)]),
        ("hardfrost-sim", &[("hardfrost-seat", Kind::Normal)]),
    ]);
    assert_eq!(
        all_faults(&graph),
        ["hardfrost-seat, a core, uses hardfrost-sim, a shell"]
    );
}

#[test]
fn a_core_that_reaches_io_or_randomness_is_found() {
    let mut graph = graph(&[
        (
            "hardfrost-wire",
            &[("rand", Kind::Normal), ("tempfile", Kind::Development)],
        ),
        ("hardfrost-store", &[("rusqlite", Kind::Normal)]),
    ]);
    graph.get_mut("hardfrost-wire").unwrap().reaches = ["rand", "mio"].map(String::from).into();
    assert_eq!(
        all_faults(&graph),
        [
            "hardfrost-wire reaches mio",
            "hardfrost-wire depends on rand"
        ]
    );
}

#[test]
fn the_lenient_consensus_feature_is_found() {
    let mut graph = graph(&[("hardfrost-spend", &[("bitcoin", Kind::Development)])]);
    let spend = graph.get_mut("hardfrost-spend").unwrap();
    spend.dependencies[0].features = vec!["std".into(), "bitcoinconsensus".into()];
    spend.switches = vec!["bitcoin?/bitcoinconsensus-std".into()];
    let found = [
        "hardfrost-spend switches on bitcoin/bitcoinconsensus",
        "hardfrost-spend switches on bitcoin/bitcoinconsensus-std",
    ];
    assert_eq!(all_faults(&graph), found);
}
