//! What can happen, and how often.

use proptest::prelude::*;

use super::walk::{Attempt, Seat, SessionNo, KEYS, SESSIONS_A_KEY};

/// What becomes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Other things happen first.
    Later,
    Written,
    WrittenThenCrash,
    NotWritten,
    /// Nobody knows.
    Unknown,
    /// The caller forgot it.
    Dropped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Package {
    /// Both seats of this process.
    Siblings,
    /// This seat and seat 3.
    Foreign,
    /// Somebody else's commitments under our name.
    Replaced,
    Short,
    OtherMessage,
}

#[derive(Clone, Debug)]
pub enum Step {
    Wait(u64),
    Approve(SessionNo),
    Open(Attempt, Seat),
    Round1(Attempt, Seat),
    Round2(Attempt, Seat, Package, Fate),
    Settle(Fate),
    /// The attempt alone, or its whole session.
    Abort((Attempt, bool), Option<Seat>),
    /// Whose shares, and under which number if not their own.
    Aggregate(usize, Option<u32>),
    Kill(usize, Option<SessionNo>),
    Finalize(SessionNo),
    Quarantine(usize, Seat),
    Unquarantine(usize, Seat),
    Convict(usize, Seat, u8),
    Limit(usize, u64),
    Restart,
    Clone,
    Remember,
    PutBack(usize),
    Compact,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        24 => Just(Fate::Written),
        4 => Just(Fate::Later),
        3 => Just(Fate::NotWritten),
        1 => Just(Fate::WrittenThenCrash),
        1 => Just(Fate::Unknown),
        1 => Just(Fate::Dropped),
    ]
}

fn package() -> impl Strategy<Value = Package> {
    prop_oneof![
        8 => Just(Package::Siblings),
        4 => Just(Package::Foreign),
        1 => Just(Package::Replaced),
        1 => Just(Package::Short),
        1 => Just(Package::OtherMessage),
    ]
}

fn attempt() -> impl Strategy<Value = Attempt> {
    let session = 0..KEYS * SESSIONS_A_KEY;
    let narrow = prop::bool::weighted(0.05);
    let all = (session, 1u32..7, narrow);
    all.prop_map(|(session, number, narrow)| Attempt {
        session,
        number,
        narrow,
    })
}

/// One thing that happens.
fn once() -> impl Strategy<Value = Step> {
    let session = || 0..KEYS * SESSIONS_A_KEY;
    let (seat, whom, key) = (|| 1u16..3, || 1u16..4, || 0..KEYS);
    let at = move || (attempt(), seat());
    prop_oneof![
        24 => at().prop_map(|(a, s)| Step::Open(a, s)),
        24 => at().prop_map(|(a, s)| Step::Round1(a, s)),
        24 => (at(), package(), fate()).prop_map(|((a, s), p, f)| Step::Round2(a, s, p, f)),
        24 => fate().prop_map(Step::Settle),
        8 => (attempt(), any::<bool>(), prop::option::of(seat()))
            .prop_map(|(a, one, s)| Step::Abort((a, one), s)),
        24 => (any::<u8>(), prop::option::of(1u32..7))
            .prop_map(|(c, n)| Step::Aggregate(c.into(), n)),
        24 => session().prop_map(Step::Approve),
        12 => (0u64..300).prop_map(Step::Wait),
        1 => (key(), prop::option::weighted(0.9, session())).prop_map(|(k, s)| Step::Kill(k, s)),
        2 => session().prop_map(Step::Finalize),
        2 => (key(), whom()).prop_map(|(k, m)| Step::Quarantine(k, m)),
        12 => (key(), whom()).prop_map(|(k, m)| Step::Unquarantine(k, m)),
        2 => (key(), whom(), 1u8..4).prop_map(|(k, m, e)| Step::Convict(k, m, e)),
        2 => (key(), 1u64..4).prop_map(|(k, most)| Step::Limit(k, most)),
        4 => Just(Step::Restart),
        2 => Just(Step::Clone),
        2 => Just(Step::Remember),
        3 => any::<u8>().prop_map(|choice| Step::PutBack(choice.into())),
        4 => Just(Step::Compact),
    ]
}

/// What belongs together often enough: an attempt of both seats, from the approval to a signature.
fn several() -> impl Strategy<Value = Vec<Step>> {
    let both = (attempt(), package(), fate(), fate());
    both.prop_map(|(attempt, package, first, second)| {
        let approve = Step::Approve(attempt.session);
        let open = [1, 2].map(|seat| Step::Open(attempt, seat));
        let draw = [1, 2].map(|seat| Step::Round1(attempt, seat));
        let sign = [(1, first), (2, second)]
            .map(|(seat, fate)| Step::Round2(attempt, seat, package, fate));
        let begin = [approve].into_iter().chain(open).chain(draw);
        begin
            .chain(sign)
            .chain([Step::Aggregate(255, None)])
            .collect()
    })
}

/// More opens than the window holds, an older one again, and again after an abort.
fn window() -> impl Strategy<Value = Vec<Step>> {
    (attempt(), 1u16..3, any::<bool>()).prop_map(|(attempt, seat, abort)| {
        let open = |more: u32| {
            let number = attempt.number + more;
            Step::Open(Attempt { number, ..attempt }, seat)
        };
        let end = Step::Abort((attempt, false), None);
        let early = [Step::Approve(attempt.session), open(0), open(1), open(2)];
        let early = early.into_iter().chain(abort.then_some(end));
        early.chain([open(0), open(1)]).collect()
    })
}

/// Something happens while a share is on its way, or before anything is drawn.
fn meanwhile() -> impl Strategy<Value = Vec<Step>> {
    (attempt(), 1u16..3, once(), fate()).prop_map(|(attempt, seat, step, fate)| {
        let sign = Step::Round2(attempt, seat, Package::Foreign, Fate::Later);
        vec![
            Step::Approve(attempt.session),
            Step::Open(attempt, seat),
            sign.clone(),
            Step::Round1(attempt, seat),
            sign,
            step,
            Step::Abort((attempt, true), None),
            Step::Settle(fate),
            Step::Round1(attempt, seat),
            Step::Open(attempt, seat),
        ]
    })
}

/// Which process, and what happens there.
pub fn steps(count: usize) -> impl Strategy<Value = Vec<(usize, Step)>> {
    let some = prop_oneof![
        24 => once().prop_map(|step| vec![step]),
        4 => several(),
        1 => window(),
        1 => meanwhile(),
    ];
    let which = (0usize..6, some).prop_map(|(which, some)| {
        some.into_iter()
            .map(move |step| (which, step))
            .collect::<Vec<_>>()
    });
    prop::collection::vec(which, 0..count).prop_map(|all| all.concat())
}
