//! Answers the local interface.

use std::collections::BTreeSet;
use std::time::Duration;

use hardfrost_api::local::{
    Answer, ApprovalView, ApproveBody, Call, CeremonyView, Problem, SessionView, StartCeremony,
};
use hardfrost_dkg::{CeremonyKind, Descriptor};
use hardfrost_primitives::{Hash32, KeyGroup, RequestId, SessionId};
use hardfrost_seat::{Request, Seat};
use hardfrost_spend::UnsignedPsbt;

use crate::code;
use crate::core::Core;
use crate::draw::random;
use crate::ending::cancel_key;
use crate::federation::Federation;
use crate::journal::Place;
use crate::kept::KeptError;
use crate::look::Look;
use crate::reach::unplaced;

/// Longest that a key generation may wait for its operators.
const CEREMONY_MINUTES_MAX: u64 = 24 * 60;
/// Longest that an approval may hold.
const APPROVAL_MINUTES_MAX: u64 = 24 * 60;

/// Answers one call, or has it answered: what the engine must be asked for is waited for elsewhere.
pub fn serve(core: &mut Core, look: &Look, call: Call) {
    match call {
        Call::Node(answer) => look.node(core, answer),
        Call::Ready(answer) => look.ready(core, answer),
        Call::Keys(answer) => look.keys(core, answer),
        Call::Convictions(answer) => look.convictions(core, answer),
        Call::MakeKey(body, answer) => give(answer, make_key(core, &body)),
        Call::CancelKey(id, answer) => give(answer, cancel_key(core, &id)),
        Call::Ceremonies(answer) => give(answer, Ok(ceremonies(core))),
        Call::Approve(body, answer) => approve(core, body, answer),
        Call::Sessions(answer) => give(answer, Ok(sessions(core))),
        Call::Session(id, answer) => give(answer, session(core, &id)),
        Call::Cancel(id, answer) => give(answer, cancel(core, &id)),
    }
}

/// The same while the engine's process is away, and `why`: what needs no engine is answered all the same.
pub fn serve_without_engine(core: &Core, (look, why): (&Look, &str), call: Call) {
    match call {
        Call::Node(answer) => give(answer, Ok(look.without_engine(core, why))),
        Call::Ready(answer) => give(answer, Ok(look.without_engine(core, why).ready)),
        Call::Ceremonies(answer) => give(answer, Ok(ceremonies(core))),
        Call::Sessions(answer) => give(answer, Ok(sessions(core))),
        Call::Session(id, answer) => give(answer, session(core, &id)),
        Call::Keys(_)
        | Call::Convictions(_)
        | Call::MakeKey(..)
        | Call::CancelKey(..)
        | Call::Approve(..)
        | Call::Cancel(..) => call.refuse(&Problem::unavailable(why)),
    }
}

fn give<T>(answer: Answer<T>, given: Result<T, Problem>) {
    // Who asked may have gone.
    let _gone = answer.send(given);
}

pub(crate) fn ceremonies(core: &Core) -> Vec<CeremonyView> {
    core.journal.generations(|place| core.seat(place))
}

fn sessions(core: &Core) -> Vec<SessionView> {
    core.journal.sessions(core.now(), |place| core.seat(place))
}

fn session(core: &Core, id: &str) -> Result<SessionView, Problem> {
    let unknown = || {
        let why = "this node knows no such session since it was started: \
                   hardfrost session list shows those it knows";
        Problem::not_found(why)
    };
    let name = SessionId::new(id).map_err(|_| unknown())?;
    let seat = |place| core.seat(place);
    let found = core.journal.session(&name, core.now(), seat);
    found.ok_or_else(unknown)
}

fn cancel(core: &mut Core, id: &str) -> Result<SessionView, Problem> {
    session(core, id)?;
    let name = SessionId::new(id).map_err(|_| Problem::not_found("no such session"))?;
    // Whatever is written of it here: the seats decide whether there is anything to end.
    let place = core.journal.place_of(&name);
    let at = place.map_or(0, |place| place.federation);
    let order = Request::Cancel(name);
    let mail = core.federations().get(at).map(|all| all.ordered(&order));
    core.feed(at, mail.unwrap_or_default(), None);
    session(core, id)
}

