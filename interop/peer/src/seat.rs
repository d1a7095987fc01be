//! The member: from dealing to aggregating.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use hardfrost_frost::dkg::{self, AwaitShares, Dealing, DkgFault};
use hardfrost_frost::{
    aggregate, sign, verify_share, AggregateError, CheckedPackage, Commitments, DerivedGroup,
    DerivedShare, GroupPublic, KeyShare, Region, ShareFault, ShareVerdict, Signature,
    SignatureShare, SigningNonces,
};
use hardfrost_primitives::{Hash32, KeySpec, Member, Message, Suite};
use rand_chacha::rand_core::SeedableRng;
use rand_chacha::ChaCha20Rng;
use serde_json::{json, Value};
use zeroize::Zeroizing;

use crate::wire::{
    by_member, identifier, member, Claim, Deal, Dealt, Hex, Package, Pair, Request, Shown,
};
use crate::Refusal;

/// How far the member is.
#[derive(Default)]
enum Stage {
    #[default]
    Empty,
    Dealing(Dealing),
    AwaitShares(AwaitShares),
    Holding(KeyShare),
}

#[derive(Default)]
pub(crate) struct Seat {
    stage: Stage,
    nonces: Option<SigningNonces>,
    rng: Option<ChaCha20Rng>,
}

impl Seat {
    pub(crate) fn answer(&mut self, request: Request) -> Result<Value, Refusal> {
        match request {
            Request::Deal(deal) => self.deal(&deal),
            Request::Seal { transcript, others } => {
                let others = by_member(others, |shown: Shown| Ok(shown.into()))?;
                self.seal(Hash32(transcript.0), &others)
            }
            Request::Open { sealed } => self.open(&by_member(sealed, |share| Ok(share.0))?),
            Request::Dealt(dealt) => self.dealt(dealt),
            Request::Commit { suite } => self.commit(suite.0),
            Request::Sign { package } => self.sign(package),
            Request::VerifyShare(claim) => self.verify_share(claim),
            Request::Aggregate { package, shares } => {
                let shares = by_member(shares, |share| Ok(SignatureShare(share.0)))?;
                self.aggregate(package, &shares)
            }
            Request::Verify(it) => {
                let valid = Signature(it.signature.0).verifies(&Message(it.message.0), &it.key.0);
                Ok(json!({ "valid": valid }))
            }
        }
    }

    fn deal(&mut self, deal: &Deal) -> Result<Value, Refusal> {
        let seat = dkg::Seat {
            ceremony: Hash32(deal.ceremony.0),
            member: member(&deal.identifier)?,
            threshold: deal.threshold,
            count: deal.count,
        };
        let mut rng = ChaCha20Rng::from_seed(deal.seed.0);
        let (dealing, shown) = dkg::deal(seat, &Region::new()?, &mut rng)?;
        self.rng = Some(rng);
        self.stage = Stage::Dealing(dealing);
        Ok(serde_json::to_value(Shown::from(shown))?)
    }

    fn dealt(&mut self, dealt: Dealt) -> Result<Value, Refusal> {
        let shares: Vec<_> = dealt.verifying_shares.into_iter().map(|s| s.0).collect();
        let group = GroupPublic::dangerous_dealt(dealt.key.0, dealt.threshold, &shares)?;
        let secret = Zeroizing::new(dealt.signing_share.0);
        let (member, group) = (member(&dealt.identifier)?, Arc::new(group));
        let share = KeyShare::from_bytes(member, &secret, group, &Region::new()?)?;
        self.rng = Some(ChaCha20Rng::from_seed(dealt.seed.0));
        Ok(self.hold(share))
    }

    fn seal(
        &mut self,
        transcript: Hash32,
        others: &BTreeMap<Member, dkg::Round1>,
    ) -> Result<Value, Refusal> {
        let Stage::Dealing(dealing) = mem::take(&mut self.stage) else {
            return Err("nothing was dealt".into());
        };
        let (waiting, sealed) = match dealing.seal(transcript, others) {
            Ok(done) => done,
            Err(fault) => return Ok(blamed(fault)),
        };
        self.stage = Stage::AwaitShares(waiting);
        let sealed: BTreeMap<_, _> = sealed
            .into_iter()
            .map(|(to, share)| (identifier(to), Hex(share)))
            .collect();
        Ok(json!({ "sealed": sealed }))
    }

