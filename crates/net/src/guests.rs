//! Incoming handshakes under way: so many and no more, and no source takes the place of others.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::AbortHandle;

/// Where somebody comes from, for fairness: an IPv4 address, or the half of an IPv6 address that one is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Source([u8; 8]);

impl Source {
    fn of(address: SocketAddr) -> Self {
        match address.ip().to_canonical() {
            IpAddr::V4(ip) => {
                let [a, b, c, d] = ip.octets();
                // No network of IPv6 begins so.
                Self([0xff, 0xff, 0xff, 0xff, a, b, c, d])
            }
            IpAddr::V6(ip) => {
                let [a, b, c, d, e, f, g, h, ..] = ip.octets();
                Self([a, b, c, d, e, f, g, h])
            }
        }
    }
}

struct Guest {
    source: Source,
    task: AbortHandle,
}

/// The table of handshakes, oldest first.
#[derive(Default)]
pub struct Guests {
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    next: u64,
    guests: BTreeMap<u64, Guest>,
}

/// A place in the table, given back when dropped.
pub struct Seat {
    guests: Arc<Guests>,
    number: u64,
}

impl Guests {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Seats whoever `begin` starts a task for. If there are `most` already, one gives way: true then.
    pub fn seat(
        self: &Arc<Self>,
        address: SocketAddr,
        most: usize,
        begin: impl FnOnce(Seat) -> AbortHandle,
    ) -> bool {
        let mut table = self.table();
        let displaced = if table.guests.len() >= most.max(1) {
            table.displace()
        } else {
            None
        };
        let number = table.next;
        table.next += 1;
        let task = begin(Seat {
            guests: Arc::clone(self),
            number,
        });
        let source = Source::of(address);
        table.guests.insert(number, Guest { source, task });
        drop(table);
        // Its seat asks for the table.
        displaced.map(|guest| guest.task.abort()).is_some()
    }

    pub fn count(&self) -> usize {
        self.table().guests.len()
    }

    pub fn dismiss_all(&self) {
        let guests = std::mem::take(&mut self.table().guests);
        for guest in guests.values() {
            guest.task.abort();
        }
    }
}

impl Table {
    /// The oldest of the source that has most; among equals the oldest of all, whatever its address.
    fn displace(&mut self) -> Option<Guest> {
        let mut by_source: BTreeMap<Source, (usize, u64)> = BTreeMap::new();
        for (number, guest) in &self.guests {
            by_source.entry(guest.source).or_insert((0, *number)).0 += 1;
        }
        let oldest_first = |(count, oldest): &&(usize, u64)| (*count, Reverse(*oldest));
        let most = by_source.values().max_by_key(oldest_first);
        let oldest = most.map(|(_, oldest)| *oldest)?;
        self.guests.remove(&oldest)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.guests.table().guests.remove(&self.number);
    }
}
