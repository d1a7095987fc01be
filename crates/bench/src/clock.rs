//! CPU time of this thread, and medians. The two sides of a row take turns, so that a slow minute of the machine is
//! slow for both.

use std::time::Duration;

use nix::time::{clock_gettime, ClockId};

// Not `rustix`: it looks for the kernel's own clock where valgrind shows none, and fails.
fn now() -> Duration {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID);
    time.expect("Linux has this clock").into()
}

/// The work and nothing else, under a name that callgrind knows it by ([`crate::counts`]).
#[inline(never)]
fn measured_work<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// How long `work` computed.
pub fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let start = now();
    let done = std::hint::black_box(measured_work(work));
    let took = now() - start;
    drop(done);
    took
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// One thing that is measured: prepares, then times its work alone.
pub type Measured<'a> = Box<dyn FnMut() -> Duration + 'a>;

/// The median of each after `rounds` turns of all. In a turn each side works twice and the second time counts: what a
/// cold cache costs is up to whoever else uses the machine, and would weigh most on the shortest work.
pub fn medians(rounds: usize, sides: &mut [Measured<'_>]) -> Vec<Duration> {
    let mut times: Vec<Vec<Duration>> = sides.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for (side, times) in sides.iter_mut().zip(&mut times) {
            side();
            times.push(side());
        }
    }
    times.into_iter().map(median).collect()
}
