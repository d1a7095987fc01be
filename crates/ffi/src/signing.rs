//! The interactive calls: derive, open, round1, package, round2, abort, aggregate, verify.

use std::collections::{BTreeMap, BTreeSet};

use hardfrost_engine::{
    Abort, Aggregate, AttemptIds, AttemptKey, Engine, MemberCommitments, Open, PolicyReason,
    Rejection, Round2, SigningPackage, Verdict, VerifyShare,
};
use hardfrost_frost::{FrostIdentifier, SignatureShare};
use hardfrost_primitives::derive::AttemptContext;
use hardfrost_primitives::{
    members_ascending, AttemptId, Hash32, KeyGroup, KeySpec, Member, Message, SessionId, Suite,
    Taproot,
};
use rand_core::OsRng;
use serde::Serialize;

use crate::codec;
use crate::failure::Failure;
use crate::json::{array, bytes, member, name, List, Object, Text};
use crate::requests::{
    AbortSession, AggregateShares, AttemptContextFields, Derive, NewPackage, OfMember, OpenSession,
    Round1, Round2 as Round2Request, VerifyShareOf,
};
use crate::signer::Signer;
use crate::transaction::session_id;

/// The suite of this boundary.
const SUITE: Suite = Suite::Tr;
/// There is no roster on this boundary.
const ROSTER: Hash32 = Hash32([0; 32]);

#[derive(Serialize)]
pub(crate) struct Derived {
    attempt_context: DerivedContext,
    frost_identifiers: Vec<Identified>,
}

#[derive(Serialize)]
struct DerivedContext {
    attempt_number: u32,
    coordinator_identifier: u16,
    included_participants: Vec<u16>,
    included_participants_fingerprint: String,
    attempt_id: String,
}

#[derive(Serialize)]
struct Identified {
    participant_identifier: u16,
    frost_identifier: String,
}

#[derive(Serialize)]
pub(crate) struct Opened {
    session_id: String,
    attempt_id: String,
    idempotent: bool,
}

#[derive(Serialize)]
pub(crate) struct Committed {
    session_id: String,
    attempt_id: String,
    commitments_hex: String,
}

#[derive(Serialize)]
pub(crate) struct Shared {
    session_id: String,
    attempt_id: String,
    signature_share_hex: String,
}

#[derive(Serialize)]
pub(crate) struct Aborted {
    session_id: String,
    aborted: bool,
}

#[derive(Serialize)]
pub(crate) struct Signed {
    session_id: String,
    attempt_id: String,
    signature_hex: String,
}

#[derive(Serialize)]
pub(crate) struct Packed {
    signing_package_hex: String,
}

#[derive(Serialize)]
pub(crate) struct Judged {
    verdict: &'static str,
}

/// What derive and open say of an attempt, parsed.
struct Asked {
    session: SessionId,
    key_group: KeyGroup,
    message: Message,
    key_spec: KeySpec,
    threshold: u16,
    attempt_number: u32,
    included: BTreeSet<Member>,
}

impl Signer {
    pub(crate) fn derive(&self, request: &Derive<'_>) -> Result<Derived, Failure> {
        let context = self.context(Asked {
            session: session_id(&request.session_id)?,
            key_group: name("key_group", &request.key_group)?,
            message: name("message_hex", &request.message_hex)?,
            key_spec: KeySpec::group_key(),
            threshold: request.threshold,
            attempt_number: request.attempt_number,
            included: included(&request.included_participants)?,
        })?;
        let (ids, identifiers) = self.engine()?.derive_attempt_context(&context)?;
        let identified = |(member, identifier): (Member, FrostIdentifier)| Identified {
            participant_identifier: member.number(),
            frost_identifier: identifier.to_string(),
        };
        Ok(Derived {
            attempt_context: DerivedContext {
                attempt_number: context.attempt_number,
                coordinator_identifier: ids.coordinator.number(),
                included_participants: context.included.iter().map(|m| m.number()).collect(),
                included_participants_fingerprint: ids.fingerprint.to_string(),
                attempt_id: ids.attempt.to_string(),
            },
            frost_identifiers: identifiers.into_iter().map(identified).collect(),
        })
    }

