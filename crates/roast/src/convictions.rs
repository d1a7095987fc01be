//! What is proven of whom, as this node has verified it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use hardfrost_evidence::{Evidence, Verdict};
use hardfrost_frost::GroupPublic;
use hardfrost_primitives::{Hash32, Member};
use hardfrost_wire::Roster;

use crate::terms::Terms;

/// Proofs that proved nothing, remembered so that nobody makes us judge the same one again and again.
const DOUBTED_MAX: usize = 128;

/// The convicted members with the first proof against each, and whom a judge here trusts.
pub(crate) struct Convictions {
    rosters: BTreeMap<Hash32, Arc<Roster>>,
    group_publics: BTreeMap<Hash32, Arc<GroupPublic>>,
    proven: BTreeMap<Member, Evidence>,
    doubted: VecDeque<Hash32>,
    /// How many there were in all.
    in_vain: u64,
}

impl Convictions {
    pub(crate) fn new(terms: &Terms) -> Self {
        let public = Arc::clone(terms.group.public());
        Self {
            rosters: BTreeMap::from([(terms.roster.hash(), Arc::clone(&terms.roster))]),
            group_publics: BTreeMap::from([(public.hash(), public)]),
            proven: BTreeMap::new(),
            doubted: VecDeque::new(),
            in_vain: 0,
        }
    }

    /// How many proofs were judged here that proved nothing.
    pub(crate) fn in_vain(&self) -> u64 {
        self.in_vain
    }

    /// Judges a proof. Returns whom it convicts, if that is new.
    pub(crate) fn judge(&mut self, proof: &Evidence) -> Option<Member> {
        // Cheap, and harmless if it lies: a proof that names a convicted member and convicts another is not missed
        // for long, since whoever holds the frames makes the proof itself.
        if proof.accused().is_none_or(|m| self.holds(m)) {
            return None;
        }
        let hash = proof.hash();
        if self.doubted.contains(&hash) {
            return None;
        }
        match proof.verify(&self.rosters, &self.group_publics) {
            Verdict::Convicts(member) if self.holds(member) => None,
            Verdict::Convicts(member) => {
                self.proven.insert(member, proof.clone());
                Some(member)
            }
            Verdict::Indeterminate(_) => {
                if self.doubted.len() >= DOUBTED_MAX {
                    self.doubted.pop_front();
                }
                self.doubted.push_back(hash);
                self.in_vain += 1;
                None
            }
        }
    }

    /// Whether a member is convicted.
    pub(crate) fn holds(&self, member: Member) -> bool {
        self.proven.contains_key(&member)
    }

    /// All convicted members, each with the proof.
    pub(crate) fn proven(&self) -> &BTreeMap<Member, Evidence> {
        &self.proven
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads as a proof against member 3, and proves nothing.
    fn slander(number: u32) -> Evidence {
        let mut frame = vec![0; 39];
        frame[38] = 3;
        frame.extend(number.to_be_bytes());
        let body = (1u8, Vec::<u8>::new(), vec![frame]);
        let bytes = [vec![8], borsh::to_vec(&body).unwrap()].concat();
        Evidence::from_frame(&bytes).unwrap()
    }

    #[test]
    fn what_proves_nothing_is_remembered_once_and_not_without_end() {
        let mut convictions = Convictions {
            rosters: BTreeMap::new(),
            group_publics: BTreeMap::new(),
            proven: BTreeMap::new(),
            doubted: VecDeque::new(),
            in_vain: 0,
        };
        for _ in 0..3 {
            assert_eq!(convictions.judge(&slander(0)), None);
            assert_eq!(convictions.doubted, [slander(0).hash()]);
        }
        for number in 0..1000 {
            assert_eq!(convictions.judge(&slander(number)), None);
        }
        assert_eq!(convictions.doubted.len(), DOUBTED_MAX);
        assert_eq!(convictions.doubted.back(), Some(&slander(999).hash()));
    }
}
