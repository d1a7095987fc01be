//! Whatever honest members sign, in whatever company it is shown, convicts nobody.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod room;

use std::collections::BTreeSet;
use std::sync::OnceLock;

use hardfrost_evidence::{first_willing, offer, Verdict};
use hardfrost_primitives::derive::AttemptContext;
use hardfrost_primitives::{KeySpec, Member, Message, Suite, Taproot};
use hardfrost_wire::{CommitmentsPayload, Frame, PackagePayload};
use proptest::prelude::{any, proptest, Just, ProptestConfig, Strategy};
use proptest::test_runner::RngSeed;
use room::{forge, member, say, Life, Room};

/// What happens in one attempt.
#[derive(Clone, Debug)]
struct Story {
    /// In which order commitments arrive: the smallest first.
    arrival: [u8; 5],
    /// Whom each member refuses, as bits; too many are cut.
    refuses: [u8; 5],
    /// Who restarts after committing, as bits, and commits once more.
    restarts: u8,
    /// Which attempts, messages and keys.
    number: u32,
    message: u8,
    tweaked: bool,
}

fn rooms() -> &'static [Room; 3] {
    static ROOMS: OnceLock<[Room; 3]> = OnceLock::new();
    ROOMS.get_or_init(|| {
        let bip445 = Room::under(Suite::Bip445, (3, 5), 2);
        [Room::new((2, 3), 3), Room::new((3, 5), 1), bip445]
    })
}

fn story() -> impl Strategy<Value = Story> {
    let arrival = Just([1, 2, 3, 4, 5]).prop_shuffle();
    let refuses = any::<[u8; 5]>().prop_map(|r| r.map(|r| r & (r >> 3)));
    let terms = (1u32..4, 5u8..7, any::<bool>());
    (arrival, refuses, any::<u8>(), terms).prop_map(|(arrival, refuses, restarts, terms)| Story {
        arrival,
        refuses,
        restarts,
        number: terms.0,
        message: terms.1,
        tweaked: terms.2,
    })
}

fn bit(bits: u8, number: u16) -> bool {
    bits >> number & 1 == 1
}

/// An attempt as honest members play it; `said` are the frames of all.
struct Play<'a> {
    room: &'a Room,
    story: &'a Story,
    context: AttemptContext,
    said: Vec<Frame>,
}

impl<'a> Play<'a> {
    fn new(room: &'a Room, story: &'a Story) -> Self {
        let mut context = room.context(story.number);
        context.message = Message([story.message; 32]);
        if story.tweaked {
            context.key_spec = KeySpec::new(Vec::new(), Taproot::KeyPathOnly).unwrap();
        }
        let said = Vec::new();
        Self {
            room,
            story,
            context,
            said,
        }
    }

    fn life(&self, number: u16, after: bool) -> Life {
        Life(number, u8::from(after && bit(self.story.restarts, number)))
    }

    fn commit(&self, life: Life) -> Frame {
        let public = &self.room.public;
        let refuses = self.story.refuses[usize::from(life.0) - 1];
        let refuses = (1..=public.count()).filter(|n| bit(refuses, *n));
        let faulty = usize::from(public.count() - public.threshold());
        let payload = CommitmentsPayload {
            refuses: refuses.map(member).take(faulty).collect(),
            ..self.room.offer(life, &self.context)
        };
        say(life.member(), &self.context, &payload)
    }

    /// Everybody's commitments in one life, in the order of their arrival.
    fn committed(&self, after: bool) -> Vec<Frame> {
        let mut numbers: Vec<u16> = (1..=self.room.public.count()).collect();
        numbers.sort_by_key(|n| self.story.arrival[usize::from(*n) - 1]);
        numbers
            .iter()
            .map(|n| self.commit(self.life(*n, after)))
            .collect()
    }