    /// D6 as this boundary fixes it: suite `tr`, no roster, everybody else excluded.
    fn context(&self, asked: Asked) -> Result<AttemptContext, Failure> {
        let engine = self.engine()?;
        let group = engine
            .group(&asked.key_group)
            .ok_or(Rejection::DkgNotReady)?;
        let share_epoch = engine.share_epoch(&asked.key_group);
        let share_epoch = share_epoch.ok_or(Rejection::DkgNotReady)?;
        let excluded = group.members().filter(|m| !asked.included.contains(m));
        Ok(AttemptContext {
            session: asked.session,
            group_public: group.hash(),
            excluded: excluded.collect(),
            parked: BTreeSet::new(),
            key_group: asked.key_group,
            message: asked.message,
            key_spec: asked.key_spec,
            suite: SUITE,
            threshold: asked.threshold,
            share_epoch,
            roster: ROSTER,
            attempt_number: asked.attempt_number,
            included: asked.included,
        })
    }

    pub(crate) fn open_session(&self, request: &OpenSession<'_>) -> Result<Opened, Failure> {
        let member = member("member_identifier", request.member_identifier)?;
        let fields = &request.attempt_context;
        let ids = ids(fields)?;
        let context = self.context(Asked {
            session: session_id(&request.session_id)?,
            key_group: name("key_group", &request.key_group)?,
            message: name("message_hex", &request.message_hex)?,
            key_spec: key_spec(request.taproot_merkle_root_hex.as_ref())?,
            threshold: request.threshold,
            attempt_number: fields.attempt_number,
            included: included(&fields.included_participants)?,
        })?;
        let known = self.engine()?.groups_of_session(&context.session);
        if known.iter().any(|group| *group != context.key_group) {
            return Err(Failure::conflict("this session id is another key group's"));
        }
        let open = Open {
            member,
            context,
            ids,
            life: self.config.session_life,
        };
        let opened = match self.try_open(open.clone()) {
            Err(Rejection::SigningPolicy(
                PolicyReason::MessageNotBoundToApproval | PolicyReason::ApprovalExpired,
            )) => self.open_approved(open),
            other => Ok(other?),
        }?;
        Ok(Opened {
            session_id: request.session_id.to_string(),
            attempt_id: opened.attempt.to_string(),
            idempotent: opened.idempotent,
        })
    }

    fn try_open(&self, open: Open) -> Result<hardfrost_engine::Opened, Rejection> {
        let now = self.clock.now();
        let engine = self.engine().map_err(|_| Rejection::StorageFault);
        engine?.open(now, open)
    }

    /// The only gate that is closed is the approval: the built transaction opens it, if all else is in order.
    fn open_approved(&self, open: Open) -> Result<hardfrost_engine::Opened, Failure> {
        let derived = self.engine()?.derive_attempt_context(&open.context);
        if derived.is_ok_and(|(ids, _)| ids == open.ids) {
            self.approve(&open.context)?;
        }
        Ok(self.try_open(open)?)
    }

    pub(crate) fn round1(&self, request: &Round1<'_>) -> Result<Committed, Failure> {
        let seat = member("member_identifier", request.member_identifier)?;
        let key = self.attempt_key(&request.session_id, &request.attempt_id, seat)?;
        let now = self.clock.now();
        let points = self.engine()?.round1(now, &key, &mut OsRng)?;
        let points = MemberCommitments {
            member: seat,
            hiding: points.hiding(),
            binding: points.binding(),
        };
        Ok(Committed {
            session_id: request.session_id.to_string(),
            attempt_id: key.attempt.to_string(),
            commitments_hex: hex::encode(codec::commitments(&points)),
        })
    }