fn make_key(core: &mut Core, body: &StartCeremony) -> Result<CeremonyView, Problem> {
    let terms = match body {
        StartCeremony::Join { join, threshold } => {
            let terms = joined(core, join, *threshold)?;
            core.resume_with(&terms).map_err(not_kept)?;
            terms
        }
        StartCeremony::Begin {
            threshold,
            minutes,
            roster,
        } => begun(core, (*threshold, *minutes), roster.as_deref())?,
    };
    let id = terms.id();
    let known = ceremonies(core)
        .into_iter()
        .find(|c| c.id == id.to_string());
    if let Some(known) = known {
        // The same order twice is one order.
        return Ok(known);
    }
    let at = federation_of(core.federations(), &terms.roster)?;
    let under_way = |seat: &Seat| seat.makes_key();
    let seats = core.federations().get(at).map(Federation::seats);
    if seats.is_some_and(|seats| seats.iter().any(under_way)) {
        let why = "another key generation is under way: hardfrost key list shows it, \
                   hardfrost key cancel ends this node's part in it";
        return Err(Problem::refused("key_generation_under_way", why));
    }
    let now = core.now().utc;
    if !core.kept.keep(now, &terms).map_err(not_kept)? {
        // Of a former process, and not shown any more: a second contribution would look like a cheat's.
        let why = "this node has joined this key generation before: have a new one begun";
        return Err(Problem::refused("key_generation_refused", why));
    }
    let order = core.orders.make_key();
    let request = Request::MakeKey(terms.clone());
    let mail = core.federations().get(at).map(|all| all.ordered(&request));
    core.journal.joined(
        Place {
            federation: at,
            seat: 0,
        },
        terms,
    );
    core.feed(at, mail.unwrap_or_default(), Some(order));
    if let Some(why) = core.orders.failure(order) {
        core.key_not_begun(at, &id);
        return Err(Problem::refused("key_generation_refused", why));
    }
    let made = ceremonies(core)
        .into_iter()
        .find(|c| c.id == id.to_string());
    made.ok_or_else(|| Problem::unavailable("the key generation is gone"))
}

/// Without its terms on the disk a pending key would be lost with the process: nothing is joined.
fn not_kept(error: KeptError) -> Problem {
    Problem::unavailable(format!("the terms cannot be kept: {error}"))
}

fn is_known(core: &Core, terms: &Descriptor) -> bool {
    let id = terms.id().to_string();
    ceremonies(core).iter().any(|known| known.id == id)
}

/// Whether it can still be joined.
fn in_time(core: &Core, terms: &Descriptor) -> Result<(), Problem> {
    let now = core.now().utc;
    if terms.deadline <= now {
        let why = "the deadline of this key generation has passed: have a new one begun";
        return Err(Problem::refused("key_generation_over", why));
    }
    // A minute for clocks that differ.
    let latest = now.plus(Duration::from_secs(60 * (CEREMONY_MINUTES_MAX + 1)));
    if terms.deadline > latest {
        let why = "this key generation would wait for more than a day: have a new one begun";
        return Err(Problem::refused("key_generation_too_long", why));
    }
    Ok(())
}

fn joined(core: &Core, typed: &str, threshold: Option<u16>) -> Result<Descriptor, Problem> {
    let rosters = core.federations().iter().map(|all| all.roster().as_ref());
    let terms =
        code::decode(typed, rosters).map_err(|error| Problem::invalid(error.to_string()))?;
    if !is_known(core, &terms) && !core.is_orphan(&terms.id()) {
        in_time(core, &terms)?;
    }
    if threshold.is_some_and(|agreed| agreed != terms.threshold) {
        let (t, n) = (terms.threshold, terms.count);
        let why = format!("the code is for a key of which {t} of {n} sign: that was not agreed");
        return Err(Problem::refused("key_generation_differs", why));
    }
    checked(terms)
}

