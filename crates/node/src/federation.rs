//! The operators of one roster, as one node sees them: its own seats, the way to the others, and what each may hand
//! over.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hardfrost_net::{Arrival, Class, PeerIndex, PeerStatus, Transport};
use hardfrost_primitives::{Monotonic, Now};
use hardfrost_seat::{Input, Output, Seat, SeatTerms};
use hardfrost_wire::{FromPeer, Incarnation, Kind, OperatorIndex, Roster};

use crate::draw::random;
use crate::home::Keys;
use crate::quota::Quota;

/// What one seat is to read.
pub struct Mail {
    /// Which of the node's own seats.
    pub seat: usize,
    /// What.
    pub input: Input,
}

/// A roster's operators.
pub struct Federation {
    roster: Arc<Roster>,
    me: OperatorIndex,
    seats: Vec<Seat>,
    transport: Box<dyn Transport>,
    /// By who hands over, and for whom if not for itself: nobody is charged with what others had it hand on.
    quotas: BTreeMap<(PeerIndex, Option<PeerIndex>), Quota>,
    round_trips: BTreeMap<PeerIndex, Duration>,
    told_round_trip: Duration,
}

impl Federation {
    /// The node's own seats, each as a new incarnation, with this way to the others.
    ///
    /// # Errors
    /// None, but for an operator that has no seat: then there are none here.
    #[must_use]
    pub fn new(roster: &Arc<Roster>, keys: &Keys, transport: Box<dyn Transport>) -> Self {
        let own = keys.operator().public();
        let operators = (0u16..).zip(roster.operators());
        let mut ours = operators.filter(|(_, operator)| operator.key == own);
        let (me, operator) = ours.next().unzip();
        let members = operator.iter().flat_map(|operator| &operator.seats);
        let seat = |member: &_| {
            Seat::new(SeatTerms {
                member: *member,
                key: keys.operator(),
                incarnation: Incarnation(random()),
                roster: Arc::clone(roster),
            })
        };
        Self {
            me: OperatorIndex(me.unwrap_or(u16::MAX)),
            seats: members.map(seat).collect(),
            roster: Arc::clone(roster),
            transport,
            quotas: BTreeMap::new(),
            round_trips: BTreeMap::new(),
            told_round_trip: Duration::ZERO,
        }
    }

    /// Its seats begin anew, as other incarnations: the engine was started again.
    #[must_use]
    pub fn reborn(self, keys: &Keys) -> Self {
        let again = Self::new(&self.roster, keys, self.transport);
        Self {
            round_trips: self.round_trips,
            ..again
        }
    }

    /// Who the operators are.
    #[must_use]
    pub fn roster(&self) -> &Arc<Roster> {
        &self.roster
    }

    /// The node's own seats.
    #[must_use]
    pub fn seats(&self) -> &[Seat] {
        &self.seats
    }

    /// The same, to feed.
    pub fn seats_mut(&mut self) -> &mut [Seat] {
        &mut self.seats
    }

    /// The others, as the transport sees them.
    #[must_use]
    pub fn peers(&self) -> Vec<PeerStatus> {
        self.transport.peers()
    }

    /// Frames of this peer that were over its quota.
    #[must_use]
    pub fn over_quota(&self, peer: PeerIndex) -> u64 {
        let of_peer = self.quotas.iter().filter(|((by, _), _)| *by == peer);
        of_peer.map(|(_, quota)| quota.refused()).sum()
    }

