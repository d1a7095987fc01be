//! A folder with the nodes of a whole group, one folder each, as their operators would have them on n machines. One
//! that is kept is found again; one that is not is removed at the end.
//!
//! The order of writing makes a torn beginning visible: the nodes first, then the roster. A group without a key makes
//! one.

use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::{bail, ensure, Context};
use hardfrost_node::{make, random, Card, NewHome, RosterFile};
use hardfrost_primitives::{Member, Suite};
use hardfrost_store::PrivateFolder;

use crate::group_files;
use crate::progress::Progress;

pub const ROSTER: &str = "roster.toml";
const CERTIFICATE: &str = "certificate.bin";
/// A small group's operators have names.
const NAMES: [&str; 5] = ["alice", "bob", "carol", "dave", "erin"];
/// Below what systems hand out to whoever connects: a node that is started again finds its port free.
const PORTS: std::ops::Range<u16> = 15_000..32_000;
/// Ports that are tried for each node.
const PORT_TRIES: usize = 200;

/// The folder of a group.
pub struct GroupFolder {
    path: PathBuf,
    kept: bool,
}

impl GroupFolder {
    /// The folder at `path`, which stays; nothing is looked at yet.
    pub fn kept(path: &Path) -> Self {
        Self {
            // A trailing slash would follow a link.
            path: path.components().collect(),
            kept: true,
        }
    }

    /// A folder that is yet to be made, and goes when this is dropped.
    pub fn temporary() -> Self {
        let name = format!("hardfrost-demo-{}", hex::encode(random::<8>()));
        Self {
            path: std::env::temp_dir().join(name),
            kept: false,
        }
    }

    /// Whether a group is kept there.
    pub fn is_there(&self) -> bool {
        self.path.join(ROSTER).exists()
    }

    /// The folder of one operator's node, in a group of so many.
    pub fn node(&self, member: Member, count: u16) -> PathBuf {
        self.path.join(name(member, count))
    }

    /// New operators with a node each, on ports that are free now.
    ///
    /// # Errors
    /// The folder holds something, is within others' reach, or a node cannot be made.
    pub fn found(
        &self,
        suite: Suite,
        count: u16,
        progress: &dyn Progress,
    ) -> anyhow::Result<RosterFile> {
        let shown = self.path.display();
        let folder = PrivateFolder::make(&self.path);
        let mut entries = fs::read_dir(&self.path);
        // Said first: nobody is to change the mode of a folder that is for something else.
        if entries.as_mut().is_ok_and(|list| list.next().is_some()) {
            bail!("{shown} is not empty and keeps no group: name an empty or a new folder");
        }
        let folder = folder?;
        entries.with_context(|| format!("cannot read {shown}"))?;
        progress.step("making the nodes' folders", usize::from(count));
        let mut cards: Vec<Card> = Vec::new();
        for (member, address) in Member::all(count).zip(free_addresses(count)?) {
            cards.push(self.make_node((member, count), address)?);
            progress.member_done();
        }
        let file = RosterFile::of_cards(suite, &cards)?;
        let text = file.to_toml();
        for member in Member::all(count) {
            put(&PrivateFolder::at(self.node(member, count))?, &text)?;
        }
        put(&folder, &text)?;
        Ok(file)
    }

    /// Removes what [`Self::found`] has just made.
    ///
    /// # Errors
    /// As the file system says.
    pub fn unmake(&self) -> anyhow::Result<()> {
        let shown = self.path.display();
        fs::remove_dir_all(&self.path).with_context(|| format!("cannot remove {shown}"))
    }

    /// Who the operators are, and that each has a folder for its node.
    ///
    /// # Errors
    /// A folder within others' reach; a roster that does not read, or is of other operators.
    pub fn open(&self) -> anyhow::Result<RosterFile> {
        PrivateFolder::at(&self.path)?;
        let path = self.path.join(ROSTER);
        let shown = path.display();
        let text = String::from_utf8(group_files::read(&path)?);
        let text = text.with_context(|| format!("{shown} is no text"))?;
        let file = RosterFile::from_toml(&text);
        let file = file.with_context(|| format!("{shown} is no roster"))?;
        let count = file.roster.count();
        let operators = file.roster.operators();
        let named = operators.iter().map(|operator| operator.name.clone());
        ensure!(
            named.eq(Member::all(count).map(|member| name(member, count))),
            "{shown} is not the roster of a group that the demonstration made"
        );
        for member in Member::all(count) {
            PrivateFolder::at(self.node(member, count))?;
        }
        Ok(file)
    }

