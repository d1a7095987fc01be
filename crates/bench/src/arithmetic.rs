//! The rows of signing.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use frost_core::CheaterDetection;
use frost_secp256k1_tr::{round1, round2};
use hardfrost_frost::{aggregate, sign, verify_share, CheckedPackage, SignatureShare};
use hardfrost_primitives::{Member, Message, Suite};
use rand_chacha::rand_core::SeedableRng;
use rand_chacha::ChaCha20Rng;

use crate::clock::{medians, timed, Measured};
use crate::library::Library;
use crate::ours::{bent, Ours};
use crate::peer::Peer;
use crate::table::Row;

const LIBRARY: &str = "FROST library";
const PEER: &str = "schnorr_fun";
const ROUNDS: usize = 31;

/// What is measured over and over.
struct Stage {
    library: Library,
    ours: Ours,
    peer: Peer,
    rng: ChaCha20Rng,
}

/// Both sides' medians.
type Pair = (Duration, Duration);

fn pair(rounds: usize, ours: Measured<'_>, theirs: Measured<'_>) -> anyhow::Result<Pair> {
    match medians(rounds, &mut [ours, theirs])[..] {
        [ours, theirs] => Ok((ours, theirs)),
        _ => anyhow::bail!("two sides have two medians"),
    }
}

/// Ours, the library's, and the other crate's.
type Three = [Duration; 3];

