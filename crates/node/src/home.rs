//! A node's folder: how it is made, and the two keys in it that are not the group's.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use hardfrost_net::TransportKey;
use hardfrost_store::{
    FileName, FolderError, KeyError, KeyProvider, Opened, PrivateFolder, SealedFileError, Store,
    StoreDir, StoreError,
};
use hardfrost_wire::{OperatorKey, OperatorKeyError};
use zeroize::Zeroizing;

use crate::card::{Card, Contact};
use crate::config::{Config, ConfigError, StorePlace, CONFIG_FILE};
use crate::draw::{operator_secret, random};

pub(crate) const OPERATOR: &str = "operator";
const TRANSPORT: &str = "transport";
/// The operator's card, beside the configuration.
pub const CARD_FILE: &str = "card.toml";

/// What a new node is asked for.
#[derive(Clone, Debug)]
pub struct NewHome {
    /// The operator's label, for people.
    pub name: String,
    /// Where the node listens, `address:port`.
    pub listen: Vec<String>,
    /// How others reach it, `host:port`.
    pub addresses: Vec<String>,
    /// How many seats its operator asks for.
    pub seats: u16,
}

/// A node's folder that was not made, or whose keys do not come.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// Something is there already.
    #[error("{0} is not empty: a node gets a new folder")]
    NotEmpty(PathBuf),
    /// The folder is not for us alone, or the disk fails.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The system's word.
    #[error("{0}: {1}")]
    System(PathBuf, std::io::Error),
    /// A store's.
    #[error("the store {0}: {1}")]
    Store(PathBuf, StoreError),
    /// The key of a store.
    #[error("the key of the store {0}: {1}")]
    Key(PathBuf, KeyError),
    /// A sealed key.
    #[error("the store {0}: {1}")]
    Sealed(PathBuf, SealedFileError),
    /// A sealed key that is none.
    #[error("the store {0}: {1}")]
    NoKey(PathBuf, OperatorKeyError),
    /// The sealed key has another length.
    #[error("the store {0}: its {1} key is not 32 bytes")]
    Length(PathBuf, String),
    /// What was written does not read.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// Who a node is: the operator's key and the transport's, in memory.
pub struct Keys {
    operator: Zeroizing<[u8; 32]>,
    transport: Zeroizing<[u8; 32]>,
}

impl Keys {
    /// Reads both out of the identity store, and closes it.
    ///
    /// # Errors
    /// [`HomeError`]
    pub fn read(config: &Config, credentials: Option<&Path>) -> Result<Self, HomeError> {
        let place = &config.identity;
        let store = open(place, credentials)?;
        let operator = secret(&store, place, OPERATOR.to_owned())?;
        let transport = secret(&store, place, transport_name(config.transport))?;
        close(store, place)?;
        let keys = Self {
            operator,
            transport,
        };
        let valid = OperatorKey::new(&keys.operator, [0; 32]);
        valid.map_err(|error| HomeError::NoKey(place.folder.clone(), error))?;
        Ok(keys)
    }

    /// The operator's key, with fresh auxiliary randomness.
    #[must_use]
    pub fn operator(&self) -> OperatorKey {
        OperatorKey::new(&self.operator, random()).expect("it was one when it was read or drawn")
    }

    /// The transport's key.
    #[must_use]
    pub fn transport(&self) -> TransportKey {
        TransportKey::from_seed(&self.transport)
    }

    pub(crate) fn draw() -> Self {
        Self {
            operator: operator_secret(),
            transport: Zeroizing::new(random()),
        }
    }

    fn seal(&self, store: &Store, folder: &Path) -> Result<(), HomeError> {
        let sealed = |error| HomeError::Sealed(folder.to_owned(), error);
        let operator = store.file(file_name(OPERATOR));
        operator.create(self.operator.as_slice()).map_err(sealed)?;
        let transport = store.file(file_name(TRANSPORT));
        transport.create(self.transport.as_slice()).map_err(sealed)
    }
}

fn open(place: &StorePlace, credentials: Option<&Path>) -> Result<Store, HomeError> {
    Ok(open_store(place, credentials)?.store)
}

fn close(store: Store, place: &StorePlace) -> Result<(), HomeError> {
    let closed = store.close();
    closed.map_err(|error| HomeError::Store(place.folder.clone(), error))
}

fn secret(
    store: &Store,
    place: &StorePlace,
    name: String,
) -> Result<Zeroizing<[u8; 32]>, HomeError> {
    let sealed = |error| HomeError::Sealed(place.folder.clone(), error);
    let bytes = store.file(file_name(&name)).read().map_err(sealed)?;
    let key = <[u8; 32]>::try_from(bytes.as_slice()).map(Zeroizing::new);
    key.map_err(|_| HomeError::Length(place.folder.clone(), name))
}

fn transport_name(number: u16) -> String {
    match number {
        1 => TRANSPORT.to_owned(),
        more => format!("{TRANSPORT}-{more}"),
    }
}