    fn open(&mut self, sealed: &BTreeMap<Member, dkg::SealedShare>) -> Result<Value, Refusal> {
        let Stage::AwaitShares(waiting) = mem::take(&mut self.stage) else {
            return Err("no shares are awaited".into());
        };
        match waiting.open(sealed) {
            Ok(share) => Ok(self.hold(share)),
            Err(fault) => Ok(blamed(fault)),
        }
    }

    /// Keeps the share and shows what everybody may know.
    fn hold(&mut self, share: KeyShare) -> Value {
        let group = share.group();
        let shares = group.verifying_shares();
        let shown = json!({
            "group": hex::encode(group.to_bytes()),
            "internal_key": Hex(*group.internal_key()),
            "key": Hex(group.verifying_key()),
            "verifying_shares": shares.into_iter().map(Hex).collect::<Vec<_>>(),
        });
        self.stage = Stage::Holding(share);
        shown
    }

    fn share(&self) -> Result<&KeyShare, Refusal> {
        match &self.stage {
            Stage::Holding(share) => Ok(share),
            Stage::Empty | Stage::Dealing(_) | Stage::AwaitShares(_) => Err("no key yet".into()),
        }
    }

    fn commit(&mut self, suite: Suite) -> Result<Value, Refusal> {
        let mut rng = self.rng.take().ok_or("no randomness yet")?;
        let nonces = self.share()?.commit(suite, &mut rng)?;
        self.rng = Some(rng);
        let commitments = nonces.commitments();
        self.nonces = Some(nonces);
        let pair = Pair {
            hiding: Hex(commitments.hiding()),
            binding: Hex(commitments.binding()),
        };
        Ok(serde_json::to_value(pair)?)
    }

    fn package(&self, package: Package) -> Result<(Arc<DerivedGroup>, CheckedPackage), Refusal> {
        let spec = KeySpec::from_bytes(&hex::decode(package.spec)?)?;
        let group = DerivedGroup::new(self.share()?.group().clone(), spec)?;
        let group = Arc::new(group);
        let commitments = by_member(package.commitments, |pair| {
            Ok(Commitments::from_bytes(&pair.hiding.0, &pair.binding.0)?)
        })?;
        let message = Message(package.message.0);
        let checked = CheckedPackage::new(package.suite.0, group.clone(), message, commitments)?;
        Ok((group, checked))
    }

    fn sign(&mut self, package: Package) -> Result<Value, Refusal> {
        let nonces = self.nonces.take().ok_or("no nonces: commit first")?;
        let (group, package) = self.package(package)?;
        let share = DerivedShare::new(self.share()?, group).ok_or("a share of another group")?;
        let made = sign(&share, nonces, &package)?;
        Ok(json!({ "share": Hex(made.0) }))
    }

    fn verify_share(&self, claim: Claim) -> Result<Value, Refusal> {
        let (_, package) = self.package(claim.package)?;
        let share = SignatureShare(claim.share.0);
        let verdict = match verify_share(&package, member(&claim.identifier)?, &share) {
            ShareVerdict::Valid => "valid",
            ShareVerdict::Undecodable => "undecodable",
            ShareVerdict::Invalid => "invalid",
            ShareVerdict::NotChosen => "not chosen",
        };
        Ok(json!({ "verdict": verdict }))
    }

    fn aggregate(
        &self,
        package: Package,
        shares: &BTreeMap<Member, SignatureShare>,
    ) -> Result<Value, Refusal> {
        let (group, package) = self.package(package)?;
        let key = Hex(group.output_key());
        match aggregate(&package, shares) {
            Ok(signature) => Ok(json!({ "signature": Hex(signature.0), "key": key })),
            Err(AggregateError::BadShares(bad)) => {
                let bad: BTreeMap<_, _> = bad
                    .into_iter()
                    .map(|candidate| (identifier(candidate.member), fault(candidate.fault)))
                    .collect();
                Ok(json!({ "bad": bad }))
            }
            Err(error @ (AggregateError::NotChosen(_) | AggregateError::Broken)) => {
                Err(error.into())
            }
        }
    }
}

fn fault(fault: ShareFault) -> &'static str {
    match fault {
        ShareFault::Missing => "missing",
        ShareFault::Undecodable => "undecodable",
        ShareFault::Invalid => "invalid",
    }
}

fn blamed(fault: DkgFault) -> Value {
    json!({
        "fault": fault.to_string(),
        "culprit": fault.culprit().map(identifier),
    })
}
