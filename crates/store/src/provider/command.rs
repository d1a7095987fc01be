//! A program that prints the key. It may hang, flood us, or leave children: none of that outlives its deadline.

use std::ffi::OsString;
use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{poll, PollFd, PollFlags, Timespec};
use rustix::process::{kill_process_group, waitid, Pid, Signal, WaitId, WaitIdOptions};
use zeroize::Zeroizing;

use super::{hex_key, KeyError};
use crate::keys::KeyBytes;

/// More than this on standard error ends it, as does anything beyond a key on standard output.
const COMPLAINTS_BYTES_MAX: usize = 1 << 20;

/// How often it is looked whether the program has ended, while it says nothing.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A program, its arguments, and how long it may take. No shell reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyCommand {
    /// A path, or a name that is looked for in `PATH`.
    pub program: OsString,
    /// Its arguments. No secret belongs here: others can see them.
    pub arguments: Vec<OsString>,
    /// From start to end.
    pub deadline: Duration,
}

/// What a key command did other than print a key. What it printed is not in here: it may be half a key.
#[derive(Debug, thiserror::Error)]
pub enum CommandFault {
    /// Not found, not executable, no process left.
    #[error("it does not start: {0}")]
    Start(std::io::Error),
    /// It was stopped, with all that it had started.
    #[error("it was stopped: no answer within {0:?}")]
    Deadline(Duration),
    /// It was stopped, with all that it had started.
    #[error("it was stopped: it printed too much")]
    Flood,
    /// It failed. Run it by hand to see what it says.
    #[error("it failed ({0}): run it by hand to see what it says")]
    Exit(ExitStatus),
    /// It ended well, and what it printed is no key.
    #[error("what it printed is not 64 hex characters")]
    NotAKey,
    /// The system's word on it.
    #[error("it cannot be watched: {0}")]
    Watch(std::io::Error),
}

impl KeyCommand {
    pub(super) fn run(&self) -> Result<KeyBytes, KeyError> {
        self.printed().map_err(|fault| KeyError::Command {
            program: self.program.to_string_lossy().into_owned(),
            fault,
        })
    }

    fn printed(&self) -> Result<KeyBytes, CommandFault> {
        let end = Instant::now() + self.deadline;
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Of its own, so that all it starts can be ended with it.
            .process_group(0)
            .spawn()
            .map_err(CommandFault::Start)?;
        let mut running = Running {
            group: Pid::from_child(&child),
            child,
            ended: false,
        };
        let mut key = Pipe::new(running.child.stdout.take(), hex_key::READ_MAX)?;
        let mut complaints = Pipe::new(running.child.stderr.take(), COMPLAINTS_BYTES_MAX)?;
        while !running.has_ended()? {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(CommandFault::Deadline(self.deadline));
            }
            wait_for(&[&key, &complaints], left.min(LOOK_EVERY))?;
            key.drain()?;
            complaints.drain()?;
        }
        let status = running.end()?;
        key.drain()?;
        if !status.success() {
            return Err(CommandFault::Exit(status));
        }
        hex_key::parse(&key.bytes).ok_or(CommandFault::NotAKey)
    }
}

/// A started program. Whatever happens, it and its group are gone when this is dropped.
struct Running {
    child: Child,
    group: Pid,
    ended: bool,
}

impl Running {
    /// Leaves it unreaped: its id, hence its group's, stays its own until the group is ended.
    fn has_ended(&self) -> Result<bool, CommandFault> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        let found = waitid(WaitId::Pid(self.group), options);
        found
            .map(|status| status.is_some())
            .map_err(|error| CommandFault::Watch(error.into()))
    }

    fn end(&mut self) -> Result<ExitStatus, CommandFault> {
        self.ended = true;
        // It fails where nobody is left, which is what is wanted.
        let _gone = kill_process_group(self.group, Signal::KILL);
        self.child.wait().map_err(CommandFault::Watch)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            let _status = self.end();
        }
    }
}

/// One of its pipes. What is kept is bounded, and so is what is thrown away.
struct Pipe<R> {
    source: Option<R>,
    bytes: Zeroizing<Vec<u8>>,
    bytes_max: usize,
}

impl<R: Read + AsFd> Pipe<R> {
    fn new(source: Option<R>, bytes_max: usize) -> Result<Self, CommandFault> {
        if let Some(source) = &source {
            rustix::io::ioctl_fionbio(source, true)
                .map_err(|error| CommandFault::Watch(error.into()))?;
        }
        Ok(Self {
            source,
            // Of full size at once: growing would leave copies of a key behind.
            bytes: Zeroizing::new(Vec::with_capacity(bytes_max)),
            bytes_max,
        })
    }

    /// Takes what is there, without waiting.
    fn drain(&mut self) -> Result<(), CommandFault> {
        let mut chunk = Zeroizing::new([0; 4096]);
        while let Some(source) = &mut self.source {
            match source.read(chunk.as_mut_slice()) {
                Ok(0) => self.source = None,
                Ok(count) if self.bytes.len() + count > self.bytes_max => {
                    return Err(CommandFault::Flood);
                }
                Ok(count) => self.bytes.extend(chunk.iter().take(count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(CommandFault::Watch(error)),
            }
        }
        Ok(())
    }
}

trait Readable {
    fn poll_fd(&self) -> Option<PollFd<'_>>;
}

impl<R: AsFd> Readable for Pipe<R> {
    fn poll_fd(&self) -> Option<PollFd<'_>> {
        let source = self.source.as_ref()?;
        Some(PollFd::new(source, PollFlags::IN))
    }
}

fn wait_for(pipes: &[&dyn Readable], longest: Duration) -> Result<(), CommandFault> {
    let mut waiting: Vec<PollFd<'_>> = pipes.iter().filter_map(|pipe| pipe.poll_fd()).collect();
    let longest = Timespec::try_from(longest).ok();
    match poll(&mut waiting, longest.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(CommandFault::Watch(error.into())),
    }
}
