//! What a session signs, for whom, under which key: fixed before its first attempt.

use std::collections::BTreeSet;
use std::sync::Arc;

use hardfrost_frost::{DerivedGroup, GroupPublic};
use hardfrost_primitives::derive::AttemptContext;
use hardfrost_primitives::{Hash32, Member, Message, SessionId, Suite};
use hardfrost_wire::{session_head, Roster, Sizes};

/// A session's terms. They come from the session's binding, nothing else.
pub struct Terms {
    /// The session.
    pub session: SessionId,
    /// What is signed.
    pub message: Message,
    /// The group under the key spec that signs.
    pub group: Arc<DerivedGroup>,
    /// How often the key's shares were refreshed.
    pub share_epoch: u32,
    /// Who speaks for which seat.
    pub roster: Arc<Roster>,
}

impl Terms {
    /// The group itself.
    #[must_use]
    pub fn public(&self) -> &GroupPublic {
        self.group.public()
    }

    /// t and n.
    #[must_use]
    pub fn sizes(&self) -> Sizes {
        Sizes {
            threshold: self.public().threshold(),
            count: self.public().count(),
        }
    }

    /// The suite, which the roster fixes.
    #[must_use]
    pub fn suite(&self) -> Suite {
        self.roster.suite()
    }

    /// What heads the session's own messages.
    #[must_use]
    pub fn head(&self) -> Hash32 {
        session_head(&self.session, self.public().key_group())
    }

    /// The context of an attempt: the whole group is included, always, so honest nodes cannot disagree about it.
    #[must_use]
    pub fn context(&self, attempt_number: u32) -> AttemptContext {
        let public = self.public();
        let included: BTreeSet<Member> = public.members().collect();
        AttemptContext {
            session: self.session.clone(),
            key_group: public.key_group().clone(),
            message: self.message,
            key_spec: self.group.spec().clone(),
            suite: self.suite(),
            threshold: public.threshold(),
            share_epoch: self.share_epoch,
            group_public: public.hash(),
            roster: self.roster.hash(),
            attempt_number,
            included,
            excluded: BTreeSet::new(),
            parked: BTreeSet::new(),
        }
    }
}
