//! Secrets of key generations under way. A host holds 32 random bytes that name one; each step uses its handle up.

use std::collections::BTreeMap;
use std::time::Duration;

use hardfrost_frost::dkg::{AwaitShares, Contribution, Dealing};
use hardfrost_frost::KeyShare;
use hardfrost_primitives::{Hash32, Member, Monotonic};
use rand_core::{OsRng, RngCore};

use crate::failure::Failure;

/// Handles at once.
const HANDLES_MAX: usize = 256;
/// How long a handle waits for its next step.
const LIFE: Duration = Duration::from_secs(3600);

/// A name for a secret. Whoever has it can take the next step, and learns nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Handle([u8; 32]);

/// What everybody showed in round 1, with the sealing keys where shares are sealed inside.
pub(crate) type Shown = BTreeMap<Member, Shows>;

/// What one member showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shows {
    pub(crate) contribution: Contribution,
    pub(crate) sealing: Option<Sealing>,
}

/// A member's ephemeral key and the proof that it holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sealing {
    pub(crate) ephemeral: [u8; 33],
    pub(crate) possession: [u8; 64],
}

/// After part 1.
pub(crate) struct Dealt {
    pub(crate) member: Member,
    pub(crate) dealing: Dealing,
    pub(crate) shows: Shows,
    /// The ceremony's id, where shares are sealed inside.
    pub(crate) ceremony: Option<Hash32>,
    /// t and n
    pub(crate) size: (u16, u16),
}

/// After part 2.
pub(crate) struct Waiting {
    pub(crate) member: Member,
    pub(crate) waiting: AwaitShares,
    pub(crate) others: Shown,
    pub(crate) sealed: bool,
}

/// A secret between two steps.
pub(crate) enum Step {
    Dealt(Box<Dealt>),
    Waiting(Box<Waiting>),
    Held(Box<KeyShare>),
    /// The engine has the share; this is to know the same request again.
    Persisted(Member, Hash32),
}

/// All of them.
#[derive(Default)]
pub(crate) struct Handles {
    live: BTreeMap<Handle, (Monotonic, Step)>,
}

impl Handle {
    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl std::fmt::Display for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl Handles {
    /// Wipes what was left lying.
    pub(crate) fn sweep(&mut self, now: Monotonic) {
        self.live.retain(|_, (since, _)| now.since(*since) < LIFE);
    }

    pub(crate) fn count(&self) -> usize {
        self.live.len()
    }

    /// Room for one more, before anything is drawn. What is persisted is no secret any more, and makes room.
    pub(crate) fn room(&mut self) -> Result<(), Failure> {
        while self.live.len() >= HANDLES_MAX {
            let persisted = |(_, (_, step)): &(&Handle, &(Monotonic, Step))| {
                matches!(step, Step::Persisted(..))
            };
            let oldest = self
                .live
                .iter()
                .filter(persisted)
                .min_by_key(|(_, (at, _))| *at);
            let oldest = oldest.map(|(handle, _)| *handle);
            let full = || Failure::at_limit("at the limit: key generations under way");
            self.live.remove(&oldest.ok_or_else(full)?);
        }
        Ok(())
    }

    /// Keeps a secret under a fresh name.
    pub(crate) fn keep(&mut self, now: Monotonic, step: Step) -> Result<Handle, Failure> {
        let mut name = [0; 32];
        OsRng
            .try_fill_bytes(&mut name)
            .map_err(|_| Failure::internal())?;
        let handle = Handle(name);
        self.live.insert(handle, (now, step));
        Ok(handle)
    }

    pub(crate) fn look(&self, handle: &Handle) -> Result<&Step, Failure> {
        self.live
            .get(handle)
            .map(|(_, step)| step)
            .ok_or_else(unknown)
    }

    pub(crate) fn take(&mut self, handle: &Handle) -> Result<Step, Failure> {
        self.live
            .remove(handle)
            .map(|(_, step)| step)
            .ok_or_else(unknown)
    }

    /// Puts another step under a name that its host knows already.
    pub(crate) fn replace(&mut self, handle: Handle, now: Monotonic, step: Step) {
        self.live.insert(handle, (now, step));
    }
}

fn unknown() -> Failure {
    Failure::not_found("no such handle: it was used, it expired, or the library was restarted")
}

/// A handle that belongs to another step.
pub(crate) fn wrong_step() -> Failure {
    Failure::field("the handle", "it belongs to another step")
}
