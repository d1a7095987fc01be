//! What the session asks of a member. Bytes are hex, members are FROST identifiers, key specs are in their one
//! encoding.

use std::collections::BTreeMap;

use hardfrost_frost::dkg::Round1;
use hardfrost_frost::FrostIdentifier;
use hardfrost_primitives::{Member, Suite};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Refusal;

/// Bytes of a fixed length.
#[derive(Clone, Copy)]
pub(crate) struct Hex<const N: usize>(pub(crate) [u8; N]);

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut bytes = [0; N];
        let text = String::deserialize(from)?;
        hex::decode_to_slice(text, &mut bytes).map_err(serde::de::Error::custom)?;
        Ok(Self(bytes))
    }
}

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex::encode(self.0))
    }
}

/// Something of each member, by FROST identifier.
pub(crate) type ByIdentifier<T> = BTreeMap<String, T>;

pub(crate) fn member(identifier: &str) -> Result<Member, Refusal> {
    Ok(identifier.parse::<FrostIdentifier>()?.member())
}

/// The identifier bare, as other libraries spell it.
pub(crate) fn identifier(member: Member) -> String {
    let quoted = FrostIdentifier::of(member).to_string();
    quoted.trim_matches('"').to_owned()
}

pub(crate) fn by_member<T, U>(
    map: ByIdentifier<T>,
    mut convert: impl FnMut(T) -> Result<U, Refusal>,
) -> Result<BTreeMap<Member, U>, Refusal> {
    map.into_iter()
        .map(|(id, value)| Ok((member(&id)?, convert(value)?)))
        .collect()
}

/// A dealer's first message.
#[derive(Deserialize, Serialize)]
pub(crate) struct Shown {
    commitment: Vec<Hex<33>>,
    proof_of_knowledge: Hex<64>,
    ephemeral: Hex<33>,
    possession: Hex<64>,
}

impl From<Shown> for Round1 {
    fn from(shown: Shown) -> Self {
        Self {
            commitment: shown.commitment.into_iter().map(|point| point.0).collect(),
            proof_of_knowledge: shown.proof_of_knowledge.0,
            ephemeral: shown.ephemeral.0,
            possession: shown.possession.0,
        }
    }
}

impl From<Round1> for Shown {
    fn from(shown: Round1) -> Self {
        Self {
            commitment: shown.commitment.into_iter().map(Hex).collect(),
            proof_of_knowledge: Hex(shown.proof_of_knowledge),
            ephemeral: Hex(shown.ephemeral),
            possession: Hex(shown.possession),
        }
    }
}

/// The suite by name; other libraries' sessions are `tr` unless they say otherwise.
#[derive(Clone, Copy)]
pub(crate) struct SuiteName(pub(crate) Suite);

impl Default for SuiteName {
    fn default() -> Self {
        Self(Suite::Tr)
    }
}

impl<'de> Deserialize<'de> for SuiteName {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = String::deserialize(from)?;
        name.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

/// A nonce pair's commitments.
#[derive(Deserialize, Serialize)]
pub(crate) struct Pair {
    pub(crate) hiding: Hex<33>,
    pub(crate) binding: Hex<33>,
}

/// What is signed, by whom, with which key of the group.
#[derive(Deserialize)]
pub(crate) struct Package {
    #[serde(default)]
    pub(crate) suite: SuiteName,
    /// Hex of the key spec's encoding.
    pub(crate) spec: String,
    pub(crate) message: Hex<32>,
    pub(crate) commitments: ByIdentifier<Pair>,
}

/// Which seat of which ceremony, with all the randomness the member will draw.
#[derive(Deserialize)]
pub(crate) struct Deal {
    pub(crate) identifier: String,
    pub(crate) threshold: u16,
    pub(crate) count: u16,
    pub(crate) ceremony: Hex<32>,
    pub(crate) seed: Hex<32>,
}

/// A share of a key that the test dealt.
#[derive(Deserialize)]
pub(crate) struct Dealt {
    pub(crate) identifier: String,
    pub(crate) threshold: u16,
    pub(crate) key: Hex<33>,
    pub(crate) verifying_shares: Vec<Hex<33>>,
    pub(crate) signing_share: Hex<32>,
    pub(crate) seed: Hex<32>,
}

/// Somebody's share in a session.
#[derive(Deserialize)]
pub(crate) struct Claim {
    pub(crate) package: Package,
    pub(crate) identifier: String,
    pub(crate) share: Hex<32>,
}

/// A BIP-340 signature.
#[derive(Deserialize)]
pub(crate) struct Signed {
    pub(crate) key: Hex<32>,
    pub(crate) message: Hex<32>,
    pub(crate) signature: Hex<64>,
}

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum Request {
    /// Key generation, first step.
    Deal(Deal),
    /// Key generation, second step.
    Seal {
        transcript: Hex<32>,
        others: ByIdentifier<Shown>,
    },
    /// Key generation, third step: the key is there.
    Open { sealed: ByIdentifier<Hex<48>> },
    /// Or the key comes from the test.
    Dealt(Dealt),
    /// Round one.
    Commit {
        #[serde(default)]
        suite: SuiteName,
    },
    /// Round two; the nonces are gone afterwards.
    Sign { package: Package },
    /// One share's verdict.
    VerifyShare(Claim),
    /// The signature, or every bad share.
    Aggregate {
        package: Package,
        shares: ByIdentifier<Hex<32>>,
    },
    /// Whether a signature is valid, as libsecp256k1 has it.
    Verify(Signed),
}