    /// That no key was certified here: only then may the group make one.
    ///
    /// # Errors
    /// One was, and whoever asks did not find it at the nodes.
    pub fn no_key_yet(&self) -> anyhow::Result<()> {
        let path = self.path.join(CERTIFICATE);
        ensure!(
            !is_taken(&path)?,
            "{}: a key was certified here, and the nodes do not hold it. Its coins need their \
             stores: put them back from a copy. For another key name a new folder",
            path.display()
        );
        Ok(())
    }

    /// Puts the public proof of the key beside the nodes. They have it too, and they count.
    ///
    /// # Errors
    /// Another proof is there, which stays; else as the file system says.
    pub fn certify(&self, certificate: &[u8]) -> anyhow::Result<()> {
        let path = self.path.join(CERTIFICATE);
        if !is_taken(&path)? && PrivateFolder::at(&self.path)?.put(CERTIFICATE, certificate)? {
            return Ok(());
        }
        let same = group_files::read(&path).is_ok_and(|there| there == certificate);
        ensure!(
            same,
            "{} is not the proof of the key that the nodes hold: find out which of them belongs \
             here. If the nodes do, move the file away, and it is written anew",
            path.display()
        );
        Ok(())
    }

    fn make_node(&self, (member, count): (Member, u16), at: SocketAddr) -> anyhow::Result<Card> {
        let name = name(member, count);
        let wanted = NewHome {
            listen: vec![at.to_string()],
            addresses: vec![at.to_string()],
            seats: 1,
            name,
        };
        let made = make(&self.node(member, count), &wanted);
        made.with_context(|| format!("the node of {}", wanted.name))
    }
}

impl Drop for GroupFolder {
    fn drop(&mut self) {
        if !self.kept {
            // It may never have been made; and nobody is left who could be told.
            let _gone = fs::remove_dir_all(&self.path);
        }
    }
}

/// The operator who holds this seat in a group of so many.
pub fn name(member: Member, count: u16) -> String {
    let small = usize::from(count) <= NAMES.len();
    let place = usize::from(member.number()).wrapping_sub(1);
    match NAMES.get(place) {
        Some(name) if small => (*name).to_owned(),
        Some(_) | None => format!("operator-{member}"),
    }
}

/// Whether somebody else listens there.
pub fn is_in_use(address: SocketAddr) -> bool {
    TcpListener::bind(address).is_err_and(|error| error.kind() == ErrorKind::AddrInUse)
}

/// The roster's file in a folder where there is none.
fn put(folder: &PrivateFolder, text: &str) -> anyhow::Result<()> {
    let put = folder.put(ROSTER, text.as_bytes())?;
    let shown = folder.path().display();
    ensure!(put, "{shown} has a {ROSTER} of somebody else by now");
    Ok(())
}

/// Addresses on this machine at which nobody listens now. Somebody may before the nodes do.
fn free_addresses(count: u16) -> anyhow::Result<Vec<SocketAddr>> {
    let mut found = Vec::new();
    for _ in 0..PORT_TRIES * usize::from(count) {
        if found.len() == usize::from(count) {
            break;
        }
        let at = u16::from_le_bytes(random()) % (PORTS.end - PORTS.start);
        let at = SocketAddr::from((Ipv4Addr::LOCALHOST, PORTS.start + at));
        // Held until all are found, so that none is found twice.
        found.extend(TcpListener::bind(at).ok().map(|held| (at, held)));
    }
    let (first, last) = (PORTS.start, PORTS.end - 1);
    ensure!(
        found.len() == usize::from(count),
        "{count} free ports on 127.0.0.1 from {first} to {last} are needed, {} were found",
        found.len()
    );
    Ok(found.into_iter().map(|(at, _)| at).collect())
}

/// Whether anything, be it a link that leads nowhere, has this name.
fn is_taken(path: &Path) -> anyhow::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("cannot look at {}", path.display())),
    }
}