fn three(rounds: usize, sides: [Measured<'_>; 3]) -> anyhow::Result<Three> {
    let mut sides = sides;
    let medians = medians(rounds, &mut sides);
    medians
        .try_into()
        .ok()
        .context("three sides have three medians")
}

/// Medians of everything, under `bip445` where nothing else is said.
struct Costs {
    commit: Three,
    round2: Three,
    aggregate: Three,
    verify: Three,
    blame: Three,
    tr_round2: Pair,
}

impl Stage {
    fn new(size: (u16, u16)) -> anyhow::Result<Self> {
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

    fn commit(&self) -> anyhow::Result<Three> {
        let (mut one, mut other) = (self.rng.clone(), self.rng.clone());
        let share = self.ours.shares.first().context("a group has members")?;
        let key = self.library.keys.first().context("a group has members")?;
        let ours = || timed(|| share.commit(Suite::Bip445, &mut one));
        let theirs = || timed(|| round1::commit(key.signing_share(), &mut other));
        let peer = || timed(|| self.peer.commit());
        three(
            ROUNDS * 3,
            [Box::new(ours), Box::new(theirs), Box::new(peer)],
        )
    }

    /// From parsed commitments to a share: sums, coefficients and all.
    fn round2(&self, suite: Suite) -> anyhow::Result<Three> {
        let mut rng = self.rng.clone();
        let share = self.ours.shares.first().context("a group has members")?;
        let derived = self.ours.derived(share)?;
        let key = self.library.keys.first().context("a group has members")?;
        let nonces = self.library.nonces.get(key.identifier());
        let nonces = nonces.context("this signer committed")?;
        let ours = || {
            let session = self.ours.session(suite, &mut rng).ok();
            let own = session.map(|s| (s.commitments, s.nonces));
            let own = own.and_then(|(all, mut n)| Some((all, n.remove(&share.member())?)));
            timed(|| {
                let (commitments, nonces) = own?;
                let package = self.ours.package(suite, commitments).ok()?;
                sign(&derived, nonces, &package).ok()
            })
        };
        let theirs = || timed(|| round2::sign(&self.library.package, nonces, key));
        let peer = || timed(|| self.peer.round2());
        three(ROUNDS, [Box::new(ours), Box::new(theirs), Box::new(peer)])
    }

    fn judging(&self) -> anyhow::Result<(Three, Three, Three)> {
        let library = &self.library;
        let mut rng = self.rng.clone();
        let session = self.ours.session(Suite::Bip445, &mut rng)?;
        let commitments = session.commitments.clone();
        let package = self.ours.package(Suite::Bip445, commitments.clone())?;
        let made = self.ours.sign(session, &package)?;
        anyhow::ensure!(
            aggregate(&package, &made).is_ok(),
            "our shares make no signature"
        );
        let sum = || {
            let commitments = commitments.clone();
            timed(|| {
                let package = self.ours.package(Suite::Bip445, commitments).ok()?;
                aggregate(&package, &made).ok()
            })
        };
        let theirs = || {
            timed(|| {
                frost_secp256k1_tr::aggregate(&library.package, &library.shares, &library.public)
            })
        };
        let peer_made = self.peer.made()?;
        anyhow::ensure!(
            self.peer.aggregate(&peer_made),
            "the peer makes no signature"
        );
        let peer = || timed(|| self.peer.aggregate(&peer_made));
        let summed = three(ROUNDS, [Box::new(sum), Box::new(theirs), Box::new(peer)])?;

        let (member, share) = made.first_key_value().context("somebody signed")?;
        let (id, their_share) = library
            .shares
            .first_key_value()
            .context("somebody signed")?;
        let verifying = library.public.verifying_shares().get(id);
        let verifying = verifying.context("every member has a verifying share")?;
        let key = library.public.verifying_key();
        let one = || timed(|| verify_share(&package, *member, share));
        let theirs = || {
            let package = &library.package;
            timed(|| frost_core::verify_signature_share(*id, verifying, their_share, package, key))
        };
        let check = self.peer.verifier(&peer_made)?;
        anyhow::ensure!(check(), "the peer's share does not verify");
        let peer = || timed(&check);
        let verified = three(ROUNDS, [Box::new(one), Box::new(theirs), Box::new(peer)])?;

        let blamed = self.blaming(&package, &made, peer_made)?;
        Ok((summed, verified, blamed))
    }

    fn blaming(
        &self,
        package: &CheckedPackage,
        made: &BTreeMap<Member, SignatureShare>,
        peer_made: Vec<schnorr_fun::frost::SignatureShare>,
    ) -> anyhow::Result<Three> {
        let library = &self.library;
        let (bad, their_bad) = (bent(made), library.bad_shares()?);
        let blame = || timed(|| aggregate(package, &bad).err());
        let theirs = || {
            let all = CheaterDetection::AllCheaters;
            let package = &library.package;
            timed(|| frost_core::aggregate_custom(package, &their_bad, &library.public, all).err())
        };
        let (peer_session, mut peer_bad) = (self.peer.session(), peer_made);
        peer_bad.rotate_left(1);
        let found = self.peer.bad(&peer_session, &peer_bad);
        anyhow::ensure!(found == peer_bad.len(), "the peer finds all bad shares");
        let peer = || timed(|| self.peer.bad(&peer_session, &peer_bad));
        let sides: [Measured<'_>; 3] = [Box::new(blame), Box::new(theirs), Box::new(peer)];
        three(ROUNDS / 3, sides)
    }

    fn costs(&self) -> anyhow::Result<Costs> {
        let (aggregate, verify, blame) = self.judging()?;
        Ok(Costs {
            commit: self.commit()?,
            round2: self.round2(Suite::Bip445)?,
            aggregate,
            verify,
            blame,
            tr_round2: {
                let [ours, theirs, _] = self.round2(Suite::Tr)?;
                (ours, theirs)
            },
        })
    }
}

/// Round2 at the smallest and at the largest group of the suite.
fn growth() -> anyhow::Result<Row> {
    let (small, large) = (Stage::new((2, 128))?, Stage::new((128, 128))?);
    let turn = |stage: &Stage, rng: &mut ChaCha20Rng| -> Option<Duration> {
        let share = stage.ours.shares.first()?;
        let derived = stage.ours.derived(share).ok()?;
        let mut session = stage.ours.session(Suite::Bip445, rng).ok()?;
        let own = session.nonces.remove(&share.member())?;
        Some(timed(|| {
            let package = stage
                .ours
                .package(Suite::Bip445, session.commitments)
                .ok()?;
            sign(&derived, own, &package).ok()
        }))
    };
    let (mut one, mut other) = (small.rng.clone(), large.rng.clone());
    let both = pair(
        ROUNDS,
        Box::new(|| turn(&large, &mut one).unwrap_or_default()),
        Box::new(|| turn(&small, &mut other).unwrap_or_default()),
    )?;
    Ok(Row::new(
        "round2 bip445, t = 128",
        both,
        ("the same, t = 2", 1.5),
    ))
}

/// All rows of signing, for t-of-n.
pub fn rows(size: (u16, u16)) -> anyhow::Result<Vec<Row>> {
    let costs = Stage::new(size)?.costs()?;
    let (t, n) = (u32::from(size.0), u32::from(size.1));
    // n commit, t sign, the coordinator checks every share, the others sum once.
    let whole = |side: fn(&Three) -> Duration| {
        let [commit, round2, verify, sum] = [
            &costs.commit,
            &costs.round2,
            &costs.verify,
            &costs.aggregate,
        ]
        .map(side);
        commit * n + round2 * t + verify * t + sum * (n - 1)
    };
    let robust = [
        whole(|[ours, ..]| *ours),
        whole(|[_, theirs, _]| *theirs),
        whole(|[.., peer]| *peer),
    ];
    let aggregate = "aggregate and verify, honest, sums included";
    let blame = "find all bad shares, all are bad";
    let verify = "verify one share, session cached";
    let whole = "one robust signing, all nodes (composed)";
    let round2 = "round2 bip445, sums included";
    let row = |what: &str, [ours, theirs, _]: Three, goal| {
        Row::new(what, (ours, theirs), (LIBRARY, goal))
    };
    let beside =
        |what: &str, [ours, _, peer]: Three, goal| Row::new(what, (ours, peer), (PEER, goal));
    Ok(vec![
        row("commit", costs.commit, 0.35),
        row(round2, costs.round2, 0.04),
        beside(round2, costs.round2, 0.8),
        row(aggregate, costs.aggregate, 0.06),
        beside(aggregate, costs.aggregate, 0.7),
        row(blame, costs.blame, 0.35),
        beside(blame, costs.blame, 0.5),
        row(verify, costs.verify, 0.035),
        beside(verify, costs.verify, 0.45),
        row(whole, robust, 0.05),
        beside(whole, robust, 0.6),
        Row::new(
            "round2 tr, the library's bytes",
            costs.tr_round2,
            (LIBRARY, 0.45),
        ),
        growth()?,
    ])
}
