//! Who the engine's process is, once it has what it needs.

use anyhow::{ensure, Context};
use nix::unistd::{geteuid, setgid, setgroups, setuid, Uid, User};
use rustix::thread::{
    clear_ambient_capability_set, set_capabilities, set_no_new_privs, CapabilitySet, CapabilitySets,
};

/// The user with this name.
///
/// # Errors
/// There is none; or this process is not root and somebody else.
pub fn named(name: &str) -> anyhow::Result<User> {
    let user = User::from_name(name).with_context(|| format!("cannot look up the user {name}"))?;
    let user = user.with_context(|| format!("there is no user {name}"))?;
    let (now, then) = (geteuid(), user.uid);
    ensure!(
        now.is_root() || now == then,
        "only root can become {name}: start as root, or as {name} without --user"
    );
    Ok(user)
}

/// Becomes this user, or stays who it is, and gives up every privilege for good.
///
/// # Errors
/// The system does not let it.
pub fn become_powerless(user: Option<&User>) -> anyhow::Result<()> {
    if let Some(user) = user.filter(|user| user.uid != geteuid()) {
        setgroups(&[user.gid]).context("cannot leave root's groups")?;
        setgid(user.gid).context("cannot take the user's group")?;
        setuid(user.uid).context("cannot become the user")?;
        ensure!(
            setuid(Uid::from_raw(0)).is_err(),
            "this process could become root again"
        );
    }
    set_no_new_privs(true).context("cannot give up new privileges")?;
    clear_ambient_capability_set().context("cannot give up capabilities")?;
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, none).context("cannot give up capabilities")
}
