//! A signer that holds all seats of its group: one engine, one log. The same code lives in the process under test and
//! goes on in the one that found its remains.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hardfrost_engine::{
    serve, Abort, Aggregate, Approve, Artifact, CeremonySeat, Code, Command, DkgOpen, DkgSeal,
    EmergencyRekey, EncodedRecord, Engine, Install, Log, LogError, MemberCommitments, Reason,
    Rejection, Reply, SigningPackage, Ticket,
};
use hardfrost_frost::dkg::Seat;
use hardfrost_frost::{GroupPublic, Region, SignatureShare};
use hardfrost_primitives::derive::session_id;
use hardfrost_primitives::{Hash32, Limits, Member, Monotonic, Now, RequestId, UnixTime};
use hardfrost_spend::{
    funding_transaction, script_pubkey, spending_psbt, Amount, OurInput, Payment, ScriptBuf,
    SpendPlan, UnsignedPsbt,
};
use rand_core::OsRng;

use crate::member;
use crate::said::{digests, Said, Share};
use crate::signing::{open, Signing, SUITE};

pub const SEATS: [u16; 3] = [1, 2, 3];
const CERTIFICATE: Hash32 = Hash32([0xce; 32]);
const TRANSCRIPT: Hash32 = Hash32([0x7a; 32]);

/// Why a life does not go on as it was.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused(pub Rejection);

/// Where it is told what happens.
pub type Voice = fn(Said);

/// A log that tells what it is asked and what it answers.
pub struct Telling<L> {
    log: L,
    voice: Voice,
}

pub struct Operator<L> {
    pub engine: Engine,
    pub log: Telling<L>,
}

impl<L: Log> Log for Telling<L> {
    fn append_durably(&mut self, records: &[EncodedRecord]) -> Result<(), LogError> {
        (self.voice)(Said::Appending(digests(records)));
        let answer = self.log.append_durably(records);
        (self.voice)(match answer {
            Ok(()) => Said::Durable,
            Err(LogError::NotWritten) => Said::NotWritten,
            Err(LogError::Unknown) => Said::Unknown,
        });
        answer
    }

    fn replay(&mut self) -> Result<Vec<EncodedRecord>, LogError> {
        self.log.replay()
    }
}

pub fn now() -> Now {
    Now {
        mono: Monotonic::after_start(Duration::from_secs(10)),
        utc: UnixTime(1_750_000_000),
    }
}

fn request() -> RequestId {
    RequestId::new("test").unwrap()
}

fn payment(public: &GroupPublic, sats: u64) -> UnsignedPsbt {
    let funding = funding_transaction(script_pubkey(public), Amount::from_sat(sats));
    let payment = Payment {
        to: ScriptBuf::from_bytes([&[0x51, 0x20][..], &[9; 32]].concat()),
        amount: Amount::from_sat(10_000),
        fee: Amount::from_sat(200),
    };
    spending_psbt(&funding, 0, public, payment).unwrap()
}

/// What is signed for the payment of so much, approved or not.
pub fn signing(public: &Arc<GroupPublic>, sats: u64) -> Signing {
    let plan = SpendPlan::new(&payment(public, sats), public).unwrap();
    let OurInput {
        message, key_spec, ..
    } = plan.inputs()[0].clone();
    let group = public.key_group();
    Signing {
        public: public.clone(),
        suite: SUITE,
        session: session_id(group, &message, &key_spec, SUITE, &request()),
        message,
        key_spec,
    }
}

type Done<T> = Result<T, Refused>;

impl<L: Log> Operator<L> {
    pub fn new(records: &[EncodedRecord], log: L, voice: Voice) -> Self {
        Self::within(Region::new().unwrap(), records, log, voice)
    }

    /// The same with its secrets in this region.
    pub fn within(region: Region, records: &[EncodedRecord], log: L, voice: Voice) -> Self {
        let (limits, tags) = (Limits::default(), BTreeSet::new());
        Self {
            engine: Engine::recover_in(region, limits, tags, records).unwrap(),
            log: Telling { log, voice },
        }
    }

    fn tell(&self, said: Said) {
        (self.log.voice)(said);
    }

    /// One batch, hence one append.
    fn batch(&mut self, commands: Vec<Command>) -> Done<Vec<Reply>> {
        let commands = (1..).map(Ticket).zip(commands).collect();
        let mut replies = serve(&mut self.engine, &mut self.log, now(), &mut OsRng, commands);
        replies.sort_by_key(|(ticket, _)| *ticket);
        let reply = |(_, reply)| {
            if let Reply::Rejected(rejection) = reply {
                Err(Refused(rejection))
            } else {
                Ok(reply)
            }
        };
        replies.into_iter().map(reply).collect()
    }

    pub fn ask(&mut self, command: Command) -> Done<Reply> {
        Ok(self.batch(vec![command])?.remove(0))
    }

    /// A 2-of-3 key of our own three seats: all shares pending in one append, then each seat installed.
    pub fn make_key(&mut self, ceremony: Hash32) -> Done<Arc<GroupPublic>> {
        let seat = |number| CeremonySeat {
            ceremony,
            member: member(number),
        };
        let mut shown = BTreeMap::new();
        for number in SEATS {
            let seat = Seat {
                ceremony,
                member: member(number),
                threshold: 2,
                count: 3,
            };
            let Reply::DkgDealt(round1) = self.ask(Command::DkgDeal(seat))? else {
                panic!("dealt nothing");
            };
            shown.insert(member(number), round1);
        }
        let mut sealed = BTreeMap::new();
        for number in SEATS {
            let mut others = shown.clone();
            others.remove(&member(number));
            let request = DkgSeal {
                seat: seat(number),
                transcript: TRANSCRIPT,
                others,
            };
            let Reply::DkgSealed(shares) = self.ask(Command::DkgSeal(request))? else {
                panic!("sealed nothing");
            };
            sealed.insert(member(number), shares);
        }
        let opens = SEATS.map(|number| {
            let to_us = |(from, to): (&Member, &BTreeMap<Member, _>)| {
                Some((*from, *to.get(&member(number))?))
            };
            Command::DkgOpen(DkgOpen {
                seat: seat(number),
                sealed: sealed.iter().filter_map(to_us).collect(),
                transcript: TRANSCRIPT,
            })
        });
        self.batch(opens.into())?;
        Ok(self.install(ceremony)?.unwrap())
    }