/// Makes another transport key beside those that are there, and says which number it has: for the node's configuration,
/// once the others know it.
///
/// # Errors
/// [`HomeError`]
pub fn another_transport(
    config: &Config,
    credentials: Option<&Path>,
) -> Result<(u16, Keys), HomeError> {
    let place = &config.identity;
    let store = open(place, credentials)?;
    let operator = secret(&store, place, OPERATOR.to_owned())?;
    let transport = Zeroizing::new(random::<32>());
    let mut number = 2;
    loop {
        let file = store.file(file_name(&transport_name(number)));
        match file.create(transport.as_slice()) {
            Ok(()) => break,
            Err(SealedFileError::Exists(_)) if number < u16::MAX => number += 1,
            Err(error) => return Err(HomeError::Sealed(place.folder.clone(), error)),
        }
    }
    close(store, place)?;
    let keys = Keys {
        operator,
        transport,
    };
    Ok((number, keys))
}

fn file_name(name: &str) -> FileName {
    FileName::new(name).expect("a plain name")
}

/// Makes a node's folder: two stores with their keys, a configuration, a card. The configuration comes last: a folder
/// without one is no node.
///
/// # Errors
/// [`HomeError`]; what was begun is left for the operator to look at.
pub fn make(folder: &Path, wanted: &NewHome) -> Result<Card, HomeError> {
    let private = empty(folder)?;
    let keys = Keys::draw();
    for (name, sealed) in [("identity", true), ("engine", false)] {
        let at = folder.join(name);
        let provider = KeyProvider::make_key_file(&folder.join(format!("{name}.key")));
        let provider = provider.map_err(|error| HomeError::Key(at.clone(), error))?;
        let dir = StoreDir::new(&at);
        let failed = |error| HomeError::Store(at.clone(), error);
        Store::create(&dir, &provider).map_err(failed)?;
        if sealed {
            let Opened { store, .. } = Store::open(&dir, &provider).map_err(failed)?;
            keys.seal(&store, dir.path())?;
            store.close().map_err(failed)?;
        }
    }
    let card = card(&keys, wanted);
    put(&private, CARD_FILE, &card.to_toml())?;
    put(&private, CONFIG_FILE, &configuration(wanted))?;
    Ok(card)
}

/// The card of a node that is there, with its keys as they are now. Name, seats and addresses are those of `before`.
#[must_use]
pub fn card_of(keys: &Keys, before: &Card) -> Card {
    card(
        keys,
        &NewHome {
            name: before.name.clone(),
            listen: Vec::new(),
            addresses: before.contact.addresses.clone(),
            seats: before.seats,
        },
    )
}

fn card(keys: &Keys, wanted: &NewHome) -> Card {
    let operator = keys.operator();
    let transport = keys.transport().public().0;
    Card {
        name: wanted.name.clone(),
        key: operator.public(),
        seats: wanted.seats,
        contact: Contact::certified(&operator, transport, wanted.addresses.clone()),
    }
}

fn empty(folder: &Path) -> Result<PrivateFolder, HomeError> {
    match fs::read_dir(folder) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(HomeError::NotEmpty(folder.to_owned()));
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(HomeError::System(folder.to_owned(), error)),
    }
    Ok(PrivateFolder::make(folder)?)
}

fn put(folder: &PrivateFolder, name: &'static str, text: &str) -> Result<(), HomeError> {
    if folder.put(name, text.as_bytes())? {
        Ok(())
    } else {
        Err(HomeError::NotEmpty(folder.path().to_owned()))
    }
}

/// The configuration of a new node, but for where it listens.
const CONFIGURATION: &str = r#"# A Hardfrost node. Relative paths are in this folder.
# `hardfrost node run --check` says what is wrong with it.

# Where other nodes reach this one; empty for a node that only dials.
listen = [LISTEN]
# The groups this node belongs to. All operators of a group have a roster of the same hash.
rosters = ["roster.toml"]
# The log on standard error: "human" or "json".
log = "human"
# A node that is told to stop finishes what is under way, for so many seconds at most.
stop_seconds = 5

# The operator's own key and the transport's, sealed. Instead of key_file one may name
# passphrase_file = "FILE", key_command = ["program", "argument"],
# or credential = "NAME", of the systemd service.
[identity]
store = "identity"
key_file = "identity.key"
# Which of its transport keys is in use: see `hardfrost node card --new-transport-key`.
transport = 1

# The shares of group keys, and the record of what was signed.
# For an engine in a process of its own: socket = "PATH", and nothing else.
[engine]
store = "engine"
key_file = "engine.key"

# The local interface. Users beside the node's own that may use it: uids = [1000].
[api]
socket = "hardfrost.sock"
uids = []

# Limits of the transport, by the names that `hardfrost node status --json` shows them under.
[network]
"#;

fn configuration(wanted: &NewHome) -> String {
    let listen: Vec<String> = wanted.listen.iter().map(|at| format!("{at:?}")).collect();
    CONFIGURATION.replacen("LISTEN", &listen.join(", "), 1)
}

/// A store of the node, open, with its records.
///
/// # Errors
/// [`HomeError`]
pub fn open_store(place: &StorePlace, credentials: Option<&Path>) -> Result<Opened, HomeError> {
    let provider = place.key.provider(credentials);
    let provider = provider.map_err(|error| HomeError::Key(place.folder.clone(), error))?;
    let opened = Store::open(&StoreDir::new(&place.folder), &provider);
    opened.map_err(|error| HomeError::Store(place.folder.clone(), error))
}
