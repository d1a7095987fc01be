//! p09: what an operator has stopped outlives the store in which it was recorded.

use std::collections::BTreeSet;
use std::sync::Arc;

use hardfrost_engine::{
    EmergencyRekey, Engine, Log, MemoryLog, Quarantine, Reason, Rejection, Reply, Unquarantine,
};
use hardfrost_frost::GroupPublic;
use hardfrost_primitives::{Hash32, KeyGroup, Limits, Member, SessionId, UnixTime};
use hardfrost_seat::{Event, Input, Output, Request, Stop};
use hardfrost_wire::{
    standing_head, Frame, FromPeer, Head, Incarnation, Kind, OperatorIndex, StandingPayload,
    StandingPullPayload, Subject,
};

use crate::world::{key, member, Letter, Spend, World};

fn reason(text: &str) -> Reason {
    Reason::new(text).unwrap()
}

fn kill(group: &GroupPublic, session: Option<SessionId>) -> Request {
    Request::Stop(Stop::Key(EmergencyRekey {
        key_group: group.key_group().clone(),
        session,
        reason: reason("the laptop was stolen"),
    }))
}

fn keep_out(group: &GroupPublic, whom: u16) -> Request {
    Request::Stop(Stop::Member(Quarantine {
        key_group: group.key_group().clone(),
        member: member(whom),
        reason: reason("his machine behaves strangely"),
    }))
}

fn pardon(group: &GroupPublic, whom: u16) -> Request {
    Request::Stop(Stop::Pardon(Unquarantine {
        key_group: group.key_group().clone(),
        member: member(whom),
    }))
}

impl World {
    /// What the node's log holds now.
    fn backup(&mut self, index: usize) -> MemoryLog {
        let records = self.hosts[index].log.replay().unwrap();
        let mut copy = MemoryLog::default();
        copy.append_durably(&records).unwrap();
        copy
    }

    /// The node comes back with that, and every peer can be reached.
    fn restore(&mut self, index: usize, log: MemoryLog) {
        self.begin_again(index, log);
        self.meet(index);
        self.run();
    }

    fn begin_again(&mut self, index: usize, log: MemoryLog) {
        let host = usize::from(self.nodes[index].host.0);
        self.hosts[host].log = log;
        let records = self.hosts[host].log.replay().unwrap();
        let recovered = Engine::recover(Limits::default(), BTreeSet::new(), &records);
        self.hosts[host].engine = recovered.unwrap();
        let (mut seat, resumed) = self.resumed(index, Arc::clone(&self.roster));
        assert!(resumed.iter().all(Result::is_ok));
        for word in self.hosts[host].engine.operator_words() {
            seat.resume_word(&word);
        }
        self.nodes[index].seat = seat;
        self.nodes[index].events.clear();
    }

    /// The node and its peers can reach each other.
    fn meet(&mut self, index: usize) {
        let us = self.nodes[index].host;
        for peer in (0..self.nodes.len()).filter(|peer| *peer != index) {
            let host = self.nodes[peer].host;
            self.turn(index, Input::Connected(host));
            self.turn(peer, Input::Connected(us));
        }
    }

    fn is_stopped(&self, index: usize) -> bool {
        let keys = self.hosts[index].engine.status().keys;
        keys[0].rekeyed.is_some()
    }

    fn kept_out(&self, index: usize) -> Vec<Member> {
        let keys = self.hosts[index].engine.status().keys;
        keys[0].quarantined.iter().copied().collect()
    }

    fn recalled(&self, index: usize) -> usize {
        let events = self.nodes[index].events.iter();
        events.filter(|e| matches!(e, Event::Recalled(_))).count()
    }

    fn later(&mut self, seconds: u64) {
        self.wait(std::time::Duration::from_secs(seconds));
        self.run();
    }
}

fn word(author: u16, group: &KeyGroup, payload: &StandingPayload) -> Vec<u8> {
    let head = Head {
        context: standing_head(group),
        author: member(author),
    };
    let frame = Frame::sign(head, payload, &key(member(author)));
    frame.as_bytes().to_vec()
}

