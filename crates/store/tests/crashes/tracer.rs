//! Runs the life in a process of its own, stops it at each of its system calls that change the disk, and does there
//! what it is told: kill, fail, cut short. Calls are counted over all threads.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use nix::errno::Errno;
use nix::libc::{self, c_long};
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{kill, Signal};
use nix::sys::wait::{waitpid, WaitPidFlag, WaitStatus};
use nix::unistd::Pid;

use crate::life::READY;
use crate::said::{heard, Said};

/// What a call does to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Gives bytes to a file.
    Write,
    /// Makes a file durable.
    Sync,
    /// Makes the names in a folder durable.
    SyncFolder,
    /// Makes, cuts, names or removes a file or folder.
    Name,
}

/// What is done to the call of a number, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Nothing, anywhere.
    Nowhere,
    /// The process is killed before the call happens.
    Before(usize),
    /// The disk loses its power before the call happens, and the process is no more.
    PowerLost(usize),
    /// The process is killed once it happened, before it hears of it.
    After(usize),
    /// It fails, and all others work.
    Fails(usize, Errno),
    /// From it on, everything that needs space fails.
    FullFrom(usize),
    /// From it on, names are not made durable any more.
    FoldersFrom(usize),
    /// From it on, everything fails.
    GoneFrom(usize),
    /// Half of the bytes are written, and it says so.
    Short(usize),
    /// Half of the bytes are written, and from then on everything that needs space fails.
    ShortThenFull(usize),
}

/// What became of a life.
pub struct Watched {
    /// Its calls, in their order, up to where it ended.
    pub calls: Vec<Kind>,
    /// What it said.
    pub said: Vec<Said>,
    /// Whether the call that was to be cut came.
    pub met: bool,
}

/// Lives the life in `folder`, with `cut`; `power_off` takes the power from what lies below the folder. An error: this
/// machine does not let a process be traced.
pub fn watch(folder: &Path, cut: Cut, power_off: &dyn Fn()) -> nix::Result<Watched> {
    let (mut child, mut output) = start();
    let leader = Pid::from_raw(child.id().cast_signed());
    let seized = seize(leader);
    if let Err(refused) = seized {
        child.kill().unwrap();
        child.wait().unwrap();
        return Err(refused);
    }
    writeln!(child.stdin.as_mut().unwrap(), "{}", folder.display()).unwrap();
    let mut tracer = Tracer {
        leader,
        folder,
        cut,
        power_off,
        calls: Vec::new(),
        answers: BTreeMap::new(),
        met: false,
    };
    tracer.follow();
    let mut text = String::new();
    output.read_to_string(&mut text).unwrap();
    Ok(Watched {
        calls: tracer.calls,
        said: heard(&text),
        met: tracer.met,
    })
}

/// The process, once it is there and waits for its folder.
fn start() -> (Child, BufReader<ChildStdout>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "--test-threads=1"])
        .arg("life::lives")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while line.trim_end() != READY {
        line.clear();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "it did not start");
    }
    (child, output)
}

/// Stops every thread there is, and those to come, at every system call.
fn seize(leader: Pid) -> nix::Result<()> {
    let options =
        Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_TRACECLONE | Options::PTRACE_O_EXITKILL;
    for task in fs::read_dir(format!("/proc/{leader}/task")).unwrap() {
        let task = task.unwrap().file_name().into_string().unwrap();
        let task = Pid::from_raw(task.parse().unwrap());
        ptrace::seize(task, options)?;
        ptrace::interrupt(task)?;
    }
    Ok(())
}

struct Tracer<'a> {
    leader: Pid,
    folder: &'a Path,
    cut: Cut,
    power_off: &'a dyn Fn(),
    calls: Vec<Kind>,
    /// What a thread that is inside a call is told when it comes out.
    answers: BTreeMap<Pid, Answer>,
    met: bool,
}

#[derive(Clone, Copy)]
enum Answer {
    Error(Errno),
    Kill,
}

