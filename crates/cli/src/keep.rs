//! A folder that keeps a group for the next demonstration: for each node a store, and beside it the key that opens it.
//!
//! The order of writing makes a torn beginning visible: stores first, then the roster. A group without a key makes one.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{bail, ensure, Context};
use hardfrost_node::RosterFile;
use hardfrost_primitives::{Member, Suite};
use hardfrost_store::{FileName, KeyProvider, Opened, PrivateFolder, Store, StoreDir};
use hardfrost_wire::{OperatorKey, Roster};
use zeroize::Zeroizing;

use crate::group_files;
use crate::homes::{operator_secret, random, roster, Home, Homes};
use crate::node::NodeLog;

const ROSTER: &str = "roster.toml";
const CERTIFICATE: &str = "certificate.bin";

/// The folder of a kept group.
pub struct Keep {
    path: PathBuf,
}

impl Keep {
    /// The folder at `path`; nothing is looked at yet.
    pub fn at(path: &Path) -> Self {
        // A trailing slash would follow a link.
        Self {
            path: path.components().collect(),
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a group is kept there.
    pub fn is_there(&self) -> bool {
        self.path.join(ROSTER).exists()
    }

    /// New operators with a store each.
    ///
    /// # Errors
    /// The folder holds something, is within others' reach, or a store cannot be made.
    pub fn found(&self, suite: Suite, count: u16) -> anyhow::Result<Homes> {
        let shown = self.path.display();
        let folder = PrivateFolder::make(&self.path);
        let mut entries = fs::read_dir(&self.path);
        // Said first: nobody is to change the mode of a folder that is for something else.
        if entries.as_mut().is_ok_and(|list| list.next().is_some()) {
            bail!("{shown} is not empty and keeps no group: name an empty or a new folder");
        }
        let folder = folder?;
        entries.with_context(|| format!("cannot read {shown}"))?;
        let home = |member| self.make_home(member).with_context(|| node(member));
        let homes: Vec<Home> = Member::all(count)
            .map(home)
            .collect::<anyhow::Result<_>>()?;
        let roster = roster(suite, homes.iter().map(|home| (home.member, &home.secret)))?;
        let text = RosterFile::unreached(roster.clone()).to_toml();
        let put = folder.put(ROSTER, text.as_bytes())?;
        ensure!(put, "{shown} has a {ROSTER} of somebody else by now");
        Ok(Homes { roster, homes })
    }

    /// The operators that are there, each with what its store holds.
    ///
    /// # Errors
    /// A folder within others' reach; a file or a store that does not read, or one that is another operator's.
    pub fn open(&self) -> anyhow::Result<Homes> {
        PrivateFolder::at(&self.path)?;
        let path = self.path.join(ROSTER);
        let shown = path.display();
        let text = String::from_utf8(group_files::read(&path)?);
        let text = text.with_context(|| format!("{shown} is no text"))?;
        let file = RosterFile::from_toml(&text);
        let roster = file
            .with_context(|| format!("{shown} is no roster"))?
            .roster;
        let home = |member| {
            self.open_home(member, &roster)
                .with_context(|| node(member))
        };
        let homes = Member::all(roster.count()).map(home);
        let homes = homes.collect::<anyhow::Result<_>>()?;
        Ok(Homes { roster, homes })
    }

    /// That no key was certified here: only then may the group make one.
    ///
    /// # Errors
    /// One was, and whoever asks did not find it in the stores.
    pub fn no_key_yet(&self) -> anyhow::Result<()> {
        let path = self.path.join(CERTIFICATE);
        ensure!(
            !is_taken(&path)?,
            "{}: a key was certified here, and the stores do not hold it. Its coins need those \
             stores: put them back from a copy. For another key name a new folder",
            path.display()
        );
        Ok(())
    }

    /// Puts the public proof of the key beside the stores. The stores have it too, and they count.
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
            "{} is not the proof of the key that the stores hold: find out which of them belongs \
             here. If the stores do, move the file away, and it is written anew",
            path.display()
        );
        Ok(())
    }

    fn make_home(&self, member: Member) -> anyhow::Result<Home> {
        let (folder, dir) = self.places(member);
        PrivateFolder::make(&folder)?;
        let provider = KeyProvider::make_key_file(&folder.join("store.key"))?;
        Store::create(&dir, &provider)?;
        let Opened { store, records } = Store::open(&dir, &provider)?;
        let secret = operator_secret();
        store.file(operator_key()?).create(secret.as_slice())?;
        Ok(Home {
            member,
            secret,
            records,
            log: NodeLog::kept(store),
        })
    }

    fn open_home(&self, member: Member, roster: &Roster) -> anyhow::Result<Home> {
        let (folder, dir) = self.places(member);
        PrivateFolder::at(&folder)?;
        let provider = KeyProvider::File(folder.join("store.key"));
        let Opened { store, records } = Store::open(&dir, &provider)?;
        let bytes = store.file(operator_key()?).read()?;
        let secret = <[u8; 32]>::try_from(bytes.as_slice()).map(Zeroizing::new);
        let secret = secret.context("the operator key has another length")?;
        let key = OperatorKey::new(&secret, random())?;
        ensure!(
            roster.key_of(member) == Some(&key.public()),
            "the operator key is not the one that {ROSTER} names"
        );
        Ok(Home {
            member,
            secret,
            records,
            log: NodeLog::kept(store),
        })
    }

    fn places(&self, member: Member) -> (PathBuf, StoreDir) {
        let folder = self.path.join(format!("node-{member}"));
        let store = StoreDir::new(folder.join("store"));
        (folder, store)
    }
}

fn node(member: Member) -> String {
    format!("node {member}")
}

fn operator_key() -> anyhow::Result<FileName> {
    FileName::new("operator").context("a plain name")
}

/// Whether anything, be it a link that leads nowhere, has this name.
fn is_taken(path: &Path) -> anyhow::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("cannot look at {}", path.display())),
    }
}
