//! What is measured of signing: for each row our side, the FROST library's and the other crate's. A side prepares, then
//! has its work alone [`timed`].

use std::collections::BTreeMap;

use anyhow::{ensure, Context};
use frost_core::CheaterDetection;
use frost_secp256k1_tr::{round1, round2};
use hardfrost_frost::{
    aggregate, sign, verify_share, CheckedPackage, Commitments, KeyShare, SignatureShare,
};
use hardfrost_primitives::{Member, Message, Suite};
use rand_chacha::rand_core::SeedableRng;
use rand_chacha::ChaCha20Rng;
use schnorr_fun::frost::CoordinatorSignSession;

use crate::clock::{timed, Measured};
use crate::library::Library;
use crate::ours::{bent, Ours};
use crate::peer::Peer;

/// Ours, the library's, and the other crate's.
pub type Sides<'a> = [Measured<'a>; 3];

/// One key at each side, and a session over it where that can be used again.
pub struct Stage {
    library: Library,
    ours: Ours,
    peer: Peer,
    rng: ChaCha20Rng,
}

/// A session whose shares are in.
pub struct Judging<'a> {
    stage: &'a Stage,
    commitments: BTreeMap<Member, Commitments>,
    package: CheckedPackage,
    made: BTreeMap<Member, SignatureShare>,
    peer_made: Vec<schnorr_fun::frost::SignatureShare>,
    bad: Bad,
}

/// The same shares, all bad.
struct Bad {
    ours: BTreeMap<Member, SignatureShare>,
    library: BTreeMap<frost_secp256k1_tr::Identifier, round2::SignatureShare>,
    peer: Vec<schnorr_fun::frost::SignatureShare>,
    peer_session: CoordinatorSignSession,
}

impl Stage {
    /// t-of-n.
    pub fn new(size: (u16, u16)) -> anyhow::Result<Self> {
        let mut rng = ChaCha20Rng::seed_from_u64(445);
        let message = Message([0x5a; 32]);
        let library = Library::new(size, &message.0, &mut rng)?;
        let ours = Ours::new(&library.keys, &library.public, message)?;
        let peer = Peer::new(size, message.0);
        Ok(Self {
            library,
            ours,
            peer,
            rng,
        })
    }

    fn first(&self) -> anyhow::Result<&KeyShare> {
        self.ours.shares.first().context("a group has members")
    }

