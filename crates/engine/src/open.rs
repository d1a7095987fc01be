//! Open: binds an attempt before anything is drawn.

use std::sync::Arc;
use std::time::Duration;

use hardfrost_primitives::derive::AttemptContext;
use hardfrost_primitives::{AttemptId, Member, Now};

use crate::attempt::{AttemptIds, AttemptKey};
use crate::context::validated;
use crate::engine::Engine;
use crate::gates::{self, Asked};
use crate::rejection::Rejection;
use crate::session::{LiveAttempt, Nonces, Session, Slot};
use crate::state::Binding;

/// A request to open an attempt. It carries no key material.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// Our seat.
    pub member: Member,
    /// D6's preimage.
    pub context: AttemptContext,
    /// D4 and D5 as the caller derived them.
    pub ids: AttemptIds,
    /// How long the session may live; the first Open fixes it.
    pub life: Duration,
}

/// An open attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The attempt's id; every later call uses this one.
    pub attempt: AttemptId,
    /// Whether it was open already.
    pub idempotent: bool,
}

impl Engine {
    /// Opens an attempt for one of our seats. A refusal leaves no trace.
    ///
    /// # Errors
    /// In the order of the checks: `dkg_not_ready`, `validation_error`, those of the gates
    /// (`lifecycle_policy_rejected`, `session_finalized`, `quarantine_policy_rejected`, `signing_policy_rejected`),
    /// `session_conflict`, `consumed_nonce_replay`, `attempt_already_aggregated`, `attempt_superseded`,
    /// `capacity_exceeded`.
    pub fn open(&mut self, now: Now, request: Open) -> Result<Opened, Rejection> {
        self.ready()?;
        self.custody.sweep(now.mono);
        let Open {
            member,
            context,
            ids,
            life,
        } = request;
        let group = self.installed(&context.key_group)?;
        if context.threshold != group.public.threshold() {
            return Err(Rejection::invalid("the threshold is not the key's"));
        }
        if !group.shares.contains_key(&member) {
            return Err(Rejection::invalid(format!(
                "this engine holds no share of member {member}"
            )));
        }
        let binding = Binding {
            message: context.message,
            key_spec: context.key_spec.clone(),
            suite: context.suite,
            share_epoch: context.share_epoch,
        };
        let asked = Asked {
            key_group: &context.key_group,
            session: &context.session,
            binding: &binding,
            member,
            chosen: &[],
        };
        gates::check(self, now, &asked)?;
        if validated(group, &context)? != ids {
            return Err(Rejection::invalid(
                "coordinator, fingerprint or attempt id is not derived",
            ));
        }
        if !context.included.contains(&member) {
            return Err(Rejection::invalid(format!(
                "member {member} is not included"
            )));
        }
        self.enter(now, (member, context, ids, life), binding)
    }

    fn enter(
        &mut self,
        now: Now,
        request: (Member, AttemptContext, AttemptIds, Duration),
        binding: Binding,
    ) -> Result<Opened, Rejection> {
        let (member, context, AttemptIds { attempt, .. }, life) = request;
        let name = (context.key_group.clone(), context.session.clone());
        let (number, hash) = (context.attempt_number, context.hash());
        let (key_group, session) = name.clone();
        let key = AttemptKey {
            key_group,
            session,
            attempt,
            member,
        };
        let wipe = self.admissible(now, &key, &binding, (number, hash))?;
        let wipe = match wipe {
            Slot::Live => {
                return Ok(Opened {
                    attempt,
                    idempotent: true,
                })
            }
            Slot::Free { wipe } => wipe,
        };
        let known = self.custody.session(&name.0, &name.1).is_some();
        let freed = usize::from(wipe.is_some());
        if self.custody.live_count() - freed >= self.limits.live_attempts_max {
            return Err(Rejection::CapacityExceeded("live attempts".into()));
        }
        if !known {
            if life.is_zero() || life > self.limits.life_max {
                return Err(Rejection::invalid(
                    "a session lives from now to the engine's limit",
                ));
            }
            if let Some(retired) = self.custody.room(self.limits.sessions_max)? {
                self.custody.forget(&retired);
            }
        }
        let order = self.custody.next_order();
        let session = Session::new(binding, now.mono.plus(life), order);
        let live = LiveAttempt {
            context: Arc::new(context),
            nonces: Nonces::Undrawn,
        };
        let session = self.custody.enter(name, session);
        session.insert(member, (number, attempt, hash), live, wipe);
        Ok(Opened {
            attempt,
            idempotent: false,
        })
    }

    /// Everything that speaks against entering the attempt, but for the caps.
    fn admissible(
        &self,
        now: Now,
        key: &AttemptKey,
        binding: &Binding,
        (number, context): (u32, hardfrost_primitives::Hash32),
    ) -> Result<Slot, Rejection> {
        let session = self.custody.session(&key.key_group, &key.session);
        if let Some(session) = session {
            if session.binding != *binding {
                return Err(Rejection::SessionConflict(
                    "the session's first attempt bound it".into(),
                ));
            }
            session.check_name(number, key.attempt, context)?;
        }
        self.not_spent(key)?;
        if self.state.is_completed(key) {
            return Err(Rejection::AttemptAlreadyAggregated);
        }
        let Some(session) = session else {
            return Ok(Slot::Free { wipe: None });
        };
        if session.deadline <= now.mono {
            return Err(Rejection::SessionNotFound);
        }
        let slot = session.slot(key.member, number, self.limits.window)?;
        let full = session.attempt_names() >= self.limits.markers_per_seat_max;
        if full && !session.knows(key.attempt) {
            return Err(Rejection::CapacityExceeded(
                "attempts of one session".into(),
            ));
        }
        Ok(slot)
    }
}
