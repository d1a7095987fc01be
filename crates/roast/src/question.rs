//! What an attempt asks, what it is answered, what it wants done, what it looks like.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hardfrost_evidence::Evidence;
use hardfrost_frost::{Candidate, Commitments, Signature, SignatureShare};
use hardfrost_primitives::derive::AttemptContext;
use hardfrost_primitives::{AttemptId, Fingerprint, Member};
use hardfrost_wire::Frame;

/// A question for the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// The context's ids as the engine derives them.
    Derive(AttemptContext),
    /// Open the attempt.
    Open(AttemptContext),
    /// Draw commitments.
    Round1(AttemptId),
    /// Sign with these members.
    Round2(AttemptId, BTreeMap<Member, Commitments>),
    /// Make these shares into a signature.
    Aggregate(
        AttemptId,
        BTreeMap<Member, Commitments>,
        BTreeMap<Member, SignatureShare>,
    ),
    /// Destroy what is live of this attempt.
    Abort(AttemptId),
}

/// Which question an answer is to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// `Need::Derive`
    Derive,
    /// `Need::Open`
    Open,
    /// `Need::Round1`
    Round1,
    /// `Need::Round2`
    Round2,
    /// `Need::Aggregate`
    Aggregate,
    /// `Need::Abort`
    Abort,
}

impl Need {
    /// Which question it is.
    #[must_use]
    pub fn question(&self) -> Question {
        match self {
            Self::Derive(_) => Question::Derive,
            Self::Open(_) => Question::Open,
            Self::Round1(_) => Question::Round1,
            Self::Round2(..) => Question::Round2,
            Self::Aggregate(..) => Question::Aggregate,
            Self::Abort(_) => Question::Abort,
        }
    }
}

/// Why the engine refused, in words for the operator; the kinds differ in what may be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing changed, and the same question may do later: a limit, or a log that takes no record now.
    Later(String),
    /// A gate of ours is closed: the operator must act. Nothing is spent, and the same question may do later.
    Gate(String),
    /// Our part in this attempt is spent, perhaps in a former life: other attempts go on.
    Spent,
    /// Asking again will not help.
    Final(String),
}

/// The engine's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To `Derive`: coordinator, fingerprint, attempt id.
    Derived(Member, Fingerprint, AttemptId),
    /// To `Open`.
    Opened(AttemptId),
    /// To `Round1`.
    Committed(Commitments),
    /// To `Round2`.
    Share(SignatureShare),
    /// To `Aggregate`.
    Signed(Signature),
    /// To `Aggregate`: the shares do not add up; these spoilt the sum.
    BadShares(Vec<Candidate>),
    /// The engine refused the question.
    Refused(Question, Refusal),
}

/// What the attempt wants done.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Send to everybody.
    Send(Frame),
    /// Ask the engine.
    Ask(Need),
    /// A proof, made and not yet verified.
    Prove(Evidence),
    /// The attempt made a signature.
    Signed(Signature),
    /// Our engine does not open this attempt, in its words; other attempts may go on.
    Unopened(String),
    /// A gate of ours keeps this attempt from being opened.
    Closed(String),
    /// The session cannot go on here: ours to repair.
    Stuck(String),
}

/// What an attempt looks like from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptReport {
    /// From 1.
    pub number: u32,
    /// Who coordinates.
    pub coordinator: Member,
    /// Who committed.
    pub committed: BTreeSet<Member>,
    /// Whom the package chose; empty before it came.
    pub chosen: BTreeSet<Member>,
    /// Chosen members whose valid share is not here.
    pub owing: BTreeSet<Member>,
    /// From the attempt's start to its end or to now.
    pub took: Duration,
}
