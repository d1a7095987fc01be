//! Verification: everything is looked up by the hashes in the preimage, and every frame must be bound to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hardfrost_frost::{verify_share, DerivedGroup, GroupPublic, ShareVerdict, SignatureShare};
use hardfrost_primitives::derive::AttemptContext;
use hardfrost_primitives::{Hash32, Member};
use hardfrost_wire::{Frame, Kind, Roster, SharePayload, Sizes, Verified};

use crate::package::{check_package, PackageFault, Turn};
use crate::proof::{Evidence, EvidenceKind};

/// What a proof is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// This member misbehaved: only the operator that holds its seat in the roster that the context names can have
    /// signed what is shown. A judge that trusts rosters of several groups compares [`Evidence::names`] as a pair.
    Convicts(Member),
    /// Nothing is proven.
    Indeterminate(Doubt),
}

/// Why nothing is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// The context does not read.
    #[error("the attempt's context does not read")]
    Context,
    /// The roster is not known.
    #[error("the proof is for roster {0}, which is not known here")]
    UnknownRoster(Hash32),
    /// The group public is not known.
    #[error("the proof is for a group key with public hash {0}, which is not known here")]
    UnknownGroup(Hash32),
    /// Key group, threshold or members are not the group public's, or roster and group differ in size.
    #[error("the context contradicts the group it names")]
    OtherGroup,
    /// Not as many frames as the kind takes.
    #[error("the proof does not hold the frames of its kind")]
    Frames,
    /// A frame that does not read, is of another kind, or is bound to another context.
    #[error("a frame is not one of this attempt")]
    ForeignFrame,
    /// A frame that its author did not sign.
    #[error("a frame is not signed by its author")]
    Unsigned,
    /// The two frames have different authors.
    #[error("the two frames are of different authors")]
    TwoAuthors,
    /// The two frames say the same.
    #[error("the two frames say the same")]
    SameBody,
    /// The payload does not say what the kind needs.
    #[error("a frame does not say what would be needed")]
    Payload,
    /// Different incarnations: a restart convicts nobody.
    #[error("the two frames are of different incarnations: a restarted member is not a cheat")]
    Restarted,
    /// The two shares are for different packages.
    #[error("the two shares are for different packages")]
    DifferentPackages,
    /// Not the turn's coordinator.
    #[error("the package is not by the coordinator of this attempt")]
    NotCoordinator,
    /// The package itself does not pass: no member can be blamed for a share of it.
    #[error("the package is not well-formed, so its shares prove nothing")]
    BadPackage,
    /// The share's author is not in the package.
    #[error("the share's author was not chosen")]
    NotChosen,
    /// The share is good.
    #[error("the share is valid")]
    GoodShare,
    /// The package is good.
    #[error("the package is well-formed")]
    GoodPackage,
}

/// A proof whose context, roster and group are found and fit together.
struct Case<'a> {
    context: AttemptContext,
    hash: Hash32,
    roster: &'a Roster,
    public: Arc<GroupPublic>,
}

/// D6: included, excluded and parked are disjoint and together the whole group.
fn is_partition(context: &AttemptContext, public: &GroupPublic) -> bool {
    let AttemptContext {
        included,
        excluded,
        parked,
        ..
    } = context;
    let listed = included.len() + excluded.len() + parked.len();
    let all: BTreeSet<Member> = included
        .iter()
        .chain(excluded)
        .chain(parked)
        .copied()
        .collect();
    listed == all.len() && all.into_iter().eq(public.members())
}

impl Evidence {
    /// Judges the proof by rosters and group publics that the judge trusts, each under its hash.
    #[must_use]
    pub fn verify(
        &self,
        rosters: &BTreeMap<Hash32, Arc<Roster>>,
        group_publics: &BTreeMap<Hash32, Arc<GroupPublic>>,
    ) -> Verdict {
        let judged = Case::open(self, rosters, group_publics).and_then(|case| case.judge(self));
        judged.map_or_else(Verdict::Indeterminate, Verdict::Convicts)
    }
}

/// Two bodies of one life. Whatever else a payload says, it begins with the incarnation: one that does not read must
/// not let its author say a second thing beside it.
fn one_incarnation(a: &Verified<Frame>, b: &Verified<Frame>) -> Result<(), Doubt> {
    let first = a.incarnation().ok_or(Doubt::Payload)?;
    let second = b.incarnation().ok_or(Doubt::Payload)?;
    if first == second {
        Ok(())
    } else {
        Err(Doubt::Restarted)
    }
}

impl<'a> Case<'a> {
    fn open(
        evidence: &Evidence,
        rosters: &'a BTreeMap<Hash32, Arc<Roster>>,
        group_publics: &BTreeMap<Hash32, Arc<GroupPublic>>,
    ) -> Result<Self, Doubt> {
        let context =
            AttemptContext::from_preimage(&evidence.context).map_err(|_| Doubt::Context)?;
        let roster = rosters.get(&context.roster);
        let roster = roster.ok_or(Doubt::UnknownRoster(context.roster))?;
        let public = group_publics.get(&context.group_public);
        let public = public.ok_or(Doubt::UnknownGroup(context.group_public))?;
        let fits = context.key_group == *public.key_group()
            && context.threshold == public.threshold()
            && context.suite == roster.suite()
            && roster.count() == public.count()
            && is_partition(&context, public);
        if !fits {
            return Err(Doubt::OtherGroup);
        }
        Ok(Self {
            hash: context.hash(),
            context,
            roster,
            public: Arc::clone(public),
        })
    }

