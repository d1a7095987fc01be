//! A key in a file: the operator's, or one that systemd put there.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path};

use zeroize::Zeroizing;

use super::{hex_key, KeyError, Passphrase};
use crate::disk::{sync, sync_folder_of};
use crate::error::DiskFault;
use crate::keys::KeyBytes;
use crate::place::{metadata, private_file, PathFault, PathProblem, FILE_MODE};
use crate::sealing;

/// Who may reach a key file.
#[derive(Clone, Copy)]
pub(super) enum Rule {
    /// Its owner, who runs this.
    OwnerOnly,
    /// systemd's own: it belongs to root, and an access list, seen as a group's right, lets the service read it.
    Systemd,
}

pub(super) fn read(path: &Path, rule: Rule) -> Result<KeyBytes, KeyError> {
    let seen = metadata(path)?.ok_or_else(|| KeyError::NoFile(path.to_owned()))?;
    if seen.is_symlink() {
        return Err(fault(path, PathProblem::Symlink));
    }
    let file = open(path)?;
    // What was opened is what is judged: the path may lead elsewhere by now.
    let opened = file
        .metadata()
        .map_err(DiskFault::system("look at", path))?;
    match rule {
        Rule::OwnerOnly => private_file(path, &opened)?,
        Rule::Systemd => {
            let mode = opened.permissions().mode() & 0o777;
            let us = rustix::process::geteuid().as_raw();
            if !opened.is_file() {
                return Err(fault(path, PathProblem::NotAFile));
            }
            if mode & 0o037 != 0 {
                return Err(fault(path, PathProblem::TooWide(mode)));
            }
            if opened.uid() != 0 && opened.uid() != us {
                return Err(fault(path, PathProblem::Owner(opened.uid())));
            }
        }
    }
    let mut text = Zeroizing::new(Vec::with_capacity(hex_key::READ_MAX));
    file.take(hex_key::READ_MAX as u64)
        .read_to_end(&mut text)
        .map_err(DiskFault::system("read", path))?;
    hex_key::parse(&text).ok_or_else(|| KeyError::NotAKey(path.display().to_string()))
}

/// The credential of that name, which must not lead anywhere else.
pub(super) fn credential(directory: &Path, name: &str) -> Result<KeyBytes, KeyError> {
    let mut parts = Path::new(name).components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(only)), None) if only == name => {}
        _ => return Err(KeyError::CredentialName),
    }
    read(&directory.join(name), Rule::Systemd)
}

/// Words in a file, without the end of their line. A pipe or a terminal is taken if it is ours.
pub(super) fn passphrase(path: &Path) -> Result<Passphrase, KeyError> {
    // Before it is opened, too: another's pipe would make us wait. What is missing is for `open` to say.
    if let Ok(found) = fs::metadata(path) {
        ours(path, &found)?;
    }
    let file = OpenOptions::new()
        .read(true)
        .open(path)
        .map_err(DiskFault::system("open", path))?;
    let opened = file
        .metadata()
        .map_err(DiskFault::system("look at", path))?;
    ours(path, &opened)?;
    let most = Passphrase::BYTES_MAX + 2;
    let mut words = Zeroizing::new(Vec::with_capacity(most));
    file.take(most as u64)
        .read_to_end(&mut words)
        .map_err(DiskFault::system("read", path))?;
    if words.last() == Some(&b'\n') {
        words.pop();
    }
    Passphrase::new(words)
}

/// Whoever else owns a pipe or a device chooses what we read from it.
fn ours(path: &Path, found: &Metadata) -> Result<(), PathFault> {
    if found.is_file() {
        return private_file(path, found);
    }
    if found.uid() == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    Err(PathFault {
        path: path.to_owned(),
        problem: PathProblem::Owner(found.uid()),
    })
}

/// A fresh key in a file that is not there yet, durable before anything is sealed under it.
pub(super) fn make(path: &Path) -> Result<(), KeyError> {
    let key = sealing::fresh_key()?;
    let mut text = Zeroizing::new([0; 64]);
    hex::encode_to_slice(key.as_slice(), text.as_mut_slice()).expect("64 characters for 32 bytes");
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_slice()))
        .map_err(DiskFault::system("make the key file", path))?;
    sync(path)?;
    Ok(sync_folder_of(path)?)
}

fn open(path: &Path) -> Result<File, KeyError> {
    // A pipe in its place must not make us wait.
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    opened.map_err(|error| {
        if error.kind() == ErrorKind::NotFound {
            KeyError::NoFile(path.to_owned())
        } else {
            DiskFault::system("open", path)(error).into()
        }
    })
}

fn fault(path: &Path, problem: PathProblem) -> KeyError {
    KeyError::Refused(PathFault {
        path: path.to_owned(),
        problem,
    })
}
