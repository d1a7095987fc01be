//! The engine's operations as plain values, and the loop body that serves a batch of them with one sync.

use std::collections::BTreeMap;
use std::sync::Arc;

use hardfrost_frost::dkg::{DkgFault, Round1, SealedShare, Seat};
use hardfrost_frost::{Commitments, FrostIdentifier, GroupPublic, Signature, SignatureShare};
use hardfrost_primitives::derive::AttemptContext;
use hardfrost_primitives::{Member, Now};
use rand_core::{CryptoRng, RngCore};

use crate::abort::Abort;
use crate::aggregate::{Aggregate, PendingCompletion};
use crate::approve::{Approval, Approve};
use crate::attempt::{AttemptIds, AttemptKey};
use crate::engine::{Engine, Settle};
use crate::keygen::{
    CeremonySeat, DkgError, DkgOpen, DkgSeal, Install, PendingInstall, PendingKey,
};
use crate::lifecycle::{Changed, EmergencyRekey, FinalizeSession, PendingChange};
use crate::log::{Log, LogError};
use crate::open::{Open, Opened};
use crate::policy::InstallPolicy;
use crate::quarantine::{Convict, Quarantine, Unquarantine};
use crate::rejection::Rejection;
use crate::round2::{PendingShare, Round2, SigningJob};
use crate::staged::{Decision, Staged, Uncommitted};
use crate::verify_share::{Verdict, VerifyShare};

/// The asker's number for a command; its reply carries the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// What may be asked of an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// [`Engine::dkg_deal`]
    DkgDeal(Seat),
    /// [`Engine::dkg_seal`]
    DkgSeal(DkgSeal),
    /// [`Engine::dkg_open`]
    DkgOpen(DkgOpen),
    /// [`Engine::install`]
    Install(Install),
    /// [`Engine::dkg_abort`]
    DkgAbort(CeremonySeat),
    /// [`Engine::approve`]
    Approve(Approve),
    /// [`Engine::derive_attempt_context`]
    DeriveContext(AttemptContext),
    /// [`Engine::open`]
    Open(Open),
    /// [`Engine::round1`]
    Round1(AttemptKey),
    /// [`Engine::round2`]
    Round2(Round2),
    /// [`Engine::abort`]
    Abort(Abort),
    /// [`Engine::aggregate`]
    Aggregate(Aggregate),
    /// [`Engine::verify_share`]
    VerifyShare(VerifyShare),
    /// [`Engine::emergency_rekey`]
    EmergencyRekey(EmergencyRekey),
    /// [`Engine::finalize_session`]
    FinalizeSession(FinalizeSession),
    /// [`Engine::quarantine`]
    Quarantine(Quarantine),
    /// [`Engine::unquarantine`]
    Unquarantine(Unquarantine),
    /// [`Engine::convict`]
    Convict(Convict),
    /// [`Engine::install_policy`]
    InstallPolicy(InstallPolicy),
}

/// What an engine answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Our contribution to step 1.
    DkgDealt(Round1),
    /// Our shares, sealed.
    DkgSealed(BTreeMap<Member, SealedShare>),
    /// Our share is durable as pending.
    DkgPending(Arc<GroupPublic>),
    /// The key signs from now on.
    Installed(Arc<GroupPublic>),
    /// A contribution failed its check; the ceremony's secrets are gone.
    DkgFailed(DkgFault),
    /// The approval is in force.
    Approved(Approval),
    /// A context's ids, and each included member's FROST identifier.
    Derived(AttemptIds, Vec<(Member, FrostIdentifier)>),
    /// The attempt is open.
    Opened(Opened),
    /// The seat's commitments.
    Committed(Commitments),
    /// The seat's share; its consumption record is durable.
    Share(SignatureShare),
    /// Whether anything was live and is ended.
    Aborted(bool),
    /// The signature; its completion record is durable.
    Signed(Signature),
    /// What is known of a share.
    Verdict(Verdict),
    /// What is so from now on, or was already.
    Changed(Changed),
    /// The caller must act; nothing changed.
    Rejected(Rejection),
}

/// Unlike decisions in one batch.
pub(crate) enum Pending {
    Key(PendingKey),
    Install(PendingInstall),
    Approval(Approval),
    Share(Box<PendingShare>),
    Completion(PendingCompletion),
    Change(PendingChange),
}

pub(crate) enum Step {
    Done(Reply),
    Staged(Staged<Pending>),
}

/// What is left to do once a record is durable and applied.
pub(crate) enum Released {
    Reply(Reply),
    /// A share is to be computed, which asks nothing of the engine.
    Sign(Box<SigningJob>),
}

impl Released {
    pub(crate) fn reply(self) -> Result<Reply, Rejection> {
        match self {
            Self::Reply(reply) => Ok(reply),
            Self::Sign(job) => job.run().map(Reply::Share),
        }
    }
}

