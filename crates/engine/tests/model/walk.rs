//! A random walk through an engine's calls, over clones, restarts and old logs put back; every answer is compared with
//! the reference's, and no commitments ever come with two shares.

#[path = "changes.rs"]
mod changes;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hardfrost_engine::{
    Abort, Artifact, AttemptKey, Code, Engine, Log, LogError, MemberCommitments, MemoryLog,
    PendingShare, Rejection, SigningPackage, Staged,
};
use hardfrost_frost::SignatureShare;
use hardfrost_primitives::derive::AttemptContext;
use hardfrost_primitives::{KeySpec, Limits, Member};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::reference::{key_of, Facts, Reference};
use super::step::{Fate, Package, Step};
use super::support::{approve, at, code, durable, ids, member, Group, Scripted, Signing};
use super::support::{RAW_TAG, SESSION_LIFE};

pub type SessionNo = usize;
pub type Seat = u16;

/// An attempt's name: which of the two contexts its number has is part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attempt {
    pub session: SessionNo,
    pub number: u32,
    /// Seat 3 is left out.
    pub narrow: bool,
}

/// Small, so that a walk meets them all.
pub const LIMITS: Limits = Limits {
    members_max: 8,
    live_attempts_max: 9,
    sessions_max: 3,
    window: 2,
    markers_per_seat_max: 5,
    life_max: Duration::from_secs(24 * 3600),
};
pub const KEYS: usize = 2;
pub const SESSIONS_A_KEY: usize = 2;
pub const SESSION_LIFE_SECONDS: u64 = SESSION_LIFE.as_secs();
/// Processes that exist side by side.
pub const BODIES: usize = 3;
const APPROVAL_SECONDS: u64 = 2000;

/// A process of the operator who holds seats 1 and 2.
struct Body {
    engine: Engine,
    log: MemoryLog,
    rng: ChaCha20Rng,
    reference: Reference,
    leaving: Option<Leaving>,
    /// Steps since its storage failed.
    faulted: u8,
}

/// A process whose storage failed is begun again after so many steps.
const FAULTED_STEPS: u8 = 3;

/// A share on its way.
struct Leaving {
    staged: Staged<PendingShare>,
    attempt: Attempt,
    seat: Seat,
    drawn: [u8; 66],
    package: SigningPackage,
}

/// Shares of one package.
struct Signed {
    attempt: Attempt,
    package: SigningPackage,
    shares: BTreeMap<Member, SignatureShare>,
}

pub struct Walk {
    sessions: Vec<Signing>,
    /// Commitments of seat 3, which lives elsewhere.
    foreign: Vec<MemberCommitments>,
    bodies: Vec<Body>,
    now: u64,
    seeds: u64,
    /// Everything that was ever drawn, in any process.
    drawn: BTreeSet<[u8; 66]>,
    /// The commitments that a share left for, in any process.
    shown: BTreeSet<[u8; 66]>,
    signed: Vec<Signed>,
    old: Vec<(MemoryLog, Facts)>,
    /// How often each answer was given.
    pub answers: BTreeMap<&'static str, u64>,
}

fn bytes(of: &MemberCommitments) -> [u8; 66] {
    let mut bytes = [0; 66];
    bytes[..33].copy_from_slice(&of.hiding);
    bytes[33..].copy_from_slice(&of.binding);
    bytes
}

fn copy(log: &mut MemoryLog) -> MemoryLog {
    let mut copy = MemoryLog::default();
    copy.append_durably(&log.replay().unwrap()).unwrap();
    copy
}

fn recover(log: &mut MemoryLog) -> Engine {
    let tags = [RAW_TAG.to_owned()].into();
    Engine::recover(LIMITS, tags, &log.replay().unwrap()).unwrap()
}

