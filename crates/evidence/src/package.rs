//! A coordinator's package, judged in one place.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hardfrost_frost::{CheckedPackage, Commitments, DerivedGroup, GroupPublic};
use hardfrost_primitives::derive::AttemptContext;
use hardfrost_primitives::{Hash32, Member};
use hardfrost_wire::{CommitmentsPayload, Frame, Kind, PackagePayload, Roster, Sizes, Verified};

/// A package that passed: whom it chose, and what they sign.
pub struct Turn {
    /// H(package body).
    pub body: Hash32,
    /// What is signed.
    pub package: CheckedPackage,
}

/// What is wrong with a package. Its coordinator signed it, so it is the coordinator's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackageFault {
    /// Not the turn's coordinator.
    #[error("member {0} does not coordinate this attempt")]
    NotCoordinator(Member),
    /// The payload does not parse.
    #[error("the package does not parse")]
    Malformed,
    /// Another key spec than the session's.
    #[error("the package is for another key spec")]
    OtherKeySpec,
    /// Not exactly t commitment frames.
    #[error("the package does not hold exactly t commitments")]
    Count,
    /// Not ascending, or one member twice.
    #[error("the package's commitments are not ascending by member")]
    Order,
    /// A frame that is not a signed commitment of this attempt.
    #[error("the package holds what is no signed commitment of this attempt")]
    Commitment,
    /// A chosen member refuses another chosen member.
    #[error("member {0} refuses another chosen member")]
    Refused(Member),
}

/// What a commitments frame says: its points, and whom its author will not sign with.
pub type Offer = (Commitments, BTreeSet<Member>);

/// What a commitments frame offers, where it may stand in a package: its author is a member, its points are points, it
/// refuses at most n − t. Coordinators choose by this and packages are judged by it, so an honest choice always passes.
#[must_use]
pub fn offer(public: &GroupPublic, frame: &Verified<Frame>) -> Option<Offer> {
    let payload: CommitmentsPayload = frame.payload().ok()?;
    let points = Commitments::from_bytes(&payload.hiding, &payload.binding).ok()?;
    let faulty_max = usize::from(public.count() - public.threshold());
    let few = payload.refuses.len() <= faulty_max;
    let author = frame.head().author;
    let refuses = payload.refuses.into_iter().filter(|m| *m != author);
    (few && public.has(author)).then(|| (points, refuses.collect()))
}

/// The first t of those willing, in their order, none of whom refuses another. Whoever refuses one of the others is
/// left out itself, so that a refusal alone pushes out nobody else.
#[must_use]
pub fn first_willing(
    mut willing: Vec<(Member, BTreeSet<Member>)>,
    threshold: u16,
) -> Option<BTreeSet<Member>> {
    let threshold = usize::from(threshold);
    while willing.len() >= threshold {
        let first = willing.iter().take(threshold);
        let chosen: BTreeSet<Member> = first.map(|(m, _)| *m).collect();
        let mut first = willing.iter().take(threshold);
        match first.position(|(_, refuses)| !refuses.is_disjoint(&chosen)) {
            Some(refuser) => willing.remove(refuser),
            None => return Some(chosen),
        };
    }
    None
}

/// One commitment frame inside a package, verbatim.
fn commitments(
    public: &GroupPublic,
    roster: &Roster,
    (context, hash): (&AttemptContext, Hash32),
    bytes: &[u8],
) -> Option<(Member, Offer)> {
    let sizes = Sizes {
        threshold: public.threshold(),
        count: public.count(),
    };
    let frame = Frame::parse(bytes.to_vec(), sizes).ok()?;
    let head = frame.head();
    let here = head.context == hash && context.included.contains(&head.author);
    if frame.kind() != Kind::Commitments || !here {
        return None;
    }
    let frame = frame.verify(roster).ok()?;
    Some((frame.head().author, offer(public, &frame)?))
}

/// Judges a package frame, for signers and for verifiers of evidence alike: author is the turn's coordinator; key spec
/// is the session's; exactly t commitment frames of this context by included members, ascending, every signature good,
/// every point on the curve; no chosen member refuses another. Nobody can be framed with a commitment it did not sign.
///
/// # Errors
/// See [`PackageFault`].
pub fn check_package(
    group: &Arc<DerivedGroup>,
    roster: &Roster,
    context: &AttemptContext,
    frame: &Verified<Frame>,
) -> Result<Turn, PackageFault> {
    let author = frame.head().author;
    let hash = context.hash();
    if context.coordinator() != Some(author) || frame.head().context != hash {
        return Err(PackageFault::NotCoordinator(author));
    }
    let payload: PackagePayload = frame.payload().map_err(|_| PackageFault::Malformed)?;
    if payload.key_spec != context.key_spec {
        return Err(PackageFault::OtherKeySpec);
    }
    if payload.commitments.len() != usize::from(context.threshold) {
        return Err(PackageFault::Count);
    }
    let mut chosen = BTreeMap::new();
    let mut refusals = Vec::new();
    for bytes in &payload.commitments {
        let (member, (points, refuses)) =
            commitments(group.public(), roster, (context, hash), bytes)
                .ok_or(PackageFault::Commitment)?;
        if chosen
            .last_key_value()
            .is_some_and(|(last, _)| *last >= member)
        {
            return Err(PackageFault::Order);
        }
        chosen.insert(member, points);
        refusals.push((member, refuses));
    }
    let members: BTreeSet<Member> = chosen.keys().copied().collect();
    if let Some((m, _)) = refusals
        .iter()
        .find(|(_, refuses)| !refuses.is_disjoint(&members))
    {
        return Err(PackageFault::Refused(*m));
    }
    let (suite, message) = (context.suite, context.message);
    let package = CheckedPackage::new(suite, Arc::clone(group), message, chosen)
        .map_err(|_| PackageFault::Commitment)?;
    Ok(Turn {
        body: frame.body_hash(),
        package,
    })
}
