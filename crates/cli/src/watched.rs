//! What an operator would see of all honest nodes while they sign.

use std::collections::BTreeMap;

use anyhow::{bail, Context};
use hardfrost_engine::Approval;
use hardfrost_evidence::Evidence;
use hardfrost_primitives::{Member, SessionId};
use hardfrost_seat::{Event, SessionReport};

use crate::cluster::Signing;

/// What the honest nodes have reported so far.
#[derive(Default)]
pub struct Watched {
    approvals: Vec<Approval>,
    ended: BTreeMap<SessionId, SessionReport>,
    ends: usize,
    convicted: BTreeMap<Member, Evidence>,
}

impl Watched {
    /// Takes an event of an honest node.
    ///
    /// # Errors
    /// The node's engine refused the request.
    pub fn event(&mut self, event: Event) -> anyhow::Result<()> {
        match event {
            Event::Approved(approval) => self.approvals.push(approval),
            Event::Refused(rejection) => bail!("a node refused: {rejection}"),
            Event::Convicted(member, proof) => {
                self.convicted.entry(member).or_insert(proof);
            }
            Event::Ended(report) => {
                self.ends += 1;
                self.ended.entry(report.session.clone()).or_insert(report);
            }
            Event::KeyMade(..) | Event::KeyFailed(..) | Event::Changed(_) | Event::Recalled(_) => {}
        }
        Ok(())
    }

    /// Whether each of `honest` nodes has ended each of its sessions.
    pub fn all_ended(&self, honest: usize) -> bool {
        let sessions = self
            .approvals
            .first()
            .map_or(0, |approval| approval.inputs.len());
        self.approvals.len() == honest && self.ends == honest * sessions
    }

    /// What came of the request.
    ///
    /// # Errors
    /// Nobody approved, or the nodes explain the transaction differently.
    pub fn signing(mut self) -> anyhow::Result<Signing> {
        let approval = self
            .approvals
            .pop()
            .context("no node approved the transaction")?;
        if self
            .approvals
            .iter()
            .any(|other| other.inputs != approval.inputs)
        {
            bail!("the nodes explain the transaction differently");
        }
        let approved = approval.inputs.into_iter();
        let inputs: Vec<_> = approved.map(|input| (input.index, input.session)).collect();
        let wanted = inputs.iter();
        let sessions = wanted
            .filter_map(|(_, session)| self.ended.remove(session))
            .collect();
        Ok(Signing {
            inputs,
            sessions,
            convicted: self.convicted,
        })
    }
}
