//! D3 and D4: who coordinates an attempt. The election only rotates work; nothing may depend on it being unpredictable.

use std::collections::BTreeSet;

use super::go_rand::GoRand;
use crate::{Hash32, KeyGroup, Member, Message, SessionId};

/// The seed of a session's elections (D3): fixed by key group, session and message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ElectionSeed(Hash32);

impl ElectionSeed {
    /// `H(key group text ‖ session id text ‖ message)`, without framing.
    #[must_use]
    pub fn derive(key_group: &KeyGroup, session: &SessionId, message: &Message) -> Self {
        Self::of_foreign_handle(key_group.as_str(), session, message)
    }

    /// The same for a host whose key-group handle is another text than ours.
    #[must_use]
    pub fn of_foreign_handle(handle: &str, session: &SessionId, message: &Message) -> Self {
        let text = [handle.as_bytes(), session.as_str().as_bytes(), &message.0];
        Self(Hash32::of(&text.concat()))
    }

    /// A seed that was derived elsewhere.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Hash32(bytes))
    }

    /// The 32 bytes, as D6 carries them.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 32] {
        self.0 .0
    }

    /// The first 8 bytes as i64.
    #[must_use]
    pub fn fold(self) -> i64 {
        let [a, b, c, d, e, f, g, h, ..] = self.to_bytes();
        i64::from_be_bytes([a, b, c, d, e, f, g, h])
    }
}

/// The coordinator of attempt `attempt_number` (from 1) over `included`; `None` when nobody is included or the number
/// is 0. This is the one place that subtracts one.
#[must_use]
pub fn coordinator(
    seed: ElectionSeed,
    attempt_number: u32,
    included: &BTreeSet<Member>,
) -> Option<Member> {
    let zero_based = attempt_number.checked_sub(1)?;
    let source = seed.fold().wrapping_add(i64::from(zero_based));
    let mut members: Vec<Member> = included.iter().copied().collect();
    GoRand::seeded(source).shuffle(&mut members);
    members.first().copied()
}