    /// Installs what is pending of a ceremony; nothing, if nothing is.
    pub fn install(&mut self, ceremony: Hash32) -> Done<Option<Arc<GroupPublic>>> {
        let mut public = None;
        for number in SEATS {
            let install = Install {
                seat: CeremonySeat {
                    ceremony,
                    member: member(number),
                },
                certificate: CERTIFICATE,
                file: b"certified by everybody".to_vec(),
            };
            match self.ask(Command::Install(install)) {
                Ok(Reply::Installed(group)) => public = Some(group),
                Err(Refused(r)) if r.code() == Code::ValidationError && public.is_none() => {}
                Err(refused) => return Err(refused),
                Ok(other) => panic!("{other:?}"),
            }
        }
        Ok(public)
    }

    /// Approves the payment of so much.
    pub fn approve(&mut self, public: &Arc<GroupPublic>, sats: u64) -> Done<Signing> {
        let approve = Approve {
            key_group: public.key_group().clone(),
            artifact: Artifact::Psbt(payment(public, sats).to_bytes()),
            request: request(),
            suite: SUITE,
            life: Duration::from_secs(3600),
            replaces: None,
        };
        let Reply::Approved(approval) = self.ask(Command::Approve(approve))? else {
            panic!("approved nothing");
        };
        let signing = signing(public, sats);
        assert_eq!(approval.inputs[0].session, signing.session);
        Ok(signing)
    }

    /// Opens an attempt at two seats and draws their nonces.
    pub fn commit(&mut self, signing: &Signing, number: u32) -> Done<SigningPackage> {
        let mut commitments = Vec::new();
        for seat in [1, 2] {
            self.ask(Command::Open(open(signing.context(number), seat)))?;
            let reply = self.ask(Command::Round1(signing.key(number, seat)))?;
            let Reply::Committed(drawn) = reply else {
                panic!("{reply:?}");
            };
            commitments.push(MemberCommitments {
                member: member(seat),
                hiding: drawn.hiding(),
                binding: drawn.binding(),
            });
        }
        Ok(signing.package(commitments))
    }

    /// One seat's share.
    pub fn share(
        &mut self,
        signing: &(u64, Signing),
        (number, seat): (u32, u16),
        package: &SigningPackage,
    ) -> Done<SignatureShare> {
        let (sats, signing) = signing;
        let round2 = signing.round2(number, seat, package);
        let reply = self.ask(Command::Round2(round2))?;
        let Reply::Share(share) = reply else {
            panic!("{reply:?}");
        };
        let mut own = package.commitments.iter();
        let own = own.find(|entry| entry.member == member(seat)).unwrap();
        self.tell(Said::Share(Share {
            sats: *sats,
            number,
            seat,
            commitments: hex::encode([own.hiding, own.binding].concat()),
        }));
        Ok(share)
    }

    /// A whole attempt, up to a signature that verifies.
    pub fn sign(&mut self, signing: &(u64, Signing), number: u32) -> Done<SigningPackage> {
        let package = self.commit(&signing.1, number)?;
        let mut shares = BTreeMap::new();
        for seat in [1, 2] {
            shares.insert(member(seat), self.share(signing, (number, seat), &package)?);
        }
        let aggregate = Aggregate {
            key: signing.1.key(number, 1),
            package: package.clone(),
            shares,
        };
        let reply = self.ask(Command::Aggregate(aggregate))?;
        let Reply::Signed(signature) = reply else {
            panic!("{reply:?}");
        };
        assert!(signing.1.is_signed_by(&signature));
        self.tell(Said::Signature(signing.0, number, signature.to_string()));
        Ok(package)
    }

    pub fn abort(&mut self, signing: &Signing, number: u32) -> Done<()> {
        let key = signing.key(number, 1);
        let abort = Abort {
            key_group: key.key_group,
            session: key.session,
            attempt: Some(key.attempt),
            member: None,
        };
        assert_eq!(self.ask(Command::Abort(abort))?, Reply::Aborted(true));
        Ok(())
    }

    pub fn kill(&mut self, public: &GroupPublic) -> Done<()> {
        let rekey = EmergencyRekey {
            key_group: public.key_group().clone(),
            session: None,
            reason: Reason::new("a laptop was stolen").unwrap(),
        };
        let reply = self.ask(Command::EmergencyRekey(rekey))?;
        assert!(matches!(reply, Reply::Changed(_)), "{reply:?}");
        self.tell(Said::Killed);
        Ok(())
    }

    /// After a write of which nothing is known: the engine refuses everything, and so does the log.
    pub fn refuses_everything(&mut self) -> bool {
        let told = self.log.log.append_durably(&[]) == Err(LogError::Unknown);
        let seat = Seat {
            ceremony: Hash32([9; 32]),
            member: member(1),
            threshold: 2,
            count: 3,
        };
        let engine = self.ask(Command::DkgDeal(seat)) == Err(Refused(Rejection::StorageFault));
        let snapshot = self.engine.snapshot(now()).err() == Some(Rejection::StorageFault);
        told && engine && snapshot && self.engine.live_attempts() == 0
    }
}
