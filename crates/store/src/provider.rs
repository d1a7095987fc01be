//! Where a store's key comes from. Paths, passphrases and folders are arguments: reading the environment is for the
//! binary.

mod command;
mod file;
mod hex_key;

use std::path::{Path, PathBuf};
use std::time::Duration;

use hardfrost_locked::scrubbed;
use zeroize::Zeroizing;

use crate::error::DiskFault;
use crate::keys::{Key, Material, ProviderKey};
use crate::place::PathFault;

pub use command::{CommandFault, KeyCommand};

/// One of the ways to a store's key.
pub enum KeyProvider {
    /// A file of 64 hex characters, mode 0600 or narrower.
    File(PathBuf),
    /// A passphrase; the key is made of it with Argon2id.
    Passphrase(Passphrase),
    /// A program that prints 64 hex characters.
    Command(KeyCommand),
    /// 64 hex characters that whoever opens the store has read already.
    Text(Zeroizing<String>),
    /// A credential that systemd decrypted for this service, 64 hex characters.
    SystemdCreds {
        /// What `$CREDENTIALS_DIRECTORY` says.
        directory: PathBuf,
        /// The credential's name there.
        name: String,
    },
}

/// A passphrase. Wiped on drop.
pub struct Passphrase(Zeroizing<Vec<u8>>);

/// A key that did not come. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// No file of that name.
    #[error("there is no key file {0}")]
    NoFile(PathBuf),
    /// Others could read it.
    #[error("the key file {0}")]
    Refused(#[from] PathFault),
    /// A name that leads out of the credentials' folder.
    #[error("a credential's name is a plain file name")]
    CredentialName,
    /// What came is no key.
    #[error("{0} gives no key: 64 hex characters are needed, and nothing else")]
    NotAKey(String),
    /// The program did not do its part.
    #[error("the key command {program}: {fault}")]
    Command {
        /// Which program.
        program: String,
        /// What it did.
        fault: CommandFault,
    },
    /// An empty passphrase, or one that is too long.
    #[error("a passphrase has 1 to {0} bytes")]
    PassphraseLength(usize),
    /// The system's word on it.
    #[error(transparent)]
    Disk(#[from] DiskFault),
}

impl Passphrase {
    /// Longest passphrase, in bytes.
    pub const BYTES_MAX: usize = 1024;

    /// These words, exactly: no end of line is taken away.
    ///
    /// # Errors
    /// [`KeyError::PassphraseLength`]
    pub fn new(words: Zeroizing<Vec<u8>>) -> Result<Self, KeyError> {
        if words.is_empty() || words.len() > Self::BYTES_MAX {
            return Err(KeyError::PassphraseLength(Self::BYTES_MAX));
        }
        Ok(Self(words))
    }

    /// The words in a file, 0600 or narrower, or in a pipe such as `/dev/fd/3`; one end of line is taken away.
    ///
    /// # Errors
    /// [`KeyError::PassphraseLength`], [`KeyError::Refused`], [`KeyError::Disk`]
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        file::passphrase(path)
    }
}

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passphrase")
    }
}

impl KeyProvider {
    /// How long a key command may take where nobody says otherwise.
    pub const COMMAND_DEADLINE: Duration = Duration::from_secs(30);

    /// Makes a key file with a fresh key, durably; the path must lead to nothing yet.
    ///
    /// # Errors
    /// [`KeyError::Disk`]
    pub fn make_key_file(path: &Path) -> Result<Self, KeyError> {
        scrubbed(|| file::make(path))?;
        Ok(Self::File(path.to_owned()))
    }

    /// Fetches the key now, into locked memory. A passphrase is wiped, but not locked.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn resolve(&self) -> Result<ProviderKey, KeyError> {
        let given = scrubbed(|| {
            let key = match self {
                Self::Passphrase(words) => return Ok(Material::Passphrase(words.0.clone())),
                Self::File(path) => file::read(path, file::Rule::OwnerOnly),
                Self::Command(command) => command.run(),
                Self::Text(text) => hex_key::parse(text.as_bytes())
                    .ok_or_else(|| KeyError::NotAKey("the text".to_owned())),
                Self::SystemdCreds { directory, name } => file::credential(directory, name),
            };
            Ok::<_, KeyError>(Material::Key(Key::hold_alone(&key?)?))
        });
        Ok(ProviderKey(given?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_as_text_is_a_key_or_nothing_and_is_not_repeated() {
        let text = |text: &str| KeyProvider::Text(Zeroizing::new(text.to_owned())).resolve();
        let Ok(ProviderKey(Material::Key(key))) = text(&"5a".repeat(32)) else {
            panic!("it is a key");
        };
        assert_eq!(*key.read(), [0x5a; 32]);
        for bad in ["", "5a", &"5g".repeat(32), &"5a".repeat(33)] {
            let refused = text(bad).unwrap_err();
            assert!(matches!(refused, KeyError::NotAKey(_)));
            assert!(!refused.to_string().contains("5a"));
        }
    }
}
