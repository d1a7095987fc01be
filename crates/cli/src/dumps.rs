//! No core dumps, whatever the shell allowed: locked memory is left out of one, but a stack that is in use is not.

use anyhow::Context;
use rustix::process::{setrlimit, Resource, Rlimit};

/// Forbids core dumps of this process, for good. Where the system can, no process of the same user may look into it or
/// trace it either.
pub fn forbid() -> anyhow::Result<()> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none).context("cannot forbid core dumps")?;
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{set_dumpable_behavior, DumpableBehavior};
        set_dumpable_behavior(DumpableBehavior::NotDumpable)
            .context("cannot forbid that others trace this process")?;
    }
    Ok(())
}
