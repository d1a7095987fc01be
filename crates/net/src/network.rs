//! A network that was joined: its terms, its table, and the tasks that keep it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{sleep, sleep_until, Instant};

use crate::dial::keep_dialling;
use crate::endpoint::Counters;
use crate::error::TermsFault;
use crate::first::first_of;
use crate::hello::{Hello, VERSIONS};
use crate::keys::TransportPublic;
use crate::limits::NetLimits;
use crate::members::{Members, Rules};
use crate::peer::PeerIndex;
use crate::terms::NetworkTerms;
use crate::tls::TlsKey;

/// What all networks of an endpoint share.
pub struct Own {
    pub key: TlsKey,
    pub public: TransportPublic,
    pub build: String,
    pub limits: NetLimits,
    pub counters: Counters,
}

pub struct Network {
    pub terms: NetworkTerms,
    pub own: Arc<Own>,
    members: Mutex<Members>,
    tasks: Mutex<Vec<AbortHandle>>,
}

impl Network {
    pub fn new(terms: NetworkTerms, own: Arc<Own>) -> Result<Self, TermsFault> {
        judge(&terms, own.public)?;
        let rules = Rules {
            limits: own.limits.clone(),
            frame_bytes_max: terms.frame_bytes_max,
        };
        let members = Members::new(terms.me, terms.peers.len(), rules, Instant::now());
        Ok(Self {
            terms,
            own,
            members: Mutex::new(members),
            tasks: Mutex::default(),
        })
    }

    /// The table. Held for short computations, over no I/O.
    pub fn members(&self) -> MutexGuard<'_, Members> {
        // Whatever panicked below is a bug of ours in one connection; the others go on with a table that is in order,
        // since every change of it is complete before anything can fail.
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn hello(&self) -> Hello {
        Hello {
            versions: VERSIONS,
            network: self.terms.id,
            index: self.terms.me,
            build: self.own.build.clone(),
        }
    }

    /// The index of another member, if this is its key.
    pub fn is_member(&self, index: PeerIndex, key: TransportPublic) -> bool {
        let listed = self.terms.peers.get(index.place());
        index != self.terms.me && listed.is_some_and(|peer| peer.transport == key)
    }

    pub fn lists(&self, key: &TransportPublic) -> bool {
        self.terms.peers.iter().any(|peer| peer.transport == *key)
    }

    /// Begins to dial whoever has an address, and to keep what stands alive.
    pub fn begin(self: &Arc<Self>, runtime: &Handle) {
        let mut tasks = self.tasks();
        let tending = runtime.spawn(tend(Arc::clone(self)));
        tasks.push(tending.abort_handle());
        let all = (0..=u16::MAX).map(PeerIndex).zip(&self.terms.peers);
        for (peer, _) in
            all.filter(|(peer, listed)| *peer != self.terms.me && !listed.addresses.is_empty())
        {
            let dialling = runtime.spawn(keep_dialling(Arc::clone(self), peer));
            tasks.push(dialling.abort_handle());
        }
    }

    fn tasks(&self) -> MutexGuard<'_, Vec<AbortHandle>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves: nothing is dialled or taken any more, and every connection ends.
    pub fn close(&self) {
        self.members().close();
        for task in self.tasks().drain(..) {
            task.abort();
        }
    }
}

fn judge(terms: &NetworkTerms, own: TransportPublic) -> Result<(), TermsFault> {
    if terms.peers.len() > usize::from(u16::MAX) {
        return Err(TermsFault::TooMany);
    }
    if terms.frame_bytes_max == 0 || u32::try_from(terms.frame_bytes_max).is_err() {
        return Err(TermsFault::FrameBytes);
    }
    let me = terms.peers.get(terms.me.place());
    if me.ok_or(TermsFault::NotListed)?.transport != own {
        return Err(TermsFault::OtherKey);
    }
    let mut keys: Vec<_> = terms.peers.iter().map(|peer| peer.transport).collect();
    keys.sort_unstable();
    keys.dedup();
    if keys.len() != terms.peers.len() {
        return Err(TermsFault::SharedKey);
    }
    Ok(())
}

/// Keeps connections alive or ends them, and says whom we reach, not too often.
async fn tend(network: Arc<Network>) {
    let limits = &network.own.limits;
    let announce: Arc<Notify> = Arc::clone(&network.members().announce);
    let mut tick = Instant::now() + limits.keep_alive_interval;
    loop {
        let changed = async {
            announce.notified().await;
            true
        };
        let ticked = async {
            sleep_until(tick).await;
            false
        };
        if first_of(changed, ticked).await {
            network.members().announce_to_all();
            sleep(limits.reach_interval).await;
        } else {
            network.members().tick(Instant::now());
            tick = Instant::now() + limits.keep_alive_interval;
        }
    }
}
