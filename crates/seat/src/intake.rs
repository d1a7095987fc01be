//! What a peer hands over: bounded, read, proven, and given to the machine it concerns.

use std::time::Duration;

use hardfrost_dkg::Ceremony;
use hardfrost_evidence::Evidence;
use hardfrost_primitives::Now;
use hardfrost_roast::intake;
use hardfrost_wire::{FinalSignature, Frame, FromPeer, Kind, OperatorIndex, Sizes};

use crate::seat::{Output, Seat};

/// One relayed question of an author in so much time.
const RELAYED_PAUSE: Duration = Duration::from_secs(2);

impl Seat {
    /// The sizes of the ceremonies and the groups this seat knows.
    fn known_sizes(&self) -> impl Iterator<Item = Sizes> + '_ {
        let ceremonies = self.ceremonies.iter().map(Ceremony::descriptor);
        let ceremonies = ceremonies.map(|terms| (terms.threshold, terms.count));
        let groups = self.groups.values().map(|g| &g.public);
        let groups = groups.map(|public| (public.threshold(), public.count()));
        ceremonies
            .chain(groups)
            .map(|(threshold, count)| Sizes { threshold, count })
    }

    /// The largest threshold and count among the groups this seat signs for; zero and the roster's where there is none.
    #[must_use]
    pub fn sizes(&self) -> Sizes {
        let none = Sizes {
            threshold: 0,
            count: self.roster.count(),
        };
        self.groups.values().fold(none, |max, group| Sizes {
            threshold: max.threshold.max(group.public.threshold()),
            count: max.count.max(group.public.count()),
        })
    }

    /// The sizes that allow the most to a frame of this kind. A key generation's frames may come before its terms are
    /// known here, so they are bounded by the roster alone.
    fn bounds(&self, kind: Option<Kind>) -> Sizes {
        let count = self.roster.count();
        let any = match kind {
            Some(
                Kind::DkgRound1
                | Kind::DkgEcho
                | Kind::DkgRound2
                | Kind::DkgConfirm
                | Kind::DkgPull,
            ) => count,
            Some(
                Kind::Commitments
                | Kind::Package
                | Kind::Share
                | Kind::Offer
                | Kind::Advance
                | Kind::Evidence
                | Kind::Signature
                | Kind::Pull
                | Kind::Standing
                | Kind::StandingPull,
            )
            | None => 0,
        };
        let none = Sizes {
            threshold: any,
            count,
        };
        let all = std::iter::once(none).chain(self.known_sizes());
        all.max_by_key(|sizes| kind.map(|kind| kind.frame_bytes_max(*sizes)))
            .unwrap_or(none)
    }

    pub(crate) fn peer(&mut self, now: Now, bytes: FromPeer<Vec<u8>>) -> Vec<Output> {
        let kind = bytes.value().first().copied().and_then(Kind::from_number);
        let sizes = self.bounds(kind);
        if kind == Some(Kind::Signature) {
            return match FinalSignature::parse(bytes.value()) {
                Ok(said) => self.finished(now, &said),
                Err(_) => self.dropped(),
            };
        }
        let (peer, account) = (bytes.peer(), bytes.account());
        if kind == Some(Kind::Evidence) {
            let small = bytes.value().len() <= Kind::Evidence.frame_bytes_max(sizes);
            let proof = small.then(|| Evidence::from_frame(bytes.value())).flatten();
            return match proof {
                Some(proof) => self.proof(now, account, proof),
                None => self.dropped(),
            };
        }
        let frame = match intake(bytes, sizes, &self.roster, |frame| {
            self.has_no_use_for(frame)
        }) {
            Ok(Some(frame)) => frame,
            Ok(None) => return Vec::new(),
            Err(_) => return self.dropped(),
        };
        if !self.hears_question(now, peer, &frame) {
            return self.dropped();
        }
        let context = frame.head().context;
        if matches!(frame.kind(), Kind::Standing | Kind::StandingPull) {
            return self.standing_frame(now, peer, frame);
        }
        let ours = self.ceremonies.iter().any(|c| c.head() == context);
        if ours || self.certified.contains_key(&context) {
            return self.ceremony_frame(now, frame);
        }
        self.session_frame(now, frame)
    }

    /// Whether a frame says nothing new, whoever signed it.
    fn has_no_use_for(&self, frame: &Frame) -> bool {
        let name = self.heads.get(&frame.head().context);
        let session = name.and_then(|name| self.sessions.get(name));
        let certified = self.certified.get(&frame.head().context);
        session.is_some_and(|session| session.holds(frame))
            || certified.is_some_and(|over| over.has_no_use_for(frame))
            || self.ceremonies.iter().any(|c| c.has_no_use_for(frame))
            || self.holds_word(frame)
    }

    /// Whether a question that its author did not hand over himself is heard: now and then, for whoever is reached
    /// through others. More often, and anybody could use up what its author is answered.
    fn hears_question(&mut self, now: Now, peer: OperatorIndex, frame: &Frame) -> bool {
        let author = frame.head().author;
        let asks = matches!(frame.kind(), Kind::Pull | Kind::DkgPull);
        if !asks || self.roster.operator_of(author) == Some(peer) {
            return true;
        }
        let about = (author, frame.kind());
        let last = self.relayed.get(&about);
        let heard = last.is_none_or(|last| last.plus(RELAYED_PAUSE) <= now.mono);
        if heard {
            self.relayed.insert(about, now.mono);
        }
        heard
    }

    pub(crate) fn dropped(&mut self) -> Vec<Output> {
        self.noise += 1;
        Vec::new()
    }
}
