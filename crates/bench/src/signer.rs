//! One engine that holds all seats of a 2-of-3 group, made by a real key generation, on any log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{bail, Context};
use hardfrost_engine::{
    serve, Approve, Artifact, AttemptIds, AttemptKey, CeremonySeat, Command, DkgOpen, DkgSeal,
    Engine, Install, Log, MemberCommitments, Open, Reply, Round2, Shared, SigningPackage, Ticket,
};
use hardfrost_frost::dkg::Seat;
use hardfrost_frost::GroupPublic;
use hardfrost_primitives::derive::AttemptContext;
use hardfrost_primitives::{
    Hash32, Limits, Member, Monotonic, Now, RequestId, SessionId, Suite, UnixTime,
};
use hardfrost_spend::{
    funding_transaction, script_pubkey, spending_psbt, Amount, OurInput, Payment, ScriptBuf,
    SpendPlan,
};
use rand_core::OsRng;

const CEREMONY: Hash32 = Hash32([1; 32]);
const TRANSCRIPT: Hash32 = Hash32([2; 32]);
const SUITE: Suite = Suite::Bip445;
const LIFE: Duration = Duration::from_secs(3600);

/// An engine and its log.
pub struct Signer<L> {
    engine: Engine,
    log: L,
    public: Arc<GroupPublic>,
}

/// An approved payment.
pub struct Session {
    id: SessionId,
    input: OurInput,
}

/// Always the same moment.
pub fn now() -> Now {
    Now {
        mono: Monotonic::after_start(Duration::from_secs(10)),
        utc: UnixTime(1_750_000_000),
    }
}

/// Serves a batch with one append; a refusal is an error.
fn ask(
    engine: &mut Engine,
    log: &mut impl Log,
    commands: Vec<Command>,
) -> anyhow::Result<Vec<Reply>> {
    let commands = (1..).map(Ticket).zip(commands).collect();
    let mut replies = serve(engine, log, now(), &mut OsRng, commands);
    replies.sort_by_key(|(ticket, _)| *ticket);
    let reply = |(_, reply)| {
        if let Reply::Rejected(rejection) = reply {
            bail!("{rejection}")
        }
        Ok(reply)
    };
    replies.into_iter().map(reply).collect()
}

fn seat(member: Member) -> CeremonySeat {
    CeremonySeat {
        ceremony: CEREMONY,
        member,
    }
}

fn make_key(engine: &mut Engine, log: &mut impl Log) -> anyhow::Result<Arc<GroupPublic>> {
    let members: Vec<Member> = Member::all(3).collect();
    let deal = |member: &Member| {
        Command::DkgDeal(Seat {
            ceremony: CEREMONY,
            member: *member,
            threshold: 2,
            count: 3,
        })
    };
    let dealt = ask(engine, log, members.iter().map(deal).collect())?;
    let mut shown = BTreeMap::new();
    for (member, reply) in members.iter().zip(dealt) {
        let Reply::DkgDealt(said) = reply else {
            bail!("{reply:?}")
        };
        shown.insert(*member, said);
    }
    let seal = |member: &Member| {
        let mut others = shown.clone();
        others.remove(member);
        Command::DkgSeal(DkgSeal {
            seat: seat(*member),
            transcript: TRANSCRIPT,
            others,
        })
    };
    let replies = ask(engine, log, members.iter().map(seal).collect())?;
    let mut sealed = BTreeMap::new();
    for (member, reply) in members.iter().zip(replies) {
        let Reply::DkgSealed(shares) = reply else {
            bail!("{reply:?}")
        };
        sealed.insert(*member, shares);
    }
    let open = |to: &Member| {
        let to_us =
            |(from, shares): (&Member, &BTreeMap<Member, _>)| Some((*from, *shares.get(to)?));
        Command::DkgOpen(DkgOpen {
            seat: seat(*to),
            sealed: sealed.iter().filter_map(to_us).collect(),
            transcript: TRANSCRIPT,
        })
    };
    ask(engine, log, members.iter().map(open).collect())?;
    let install = |member: &Member| {
        Command::Install(Install {
            seat: seat(*member),
            certificate: Hash32([3; 32]),
            file: vec![3; 100],
        })
    };
    let installed = ask(engine, log, members.iter().map(install).collect())?;
    match installed.into_iter().next() {
        Some(Reply::Installed(public)) => Ok(public),
        other => bail!("{other:?}"),
    }
}

