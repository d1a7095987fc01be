//! D7: the session id of a signing.

use crate::{Framed, KeyGroup, KeySpec, Message, RequestId, SessionId, Suite};

/// `"hf-"` and the hex of the hash: one session per key group, message, key spec, suite and request id.
#[must_use]
pub fn session_id(
    key_group: &KeyGroup,
    message: &Message,
    key_spec: &KeySpec,
    suite: Suite,
    request: &RequestId,
) -> SessionId {
    let hash = Framed::domain("hardfrost/session/v1")
        .frame(key_group.as_str().as_bytes())
        .raw(&message.0)
        .raw(&key_spec.to_bytes())
        .raw(&[suite.number()])
        .frame(request.as_str().as_bytes())
        .hash();
    SessionId::new(&format!("hf-{hash}")).expect("67 characters of hex and a dash are a valid id")
}
