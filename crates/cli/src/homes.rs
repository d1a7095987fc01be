//! What the nodes in this process begin with: operator keys that leave nothing behind.

use std::collections::BTreeSet;

use hardfrost_node::{operator_secret, random};
use hardfrost_primitives::{Member, Suite};
use hardfrost_wire::{Operator, OperatorKey, Roster};
use zeroize::Zeroizing;

/// What one node begins with.
pub struct Home {
    /// Its seat.
    pub member: Member,
    /// Its operator's secret key.
    pub secret: Zeroizing<[u8; 32]>,
}

/// All nodes of a group, and who their operators are.
pub struct Homes {
    pub roster: Roster,
    /// By member, ascending.
    pub homes: Vec<Home>,
}

/// New operators, one for each seat, who sign with `suite`.
///
/// # Errors
/// There is no roster of that size.
fn roster<'a>(
    suite: Suite,
    secrets: impl IntoIterator<Item = (Member, &'a Zeroizing<[u8; 32]>)>,
) -> anyhow::Result<Roster> {
    let operator = |(member, secret): (Member, &Zeroizing<[u8; 32]>)| {
        Ok(Operator {
            name: format!("operator-{member}"),
            key: OperatorKey::new(secret, random())?.public(),
            seats: BTreeSet::from([member]),
        })
    };
    let operators: anyhow::Result<Vec<Operator>> = secrets.into_iter().map(operator).collect();
    Ok(Roster::new(suite, operators?)?)
}

impl Homes {
    /// `count` new operators that leave nothing behind.
    ///
    /// # Errors
    /// There is no roster of that size.
    pub fn in_memory(suite: Suite, count: u16) -> anyhow::Result<Self> {
        let homes: Vec<Home> = Member::all(count)
            .map(|member| Home {
                member,
                secret: operator_secret(),
            })
            .collect();
        let roster = roster(suite, homes.iter().map(|home| (home.member, &home.secret)))?;
        Ok(Self { roster, homes })
    }
}
