//! How much one peer may hand over of one kind in one session: what exceeds it is dropped on that peer's account.

use std::collections::BTreeMap;
use std::time::Duration;

use hardfrost_primitives::Monotonic;

/// Kinds and contexts of one peer that are counted apart; all others share one account.
const ACCOUNTS_MAX: usize = 4096;

/// Full accounts are looked through for idle ones no more often than this: else each made-up name would cost a look at
/// all of them.
const LOOK_THROUGH_PAUSE: Duration = Duration::from_secs(1);

/// Where a frame's context lies (D10): after kind and length.
const CONTEXT: std::ops::Range<usize> = 5..37;

type About = (u8, [u8; 32]);

#[derive(Clone, Copy)]
struct Account {
    left: u32,
    since: Monotonic,
}

/// One peer's accounts: each holds so many frames and fills up again over time.
pub struct Quota {
    /// Frames at once.
    burst: u32,
    /// Frames a second, after that.
    refill: u32,
    accounts: BTreeMap<About, Account>,
    look_through: Option<Monotonic>,
    refused: u64,
}

impl Quota {
    /// For a group of `members`: an honest peer hands over each member's frame of a kind and context once, and again to
    /// whoever asks for it.
    #[must_use]
    pub fn of_group(members: u16) -> Self {
        let members = u32::from(members);
        Self {
            burst: 4 * members + 64,
            refill: members + 16,
            accounts: BTreeMap::new(),
            look_through: None,
            refused: 0,
        }
    }

    /// Whether this frame is still within its account.
    pub fn admits(&mut self, now: Monotonic, frame: &[u8]) -> bool {
        let kind = frame.first().copied().unwrap_or_default();
        let context = frame.get(CONTEXT).and_then(|bytes| bytes.try_into().ok());
        let mut about = (kind, context.unwrap_or_default());
        if !self.accounts.contains_key(&about) && self.accounts.len() >= ACCOUNTS_MAX {
            self.forget_idle(now);
            if self.accounts.len() >= ACCOUNTS_MAX {
                about = (kind, [0; 32]);
            }
        }
        let (burst, refill) = (self.burst, self.refill);
        let account = self.accounts.entry(about).or_insert(Account {
            left: burst,
            since: now,
        });
        account.fill(now, burst, refill);
        let admitted = account.left > 0;
        account.left = account.left.saturating_sub(1);
        self.refused += u64::from(!admitted);
        admitted
    }

    /// Frames over it so far.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Accounts that would be full by now say nothing.
    fn forget_idle(&mut self, now: Monotonic) {
        if self.look_through.is_some_and(|next| now < next) {
            return;
        }
        self.look_through = Some(now.plus(LOOK_THROUGH_PAUSE));
        let whole = Duration::from_secs(u64::from(self.burst.div_ceil(self.refill)));
        self.accounts
            .retain(|_, account| account.since.plus(whole) > now);
    }
}

impl Account {
    fn fill(&mut self, now: Monotonic, burst: u32, refill: u32) {
        let passed = now.since(self.since);
        let more = passed.as_millis() * u128::from(refill) / 1000;
        if more > 0 {
            let more = u32::try_from(more).unwrap_or(u32::MAX);
            self.left = self.left.saturating_add(more).min(burst);
            self.since = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, context: u16) -> Vec<u8> {
        let mut bytes = vec![kind, 0, 0, 0, 34];
        bytes.extend([context.to_be_bytes(); 16].concat());
        bytes
    }

    fn at(seconds: u64) -> Monotonic {
        Monotonic::after_start(Duration::from_secs(seconds))
    }

    #[test]
    fn n03_what_one_kind_in_one_session_has_used_up_is_not_taken_from_another() {
        let mut quota = Quota::of_group(3);
        let admitted = (0..1000).filter(|_| quota.admits(at(0), &frame(2, 1)));
        assert_eq!(admitted.count(), 4 * 3 + 64);
        assert_eq!(quota.refused(), 1000 - 76);
        assert!(quota.admits(at(0), &frame(3, 1)));
        assert!(quota.admits(at(0), &frame(2, 2)));
        assert!(!quota.admits(at(0), &frame(2, 1)));
        assert!(quota.admits(at(1), &frame(2, 1)));
    }

    #[test]
    fn n03_names_that_are_made_up_fill_no_memory_and_share_one_account() {
        let mut quota = Quota::of_group(3);
        let made_up = (0..20_000u16).filter(|name| quota.admits(at(0), &frame(2, *name)));
        assert!(made_up.count() <= ACCOUNTS_MAX + 76);
        assert!(quota.accounts.len() <= ACCOUNTS_MAX + 1);
        assert!(quota.admits(at(60), &frame(2, 20_001)));
        assert!(quota.accounts.len() <= 2);
    }

    #[test]
    fn n03_a_flood_of_made_up_names_does_not_have_all_accounts_looked_through_for_each() {
        let mut quota = Quota::of_group(3);
        let after = |millis| Monotonic::after_start(Duration::from_millis(millis));
        // All accounts are full again after 4 seconds.
        let names = (0..5000u16).filter(|name| quota.admits(at(0), &frame(2, *name)));
        assert!(names.count() > ACCOUNTS_MAX);
        let full = quota.accounts.len();
        quota.admits(after(3500), &frame(2, 5001));
        quota.admits(after(4400), &frame(2, 5002));
        assert_eq!(quota.accounts.len(), full);
        quota.admits(after(4500), &frame(2, 5003));
        assert!(quota.accounts.len() <= 2);
    }

    #[test]
    fn bytes_that_are_no_frame_are_counted_too() {
        let mut quota = Quota::of_group(1);
        let admitted = (0..200).filter(|_| quota.admits(at(0), b"x"));
        assert_eq!(admitted.count(), 68);
        assert!(quota.admits(at(0), b""));
    }
}
