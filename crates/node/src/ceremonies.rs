//! Key generations over restarts: what the engine holds of them is matched with the terms in the node's folder.

use std::collections::BTreeSet;

use hardfrost_dkg::{Ceremony, CeremonyFault, Certificate, Descriptor, Step};
use hardfrost_engine::{HeldKey, Uncertified};
use hardfrost_primitives::Hash32;
use hardfrost_seat::{Input, Request};
use tracing::{error, info, warn};

use crate::core::Core;
use crate::federation::Mail;
use crate::journal::Place;
use crate::kept::KeptError;

/// Pending key generations that go on at once: as many as a seat remembers beside a new one.
const RESUMED_MAX: usize = 15;

/// What is told of one whose secrets went with their process. How one ended, a former process of the node knew.
const LOST: &str = "this node or its engine restarted before the share was durable, or had \
                    ended its part before that";

impl Core {
    /// Goes on with every key generation that is pending, tells which ones went with their process, and forgets what is
    /// over. Before anything reaches the seats, and after they know their keys.
    pub fn resume_ceremonies(&mut self, held: &[HeldKey], shares: Vec<Uncertified>) {
        let certificates = held
            .iter()
            .filter_map(|held| Certificate::from_bytes(&held.file).ok());
        let made: Vec<(Hash32, &HeldKey)> = certificates
            .map(|certificate| certificate.descriptor().id())
            .zip(held)
            .collect();
        let pending: BTreeSet<Hash32> = shares.iter().map(|share| share.ceremony).collect();
        let now = self.now().utc;
        for terms in self.kept.all() {
            let id = terms.id();
            if pending.contains(&id) {
                self.kept.need(&id);
                continue;
            }
            let key = made.iter().find(|(of, _)| *of == id);
            let place = self.place_of(&terms).unwrap_or(Place::FIRST);
            match key {
                Some((_, held)) => {
                    self.journal.found(place, terms);
                    self.journal.made(&id, held.public.key_group());
                    self.kept.forget(&id);
                }
                // Its end was told when it came.
                None if self.kept.is_settled(&id) => {}
                None => {
                    warn!(ceremony = %id, "no key comes of a key generation: {LOST}");
                    self.journal.found(place, terms);
                    let fault = CeremonyFault::Engine(LOST.to_owned());
                    self.journal.failed(&id, fault);
                    self.kept.settle(now, &id);
                }
            }
        }
        self.kept.sweep(now);
        self.resume_pending(shares);
    }

    /// Those whose deadline comes last go on, where there are too many.
    fn resume_pending(&mut self, shares: Vec<Uncertified>) {
        let all = self.kept.all();
        let known = |share: &Uncertified| all.iter().position(|terms| terms.id() == share.ceremony);
        let mut ranked: Vec<(Option<usize>, Uncertified)> = shares
            .into_iter()
            .map(|share| (known(&share), share))
            .collect();
        ranked.sort_by_key(|(rank, share)| (*rank, share.ceremony, share.member));
        let ids: BTreeSet<usize> = ranked.iter().filter_map(|(rank, _)| *rank).collect();
        let first = ids.iter().rev().nth(RESUMED_MAX - 1).copied().unwrap_or(0);
        for (rank, share) in ranked {
            let (key, seat) = (share.public.key_group().to_string(), share.member);
            match rank.and_then(|rank| all.get(rank)) {
                None => {
                    let why = "a share waits for its certificate, and the terms of its key \
                               generation are not here: give its code again, `key create --join`";
                    error!(%key, %seat, "{why}");
                    self.orphans.push(share);
                }
                Some(_) if rank < Some(first) => {
                    let why = "too many keys are pending: this one waits for another start";
                    warn!(%key, %seat, "{why}");
                }
                Some(terms) => self.resume_share(terms.clone(), share),
            }
        }
    }

    fn place_of(&self, terms: &Descriptor) -> Option<Place> {
        let mut rosters = self.federations().iter().map(|all| all.roster().hash());
        let federation = rosters.position(|known| known == terms.roster)?;
        Some(Place {
            federation,
            seat: 0,
        })
    }

