//! An engine that is asked from elsewhere.
//!
//! One thread owns the engine and its log. It takes whatever waits on its queue and serves it together, with one sync
//! ([`EngineThread`]). Whoever asks holds an [`EngineHandle`]; it never waits for a batch, and its replies come on a
//! channel of its own. Whether the thread is in this process or behind a socket, the handle is the same.
//!
//! ```no_run
//! # use hardfrost_api::engine::EngineThread;
//! # use hardfrost_engine::{Engine, MemoryLog};
//! # use hardfrost_primitives::Now;
//! # async fn example(engine: Engine, clock: fn() -> Now) -> Result<(), Box<dyn std::error::Error>> {
//! let thread = EngineThread::start(engine, MemoryLog::default(), clock)?;
//! let (replies, mut inbox) = tokio::sync::mpsc::unbounded_channel();
//! let engine = thread.handle(replies);
//! let held = engine.held_keys().await?;
//! engine.ask(Vec::new())?;
//! while let Some((ticket, reply)) = inbox.recv().await {
//! #   drop((ticket, reply));
//! }
//! // The channel is closed: the engine is gone, and this says why.
//! let why = engine.gone();
//! # drop((held, why));
//! # Ok(())
//! # }
//! ```

mod client;
mod coded;
mod connection;
mod gathering;
mod handle;
mod message;
mod question;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod roundtrips;
mod server;
mod socket;
#[cfg(test)]
mod specimens;
mod thread;
mod values;

pub use client::{ConnectError, EngineClient};
pub use handle::{EngineGone, EngineHandle, Replies};
pub use message::EngineIdentity;
pub use server::{EngineServer, EngineServerStop, ServeError, ServerCounts};
pub use socket::SocketError;
pub use thread::EngineThread;
