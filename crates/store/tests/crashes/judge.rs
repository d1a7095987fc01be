//! Opens what a process left behind and compares it with what that process was told and told others.

use std::collections::BTreeSet;
use std::sync::Arc;

use hardfrost_engine::{Code, Command};
use hardfrost_frost::{GroupPublic, Signature};
use hardfrost_primitives::Hash32;
use hardfrost_store::{Opened, SealedFileError, Store, StoreError, Writer};

use crate::life::{secret_name, Home, CEREMONY, SECRET};
use crate::operator::{signing, Operator, Refused};
use crate::said::{digests, Said, Share};
use crate::signing::open;

/// How far something came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Come {
    #[default]
    NotTried,
    /// Nobody was told that it is there.
    Tried,
    There,
}

/// What must be found.
#[derive(Debug, Default)]
pub struct Expected {
    store: Come,
    file: Come,
    rotation: Come,
    generation: u64,
    records: Vec<String>,
    /// What there is instead, if what was asked last and not answered was done.
    or: Option<Vec<String>>,
    shares: Vec<Share>,
    signatures: Vec<(u64, u32, String)>,
    killed: bool,
    faulted: bool,
}

impl Expected {
    pub fn of(said: &[Said]) -> Self {
        let mut all = Self::default();
        for said in said.iter().cloned() {
            all.hear(said);
        }
        all
    }

    fn hear(&mut self, said: Said) {
        match said {
            Said::Creating => self.store = Come::Tried,
            Said::Created => self.store = Come::There,
            Said::Filing => self.file = Come::Tried,
            Said::Filed => self.file = Come::There,
            Said::Rotating => self.rotation = Come::Tried,
            Said::Rotated => self.rotation = Come::There,
            Said::Opened(generation) => {
                assert!(generation > self.generation, "a generation came back");
                self.generation = generation;
            }
            Said::Appending(_) if self.faulted => {}
            Said::Appending(more) => self.or = Some([self.records.clone(), more].concat()),
            Said::Compacting(all) => self.or = Some(all),
            Said::Durable | Said::NotWritten if self.faulted => panic!("the log went on"),
            Said::Durable => self.records = self.or.take().unwrap(),
            Said::NotWritten => self.or = None,
            // It stays open what was done; nothing is done any more.
            Said::Unknown => self.faulted = true,
            Said::Share(share) => self.shares.push(share),
            Said::Signature(sats, number, signature) => {
                self.signatures.push((sats, number, signature));
            }
            Said::Killed => self.killed = true,
            Said::Faulted | Said::Closed | Said::Failed(..) | Said::Done => {}
        }
    }

    /// Opens what is left, compares, and lives on. Whether something that was asked and not answered is not there.
    pub fn judge(&self, home: &Home) -> bool {
        let Some((Opened { store, records }, key)) = self.opened(home) else {
            return self.store == Come::Tried;
        };
        let found = digests(&records);
        let lost = self.or.as_ref().is_some_and(|or| *or != found);
        let as_expected = found == self.records || self.or.as_ref() == Some(&found);
        assert!(as_expected, "found {found:?} instead of {self:#?}");
        assert!(store.generation() > self.generation);
        self.judge_file(&store);
        let mut operator = Operator::new(&records, store.writer(), drop);
        let old = self.old_key(&mut operator);
        let killed = old.as_ref().is_some_and(|public| {
            self.judge_signings(&mut operator, public);
            is_killed(&mut operator, public)
        });
        assert!(killed || !self.killed, "the kill switch is off again");
        let public = match old {
            Some(public) if !killed => public,
            Some(_) | None => operator.make_key(Hash32([2; 32])).unwrap(),
        };
        self.sign_on(&mut operator, &public);
        let before = operator.engine.status();
        drop(operator);
        store.close().unwrap();
        let opened = Store::open(&home.dir, &home.key(key)).unwrap();
        let after = Operator::new(&opened.records, opened.store.writer(), drop);
        let after = after.engine.status();
        assert_eq!((after.keys, after.records), (before.keys, before.records));
        lost
    }

