//! The end of this node's part in a key generation, by its operator.

use hardfrost_api::local::{CeremonyView, Problem};
use hardfrost_dkg::{CancelError, Ceremony};
use hardfrost_primitives::Hash32;
use hardfrost_seat::Request;

use crate::core::Core;
use crate::desk::ceremonies;

/// All seats of the node end their part, or none does: one that has confirmed the key cannot.
pub(crate) fn cancel_key(core: &mut Core, id: &str) -> Result<CeremonyView, Problem> {
    let unknown = || {
        let why = "this node knows no such key generation since it was started: \
                   hardfrost key list shows what is under way";
        Problem::not_found(why)
    };
    let name: Hash32 = id.parse().map_err(|_| unknown())?;
    let place = core.journal.place_of_generation(&name);
    let at = place.ok_or_else(unknown)?.federation;
    let all = core.federations().get(at).ok_or_else(unknown)?;
    let parts = all
        .seats()
        .iter()
        .filter_map(|seat| seat.ceremony_of(&name));
    let may: Vec<_> = parts.map(Ceremony::may_be_cancelled).collect();
    if may.contains(&Err(CancelError::Confirmed)) {
        let why = CancelError::Confirmed.to_string();
        return Err(Problem::refused("key_generation_goes_on", why));
    }
    if !may.contains(&Ok(())) {
        let why = CancelError::Over.to_string();
        return Err(Problem::refused("key_generation_over", why));
    }
    let mail = all.ordered(&Request::CancelKey(name));
    core.feed(at, mail, None);
    let mut known = ceremonies(core).into_iter();
    known.find(|one| one.id == id).ok_or_else(unknown)
}
