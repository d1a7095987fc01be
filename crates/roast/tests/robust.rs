//! Whatever up to n − t members do and the links lose: every honest session ends with a signature.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod group;

use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::time::Duration;

use group::{Fault, Group, Links, Net, Weakness, LIFE};
use hardfrost_primitives::Message;
use proptest::prelude::{any, prop, prop_oneof, proptest, Just, ProptestConfig, Strategy};
use proptest::test_runner::RngSeed;

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::Silent),
        Just(Fault::Stall),
        Just(Fault::BadShare),
        Just(Fault::DoubleShare),
        Just(Fault::DoubleCommitments),
        Just(Fault::DoublePackage),
        Just(Fault::MalformedPackage),
        Just(Fault::WithheldPackage),
        (0u64..800).prop_map(|ms| Fault::Restart(Duration::from_millis(ms))),
    ]
}

fn links() -> impl Strategy<Value = Links> {
    let delays = prop_oneof![5u64..80, 80u64..400];
    let link = |(delay, lost, repeated)| Links {
        delay_max: Duration::from_millis(delay),
        lost,
        repeated,
    };
    (delays, prop_oneof![Just(0u32), 1u32..30], 0u32..40).prop_map(link)
}

type Faults = Vec<(u16, Fault)>;

/// A group's place in [`SIZES`], and at most n − t of its members with a fault each.
fn faulty() -> impl Strategy<Value = (usize, Faults)> {
    (0..SIZES.len()).prop_flat_map(|place| {
        let (t, n) = SIZES[place];
        let some = prop::collection::vec((1..=n, fault()), 0..=usize::from(n - t));
        some.prop_map(move |all| {
            let mut seen = BTreeSet::new();
            (
                place,
                all.into_iter().filter(|(m, _)| seen.insert(*m)).collect(),
            )
        })
    })
}

const SIZES: [(u16, u16); 4] = [(2, 3), (3, 5), (2, 5), (4, 6)];

fn groups() -> &'static [Group] {
    static GROUPS: OnceLock<Vec<Group>> = OnceLock::new();
    GROUPS.get_or_init(|| SIZES.map(|size| Group::new(size, 1)).into())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        rng_seed: RngSeed::Fixed(7),
        failure_persistence: None,
        max_shrink_iters: 30,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_honest_session_ends_signed(
        (place, faults) in faulty(),
        links in links(),
        seed in any::<u64>(),
        message in any::<[u8; 32]>(),
    ) {
        let mut net = Net::new(&groups()[place], Message(message), links, seed).with(&faults);
        net.finish();
    }
}

/// The same check sees it when everybody leaves out one rule: within a few dozen runs something breaks.
#[test]
fn a_rule_that_nobody_keeps_is_missed() {
    let links = Links {
        delay_max: Duration::from_millis(120),
        lost: 15,
        repeated: 10,
    };
    let restarts = Fault::Restart(Duration::from_millis(90));
    for (weakness, fault) in [
        (None, restarts),
        (Some(Weakness::NoPulls), Fault::Silent),
        (Some(Weakness::NoAdvances), Fault::Silent),
        (Some(Weakness::SameIncarnation), restarts),
    ] {
        let broken = |seed: u8| {
            let faults = [
                (u16::from(seed % 5) + 1, fault),
                (u16::from(seed / 5 % 5) + 1, fault),
            ];
            let mut net = Net::new(&groups()[1], Message([seed; 32]), links, seed.into());
            net.weakness = weakness;
            let mut net = net.with(&faults);
            net.run(LIFE);
            net.verdict().err()
        };
        let found = (0..15).find_map(broken);
        assert_eq!(
            found.is_some(),
            weakness.is_some(),
            "{weakness:?}: {found:?}"
        );
    }
}
