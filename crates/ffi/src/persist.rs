//! persist: a share goes from its handle into the engine's records. From then on it signs.

use std::collections::BTreeMap;

use hardfrost_engine::Adopt;
use hardfrost_frost::{FrostIdentifier, GroupPublic};
use hardfrost_primitives::{Framed, Hash32, KeyGroup, Member, SessionId, UnixTime};
use serde::Serialize;

use crate::dkg::parse_handle;
use crate::failure::Failure;
use crate::handles::{wrong_step, Handle, Handles, Step};
use crate::json::{array, member};
use crate::requests::{Persist, PublicKeyPackage};
use crate::signer::Signer;
use crate::transaction::session_id;

/// What stands where a node's certificate would: this name, and when the group's first seat was persisted.
const FILE_NAME: &[u8] = b"hardfrost/c-boundary-key/v1";

#[derive(Serialize)]
pub(crate) struct Persisted {
    session_id: String,
    key_group: String,
    participant_count: u16,
    threshold: u16,
    created_at_unix: u64,
}

/// Key generations are named by their session id.
pub(crate) fn ceremony(session: &SessionId) -> Hash32 {
    let domain = Framed::domain("hardfrost/c-boundary-ceremony/v1");
    domain.frame(session.as_str().as_bytes()).hash()
}

fn certificate(group: &GroupPublic) -> Hash32 {
    let domain = Framed::domain("hardfrost/c-boundary-certificate/v1");
    domain.raw(&group.hash().0).hash()
}

fn file(at: UnixTime) -> Vec<u8> {
    [FILE_NAME, &at.0.to_be_bytes()].concat()
}

fn created_at(file: &[u8]) -> Option<u64> {
    let at = file.strip_prefix(FILE_NAME)?;
    Some(u64::from_be_bytes(at.try_into().ok()?))
}

impl Signer {
    pub(crate) fn persist(&self, request: &Persist<'_>) -> Result<Persisted, Failure> {
        let session = session_id(&request.session_id)?;
        let seat = member("participant_identifier", request.participant_identifier)?;
        let handle = parse_handle("data_hex", &request.key_package.data_hex)?;
        if request.key_package.identifier.0 != seat {
            return Err(Failure::field("key_package", "another member's"));
        }
        let public = claimed(&request.public_key_package)?;
        // Held to the end: two calls with one handle are one after the other.
        let mut handles = self.handles()?;
        let group = match handles.look(&handle)? {
            Step::Held(share) if share.member() == seat => {
                fits(share.group(), request, &public)?;
                self.adopt(&mut handles, handle, &session)?
            }
            Step::Persisted(member, ceremony_id) if *member == seat => {
                if *ceremony_id != ceremony(&session) {
                    return Err(Failure::conflict(
                        "this key was persisted under another session",
                    ));
                }
                let engine = self.engine()?;
                let group = engine.ceremony_group(ceremony_id).cloned();
                let group = group.ok_or_else(Failure::internal)?;
                fits(
                    engine.group(&group).ok_or_else(Failure::internal)?,
                    request,
                    &public,
                )?;
                group
            }
            Step::Held(_) | Step::Persisted(..) => {
                return Err(Failure::field("key_package", "another member's"))
            }
            Step::Dealt(_) | Step::Waiting(_) => return Err(wrong_step()),
        };
        self.persisted(request, &group)
    }

    fn adopt(
        &self,
        handles: &mut Handles,
        handle: Handle,
        session: &SessionId,
    ) -> Result<KeyGroup, Failure> {
        let now = self.clock.now();
        let Step::Held(share) = handles.take(&handle)? else {
            return Err(wrong_step());
        };
        let (group, seat) = (share.group().key_group().clone(), share.member());
        let request = Adopt {
            ceremony: ceremony(session),
            certificate: certificate(share.group()),
            file: file(now.utc),
            share: *share,
        };
        let mut log = self.log()?;
        match self.engine()?.adopt(&mut log, request) {
            Ok(_) => {
                let step = Step::Persisted(seat, ceremony(session));
                handles.replace(handle, now.mono, step);
                Ok(group)
            }
            Err(mut not) => {
                if let Some(share) = not.share.take() {
                    handles.replace(handle, now.mono, Step::Held(Box::new(share)));
                }
                Err((*not).into())
            }
        }
    }

    fn persisted(&self, request: &Persist<'_>, key_group: &KeyGroup) -> Result<Persisted, Failure> {
        let held = self.engine()?.held_keys();
        let key = held.iter().find(|key| key.public.key_group() == key_group);
        let created = key.and_then(|key| created_at(&key.file));
        Ok(Persisted {
            session_id: request.session_id.to_string(),
            key_group: key_group.to_string(),
            participant_count: request.participant_count,
            threshold: request.threshold,
            created_at_unix: created.ok_or_else(Failure::internal)?,
        })
    }
}

/// The public package as the host carried it.
struct Claimed {
    shares: BTreeMap<Member, [u8; 33]>,
    key: [u8; 32],
}

fn claimed(package: &PublicKeyPackage<'_>) -> Result<Claimed, Failure> {
    let mut shares = BTreeMap::new();
    for (identifier, point) in &package.verifying_shares.0 {
        let name = "verifying_shares";
        let identifier: FrostIdentifier = crate::json::name(name, identifier)?;
        let point = *array::<33>(name, point)?;
        if shares.insert(identifier.member(), point).is_some() {
            return Err(Failure::field(name, "a member appears twice"));
        }
    }
    Ok(Claimed {
        shares,
        key: *array::<32>("verifying_key", &package.verifying_key)?,
    })
}

/// Whether the request speaks of the group that the share was made for.
fn fits(group: &GroupPublic, request: &Persist<'_>, claimed: &Claimed) -> Result<(), Failure> {
    let [_, key @ ..] = group.verifying_key();
    let shares: BTreeMap<Member, [u8; 33]> =
        group.members().zip(group.verifying_shares()).collect();
    let sizes = (group.threshold(), group.count());
    if sizes != (request.threshold, request.participant_count) {
        return Err(Failure::invalid(
            "threshold or participant_count is not the key's",
        ));
    }
    if claimed.key != key || claimed.shares != shares {
        return Err(Failure::field(
            "public_key_package",
            "not that of the key package",
        ));
    }
    Ok(())
}