/// Serves a batch: every command in order, then one append for all their records, then every reply. What was asked and
/// how it ended is counted.
pub fn serve(
    engine: &mut Engine,
    log: &mut impl Log,
    now: Now,
    rng: &mut (impl RngCore + CryptoRng),
    commands: Vec<(Ticket, Command)>,
) -> Vec<(Ticket, Reply)> {
    let mut replies = Vec::with_capacity(commands.len());
    let mut tickets = Vec::new();
    let mut batch = Vec::new();
    for (ticket, command) in commands {
        let operation = command.operation();
        let reply = match step(engine, now, rng, command) {
            Ok(Step::Done(reply)) => reply,
            Ok(Step::Staged(staged)) => {
                tickets.push((ticket, operation));
                batch.push(staged);
                continue;
            }
            Err(DkgError::Rejected(rejection)) => Reply::Rejected(rejection),
            Err(DkgError::Fault(fault)) => Reply::DkgFailed(fault),
        };
        replies.push((ticket, operation, reply));
    }
    if !batch.is_empty() {
        let settled = tickets.into_iter().zip(commit(engine, log, batch));
        replies.extend(settled.map(|((ticket, operation), reply)| (ticket, operation, reply)));
    }
    let counted = |(ticket, operation, reply)| {
        engine.count(operation, &reply);
        (ticket, reply)
    };
    replies.into_iter().map(counted).collect()
}

pub(crate) fn step(
    engine: &mut Engine,
    now: Now,
    rng: &mut (impl RngCore + CryptoRng),
    command: Command,
) -> Result<Step, DkgError> {
    Ok(match command {
        Command::DkgDeal(seat) => Step::Done(Reply::DkgDealt(engine.dkg_deal(seat, rng)?)),
        Command::DkgSeal(seal) => Step::Done(Reply::DkgSealed(engine.dkg_seal(seal)?)),
        Command::DkgOpen(open) => Step::Staged(engine.dkg_open(open)?.map(Pending::Key)),
        Command::Install(install) => Step::Staged(engine.install(install)?.map(Pending::Install)),
        Command::DkgAbort(seat) => {
            engine.dkg_abort(seat);
            Step::Done(Reply::Aborted(true))
        }
        Command::Approve(approve) => {
            Step::Staged(engine.approve(now, approve)?.map(Pending::Approval))
        }
        Command::DeriveContext(context) => {
            let (ids, identifiers) = engine.derive_attempt_context(&context)?;
            Step::Done(Reply::Derived(ids, identifiers))
        }
        Command::Open(open) => Step::Done(Reply::Opened(engine.open(now, open)?)),
        Command::Round1(key) => Step::Done(Reply::Committed(engine.round1(now, &key, rng)?)),
        Command::Round2(round2) => {
            let staged = engine.round2(now, round2)?;
            Step::Staged(staged.map(|share| Pending::Share(Box::new(share))))
        }
        Command::Abort(abort) => Step::Done(Reply::Aborted(engine.abort(now, &abort)?)),
        Command::Aggregate(request) => {
            let done = engine.aggregate(request)?.run()?;
            Step::Staged(engine.complete(done)?.map(Pending::Completion))
        }
        Command::VerifyShare(question) => {
            Step::Done(Reply::Verdict(engine.verify_share(&question)))
        }
        Command::EmergencyRekey(request) => changed(engine.emergency_rekey(now, request)?),
        Command::FinalizeSession(request) => changed(engine.finalize_session(now, request)?),
        Command::Quarantine(request) => changed(engine.quarantine(now, request)?),
        Command::Unquarantine(request) => changed(engine.unquarantine(now, request)?),
        Command::Convict(request) => changed(engine.convict(now, request)?),
        Command::InstallPolicy(request) => changed(engine.install_policy(now, request)?),
    })
}

fn changed(decision: Decision<Changed, PendingChange>) -> Step {
    match decision {
        Decision::Already(changed) => Step::Done(Reply::Changed(changed)),
        Decision::New(staged) => Step::Staged(staged.map(Pending::Change)),
    }
}

fn commit(engine: &mut Engine, log: &mut impl Log, batch: Vec<Staged<Pending>>) -> Vec<Reply> {
    let count = batch.len();
    match Staged::commit_all(batch, log) {
        Ok(committed) => committed
            .into_iter()
            .map(|done| engine.settle(done).and_then(Released::reply))
            .map(|reply| reply.unwrap_or_else(Reply::Rejected))
            .collect(),
        Err(not) => {
            let reply = refusal(&not);
            engine.unsettle(not);
            vec![reply; count]
        }
    }
}

pub(crate) fn refusal<T>(not: &Uncommitted<T>) -> Reply {
    Reply::Rejected(match not.cause() {
        LogError::NotWritten => {
            Rejection::CapacityExceeded("the log takes no record now: make room on its disk".into())
        }
        LogError::Unknown => Rejection::StorageFault,
    })
}

impl Settle for Pending {
    type Released = Released;

    fn release(self, engine: &mut Engine) -> Result<Released, Rejection> {
        Ok(Released::Reply(match self {
            Self::Key(key) => Reply::DkgPending(key.release(engine)?),
            Self::Install(install) => Reply::Installed(install.release(engine)?),
            Self::Approval(approval) => Reply::Approved(approval.release(engine)?),
            Self::Share(share) => return Ok(Released::Sign(Box::new(share.release(engine)?))),
            Self::Completion(completion) => Reply::Signed(completion.release(engine)?),
            Self::Change(change) => Reply::Changed(change.release(engine)?),
        }))
    }

    fn give_back(self, engine: &mut Engine) {
        match self {
            Self::Key(key) => key.give_back(engine),
            Self::Install(install) => install.give_back(engine),
            Self::Approval(approval) => approval.give_back(engine),
            Self::Share(share) => share.give_back(engine),
            Self::Completion(completion) => completion.give_back(engine),
            Self::Change(change) => change.give_back(engine),
        }
    }
}