    /// The coordinator's choice, as a node makes it.
    fn package(&self, committed: &[Frame], after: bool) -> Option<Frame> {
        let (room, public) = (self.room, &self.room.public);
        let willing = committed.iter().filter_map(|frame| {
            let refuses = offer(public, &room.verified(frame))?.1;
            Some((frame.head().author, refuses))
        });
        let chosen = first_willing(willing.collect(), public.threshold())?;
        let frames = chosen.iter().map(|m| {
            let of = |frame: &&Frame| frame.head().author == *m;
            committed.iter().find(of).unwrap().clone()
        });
        let frames: Vec<Frame> = frames.collect();
        let coordinator = self.context.coordinator().unwrap();
        let life = self.life(coordinator.number(), after);
        let payload = room.packed(life, &self.context, &frames);
        Some(say(coordinator, &self.context, &payload))
    }

    /// Those chosen sign, each once in a life.
    fn shares(
        &self,
        package: &Frame,
        after: bool,
        signed: &mut BTreeSet<(Member, u8)>,
    ) -> Vec<Frame> {
        let payload: PackagePayload = self.room.verified(package).payload().unwrap();
        let chosen = payload
            .commitments
            .iter()
            .map(|bytes| self.room.parse(bytes).head().author);
        let mut shares = Vec::new();
        for author in chosen {
            let life = self.life(author.number(), after);
            if signed.insert((author, life.1)) {
                let share = self.room.share(life, &self.context, package);
                shares.push(say(author, &self.context, &share));
            }
        }
        shares
    }

    /// A first run, restarts, and a second in which only those who restarted commit, choose or sign anew.
    fn play(mut self) -> Self {
        let mut signed = BTreeSet::new();
        let mut packages = Vec::new();
        let coordinator = self.context.coordinator().unwrap().number();
        for after in [false, true] {
            let committed = self.committed(after);
            self.said.extend(committed.iter().cloned());
            if after && !bit(self.story.restarts, coordinator) {
                continue;
            }
            if let Some(package) = self.package(&committed, after) {
                self.said.extend(self.shares(&package, after, &mut signed));
                packages.push(package);
            }
        }
        self.said.extend(packages);
        self
    }
}

/// Every single frame and every pair, under every claim.
fn nobody_is_convicted(room: &Room, context: &AttemptContext, frames: &[Frame]) {
    let preimage = context.preimage();
    let judge = |kind, frames: &[Vec<u8>]| {
        let proof = forge(kind, &preimage, frames).unwrap();
        let judged = room.judge(&proof);
        assert!(
            matches!(judged, Verdict::Indeterminate(_)),
            "{proof:?}: {judged:?}"
        );
    };
    let frames: Vec<Vec<u8>> = frames.iter().map(|f| f.as_bytes().to_vec()).collect();
    for a in &frames {
        for kind in 1..=5 {
            judge(kind, std::slice::from_ref(a));
        }
        for b in &frames {
            // Frames of other kinds than the claim's are refused before anything is computed.
            for kind in 1..=5 {
                judge(kind, &[a.clone(), b.clone()]);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24,
        rng_seed: RngSeed::Fixed(2),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn nothing_that_honest_members_sign_convicts(
        size in 0usize..2,
        first in story(),
        second in story(),
    ) {
        let room = &rooms()[size];
        let played = [&first, &second].map(|story| Play::new(room, story).play());
        let [one, two] = &played;
        if one.context.hash() == two.context.hash() {
            // Two runs of one attempt are no honest run.
            return Ok(());
        }
        nobody_is_convicted(room, &one.context, &one.said);
        // Frames of one attempt amid another's, under either context.
        let mixed: Vec<Frame> =
            one.said.iter().step_by(3).chain(two.said.iter().step_by(3)).cloned().collect();
        nobody_is_convicted(room, &one.context, &mixed);
        nobody_is_convicted(room, &two.context, &mixed);
    }
}

/// The property is worth something only if packages and shares of both lives are among the frames.
#[test]
fn the_stories_hold_restarts_packages_and_shares() {
    let story = Story {
        arrival: [1, 2, 3, 4, 5],
        refuses: [0; 5],
        restarts: 0xff,
        number: 1,
        message: 5,
        tweaked: false,
    };
    let played = Play::new(&rooms()[1], &story).play();
    assert_eq!(played.said.len(), 5 + 3 + 5 + 3 + 2);
}