    pub(crate) fn round2(&self, request: &Round2Request<'_>) -> Result<Shared, Failure> {
        let member = member("member_identifier", request.member_identifier)?;
        let key = self.attempt_key(&request.session_id, &request.attempt_id, member)?;
        let package = package(&request.signing_package_hex)?;
        let attempt = key.attempt;
        let now = self.clock.now();
        let staged = {
            let mut engine = self.engine()?;
            // What the package does not say, the binding does: a package on this boundary names no key spec.
            let key_spec = engine.key_spec_of(&key).unwrap_or_else(KeySpec::group_key);
            let package = with_spec(package, key_spec);
            engine.round2(now, Round2 { key, package })?
        };
        let share = self.durable(staged, Engine::release, Engine::withdraw)?;
        Ok(Shared {
            session_id: request.session_id.to_string(),
            attempt_id: attempt.to_string(),
            signature_share_hex: hex::encode(share.0),
        })
    }

    pub(crate) fn abort_session(&self, request: &AbortSession<'_>) -> Result<Aborted, Failure> {
        let session = session_id(&request.session_id)?;
        let attempt = request.attempt_id.as_ref().map(|id| name("attempt_id", id));
        let seat = request
            .member_identifier
            .map(|number| member("member_identifier", number));
        let (attempt, seat) = (attempt.transpose()?, seat.transpose()?);
        let now = self.clock.now();
        let mut engine = self.engine()?;
        let mut aborted = false;
        for key_group in engine.groups_of_session(&session) {
            let request = Abort {
                key_group,
                session: session.clone(),
                attempt,
                member: seat,
            };
            aborted |= engine.abort(now, &request)?;
        }
        Ok(Aborted {
            session_id: request.session_id.to_string(),
            aborted,
        })
    }

    pub(crate) fn aggregate(&self, request: &AggregateShares<'_>) -> Result<Signed, Failure> {
        let session = session_id(&request.session_id)?;
        let attempt: AttemptId = name("attempt_id", &request.attempt_id)?;
        let key_spec = key_spec(request.taproot_merkle_root_hex.as_ref())?;
        let package = with_spec(package(&request.signing_package_hex)?, key_spec);
        let shares = shares(&request.signature_shares)?;
        let key_group = self.group_of(&session)?;
        let job = {
            let mut engine = self.engine()?;
            let (seats, _) = engine.seats(&key_group).ok_or(Rejection::DkgNotReady)?;
            let member = *seats.first().ok_or(Rejection::DkgNotReady)?;
            let key = AttemptKey {
                key_group,
                session,
                attempt,
                member,
            };
            engine.aggregate(Aggregate {
                key,
                package,
                shares,
            })?
        };
        // The arithmetic needs no lock.
        let done = job.run()?;
        let staged = self.engine()?.complete(done)?;
        let (release, withdraw) = (Engine::release_signature, Engine::withdraw_signature);
        let signature = self.durable(staged, release, withdraw)?;
        Ok(Signed {
            session_id: request.session_id.to_string(),
            attempt_id: attempt.to_string(),
            signature_hex: hex::encode(signature.0),
        })
    }

    /// Three answers, and an error only for what is no request.
    pub(crate) fn verify_share(&self, request: &VerifyShareOf<'_>) -> Result<Judged, Failure> {
        let verdict = self.verdict(request)?.unwrap_or(Verdict::Indeterminate);
        Ok(Judged {
            verdict: match verdict {
                Verdict::Valid => "valid",
                Verdict::Invalid => "invalid",
                Verdict::Indeterminate => "indeterminate",
            },
        })
    }

    fn verdict(&self, request: &VerifyShareOf<'_>) -> Result<Option<Verdict>, Failure> {
        let session = session_id(&request.session_id);
        let member = member("member_identifier", request.member_identifier);
        let key_spec = key_spec(request.taproot_merkle_root_hex.as_ref());
        let package = package(&request.signing_package_hex);
        let (Ok(session), Ok(member), Ok(key_spec), Ok(package)) =
            (session, member, key_spec, package)
        else {
            return Ok(None);
        };
        let mut engine = self.engine()?;
        let Some(key_group) = engine.groups_of_session(&session).into_iter().next() else {
            return Ok(None);
        };
        // Text that is not hex is a share of no possible length: undecodable, as the engine will find.
        let share = bytes("signature_share_hex", &request.signature_share_hex);
        let share = share.map_or_else(|_| Vec::new(), |share| share.to_vec());
        Ok(Some(engine.verify_share(&VerifyShare {
            key_group,
            session: Some(session),
            key_spec: key_spec.clone(),
            suite: SUITE,
            package: with_spec(package, key_spec),
            member,
            share,
        })))
    }

