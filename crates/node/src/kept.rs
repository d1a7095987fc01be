//! The terms of the key generations that this node takes part in, on its disk: after a restart a pending share goes on
//! under them, and none is joined a second time. There is nothing secret in them.

use std::collections::btree_map::Entry;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hardfrost_dkg::Descriptor;
use hardfrost_primitives::{Hash32, UnixTime};
use hardfrost_store::{FolderError, PrivateFolder};
use tracing::warn;

/// In the node's folder.
pub(crate) const FOLDER: &str = "ceremonies";
/// Key generations that are kept at once.
const KEPT_MAX: usize = 256;
/// A descriptor in hexadecimal, and its end of line, are below.
const BYTES_MAX: u64 = 512;
/// So long after their deadline terms stay that made no key: a clock that was ahead for once, or a start with another
/// engine, does away with none that are needed.
const STAYS: Duration = Duration::from_secs(24 * 3600);

/// Terms that were not kept, so nothing was joined under them.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// The disk's word.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Those that are there may all still end in a key.
    #[error(
        "{0} holds the terms of {KEPT_MAX} key generations without a key: remove those that all \
         operators gave up more than a day ago, and start the node again"
    )]
    Full(PathBuf),
    /// Something else has the name.
    #[error(
        "{0} is in the way, and says something else than this node would have written: remove it, \
         then give the order again"
    )]
    Taken(PathBuf),
}

/// Terms by the ids of their ceremonies, each in a file that its head names.
pub struct Kept {
    folder: PathBuf,
    all: BTreeMap<Hash32, Descriptor>,
    /// Of these no share is durable here: from this time on they may go.
    settled: BTreeMap<Hash32, UnixTime>,
    /// Files that were left alone, in words.
    left: Vec<String>,
}

/// The name says what is in it.
pub(crate) fn file_name(terms: &Descriptor) -> String {
    terms.head().to_string()
}

/// What a file says.
pub(crate) fn text(terms: &Descriptor) -> String {
    format!("{}\n", hex::encode(terms.to_bytes()))
}

/// The same, read, if it is that of its name.
pub(crate) fn read(name: &OsStr, bytes: &[u8]) -> Option<Descriptor> {
    let said = std::str::from_utf8(bytes).ok()?;
    let terms = Descriptor::from_bytes(&hex::decode(said.trim_end()).ok()?)?;
    let ours = file_name(&terms).as_str() == name && text(&terms) == said;
    ours.then_some(terms)
}

impl Kept {
    /// What a node's folder keeps. A file that is no such terms, or does not read, is left
    /// alone: see [`Self::left`].
    ///
    /// # Errors
    /// [`FolderError`]
    pub fn read(node: &Path) -> Result<Self, FolderError> {
        let mut this = Self {
            folder: node.join(FOLDER),
            all: BTreeMap::new(),
            settled: BTreeMap::new(),
            left: Vec::new(),
        };
        let Some(folder) = PrivateFolder::found(&this.folder)? else {
            return Ok(this);
        };
        for (name, bytes) in folder.files(BYTES_MAX)? {
            let file = folder.path().join(&name);
            let terms = match bytes {
                Ok(bytes) => read(&name, &bytes),
                Err(error) => {
                    this.left.push(error.to_string());
                    continue;
                }
            };
            match terms {
                Some(terms) if this.all.len() < KEPT_MAX => {
                    this.all.insert(terms.id(), terms);
                }
                Some(_) | None => {
                    let what = "no terms of a key generation, or one too many";
                    this.left.push(format!("{}: {what}", file.display()));
                }
            }
        }
        Ok(this)
    }

    /// What was left alone in the folder, in words: files that do not read, or say something else than their names.
    #[must_use]
    pub fn left(&self) -> &[String] {
        &self.left
    }

    /// All of them, those whose deadline comes last at the end.
    #[must_use]
    pub fn all(&self) -> Vec<Descriptor> {
        let mut all: Vec<Descriptor> = self.all.values().cloned().collect();
        all.sort_by_key(|terms| terms.deadline);
        all
    }

    /// Keeps these: durable when this returns. Whether they were new.
    ///
    /// # Errors
    /// [`KeptError`]
    pub fn keep(&mut self, now: UnixTime, terms: &Descriptor) -> Result<bool, KeptError> {
        self.sweep(now);
        if self.all.contains_key(&terms.id()) {
            return Ok(false);
        }
        if self.all.len() >= KEPT_MAX {
            return Err(KeptError::Full(self.folder.clone()));
        }
        let text = text(terms);
        let folder = PrivateFolder::make(&self.folder)?;
        let name = file_name(terms);
        // What has the name already is the same, or damaged: then there would be no terms at the next start.
        let new = folder.put(&name, text.as_bytes())?;
        if !new && !folder.holds(&name, text.as_bytes())? {
            return Err(KeptError::Taken(self.folder.join(name)));
        }
        self.all.insert(terms.id(), terms.clone());
        Ok(true)
    }