    /// The package's judgement. The group is derived here, after the signatures: it costs n additions of points.
    fn check(&self, package: &Verified<Frame>) -> Result<Result<Turn, PackageFault>, Doubt> {
        let group = DerivedGroup::new(Arc::clone(&self.public), self.context.key_spec.clone());
        let group = Arc::new(group.map_err(|_| Doubt::OtherGroup)?);
        Ok(check_package(&group, self.roster, &self.context, package))
    }

    fn judge(&self, evidence: &Evidence) -> Result<Member, Doubt> {
        match (evidence.kind, evidence.frames.as_slice()) {
            (EvidenceKind::InvalidShare, [package, share]) => self.invalid_share(package, share),
            (EvidenceKind::DoubleShare, [a, b]) => self.double_share(a, b),
            (EvidenceKind::DoubleCommitments, [a, b]) => self.double_commitments(a, b),
            (EvidenceKind::DoublePackage, [a, b]) => self.double_package(a, b),
            (EvidenceKind::MalformedPackage, [package]) => self.malformed_package(package),
            (
                EvidenceKind::InvalidShare
                | EvidenceKind::DoubleShare
                | EvidenceKind::DoubleCommitments
                | EvidenceKind::DoublePackage
                | EvidenceKind::MalformedPackage,
                _,
            ) => Err(Doubt::Frames),
        }
    }

    /// A frame of this attempt, of this kind, signed by its author.
    fn frame(&self, bytes: &[u8], kind: Kind) -> Result<Verified<Frame>, Doubt> {
        let public = &self.public;
        let sizes = Sizes {
            threshold: public.threshold(),
            count: public.count(),
        };
        let frame = Frame::parse(bytes.to_vec(), sizes).map_err(|_| Doubt::ForeignFrame)?;
        let bound = frame.kind() == kind
            && frame.head().context == self.hash
            && self.context.included.contains(&frame.head().author);
        if !bound {
            return Err(Doubt::ForeignFrame);
        }
        frame.verify(self.roster).map_err(|_| Doubt::Unsigned)
    }

    /// Two frames by one author that say different things.
    fn two(
        &self,
        kind: Kind,
        a: &[u8],
        b: &[u8],
    ) -> Result<(Verified<Frame>, Verified<Frame>, Member), Doubt> {
        let (a, b) = (self.frame(a, kind)?, self.frame(b, kind)?);
        let author = a.head().author;
        if author != b.head().author {
            return Err(Doubt::TwoAuthors);
        }
        if a.body_hash() == b.body_hash() {
            return Err(Doubt::SameBody);
        }
        Ok((a, b, author))
    }

    fn invalid_share(&self, package: &[u8], share: &[u8]) -> Result<Member, Doubt> {
        let package = self.frame(package, Kind::Package)?;
        let share = self.frame(share, Kind::Share)?;
        // What costs little is asked first: whoever slanders must not make us check a package for nothing.
        if share.named_package().ok_or(Doubt::Payload)? != package.body_hash() {
            return Err(Doubt::DifferentPackages);
        }
        let turn = self.check(&package)?.map_err(|_| Doubt::BadPackage)?;
        let member = share.head().author;
        let chosen = turn.package.commitments().contains_key(&member);
        let Ok(said) = share.payload::<SharePayload>() else {
            // It names this package and the rest does not decode.
            return chosen.then_some(member).ok_or(Doubt::NotChosen);
        };
        match verify_share(&turn.package, member, &SignatureShare(said.share)) {
            ShareVerdict::Undecodable | ShareVerdict::Invalid => Ok(member),
            ShareVerdict::NotChosen => Err(Doubt::NotChosen),
            ShareVerdict::Valid => Err(Doubt::GoodShare),
        }
    }

    fn double_share(&self, a: &[u8], b: &[u8]) -> Result<Member, Doubt> {
        let (a, b, author) = self.two(Kind::Share, a, b)?;
        let a = a.named_package().ok_or(Doubt::Payload)?;
        let b = b.named_package().ok_or(Doubt::Payload)?;
        if a == b {
            Ok(author)
        } else {
            Err(Doubt::DifferentPackages)
        }
    }

    fn double_commitments(&self, a: &[u8], b: &[u8]) -> Result<Member, Doubt> {
        let (a, b, author) = self.two(Kind::Commitments, a, b)?;
        one_incarnation(&a, &b).map(|()| author)
    }

    fn double_package(&self, a: &[u8], b: &[u8]) -> Result<Member, Doubt> {
        let (a, b, author) = self.two(Kind::Package, a, b)?;
        if self.context.coordinator() != Some(author) {
            return Err(Doubt::NotCoordinator);
        }
        one_incarnation(&a, &b).map(|()| author)
    }

    fn malformed_package(&self, package: &[u8]) -> Result<Member, Doubt> {
        let package = self.frame(package, Kind::Package)?;
        match self.check(&package)? {
            Ok(_) => Err(Doubt::GoodPackage),
            Err(PackageFault::NotCoordinator(_)) => Err(Doubt::NotCoordinator),
            Err(
                PackageFault::Malformed
                | PackageFault::OtherKeySpec
                | PackageFault::Count
                | PackageFault::Order
                | PackageFault::Commitment
                | PackageFault::Refused(_),
            ) => Ok(package.head().author),
        }
    }
}
