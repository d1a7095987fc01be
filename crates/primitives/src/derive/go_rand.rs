//! The legacy generator of Go's `math/rand`, because hosts exist that elect with it (D4). Not a source of secrets.

use super::go_cooked::COOKED;

const LEN: usize = 607;
const TAP: usize = 273;
const LEHMER_MODULUS: i64 = (1 << 31) - 1;

/// Additive lagged Fibonacci generator over 64-bit words.
pub(super) struct GoRand {
    words: [u64; LEN],
    tap: usize,
    feed: usize,
}

/// One step of 48271·s mod (2³¹ − 1), by Schrage's method.
fn lehmer(s: i64) -> i64 {
    let next = 48_271 * (s % 44_488) - 3_399 * (s / 44_488);
    if next < 0 {
        next + LEHMER_MODULUS
    } else {
        next
    }
}

impl GoRand {
    pub(super) fn seeded(source: i64) -> Self {
        let mut s = source % LEHMER_MODULUS;
        if s < 0 {
            s += LEHMER_MODULUS;
        }
        if s == 0 {
            s = 89_482_311;
        }
        let mut draw = || {
            s = lehmer(s);
            s as u64
        };
        for _ in 0..20 {
            draw();
        }
        let words = COOKED.map(|cooked| {
            let (x, y, z) = (draw(), draw(), draw());
            (x << 40) ^ (y << 20) ^ z ^ (cooked as u64)
        });
        Self {
            words,
            tap: 0,
            feed: LEN - TAP,
        }
    }

    fn uint64(&mut self) -> u64 {
        self.tap = self.tap.checked_sub(1).unwrap_or(LEN - 1);
        self.feed = self.feed.checked_sub(1).unwrap_or(LEN - 1);
        let tap = self.words.get(self.tap).copied().unwrap_or_default();
        let feed = self.words.get_mut(self.feed).expect("feed stays below 607");
        *feed = feed.wrapping_add(tap);
        *feed
    }

    /// Int63 >> 31: bits 31 to 62 of the word.
    fn uint32(&mut self) -> u32 {
        ((self.uint64() & (u64::MAX >> 1)) >> 31) as u32
    }

    /// Uniform below `bound`, by multiply-and-reject.
    fn below(&mut self, bound: u32) -> u32 {
        let mut product = u64::from(self.uint32()) * u64::from(bound);
        let mut low = product as u32;
        if low < bound {
            let threshold = bound.wrapping_neg() % bound;
            while low < threshold {
                product = u64::from(self.uint32()) * u64::from(bound);
                low = product as u32;
            }
        }
        (product >> 32) as u32
    }

    /// Fisher-Yates from the last index down.
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let bound = u32::try_from(i + 1).expect("a group has at most 65535 members");
            items.swap(i, self.below(bound) as usize);
        }
    }
}