impl<L: Log> Signer<L> {
    /// A group that signs.
    ///
    /// # Errors
    /// The log takes no record.
    pub fn new(mut log: L) -> anyhow::Result<Self> {
        let mut engine = Engine::recover(Limits::default(), BTreeSet::new(), &[])?;
        let public = make_key(&mut engine, &mut log)?;
        Ok(Self {
            engine,
            log,
            public,
        })
    }

    /// The engine for many threads.
    pub fn shared(self) -> Shared<L>
    where
        L: Clone,
    {
        Shared::new(self.engine, self.log)
    }

    /// All of these with one append.
    ///
    /// # Errors
    /// Something is refused.
    pub fn ask(&mut self, commands: Vec<Command>) -> anyhow::Result<Vec<Reply>> {
        ask(&mut self.engine, &mut self.log, commands)
    }

    /// Approves a payment; another number is another one.
    ///
    /// # Errors
    /// The log takes no record.
    pub fn approve(&mut self, number: u64) -> anyhow::Result<Session> {
        let value = Amount::from_sat(1_000_000 + number);
        let funding = funding_transaction(script_pubkey(&self.public), value);
        let payment = Payment {
            to: ScriptBuf::from_bytes([&[0x51, 0x20][..], &[9; 32]].concat()),
            amount: Amount::from_sat(10_000),
            fee: Amount::from_sat(200),
        };
        let psbt = spending_psbt(&funding, 0, &self.public, payment)?;
        let plan = SpendPlan::new(&psbt, &self.public)?;
        let approve = Approve {
            key_group: self.public.key_group().clone(),
            artifact: Artifact::Psbt(psbt.to_bytes()),
            request: RequestId::new("bench")?,
            suite: SUITE,
            life: LIFE,
            replaces: None,
        };
        let replies = self.ask(vec![Command::Approve(approve)])?;
        let Some(Reply::Approved(approval)) = replies.into_iter().next() else {
            bail!("nothing was approved")
        };
        let approved = approval.inputs.first().context("an input of ours")?;
        Ok(Session {
            id: approved.session.clone(),
            input: plan.inputs().first().context("an input of ours")?.clone(),
        })
    }

    fn context(&self, session: &Session, number: u32) -> AttemptContext {
        AttemptContext {
            session: session.id.clone(),
            key_group: self.public.key_group().clone(),
            message: session.input.message,
            key_spec: session.input.key_spec.clone(),
            suite: SUITE,
            threshold: 2,
            share_epoch: 0,
            group_public: self.public.hash(),
            roster: Hash32([4; 32]),
            attempt_number: number,
            included: self.public.members().collect(),
            excluded: BTreeSet::new(),
            parked: BTreeSet::new(),
        }
    }

    /// Opens an attempt at members 1 and 2 and draws their nonces: what member 1 is to answer.
    ///
    /// # Errors
    /// The attempt is spent.
    pub fn committed(&mut self, session: &Session, number: u32) -> anyhow::Result<Round2> {
        let context = self.context(session, number);
        let ids = AttemptIds {
            coordinator: context.coordinator().context("members are included")?,
            fingerprint: context.fingerprint(),
            attempt: context.attempt_id().context("members are included")?,
        };
        let key = |member| AttemptKey {
            key_group: context.key_group.clone(),
            session: context.session.clone(),
            attempt: ids.attempt,
            member,
        };
        let mut commitments = Vec::new();
        for member in Member::all(2) {
            let open = Command::Open(Open {
                member,
                context: context.clone(),
                ids,
                life: LIFE,
            });
            let replies = self.ask(vec![open, Command::Round1(key(member))])?;
            let Some(Reply::Committed(drawn)) = replies.into_iter().nth(1) else {
                bail!("nothing was drawn")
            };
            commitments.push(MemberCommitments {
                member,
                hiding: drawn.hiding(),
                binding: drawn.binding(),
            });
        }
        Ok(Round2 {
            key: key(Member::new(1)?),
            package: SigningPackage {
                message: session.input.message,
                key_spec: session.input.key_spec.clone(),
                commitments,
            },
        })
    }
}
