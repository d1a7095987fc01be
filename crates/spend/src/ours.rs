//! Which outputs belong to the group: found by computing their keys, never by believing the PSBT.

use std::collections::BTreeMap;
use std::sync::Arc;

use bitcoin::bip32::DerivationPath;
use bitcoin::psbt::Input;
use bitcoin::Script;
use hardfrost_frost::{DerivedGroup, GroupPublic};
use hardfrost_primitives::{ChildIndex, Hash32, KeySpec, Taproot, PATH_LEN_MAX};

/// Finds the key spec behind an output key, and remembers the keys it has computed.
pub(crate) struct KeyFinder<'a> {
    group: &'a Arc<GroupPublic>,
    keys: BTreeMap<KeySpec, Option<[u8; 32]>>,
}

impl<'a> KeyFinder<'a> {
    pub(crate) fn new(group: &'a Arc<GroupPublic>) -> Self {
        Self {
            group,
            keys: BTreeMap::new(),
        }
    }

    /// The spec under which the group's key is `output_key`: taproot 0, 1, then 2 with the input's root, each with no
    /// path and with the path that the input names. The first that fits.
    pub(crate) fn find(&mut self, output_key: &[u8; 32], input: &Input) -> Option<KeySpec> {
        let mut paths = vec![Vec::new()];
        paths.extend(named_path(input));
        let root = input
            .tap_merkle_root
            .map(|root| Hash32(*AsRef::<[u8; 32]>::as_ref(&root)));
        let mut taproots = vec![Taproot::Untweaked, Taproot::KeyPathOnly];
        taproots.extend(root.map(Taproot::Root));
        let specs = taproots.iter().flat_map(|taproot| {
            let of = |path: &Vec<ChildIndex>| KeySpec::new(path.clone(), *taproot).ok();
            paths.iter().filter_map(of)
        });
        let specs: Vec<KeySpec> = specs.collect();
        specs
            .into_iter()
            .find(|spec| self.key(spec).as_ref() == Some(output_key))
    }

    fn key(&mut self, spec: &KeySpec) -> Option<[u8; 32]> {
        if let Some(known) = self.keys.get(spec) {
            return *known;
        }
        let derived = DerivedGroup::new(self.group.clone(), spec.clone());
        let key = derived.ok().map(|derived| derived.output_key());
        self.keys.insert(spec.clone(), key);
        key
    }
}

/// The non-hardened path of PSBT_IN_TAP_BIP32_DERIVATION (BIP 371): the internal key's, or the only one tried where
/// that is not named. A wallet names one; trying all that a hostile PSBT can name would take minutes.
fn named_path(input: &Input) -> Option<Vec<ChildIndex>> {
    let origins = &input.tap_key_origins;
    let of_internal_key = input.tap_internal_key.and_then(|key| origins.get(&key));
    let (_, (_, path)) = of_internal_key.or_else(|| origins.values().next())?;
    children(path)
}

fn children(path: &DerivationPath) -> Option<Vec<ChildIndex>> {
    if path.is_empty() || path.len() > PATH_LEN_MAX {
        return None;
    }
    path.into_iter()
        .map(|step| ChildIndex::new(u32::from(*step)).ok())
        .collect()
}

/// The key of a P2TR output (BIP 341, "Script validation rules"): `OP_1`, a push of 32, the key.
pub(crate) fn output_key(script: &Script) -> Option<[u8; 32]> {
    let bytes = script.as_bytes();
    let key = bytes.strip_prefix(&[0x51, 0x20])?;
    key.try_into().ok()
}
