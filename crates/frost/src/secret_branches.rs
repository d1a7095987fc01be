//! Whether signing branches on a secret, or looks something up by one. A victim runs under valgrind; when it holds a
//! share and nonces it says where they lie, valgrind is told to count these bytes as uninitialised, and from then on
//! it reports every jump and every address that depends on them. The debug assertions of the libraries below look at
//! secrets, so only the release profile can be clean. Nothing in it is declared public: all it makes of secrets is the
//! share, which it returns. What comes before, that a scalar read from locked memory is one, is not covered.
#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(
    clippy::disallowed_methods,
    reason = "this test drives another process and tells it by a file when to go on"
)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use hardfrost_primitives::{KeySpec, Member, Message, Suite, Taproot};
use k256::elliptic_curve::PrimeField;
use k256::Scalar;
use rand_chacha::rand_core::SeedableRng;
use rand_chacha::ChaCha20Rng;
use zeroize::Zeroizing;

use crate::points::secret_times_g;
use crate::{CheckedPackage, DerivedGroup, GroupPublic, KeyShare, Region};

/// Both shares of a 2-of-2 group, on the line 5·x + 7 or its negative.
fn shares() -> Vec<KeyShare> {
    let value = |x: u64| Scalar::from(5 * x + 7);
    let [sign, ..] = secret_times_g(&value(0)).unwrap().serialize();
    let secret = |x| if sign == 2 { value(x) } else { -value(x) };
    let public = |x| secret_times_g(&secret(x)).unwrap().serialize();
    let group = GroupPublic::dangerous_dealt(public(0), 2, &[public(1), public(2)]);
    let group = Arc::new(group.unwrap());
    let region = Region::new().unwrap();
    let share = |m: Member| {
        let share = Zeroizing::new(secret(m.number().into()).to_bytes().into());
        KeyShare::from_bytes(m, &share, group.clone(), &region).unwrap()
    };
    Member::all(2).map(share).collect()
}

/// Says where secrets lie and waits until they are poisoned and the file named on standard input is there. It must not
/// block: valgrind takes these orders only while a thread runs.
fn poisoned(secrets: &[&Scalar]) {
    let mut go = String::new();
    std::io::stdin().read_line(&mut go).unwrap();
    println!();
    for secret in secrets {
        println!("secret {:p}", *secret);
    }
    println!("ready");
    std::io::stdout().flush().unwrap();
    while !Path::new(go.trim_end()).exists() {}
}

fn victim(suite: Suite, planted: bool) {
    let shares = shares();
    let public = shares.first().unwrap().group().clone();
    let spec = KeySpec::new(Vec::new(), Taproot::KeyPathOnly).unwrap();
    let group = Arc::new(DerivedGroup::new(public, spec).unwrap());
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut drawn: Vec<_> = shares
        .iter()
        .map(|s| s.commit(suite, &mut rng).unwrap())
        .collect();
    let members = shares.iter().map(KeyShare::member);
    let commitments = members.zip(drawn.iter().map(|nonces| nonces.commitments()));
    let commitments: BTreeMap<_, _> = commitments.collect();
    let message = Message([3; 32]);
    let package = CheckedPackage::new(suite, group.clone(), message, commitments).unwrap();
    let (share, nonces) = (shares.last().unwrap(), drawn.pop().unwrap());
    let secret = Box::new(*share.signing_share().read());
    let pair = nonces.read();
    poisoned(&[&secret, &pair.hiding, &pair.binding]);
    if planted && bool::from(secret.is_odd()) {
        println!("the planted branch was taken");
    }
    let made = package.session().share(share.member(), &secret, &pair);
    std::hint::black_box(made.is_some());
}

#[test]
#[ignore = "runs under valgrind only"]
fn victim_bip445() {
    victim(Suite::Bip445, false);
}

#[test]
#[ignore = "runs under valgrind only"]
fn victim_tr() {
    victim(Suite::Tr, false);
}

#[test]
#[ignore = "runs under valgrind only"]
fn victim_planted() {
    victim(Suite::Bip445, true);
}

/// What valgrind complains of in a victim; `None` without valgrind.
fn complaints(name: &str) -> Option<String> {
    let found = |program: &str| Command::new(program).arg("--version").output().is_ok();
    if !found("valgrind") || !found("vgdb") {
        eprintln!("valgrind is not installed: nothing was checked");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let prefix = format!("--vgdb-prefix={}", folder.path().join("pipe").display());
    let go = folder.path().join("go");
    let mut running = Command::new("valgrind")
        .args(["--quiet", "--vgdb=yes", "--num-callers=30", &prefix])
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "--test-threads=1"])
        .arg(format!("secret_branches::{name}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = format!("--pid={}", running.id());
    let mut input = running.stdin.take().unwrap();
    writeln!(input, "{}", go.display()).unwrap();
    let mut poisoned = 0;
    for line in BufReader::new(running.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if let Some(address) = line.strip_prefix("secret ") {
            let order = ["make_memory", "undefined", address, "32"];
            let done = Command::new("vgdb")
                .args([&pid, &prefix])
                .args(order)
                .output()
                .unwrap();
            assert!(done.status.success(), "{done:?}");
            poisoned += 1;
        }
        if line == "ready" {
            std::fs::write(&go, []).unwrap();
        }
    }
    assert_eq!(poisoned, 3, "a share and two nonces");
    let done = running.wait_with_output().unwrap();
    assert!(done.status.success(), "{done:?}");
    Some(String::from_utf8_lossy(&done.stderr).into_owned())
}

#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "the libraries' debug assertions look at secrets: `just secrets`"
)]
fn signing_branches_on_no_secret() {
    for name in ["victim_bip445", "victim_tr"] {
        if let Some(said) = complaints(name) {
            assert!(!said.contains("uninitialised"), "{name}: {said}");
        }
    }
}

#[test]
fn a_planted_branch_on_a_secret_is_seen() {
    if let Some(said) = complaints("victim_planted") {
        assert!(said.contains("depends on uninitialised"), "{said}");
    }
}