fn begun(
    core: &Core,
    (threshold, minutes): (u16, u64),
    roster: Option<&str>,
) -> Result<Descriptor, Problem> {
    let federations = core.federations();
    let at = match (roster, federations) {
        (Some(hash), _) => {
            let hash: Hash32 = hash
                .parse()
                .map_err(|_| Problem::invalid("a roster's hash is 64 hexadecimal characters"))?;
            federation_of(federations, &hash)?
        }
        (None, [_]) => 0,
        (None, _) => {
            let why = "this node has several rosters: name one by its hash";
            return Err(Problem::invalid(why));
        }
    };
    let missing = || Problem::not_found("no such roster");
    let roster = federations.get(at).ok_or_else(missing)?.roster();
    if minutes == 0 || minutes > CEREMONY_MINUTES_MAX {
        let why = format!("a key generation waits 1 to {CEREMONY_MINUTES_MAX} minutes");
        return Err(Problem::invalid(why));
    }
    checked(Descriptor {
        kind: CeremonyKind::Generate,
        roster: roster.hash(),
        threshold,
        count: roster.count(),
        salt: random(),
        deadline: core.now().utc.plus(Duration::from_secs(60 * minutes)),
    })
}

fn checked(terms: Descriptor) -> Result<Descriptor, Problem> {
    let (t, n) = (terms.threshold, terms.count);
    if (2..=n).contains(&t) {
        Ok(terms)
    } else {
        let why = format!("the roster has {n} seats: 2 to {n} of them sign, not {t}");
        Err(Problem::invalid(why))
    }
}

fn federation_of(federations: &[Federation], hash: &Hash32) -> Result<usize, Problem> {
    let mut rosters = federations.iter().map(|all| all.roster().hash());
    let at = rosters.position(|known| known == *hash);
    at.ok_or_else(|| Problem::not_found(format!("this node has no roster with the hash {hash}")))
}

fn approve(core: &mut Core, body: ApproveBody, answer: Answer<ApprovalView>) {
    let order = match asked(core, body) {
        Ok(order) => order,
        Err(problem) => return give(answer, Err(problem)),
    };
    let Approving { at, name, request } = order;
    let mail = core.federations().get(at).map(|all| all.ordered(&request));
    let mail = mail.unwrap_or_default();
    let id = core.orders.approve(name, mail.len(), answer);
    core.feed(at, mail, Some(id));
}

struct Approving {
    at: usize,
    name: RequestId,
    request: Request,
}

fn asked(core: &Core, body: ApproveBody) -> Result<Approving, Problem> {
    let ApproveBody {
        key_group,
        psbt,
        request,
        minutes,
    } = body;
    if minutes == 0 || minutes > APPROVAL_MINUTES_MAX {
        let why = format!("an approval holds 1 to {APPROVAL_MINUTES_MAX} minutes");
        return Err(Problem::invalid(why));
    }
    let read = UnsignedPsbt::parse(psbt.as_bytes());
    let read = read.map_err(|error| Problem::invalid(format!("the PSBT: {error}")))?;
    let txid = read.transaction().compute_txid().to_string();
    let name = RequestId::new(request.as_deref().unwrap_or(&txid));
    let name = name.map_err(|error| Problem::invalid(format!("the request: {error}")))?;
    let (at, key_group) = group(core, key_group.as_deref())?;
    Ok(Approving {
        at,
        name: name.clone(),
        request: Request::Approve {
            key_group,
            psbt: read.to_bytes(),
            request: name,
            life: Duration::from_secs(60 * minutes),
        },
    })
}

/// The group that is meant: the one that is named, or the only one. And its roster's place.
fn group(core: &Core, named: Option<&str>) -> Result<(usize, KeyGroup), Problem> {
    let mut known = BTreeSet::new();
    for (at, federation) in core.federations().iter().enumerate() {
        let groups = federation.seats().iter().flat_map(|seat| seat.groups());
        known.extend(groups.map(|group| (at, group.clone())));
    }
    if let Some(named) = named {
        let group: KeyGroup = named
            .parse()
            .map_err(|error| Problem::invalid(format!("the key: {error}")))?;
        let mut known = known.into_iter();
        let found = known.find(|(_, known)| *known == group);
        return found
            .ok_or_else(|| Problem::not_found(format!("this node holds no share of {group}")));
    }
    let mut known = known.into_iter();
    match (known.next(), known.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(Problem::not_found(none_held(core))),
        (Some(_), Some(_)) => Err(Problem::invalid(
            "this node holds several keys: name one with --key",
        )),
    }
}

/// Why there is no key to use.
fn none_held(core: &Core) -> String {
    match core.unplaced.first() {
        Some(key) => unplaced(key),
        None => "this node holds no key yet: make one with `hardfrost key create`".to_owned(),
    }
}
