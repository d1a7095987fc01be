//! CPU time of this thread, and medians. The two sides of a row take turns, so that a slow minute of the machine is
//! slow for both.

use std::time::Duration;

use rustix::time::{clock_gettime, ClockId};

fn now() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::from_secs(seconds)
        + Duration::from_nanos(u64::try_from(time.tv_nsec).unwrap_or_default())
}

/// How long `work` computed.
pub fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let start = now();
    let done = std::hint::black_box(work());
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

/// The median of each after `rounds` turns of all.
pub fn medians(rounds: usize, sides: &mut [Measured<'_>]) -> Vec<Duration> {
    let mut times: Vec<Vec<Duration>> = sides.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for (side, times) in sides.iter_mut().zip(&mut times) {
            times.push(side());
        }
    }
    times.into_iter().map(median).collect()
}