impl Tracer<'_> {
    /// Until the process is no more.
    fn follow(&mut self) {
        let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
        loop {
            match waitpid(Pid::from_raw(-1), Some(flags)) {
                Ok(WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, ..)) => {
                    if pid == self.leader {
                        return;
                    }
                }
                Ok(WaitStatus::PtraceSyscall(thread)) => {
                    self.at_call(thread);
                    go_on(thread, None);
                }
                Ok(WaitStatus::PtraceEvent(thread, ..)) => go_on(thread, None),
                Ok(WaitStatus::Stopped(thread, signal)) => go_on(thread, Some(signal)),
                Ok(other) => panic!("{other:?}"),
                Err(Errno::EINTR) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// A thread that was killed meanwhile answers ESRCH to everything.
    fn at_call(&mut self, thread: Pid) {
        let Ok(info) = ptrace::syscall_info(thread) else {
            return;
        };
        let done = match info.op {
            libc::PTRACE_SYSCALL_INFO_ENTRY => self.enters(thread),
            libc::PTRACE_SYSCALL_INFO_EXIT => self.leaves(thread),
            _ => Ok(()),
        };
        assert!(matches!(done, Ok(()) | Err(Errno::ESRCH)), "{done:?}");
    }

    fn enters(&mut self, thread: Pid) -> nix::Result<()> {
        let mut registers = ptrace::getregs(thread)?;
        let Some(kind) = self.kind(thread, &registers) else {
            return Ok(());
        };
        let number = self.calls.len();
        self.calls.push(kind);
        let Some(answer) = self.verdict(number, kind) else {
            return Ok(());
        };
        self.met = true;
        match answer {
            Verdict::Kill => kill(self.leader, Signal::SIGKILL)?,
            Verdict::PowerOff => {
                (self.power_off)();
                kill(self.leader, Signal::SIGKILL)?;
            }
            Verdict::KillAfter => drop(self.answers.insert(thread, Answer::Kill)),
            Verdict::Half => {
                registers.rdx /= 2;
                ptrace::setregs(thread, registers)?;
            }
            Verdict::Error(error) => {
                self.answers.insert(thread, Answer::Error(error));
                // No such call: the kernel does nothing.
                registers.orig_rax = u64::MAX;
                ptrace::setregs(thread, registers)?;
            }
        }
        Ok(())
    }

    fn leaves(&mut self, thread: Pid) -> nix::Result<()> {
        match self.answers.remove(&thread) {
            None => Ok(()),
            Some(Answer::Kill) => kill(self.leader, Signal::SIGKILL),
            Some(Answer::Error(error)) => {
                let mut registers = ptrace::getregs(thread)?;
                registers.rax = i64::from(-(error as i32)).cast_unsigned();
                ptrace::setregs(thread, registers)
            }
        }
    }

    fn kind(&self, thread: Pid, registers: &libc::user_regs_struct) -> Option<Kind> {
        let open = || {
            let open = format!("/proc/{thread}/fd/{}", registers.rdi.cast_signed() as i32);
            let path = fs::read_link(open).ok()?;
            path.starts_with(self.folder).then_some(path)
        };
        let in_folder = || open().is_some();
        let is_folder = || open().is_some_and(|path| path.is_dir());
        let creates = |flags: u64| flags & libc::O_CREAT as u64 != 0;
        match registers.orig_rax as c_long {
            libc::SYS_pwrite64 | libc::SYS_write if in_folder() => Some(Kind::Write),
            libc::SYS_fsync | libc::SYS_fdatasync if is_folder() => Some(Kind::SyncFolder),
            libc::SYS_fsync | libc::SYS_fdatasync if in_folder() => Some(Kind::Sync),
            libc::SYS_ftruncate if in_folder() => Some(Kind::Name),
            libc::SYS_openat if creates(registers.rdx) => Some(Kind::Name),
            libc::SYS_open if creates(registers.rsi) => Some(Kind::Name),
            libc::SYS_rename | libc::SYS_renameat | libc::SYS_renameat2 => Some(Kind::Name),
            libc::SYS_unlink | libc::SYS_unlinkat => Some(Kind::Name),
            libc::SYS_mkdir | libc::SYS_mkdirat => Some(Kind::Name),
            _ => None,
        }
    }

    fn verdict(&self, number: usize, kind: Kind) -> Option<Verdict> {
        let needs_space = matches!(kind, Kind::Write | Kind::Name);
        let (hit, verdict) = match self.cut {
            Cut::Nowhere => return None,
            Cut::Before(at) => (number == at, Verdict::Kill),
            Cut::PowerLost(at) => (number == at, Verdict::PowerOff),
            Cut::After(at) => (number == at, Verdict::KillAfter),
            Cut::Fails(at, error) => (number == at, Verdict::Error(error)),
            Cut::Short(at) => (number == at, Verdict::Half),
            Cut::ShortThenFull(at) if number == at => (true, Verdict::Half),
            Cut::ShortThenFull(at) | Cut::FullFrom(at) => {
                (number >= at && needs_space, Verdict::Error(Errno::ENOSPC))
            }
            Cut::FoldersFrom(at) => (
                number >= at && kind == Kind::SyncFolder,
                Verdict::Error(Errno::EIO),
            ),
            Cut::GoneFrom(at) => (number >= at, Verdict::Error(Errno::EIO)),
        };
        hit.then_some(verdict)
    }
}

enum Verdict {
    Kill,
    PowerOff,
    KillAfter,
    Error(Errno),
    Half,
}

fn go_on(thread: Pid, signal: Option<Signal>) {
    match ptrace::syscall(thread, signal) {
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(error) => panic!("{error}"),
    }
}