impl Walk {
    pub fn new(seed: u64) -> Self {
        let seats = [vec![1, 2], vec![3]];
        let mut group = Group::seated(2, &seats, LIMITS);
        let keys = [group.public.clone(), group.make_another_key()];
        let mut log = copy(&mut group.node(1).log);
        let mut elsewhere = Group::new(2, 3);
        let signing = elsewhere.approve(1_000_000);
        let foreign = (1..=8).map(|number| {
            let (request, key) = (signing.open(number, 3), signing.key(number, 3));
            let node = elsewhere.node(3);
            node.engine.open(at(0), request).unwrap();
            let drawn = node.engine.round1(at(0), &key, &mut node.rng).unwrap();
            MemberCommitments {
                member: member(3),
                hiding: drawn.hiding(),
                binding: drawn.binding(),
            }
        });
        let foreign = foreign.collect();
        let sessions = (0..KEYS * SESSIONS_A_KEY).map(|session| {
            let public = &keys[key_of(session)];
            let node = &mut group.nodes[1];
            node.approve(at(0), request(public, session)).unwrap()
        });
        let mut this = Self {
            sessions: sessions.collect(),
            foreign,
            bodies: Vec::new(),
            now: 0,
            seeds: seed << 32,
            drawn: BTreeSet::new(),
            shown: BTreeSet::new(),
            signed: Vec::new(),
            old: vec![(copy(&mut log), Facts::default())],
            answers: BTreeMap::new(),
        };
        let body = this.body(log, Facts::default());
        this.bodies.push(body);
        this
    }

    /// Shares that have left, over all processes.
    pub fn shares(&self) -> usize {
        self.shown.len()
    }

    fn body(&mut self, mut log: MemoryLog, facts: Facts) -> Body {
        self.seeds += 1;
        Body {
            engine: recover(&mut log),
            log,
            rng: ChaCha20Rng::seed_from_u64(self.seeds),
            reference: Reference::recovered(facts),
            leaving: None,
            faulted: 0,
        }
    }

    fn context(&self, attempt: Attempt) -> AttemptContext {
        let signing = &self.sessions[attempt.session];
        match attempt.narrow {
            true => signing.context_without(attempt.number, &[3]),
            false => signing.context(attempt.number),
        }
    }

    fn key(&self, attempt: Attempt, seat: Seat) -> AttemptKey {
        self.sessions[attempt.session].key_in(&self.context(attempt), seat)
    }

    /// Two answers to one question.
    fn same<T: std::fmt::Debug + PartialEq>(
        &mut self,
        step: &Step,
        ours: Result<T, Rejection>,
        expected: Result<T, Code>,
    ) -> Option<T> {
        let ours = ours.map_err(|rejection| rejection.code());
        assert_eq!(ours, expected, "{step:?}");
        let word = ours.as_ref().map_or_else(|code| code.as_str(), |_| "done");
        *self.answers.entry(word).or_default() += 1;
        ours.ok()
    }

    pub fn step(&mut self, which: usize, step: &Step) {
        let which = which % self.bodies.len();
        self.repair(which);
        match step {
            Step::Wait(seconds) => self.now += seconds,
            Step::Approve(session) => self.approve(which, step, *session),
            Step::Open(attempt, seat) => self.open(which, step, (*attempt, *seat)),
            Step::Round1(attempt, seat) => self.round1(which, step, (*attempt, *seat)),
            Step::Round2(attempt, seat, package, fate) => {
                if self.stage(which, step, (*attempt, *seat), *package) {
                    self.settle(which, step, *fate);
                }
            }
            Step::Settle(fate) => self.settle(which, step, *fate),
            Step::Abort(attempt, seat) => self.abort(which, step, *attempt, *seat),
            Step::Aggregate(choice, number) => self.aggregate(which, step, *choice, *number),
            Step::Kill(key, session) => self.kill(which, step, *key, *session),
            Step::Finalize(session) => self.finalize(which, step, *session),
            Step::Limit(key, most) => self.limit(which, step, *key, *most),
            Step::Quarantine(key, seat) => self.quarantine(which, step, (*key, *seat)),
            Step::Unquarantine(key, seat) => self.unquarantine(which, step, (*key, *seat)),
            Step::Convict(key, seat, proof) => self.convict(which, step, (*key, *seat), *proof),
            Step::Restart => self.restart(which),
            Step::Clone => self.duplicate(which),
            Step::Remember => {
                let body = &mut self.bodies[which];
                let kept = (copy(&mut body.log), body.reference.facts.clone());
                self.old.push(kept);
            }
            Step::PutBack(choice) => {
                let choice = choice % self.old.len();
                let (log, facts) = &mut self.old[choice];
                let (log, facts) = (copy(log), facts.clone());
                self.bodies[which] = self.body(log, facts);
            }
            Step::Compact => self.compact(which, step),
        }
        let body = &self.bodies[which];
        assert_eq!(
            body.engine.live_attempts(),
            body.reference.live_count(),
            "{step:?}"
        );
    }

