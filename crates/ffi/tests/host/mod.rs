//! A host: libraries with stores of their own, driven by JSON as any other language would.
#![allow(dead_code, reason = "not every test binary needs every part")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Mutex;

use hardfrost_ffi::{Answer, Call, Library};
use serde_json::{json, Value};
use tempfile::TempDir;

/// The script of some output that is not ours.
pub const STRANGER: &str = "51200909090909090909090909090909090909090909090909090909090909090909";

/// A refused call's envelope.
#[derive(Debug, PartialEq)]
pub struct Refused(pub Value);

/// One process with the library in it.
pub struct Host {
    folder: TempDir,
    library: Library,
    /// Every reply so far, by call.
    pub replies: Mutex<Vec<(Call, Vec<u8>)>>,
    /// Every request that was answered well, by call.
    pub requests: Mutex<Vec<(Call, Value)>>,
}

/// A key that was made: its handle, size, and seats in order.
#[derive(Clone, Debug)]
pub struct Key {
    pub group: String,
    pub threshold: u16,
    pub count: u16,
}

/// One session's message, and what is signed under.
#[derive(Clone, Debug)]
pub struct Signing {
    pub session: String,
    pub message: String,
    pub root: Option<String>,
    pub context: Value,
}

impl Refused {
    pub fn code(&self) -> &str {
        self.0["code"].as_str().unwrap()
    }

    pub fn reason(&self) -> Option<&str> {
        self.0["reason_code"].as_str()
    }
}

impl Host {
    pub fn new() -> Self {
        let host = Self::unconfigured();
        host.ask(Call::InitSignerConfig, &host.config()).unwrap();
        host
    }

