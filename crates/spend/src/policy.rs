//! Limits that an operator sets on what its engine signs, as pure functions over what a transaction does.

use borsh::{BorshDeserialize, BorshSerialize};
use hardfrost_primitives::Hash32;

use crate::SpendPlan;

/// One coin: the output of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct SpentCoin {
    /// The transaction, in the byte order of its hash.
    pub txid: [u8; 32],
    /// Which output.
    pub index: u32,
}

/// What a transaction does, as far as a policy asks. Outputs that come back to the group do not count.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SpendFacts {
    /// Outputs that are not ours.
    pub outputs: u32,
    /// Their sum, in satoshis.
    pub spent_sats: u64,
    /// The largest of them, in satoshis.
    pub largest_sats: u64,
    /// In satoshis.
    pub fee_sats: u64,
    /// In satoshis for 1000 units of weight.
    pub fee_rate_sats_per_kwu: u64,
    /// The transaction: two PSBTs may be of one.
    pub txid: [u8; 32],
    /// The coins of ours that it spends.
    pub coins: Vec<SpentCoin>,
}

/// The limits of one key group. An absent one does not limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Policy {
    /// Outputs that are not ours.
    pub output_count_max: Option<u32>,
    /// What they may sum to, in satoshis.
    pub total_output_sats_max: Option<u64>,
    /// What each may be, in satoshis.
    pub single_output_sats_max: Option<u64>,
    /// In satoshis.
    pub fee_sats_max: Option<u64>,
    /// In satoshis for 1000 units of weight.
    pub fee_rate_sats_per_kwu_max: Option<u64>,
}

/// The first limit that a transaction exceeds, as its stable word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyLimit {
    /// Too many outputs.
    #[error("output_count_exceeds_policy_limit")]
    OutputCount,
    /// Too much in all.
    #[error("total_output_value_exceeds_policy_limit")]
    TotalOutputValue,
    /// Too much in one output.
    #[error("single_output_value_exceeds_policy_limit")]
    SingleOutputValue,
    /// Too large a fee.
    #[error("fee_exceeds_policy_limit")]
    Fee,
    /// Too large a fee for its size.
    #[error("fee_rate_exceeds_policy_limit")]
    FeeRate,
}

impl Policy {
    /// Whether all limits are kept.
    ///
    /// # Errors
    /// The first that is not.
    pub fn check(&self, facts: &SpendFacts) -> Result<(), PolicyLimit> {
        let counted = self.output_count_max.map(u64::from);
        let limits = [
            (u64::from(facts.outputs), counted, PolicyLimit::OutputCount),
            (
                facts.spent_sats,
                self.total_output_sats_max,
                PolicyLimit::TotalOutputValue,
            ),
            (
                facts.largest_sats,
                self.single_output_sats_max,
                PolicyLimit::SingleOutputValue,
            ),
            (facts.fee_sats, self.fee_sats_max, PolicyLimit::Fee),
            (
                facts.fee_rate_sats_per_kwu,
                self.fee_rate_sats_per_kwu_max,
                PolicyLimit::FeeRate,
            ),
        ];
        let over =
            |&(found, most, _): &(u64, Option<u64>, _)| most.is_some_and(|most| found > most);
        match limits.into_iter().find(over) {
            Some((_, _, limit)) => Err(limit),
            None => Ok(()),
        }
    }

    /// The policy's name: H_tag("hardfrost/policy", its borsh bytes). Operators compare it.
    #[must_use]
    pub fn hash(&self) -> Hash32 {
        let bytes = borsh::to_vec(self).expect("writing to memory does not fail");
        Hash32::tagged("hardfrost/policy", &bytes)
    }
}

impl SpendFacts {
    /// Whether both cannot be confirmed: another transaction, and a coin in common.
    #[must_use]
    pub fn conflicts(&self, other: &Self) -> bool {
        self.txid != other.txid && self.coins.iter().any(|coin| other.coins.contains(coin))
    }
}

impl SpendPlan {
    /// What a policy asks about.
    #[must_use]
    pub fn facts(&self) -> SpendFacts {
        let foreign = self.outputs().iter().filter(|output| !output.is_ours);
        let largest = foreign.clone().map(|output| output.value.to_sat()).max();
        let coins = self.spends().iter().filter(|spend| spend.is_ours);
        SpendFacts {
            // A transaction has at most a thousand.
            outputs: u32::try_from(foreign.count()).unwrap_or(u32::MAX),
            spent_sats: self.spent().to_sat(),
            largest_sats: largest.unwrap_or_default(),
            fee_sats: self.fee().to_sat(),
            fee_rate_sats_per_kwu: self.fee_rate().to_sat_per_kwu(),
            txid: *self.txid().as_ref(),
            coins: coins
                .map(|spend| SpentCoin {
                    txid: *spend.outpoint.txid.as_ref(),
                    index: spend.outpoint.vout,
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_holds_alone_and_up_to_itself() {
        let facts = SpendFacts {
            outputs: 3,
            spent_sats: 70,
            largest_sats: 50,
            fee_sats: 9,
            fee_rate_sats_per_kwu: 11,
            txid: [0; 32],
            coins: Vec::new(),
        };
        type Limit = (fn(&mut Policy, u64), u64, PolicyLimit);
        let limits: [Limit; 5] = [
            (
                |p, most| p.output_count_max = u32::try_from(most).ok(),
                3,
                PolicyLimit::OutputCount,
            ),
            (
                |p, most| p.total_output_sats_max = Some(most),
                70,
                PolicyLimit::TotalOutputValue,
            ),
            (
                |p, most| p.single_output_sats_max = Some(most),
                50,
                PolicyLimit::SingleOutputValue,
            ),
            (|p, most| p.fee_sats_max = Some(most), 9, PolicyLimit::Fee),
            (
                |p, most| p.fee_rate_sats_per_kwu_max = Some(most),
                11,
                PolicyLimit::FeeRate,
            ),
        ];
        assert_eq!(Policy::default().check(&facts), Ok(()));
        for (set, most, limit) in limits {
            let mut policy = Policy::default();
            set(&mut policy, most);
            assert_eq!(policy.check(&facts), Ok(()));
            set(&mut policy, most - 1);
            assert_eq!(policy.check(&facts), Err(limit));
            assert_ne!(policy.hash(), Policy::default().hash());
        }
    }
}