    fn repair(&mut self, which: usize) {
        let body = &mut self.bodies[which];
        body.faulted += u8::from(body.reference.faulted);
        if body.faulted > FAULTED_STEPS {
            self.restart(which);
        }
    }

    fn approve(&mut self, which: usize, step: &Step, session: SessionNo) {
        let (now, body) = (self.now, &mut self.bodies[which]);
        let public = self.sessions[session].public.clone();
        let staged = body.engine.approve(at(now), request(&public, session));
        let until = now + APPROVAL_SECONDS;
        let expected = body.reference.approve(now, session, until);
        let done = staged.map(|staged| {
            let committed = durable(staged, &mut body.log);
            body.engine.release_approval(committed).unwrap();
        });
        self.same(step, done, expected);
    }

    fn open(&mut self, which: usize, step: &Step, (attempt, seat): (Attempt, Seat)) {
        let context = self.context(attempt);
        let request = hardfrost_engine::Open {
            member: member(seat),
            ids: ids(&context),
            context,
            life: SESSION_LIFE,
        };
        let (now, body) = (self.now, &mut self.bodies[which]);
        let opened = body.engine.open(at(now), request).map(|o| o.idempotent);
        let expected = body.reference.open(now, attempt, seat);
        self.same(step, opened, expected);
    }

    fn round1(&mut self, which: usize, step: &Step, (attempt, seat): (Attempt, Seat)) {
        let key = self.key(attempt, seat);
        let (now, body) = (self.now, &mut self.bodies[which]);
        let drawn = body.engine.round1(at(now), &key, &mut body.rng).map(|c| {
            bytes(&MemberCommitments {
                member: member(seat),
                hiding: c.hiding(),
                binding: c.binding(),
            })
        });
        let expected = body.reference.round1(now, attempt, seat);
        match (expected, &drawn) {
            (Ok(None), Ok(fresh)) => {
                body.reference.drawn(attempt, seat, *fresh);
                assert!(self.drawn.insert(*fresh), "drawn twice: {step:?}");
            }
            (expected, _) => {
                let expected = expected.map(|known| known.unwrap_or([0; 66]));
                self.same(step, drawn, expected);
            }
        }
    }

    /// The commitments that a seat of this process has drawn for an attempt.
    fn ours(
        &mut self,
        which: usize,
        (attempt, seat): (Attempt, Seat),
    ) -> Option<MemberCommitments> {
        let key = self.key(attempt, seat);
        let body = &mut self.bodies[which];
        // Asked of a copy of the question: a call that draws nothing new changes nothing.
        let known = matches!(body.reference.round1(self.now, attempt, seat), Ok(Some(_)));
        if !known {
            return None;
        }
        let drawn = body
            .engine
            .round1(at(self.now), &key, &mut body.rng)
            .unwrap();
        Some(MemberCommitments {
            member: member(seat),
            hiding: drawn.hiding(),
            binding: drawn.binding(),
        })
    }

    /// A package for a seat, good or spoilt, and whether any attempt can have it.
    fn package(
        &mut self,
        which: usize,
        (attempt, seat): (Attempt, Seat),
        package: Package,
    ) -> (SigningPackage, bool) {
        let place = usize::try_from(attempt.number).unwrap() + usize::from(seat);
        let foreign = self.foreign[place % self.foreign.len()];
        let nothing = MemberCommitments {
            member: member(seat),
            ..foreign
        };
        let own = self.ours(which, (attempt, seat)).unwrap_or(nothing);
        let sibling = self.ours(which, (attempt, 3 - seat));
        // The package that the sibling has signed already, if it has.
        let mut known = self.signed.iter().filter(|s| s.attempt == attempt);
        let fits = known.find(|s| s.package.commitments.contains(&own));
        if let (Package::Siblings, Some(signed)) = (package, fits) {
            return (signed.package.clone(), true);
        }
        let mut both = match package {
            Package::Siblings => vec![own, sibling.unwrap_or(foreign)],
            Package::Foreign | Package::OtherMessage => vec![own, foreign],
            Package::Replaced => vec![nothing, foreign],
            Package::Short => vec![own],
        };
        both.sort_by_key(|entry| entry.member);
        let mut made = self.sessions[attempt.session].package(both);
        if package == Package::OtherMessage {
            made.message.0[0] ^= 1;
        }
        let good = !matches!(package, Package::Short | Package::OtherMessage);
        (made, good)
    }

