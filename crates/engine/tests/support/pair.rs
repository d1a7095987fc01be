//! A key generation of two, step by step, so that a test can put something between two steps.

use std::collections::BTreeMap;

use hardfrost_engine::{CeremonySeat, DkgOpen, DkgSeal, Engine, Install};
use hardfrost_frost::dkg::{Round1, Seat};
use hardfrost_primitives::{Hash32, Limits, Member};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::member;

pub const CEREMONY: Hash32 = Hash32([0xce; 32]);
pub const TRANSCRIPT: Hash32 = Hash32([0x7a; 32]);

pub fn seat(number: u16, threshold: u16, count: u16) -> Seat {
    Seat {
        ceremony: CEREMONY,
        member: member(number),
        threshold,
        count,
    }
}

pub fn at_seat(number: u16) -> CeremonySeat {
    CeremonySeat {
        ceremony: CEREMONY,
        member: member(number),
    }
}

pub fn engine() -> Engine {
    Engine::recover(Limits::default(), [].into(), &[]).unwrap()
}

pub fn rng(number: u16) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([number as u8; 32])
}

/// Members 1 and 2 of two, both have dealt.
pub struct Pair {
    pub engines: [Engine; 2],
    pub shown: BTreeMap<Member, Round1>,
}

impl Pair {
    pub fn dealt() -> Self {
        let mut engines = [engine(), engine()];
        let shown = (1..).zip(&mut engines).map(|(number, engine)| {
            let shown = engine.dkg_deal(seat(number, 2, 2), &mut rng(number));
            (member(number), shown.unwrap())
        });
        let shown = shown.collect();
        Self { engines, shown }
    }

    pub fn seal_request(&self, number: u16) -> DkgSeal {
        let mut others = self.shown.clone();
        others.remove(&member(number));
        DkgSeal {
            seat: at_seat(number),
            transcript: TRANSCRIPT,
            others,
        }
    }

    /// Both seal; the request with which member 1 opens.
    pub fn sealed(&mut self) -> DkgOpen {
        let requests = [self.seal_request(1), self.seal_request(2)];
        self.engines[0].dkg_seal(requests[0].clone()).unwrap();
        let theirs = self.engines[1].dkg_seal(requests[1].clone()).unwrap();
        DkgOpen {
            seat: at_seat(1),
            sealed: [(member(2), theirs[&member(1)])].into(),
            transcript: TRANSCRIPT,
        }
    }
}

pub fn install(certificate: Hash32) -> Install {
    Install {
        seat: at_seat(1),
        certificate,
        file: super::CERTIFICATE_FILE.to_vec(),
    }
}
