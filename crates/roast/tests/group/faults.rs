//! Faulty members: an honest machine behind a mask that rewrites, repeats or swallows what it says, with its own key.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hardfrost_primitives::{Hash32, Member};
use hardfrost_wire::{CommitmentsPayload, Frame, Kind, PackagePayload, SharePayload};

use super::{say, Group};

/// What a member does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Says nothing at all.
    Silent,
    /// Commits, and never delivers a share or a package.
    Stall,
    BadShare,
    /// A good share for half of the group, a bad one for the rest.
    DoubleShare,
    /// Other commitments for half of the group.
    DoubleCommitments,
    /// Another valid package for half of the group.
    DoublePackage,
    MalformedPackage,
    /// Shows its package to one member.
    WithheldPackage,
    /// Honest, but its process is replaced at this time.
    Restart(Duration),
}

/// A faulty member's mouth and ears.
pub struct Mask {
    fault: Fault,
    seed: u64,
    /// Commitments heard and said, by attempt.
    heard: BTreeMap<Hash32, BTreeMap<Member, Frame>>,
    /// Own packages held back until there is another choice, and who has been shown one.
    split: BTreeMap<Hash32, (Frame, BTreeSet<Member>)>,
}

impl Mask {
    pub fn new(fault: Fault, seed: u64) -> Self {
        Self {
            fault,
            seed,
            heard: BTreeMap::new(),
            split: BTreeMap::new(),
        }
    }

    pub fn hears(&mut self, bytes: &[u8]) {
        if bytes[0] == Kind::Commitments.number() {
            let frame = super::read(bytes);
            let attempt = self.heard.entry(frame.head().context).or_default();
            attempt.entry(frame.head().author).or_insert(frame);
        }
    }

    /// What leaves for `to` in place of `bytes`. Nothing that helps others leaves: no relays, proofs, signatures.
    pub fn pass(
        &mut self,
        group: &Group,
        from: Member,
        to: Member,
        bytes: Vec<u8>,
    ) -> Vec<Vec<u8>> {
        let kind = Kind::from_number(bytes[0]).unwrap();
        if self.fault == Fault::Silent || matches!(kind, Kind::Evidence | Kind::Signature) {
            return Vec::new();
        }
        let frame = super::read(&bytes);
        if frame.head().author != from {
            return Vec::new();
        }
        self.hears(&bytes);
        let mut out = self.faces(group, to);
        let turn = self.turn(&frame);
        let other = self.sees_other(&frame, to);
        out.extend(match (self.fault, kind) {
            (Fault::Stall, Kind::Share | Kind::Package) => None,
            (Fault::BadShare, Kind::Share) => Some(bad_share(group, &frame)),
            (Fault::DoubleShare, Kind::Share) if other => Some(bad_share(group, &frame)),
            (Fault::DoubleCommitments, Kind::Commitments) if other => {
                Some(other_commitments(group, &frame))
            }
            (Fault::DoublePackage, Kind::Package) => {
                let shown = (frame.clone(), BTreeSet::new());
                self.split.entry(frame.head().context).or_insert(shown);
                None
            }
            (Fault::MalformedPackage, Kind::Package) => Some(malformed_package(group, &frame)),
            (Fault::WithheldPackage, Kind::Package) => {
                let lucky = turn % u64::from(group.count()) + 1;
                (u64::from(to.number()) == lucky).then_some(bytes)
            }
            _ => Some(bytes),
        });
        out
    }

    fn turn(&self, frame: &Frame) -> u64 {
        u64::from(frame.head().context.0[0]) + self.seed
    }

    /// Half of the group sees one face, the rest the other; attempts differ in who.
    fn sees_other(&self, frame: &Frame, to: Member) -> bool {
        (u64::from(to.number()) + self.turn(frame)) % 2 == 1
    }

    /// Packages that can be split by now, and that `to` was not shown.
    fn faces(&mut self, group: &Group, to: Member) -> Vec<Vec<u8>> {
        let mut split = std::mem::take(&mut self.split);
        let mut out = Vec::new();
        for (frame, shown) in split.values_mut() {
            let heard = &self.heard[&frame.head().context];
            if heard.len() > usize::from(group.threshold()) && shown.insert(to) {
                out.push(match self.sees_other(frame, to) {
                    true => self.other_package(group, frame),
                    false => frame.as_bytes().to_vec(),
                });
            }
        }
        self.split = split;
        out
    }

    /// The coordinator's own choice, but for one: whoever was not chosen in place of one that was.
    fn other_package(&self, group: &Group, frame: &Frame) -> Vec<u8> {
        let heard = &self.heard[&frame.head().context];
        let mut payload: PackagePayload = group.verified(frame.clone()).payload().unwrap();
        let chosen = payload.commitments.iter();
        let mut last: BTreeSet<Member> = chosen
            .map(|bytes| super::read(bytes).head().author)
            .collect();
        let other = heard.keys().find(|m| !last.contains(m)).copied().unwrap();
        last.pop_first();
        last.insert(other);
        let frames = heard.iter().filter(|(m, _)| last.contains(m));
        payload.commitments = frames.map(|(_, f)| f.as_bytes().to_vec()).collect();
        let head = frame.head();
        say(head.author, head.context, &payload).as_bytes().to_vec()
    }
}

/// The same share with one bit changed, signed.
pub fn bad_share(group: &Group, frame: &Frame) -> Vec<u8> {
    let mut payload: SharePayload = group.verified(frame.clone()).payload().unwrap();
    payload.share[31] ^= 1;
    let head = frame.head();
    say(head.author, head.context, &payload).as_bytes().to_vec()
}

fn other_commitments(group: &Group, frame: &Frame) -> Vec<u8> {
    let head = frame.head();
    let (_, drawn) = group.commitment(head.author.number(), u64::from(head.context.0[1]));
    let said: CommitmentsPayload = group.verified(frame.clone()).payload().unwrap();
    let payload = CommitmentsPayload {
        incarnation: said.incarnation,
        ..drawn
    };
    say(head.author, head.context, &payload).as_bytes().to_vec()
}

/// The same commitments, descending.
pub fn malformed_package(group: &Group, frame: &Frame) -> Vec<u8> {
    let mut payload: PackagePayload = group.verified(frame.clone()).payload().unwrap();
    payload.commitments.reverse();
    let head = frame.head();
    say(head.author, head.context, &payload).as_bytes().to_vec()
}
