//! `hardfrost engine serve`: one store, one engine, one socket, and nothing else.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::thread;

use anyhow::{anyhow, Context};
use clap::Args;
use hardfrost_api::engine::{EngineIdentity, EngineServer, EngineThread, ServeError, ServerCounts};
use hardfrost_engine::{EncodedRecord, Engine};
use hardfrost_frost::Region;
use hardfrost_node::{no_identity, Clock};
use hardfrost_primitives::Limits;
use hardfrost_store::{Opened, Store, StoreDir};
use nix::sys::signal::{kill, SigSet, Signal};
use nix::unistd::getpid;

use super::lockdown::lock_down;
use super::user;
use crate::dumps;
use crate::operate::counted;
use crate::store::keys::KeyOptions;
use crate::Failure;

/// Holds the secrets of a store, and signs for the one node that asks over a local socket.
///
/// The node then holds no key share and no nonce. This process locks its secrets in memory, is not dumped and not
/// traced, gives up its privileges, and can open no network socket and run no program.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    hardfrost engine serve --store engine --key-file engine.key \\\n    \
    --socket run/engine.sock\n  \
    hardfrost engine serve --store /var/lib/hardfrost-engine/store \\\n    \
    --credential store-key --allow-uid 990 \\\n    \
    --socket /run/hardfrost-engine/engine.sock\n\n\
    It says one line when it is ready, and ends in order on SIGTERM or SIGINT. The\n\
    folder of the socket is ours and 0700; with --allow-uid of another user, 0711.")]
pub struct Serve {
    /// The store's folder
    #[arg(long, value_name = "FOLDER")]
    store: PathBuf,
    #[command(flatten)]
    key: KeyOptions,
    /// Where the node connects; made here, 0600
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
    /// The user that the node runs as, by number; absent, the same as this process
    #[arg(long, value_name = "UID")]
    allow_uid: Option<u32>,
    /// Become this user before the store is opened; only root can
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
}

/// Serves until it is told to end.
///
/// # Errors
/// A store that does not open, a socket that others could reach, a system that does not lock this process down.
pub fn run(arguments: &Serve) -> Result<(), Failure> {
    // A passphrase is asked for while there is a terminal's user to ask.
    let provider = arguments.key.provider()?;
    // In every thread that comes: they are waited for below.
    let signals = ends();
    signals.thread_block().context("cannot wait for signals")?;
    let user = arguments.user.as_deref().map(user::named).transpose()?;
    let client = arguments.allow_uid;
    let client = client.or_else(|| user.as_ref().map(|user| user.uid.as_raw()));
    let server = EngineServer::bind(&arguments.socket, client).map_err(anyhow::Error::from)?;
    user::become_powerless(user.as_ref())?;
    // Becoming somebody else may have undone it.
    dumps::forbid()?;
    no_identity(&arguments.store).map_err(anyhow::Error::from)?;
    let opened = Store::open(&StoreDir::new(&arguments.store), &provider);
    let Opened { store, records } = opened.map_err(anyhow::Error::from)?;
    drop(provider);
    let engine = engine(&store, &records)?;
    drop(records);
    lock_down()?;
    let served = serve(&store, &engine, server, &signals, arguments);
    let stopped = engine.stop();
    store.close().map_err(anyhow::Error::from)?;
    let counts = served?;
    stopped.map_err(anyhow::Error::from)?;
    say(&format!(
        "engine ended: {}, {} of other users turned away, {} while it was busy, \
         {} that said what is no message",
        counted(counts.served, "client", "clients"),
        counts.strangers,
        counts.busy,
        counts.malformed
    ));
    Ok(())
}

/// A line for whoever started it, who may have stopped reading.
fn say(line: &str) {
    drop(writeln!(std::io::stdout(), "{line}"));
}

fn ends() -> SigSet {
    [Signal::SIGTERM, Signal::SIGINT].into_iter().collect()
}

fn engine(store: &Store, records: &[EncodedRecord]) -> anyhow::Result<EngineThread> {
    let engine = Engine::recover_in(Region::new()?, Limits::default(), BTreeSet::new(), records)?;
    let clock = Clock::start();
    EngineThread::start(engine, store.writer(), move || clock.now())
        .context("cannot start the engine's thread")
}

/// Until a signal comes, or the server ends by itself.
fn serve(
    store: &Store,
    engine: &EngineThread,
    server: EngineServer,
    signals: &SigSet,
    arguments: &Serve,
) -> anyhow::Result<ServerCounts> {
    let identity = EngineIdentity {
        store: store.id().0,
        generation: store.generation(),
    };
    let stop = server.stopper();
    thread::scope(|scope| {
        let serving = scope.spawn(|| {
            let served = server.run(engine, identity);
            // Whoever waits for a signal goes on.
            kill(getpid(), Signal::SIGTERM).map(|()| served)
        });
        say(&format!(
            "engine of store {}, generation {}, ready on {}",
            store.id(),
            identity.generation,
            arguments.socket.display()
        ));
        signals.wait().context("cannot wait for signals")?;
        stop.stop();
        let served = serving.join().map_err(|_| anyhow!("the server broke"))?;
        served
            .context("cannot end")?
            .map_err(|error: ServeError| error.into())
    })
}