    /// Whether a share is on its way from here on.
    fn stage(
        &mut self,
        which: usize,
        step: &Step,
        (attempt, seat): (Attempt, Seat),
        package: Package,
    ) -> bool {
        if self.bodies[which].leaving.is_some() {
            return false;
        }
        let (package, good) = self.package(which, (attempt, seat), package);
        let key = self.key(attempt, seat);
        let chosen: Vec<(Seat, [u8; 66])> = package
            .commitments
            .iter()
            .map(|entry| (entry.member.number(), bytes(entry)))
            .collect();
        let (now, body) = (self.now, &mut self.bodies[which]);
        let request = hardfrost_engine::Round2 {
            key,
            package: package.clone(),
        };
        let staged = body.engine.round2(at(now), request);
        let expected = body.reference.round2(now, (attempt, seat), &chosen, good);
        let own = chosen.iter().find(|(chosen, _)| *chosen == seat);
        let drawn = own.map_or([0; 66], |(_, drawn)| *drawn);
        let done = staged.map(|staged| {
            body.leaving = Some(Leaving {
                staged,
                attempt,
                seat,
                drawn,
                package,
            });
        });
        self.same(step, done, expected).is_some()
    }

    fn settle(&mut self, which: usize, step: &Step, fate: Fate) {
        let body = &mut self.bodies[which];
        let Some(leaving) = body.leaving.take() else {
            return;
        };
        let Leaving {
            staged,
            attempt,
            seat,
            ..
        } = leaving;
        match fate {
            Fate::Later => {
                body.leaving = Some(Leaving { staged, ..leaving });
            }
            Fate::Written => {
                let committed = durable(staged, &mut body.log);
                let released = body.engine.release(committed);
                let expected = body.reference.released(attempt, seat);
                let shown = released.as_ref().ok().copied();
                self.same(step, released.map(drop), expected);
                if let Some(share) = shown {
                    self.share(attempt, seat, (leaving.drawn, leaving.package), share);
                }
            }
            Fate::WrittenThenCrash => {
                drop(durable(staged, &mut body.log));
                let _ = body.reference.released(attempt, seat);
                self.restart(which);
            }
            Fate::NotWritten => {
                body.engine.withdraw(failed(staged, LogError::NotWritten));
                body.reference.given_back(attempt, seat);
            }
            Fate::Unknown => {
                body.engine.withdraw(failed(staged, LogError::Unknown));
                body.reference.fault();
            }
            Fate::Dropped => {
                drop(staged);
                // Seen at the next call that sweeps.
                let nobody = self.abort_request(attempt.session, None, Some(9));
                let body = &mut self.bodies[which];
                let _ = body.engine.abort(at(self.now), &nobody);
                if !body.reference.faulted {
                    body.reference.dropped(attempt, seat);
                    let _ = body.reference.begin(self.now);
                }
            }
        }
    }

    /// A share has left: it is the only one for its commitments, in all processes.
    fn share(
        &mut self,
        attempt: Attempt,
        seat: Seat,
        (drawn, package): ([u8; 66], SigningPackage),
        share: SignatureShare,
    ) {
        assert!(
            self.drawn.contains(&drawn),
            "a share for what was never drawn"
        );
        assert!(self.shown.insert(drawn), "two shares under one nonce pair");
        let known = self.signed.iter_mut();
        let mut same = known.filter(|s| s.attempt == attempt && s.package == package);
        if let Some(signed) = same.next() {
            signed.shares.insert(member(seat), share);
            return;
        }
        self.signed.push(Signed {
            attempt,
            package,
            shares: [(member(seat), share)].into(),
        });
    }