#[test]
fn p09_a_kill_switch_erased_by_restoring_comes_back_from_peers() {
    let (mut world, group) = World::with_key(3, 2, 1);
    let before = world.backup(0);
    world.ask(0, &kill(&group, None));
    assert!(world.is_stopped(0));
    world.run();
    world.restore(0, before);
    assert!(world.is_stopped(0));
    assert_eq!(world.recalled(0), 1);
    // It is in the log again, and the node takes no part.
    let again = world.backup(0);
    world.lose_letters();
    world.restore(0, again);
    assert_eq!((world.is_stopped(0), world.recalled(0)), (true, 0));
    let spend = Spend::new(&group);
    world.ask_all(&spend.request(&group, "one"));
    world.run();
    let events = &world.nodes[0].events;
    assert!(
        events.iter().any(|event| matches!(
            event,
            Event::Refused(Rejection::Lifecycle(_)) | Event::Ended(_)
        )),
        "{events:?}"
    );
    // The others go on without it: a word binds its author alone.
    assert!(!world.is_stopped(1) && !world.is_stopped(2));
    world.assert_signed(1, &spend);
    world.assert_signed(2, &spend);
}

#[test]
fn p09_a_stopped_session_and_a_quarantine_come_back_too() {
    let (mut world, group) = World::with_key(3, 2, 2);
    let spend = Spend::new(&group);
    let before = world.backup(0);
    let session = spend.session(&group, "one");
    world.ask(0, &kill(&group, Some(session.clone())));
    world.ask(0, &keep_out(&group, 3));
    world.run();
    world.restore(0, before);
    assert_eq!(world.recalled(0), 2);
    assert_eq!(world.kept_out(0), [member(3)]);
    let keys = world.hosts[0].engine.status().keys;
    assert_eq!(keys[0].rekeyed_sessions, [session]);
    assert!(!world.is_stopped(0));
}

/// Peers restart too: they ask each other, and whoever has said something says it again.
#[test]
fn p09_peers_hand_on_what_they_kept() {
    let (mut world, group) = World::with_key(3, 2, 3);
    let before = world.backup(0);
    // Node 3 hears nothing of it, and node 2 is alone with it.
    world.deaf.insert(2);
    world.ask(0, &kill(&group, None));
    world.run();
    world.deaf.clear();
    world.deaf.insert(0);
    let log = world.backup(2);
    world.restore(2, log);
    let log = world.backup(1);
    // Now node 2 forgets, and asks node 3.
    world.restore(1, log);
    world.deaf.clear();
    world.deaf.insert(2);
    world.later(2);
    world.restore(0, before);
    assert!(world.is_stopped(0));
}

#[test]
fn p09_a_peers_claim_does_nothing() {
    let (mut world, group) = World::with_key(3, 2, 4);
    let stop = |subject| StandingPayload {
        subject,
        at: world.now.utc,
        stopped: Some("because I say so".to_owned()),
    };
    let (all, one) = (stop(Subject::Group), stop(Subject::Member(member(1))));
    let name = group.key_group();
    for payload in [&all, &one] {
        let said = word(2, name, payload);
        world.hand_from(1, 0, &said);
        // In our name, with his key.
        let head = Head {
            context: standing_head(name),
            author: member(1),
        };
        let forged = Frame::sign(head, payload, &key(member(2)));
        let noise = world.nodes[0].seat.noise();
        world.hand_from(1, 0, forged.as_bytes());
        assert_eq!(world.nodes[0].seat.noise(), noise + 1);
    }
    assert!(!world.is_stopped(0));
    assert_eq!(world.kept_out(0), []);
    assert_eq!(world.recalled(0), 0);
    assert!(world.letters.is_empty());
    // Ours of another group does nothing to this one.
    let (_, other) = World::with_key(3, 2, 5);
    let elsewhere = word(1, other.key_group(), &all);
    world.hand_from(1, 0, &elsewhere);
    assert!(!world.is_stopped(0));
    // And ours of this one does.
    let ours = word(1, name, &all);
    world.hand_from(1, 0, &ours);
    assert!(world.is_stopped(0));
}

