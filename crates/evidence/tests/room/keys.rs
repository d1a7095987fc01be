//! Distributed key generation, all seats in one place.

use std::collections::BTreeMap;

use hardfrost_frost::dkg::{deal, Seat};
use hardfrost_frost::{KeyShare, Region};
use hardfrost_primitives::{Hash32, Member};
use rand_chacha::ChaCha20Rng;

pub fn generated((threshold, count): (u16, u16), rng: &mut ChaCha20Rng) -> Vec<KeyShare> {
    let region = Region::new().unwrap();
    let (mut dealings, mut shown) = (BTreeMap::new(), BTreeMap::new());
    for member in Member::all(count) {
        let ceremony = Hash32([1; 32]);
        let seat = Seat {
            ceremony,
            member,
            threshold,
            count,
        };
        let (dealing, round1) = deal(seat, &region, rng).unwrap();
        dealings.insert(member, dealing);
        shown.insert(member, round1);
    }
    let (mut waiting, mut sealed) = (BTreeMap::new(), BTreeMap::new());
    for (member, dealing) in dealings {
        let mut others = shown.clone();
        others.remove(&member);
        let (next, shares) = dealing.seal(Hash32([2; 32]), &others).unwrap();
        waiting.insert(member, next);
        sealed.insert(member, shares);
    }
    let to = |to: Member| {
        let from = sealed.iter().filter(move |(from, _)| **from != to);
        from.map(move |(from, shares)| (*from, shares[&to]))
            .collect()
    };
    let opened = waiting
        .into_iter()
        .map(|(member, waiting)| waiting.open(&to(member)).unwrap());
    opened.collect()
}
