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

/// Commitments of one attempt, by author.
type Seen = BTreeMap<Member, Vec<u8>>;

/// Tampers with one node's frames. Its peers are the places in the roster, from 0.
pub struct Saboteur {
    kind: CheatKind,
    member: Member,
    key: OperatorKey,
    sizes: Sizes,
    /// What a second package is made of, by attempt.
    seen: BTreeMap<Hash32, Seen>,
    /// The second package of an attempt: all who are shown it are shown the same.
    second: BTreeMap<Hash32, Vec<u8>>,
    /// Packages that wait for a commitment more than they need, so that there can be a second one.
    held: Vec<(usize, Vec<u8>)>,
}

impl Saboteur {
    /// One that cheats so, as this member with this key.
    pub fn new(kind: CheatKind, member: Member, key: OperatorKey, sizes: Sizes) -> Self {
        Self {
            kind,
            member,
            key,
            sizes,
            seen: BTreeMap::new(),
            second: BTreeMap::new(),
            held: Vec::new(),
        }
    }

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

    /// What was held back and can go by now, each with its peer.
    pub fn due(&mut self, roster: &Roster) -> Vec<(usize, Vec<u8>)> {
        let held = std::mem::take(&mut self.held).into_iter();
        let due = held.flat_map(|(to, bytes)| {
            let frames = self.tamper(to, &bytes, roster).into_iter();
            frames.map(|frame| (to, frame)).collect::<Vec<_>>()
        });
        due.collect()
    }

    /// What the peer at `to` is sent instead of `bytes`.
    pub fn tamper(&mut self, to: usize, bytes: &[u8], roster: &Roster) -> Vec<Vec<u8>> {
        // Its own seat has the good share; a traitor does not hand out the signature made with it.
        if bytes.first() == Some(&Kind::Signature.number()) {
            return Vec::new();
        }
        self.sees(bytes);
        let parsed = Frame::parse(bytes.to_vec(), self.sizes).ok();
        let own = parsed.filter(|frame| frame.head().author == self.member);
        let own = own.and_then(|frame| frame.verify(roster).ok());
        let tampered = own.and_then(|frame| self.instead(to, &frame));
        tampered.unwrap_or_else(|| vec![bytes.to_vec()])
    }

    fn sign<P: Payload>(&self, frame: &Verified<Frame>, payload: &P) -> Vec<u8> {
        Frame::sign(frame.head(), payload, &self.key)
            .as_bytes()
            .to_vec()
    }

    fn instead(&mut self, to: usize, frame: &Verified<Frame>) -> Option<Vec<Vec<u8>>> {
        let original = frame.as_bytes().to_vec();
        Some(match (self.kind, frame.kind()) {
            (CheatKind::Stall, Kind::Share) | (CheatKind::Withhold, Kind::Package) => Vec::new(),
            (CheatKind::BadShare, Kind::Share) => {
                vec![self.sign(frame, &other_share(frame)?)]
            }
            (CheatKind::DoubleShare, Kind::Share) => {
                vec![original, self.sign(frame, &other_share(frame)?)]
            }
            (CheatKind::DoubleCommit, Kind::Commitments) => {
                let mut second: CommitmentsPayload = frame.payload().ok()?;
                std::mem::swap(&mut second.hiding, &mut second.binding);
                vec![original, self.sign(frame, &second)]
            }
            (CheatKind::BadPackage, Kind::Package) => {
                let mut package: PackagePayload = frame.payload().ok()?;
                package.commitments.pop();
                vec![self.sign(frame, &package)]
            }
            (CheatKind::DoublePackage, Kind::Package) => match self.other_package(frame) {
                Some(second) if to % 2 == 1 => vec![second],
                Some(_) => vec![original],
                None => {
                    self.held.push((to, original));
                    Vec::new()
                }
            },
            _ => return None,
        })
    }

    /// The same attempt with another member chosen, once there is another.
    fn other_package(&mut self, frame: &Verified<Frame>) -> Option<Vec<u8>> {
        let context = frame.head().context;
        if let Some(known) = self.second.get(&context) {
            return Some(known.clone());
        }
        let mut package: PackagePayload = frame.payload().ok()?;
        let seen = self.seen.get(&context)?;
        let spare = seen
            .values()
            .find(|bytes| !package.commitments.contains(bytes))?;
        package.commitments.pop();
        package.commitments.push(spare.clone());
        package.commitments.sort_by_key(|bytes| author(bytes));
        let second = self.sign(frame, &package);
        self.second.insert(context, second.clone());
        Some(second)
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
