//! How the parts of a node talk to each other and to its operator.
//!
//! [`engine`]: an engine that is asked from elsewhere, in a thread of this process or in a process of its own.
//! [`local`]: what an operator's tools ask of a running node.

pub mod engine;
pub mod local;
#[cfg(test)]
#[path = "../../../vectors/frames/recorded.rs"]
mod recorded;