    /// Whether something has come.
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.transport.poll_ready(cx)
    }

    /// Those who can be reached now, as if each had just been: for seats that were not there when it happened.
    #[must_use]
    pub fn reached(&self) -> Vec<Mail> {
        let peers = self.transport.peers();
        let reached = peers.iter().filter(|peer| is_reached(peer));
        let met = reached.map(|status| operator(status.peer));
        met.flat_map(|peer| self.to_all(|| Input::Connected(peer)))
            .collect()
    }

    /// What has come, within the quotas.
    pub fn receive(&mut self, now: Now, limit: usize) -> Vec<Mail> {
        let mut mail = Vec::new();
        for arrival in self.transport.receive(limit) {
            match arrival {
                Arrival::Frame {
                    peer,
                    relayed_for,
                    bytes,
                } => {
                    let within = self.admits(now, (peer, relayed_for), &bytes);
                    let (by, author) = (operator(peer), relayed_for.map(operator));
                    let frame = match author {
                        None => FromPeer::authenticated(by, bytes),
                        Some(author) => FromPeer::relayed(by, author, bytes),
                    };
                    if within {
                        mail.extend(self.to_all(|| Input::Peer(frame.clone())));
                    }
                }
                Arrival::Reached(peer) => {
                    mail.extend(self.to_all(|| Input::Connected(operator(peer))));
                }
                Arrival::Lost(peer) => {
                    self.round_trips.remove(&peer);
                }
                Arrival::RoundTrip(peer, took) => {
                    self.round_trips.insert(peer, took);
                    mail.extend(self.round_trip());
                }
            }
        }
        mail
    }

    fn admits(&mut self, now: Now, account: (PeerIndex, Option<PeerIndex>), frame: &[u8]) -> bool {
        let members = self.roster.count();
        let quota = self.quotas.entry(account);
        let quota = quota.or_insert_with(|| Quota::of_group(members));
        quota.admits(now.mono, frame)
    }

    /// The seats are told the t-th smallest round trip, ourselves counted as the first, when it has become another by
    /// more than a tenth. With t honest members, of whom we are one, no other can raise it.
    fn round_trip(&mut self) -> Vec<Mail> {
        let threshold = self.seats.first().map_or(0, |seat| seat.sizes().threshold);
        let mut all: Vec<Duration> = self.round_trips.values().copied().collect();
        all.sort_unstable();
        let place = usize::from(threshold).saturating_sub(2);
        let Some(found) = all.get(place).or(all.last()).copied() else {
            return Vec::new();
        };
        if found.abs_diff(self.told_round_trip) * 10 <= self.told_round_trip {
            return Vec::new();
        }
        self.told_round_trip = found;
        self.to_all(|| Input::RoundTrip(found))
    }

    fn to_all(&self, input: impl Fn() -> Input) -> Vec<Mail> {
        let seats = 0..self.seats.len();
        let mail = seats.map(|seat| Mail {
            seat,
            input: input(),
        });
        mail.collect()
    }

    /// An operator's order goes to all seats of the node.
    #[must_use]
    pub fn ordered(&self, order: &hardfrost_seat::Request) -> Vec<Mail> {
        self.to_all(|| Input::Local(order.clone()))
    }

    /// Sends what a seat wants sent; what is for the node's other seats comes back.
    pub fn deliver(&mut self, from: usize, output: &Output, inbox: &mut VecDeque<Mail>) {
        match output {
            Output::Send(bytes) => {
                let bytes: Arc<[u8]> = bytes.as_slice().into();
                let operators = 0..u16::try_from(self.roster.operators().len()).unwrap_or(0);
                for peer in operators.filter(|peer| *peer != self.me.0) {
                    self.transport.send(PeerIndex(peer), &bytes, class(&bytes));
                }
                self.hand_over(from, &bytes, inbox);
            }
            Output::SendTo(peer, bytes) if *peer == self.me => {
                self.hand_over(from, bytes, inbox);
            }
            Output::SendTo(peer, bytes) => {
                let bytes: Arc<[u8]> = bytes.as_slice().into();
                let class = class(&bytes);
                self.transport.send(PeerIndex(peer.0), &bytes, class);
            }
            Output::Engine(..) | Output::Event(_) => {}
        }
    }

    fn hand_over(&self, from: usize, bytes: &[u8], inbox: &mut VecDeque<Mail>) {
        let others = (0..self.seats.len()).filter(|seat| *seat != from);
        inbox.extend(others.map(|seat| Mail {
            seat,
            input: Input::Peer(FromPeer::authenticated(self.me, bytes.to_vec())),
        }));
    }

    /// The seats whose timer has come.
    #[must_use]
    pub fn due(&self, now: Monotonic) -> Vec<Mail> {
        let seats = self.seats.iter().enumerate();
        let due = seats.filter(|(_, seat)| seat.poll_timeout().is_some_and(|at| at <= now));
        due.map(|(seat, _)| Mail {
            seat,
            input: Input::Timeout,
        })
        .collect()
    }

    /// The next timer.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Monotonic> {
        self.seats.iter().filter_map(Seat::poll_timeout).min()
    }

    /// Members that are here or can be reached.
    #[must_use]
    pub fn reachable(&self) -> usize {
        let peers = self.transport.peers();
        let reached = peers.iter().filter(|peer| is_reached(peer));
        let operators = self.roster.operators();
        let seats = reached.filter_map(|peer| operators.get(usize::from(peer.peer.0)));
        let others: usize = seats.map(|operator| operator.seats.len()).sum();
        others + self.seats.len()
    }
}

fn is_reached(peer: &PeerStatus) -> bool {
    use hardfrost_net::Link;
    match peer.link {
        Link::Direct { .. } | Link::Relayed(_) => true,
        Link::None { .. } => false,
    }
}

fn operator(peer: PeerIndex) -> OperatorIndex {
    OperatorIndex(peer.0)
}

