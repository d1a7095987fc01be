//! What the operator has said of what may sign, as values: for whoever keeps his word elsewhere too.

use hardfrost_primitives::{KeyGroup, Member, SessionId, UnixTime};

use crate::engine::Engine;
use crate::reason::Reason;
use crate::standing::QuarantineEntry;

/// The operator's latest word on something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorWord {
    /// The group.
    pub key_group: KeyGroup,
    /// What of it.
    pub about: About,
    /// When it was said.
    pub at: UnixTime,
    /// Why it must stop; absent where a member was let in again.
    pub reason: Option<Reason>,
}

/// What a word is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// Signing under the group's key: the kill switch.
    Group,
    /// One session: its kill switch.
    Session(SessionId),
    /// A member's part: quarantine.
    Member(Member),
}

impl Engine {
    /// All that the operator has said and that is in the log. Convictions are not among it: proofs speak for
    /// themselves.
    #[must_use]
    pub fn operator_words(&self) -> Vec<OperatorWord> {
        let standing = &self.state.standing;
        let rekeys = standing.rekeys.iter();
        let rekeys = rekeys.map(|((key_group, session), (at, reason))| OperatorWord {
            key_group: key_group.clone(),
            about: session.clone().map_or(About::Group, About::Session),
            at: *at,
            reason: Some(reason.clone()),
        });
        let quarantines = standing.quarantines.iter();
        let quarantines = quarantines.filter_map(|((key_group, member), entry)| {
            let (at, reason) = said(entry)?;
            Some(OperatorWord {
                key_group: key_group.clone(),
                about: About::Member(*member),
                at,
                reason,
            })
        });
        rekeys.chain(quarantines).collect()
    }
}

fn said(entry: &QuarantineEntry) -> Option<(UnixTime, Option<Reason>)> {
    match &entry.operator {
        Some((at, reason)) => Some((*at, Some(reason.clone()))),
        None => Some((entry.lifted?, None)),
    }
}
