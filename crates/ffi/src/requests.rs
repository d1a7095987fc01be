//! The requests, field by field, as hosts send them. Reading them says only that their types are right.

use serde::Deserialize;

use crate::json::{Id, List, Object, Pairs, Text};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part1<'a> {
    pub(crate) participant_identifier: u16,
    pub(crate) max_signers: u16,
    pub(crate) min_signers: u16,
    /// The same 32 bytes for every member: shares are then sealed inside.
    #[serde(borrow, default)]
    pub(crate) ceremony_id_hex: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Round1Package<'a> {
    pub(crate) identifier: Id,
    #[serde(borrow)]
    pub(crate) package_hex: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) sealing_hex: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part2<'a> {
    #[serde(borrow)]
    pub(crate) secret_package_hex: Text<'a>,
    #[serde(borrow)]
    pub(crate) round1_packages: List<Object<Round1Package<'a>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Round2Package<'a> {
    pub(crate) identifier: Id,
    pub(crate) sender_identifier: Id,
    /// A secret: text with escapes in it would be copied, so it is refused.
    pub(crate) package_hex: &'a str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part3<'a> {
    #[serde(borrow)]
    pub(crate) secret_package_hex: Text<'a>,
    #[serde(borrow)]
    pub(crate) round1_packages: List<Object<Round1Package<'a>>>,
    #[serde(borrow)]
    pub(crate) round2_packages: List<Object<Round2Package<'a>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyPackage<'a> {
    pub(crate) identifier: Id,
    #[serde(borrow)]
    pub(crate) data_hex: Text<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PublicKeyPackage<'a> {
    #[serde(borrow)]
    pub(crate) verifying_shares: Pairs<'a>,
    #[serde(borrow)]
    pub(crate) verifying_key: Text<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Persist<'a> {
    #[serde(borrow)]
    pub(crate) session_id: Text<'a>,
    pub(crate) participant_identifier: u16,
    pub(crate) threshold: u16,
    pub(crate) participant_count: u16,
    #[serde(borrow)]
    pub(crate) key_package: Object<KeyPackage<'a>>,
    #[serde(borrow)]
    pub(crate) public_key_package: Object<PublicKeyPackage<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input<'a> {
    #[serde(borrow)]
    pub(crate) txid_hex: Text<'a>,
    pub(crate) vout: u32,
    pub(crate) value_sats: u64,
    #[serde(borrow)]
    pub(crate) script_pubkey_hex: Text<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Output<'a> {
    #[serde(borrow)]
    pub(crate) script_pubkey_hex: Text<'a>,
    pub(crate) value_sats: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Build<'a> {
    #[serde(borrow)]
    pub(crate) session_id: Text<'a>,
    #[serde(borrow)]
    pub(crate) inputs: List<Object<Input<'a>>>,
    #[serde(borrow)]
    pub(crate) outputs: List<Object<Output<'a>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Derive<'a> {
    #[serde(borrow)]
    pub(crate) session_id: Text<'a>,
    #[serde(borrow)]
    pub(crate) message_hex: Text<'a>,
    #[serde(borrow)]
    pub(crate) key_group: Text<'a>,
    pub(crate) threshold: u16,
    pub(crate) attempt_number: u32,
    pub(crate) included_participants: List<u16>,
}

/// What an attempt is, as hosts carry it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AttemptContextFields<'a> {
    pub(crate) attempt_number: u32,
    pub(crate) coordinator_identifier: u16,
    pub(crate) included_participants: List<u16>,
    #[serde(borrow)]
    pub(crate) included_participants_fingerprint: Text<'a>,
    #[serde(borrow)]
    pub(crate) attempt_id: Text<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OpenSession<'a> {
    #[serde(borrow)]
    pub(crate) session_id: Text<'a>,
    pub(crate) member_identifier: u16,
    #[serde(borrow)]
    pub(crate) message_hex: Text<'a>,
    #[serde(borrow)]
    pub(crate) key_group: Text<'a>,
    pub(crate) threshold: u16,
    #[serde(borrow, default)]
    pub(crate) taproot_merkle_root_hex: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) attempt_context: Object<AttemptContextFields<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Round1<'a> {
    #[serde(borrow)]
    pub(crate) session_id: Text<'a>,
    #[serde(borrow)]
    pub(crate) attempt_id: Text<'a>,
    pub(crate) member_identifier: u16,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Round2<'a> {
    #[serde(borrow)]
    pub(crate) session_id: Text<'a>,
    #[serde(borrow)]
    pub(crate) attempt_id: Text<'a>,
    pub(crate) member_identifier: u16,
    #[serde(borrow)]
    pub(crate) signing_package_hex: Text<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AbortSession<'a> {
    #[serde(borrow)]
    pub(crate) session_id: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) attempt_id: Option<Text<'a>>,
    #[serde(default)]
    pub(crate) member_identifier: Option<u16>,
}

/// A FROST object of one member.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfMember<'a> {
    pub(crate) identifier: Id,
    #[serde(borrow)]
    pub(crate) data_hex: Text<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AggregateShares<'a> {
    #[serde(borrow)]
    pub(crate) session_id: Text<'a>,
    #[serde(borrow)]
    pub(crate) attempt_id: Text<'a>,
    #[serde(borrow)]
    pub(crate) signing_package_hex: Text<'a>,
    #[serde(borrow)]
    pub(crate) signature_shares: List<Object<OfMember<'a>>>,
    #[serde(borrow, default)]
    pub(crate) taproot_merkle_root_hex: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPackage<'a> {
    #[serde(borrow)]
    pub(crate) message_hex: Text<'a>,
    #[serde(borrow)]
    pub(crate) commitments: List<Object<OfMember<'a>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifyShareOf<'a> {
    #[serde(borrow)]
    pub(crate) session_id: Text<'a>,
    #[serde(borrow)]
    pub(crate) signing_package_hex: Text<'a>,
    #[serde(borrow)]
    pub(crate) signature_share_hex: Text<'a>,
    pub(crate) member_identifier: u16,
    #[serde(borrow, default)]
    pub(crate) taproot_merkle_root_hex: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rekey<'a> {
    #[serde(borrow)]
    pub(crate) session_id: Text<'a>,
    #[serde(borrow)]
    pub(crate) reason: Text<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfOperator {
    pub(crate) operator_identifier: u16,
}