    fn abort_request(
        &self,
        session: SessionNo,
        attempt: Option<Attempt>,
        seat: Option<Seat>,
    ) -> Abort {
        Abort {
            key_group: self.sessions[session].public.key_group().clone(),
            session: self.sessions[session].session.clone(),
            attempt: attempt.map(|attempt| self.key(attempt, 1).attempt),
            member: seat.map(member),
        }
    }

    fn abort(&mut self, which: usize, step: &Step, attempt: (Attempt, bool), seat: Option<Seat>) {
        let (attempt, one) = attempt;
        let named = one.then_some(attempt);
        let request = self.abort_request(attempt.session, named, seat);
        let (now, body) = (self.now, &mut self.bodies[which]);
        let ended = body.engine.abort(at(now), &request);
        let expected = body.reference.abort(now, attempt.session, named, seat);
        self.same(step, ended, expected);
    }

    /// Somebody's two good shares are handed in, for their own attempt or under another number.
    fn aggregate(&mut self, which: usize, step: &Step, choice: usize, number: Option<u32>) {
        let whole: Vec<&Signed> = self.signed.iter().filter(|s| s.shares.len() == 2).collect();
        // The newest more often than not.
        let place = (whole.len()).saturating_sub(1).min(choice);
        let Some(signed) = whole.get(place) else {
            return;
        };
        let attempt = Attempt {
            number: number.unwrap_or(signed.attempt.number),
            ..signed.attempt
        };
        let request = hardfrost_engine::Aggregate {
            key: self.key(attempt, 1),
            package: signed.package.clone(),
            shares: signed.shares.clone(),
        };
        let points: Vec<[u8; 66]> = signed.package.commitments.iter().map(bytes).collect();
        let body = &mut self.bodies[which];
        let done = body.engine.aggregate(request).and_then(|job| job.run());
        let done = done.and_then(|done| body.engine.complete(done));
        let signature = done.map(|staged| {
            let committed = durable(staged, &mut body.log);
            body.engine.release_signature(committed).unwrap()
        });
        let expected = body.reference.aggregate(attempt, &points);
        let signing = &self.sessions[attempt.session];
        let good = signature.as_ref().is_ok_and(|s| signing.is_signed_by(s));
        assert_eq!(good, signature.is_ok(), "{step:?}");
        self.same(step, signature.map(drop), expected);
    }

    /// The process dies, and what was on its way with it.
    fn restart(&mut self, which: usize) {
        let body = &mut self.bodies[which];
        let (log, facts) = (copy(&mut body.log), body.reference.facts.clone());
        self.bodies[which] = self.body(log, facts);
    }

    /// Another process begins with the same log.
    fn duplicate(&mut self, which: usize) {
        let body = &mut self.bodies[which];
        let (log, facts) = (copy(&mut body.log), body.reference.facts.clone());
        let body = self.body(log, facts);
        if self.bodies.len() < BODIES {
            self.bodies.push(body);
        } else {
            let place = (which + 1) % BODIES;
            self.bodies[place] = body;
        }
    }

    fn compact(&mut self, which: usize, step: &Step) {
        let (now, body) = (self.now, &mut self.bodies[which]);
        let snapshot = body.engine.snapshot(at(now));
        if body.reference.faulted {
            assert_eq!(code(snapshot), Some(Code::StorageFault), "{step:?}");
        } else if body.leaving.is_some() {
            assert_eq!(code(snapshot), Some(Code::CapacityExceeded), "{step:?}");
        } else if let Ok(records) = snapshot {
            body.log = MemoryLog::default();
            body.log.append_durably(&records).unwrap();
        }
    }
}

fn failed<T>(staged: Staged<T>, error: LogError) -> hardfrost_engine::Uncommitted<T> {
    let mut log = Scripted::failing(error);
    Staged::commit_all(vec![staged], &mut log).err().unwrap()
}

fn request(public: &hardfrost_frost::GroupPublic, session: SessionNo) -> hardfrost_engine::Approve {
    let artifact = Artifact::Tagged {
        tag: RAW_TAG.to_owned(),
        data: session.to_be_bytes().to_vec(),
        key_spec: KeySpec::group_key(),
    };
    let life = Duration::from_secs(APPROVAL_SECONDS);
    hardfrost_engine::Approve {
        life,
        ..approve(public, artifact)
    }
}
