//! Memory from the kernel. The only file with `unsafe` in it.
#![allow(
    unsafe_code,
    reason = "memfd_secret has no safe interface: one system call, one descriptor, one mapping"
)]

use std::io;
use std::ops::{Deref, DerefMut};

use memmap2::MmapMut;

/// How memory is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// `memfd_secret`: the kernel itself does not map it, so neither a debugger nor a dump shows it. It is not swapped.
    Secret,
    /// Locked: not swapped. Left out of core dumps where the system can do that; a debugger sees it.
    Locked,
}

/// Memory cannot be locked: the operator must act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the system locks no memory for secrets ({0}): the operator must raise the limit on locked \
     memory (`ulimit -l`, or LimitMEMLOCK= of a systemd unit)"
)]
pub struct LockError(io::ErrorKind);

impl LockError {
    /// As another process told it.
    #[must_use]
    pub fn told(kind: io::ErrorKind) -> Self {
        Self(kind)
    }

    /// What the system said.
    #[must_use]
    pub fn kind(self) -> io::ErrorKind {
        self.0
    }
}

/// Memory of our own, filled with zeros.
pub(crate) struct Map(MmapMut);

impl Map {
    pub(crate) fn new(protection: Protection, bytes: usize) -> Result<Self, LockError> {
        let map = match protection {
            Protection::Secret => secret(bytes),
            Protection::Locked => locked(bytes),
        };
        map.map(Self).map_err(|error| LockError(error.kind()))
    }
}

impl Deref for Map {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Map {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

fn locked(bytes: usize) -> io::Result<MmapMut> {
    let map = MmapMut::map_anon(bytes)?;
    map.lock()?;
    #[cfg(target_os = "linux")]
    {
        map.advise(memmap2::Advice::DontDump)?;
        map.advise(memmap2::Advice::DontFork)?;
    }
    Ok(map)
}

#[cfg(target_os = "linux")]
fn secret(bytes: usize) -> io::Result<MmapMut> {
    use std::fs::File;
    use std::os::fd::{FromRawFd, OwnedFd, RawFd};

    // SAFETY: memfd_secret(2) takes one integer, reads and writes no memory of ours, and returns a descriptor or −1.
    let raw = unsafe { libc::syscall(libc::SYS_memfd_secret, libc::O_CLOEXEC) };
    if raw < 0 {
        return Err(io::Error::last_os_error());
    }
    let raw = RawFd::try_from(raw).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    // SAFETY: the kernel has just opened `raw` for this call, and nobody else knows of it, so it is ours to close.
    let file = File::from(unsafe { OwnedFd::from_raw_fd(raw) });
    file.set_len(bytes as u64)?;
    // SAFETY: a file mapping is sound as long as nobody else writes to the file or makes it shorter. This file has no
    // name, and its only descriptor is closed at the end of this function, not handed on, and not inherited by another
    // program (O_CLOEXEC); a forked child gets neither the descriptor, once it is closed, nor the mapping (DontFork).
    let map = unsafe { memmap2::MmapOptions::new().len(bytes).map_mut(&file) }?;
    map.advise(memmap2::Advice::DontFork)?;
    Ok(map)
}

#[cfg(not(target_os = "linux"))]
fn secret(_: usize) -> io::Result<MmapMut> {
    Err(io::ErrorKind::Unsupported.into())
}
