//! A coordinator's package, judged in one place.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hardfrost_frost::{CheckedPackage, Commitments};
use hardfrost_primitives::derive::AttemptContext;
use hardfrost_primitives::{Hash32, Member};
use hardfrost_wire::{CommitmentsPayload, Frame, Kind, PackagePayload, Verified};

use crate::terms::Terms;

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

/// One commitment frame inside a package, verbatim.
fn commitments(
    terms: &Terms,
    context: Hash32,
    bytes: &[u8],
) -> Option<(Member, Commitments, Vec<Member>)> {
    let frame = Frame::parse(bytes.to_vec(), terms.sizes()).ok()?;
    if frame.kind() != Kind::Commitments || frame.head().context != context {
        return None;
    }
    let member = frame.head().author;
    let payload: CommitmentsPayload = frame.verify(&terms.roster).ok()?.payload().ok()?;
    let points = Commitments::from_bytes(&payload.hiding, &payload.binding).ok()?;
    Some((member, points, payload.refuses))
}

/// Judges a package frame: author is the turn's coordinator; key spec is the session's; exactly t commitment frames of
/// this context, ascending, every signature good, every point on the curve; no chosen member refuses another. Nobody can
/// be framed with a commitment it did not sign.
///
/// # Errors
/// See [`PackageFault`].
pub fn check_package(
    terms: &Terms,
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
        let (member, points, refuses) =
            commitments(terms, hash, bytes).ok_or(PackageFault::Commitment)?;
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
        .find(|(_, r)| r.iter().any(|m| members.contains(m)))
    {
        return Err(PackageFault::Refused(*m));
    }
    let package = CheckedPackage::new(Arc::clone(&terms.group), context.message, chosen)
        .map_err(|_| PackageFault::Commitment)?;
    Ok(Turn {
        body: frame.body_hash(),
        package,
    })
}