    /// The store, and the key that opened it; none where there was none, and one could be made.
    fn opened(&self, home: &Home) -> Option<(Opened, &'static str)> {
        let opened = Store::open(&home.dir, &home.key("old")).map(|opened| (opened, "old"));
        let opened = match (opened, self.rotation) {
            (Err(StoreError::WrongKey), Come::Tried | Come::There) => {
                Store::open(&home.dir, &home.key("new")).map(|opened| (opened, "new"))
            }
            (Ok(_), Come::There) => panic!("the old key opens a store that has a new one"),
            (opened, _) => opened,
        };
        match (opened, self.store) {
            (Ok(opened), Come::Tried | Come::There) => Some(opened),
            (Err(StoreError::Absent(_)), Come::Tried | Come::NotTried) => {
                Store::create(&home.dir, &home.key("old")).unwrap();
                let opened = Store::open(&home.dir, &home.key("old")).unwrap();
                assert!(opened.records.is_empty());
                None
            }
            (Ok(_), Come::NotTried) => panic!("a store from nowhere"),
            (Err(error), _) => panic!("{error} where {self:#?} was expected"),
        }
    }

    fn judge_file(&self, store: &Store) {
        let file = store.file(secret_name());
        match (file.read(), self.file) {
            (Ok(secret), Come::Tried | Come::There) => assert_eq!(secret.as_slice(), SECRET),
            (Err(SealedFileError::Absent(_)), Come::Tried | Come::NotTried) => {
                file.create(SECRET).unwrap();
            }
            (Ok(_), Come::NotTried) => panic!("a file from nowhere"),
            (Err(error), _) => panic!("{error}"),
        }
    }

    /// The first key, installed to its end if it was only pending.
    fn old_key(&self, operator: &mut Operator<Writer>) -> Option<Arc<GroupPublic>> {
        let public = operator.install(CEREMONY).unwrap();
        assert!(public.is_some() || self.shares.is_empty());
        public
    }

    /// No attempt of which a share left gives another one; every signature is the group's.
    fn judge_signings(&self, operator: &mut Operator<Writer>, public: &Arc<GroupPublic>) {
        for Share {
            sats, number, seat, ..
        } in &self.shares
        {
            let signing = signing(public, *sats);
            let spent = Some(Code::ConsumedNonceReplay);
            let package = signing.package(Vec::new());
            let round2 = Command::Round2(signing.round2(*number, *seat, &package));
            assert_eq!(code(operator.ask(round2)), spent);
            let opened = code(operator.ask(Command::Open(open(signing.context(*number), *seat))));
            let policy = Some(Code::LifecyclePolicyRejected);
            assert!(opened == spent || opened == policy, "{opened:?}");
        }
        for (sats, number, signature) in &self.signatures {
            let signing = signing(public, *sats);
            let bytes = hex::decode(signature).unwrap();
            assert!(signing.is_signed_by(&Signature(bytes.try_into().unwrap())));
            let open = Command::Open(open(signing.context(*number), 3));
            let opened = code(operator.ask(open));
            let over = [
                Code::AttemptAlreadyAggregated,
                Code::LifecyclePolicyRejected,
            ];
            assert!(
                opened.is_some_and(|code| over.contains(&code)),
                "{opened:?}"
            );
        }
    }

    /// A payment that was never heard of is signed, with nonces that were never seen.
    fn sign_on(&self, operator: &mut Operator<Writer>, public: &Arc<GroupPublic>) {
        let signing = (9_000_000, operator.approve(public, 9_000_000).unwrap());
        let package = operator.sign(&signing, 1).unwrap();
        let seen: BTreeSet<&str> = self.shares.iter().map(|s| s.commitments.as_str()).collect();
        assert_eq!(seen.len(), self.shares.len(), "one nonce pair, two shares");
        for entry in &package.commitments {
            let drawn = hex::encode([entry.hiding, entry.binding].concat());
            assert!(!seen.contains(drawn.as_str()));
        }
    }
}

fn code<T>(asked: Result<T, Refused>) -> Option<Code> {
    asked.err().map(|Refused(rejection)| rejection.code())
}

/// The record of the switch may be there though nobody was told.
fn is_killed(operator: &mut Operator<Writer>, public: &Arc<GroupPublic>) -> bool {
    let never_approved = signing(public, 4_000_000);
    let refused = code(operator.ask(Command::Open(open(never_approved.context(1), 1))));
    match refused {
        Some(Code::LifecyclePolicyRejected) => true,
        Some(Code::SigningPolicyRejected) => false,
        other => panic!("{other:?}"),
    }
}
