#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! A process draws nonces and signs; its parent, which knows its secrets, searches all of its memory for them.

mod ceremony;
#[path = "../../locked/tests/image/mod.rs"]
mod image;

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use ceremony::Dealt;
use frost_core::Ciphersuite;
use frost_secp256k1_tr::Secp256K1Sha256TR;
use hardfrost_frost::{
    sign, CheckedPackage, Commitments, DerivedGroup, DerivedShare, GroupPublic, KeyShare, Region,
};
use hardfrost_locked::scrubbed;
use hardfrost_primitives::{Hash32, KeySpec, Member, Message, Suite};
use image::{Form, Image};
use rand_chacha::rand_core::SeedableRng;
use rand_chacha::ChaCha20Rng;
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

fn member(number: u16) -> Member {
    Member::new(number).unwrap()
}

const MESSAGE: Message = Message([0x6d; 32]);

/// Randomness that both processes know: one block of 32 bytes after the other.
struct Known(u64);

impl Known {
    fn block(number: u64) -> [u8; 32] {
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

/// The process under test: an ignored test, run by itself.
#[test]
#[ignore = "the process under test of the others"]
fn signs() {
    println!("\nready");
    let mut input = OpenOptions::new().read(true).open("/dev/stdin").unwrap();
    let mut suite = [0];
    if input.read(&mut suite).unwrap() == 0 {
        return;
    }
    let suite = if suite[0] == b't' {
        Suite::Tr
    } else {
        Suite::Bip445
    };
    let mut length = [0; 2];
    input.read_exact(&mut length).unwrap();
    let mut group = vec![0; u16::from_be_bytes(length).into()];
    input.read_exact(&mut group).unwrap();
    let group = Arc::new(GroupPublic::from_bytes(&group).unwrap());
    let mut theirs = [[0; 33]; 2];
    theirs
        .iter_mut()
        .for_each(|point| input.read_exact(point).unwrap());
    let region = Region::new().unwrap();
    // The test's own reading of the secret is wiped here; what the library does with it is not.
    let bytes = scrubbed(|| {
        let mut bytes = Box::new(Zeroizing::new([0; 32]));
        input.read_exact(bytes.as_mut_slice()).unwrap();
        bytes
    });
    let share = KeyShare::from_bytes(member(1), &bytes, group.clone(), &region).unwrap();
    drop(bytes);
    let mut rng = Known(0);
    let first = share.commit(suite, &mut rng).unwrap();
    let second = share.commit(suite, &mut rng).unwrap();
    let own = first.commitments();
    let shown =
        [own, second.commitments()].map(|c| hex::encode([c.hiding(), c.binding()].concat()));
    let pause = |input: &mut File| input.read_exact(&mut [0]).unwrap();
    println!("{}\n{}", shown[0], shown[1]);
    pause(&mut input);
    let derived = Arc::new(DerivedGroup::new(group, KeySpec::group_key()).unwrap());
    let theirs = Commitments::from_bytes(&theirs[0], &theirs[1]).unwrap();
    let commitments = BTreeMap::from([(member(1), own), (member(2), theirs)]);
    let package = CheckedPackage::new(suite, derived.clone(), MESSAGE, commitments).unwrap();
    let key = DerivedShare::new(&share, derived).unwrap();
    let made = sign(&key, first, &package).unwrap();
    println!("{}", hex::encode(made.0));
    pause(&mut input);
    drop(second);
    drop((key, share));
    println!("dropped");
    pause(&mut input);
}

struct Signer {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Signer {
    fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", "--test-threads=1"])
            .arg("signs")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut signer = Self { child, output };
        while signer.line() != "ready" {}
        signer
    }

    fn say(&mut self, bytes: &[u8]) {
        let input = self.child.stdin.as_mut().unwrap();
        input.write_all(bytes).unwrap();
        input.flush().unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "it ended");
        line.trim_end().to_owned()
    }

    fn image(&self) -> Image {
        Image::of(self.child.id())
    }
}

impl Drop for Signer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The pair that a share and known randomness make, by a second hand.
fn expected(suite: Suite, share: &KeyShare, first_block: u64) -> [[u8; 32]; 2] {
    let secret = share.dangerous_to_bytes();
    match suite {
        Suite::Tr => [first_block, first_block + 1].map(|block| {
            let preimage = [Known::block(block), *secret].concat();
            Secp256K1Sha256TR::H3(&preimage).to_bytes().into()
        }),
        Suite::Bip445 => {
            let random = Known::block(first_block);
            let mask = Hash32::tagged("BIP0445/aux", &random).0;
            let masked: Vec<u8> = secret.iter().zip(mask).map(|(s, m)| s ^ m).collect();
            let (group, who) = (share.group(), share.member());
            let public = group.verifying_shares()[usize::from(who.number()) - 1];
            let key = group.verifying_key();
            let preimage = [
                &masked[..],
                &[4],
                &u32::from(who.number() - 1).to_be_bytes(),
                &[33],
                &public,
                &[32],
                &key[1..],
                &[0],
                &0_u32.to_be_bytes(),
            ]
            .concat();
            [0, 1]
                .map(|which| Hash32::tagged("BIP0445/nonce", &[&preimage[..], &[which]].concat()).0)
        }
    }
}

/// k and n − k: a library may hold either.
fn both_signs(name: &'static str, value: [u8; 32]) -> [(&'static str, [u8; 32]); 2] {
    let key = secp256k1::SecretKey::from_slice(&value).unwrap();
    [(name, value), (name, key.negate().secret_bytes())]
}

