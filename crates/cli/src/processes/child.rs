//! A node's process. It ends before whoever started it: in order if there is time, else at once.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{ensure, Context};
use hardfrost_api::local::Client;
use hardfrost_node::Config;
use hardfrost_primitives::Member;
use rustix::process::{kill_process, Pid, Signal};

/// What a node wrote last time.
const LOG: &str = "node.log";
/// Lines of it that are shown when it ended too early.
const LAST_LINES: usize = 6;
/// A node that is told to stop gets so long; its own limit (`stop_seconds`) is 5 s.
const STOP_PATIENCE: Duration = Duration::from_secs(8);
/// How often a process is looked at while it ends.
const LOOK: Duration = Duration::from_millis(5);

/// A child process that runs one node.
pub struct NodeProcess {
    pub member: Member,
    /// Its operator.
    pub name: String,
    folder: PathBuf,
    client: Client,
    child: Child,
    /// While this is open the node runs: should this process be killed, the system closes it.
    line: Option<ChildStdin>,
}

/// Which node, and where.
pub struct Place {
    pub member: Member,
    pub name: String,
    pub folder: PathBuf,
}

impl NodeProcess {
    /// Starts this very program once more, with these arguments; `--node` and `--attached` are added.
    ///
    /// # Errors
    /// The folder is no node's, its node runs already, or the system starts nothing.
    pub fn start(place: Place, arguments: &[String]) -> anyhow::Result<Self> {
        let Place {
            member,
            name,
            folder,
        } = place;
        let config = Config::read(&folder)?;
        let answers = std::os::unix::net::UnixStream::connect(&config.api.socket);
        ensure!(
            answers.is_err(),
            "{name}'s node runs already: stop it first, the demonstration starts all nodes itself"
        );
        let path = folder.join(LOG);
        let mut log = OpenOptions::new();
        let log = { log.write(true).create(true) }.truncate(true).mode(0o600);
        let log = log.open(&path);
        let log = log.with_context(|| format!("cannot write {}", path.display()))?;
        let program = std::env::current_exe().context("this program's own file")?;
        let mut command = Command::new(program);
        command.args(arguments).arg("--attached");
        command.arg("--node").arg(&folder);
        // Ctrl-C is for whoever started it, who ends its nodes in order.
        command.process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.stderr(log).spawn().with_context(|| {
            format!("{name}'s node cannot be started; `ulimit -u` and `ulimit -n` limit how many")
        })?;
        Ok(Self {
            client: Client::at(&config.api.socket),
            line: child.stdin.take(),
            member,
            name,
            folder,
            child,
        })
    }

    /// The way to it.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Its end, if it has come.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Why it is not there, with the last lines of its log.
    pub fn last_words(&self) -> String {
        let path = self.folder.join(LOG);
        let text = std::fs::read(&path).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let last = lines.len().saturating_sub(LAST_LINES);
        let last = lines.into_iter().skip(last);
        let last: String = last.map(|line| format!("\n   {line}")).collect();
        format!("{}'s node is not there. Its log ends:{last}", self.name)
    }

    /// Tells it to stop, as an operator would.
    fn tell(&mut self) {
        self.line = None;
        if self.ended().is_none() {
            let process = Pid::from_child(&self.child);
            // It may have ended by itself meanwhile: nobody has its number before it is waited for.
            let _ended = kill_process(process, Signal::TERM);
        }
    }

    /// Waits until it is over, and kills it when that takes too long.
    fn wait(&mut self, until: Instant) {
        while self.ended().is_none() {
            if Instant::now() >= until {
                return self.kill();
            }
            thread::sleep(LOOK);
        }
    }

    /// Ends it at once, as a crash would.
    pub fn kill(&mut self) {
        // Neither fails but for a process that is over.
        let _over = self.child.kill();
        let _over = self.child.wait();
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        self.tell();
        self.wait(Instant::now() + STOP_PATIENCE);
    }
}

/// Ends these nodes in order, all at the same time.
pub fn end(mut nodes: Vec<NodeProcess>) {
    nodes.iter_mut().for_each(NodeProcess::tell);
    let until = Instant::now() + STOP_PATIENCE;
    nodes.iter_mut().for_each(|node| node.wait(until));
}