    /// Keeps these in the place of those with the same id and another deadline, if there are any: one of them is there
    /// at every instant, or none. Without any the share waits until its code is given again.
    ///
    /// # Errors
    /// [`KeptError`]
    pub fn replace(&mut self, now: UnixTime, terms: &Descriptor) -> Result<(), KeptError> {
        let known = self.all.get(&terms.id()).filter(|known| *known != terms);
        if let Some(known) = known {
            PrivateFolder::at(&self.folder)?.remove(&file_name(known))?;
            self.all.remove(&terms.id());
        }
        self.keep(now, terms).map(drop)
    }

    /// The key is made: nothing is left to go on with. What cannot be removed now is, at another start.
    pub fn forget(&mut self, id: &Hash32) {
        self.settled.remove(id);
        let Some(terms) = self.all.remove(id) else {
            return;
        };
        let folder = PrivateFolder::at(&self.folder);
        let removed = folder.and_then(|folder| folder.remove(&file_name(&terms)));
        if let Err(error) = removed {
            warn!(%error, "the terms of a key generation that is over stay in the folder");
        }
    }

    /// There will be no key, as far as it is known now: the terms stay until a day after their deadline, and for a day
    /// at the least, so that they are not joined again.
    pub fn settle(&mut self, now: UnixTime, id: &Hash32) {
        let deadline = self.all.get(id).map_or(now, |terms| terms.deadline);
        if let Entry::Vacant(free) = self.settled.entry(*id) {
            free.insert(deadline.max(now).plus(STAYS));
        }
    }

    /// Whether it is known that there will be no key.
    pub fn is_settled(&self, id: &Hash32) -> bool {
        self.settled.contains_key(id)
    }

    /// A share turned out to be durable after all: they are needed until the key is made.
    pub fn need(&mut self, id: &Hash32) {
        self.settled.remove(id);
    }

    /// Forgets what nobody can join any more.
    pub fn sweep(&mut self, now: UnixTime) {
        let settled = self.settled.iter();
        let over: Vec<Hash32> = settled
            .filter(|(_, until)| **until <= now)
            .map(|(id, _)| *id)
            .collect();
        over.iter().for_each(|id| self.forget(id));
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use hardfrost_dkg::CeremonyKind;

    use super::*;

    fn terms(salt: u8, deadline: u64) -> Descriptor {
        Descriptor {
            kind: CeremonyKind::Generate,
            roster: Hash32([1; 32]),
            threshold: 2,
            count: 3,
            salt: [salt; 32],
            deadline: UnixTime(deadline),
        }
    }

    fn ids(kept: &Kept) -> Vec<Hash32> {
        kept.all().iter().map(Descriptor::id).collect()
    }

    #[test]
    fn what_is_kept_is_there_again_and_what_ended_is_not() {
        let node = tempfile::tempdir().unwrap();
        let mut kept = Kept::read(node.path()).unwrap();
        let [later, soon, made] = [terms(1, 90), terms(2, 50), terms(3, 70)];
        for terms in [&later, &soon, &made, &made] {
            kept.keep(UnixTime(10), terms).unwrap();
        }
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(node.path().join(FOLDER)), 0o700);
        assert_eq!(mode(node.path().join(FOLDER).join(file_name(&soon))), 0o600);
        let mut again = Kept::read(node.path()).unwrap();
        assert_eq!(again.all(), [soon.clone(), made.clone(), later.clone()]);
        again.forget(&made.id());
        // Without an end it stays, however late; with one, until nobody can join it.
        again.sweep(UnixTime(1000));
        assert_eq!(ids(&again), [soon.id(), later.id()]);
        // The disk failed, and when it was back the share was there.
        again.settle(UnixTime(10), &soon.id());
        again.need(&soon.id());
        again.sweep(UnixTime(200_000));
        assert_eq!(ids(&again), [soon.id(), later.id()]);
        // A day after the deadline, whatever is said of it again.
        again.settle(UnixTime(10), &soon.id());
        again.settle(UnixTime(100), &soon.id());
        again.sweep(UnixTime(50 + 86_399));
        assert_eq!(ids(&again), [soon.id(), later.id()]);
        again.sweep(UnixTime(50 + 86_400));
        assert_eq!(ids(&Kept::read(node.path()).unwrap()), [later.id()]);
    }

    #[test]
    fn terms_take_the_place_of_those_with_another_deadline() {
        let node = tempfile::tempdir().unwrap();
        let mut kept = Kept::read(node.path()).unwrap();
        let (wrong, right, other) = (terms(1, 90), terms(1, 50), terms(2, 70));
        kept.keep(UnixTime(0), &other).unwrap();
        for now in [&wrong, &right, &right] {
            kept.replace(UnixTime(0), now).unwrap();
            assert_eq!(kept.all().len(), 2);
            let again = Kept::read(node.path()).unwrap().all();
            assert_eq!(again, kept.all());
            assert!(again.contains(now) && again.contains(&other));
        }
        // Its removal is refused: what was there stays.
        let file = node.path().join(FOLDER).join(file_name(&right));
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        kept.replace(UnixTime(0), &wrong).unwrap_err();
        assert_eq!(kept.all(), [right, other]);
    }

