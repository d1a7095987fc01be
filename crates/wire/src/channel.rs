//! What an operator key signs beside frames: that a connection is the operator's, and that a transport key is. Each has
//! a tag of its own, in the layout of frames (D10), so that none of these can be taken for another.

use hardfrost_primitives::Hash32;

use crate::{OperatorKey, OperatorPublic};

const CHANNEL: &str = "hardfrost/channel/v1";
const TRANSPORT_KEY: &str = "hardfrost/transport-key/v1";

fn digest(tag: &str, body: &[u8; 32]) -> Hash32 {
    Hash32::of(&[&[0], tag.as_bytes(), &[0], body].concat())
}

impl OperatorKey {
    /// Signs what binds one connection, as the transport computed it: the end of it that this operator holds.
    #[must_use]
    pub fn prove_channel(&self, binding: &[u8; 32]) -> [u8; 64] {
        self.sign(&digest(CHANNEL, binding))
    }

    /// Signs a transport key, so that others may pin it for this operator.
    #[must_use]
    pub fn certify_transport(&self, transport: &[u8; 32]) -> [u8; 64] {
        self.sign(&digest(TRANSPORT_KEY, transport))
    }
}

impl OperatorPublic {
    /// Whether this operator signed what binds the connection.
    #[must_use]
    pub fn proves_channel(&self, binding: &[u8; 32], proof: &[u8; 64]) -> bool {
        self.verifies(&digest(CHANNEL, binding), proof)
    }

    /// Whether this operator signed that the transport key is its own.
    #[must_use]
    pub fn certifies_transport(&self, transport: &[u8; 32], signature: &[u8; 64]) -> bool {
        self.verifies(&digest(TRANSPORT_KEY, transport), signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_of_one_purpose_serves_no_other() {
        let key = OperatorKey::new(&[7; 32], [1; 32]).unwrap();
        let other = OperatorKey::new(&[8; 32], [1; 32]).unwrap();
        let bytes = [5; 32];
        let (channel, transport) = (key.prove_channel(&bytes), key.certify_transport(&bytes));
        assert!(key.public().proves_channel(&bytes, &channel));
        assert!(key.public().certifies_transport(&bytes, &transport));
        assert!(!key.public().proves_channel(&bytes, &transport));
        assert!(!key.public().certifies_transport(&bytes, &channel));
        assert!(!other.public().proves_channel(&bytes, &channel));
        assert!(!key.public().proves_channel(&[6; 32], &channel));
    }
}
