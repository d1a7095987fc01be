//! Dials a member whenever there is no connection with it, for ever.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rand_core::{OsRng, RngCore};
use tokio::net::lookup_host;
use tokio::time::{sleep, timeout, Instant};

use crate::connection;
use crate::connection::Ready;
use crate::first::first_of;
use crate::handshake::{dial, HandshakeError};
use crate::limits::NetLimits;
use crate::network::Network;
use crate::peer::PeerIndex;

/// Waits that double, each shortened by up to a half at random, so that nodes that failed together do not try together.
struct BackOff {
    min: Duration,
    max: Duration,
    next: Duration,
}

impl BackOff {
    fn new(limits: &NetLimits) -> Self {
        Self {
            min: limits.back_off_min,
            max: limits.back_off_max,
            next: limits.back_off_min,
        }
    }

    fn reset(&mut self) {
        self.next = self.min;
    }

    fn wait(&mut self, random: u32) -> Duration {
        let whole = self.next.min(self.max);
        self.next = whole.saturating_mul(2);
        let part = f64::from(random) / f64::from(u32::MAX);
        whole.mul_f64(0.5 + part / 2.0)
    }
}

/// Never ends. A connection that it made runs inside.
///
/// The higher index gives way: it begins later, and stops trying as soon as the other has come. So two that start
/// together seldom make two connections, of which one would have to end with what was on it.
pub async fn keep_dialling(network: Arc<Network>, peer: PeerIndex) {
    let Some(listed) = network.terms.peers.get(peer.place()) else {
        return;
    };
    let limits = &network.own.limits;
    let mut back_off = BackOff::new(limits);
    let gives_way = network.terms.me > peer;
    if gives_way {
        sleep(back_off.wait(OsRng.next_u32())).await;
    }
    for tries in 0..usize::MAX {
        let Some(address) = turn(&listed.addresses, tries) else {
            return;
        };
        if until_linked(&network, peer, false).await > limits.keep_alive_interval {
            back_off.reset();
        }
        let dialling = try_once(&network, peer, address, tries / listed.addresses.len());
        let dialling = timeout(limits.handshake_timeout, dialling);
        let dialled = async { Some(dialling.await) };
        let came = async {
            if gives_way {
                until_linked(&network, peer, true).await;
            } else {
                pending::<()>().await;
            }
            None
        };
        let Some(dialled) = first_of(dialled, came).await else {
            continue;
        };
        match dialled {
            Ok(Ok(ready)) => {
                let began = Instant::now();
                connection::run(ready).await;
                if began.elapsed() > limits.keep_alive_interval {
                    back_off.reset();
                }
            }
            Ok(Err(error)) => fail(&network, peer, address, &error.to_string()),
            Err(_) => fail(&network, peer, address, "no answer in time"),
        }
        sleep(back_off.wait(OsRng.next_u32())).await;
    }
}

/// The one whose turn it is; none of none.
fn turn<T>(all: &[T], number: usize) -> Option<&T> {
    all.get(number.checked_rem(all.len())?)
}

fn fail(network: &Network, peer: PeerIndex, address: &str, why: &str) {
    network.members().failed(peer, format!("{address}: {why}"));
}

/// Waits until there is a connection, or none; how long it took.
async fn until_linked(network: &Network, peer: PeerIndex, wanted: bool) -> Duration {
    let began = Instant::now();
    let linked = {
        let members = network.members();
        members.peer(peer).map(|entry| entry.linked.subscribe())
    };
    if let Some(mut linked) = linked {
        // It fails only if the table is gone, and this task with it.
        let _ = linked.wait_for(|linked| *linked == wanted).await;
    }
    began.elapsed()
}

/// One of the places that the name stands for now, in each round another.
async fn try_once(
    network: &Arc<Network>,
    peer: PeerIndex,
    address: &str,
    round: usize,
) -> Result<Ready, HandshakeError> {
    let places: Vec<_> = lookup_host(address).await?.collect();
    let place = turn(&places, round);
    let listed = network.terms.peers.get(peer.place());
    let (Some(place), Some(listed)) = (place, listed) else {
        return Err(io::Error::other("the name stands for no address").into());
    };
    dial(network, peer, listed.transport, *place).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_their_limit_and_are_shortened_at_most_by_half() {
        let limits = NetLimits {
            back_off_min: Duration::from_secs(1),
            back_off_max: Duration::from_secs(5),
            ..NetLimits::default()
        };
        let mut back_off = BackOff::new(&limits);
        let mut next = |random| back_off.wait(random).as_secs_f64();
        let longest: Vec<f64> = (0..5).map(|_| next(u32::MAX)).collect();
        assert_eq!(longest, [1.0, 2.0, 4.0, 5.0, 5.0]);
        assert_eq!(next(0), 2.5);
        back_off.reset();
        assert_eq!(back_off.wait(0), Duration::from_millis(500));
    }
}
