//! Key generation among honest members, step by step, so that a test can put a fault between two steps.
#![allow(dead_code, reason = "not every test binary needs every part")]

use std::collections::BTreeMap;

use hardfrost_frost::dkg::{deal, AwaitShares, Dealing, DkgFault, Round1, SealedShare, Seat};
use hardfrost_frost::{KeyShare, Region};
use hardfrost_primitives::{Hash32, Member};
use rand_core::{CryptoRng, RngCore};

/// All members have dealt; nobody has seen anything yet.
pub struct Dealt {
    pub dealings: BTreeMap<Member, Dealing>,
    pub shown: BTreeMap<Member, Round1>,
}

/// All members have sealed: by sender, then by recipient.
pub struct Sealed {
    pub waiting: BTreeMap<Member, AwaitShares>,
    pub sealed: BTreeMap<Member, BTreeMap<Member, SealedShare>>,
}

pub fn seat(number: u16, (threshold, count): (u16, u16)) -> Seat {
    Seat {
        ceremony: Hash32([7; 32]),
        member: Member::new(number).unwrap(),
        threshold,
        count,
    }
}

impl Dealt {
    /// Everybody deals, each with the randomness that `rng` gives for it.
    pub fn with<R: RngCore + CryptoRng>(size: (u16, u16), mut rng: impl FnMut(u16) -> R) -> Self {
        let region = Region::new().unwrap();
        let mut dealt = Self {
            dealings: BTreeMap::new(),
            shown: BTreeMap::new(),
        };
        for number in 1..=size.1 {
            let seat = seat(number, size);
            let (dealing, shown) = deal(seat, &region, &mut rng(number)).unwrap();
            dealt.dealings.insert(seat.member, dealing);
            dealt.shown.insert(seat.member, shown);
        }
        dealt
    }

    /// What `member` has of the others.
    pub fn others(&self, member: Member) -> BTreeMap<Member, Round1> {
        let mut others = self.shown.clone();
        others.remove(&member);
        others
    }

    /// One member goes on to step 3 with what it has of the others.
    pub fn seal_as(
        &mut self,
        number: u16,
    ) -> Result<(AwaitShares, BTreeMap<Member, SealedShare>), DkgFault> {
        let member = Member::new(number).unwrap();
        let others = self.others(member);
        let dealing = self.dealings.remove(&member).unwrap();
        dealing.seal(Hash32([8; 32]), &others)
    }

    /// Everybody seals.
    pub fn seal(mut self) -> Sealed {
        let mut all = Sealed {
            waiting: BTreeMap::new(),
            sealed: BTreeMap::new(),
        };
        let members: Vec<Member> = self.shown.keys().copied().collect();
        for member in members {
            let (waiting, sealed) = self.seal_as(member.number()).unwrap();
            all.waiting.insert(member, waiting);
            all.sealed.insert(member, sealed);
        }
        all
    }
}

impl Sealed {
    /// What was sealed to `member`, by sender.
    pub fn to(&self, member: Member) -> BTreeMap<Member, SealedShare> {
        let of = |(from, shares): (&Member, &BTreeMap<Member, SealedShare>)| {
            shares.get(&member).map(|share| (*from, *share))
        };
        self.sealed.iter().filter_map(of).collect()
    }

    /// One member opens what it was sent.
    pub fn open_as(&mut self, number: u16) -> Result<KeyShare, DkgFault> {
        let member = Member::new(number).unwrap();
        let sealed = self.to(member);
        self.waiting.remove(&member).unwrap().open(&sealed)
    }

    /// Everybody opens.
    pub fn open(mut self) -> Vec<KeyShare> {
        let members: Vec<u16> = self.waiting.keys().map(|m| m.number()).collect();
        members
            .into_iter()
            .map(|number| self.open_as(number).unwrap())
            .collect()
    }
}
