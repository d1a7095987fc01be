//! A process that is told to end when nobody holds it any more, and what it says.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{kill, Signal};
use nix::sys::wait::{waitid, Id, WaitPidFlag};
use nix::unistd::Pid;

use super::WITHIN;

const READY: &str = "hardfrost node is ready";
/// Of `/proc/PID/stat`: `USER_HZ`, the same on every Linux.
const TICKS_A_SECOND: u64 = 100;

pub struct Process {
    child: Child,
    lines: Receiver<String>,
    said: String,
}

/// It ends with the process. Whoever read may be gone: it is read on, so that the process can write.
fn forward(from: impl Read + Send + 'static, to: Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let _gone = to.send(line);
        }
    });
}

impl Process {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let (to, lines) = channel();
        // Standard output too, where the caller wants it read.
        if let Some(stdout) = child.stdout.take() {
            forward(stdout, to.clone());
        }
        forward(child.stderr.take().unwrap(), to);
        Self {
            child,
            lines,
            said: String::new(),
        }
    }

    /// The next line, if there is one within this time.
    pub fn line(&mut self, within: Duration) -> Result<String, RecvTimeoutError> {
        let line = self.lines.recv_timeout(within)?;
        self.said.push_str(&line);
        self.said.push('\n');
        Ok(line)
    }

    /// Waits until it says that it is ready.
    pub fn ready(&mut self) {
        self.says(READY);
    }

    /// Waits for a line that holds `part`.
    pub fn says(&mut self, part: &str) {
        let end = Instant::now() + WITHIN;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.line(left) {
                Ok(line) if line.contains(part) => return,
                Ok(_) => {}
                Err(error) => panic!("{part:?} was not said, {error}: {}", self.said),
            }
        }
    }

    /// Waits for its end, which must come by itself, and gives back all that it said.
    pub fn ended(&mut self) -> (ExitStatus, String) {
        let end = Instant::now() + WITHIN;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.line(left) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end: {}", self.said),
            }
        }
        (self.child.wait().unwrap(), self.said.clone())
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).unwrap();
        kill(Pid::from_raw(pid), signal).unwrap();
    }

    pub fn kill(&self) {
        self.signal(Signal::SIGKILL);
    }

    pub fn terminate(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// It does nothing more, and does not know it, until [`Self::go_on`]: it has stopped when this returns.
    pub fn pause(&self) {
        self.signal(Signal::SIGSTOP);
        let pid = i32::try_from(self.child.id()).unwrap();
        waitid(Id::Pid(Pid::from_raw(pid)), WaitPidFlag::WSTOPPED).unwrap();
    }

    pub fn go_on(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Memory that it occupies now, in bytes.
    pub fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = resident.unwrap().trim().trim_end_matches(" kB");
        kib.parse::<u64>().unwrap() * 1024
    }

    /// Time that it has computed.
    pub fn computed(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // The name, in parentheses, may hold anything.
        let fields = stat.rsplit_once(')').unwrap().1;
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.map(|field| field.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 1000 / TICKS_A_SECOND)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
