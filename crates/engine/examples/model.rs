//! Walks the engine's model test further than `cargo test` does: so many steps, from this seed.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "it is a test that runs longer"
)]

#[path = "../tests/model/reference.rs"]
mod reference;
#[path = "../tests/model/step.rs"]
mod step;
#[path = "../tests/support/mod.rs"]
mod support;
#[path = "../tests/model/walk.rs"]
mod walk;

use std::collections::BTreeMap;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Draws of one walk: after more of them its keys are dead and its sessions over.
const DRAWS_A_WALK: usize = 400;

fn number(place: usize, otherwise: u64) -> u64 {
    let said = std::env::args().nth(place);
    said.map_or(otherwise, |said| {
        said.parse().expect("a number: STEPS [SEED]")
    })
}

fn main() {
    let (wanted, seed) = (number(1, 100_000), number(2, 1));
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let (mut walks, mut done, mut shares) = (0, 0, 0);
    let mut answers: BTreeMap<&str, u64> = BTreeMap::new();
    while done < wanted {
        let steps = step::steps(DRAWS_A_WALK).new_tree(&mut runner).unwrap();
        let steps = steps.current();
        let mut walk = walk::Walk::new(seed + walks);
        for (place, (which, step)) in steps.iter().enumerate() {
            let told = std::panic::AssertUnwindSafe(|| walk.step(*which, step));
            if std::panic::catch_unwind(told).is_err() {
                eprintln!("seed {seed}, walk {walks}, step {place}: {step:?}");
                std::process::exit(1);
            }
            done += 1;
        }
        for (answer, count) in &walk.answers {
            *answers.entry(answer).or_default() += count;
        }
        shares += walk.shares();
        walks += 1;
    }
    println!("seed {seed}: {done} steps in {walks} walks, {shares} shares, none twice");
    for (answer, count) in answers {
        println!("  {count:8} {answer}");
    }
}
