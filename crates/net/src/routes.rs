//! Who is reached through whom, and when that changes.

use std::time::Duration;

use tokio::time::Instant;

use crate::members::{Members, Route, Trial};
use crate::peer::PeerIndex;

impl Members {
    /// Looks at every way again, and tells what changed.
    pub fn reroute_all(&mut self, now: Instant) {
        for peer in self.indices() {
            if peer != self.me {
                self.reroute(peer, now);
            }
        }
    }

    pub fn reroute(&mut self, peer: PeerIndex, now: Instant) {
        let Some(entry) = self.peer(peer) else {
            return;
        };
        let old = entry.route;
        let direct = entry.live.is_some();
        let new = match old {
            _ if direct => Route::Direct,
            Route::Via(relay) if self.carries(relay, peer) => old,
            Route::Direct | Route::Via(_) | Route::None => {
                let first = self.relays(peer).into_iter().next();
                first.map_or(Route::None, Route::Via)
            }
        };
        if new != old {
            self.go(peer, new, now);
            if new == Route::None {
                self.inbox.lost(peer);
            } else {
                self.inbox.reached(peer);
            }
        }
    }

    /// Whether `relay` is connected with us and says that it reaches `peer`.
    fn carries(&self, relay: PeerIndex, peer: PeerIndex) -> bool {
        let Some(entry) = self.peer(relay).filter(|entry| entry.live.is_some()) else {
            return false;
        };
        relay != peer && entry.reaches.get(peer.place()) == Some(&true)
    }

    /// Whoever could hand on to `peer`, the nearest first.
    fn relays(&self, peer: PeerIndex) -> Vec<PeerIndex> {
        let mut found: Vec<_> = self
            .indices()
            .filter(|relay| self.carries(*relay, peer))
            .map(|relay| (self.distance(relay), relay))
            .collect();
        found.sort_unstable();
        found.into_iter().map(|(_, relay)| relay).collect()
    }

    fn distance(&self, relay: PeerIndex) -> Duration {
        let live = self.peer(relay).and_then(|entry| entry.live.as_ref());
        let measured = live.and_then(|live| live.meter.round_trip);
        measured.unwrap_or(Duration::MAX)
    }

    fn go(&mut self, peer: PeerIndex, route: Route, now: Instant) {
        let Some(entry) = self.peer_mut(peer) else {
            return;
        };
        entry.route = route;
        entry.trial = Trial::new(now);
        if route == Route::None {
            entry.counts.dropped_unreachable += entry.queue.clear();
        }
        self.wake(peer);
    }

    /// Wakes the connection that carries what is for `peer`.
    pub fn wake(&self, peer: PeerIndex) {
        let through = match self.peer(peer).map(|entry| entry.route) {
            Some(Route::Direct) => peer,
            Some(Route::Via(relay)) => relay,
            Some(Route::None) | None => return,
        };
        if let Some(live) = self.peer(through).and_then(|entry| entry.live.as_ref()) {
            live.signals.wake.notify_one();
        }
    }

    /// Once in every keep-alive interval: speaks on each connection, ends the dead ones, and leaves relays that took
    /// something and brought nothing back.
    pub fn tick(&mut self, now: Instant) {
        for peer in self.indices() {
            if let Some(number) = self.silent(peer) {
                self.ended(peer, number, "silent for too long", now);
            }
            self.speak(peer, true);
            self.try_another_relay(peer, now);
        }
    }

    /// What every peer is to hear again.
    pub fn announce_to_all(&mut self) {
        for peer in self.indices() {
            self.speak(peer, false);
        }
    }

    fn speak(&mut self, peer: PeerIndex, ping: bool) {
        let live = self.peer_mut(peer).and_then(|entry| entry.live.as_mut());
        if let Some(live) = live {
            live.due.ping |= ping;
            live.due.reach = true;
            live.signals.wake.notify_one();
        }
    }

    /// The number of the peer's connection, if nothing came on it for too long. One that we do not read is not silent.
    /// Looks are counted, not time: a process that was stopped itself knows nothing of what came meanwhile.
    fn silent(&mut self, peer: PeerIndex) -> Option<u64> {
        let limits = &self.rules.limits;
        let (interval, timeout) = (limits.keep_alive_interval, limits.keep_alive_timeout);
        let live = self.peer_mut(peer)?.live.as_mut()?;
        let heard = std::mem::take(&mut live.heard) || live.blocked;
        live.quiet = if heard { 0 } else { live.quiet + 1 };
        (interval.saturating_mul(live.quiet) >= timeout).then_some(live.number)
    }

    fn try_another_relay(&mut self, peer: PeerIndex, now: Instant) {
        let rotation = self.rules.limits.relay_rotation;
        let Some(entry) = self.peer_mut(peer) else {
            return;
        };
        let Route::Via(relay) = entry.route else {
            return;
        };
        let trial = &mut entry.trial;
        let swallowed = trial.sent && !trial.heard;
        let long = now.saturating_duration_since(trial.since) > rotation;
        (trial.sent, trial.heard) = (false, false);
        if !swallowed && !long {
            return;
        }
        let relays = self.relays(peer);
        let place = relays.iter().position(|other| *other == relay);
        let after = place.map_or(0, |place| place + 1);
        let next = relays.get(after).or_else(|| relays.first());
        if let Some(next) = next.copied() {
            self.go(peer, Route::Via(next), now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::NetLimits;
    use crate::live::Met;
    use crate::members::Rules;

    #[test]
    fn a_peer_is_dead_after_silence_and_not_because_we_were_stopped() {
        let limits = NetLimits::default();
        let looks = limits.keep_alive_timeout.as_secs() / limits.keep_alive_interval.as_secs();
        let rules = Rules {
            limits,
            frame_bytes_max: 100,
        };
        let (peer, now) = (PeerIndex(1), Instant::now());
        let mut members = Members::new(PeerIndex(0), 2, rules, now);
        let met = Met {
            peer,
            address: ([127, 0, 0, 1], 1).into(),
            dialled_by_us: true,
            version: 1,
            build: String::new(),
        };
        let number = members.install(met, now).unwrap().number;
        let hours_later = now + Duration::from_secs(7200);
        members.tick(hours_later);
        for _ in 1..looks {
            members.tick(hours_later);
        }
        assert!(members.live(peer, number).is_some());
        members.heard(peer, number);
        for _ in 0..looks {
            members.tick(hours_later);
            assert!(members.live(peer, number).is_some());
        }
        members.tick(hours_later);
        assert!(members.live(peer, number).is_none());
    }
}
