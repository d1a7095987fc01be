//! Where the group is paid.

use bitcoin::key::{TapTweak, TweakedPublicKey};
use bitcoin::{Address, Network, ScriptBuf, XOnlyPublicKey};
use hardfrost_frost::{DerivedGroup, GroupPublic};

use crate::checksum::checksum;

/// The P2TR address (BIP 341, BIP 350) of the group's key under a key spec.
#[must_use]
pub fn address(group: &DerivedGroup, network: Network) -> Address {
    Address::p2tr_tweaked(tweaked(&group.output_key()), network)
}

/// The P2TR script of the bare group key P, which equals `tr(P0)` (D9).
#[must_use]
pub fn script_pubkey(group: &GroupPublic) -> ScriptBuf {
    ScriptBuf::new_p2tr_tweaked(tweaked(&bare_key(group)))
}

/// `rawtr(P)#checksum` (BIP 386, BIP 380): a watch-only wallet that reads it watches the bare group key, and no other.
#[must_use]
pub fn descriptor(group: &GroupPublic) -> String {
    let key = XOnlyPublicKey::from_slice(&bare_key(group)).expect("a group key is a point");
    let text = format!("rawtr({key})");
    let sum = checksum(&text).expect("letters, digits and brackets are in the alphabet");
    format!("{text}#{sum}")
}

pub(crate) fn bare_key(group: &GroupPublic) -> [u8; 32] {
    let [_, x @ ..] = group.verifying_key();
    x
}

/// The key is an output key as it stands: the key spec's tweaks, and the unspendable script path of P, are in it. A
/// further tweak here would make an address that nobody can sign for.
fn tweaked(output_key: &[u8; 32]) -> TweakedPublicKey {
    let key = XOnlyPublicKey::from_slice(output_key).expect("a group key is a point");
    key.dangerous_assume_tweaked()
}
