//! A key that a test knows whole and splits, and one signing session over it.
#![allow(dead_code, reason = "not every test binary needs every part")]

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use frost_secp256k1_tr::keys::{self, EvenY, IdentifierList, KeyPackage};
use frost_secp256k1_tr::SigningKey;
use hardfrost_frost::{
    sign, CheckedPackage, DerivedGroup, DerivedShare, GroupPublic, KeyShare, Region,
    SignatureShare, SigningNonces,
};
use hardfrost_primitives::{KeySpec, Member, Message, Suite};
use rand_chacha::ChaCha20Rng;
use rand_core::{CryptoRng, RngCore, SeedableRng};
use serde_json::Value;
use zeroize::Zeroizing;

/// What every test of behaviour runs under.
pub const SUITES: [Suite; 2] = [Suite::Tr, Suite::Bip445];

/// The whole of a published vector file.
pub fn vectors(path: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../vectors");
    std::fs::read_to_string(root.join(path)).unwrap()
}

/// Hex in a vector file as bytes.
pub fn bytes<const N: usize>(value: &Value) -> [u8; N] {
    hex::decode(value.as_str().unwrap())
        .unwrap()
        .try_into()
        .unwrap()
}

pub fn member(number: u16) -> Member {
    Member::new(number).unwrap()
}

/// A group and all its shares, in the library's form and in ours.
pub struct Dealt {
    pub group: Arc<GroupPublic>,
    pub shares: Vec<KeyShare>,
    pub library: Vec<KeyPackage>,
    pub library_public: keys::PublicKeyPackage,
}

/// Splits `secret` among `count` members with the library's dealer, normalised to even Y.
pub fn split(secret: &[u8; 32], (threshold, count): (u16, u16), rng: &mut ChaCha20Rng) -> Dealt {
    let key = SigningKey::deserialize(secret).unwrap();
    let (shares, public) =
        keys::split(&key, count, threshold, IdentifierList::Default, rng).unwrap();
    let library: Vec<KeyPackage> = shares
        .into_values()
        .map(|share| KeyPackage::try_from(share).unwrap().into_even_y(None))
        .collect();
    let library_public = public.into_even_y(None);
    let key = library_public.verifying_key().serialize().unwrap();
    let verifying: Vec<[u8; 33]> = library_public
        .verifying_shares()
        .values()
        .map(|share| share.serialize().unwrap().try_into().unwrap())
        .collect();
    let group = GroupPublic::dangerous_dealt(key.try_into().unwrap(), threshold, &verifying);
    let group = Arc::new(group.unwrap());
    let region = Region::new().unwrap();
    let shares = Member::all(count).zip(&library).map(|(m, package)| {
        let bytes = Zeroizing::new(package.signing_share().serialize().try_into().unwrap());
        KeyShare::from_bytes(m, &bytes, group.clone(), &region).unwrap()
    });
    Dealt {
        shares: shares.collect(),
        group,
        library,
        library_public,
    }
}

/// A signing session up to its shares: what a coordinator holds before it aggregates.
pub struct Session {
    pub package: CheckedPackage,
    pub shares: BTreeMap<Member, SignatureShare>,
}

/// The members `who` commit, one after the other.
pub fn commit<'a>(
    suite: Suite,
    shares: &'a [KeyShare],
    who: &[u16],
    rng: &mut ChaCha20Rng,
) -> Vec<(&'a KeyShare, SigningNonces)> {
    who.iter()
        .map(|number| {
            let share = shares.iter().find(|s| s.member() == member(*number));
            let share = share.unwrap();
            (share, share.commit(suite, rng).unwrap())
        })
        .collect()
}

/// The package over what [`commit`] gave.
pub fn package(
    suite: Suite,
    group: &Arc<DerivedGroup>,
    message: Message,
    committed: &[(&KeyShare, SigningNonces)],
) -> CheckedPackage {
    let commitments = committed
        .iter()
        .map(|(share, nonces)| (share.member(), nonces.commitments()))
        .collect();
    CheckedPackage::new(suite, group.clone(), message, commitments).unwrap()
}

/// What is signed, and how.
#[derive(Clone, Debug)]
pub struct Task {
    pub suite: Suite,
    pub spec: KeySpec,
    pub message: Message,
}

/// The members `who` of the shares' group do the task.
pub fn session(shares: &[KeyShare], who: &[u16], task: &Task, rng: &mut ChaCha20Rng) -> Session {
    let Task {
        suite,
        spec,
        message,
    } = task;
    let public = shares.first().unwrap().group().clone();
    let group = Arc::new(DerivedGroup::new(public, spec.clone()).unwrap());
    let committed = commit(*suite, shares, who, rng);
    let package = package(*suite, &group, *message, &committed);
    let signed = committed.into_iter().map(|(share, nonces)| {
        let derived = DerivedShare::new(share, group.clone()).unwrap();
        (share.member(), sign(&derived, nonces, &package).unwrap())
    });
    Session {
        shares: signed.collect(),
        package,
    }
}

/// Gives the scripted bytes first, 32 at a time, then a seeded stream.
pub struct Scripted {
    script: VecDeque<[u8; 32]>,
    after: ChaCha20Rng,
}

impl Scripted {
    pub fn new(script: impl IntoIterator<Item = [u8; 32]>, seed: u64) -> Self {
        Self {
            script: script.into_iter().collect(),
            after: ChaCha20Rng::seed_from_u64(seed),
        }
    }
}

impl RngCore for Scripted {
    fn next_u32(&mut self) -> u32 {
        self.after.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.after.next_u64()
    }

    fn fill_bytes(&mut self, out: &mut [u8]) {
        match self.script.pop_front() {
            Some(bytes) => out.copy_from_slice(&bytes),
            None => self.after.fill_bytes(out),
        }
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(out);
        Ok(())
    }
}

impl CryptoRng for Scripted {}