    pub fn unconfigured() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        fs::write(&key, "5a".repeat(32)).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        Self {
            folder,
            library: Library::new(),
            replies: Mutex::default(),
            requests: Mutex::default(),
        }
    }

    pub fn with(extra: Value) -> Self {
        let host = Self::unconfigured();
        let mut config = host.config();
        for (name, value) in extra.as_object().unwrap() {
            config[name] = value.clone();
        }
        host.ask(Call::InitSignerConfig, &config).unwrap();
        host
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn config(&self) -> Value {
        json!({
            "profile": "production",
            "state_path": self.path("state"),
            "state_key_provider": "file",
            "state_key_file": self.path("key"),
        })
    }

    /// The process dies and starts again on the same store.
    pub fn restart(self) -> Self {
        let host = self.dead();
        host.ask(Call::InitSignerConfig, &host.config()).unwrap();
        host
    }

    /// The process dies and starts again; nothing is configured yet.
    pub fn dead(self) -> Self {
        let Self {
            folder,
            library,
            replies,
            requests,
        } = self;
        drop(library);
        Self {
            folder,
            library: Library::new(),
            replies,
            requests,
        }
    }

    pub fn bytes(&self, call: Call, request: Option<&[u8]>) -> (bool, Vec<u8>) {
        let Answer { ok, reply } = self.library.call(call, request);
        self.replies.lock().unwrap().push((call, reply.to_vec()));
        (ok, reply.to_vec())
    }

    pub fn raw(&self, call: Call, request: Option<&[u8]>) -> Result<Value, Refused> {
        let (ok, reply) = self.bytes(call, request);
        let value = serde_json::from_slice(&reply).unwrap();
        if ok {
            Ok(value)
        } else {
            Err(Refused(value))
        }
    }

    pub fn ask(&self, call: Call, request: &Value) -> Result<Value, Refused> {
        let reply = self.raw(call, Some(request.to_string().as_bytes()))?;
        self.requests.lock().unwrap().push((call, request.clone()));
        Ok(reply)
    }

    /// A t-of-n key of which this host holds every seat.
    pub fn make_key(&self, session: &str, threshold: u16, count: u16) -> Key {
        self.key_of(session, (threshold, count), None)
    }

    /// As [`Self::make_key`], with the shares sealed inside.
    pub fn make_sealed_key(&self, session: &str, threshold: u16, count: u16) -> Key {
        self.key_of(session, (threshold, count), Some(&"ce".repeat(32)))
    }

    fn key_of(&self, session: &str, (threshold, count): (u16, u16), ceremony: Option<&str>) -> Key {
        let all = self.generate(threshold, count, ceremony);
        let mut group = String::new();
        for (seat, made) in (1..).zip(&all) {
            let reply = self.ask(
                Call::PersistDistributedDkgKeyPackage,
                &persist(session, (seat, threshold, count), made),
            );
            group = reply.unwrap()["key_group"].as_str().unwrap().to_owned();
        }
        Key {
            group,
            threshold,
            count,
        }
    }

    /// What part 3 gave to each seat.
    pub fn generate(&self, threshold: u16, count: u16, ceremony: Option<&str>) -> Vec<Value> {
        let part1: Vec<Value> = (1..=count)
            .map(|seat| self.part1(seat, threshold, count, ceremony))
            .collect();
        let call = match ceremony {
            Some(_) => Call::DkgPart2Sealed,
            None => Call::DkgPart2,
        };
        let shown = packages(&part1);
        let part2: Vec<Value> = (0..usize::from(count))
            .map(|seat| {
                let request = json!({
                    "secret_package_hex": part1[seat]["secret_package_hex"],
                    "round1_packages": others(&shown, seat),
                });
                self.ask(call, &request).unwrap()
            })
            .collect();
        (0..usize::from(count))
            .map(|seat| {
                self.ask(Call::DkgPart3, &part3(&shown, &part2, seat))
                    .unwrap()
            })
            .collect()
    }

    pub fn part1(&self, seat: u16, threshold: u16, count: u16, ceremony: Option<&str>) -> Value {
        let mut request = json!({
            "participant_identifier": seat, "max_signers": count, "min_signers": threshold,
        });
        if let Some(ceremony) = ceremony {
            request["ceremony_id_hex"] = ceremony.into();
        }
        self.ask(Call::DkgPart1, &request).unwrap()
    }

    /// Builds a transaction that spends `value` from the key, for a session, and derives its first attempt.
    pub fn approve(&self, key: &Key, session: &str, value: u64) -> Signing {
        let script = format!("5120{}", &key.group[2..]);
        let built = self.build(session, &script, value);
        let message = built["taproot_key_spend_sighashes_hex"][0]
            .as_str()
            .unwrap();
        self.signing(key, session, message, 1)
    }

    pub fn build(&self, session: &str, script: &str, value: u64) -> Value {
        self.ask(Call::BuildTaprootTx, &build(session, script, value))
            .unwrap()
    }

    pub fn signing(&self, key: &Key, session: &str, message: &str, number: u32) -> Signing {
        let derived = self.derive(key, session, message, number).unwrap();
        Signing {
            session: session.to_owned(),
            message: message.to_owned(),
            root: None,
            context: derived["attempt_context"].clone(),
        }
    }

    pub fn derive(
        &self,
        key: &Key,
        session: &str,
        message: &str,
        number: u32,
    ) -> Result<Value, Refused> {
        let request = json!({
            "session_id": session, "message_hex": message, "key_group": key.group,
            "threshold": key.threshold, "attempt_number": number,
            "included_participants": (1..=key.count).collect::<Vec<u16>>(),
        });
        self.ask(Call::DeriveInteractiveAttemptContext, &request)
    }

    pub fn open(&self, key: &Key, signing: &Signing, seat: u16) -> Result<Value, Refused> {
        self.ask(Call::InteractiveSessionOpen, &open(key, signing, seat))
    }

    pub fn round1(&self, signing: &Signing, seat: u16) -> Result<String, Refused> {
        let reply = self.ask(Call::InteractiveSessionRound1, &of_seat(signing, seat))?;
        Ok(text(&reply, "commitments_hex"))
    }

    pub fn round2(&self, signing: &Signing, seat: u16, package: &str) -> Result<String, Refused> {
        let mut request = of_seat(signing, seat);
        request["signing_package_hex"] = package.into();
        let reply = self.ask(Call::InteractiveSessionRound2, &request)?;
        Ok(text(&reply, "signature_share_hex"))
    }

    /// Opens the attempt for the seats, collects their commitments and packs them.
    pub fn packed(&self, key: &Key, signing: &Signing, seats: &[u16]) -> String {
        let mut commitments = Vec::new();
        for seat in seats {
            self.open(key, signing, *seat).unwrap();
            let data = self.round1(signing, *seat).unwrap();
            commitments.push(json!({"identifier": seat, "data_hex": data}));
        }
        let request = json!({"message_hex": signing.message, "commitments": commitments});
        text(
            &self.ask(Call::NewSigningPackage, &request).unwrap(),
            "signing_package_hex",
        )
    }

    pub fn shares(&self, signing: &Signing, seats: &[u16], package: &str) -> Vec<Value> {
        let share = |seat: &u16| {
            let share = self.round2(signing, *seat, package).unwrap();
            json!({"identifier": id(*seat), "data_hex": share})
        };
        seats.iter().map(share).collect()
    }

    pub fn aggregate(
        &self,
        signing: &Signing,
        package: &str,
        shares: &[Value],
    ) -> Result<String, Refused> {
        let request = aggregate(signing, package, shares);
        let reply = self.ask(Call::InteractiveAggregate, &request)?;
        Ok(text(&reply, "signature_hex"))
    }

    /// A whole attempt, to its signature.
    pub fn sign(&self, key: &Key, signing: &Signing, seats: &[u16]) -> String {
        let package = self.packed(key, signing, seats);
        let shares = self.shares(signing, seats, &package);
        self.aggregate(signing, &package, &shares).unwrap()
    }
}

