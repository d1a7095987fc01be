//! The rows of signing.

use std::time::Duration;

use anyhow::Context;
use hardfrost_primitives::Suite;

use crate::bare::{two_products, two_sums};
use crate::clock::{medians, Measured};
use crate::stage::{Sides, Stage};
use crate::table::{micros, Row};

const LIBRARY: &str = "FROST library";
const PEER: &str = "schnorr_fun";
const ROUNDS: usize = 31;

/// The medians of so many sides.
fn of<const N: usize>(
    rounds: usize,
    mut sides: [Measured<'_>; N],
) -> anyhow::Result<[Duration; N]> {
    let medians = medians(rounds, &mut sides).try_into().ok();
    medians.context("every side has a median")
}

/// Medians of a row: ours, the library's, the other crate's.
type Three = [Duration; 3];

/// Medians of everything, under `bip445` where nothing else is said.
struct Costs {
    commit: Three,
    round2: Three,
    aggregate: Three,
    verify: Three,
    blame: Three,
    tr_round2: Three,
}

impl Costs {
    fn of(stage: &Stage) -> anyhow::Result<Self> {
        let judging = stage.judging()?;
        let three = |sides: Sides<'_>| of(ROUNDS, sides);
        let verify = three(judging.verify()?)?;
        Ok(Self {
            commit: of(ROUNDS * 3, stage.commit()?)?,
            round2: three(stage.round2(Suite::Bip445)?)?,
            aggregate: three(judging.aggregate())?,
            verify,
            blame: of(ROUNDS / 3, judging.blame())?,
            tr_round2: three(stage.round2(Suite::Tr)?)?,
        })
    }

    /// n commit, t sign, the coordinator checks every share, the others sum once.
    fn robust(&self, (t, n): (u16, u16)) -> Three {
        let (t, n) = (u32::from(t), u32::from(n));
        let whole = |side: fn(&Three) -> Duration| {
            let parts = [&self.commit, &self.round2, &self.verify, &self.aggregate];
            let [commit, round2, verify, sum] = parts.map(side);
            commit * n + round2 * t + verify * t + sum * (n - 1)
        };
        [
            whole(|[ours, ..]| *ours),
            whole(|[_, theirs, _]| *theirs),
            whole(|[.., peer]| *peer),
        ]
    }
}

/// Round2 at the smallest and at the largest group of the suite.
fn growth() -> anyhow::Result<Row> {
    let (small, large) = (Stage::new((2, 128))?, Stage::new((128, 128))?);
    let suite = Suite::Bip445;
    let [few, many] = of(ROUNDS, [small.our_round2(suite)?, large.our_round2(suite)?])?;
    let [sum_few, sum_many] = of(ROUNDS, [two_sums(2), two_sums(128)])?;
    let rest = micros(many.saturating_sub(sum_many)) / micros(few.saturating_sub(sum_few));
    let row = Row::new(
        "round2 bip445, t = 128",
        (many, few),
        ("the same, t = 2", 1.5),
    );
    Ok(row.noted(format!(
        "to sum 2 · 128 commitments takes libsecp256k1 {:.0} µs, a quarter of a microsecond for \
         each addition, and there is no signature share without these sums; without them round2 \
         grows {rest:.2} times. Next: sum while commitments arrive, so that round2 finds the sums \
         made",
        micros(sum_many)
    )))
}

fn commit(three: Three) -> anyhow::Result<Row> {
    let [ours, theirs, _] = three;
    let [products] = of(ROUNDS * 3, [two_products()])?;
    let row = Row::new("commit", (ours, theirs), (LIBRARY, 0.35));
    Ok(row.noted(format!(
        "two constant-time k·G of libsecp256k1 are {:.0} µs of it, {:.2} of the yardstick alone: \
         {:.0} µs each where the goal counts 10, for the bindings build 4 bits of precomputation. \
         Their 0.31 takes 0.85 of that: not enough. Next: bindings that build libsecp256k1's \
         table of 86 KiB",
        micros(products),
        micros(products) / micros(theirs),
        micros(products) / 2.0,
    )))
}

/// All rows of signing, for t-of-n.
pub fn rows(size: (u16, u16)) -> anyhow::Result<Vec<Row>> {
    let costs = Costs::of(&Stage::new(size)?)?;
    let robust = costs.robust(size);
    let aggregate = "aggregate and verify, honest, sums included";
    let blame = "find all bad shares, all are bad";
    let verify = "verify one share, session cached";
    let whole = "one robust signing, all nodes (composed)";
    let round2 = "round2 bip445, sums included";
    let row = |what: &str, [ours, theirs, _]: Three, goal| {
        Row::new(what, (ours, theirs), (LIBRARY, goal))
    };
    let beside =
        |what: &str, [ours, _, peer]: Three, goal| Row::new(what, (ours, peer), (PEER, goal));
    Ok(vec![
        commit(costs.commit)?,
        row(round2, costs.round2, 0.04),
        beside(round2, costs.round2, 0.8),
        row(aggregate, costs.aggregate, 0.06),
        beside(aggregate, costs.aggregate, 0.7),
        row(blame, costs.blame, 0.35),
        beside(blame, costs.blame, 0.5),
        row(verify, costs.verify, 0.035),
        beside(verify, costs.verify, 0.45),
        row(whole, robust, 0.05),
        beside(whole, robust, 0.6),
        row("round2 tr, the library's bytes", costs.tr_round2, 0.45),
        growth()?,
    ])
}
