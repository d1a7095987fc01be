//! The kinds of message: their numbers, signing tags and sizes.

/// What a frame is. The number selects the tag that its signature covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// Commitments to a nonce pair.
    Commitments = 2,
    /// A coordinator's choice of t members.
    Package = 3,
    /// A signature share.
    Share = 4,
    /// "You are chosen in this package": it gives a member its chance to deliver before it counts as owing.
    Offer = 6,
    /// A member has seen a round run out, or goes on to the next.
    Advance = 7,
    /// A proof of misbehaviour; proves itself and carries no operator's signature.
    Evidence = 8,
    /// A finished signature; proves itself and carries no operator's signature.
    Signature = 9,
    /// What its author holds of a session; answered with what it lacks.
    Pull = 10,
    /// Key generation, step 1.
    DkgRound1 = 16,
    /// Key generation, step 2.
    DkgEcho = 17,
    /// Key generation, step 3.
    DkgRound2 = 18,
    /// Key generation, step 5.
    DkgConfirm = 20,
    /// What its author holds of a key generation; answered with what it lacks.
    DkgPull = 22,
    /// An operator's word on a group: kept out, stopped, let in again.
    Standing = 24,
    /// What have operators said of a group?
    StandingPull = 25,
}

/// What the size of a message depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// t
    pub threshold: u16,
    /// n
    pub count: u16,
}

impl Kind {
    /// Every kind, ascending.
    pub const ALL: [Self; 15] = [
        Self::Commitments,
        Self::Package,
        Self::Share,
        Self::Offer,
        Self::Advance,
        Self::Evidence,
        Self::Signature,
        Self::Pull,
        Self::DkgRound1,
        Self::DkgEcho,
        Self::DkgRound2,
        Self::DkgConfirm,
        Self::DkgPull,
        Self::Standing,
        Self::StandingPull,
    ];

    /// The kind with this number, if this build knows it. Unknown kinds are skipped, not errors.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// The first byte of a frame.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The tag that the author's signature covers; `None` for a kind that proves itself.
    #[must_use]
    pub fn tag(self) -> Option<&'static str> {
        Some(match self {
            Self::Commitments => "hardfrost/commitments/v1",
            Self::Package => "hardfrost/signing-package/v1",
            Self::Share => "hardfrost/share/v1",
            Self::Offer => "hardfrost/offer/v1",
            Self::Advance => "hardfrost/advance/v1",
            Self::Pull => "hardfrost/pull/v1",
            Self::Evidence | Self::Signature => return None,
            Self::DkgRound1 => "hardfrost/dkg-round1/v1",
            Self::DkgEcho => "hardfrost/dkg-echo/v1",
            Self::DkgRound2 => "hardfrost/dkg-round2/v1",
            Self::DkgConfirm => "hardfrost/dkg-confirm/v1",
            Self::DkgPull => "hardfrost/dkg-pull/v1",
            Self::Standing => "hardfrost/standing/v1",
            Self::StandingPull => "hardfrost/standing-pull/v1",
        })
    }

    /// Largest frame of this kind, in bytes.
    #[must_use]
    pub fn frame_bytes_max(self, sizes: Sizes) -> usize {
        let (t, n) = (usize::from(sizes.threshold), usize::from(sizes.count));
        let f = n.saturating_sub(t);
        match self {
            Self::Commitments => 256 + 2 * f,
            Self::Package => 512 + (256 + 2 * f) * t,
            Self::Share | Self::Signature | Self::Standing => 512,
            Self::Offer | Self::Advance | Self::StandingPull => 256,
            Self::Pull => 1024 + 64 * n.div_ceil(4),
            Self::Evidence => 2 * Self::Package.frame_bytes_max(sizes) + 4096 + 8 * n,
            Self::DkgRound1 => 512 + 33 * t,
            Self::DkgEcho => 256 + 32 * n,
            Self::DkgRound2 => 256 + 48 * n,
            Self::DkgConfirm => 512 + 33 * n,
            Self::DkgPull => 256 + n.div_ceil(2),
        }
    }
}
