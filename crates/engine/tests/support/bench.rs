//! A group at work on one approved message: the steps of an attempt, each at the process that holds the seat.

use std::collections::BTreeMap;

use hardfrost_engine::{Aggregate, MemberCommitments, Rejection, SigningPackage};
use hardfrost_frost::{Signature, SignatureShare};
use hardfrost_primitives::{Limits, Member, Now};

use super::group::{Group, Node};
use super::signing::Signing;
use super::{at, durable, member};

/// A group and what it signs.
pub struct Bench {
    pub group: Group,
    pub signing: Signing,
}

impl Bench {
    /// A t-of-n key and one approved transaction.
    pub fn new(threshold: u16, count: u16) -> Self {
        Self::of(Group::new(threshold, count))
    }

    pub fn with(threshold: u16, count: u16, limits: Limits) -> Self {
        Self::of(Group::with(threshold, count, limits))
    }

    pub fn of(mut group: Group) -> Self {
        let signing = group.approve(1_000_000);
        Self { group, signing }
    }

    pub fn node(&mut self, seat: u16) -> &mut Node {
        self.group.node(seat)
    }

    pub fn open(&mut self, now: Now, number: u32, seat: u16) -> Result<bool, Rejection> {
        let request = self.signing.open(number, seat);
        let opened = self.node(seat).engine.open(now, request)?;
        Ok(opened.idempotent)
    }

    pub fn round1(
        &mut self,
        now: Now,
        number: u32,
        seat: u16,
    ) -> Result<MemberCommitments, Rejection> {
        let key = self.signing.key(number, seat);
        let Node { engine, rng, .. } = self.node(seat);
        let commitments = engine.round1(now, &key, rng)?;
        Ok(MemberCommitments {
            member: member(seat),
            hiding: commitments.hiding(),
            binding: commitments.binding(),
        })
    }

    /// Open and Round1 at each of `seats`, and the package of their commitments.
    pub fn package(&mut self, number: u32, seats: &[u16]) -> SigningPackage {
        let mut commitments = Vec::new();
        for seat in seats {
            self.open(at(0), number, *seat).unwrap();
            commitments.push(self.round1(at(0), number, *seat).unwrap());
        }
        self.signing.package(commitments)
    }

    /// Round2 with its record made durable.
    pub fn round2(
        &mut self,
        now: Now,
        (number, seat): (u32, u16),
        package: &SigningPackage,
    ) -> Result<SignatureShare, Rejection> {
        let request = self.signing.round2(number, seat, package);
        let Node { engine, log, .. } = self.node(seat);
        let staged = engine.round2(now, request)?;
        engine.release(durable(staged, log))
    }

    /// The shares of everybody in the package.
    pub fn shares(
        &mut self,
        number: u32,
        package: &SigningPackage,
    ) -> BTreeMap<Member, SignatureShare> {
        let seats = package.commitments.iter().map(|entry| entry.member);
        let share = |seat: Member| {
            let attempt = (number, seat.number());
            (seat, self.round2(at(0), attempt, package).unwrap())
        };
        seats.map(share).collect()
    }

    pub fn aggregate_request(
        &self,
        (number, seat): (u32, u16),
        package: &SigningPackage,
        shares: &BTreeMap<Member, SignatureShare>,
    ) -> Aggregate {
        Aggregate {
            key: self.signing.key(number, seat),
            package: package.clone(),
            shares: shares.clone(),
        }
    }

    /// Aggregate with its record made durable.
    pub fn aggregate(&mut self, seat: u16, request: Aggregate) -> Result<Signature, Rejection> {
        let Node { engine, log, .. } = self.node(seat);
        let done = engine.aggregate(request)?.run()?;
        let staged = engine.complete(done)?;
        engine.release_signature(durable(staged, log))
    }

    /// A whole attempt, from Open to a signature that verifies.
    pub fn sign(&mut self, number: u32, seats: &[u16]) -> Signature {
        let package = self.package(number, seats);
        let shares = self.shares(number, &package);
        let request = self.aggregate_request((number, seats[0]), &package, &shares);
        let signature = self.aggregate(seats[0], request).unwrap();
        assert!(self.signing.is_signed_by(&signature));
        signature
    }
}
