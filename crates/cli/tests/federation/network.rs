//! A network of namespaces: one for each node, and a router between them on which links are cut, lossy and slow. They
//! have no names, so they end with the process that made them.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::process::Command;
use std::thread;
use std::time::Duration;

use nix::sched::{setns, unshare, CloneFlags};

use super::slow::Slow;

/// A network namespace, for as long as this holds it.
pub struct NameSpace(File);

impl NameSpace {
    fn new() -> Result<Self, String> {
        let make = || {
            unshare(CloneFlags::CLONE_NEWNET).map_err(io::Error::from)?;
            File::open("/proc/thread-self/ns/net")
        };
        let made = thread::scope(|scope| scope.spawn(make).join().unwrap());
        let made = made.map(Self);
        made.map_err(|error| format!("no network namespace is to be had: {error}"))
    }

    /// Does this in the namespace. A process that it starts stays there.
    pub fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            let there = scope.spawn(|| {
                setns(&self.0, CloneFlags::CLONE_NEWNET).unwrap();
                work()
            });
            there.join().unwrap()
        })
    }

    /// Its name for other programs.
    fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.0.as_raw_fd())
    }

    fn run(&self, lines: &str) -> Result<(), String> {
        self.within(|| {
            let lines = lines.lines().map(str::trim);
            lines.filter(|line| !line.is_empty()).try_for_each(run)
        })
    }
}

fn run(line: &str) -> Result<(), String> {
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().unwrap());
    let output = command.args(words).output();
    let output = output.map_err(|error| format!("{line}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{line}: {}", said.trim()))
}

pub struct Network {
    nodes: Vec<NameSpace>,
    slow: Option<Slow>,
    router: NameSpace,
}

impl Network {
    /// A network of so many nodes, or why this machine has none.
    pub fn new(count: usize) -> Result<Self, String> {
        let router = NameSpace::new()?;
        router.run("ip link set lo up")?;
        router.within(|| {
            let forward = fs::write("/proc/sys/net/ipv4/ip_forward", "1");
            forward.map_err(|error| format!("no namespace forwards: {error}"))
        })?;
        router.run(
            "nft add table ip faults
            nft add chain ip faults cut { type filter hook forward priority 0 ; }",
        )?;
        let mut network = Self {
            nodes: Vec::new(),
            slow: None,
            router,
        };
        (0..count).try_for_each(|_| network.add_node())?;
        Ok(network)
    }

    fn add_node(&mut self) -> Result<(), String> {
        let (number, node) = (self.nodes.len(), NameSpace::new()?);
        let path = node.path();
        self.router.run(&format!(
            "ip link add v{number} type veth peer name eth0 netns {path}
            ip address add 10.77.{number}.1/24 dev v{number}
            ip link set v{number} up"
        ))?;
        node.run(&format!(
            "ip link set lo up
            ip address add 10.77.{number}.2/24 dev eth0
            ip link set eth0 up
            ip route add default via 10.77.{number}.1"
        ))?;
        self.nodes.push(node);
        Ok(())
    }

    pub fn node(&self, number: usize) -> &NameSpace {
        &self.nodes[number]
    }

    pub fn address(&self, number: usize) -> String {
        format!("10.77.{number}.2")
    }

    fn rule(&self, rule: &str) -> Result<(), String> {
        self.router
            .run(&format!("nft add rule ip faults cut {rule}"))
    }

    /// Nothing that `from` sends reaches `to` any more. The other direction stays.
    pub fn cut(&self, from: usize, to: usize) {
        let (from, to) = (self.address(from), self.address(to));
        let rule = format!("ip saddr {from} ip daddr {to} drop");
        self.rule(&rule).unwrap();
    }

    /// Nothing passes between these and those.
    pub fn part(&self, these: &[usize], those: &[usize]) {
        for this in these {
            for that in those {
                self.cut(*this, *that);
                self.cut(*that, *this);
            }
        }
    }

    /// Everything passes again.
    pub fn heal(&self) {
        self.router.run("nft flush chain ip faults cut").unwrap();
    }

    /// So many of a hundred packets are lost, whatever the link.
    pub fn lose(&self, percent: u32) {
        let rule = format!("numgen random mod 100 < {percent} drop");
        self.rule(&rule).unwrap();
    }

    /// Every packet takes so much longer; or why this machine cannot do that. The kernel may have a queue for nftables,
    /// for iptables, or for neither.
    pub fn slow_down(&mut self, by: Duration) -> Result<(), String> {
        let slow = self.router.within(|| Slow::start(by))?;
        let queued = self.rule("queue num 0");
        if let Err(first) = queued {
            let iptables = "iptables -A FORWARD -j NFQUEUE --queue-num 0";
            let other = self.router.run(iptables);
            other.map_err(|second| format!("{first}; {second}"))?;
        }
        self.slow = Some(slow);
        Ok(())
    }

    /// Packets that were held back so far.
    pub fn held_back(&self) -> u64 {
        self.slow.as_ref().map_or(0, Slow::packets)
    }
}
