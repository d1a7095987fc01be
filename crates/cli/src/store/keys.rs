//! The ways to a store's key, as options. A secret is never an argument: others could see it.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use hardfrost_store::{KeyCommand, KeyProvider, Passphrase};

use crate::passphrase::ask;
use crate::Failure;

/// The key that opens the store.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct KeyOptions {
    /// A file with the key, 64 hex characters, mode 0600
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// A file with the passphrase, mode 0600, or a descriptor: /dev/fd/3
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Ask for the passphrase on the terminal
    #[arg(long)]
    passphrase: bool,
    /// A program that prints the key, and its arguments, split at spaces; no shell reads them
    #[arg(long, value_name = "COMMAND")]
    key_command: Option<String>,
    /// The key is this credential of the systemd service
    #[arg(long, value_name = "NAME")]
    credential: Option<String>,
}

/// The key that the store goes over to.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct NewKeyOptions {
    /// A file with the new key, 64 hex characters, mode 0600
    #[arg(long, value_name = "FILE")]
    new_key_file: Option<PathBuf>,
    /// Make this file, with a fresh key in it; it must not be there yet
    #[arg(long, value_name = "FILE")]
    make_key_file: Option<PathBuf>,
    /// A file with the new passphrase, mode 0600, or a descriptor: /dev/fd/4
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
    /// Ask for the new passphrase on the terminal, twice
    #[arg(long)]
    new_passphrase: bool,
    /// A program that prints the new key
    #[arg(long, value_name = "COMMAND")]
    new_key_command: Option<String>,
    /// The new key is this credential of the systemd service
    #[arg(long, value_name = "NAME")]
    new_credential: Option<String>,
}

impl KeyOptions {
    /// The provider that was named. A passphrase is asked for here.
    ///
    /// # Errors
    /// A passphrase that does not come; `$CREDENTIALS_DIRECTORY` unset.
    pub fn provider(&self) -> Result<KeyProvider, Failure> {
        if self.passphrase {
            let words = ask("Passphrase of the store: ")?;
            return passphrase(Passphrase::new(words));
        }
        let named = Named {
            key_file: self.key_file.as_deref(),
            passphrase_file: self.passphrase_file.as_deref(),
            command: self.key_command.as_deref(),
            credential: self.credential.as_deref(),
        };
        named.provider()
    }
}

impl NewKeyOptions {
    /// The provider that was named. A passphrase is asked for, and a key file made, here.
    ///
    /// # Errors
    /// A passphrase that does not come, a file that is there already; `$CREDENTIALS_DIRECTORY` unset.
    pub fn provider(&self) -> Result<KeyProvider, Failure> {
        if self.new_passphrase {
            let words = ask("New passphrase: ")?;
            let again = ask("The same once more: ")?;
            if !bool::from(subtle::ConstantTimeEq::ct_eq(words.as_slice(), &again)) {
                return Err(anyhow::anyhow!("the two passphrases differ").into());
            }
            return passphrase(Passphrase::new(words));
        }
        if let Some(path) = &self.make_key_file {
            let made = KeyProvider::make_key_file(path).context("the new key");
            return Ok(made?);
        }
        let named = Named {
            key_file: self.new_key_file.as_deref(),
            passphrase_file: self.new_passphrase_file.as_deref(),
            command: self.new_key_command.as_deref(),
            credential: self.new_credential.as_deref(),
        };
        named.provider()
    }
}

/// What both kinds of options have.
struct Named<'a> {
    key_file: Option<&'a Path>,
    passphrase_file: Option<&'a Path>,
    command: Option<&'a str>,
    credential: Option<&'a str>,
}

impl Named<'_> {
    fn provider(&self) -> Result<KeyProvider, Failure> {
        if let Some(path) = self.key_file {
            return Ok(KeyProvider::File(path.to_owned()));
        }
        if let Some(path) = self.passphrase_file {
            return passphrase(Passphrase::read(path));
        }
        if let Some(command) = self.command {
            return key_command(command);
        }
        let name = self.credential.unwrap_or_default();
        let directory = std::env::var_os("CREDENTIALS_DIRECTORY").ok_or_else(|| {
            Failure::Usage("a credential needs $CREDENTIALS_DIRECTORY, which systemd sets".into())
        })?;
        Ok(KeyProvider::SystemdCreds {
            directory: directory.into(),
            name: name.to_owned(),
        })
    }
}

fn passphrase(
    words: Result<Passphrase, hardfrost_store::KeyError>,
) -> Result<KeyProvider, Failure> {
    Ok(KeyProvider::Passphrase(words.context("the passphrase")?))
}

fn key_command(line: &str) -> Result<KeyProvider, Failure> {
    let mut words = line.split_whitespace().map(Into::into);
    let program = words
        .next()
        .ok_or_else(|| Failure::Usage("a key command names a program".into()))?;
    Ok(KeyProvider::Command(KeyCommand {
        program,
        arguments: words.collect(),
        deadline: KeyProvider::COMMAND_DEADLINE,
    }))
}
