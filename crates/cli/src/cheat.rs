//! Members that cheat, for the demonstration: a node whose frames are tampered with on their way out, with its own
//! operator key, as a traitor among the operators would.

use std::collections::BTreeMap;

use clap::ValueEnum;
use hardfrost_primitives::{Hash32, Member};
use hardfrost_wire::{
    CommitmentsPayload, Frame, Kind, OperatorKey, PackagePayload, Payload, Roster, SharePayload,
    Sizes, Verified,
};

/// How a member cheats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CheatKind {
    /// A member sends a share that does not fit
    BadShare,
    /// A member sends two different shares
    DoubleShare,
    /// A member sends two different commitments
    DoubleCommit,
    /// A member commits and never sends its share
    Stall,
    /// A coordinator shows one package to some and another to the others
    DoublePackage,
    /// A coordinator sends a package that is none
    BadPackage,
    /// A coordinator never sends its package
    Withhold,
}

impl CheatKind {
    /// Whether only a coordinator can cheat so.
    pub fn is_coordinators(self) -> bool {
        match self {
            Self::DoublePackage | Self::BadPackage | Self::Withhold => true,
            Self::BadShare | Self::DoubleShare | Self::DoubleCommit | Self::Stall => false,
        }
    }

    /// Whether it can be proven, so that whoever does it may be convicted.
    pub fn convicts(self) -> bool {
        match self {
            Self::BadShare
            | Self::DoubleShare
            | Self::DoubleCommit
            | Self::DoublePackage
            | Self::BadPackage => true,
            Self::Stall | Self::Withhold => false,
        }
    }
}

/// Who receives a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// Every other node.
    Everybody,
    /// The node at this place.
    One(usize),
    /// The nodes whose place is even (0) or odd (1).
    Half(usize),
}

/// Tampers with one node's frames.
pub struct Saboteur {
    pub kind: CheatKind,
    pub member: Member,
    pub key: OperatorKey,
    pub sizes: Sizes,
    /// Commitments seen by the node, by attempt: what a second package is made of.
    pub seen: BTreeMap<Hash32, BTreeMap<Member, Vec<u8>>>,
}

impl Saboteur {
    /// Looks at a frame that the node receives.
    pub fn sees(&mut self, bytes: &[u8]) {
        if bytes.first() != Some(&Kind::Commitments.number()) {
            return;
        }
        let Ok(frame) = Frame::parse(bytes.to_vec(), self.sizes) else {
            return;
        };
        if frame.kind() == Kind::Commitments {
            let head = frame.head();
            self.seen
                .entry(head.context)
                .or_default()
                .insert(head.author, bytes.to_vec());
        }
    }

    /// What the node sends instead of `bytes`.
    pub fn tamper(&mut self, to: To, bytes: Vec<u8>, roster: &Roster) -> Vec<(To, Vec<u8>)> {
        // Its own seat has the good share; a traitor does not hand out the signature made with it.
        if bytes.first() == Some(&Kind::Signature.number()) {
            return Vec::new();
        }
        self.sees(&bytes);
        let parsed = Frame::parse(bytes.clone(), self.sizes).ok();
        let own = parsed.filter(|frame| frame.head().author == self.member);
        let own = own.and_then(|frame| frame.verify(roster).ok());
        let tampered = own.and_then(|frame| self.instead(&frame));
        tampered.unwrap_or_else(|| vec![(to, bytes)])
    }

    fn sign<P: Payload>(&self, frame: &Verified<Frame>, payload: &P) -> Vec<u8> {
        Frame::sign(frame.head(), payload, &self.key)
            .as_bytes()
            .to_vec()
    }

    fn instead(&self, frame: &Verified<Frame>) -> Option<Vec<(To, Vec<u8>)>> {
        let original = (To::Everybody, frame.as_bytes().to_vec());
        Some(match (self.kind, frame.kind()) {
            (CheatKind::Stall, Kind::Share) | (CheatKind::Withhold, Kind::Package) => Vec::new(),
            (CheatKind::BadShare, Kind::Share) => {
                vec![(To::Everybody, self.sign(frame, &other_share(frame)?))]
            }
            (CheatKind::DoubleShare, Kind::Share) => {
                vec![
                    original,
                    (To::Everybody, self.sign(frame, &other_share(frame)?)),
                ]
            }
            (CheatKind::DoubleCommit, Kind::Commitments) => {
                let mut second: CommitmentsPayload = frame.payload().ok()?;
                std::mem::swap(&mut second.hiding, &mut second.binding);
                vec![original, (To::Everybody, self.sign(frame, &second))]
            }
            (CheatKind::BadPackage, Kind::Package) => {
                let mut package: PackagePayload = frame.payload().ok()?;
                package.commitments.pop();
                vec![(To::Everybody, self.sign(frame, &package))]
            }
            (CheatKind::DoublePackage, Kind::Package) => {
                let second = self.sign(frame, &self.other_package(frame)?);
                vec![(To::Half(0), original.1), (To::Half(1), second)]
            }
            _ => return None,
        })
    }

    /// The same attempt with another member chosen.
    fn other_package(&self, frame: &Verified<Frame>) -> Option<PackagePayload> {
        let mut package: PackagePayload = frame.payload().ok()?;
        let seen = self.seen.get(&frame.head().context)?;
        let spare = seen
            .values()
            .find(|bytes| !package.commitments.contains(bytes))?;
        package.commitments.pop();
        package.commitments.push(spare.clone());
        package.commitments.sort_by_key(|bytes| author(bytes));
        Some(package)
    }
}

/// Off by what depends on the member: errors of several cheats must not add up to nothing, or their sum would be good.
fn other_share(frame: &Verified<Frame>) -> Option<SharePayload> {
    let mut payload: SharePayload = frame.payload().ok()?;
    let error = Hash32::of(&frame.head().author.to_be_bytes());
    // The first half stays as it is, so that the whole is still below the group order.
    let half = payload.share.iter_mut().zip(error.0).skip(16);
    half.for_each(|(byte, error)| *byte ^= error);
    Some(payload)
}

fn author(bytes: &[u8]) -> Option<[u8; 2]> {
    bytes.get(37..39)?.try_into().ok()
}
