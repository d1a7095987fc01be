//! An engine on a store that is open for one order, while its node is stopped.

use std::collections::BTreeSet;
use std::path::Path;
use std::str::FromStr;

use anyhow::{bail, ensure, Context};
use hardfrost_engine::{serve, Changed, Command, Engine, Reply, Ticket};
use hardfrost_node::Clock;
use hardfrost_primitives::{KeyGroup, Limits, Member, SessionId};
use hardfrost_store::{KeyProvider, Opened, Store, StoreDir};
use rand_core::OsRng;

/// A store, open, and the engine that it makes.
pub struct Desk {
    store: Store,
    engine: Engine,
}

impl Desk {
    /// Opens the store and recovers its engine.
    ///
    /// # Errors
    /// A store that does not open, a log that makes no engine.
    pub fn open(folder: &Path, provider: &KeyProvider) -> anyhow::Result<Self> {
        hardfrost_node::no_identity(folder)?;
        let Opened { store, records } = Store::open(&StoreDir::new(folder), provider)?;
        let engine = Engine::recover(Limits::default(), BTreeSet::new(), &records)?;
        Ok(Self { store, engine })
    }

    /// The group that is meant: the one that is named, or the only one.
    ///
    /// # Errors
    /// The engine does not hold it, or several and none is named.
    pub fn group(&self, named: Option<&str>) -> anyhow::Result<KeyGroup> {
        let held = self.engine.held_keys();
        let groups: BTreeSet<&KeyGroup> = held.iter().map(|key| key.public.key_group()).collect();
        if let Some(named) = named {
            let group = KeyGroup::from_str(named).context("the group")?;
            ensure!(
                groups.contains(&group),
                "this store holds no share of {group}"
            );
            return Ok(group);
        }
        let mut groups = groups.into_iter();
        match (groups.next(), groups.next()) {
            (Some(only), None) => Ok(only.clone()),
            (None, _) => bail!("this store holds no key that signs"),
            (Some(_), Some(_)) => bail!("this store holds several keys: name one with --group"),
        }
    }

    /// A member of a group.
    ///
    /// # Errors
    /// The group has no such member.
    pub fn member(&self, group: &KeyGroup, number: u16) -> anyhow::Result<Member> {
        let member = Member::new(number).context("the member")?;
        let public = self.engine.group(group);
        ensure!(
            public.is_some_and(|public| public.members().any(|m| m == member)),
            "the group has no member {number}: it has 1 to {}",
            public.map_or(0, |public| public.count())
        );
        Ok(member)
    }

    /// Whether the store holds this member's share.
    pub fn is_ours(&self, group: &KeyGroup, member: Member) -> bool {
        let held = self.engine.held_keys();
        let mut ours = held.iter().filter(|key| key.public.key_group() == group);
        ours.any(|key| key.seats.contains(&member))
    }

    /// Whether the store has heard of a session of a group.
    pub fn knows(&self, group: &KeyGroup, session: &SessionId) -> bool {
        self.engine.groups_of_session(session).contains(group)
    }

    /// Gives one order, makes it durable, and closes the store.
    ///
    /// # Errors
    /// It is refused, or the disk fails.
    pub fn order(mut self, command: Command) -> anyhow::Result<Changed> {
        let commands = vec![(Ticket(0), command)];
        let mut log = self.store.writer();
        let mut replies = serve(
            &mut self.engine,
            &mut log,
            Clock::start().now(),
            &mut OsRng,
            commands,
        );
        let reply = replies.pop().map(|(_, reply)| reply);
        self.store.close()?;
        match reply {
            Some(Reply::Changed(changed)) => Ok(changed),
            Some(Reply::Rejected(rejection)) => Err(rejection.into()),
            Some(_) | None => bail!("the engine did not answer what it was asked"),
        }
    }
}