/// An offer is made once and is not in the answer to a pull; everything else is asked for again, or said again.
fn class(bytes: &[u8]) -> Class {
    let kind = bytes.first().copied().and_then(Kind::from_number);
    match kind {
        Some(Kind::Offer) => Class::Once,
        Some(
            Kind::Commitments
            | Kind::Package
            | Kind::Share
            | Kind::Advance
            | Kind::Evidence
            | Kind::Signature
            | Kind::Pull
            | Kind::DkgRound1
            | Kind::DkgEcho
            | Kind::DkgRound2
            | Kind::DkgConfirm
            | Kind::DkgPull
            | Kind::Standing
            | Kind::StandingPull,
        )
        | None => Class::Repairable,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use hardfrost_dkg::{CeremonyKind, Descriptor};
    use hardfrost_primitives::{Member, Suite, UnixTime};
    use hardfrost_seat::Request;
    use hardfrost_wire::{Operator, OperatorKey};

    use super::*;

    /// What came, in its order.
    struct Came(VecDeque<Arrival>);

    impl Transport for Came {
        fn send(&mut self, _: PeerIndex, _: &Arc<[u8]>, _: Class) {}

        fn receive(&mut self, limit: usize) -> Vec<Arrival> {
            let count = limit.min(self.0.len());
            self.0.drain(..count).collect()
        }

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<()> {
            Poll::Pending
        }

        fn peers(&self) -> Vec<PeerStatus> {
            Vec::new()
        }
    }

    fn operators(keys: &Keys) -> Arc<Roster> {
        let other = |secret: u8| OperatorKey::new(&[secret; 32], [0; 32]).unwrap();
        let all = [keys.operator(), other(5), other(6)];
        let operator = |(key, seat): (&OperatorKey, u16)| Operator {
            name: format!("operator {seat}"),
            key: key.public(),
            seats: BTreeSet::from([Member::new(seat).unwrap()]),
        };
        let operators = all.iter().zip(1..).map(operator).collect();
        Arc::new(Roster::new(Suite::Bip445, operators).unwrap())
    }

    fn receive(came: Vec<Arrival>) -> Vec<Mail> {
        let keys = Keys::draw();
        let transport = Box::new(Came(came.into()));
        let mut federation = Federation::new(&operators(&keys), &keys, transport);
        let now = Now {
            mono: Monotonic::after_start(Duration::ZERO),
            utc: UnixTime(0),
        };
        federation.receive(now, usize::MAX)
    }

    fn frame(by: u16, relayed_for: Option<u16>) -> Arrival {
        let mut bytes = vec![2, 0, 0, 0, 34];
        bytes.extend([7; 34]);
        Arrival::Frame {
            peer: PeerIndex(by),
            relayed_for: relayed_for.map(PeerIndex),
            bytes,
        }
    }

    fn from_itself(mail: &Mail) -> bool {
        let own = (OperatorIndex(1), None);
        matches!(&mail.input, Input::Peer(frame) if frame.account() == own)
    }

    #[test]
    fn n03_what_somebody_has_a_member_hand_on_is_not_on_that_members_account() {
        let mut came = vec![frame(1, Some(2)); 10_000];
        came.push(frame(1, None));
        let mail = receive(came);
        assert!(mail.len() < 200, "{} of 10001 are read", mail.len());
        assert_eq!(mail.iter().filter(|mail| from_itself(mail)).count(), 1);
    }

    /// The longest wait that the seats are told, after they were ordered so.
    fn told(orders: &[Request], keys: &Keys) -> Option<Duration> {
        let measured =
            |peer, millis| Arrival::RoundTrip(PeerIndex(peer), Duration::from_millis(millis));
        let came = VecDeque::from([measured(1, 10), measured(2, 15_000)]);
        let mut federation = Federation::new(&operators(keys), keys, Box::new(Came(came)));
        let now = Now {
            mono: Monotonic::after_start(Duration::ZERO),
            utc: UnixTime(0),
        };
        for order in orders {
            federation.seats_mut()[0].handle(now, Input::Local(order.clone()));
        }
        let mail = federation.receive(now, usize::MAX);
        let told = mail.iter().filter_map(|mail| match mail.input {
            Input::RoundTrip(took) => Some(took),
            Input::Peer(_)
            | Input::Engine(..)
            | Input::Connected(_)
            | Input::Timeout
            | Input::Local(_) => None,
        });
        told.max()
    }

    #[test]
    fn a_faulty_member_alone_raises_nobodys_waits() {
        // Of two that must sign we are one, whom no network keeps waiting.
        assert_eq!(told(&[], &Keys::draw()), Some(Duration::from_millis(10)));
    }

    /// Sessions are of keys that there are: a key generation of all, even one that is over, changes no wait.
    #[test]
    fn a_key_generation_raises_nobodys_waits() {
        let keys = Keys::draw();
        let terms = Descriptor {
            kind: CeremonyKind::Generate,
            roster: operators(&keys).hash(),
            threshold: 3,
            count: 3,
            salt: [1; 32],
            deadline: UnixTime(600),
        };
        let cancel = Request::CancelKey(terms.id());
        let orders = [Request::MakeKey(terms), cancel];
        assert_eq!(told(&orders, &keys), Some(Duration::from_millis(10)));
    }
}
