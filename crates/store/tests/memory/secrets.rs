//! What the parent knows: the keys of the store, the key shares in it, and the randomness of every nonce.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hardfrost_engine::EncodedRecord;
use hardfrost_frost::{GroupPublic, KeyShare, Region};
use hardfrost_primitives::{Hash32, Member};
use hardfrost_store::{KeyProvider, Opened, Store, StoreDir};
use hkdf::Hkdf;
use rand_core::{CryptoRng, OsRng, RngCore};
use secp256k1::{SecretKey, SECP256K1};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::member;
use crate::operator::{Operator, SEATS};

type Sought = (&'static str, [u8; 32]);

/// Where a group's store and its key lie.
pub struct Place {
    pub dir: StoreDir,
    pub key: PathBuf,
}

impl Place {
    pub fn new(folder: &Path) -> Self {
        Self {
            dir: StoreDir::new(folder.join("store")),
            key: folder.join("key"),
        }
    }

    pub fn open(&self) -> Opened {
        Store::open(&self.dir, &KeyProvider::File(self.key.clone())).unwrap()
    }
}

/// Randomness that both processes know: one block of 32 bytes after the other.
pub struct Known(pub u64);

impl Known {
    pub fn block(number: u64) -> [u8; 32] {
        Hash32::tagged("test/known", &number.to_be_bytes()).0
    }
}

impl RngCore for Known {
    fn next_u32(&mut self) -> u32 {
        panic!("a nonce is drawn as 32 bytes")
    }

    fn next_u64(&mut self) -> u64 {
        panic!("a nonce is drawn as 32 bytes")
    }

    fn fill_bytes(&mut self, out: &mut [u8]) {
        out.copy_from_slice(&Self::block(self.0));
        self.0 += 1;
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(out);
        Ok(())
    }
}

impl CryptoRng for Known {}

/// A nonce pair, drawn by a second hand.
pub struct Pair([[u8; 32]; 2]);

impl Pair {
    pub fn sought(&self) -> Vec<Sought> {
        let pair = [("hiding nonce", self.0[0]), ("binding nonce", self.0[1])];
        [&pair[..], &negated(&pair)].concat()
    }

    pub fn commitment(&self) -> String {
        let point = |nonce: &[u8; 32]| {
            let secret = SecretKey::from_slice(nonce).unwrap();
            hex::encode(secret.public_key(SECP256K1).serialize())
        };
        self.0.iter().map(point).collect()
    }
}

/// n − k, which a library may hold in the place of k.
pub fn negated(sought: &[Sought]) -> Vec<Sought> {
    let negate = |(name, value): &Sought| {
        let key = SecretKey::from_slice(value).unwrap();
        (*name, key.negate().secret_bytes())
    };
    sought.iter().map(negate).collect()
}

pub struct Secrets {
    given: [u8; 32],
    store_id: [u8; 16],
    shares: Vec<KeyShare>,
}

/// Where a pending key's record has its share, after ceremony, epoch, transcript and member.
const SHARE_AT: usize = 32 + 4 + 32 + 2;

fn share_in(record: &EncodedRecord, region: &Region) -> Option<KeyShare> {
    let bytes = record.as_bytes();
    if record.kind() != 1 {
        return None;
    }
    let (head, group) = bytes.split_at(SHARE_AT + 32);
    let number = u16::from_be_bytes(head[SHARE_AT - 2..SHARE_AT].try_into().unwrap());
    let share = Zeroizing::new(head[SHARE_AT..].try_into().unwrap());
    let group = Arc::new(GroupPublic::from_bytes(group).unwrap());
    // It reads only if it fits the member's public share: what is sought is the real one.
    Some(KeyShare::from_bytes(member(number), &share, group, region).unwrap())
}

impl Secrets {
    /// Makes a store with a group's key in it, closes it, and reads what is in it.
    pub fn of_a_new_group(folder: &Path) -> Self {
        let place = Place::new(folder);
        let mut given = [0; 32];
        OsRng.fill_bytes(&mut given);
        fs::write(&place.key, hex::encode(given)).unwrap();
        fs::set_permissions(&place.key, fs::Permissions::from_mode(0o600)).unwrap();
        Store::create(&place.dir, &KeyProvider::File(place.key.clone())).unwrap();
        let Opened { store, records } = place.open();
        let mut operator = Operator::new(&records, store.writer(), drop);
        operator.make_key(Hash32([1; 32])).unwrap();
        store.close().unwrap();
        let Opened { store, records } = place.open();
        let region = Region::new().unwrap();
        let shares = records
            .iter()
            .filter_map(|record| share_in(record, &region));
        let shares: Vec<KeyShare> = shares.collect();
        assert_eq!(shares.len(), SEATS.len());
        Self {
            given,
            store_id: store.id().0,
            shares,
        }
    }

    fn share(&self, who: Member) -> &KeyShare {
        self.shares.iter().find(|s| s.member() == who).unwrap()
    }

    /// All key shares of the engine.
    pub fn shares(&self) -> Vec<Sought> {
        let shares = self.shares.iter();
        let shares: Vec<Sought> = shares
            .map(|s| ("key share", *s.dangerous_to_bytes()))
            .collect();
        [&shares[..], &negated(&shares)].concat()
    }

    /// The keys of the store.
    pub fn kept(&self) -> Vec<Sought> {
        let expanded = Hkdf::<Sha256>::new(Some(&self.store_id), &self.given);
        let sub_key = |info: &str| {
            let mut key = [0; 32];
            expanded.expand(info.as_bytes(), &mut key).unwrap();
            key
        };
        let keys = [
            ("the provider's key", self.given),
            ("record key", sub_key("hardfrost/store/record")),
            ("head key", sub_key("hardfrost/store/head")),
            ("check key", sub_key("hardfrost/store/check")),
        ];
        keys.into()
    }

    /// What a seat draws from this block of the known randomness: BIP 445 NonceGen.
    pub fn nonces(&self, seat: u16, block: u64) -> Pair {
        let share = self.share(member(seat));
        let random = Known::block(block);
        let mask = Hash32::tagged("BIP0445/aux", &random).0;
        let secret = share.dangerous_to_bytes();
        let masked: Vec<u8> = secret.iter().zip(mask).map(|(s, m)| s ^ m).collect();
        let public = share.group().verifying_shares()[usize::from(seat) - 1];
        let key = share.group().verifying_key();
        let preimage = [
            &masked[..],
            &[4],
            &u32::from(seat - 1).to_be_bytes(),
            &[33],
            &public,
            &[32],
            &key[1..],
            &[0],
            &0_u32.to_be_bytes(),
        ]
        .concat();
        let nonce = |which| [&preimage[..], &[which]].concat();
        Pair([0, 1].map(|which| Hash32::tagged("BIP0445/nonce", &nonce(which)).0))
    }
}
