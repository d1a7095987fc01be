//! Packets of a namespace, each held back for some time: the kernel hands them over through its netfilter queue.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError, Sender};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nfq::{Message, Queue, Verdict};

/// How exactly a packet is held back.
const GRAIN: Duration = Duration::from_millis(2);
/// Packets that the kernel keeps for us.
const PACKETS_MAX: u32 = 1 << 16;

/// Holds packets back until it is dropped; then those that are left are lost.
pub struct Slow {
    stop: Option<Sender<()>>,
    holding: Option<JoinHandle<()>>,
    packets: Arc<AtomicU64>,
}

impl Slow {
    /// Takes packets of queue 0 of the namespace that this is called in.
    pub fn start(by: Duration) -> Result<Self, String> {
        let queue = open().map_err(|error| format!("no netfilter queue: {error}"))?;
        let (stop, stopped) = channel();
        let packets = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&packets);
        let holding = thread::spawn(move || hold(queue, by, &stopped, &counted));
        Ok(Self {
            stop: Some(stop),
            holding: Some(holding),
            packets,
        })
    }

    pub fn packets(&self) -> u64 {
        self.packets.load(Ordering::Relaxed)
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(holding) = self.holding.take() {
            drop(holding.join());
        }
    }
}

fn open() -> std::io::Result<Queue> {
    let mut queue = Queue::open()?;
    queue.bind(0)?;
    queue.set_queue_max_len(0, PACKETS_MAX)?;
    // A burst that the socket has no room for is a loss like another.
    queue.set_recv_enobufs(false)?;
    queue.set_nonblocking(true);
    Ok(queue)
}

fn hold(mut queue: Queue, by: Duration, stopped: &Receiver<()>, counted: &AtomicU64) {
    let mut held: VecDeque<(Instant, Message)> = VecDeque::new();
    loop {
        loop {
            match queue.recv() {
                Ok(packet) => {
                    counted.fetch_add(1, Ordering::Relaxed);
                    held.push_back((Instant::now() + by, packet));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("the netfilter queue: {error}"),
            }
        }
        while held.front().is_some_and(|(due, _)| *due <= Instant::now()) {
            let (_, mut packet) = held.pop_front().unwrap();
            packet.set_verdict(Verdict::Accept);
            queue.verdict(packet).unwrap();
        }
        match stopped.recv_timeout(GRAIN) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