    pub fn commit(&self) -> anyhow::Result<Sides<'_>> {
        let (mut one, mut other) = (self.rng.clone(), self.rng.clone());
        let share = self.first()?;
        let key = self.library.keys.first().context("a group has members")?;
        Ok([
            Box::new(move || timed(|| share.commit(Suite::Bip445, &mut one))),
            Box::new(move || timed(|| round1::commit(key.signing_share(), &mut other))),
            Box::new(|| timed(|| self.peer.commit())),
        ])
    }

    /// Our side of [`Self::round2`] alone.
    pub fn our_round2(&self, suite: Suite) -> anyhow::Result<Measured<'_>> {
        let mut rng = self.rng.clone();
        let share = self.first()?;
        let derived = self.ours.derived(share)?;
        let others = self.ours.session(suite, &mut rng)?.commitments;
        Ok(Box::new(move || {
            // Only our own nonces are new. To draw everybody's here would take so long that what was used before them
            // is out of the cache on a busy machine.
            let nonces = share.commit(suite, &mut rng).ok();
            let mut commitments = others.clone();
            if let Some(nonces) = &nonces {
                commitments.insert(share.member(), nonces.commitments());
            }
            timed(|| {
                let package = self.ours.package(suite, commitments).ok()?;
                sign(&derived, nonces?, &package).ok()
            })
        }))
    }

    /// From parsed commitments to a share: sums, coefficients and all.
    pub fn round2(&self, suite: Suite) -> anyhow::Result<Sides<'_>> {
        let key = self.library.keys.first().context("a group has members")?;
        let nonces = self.library.nonces.get(key.identifier());
        let nonces = nonces.context("this signer committed")?;
        let package = &self.library.package;
        Ok([
            self.our_round2(suite)?,
            Box::new(move || timed(|| round2::sign(package, nonces, key))),
            Box::new(|| timed(|| self.peer.round2())),
        ])
    }

    /// A session whose shares are in.
    pub fn judging(&self) -> anyhow::Result<Judging<'_>> {
        let mut rng = self.rng.clone();
        let session = self.ours.session(Suite::Bip445, &mut rng)?;
        let commitments = session.commitments.clone();
        let package = self.ours.package(Suite::Bip445, commitments.clone())?;
        let made = self.ours.sign(session, &package)?;
        let peer_made = self.peer.made()?;
        let bad = self.bad(&made, &peer_made)?;
        ensure!(aggregate(&package, &made).is_ok(), "we make no signature");
        ensure!(
            self.peer.aggregate(&peer_made),
            "the peer makes no signature"
        );
        Ok(Judging {
            stage: self,
            commitments,
            package,
            made,
            peer_made,
            bad,
        })
    }

    fn bad(
        &self,
        made: &BTreeMap<Member, SignatureShare>,
        peer_made: &[schnorr_fun::frost::SignatureShare],
    ) -> anyhow::Result<Bad> {
        let (peer_session, mut peer) = (self.peer.session(), peer_made.to_vec());
        peer.rotate_left(1);
        let found = self.peer.bad(&peer_session, &peer);
        ensure!(found == peer.len(), "the peer finds all bad shares");
        Ok(Bad {
            ours: bent(made),
            library: self.library.bad_shares()?,
            peer,
            peer_session,
        })
    }
}

impl Judging<'_> {
    /// Sums included.
    pub fn aggregate(&self) -> Sides<'_> {
        let library = &self.stage.library;
        let ours = || {
            let commitments = self.commitments.clone();
            timed(|| {
                let package = self.stage.ours.package(Suite::Bip445, commitments).ok()?;
                aggregate(&package, &self.made).ok()
            })
        };
        let theirs = || {
            timed(|| {
                frost_secp256k1_tr::aggregate(&library.package, &library.shares, &library.public)
            })
        };
        let peer = || timed(|| self.stage.peer.aggregate(&self.peer_made));
        [Box::new(ours), Box::new(theirs), Box::new(peer)]
    }

    /// One share, with everything cached that is the session's.
    pub fn verify(&self) -> anyhow::Result<Sides<'_>> {
        let library = &self.stage.library;
        let (member, share) = self.made.first_key_value().context("somebody signed")?;
        let first = library.shares.first_key_value();
        let (id, their_share) = first.context("somebody signed")?;
        let verifying = library.public.verifying_shares().get(id);
        let verifying = verifying.context("every member has a verifying share")?;
        let key = library.public.verifying_key();
        let ours = move || timed(|| verify_share(&self.package, *member, share));
        let theirs = move || {
            let package = &library.package;
            timed(|| frost_core::verify_signature_share(*id, verifying, their_share, package, key))
        };
        let check = self.stage.peer.verifier(&self.peer_made)?;
        ensure!(check(), "the peer's share does not verify");
        let peer = move || timed(&check);
        Ok([Box::new(ours), Box::new(theirs), Box::new(peer)])
    }

    /// Finds all bad shares where all are bad.
    pub fn blame(&self) -> Sides<'_> {
        let (library, bad) = (&self.stage.library, &self.bad);
        let ours = || timed(|| aggregate(&self.package, &bad.ours).err());
        let theirs = || {
            let (package, all) = (&library.package, CheaterDetection::AllCheaters);
            timed(|| {
                frost_core::aggregate_custom(package, &bad.library, &library.public, all).err()
            })
        };
        let peer = || timed(|| self.stage.peer.bad(&bad.peer_session, &bad.peer));
        [Box::new(ours), Box::new(theirs), Box::new(peer)]
    }
}