fn commitment(nonces: &[[u8; 32]; 2]) -> String {
    let point = |nonce: &[u8; 32]| {
        let secret = secp256k1::SecretKey::from_slice(nonce).unwrap();
        hex::encode(secret.public_key(secp256k1::SECP256K1).serialize())
    };
    nonces.iter().map(point).collect()
}

fn a_signature_leaves_nothing(suite: Suite) {
    let dealt = Dealt::with((2, 3), |number| ChaCha20Rng::seed_from_u64(number.into()));
    let shares = dealt.seal().open();
    let own = &shares[0];
    let theirs = shares[1].commit(suite, &mut Known(1000)).unwrap();
    let group = own.group().to_bytes();
    let length = u16::try_from(group.len()).unwrap().to_be_bytes();
    let mut signer = Signer::start();
    signer.say(if suite == Suite::Tr { b"t" } else { b"b" });
    signer.say(&[&length[..], &group].concat());
    signer.say(
        &[
            theirs.commitments().hiding(),
            theirs.commitments().binding(),
        ]
        .concat(),
    );
    signer.say(own.dangerous_to_bytes().as_slice());
    let drawn = if suite == Suite::Tr { 2 } else { 1 };
    let (first, second) = (expected(suite, own, 0), expected(suite, own, drawn));
    // What is sought is what was drawn.
    assert_eq!(signer.line(), commitment(&first));
    assert_eq!(signer.line(), commitment(&second));
    let key = both_signs("key share", *own.dangerous_to_bytes());
    let [a, b] = [("first hiding", first[0]), ("first binding", first[1])];
    let [c, d] = [("second hiding", second[0]), ("second binding", second[1])];
    let nonces = [a, b, c, d]
        .map(|(name, value)| both_signs(name, value))
        .concat();
    let all = [&key[..], &nonces].concat();
    let live = signer.image();
    assert_eq!(live.find_unlocked(&all), [], "{suite:?}: while they live");
    signer.say(b"g");
    let share: [u8; 32] = hex::decode(signer.line()).unwrap().try_into().unwrap();
    assert_ne!(share, [0; 32]);
    let signed = signer.image();
    assert_eq!(signed.find_unlocked(&all), [], "{suite:?}: after signing");
    assert_eq!(signed.find(&nonces[..4]), [], "{suite:?}: consumed");
    signer.say(b"g");
    assert_eq!(signer.line(), "dropped");
    assert_eq!(
        signer.image().find(&all),
        [],
        "{suite:?}: after all is dropped"
    );
}

#[test]
fn e13_no_secret_of_a_bip445_signature_is_found_outside_locked_memory() {
    a_signature_leaves_nothing(Suite::Bip445);
}

#[test]
fn e13_no_secret_of_a_tr_signature_is_found_outside_locked_memory() {
    a_signature_leaves_nothing(Suite::Tr);
}

/// The search that found nothing above finds what is there, in every form.
#[test]
fn e13_the_search_finds_what_is_planted() {
    let value = Known::block(77);
    let planted: Vec<Vec<u8>> = Form::ALL.iter().map(|form| form.of(&value)).collect();
    let hits = Image::of(std::process::id()).find(&[("planted", value)]);
    for (form, bytes) in Form::ALL.iter().zip(&planted) {
        let range = bytes.as_ptr_range();
        let found = hits.iter().filter(|hit| hit.form == *form);
        let found =
            found.filter(|hit| (range.start.addr()..range.end.addr()).contains(&hit.address));
        assert!(found.count() >= 4, "{form:?}");
    }
}