    fn attempt_key(
        &self,
        session: &str,
        attempt: &str,
        member: Member,
    ) -> Result<AttemptKey, Failure> {
        let session = session_id(session)?;
        Ok(AttemptKey {
            attempt: name("attempt_id", attempt)?,
            key_group: self.group_of(&session)?,
            session,
            member,
        })
    }
}

/// Packs commitments; stateless.
pub(crate) fn new_package(request: &NewPackage<'_>) -> Result<Packed, Failure> {
    let message: Message = name("message_hex", &request.message_hex)?;
    let mut all = BTreeMap::new();
    for Object(OfMember {
        identifier,
        data_hex,
    }) in &request.commitments.0
    {
        let data = bytes("data_hex", data_hex)?;
        let points = codec::read_commitments(identifier.0, &data);
        let points = points.ok_or_else(|| Failure::field("data_hex", "no commitments"))?;
        if all.insert(identifier.0, points).is_some() {
            return Err(Failure::field("commitments", "a member appears twice"));
        }
    }
    if all.is_empty() {
        return Err(Failure::field("commitments", "none"));
    }
    let bytes = codec::package(&message, &all);
    Ok(Packed {
        signing_package_hex: hex::encode(bytes),
    })
}

fn included(list: &List<u16>) -> Result<BTreeSet<Member>, Failure> {
    let named = |number: &u16| member("included_participants", *number);
    let members: Result<Vec<Member>, Failure> = list.0.iter().map(named).collect();
    members_ascending(members?).map_err(|why| Failure::field("included_participants", why))
}

fn ids(fields: &AttemptContextFields<'_>) -> Result<AttemptIds, Failure> {
    let fingerprint = &fields.included_participants_fingerprint;
    Ok(AttemptIds {
        coordinator: member("coordinator_identifier", fields.coordinator_identifier)?,
        fingerprint: name("included_participants_fingerprint", fingerprint)?,
        attempt: name("attempt_id", &fields.attempt_id)?,
    })
}

/// Absent is the bare key, a root is taproot 2; an empty text is neither.
fn key_spec(root: Option<&Text<'_>>) -> Result<KeySpec, Failure> {
    let Some(root) = root else {
        return Ok(KeySpec::group_key());
    };
    let root = array::<32>("taproot_merkle_root_hex", root)?;
    let spec = KeySpec::new(Vec::new(), Taproot::Root(Hash32(*root)));
    spec.map_err(|_| Failure::internal())
}

fn package(text: &Text<'_>) -> Result<codec::Package, Failure> {
    let bytes = bytes("signing_package_hex", text)?;
    let package = codec::read_package(&bytes);
    package.ok_or_else(|| Failure::field("signing_package_hex", "no signing package"))
}

fn with_spec(package: codec::Package, key_spec: KeySpec) -> SigningPackage {
    SigningPackage {
        message: package.message,
        key_spec,
        commitments: package.commitments,
    }
}

/// A share of another length than a share's is none: its member counts as missing.
fn shares(list: &List<Object<OfMember<'_>>>) -> Result<BTreeMap<Member, SignatureShare>, Failure> {
    let mut shares = BTreeMap::new();
    for Object(OfMember {
        identifier,
        data_hex,
    }) in &list.0
    {
        let share = array::<32>("data_hex", data_hex)?;
        if shares
            .insert(identifier.0, SignatureShare(*share))
            .is_some()
        {
            return Err(Failure::field("signature_shares", "a member appears twice"));
        }
    }
    Ok(shares)
}