    fn resume_share(&mut self, terms: Descriptor, share: Uncertified) {
        let key = share.public.key_group().to_string();
        let Some(Place { federation, .. }) = self.place_of(&terms) else {
            let roster = terms.roster;
            warn!(%key, %roster, "a key is pending under a roster that is not configured");
            return;
        };
        let seats = self.federations().get(federation).map(|all| all.seats());
        let mut seats = seats.into_iter().flatten();
        let Some(seat) = seats.position(|seat| seat.member() == share.member) else {
            let seat = share.member;
            warn!(%key, %seat, "a key is pending for a seat that is not this node's");
            return;
        };
        self.resumed.push(share.clone());
        info!(%key, seat = %share.member, "a pending key goes on: its confirmations are asked for");
        self.journal
            .goes_on(Place { federation, seat }, terms.clone());
        let input = Input::Local(Request::ResumeKey(terms, share));
        self.feed(federation, vec![Mail { seat, input }], None);
    }

    /// Whether a share of this key generation waits for its certificate, and its terms were lost.
    pub(crate) fn is_orphan(&self, id: &Hash32) -> bool {
        self.orphans.iter().any(|share| share.ceremony == *id)
    }

    /// The operator gave the code again: what waits for these terms goes on. What goes on under terms with the same id
    /// and another deadline goes on under these.
    ///
    /// # Errors
    /// The terms cannot be kept; then nothing goes on under them.
    pub(crate) fn resume_with(&mut self, terms: &Descriptor) -> Result<(), KeptError> {
        let id = terms.id();
        let waiting = if self.is_orphan(&id) {
            self.kept.replace(self.now().utc, terms)?;
            &mut self.orphans
        } else if self.is_put_right_by(terms) {
            warn!(ceremony = %id, "a pending key goes on under another deadline than before");
            self.kept.replace(self.now().utc, terms)?;
            &mut self.resumed
        } else {
            return Ok(());
        };
        let all = std::mem::take(waiting);
        let (found, others): (Vec<_>, _) = all.into_iter().partition(|share| share.ceremony == id);
        *waiting = others;
        for share in found {
            self.resume_share(terms.clone(), share);
        }
        Ok(())
    }

    /// What each of this node's seats has of a key generation.
    fn parts<'a>(
        &'a self,
        federation: usize,
        id: &'a Hash32,
    ) -> impl Iterator<Item = Option<&'a Ceremony>> {
        let all = self.federations().get(federation).into_iter();
        let seats = all.flat_map(|all| all.seats());
        seats.map(|seat| seat.ceremony_of(id))
    }

    /// Whether shares of this key generation go on from the engine's records, all of them under a head that is not that
    /// of these terms, and none of them is certified.
    fn is_put_right_by(&self, terms: &Descriptor) -> bool {
        let (id, head) = (terms.id(), terms.head());
        let seats = || self.federations().iter().flat_map(|all| all.seats());
        let wrong = |share: &&Uncertified| {
            let ours = seats().filter(|seat| seat.member() == share.member);
            let mut open = ours.filter_map(|seat| seat.ceremony_of(&id));
            open.all(|it| it.head() != head && it.pending().is_some() && it.certificate().is_none())
        };
        let shares = self.resumed.iter().filter(|share| share.ceremony == id);
        let shares: Vec<&Uncertified> = shares.collect();
        !shares.is_empty() && shares.iter().all(wrong)
    }

    /// No seat takes part: another time one may.
    pub(crate) fn key_not_begun(&mut self, federation: usize, id: &Hash32) {
        let none = self.parts(federation, id).all(|part| part.is_none());
        if none {
            self.kept.forget(id);
        }
    }

    /// A seat has the key: once all of this node's have it, nothing is left to go on with.
    pub(crate) fn key_made(&mut self, federation: usize, id: &Hash32) {
        let over = |open: &Ceremony| open.awaited().0 == Step::Over;
        let mut parts = self.parts(federation, id);
        let over = parts.all(|part| part.is_some_and(over));
        drop(parts);
        if over {
            self.kept.forget(id);
        }
    }

    /// A seat has no key, as far as it sees. Where none of them is pending there will be none.
    pub(crate) fn key_failed(&mut self, federation: usize, id: &Hash32) {
        let goes_on = |open: &Ceremony| open.awaited().0 != Step::Over;
        let mut parts = self.parts(federation, id);
        let pending = parts.any(|part| part.is_some_and(goes_on));
        drop(parts);
        if !pending && !self.is_orphan(id) {
            let now = self.now().utc;
            self.kept.settle(now, id);
        }
    }
}