/// A pardon that comes back lets nobody in: it only keeps the older word from coming back.
#[test]
fn p09_what_comes_back_stops_and_never_lets_in() {
    let (mut world, group) = World::with_key(3, 2, 6);
    let before = world.backup(0);
    world.ask(0, &keep_out(&group, 3));
    let between = world.backup(0);
    let old = world.sent.last().unwrap().clone();
    world.run();
    world.later(10);
    world.ask(0, &pardon(&group, 3));
    world.run();
    assert_eq!(world.kept_out(0), []);
    let after = world.backup(0);
    // From before both: the pardon came last, so nobody is kept out, also when the old word is shown again.
    world.restore(0, before);
    assert_eq!(world.kept_out(0), []);
    world.hand_from(1, 0, &old);
    assert_eq!(world.kept_out(0), []);
    // From between: the operator must pardon once more.
    world.later(10);
    world.restore(0, between);
    assert_eq!(world.kept_out(0), [member(3)]);
    // From after both, into a world that remembers the first only.
    world.later(10);
    for peer in [1, 2] {
        let log = world.backup(peer);
        world.deaf.insert(0);
        world.restore(peer, log);
        world.deaf.clear();
    }
    world.lose_letters();
    world.restore(0, after);
    world.hand_from(1, 0, &old);
    assert_eq!(world.kept_out(0), []);
}

/// What our log does not take now it is asked to take again.
#[test]
fn p09_a_word_that_the_log_did_not_take_is_not_lost() {
    let (mut world, group) = World::with_key(3, 2, 7);
    let foreign = StandingPayload {
        subject: Subject::Member(member(3)),
        at: world.now.utc,
        stopped: Some("out".to_owned()),
    };
    let bytes = word(1, group.key_group(), &foreign);
    let heard = || Input::Peer(FromPeer::authenticated(OperatorIndex(1), bytes.clone()));
    let (seat, now) = (&mut world.nodes[0].seat, world.now);
    let asked = seat.handle(now, heard());
    let [Output::Engine(ticket, _)] = asked[..] else {
        panic!("{asked:?}");
    };
    let refused = Reply::Rejected(Rejection::Internal);
    let told = seat.handle(now, Input::Engine(ticket, refused));
    assert!(matches!(told[..], [Output::Event(Event::Refused(_))]));
    assert!(seat.handle(now, heard()).is_empty());
    assert_eq!(world.kept_out(0), []);
    world.run_for(std::time::Duration::from_secs(2));
    assert_eq!(world.kept_out(0), [member(3)]);
}

/// Whatever an author says, what is kept of it and what is answered is bounded.
#[test]
fn p09_words_are_bounded() {
    let (mut world, group) = World::with_key(3, 2, 8);
    let name = group.key_group();
    let at = |seconds| world.now.utc.plus(std::time::Duration::from_secs(seconds));
    let mut words = Vec::new();
    for number in 0..400u64 {
        let session = SessionId::new(&format!("session-{number}")).unwrap();
        words.push((Subject::Session(session), at(number)));
        let stranger = member(u16::try_from(number + 4).unwrap());
        words.push((Subject::Member(stranger), at(number)));
    }
    for (subject, at) in words {
        let stopped = Some("flood".to_owned());
        let payload = StandingPayload {
            subject,
            at,
            stopped,
        };
        let bytes = word(2, name, &payload);
        world.hand_from(1, 0, &bytes);
    }
    let question = StandingPullPayload {
        incarnation: Incarnation([1; 16]),
        known: Hash32([0; 32]),
    };
    let head = Head {
        context: standing_head(name),
        author: member(2),
    };
    let question = Frame::sign(head, &question, &key(member(2)));
    let mut answers = Vec::new();
    for _ in 0..3 {
        world.hand_from(1, 0, question.as_bytes());
        answers.push(std::mem::take(&mut world.letters));
    }
    assert_eq!(
        answers.iter().map(Vec::len).collect::<Vec<_>>(),
        [256, 0, 0]
    );
    let told = &answers[0];
    assert!(told.iter().all(|letter| letter.to == 1
        && letter.from == OperatorIndex(0)
        && letter.bytes[0] == Kind::Standing.number()));
    // The newest are kept.
    let newest = told.iter().filter(|letter| {
        let text = String::from_utf8_lossy(&letter.bytes);
        text.contains("session-399") || text.contains("session-144")
    });
    assert_eq!(newest.count(), 2);
}

/// A node of two groups asks for its words on both.
#[test]
fn p09_words_on_every_group_come_back() {
    let (world, first) = World::with_key(3, 2, 9);
    let (mut world, second) = another_key(world);
    let before = world.backup(0);
    world.ask(0, &kill(&first, None));
    world.ask(0, &kill(&second, None));
    world.run();
    world.restore(0, before);
    let keys = world.hosts[0].engine.status().keys;
    assert_eq!(keys.iter().filter(|key| key.rekeyed.is_some()).count(), 2);
}

