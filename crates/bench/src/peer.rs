//! `schnorr_fun`: FROST with one coefficient too, in pure Rust. Its shares are nobody else's, so only times are
//! compared. Two of our rows it cannot have: it names the first bad share and has no way to find all but one by one,
//! which is what is timed; and its signers take the summed nonces from a coordinator, so the sum is added to their
//! round two here, as ours includes it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use rand_chacha::rand_core::SeedableRng;
use rand_chacha::ChaCha20Rng;
use schnorr_fun::binonce::{Nonce, NonceKeyPair};
use schnorr_fun::frost::chilldkg::simplepedpop::simulate_keygen;
use schnorr_fun::frost::{
    new_with_deterministic_nonces, CoordinatorSignSession, Frost, PairedSecretShare, ShareIndex,
    SharedKey, SignatureShare, VerificationShare,
};
use schnorr_fun::fun::marker::EvenY;
use schnorr_fun::fun::nonce::Deterministic;
use schnorr_fun::Message;
use sha2::Sha256;

/// A key, and one session of its first t members.
pub struct Peer {
    frost: Frost<Sha256, Deterministic<Sha256>>,
    key: SharedKey<EvenY>,
    shares: Vec<PairedSecretShare<EvenY>>,
    /// Computed beforehand, as ours are.
    verification: Vec<VerificationShare>,
    drawn: Vec<NonceKeyPair>,
    message: [u8; 32],
}

impl Peer {
    pub fn new((t, n): (u16, u16), message: [u8; 32]) -> Self {
        let frost = new_with_deterministic_nonces::<Sha256>();
        let mut rng = ChaCha20Rng::seed_from_u64(445);
        let (key, shares) = simulate_keygen(&frost.schnorr, t.into(), n.into(), 0, &mut rng);
        let shares = shares.into_iter().take(t.into());
        let shares: Vec<_> = shares.map(PairedSecretShare::into_xonly).collect();
        let drawn = shares.iter().map(|_| NonceKeyPair::random(&mut rng));
        let key = key.into_xonly();
        let verification = shares.iter().map(|s| key.verification_share(s.index()));
        Self {
            drawn: drawn.collect(),
            verification: verification.collect(),
            key,
            frost,
            shares,
            message,
        }
    }

    fn message(&self) -> Message<'_> {
        Message::raw(&self.message)
    }

    /// What a member draws, the way the crate recommends: a generator seeded with the share and the session.
    pub fn commit(&self) -> Option<NonceKeyPair> {
        let share = *self.shares.first()?;
        let mut rng: ChaCha20Rng = self.frost.seed_nonce_rng(share, &self.message);
        Some(self.frost.gen_nonce(&mut rng))
    }

    fn nonces(&self) -> impl Iterator<Item = Nonce> + '_ {
        self.drawn.iter().map(NonceKeyPair::public)
    }

    fn signed(&self, which: usize) -> Option<SignatureShare> {
        let sum = self.frost.aggregate_binonces(self.nonces());
        let parties: BTreeSet<ShareIndex> = self.shares.iter().map(|s| s.index()).collect();
        let key = self.key.public_key();
        let session = self
            .frost
            .party_sign_session(key, parties, sum, self.message());
        Some(session.sign(self.shares.get(which)?, self.drawn.get(which)?))
    }

    /// Sums and signs as the first member.
    pub fn round2(&self) -> Option<SignatureShare> {
        self.signed(0)
    }

    pub fn session(&self) -> CoordinatorSignSession {
        let indices = self.shares.iter().map(PairedSecretShare::index);
        let nonces: BTreeMap<ShareIndex, Nonce> = indices.zip(self.nonces()).collect();
        self.frost
            .coordinator_sign_session(&self.key, nonces, self.message())
    }

    /// Everybody's share.
    pub fn made(&self) -> anyhow::Result<Vec<SignatureShare>> {
        let signed = (0..self.shares.len()).map(|which| self.signed(which));
        signed.collect::<Option<_>>().context("every member signs")
    }

    /// Sums commitments and shares and verifies the signature once.
    pub fn aggregate(&self, made: &[SignatureShare]) -> bool {
        let signature = self
            .session()
            .combine_signature_shares(made.iter().copied());
        let key = self.key.public_key();
        self.frost.schnorr.verify(&key, self.message(), &signature)
    }

    /// How many of these are not their members' shares.
    pub fn bad(&self, session: &CoordinatorSignSession, made: &[SignatureShare]) -> usize {
        let fits = |(of, made): (&VerificationShare, &SignatureShare)| {
            session.verify_signature_share(*of, *made).is_ok()
        };
        let all = self.verification.iter().zip(made);
        all.filter(|pair| !fits(*pair)).count()
    }

    /// Checks the first member's share.
    pub fn verifier(&self, made: &[SignatureShare]) -> anyhow::Result<impl Fn() -> bool> {
        let session = self.session();
        let first = self.verification.first();
        let verification = *first.context("a group has members")?;
        let made = *made.first().context("a share")?;
        Ok(move || session.verify_signature_share(verification, made).is_ok())
    }
}