pub fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap().to_owned()
}

/// A member as the library spells it: in double quotes.
pub fn id(seat: u16) -> String {
    format!("\"{}{seat:04x}\"", "00".repeat(30))
}

pub fn packages(part1: &[Value]) -> Vec<Value> {
    part1.iter().map(|reply| reply["package"].clone()).collect()
}

pub fn others(shown: &[Value], seat: usize) -> Vec<Value> {
    let mut others = shown.to_vec();
    others.remove(seat);
    others
}

pub fn part3(shown: &[Value], part2: &[Value], seat: usize) -> Value {
    let ours = id(u16::try_from(seat).unwrap() + 1);
    let mut incoming = Vec::new();
    for (sender, reply) in (1..).zip(part2) {
        for package in reply["packages"].as_array().unwrap() {
            if package["identifier"] == ours.as_str() {
                incoming.push(json!({
                    "identifier": ours, "sender_identifier": id(sender),
                    "package_hex": package["package_hex"],
                }));
            }
        }
    }
    json!({
        "secret_package_hex": part2[seat]["secret_package_hex"],
        "round1_packages": others(shown, seat),
        "round2_packages": incoming,
    })
}

pub fn persist(session: &str, (seat, threshold, count): (u16, u16, u16), made: &Value) -> Value {
    json!({
        "session_id": session, "participant_identifier": seat, "threshold": threshold,
        "participant_count": count, "key_package": made["key_package"],
        "public_key_package": made["public_key_package"],
    })
}

pub fn build(session: &str, script: &str, value: u64) -> Value {
    json!({
        "session_id": session,
        "inputs": [{
            "txid_hex": format!("{value:064x}"), "vout": 0, "value_sats": value,
            "script_pubkey_hex": script,
        }],
        "outputs": [{"script_pubkey_hex": STRANGER, "value_sats": value - 500}],
    })
}

pub fn open(key: &Key, signing: &Signing, seat: u16) -> Value {
    let mut request = json!({
        "session_id": signing.session, "member_identifier": seat,
        "message_hex": signing.message, "key_group": key.group,
        "threshold": key.threshold, "attempt_context": signing.context,
    });
    if let Some(root) = &signing.root {
        request["taproot_merkle_root_hex"] = root.as_str().into();
    }
    request
}

pub fn of_seat(signing: &Signing, seat: u16) -> Value {
    json!({
        "session_id": signing.session, "attempt_id": signing.context["attempt_id"],
        "member_identifier": seat,
    })
}

pub fn aggregate(signing: &Signing, package: &str, shares: &[Value]) -> Value {
    let mut request = json!({
        "session_id": signing.session, "attempt_id": signing.context["attempt_id"],
        "signing_package_hex": package, "signature_shares": shares,
    });
    if let Some(root) = &signing.root {
        request["taproot_merkle_root_hex"] = root.as_str().into();
    }
    request
}

/// BIP 340, by libsecp256k1.
pub fn verifies(signature: &str, message: &str, key: &str) -> bool {
    use secp256k1::{schnorr, Message, XOnlyPublicKey, SECP256K1};
    let signature: schnorr::Signature = signature.parse().unwrap();
    let message: [u8; 32] = hex::decode(message).unwrap().try_into().unwrap();
    let key: XOnlyPublicKey = key.parse().unwrap();
    SECP256K1
        .verify_schnorr(&signature, &Message::from_digest(message), &key)
        .is_ok()
}

/// The x-only output key of a group's key under a Merkle root (BIP 341), by libsecp256k1.
pub fn tweaked(group: &str, root: &str) -> String {
    use secp256k1::hashes::{sha256, Hash, HashEngine};
    use secp256k1::{Scalar, XOnlyPublicKey, SECP256K1};
    let key: XOnlyPublicKey = group[2..].parse().unwrap();
    let tag = sha256::Hash::hash(b"TapTweak");
    let mut engine = sha256::Hash::engine();
    engine.input(tag.as_byte_array());
    engine.input(tag.as_byte_array());
    engine.input(&key.serialize());
    engine.input(&hex::decode(root).unwrap());
    let tweak = sha256::Hash::from_engine(engine).to_byte_array();
    let tweak = Scalar::from_be_bytes(tweak).unwrap();
    key.add_tweak(SECP256K1, &tweak).unwrap().0.to_string()
}
