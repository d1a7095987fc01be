//! D5: the fingerprint of an included set, and the attempt id hosts already know.

use std::collections::BTreeSet;

use crate::{AttemptId, Fingerprint, Framed, Hash32, Member, Message, SessionId};

/// Hash of the message (D2). Used only inside D5 and in completion records.
#[must_use]
pub fn transcript_digest(message: &Message) -> Hash32 {
    Hash32::of(&message.0)
}

/// The fingerprint of `included`.
#[must_use]
pub fn fingerprint(included: &BTreeSet<Member>) -> Fingerprint {
    let list = included
        .iter()
        .fold(Framed::default(), |list, m| list.frame(&m.to_be_bytes()));
    let hash = Framed::domain("FROST-ROAST-INCLUDED-FPR-v1")
        .frame(&list.into_bytes())
        .hash();
    Fingerprint::from_hash(hash)
}

/// The attempt id. It binds neither key group, key spec, suite nor threshold: never key a record by it alone.
#[must_use]
pub fn attempt_id(
    session: &SessionId,
    transcript_digest: Hash32,
    attempt_number: u32,
    coordinator: Member,
    fingerprint: Fingerprint,
) -> AttemptId {
    let hash = Framed::domain("FROST-ROAST-ATTEMPT-ID-v1")
        .frame(session.as_str().as_bytes())
        .frame(transcript_digest.to_string().as_bytes())
        .frame(&attempt_number.to_be_bytes())
        .frame(&coordinator.to_be_bytes())
        .frame(fingerprint.to_string().as_bytes())
        .hash();
    AttemptId::from_hash(hash)
}