    /// A start with an older engine, long after the deadline, finds them lost; the next one has the engine that holds
    /// the share.
    #[test]
    fn what_ends_long_after_its_deadline_stays_for_a_day() {
        let node = tempfile::tempdir().unwrap();
        let mut kept = Kept::read(node.path()).unwrap();
        let pending = terms(1, 90);
        kept.keep(UnixTime(0), &pending).unwrap();
        kept.settle(UnixTime(1_000_000), &pending.id());
        kept.sweep(UnixTime(1_000_000 + 86_399));
        let mut again = Kept::read(node.path()).unwrap();
        assert_eq!(again.all(), [pending]);
        again.sweep(UnixTime(2_000_000));
        assert_eq!(again.all().len(), 1);
        kept.sweep(UnixTime(1_000_000 + 86_400));
        assert_eq!(Kept::read(node.path()).unwrap().all(), []);
    }

    /// Damage, a link and a folder in the place of the terms: nothing is said to be durable.
    #[test]
    fn what_is_in_the_place_of_the_terms_is_not_taken_for_them() {
        let node = tempfile::tempdir().unwrap();
        let terms = terms(1, 90);
        let keep = || {
            let mut kept = Kept::read(node.path()).unwrap();
            kept.keep(UnixTime(0), &terms)
        };
        assert!(keep().unwrap());
        let file = node.path().join(FOLDER).join(file_name(&terms));
        let elsewhere = node.path().join("elsewhere");
        let in_the_way: [&dyn Fn(); 4] = [
            &|| fs::write(&file, "damage").unwrap(),
            &|| fs::write(&file, format!("{}\n", text(&terms))).unwrap(),
            &|| {
                fs::write(&elsewhere, text(&terms)).unwrap();
                std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
            },
            &|| fs::create_dir(&file).unwrap(),
        ];
        for put in in_the_way {
            fs::remove_file(&file).unwrap();
            put();
            let refused = keep().unwrap_err().to_string();
            assert!(refused.contains(&file_name(&terms)), "{refused}");
            assert!(refused.contains("remove it"), "{refused}");
        }
        fs::remove_dir(&file).unwrap();
        assert!(keep().unwrap());
        // The file of a former process, whose memory of it is gone.
        let mut forgot = Kept::read(node.path()).unwrap();
        forgot.all.clear();
        assert!(forgot.keep(UnixTime(0), &terms).unwrap());
    }

    /// Half a file of a crash, a file that was changed, and files that are not ours.
    #[test]
    fn what_does_not_say_what_its_name_says_is_left_alone() {
        let node = tempfile::tempdir().unwrap();
        let mut kept = Kept::read(node.path()).unwrap();
        let (good, changed) = (terms(1, 90), terms(2, 50));
        kept.keep(UnixTime(0), &good).unwrap();
        kept.keep(UnixTime(0), &changed).unwrap();
        let folder = node.path().join(FOLDER);
        let other = Descriptor {
            deadline: UnixTime(51),
            ..changed.clone()
        };
        assert_eq!(other.id(), changed.id());
        let file = folder.join(file_name(&changed));
        fs::write(&file, hex::encode(other.to_bytes())).unwrap();
        fs::write(folder.join("notes"), "mine").unwrap();
        fs::write(folder.join("long"), vec![b'0'; 1 << 20]).unwrap();
        fs::write(folder.join(format!("{}.new", file_name(&good))), "ab").unwrap();
        fs::create_dir(folder.join("folder")).unwrap();
        let kept = Kept::read(node.path()).unwrap();
        assert_eq!(ids(&kept), [good.id()]);
        let told = kept.left().join("\n");
        assert_eq!(kept.left().len(), 3, "{told}");
        for name in [&file_name(&changed), "notes", "long"] {
            assert!(told.contains(name), "{told}");
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 6);
    }

    #[test]
    fn there_is_a_limit_and_its_word_says_what_to_do() {
        let node = tempfile::tempdir().unwrap();
        let mut kept = Kept::read(node.path()).unwrap();
        let number = |number: usize| u64::try_from(number).unwrap();
        for salt in 0..KEPT_MAX {
            let mut one = terms(0, 10 + number(salt));
            one.salt[..8].copy_from_slice(&number(salt).to_be_bytes());
            kept.all.insert(one.id(), one);
        }
        let refused = kept.keep(UnixTime(9), &terms(1, 90)).unwrap_err();
        assert!(refused.to_string().contains("remove those"), "{refused}");
        let first = ids(&kept)[0];
        kept.settle(UnixTime(9), &first);
        let deadline = kept.all[&first].deadline;
        let day = deadline.plus(STAYS);
        assert!(kept.keep(UnixTime(day.0 - 1), &terms(1, 90)).is_err());
        kept.keep(day, &terms(1, 90)).unwrap();
        assert_eq!(kept.all.len(), KEPT_MAX);
    }
}