fn another_key(mut world: World) -> (World, Arc<GroupPublic>) {
    let mut proposal = world.proposal(2);
    proposal.salt = [4; 32];
    world.ask_all(&Request::MakeKey(proposal));
    world.run();
    let key = world.key();
    (world, key)
}

/// The first questions and answers are all lost; they are asked again, and an old question repeated by a peer changes
/// nothing.
#[test]
fn p09_a_lost_answer_is_asked_for_again() {
    let (mut world, group) = World::with_key(3, 2, 10);
    let before = world.backup(0);
    world.ask(0, &kill(&group, None));
    world.run();
    world.begin_again(0, before);
    world.meet(0);
    let asked = |letter: &&Letter| letter.bytes[0] == Kind::StandingPull.number();
    let question = world.letters.iter().find(asked).unwrap().bytes.clone();
    world.lose_letters();
    // Node 3 shows node 2 the question that it has kept.
    world.hand_from(2, 1, &question);
    assert!(!world.letters.is_empty());
    world.lose_letters();
    // That uses up nothing of what its author is answered.
    world.hand_from(0, 1, &question);
    assert!(world.letters.iter().all(|letter| letter.to == 0));
    assert!(!world.letters.is_empty());
    world.lose_letters();
    assert!(!world.is_stopped(0));
    world.deaf.insert(2);
    world.run_for(std::time::Duration::from_millis(1500));
    assert!(world.is_stopped(0));
}

/// After the last answer nobody asks for ever, and whoever lacks nothing is not answered.
#[test]
fn p09_questions_end() {
    let (mut world, group) = World::with_key(3, 2, 11);
    world.ask(0, &kill(&group, None));
    world.run();
    let log = world.backup(0);
    world.restore(0, log);
    world.sent.clear();
    world.run_for(std::time::Duration::from_secs(3600));
    let questions = world.sent.len();
    assert!((1..=15).contains(&questions), "{questions}");
    let all = world.sent.iter();
    assert!(all
        .into_iter()
        .all(|bytes| bytes[0] == Kind::StandingPull.number()));
}

/// A word said while the clock was ahead is no later than what is said after it was set right.
#[test]
fn p09_a_clock_that_was_ahead_does_not_hide_a_later_word() {
    let (mut world, group) = World::with_key(3, 2, 12);
    let before = world.backup(0);
    let right = world.now.utc;
    world.now.utc = UnixTime(right.0 + 100_000_000);
    world.ask(0, &keep_out(&group, 3));
    world.now.utc = UnixTime(right.0 + 100_000_009);
    world.ask(0, &pardon(&group, 3));
    world.run();
    world.now.utc = right;
    world.ask(0, &keep_out(&group, 3));
    world.run();
    world.restore(0, before);
    assert_eq!(world.kept_out(0), [member(3)]);
}

/// Two seats of one operator speak with one voice: the pardon that one of them says is the other's too.
#[test]
fn p09_an_operator_with_two_seats_has_one_word() {
    let (mut world, group) = World::of_operators(&[2, 1, 1], 13).make_key(2);
    let before = world.backup(0);
    world.ask(1, &keep_out(&group, 4));
    world.run();
    let between = world.backup(0);
    world.later(5);
    world.ask(0, &pardon(&group, 4));
    world.run();
    let after = world.backup(0);
    // Both seats come back, and only the peers remember.
    for (log, out) in [
        (before, vec![]),
        (after, vec![]),
        (between, vec![member(4)]),
    ] {
        world.begin_again(0, log);
        let copy = world.backup(0);
        world.begin_again(1, copy);
        world.meet(0);
        world.meet(1);
        world.run();
        assert_eq!(world.recalled(0) + world.recalled(1), 0);
        assert_eq!(world.kept_out(0), out);
        world.later(2);
    }
}

/// A quarantine said twice is recorded once; at a restart nothing has come back that was not there.
#[test]
fn p09_a_repeated_word_is_no_alarm_at_a_restart() {
    let (mut world, group) = World::with_key(3, 2, 14);
    world.ask(0, &keep_out(&group, 3));
    world.run();
    world.later(5);
    world.ask(0, &keep_out(&group, 3));
    world.run();
    let log = world.backup(0);
    world.restore(0, log);
    assert_eq!((world.kept_out(0), world.recalled(0)), (vec![member(3)], 0));
}
