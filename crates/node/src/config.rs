//! A node's configuration: one file, read once into one value. Whatever is wrong is named with file and key.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hardfrost_net::NetLimits;
use hardfrost_store::{KeyCommand, KeyError, KeyProvider, Passphrase};
use serde::Deserialize;

use crate::network;
use crate::roster_file::RosterFile;

/// The file's name in a node's folder.
pub const CONFIG_FILE: &str = "node.toml";
/// Longest file read here; a roster of a thousand operators is far below.
const TEXT_BYTES_MAX: u64 = 4 << 20;
/// Rosters of one node, at most.
const ROSTERS_MAX: usize = 16;

/// What a node is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The folder that relative paths are relative to.
    pub folder: PathBuf,
    /// Where other nodes reach this one; none for a node that only dials.
    pub listen: Vec<SocketAddr>,
    /// Roster files.
    pub rosters: Vec<PathBuf>,
    /// The store of operator key and transport keys.
    pub identity: StorePlace,
    /// Which of its transport keys is in use, from 1.
    pub transport: u16,
    /// Where the engine is.
    pub engine: EnginePlace,
    /// The local interface.
    pub api: ApiPlace,
    /// The transport's limits.
    pub network: NetLimits,
    /// How the log is written.
    pub log: LogFormat,
    /// How long a node that is told to stop goes on for what is under way.
    pub stop_after: Duration,
}

/// A store and the key that opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorePlace {
    /// Its folder.
    pub folder: PathBuf,
    /// Where its key comes from.
    pub key: KeyPlace,
}

/// Where a store's key comes from. Nothing of it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyPlace {
    /// A file with 64 hex characters.
    File(PathBuf),
    /// A file with the passphrase.
    PassphraseFile(PathBuf),
    /// A program and its arguments.
    Command(Vec<String>),
    /// A credential of the systemd service: the file that systemd made, in its folder of credentials.
    Credential(String),
}

/// Where the engine is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnginePlace {
    /// In this process.
    Here(StorePlace),
    /// In a process of its own, behind this socket.
    Socket(PathBuf),
}

/// The local interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiPlace {
    /// Its Unix socket.
    pub socket: PathBuf,
    /// Who may connect beside the node's own user.
    pub uids: BTreeSet<u32>,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// What is wrong with a configuration, by file and key.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file that does not read.
    #[error("{file}: {why}")]
    File {
        /// Which.
        file: PathBuf,
        /// The system's word, or "is no text".
        why: String,
    },
    /// A roster that is not there yet: a new node has none.
    #[error(
        "there is no roster {0} yet: make one of all operators' cards (hardfrost roster new), or \
         take the file that another operator made, and put it there"
    )]
    NoRoster(PathBuf),
    /// A key that is wrong, missing or unknown.
    #[error("{file}: {key}: {why}")]
    Key {
        /// The file.
        file: PathBuf,
        /// The key, as `table.key`.
        key: String,
        /// What is wrong with it.
        why: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    listen: Vec<String>,
    rosters: Vec<PathBuf>,
    #[serde(default)]
    log: LogFormat,
    stop_seconds: Option<u64>,
    identity: IdentityTable,
    engine: EngineTable,
    api: ApiTable,
    #[serde(default)]
    network: network::Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IdentityTable {
    store: PathBuf,
    transport: Option<u16>,
    key_file: Option<PathBuf>,
    passphrase_file: Option<PathBuf>,
    key_command: Option<Vec<String>>,
    credential: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EngineTable {
    socket: Option<PathBuf>,
    store: Option<PathBuf>,
    key_file: Option<PathBuf>,
    passphrase_file: Option<PathBuf>,
    key_command: Option<Vec<String>>,
    credential: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ApiTable {
    socket: PathBuf,
    #[serde(default)]
    uids: BTreeSet<u32>,
}

/// One configuration file while it is read.
struct Reading<'a> {
    file: &'a Path,
    folder: &'a Path,
}

impl Config {
    /// Reads the configuration in a node's folder, or at a file.
    ///
    /// # Errors
    /// [`ConfigError`]
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let file = if path.is_dir() {
            path.join(CONFIG_FILE)
        } else {
            path.to_owned()
        };
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        let reading = Reading {
            file: &file,
            folder: &folder,
        };
        reading.config(&text(&file)?)
    }

    /// The rosters that it names, each read and verified.
    ///
    /// # Errors
    /// [`ConfigError`]
    pub fn read_rosters(&self) -> Result<Vec<RosterFile>, ConfigError> {
        let read = |path: &PathBuf| {
            if !path.exists() {
                return Err(ConfigError::NoRoster(path.clone()));
            }
            let roster = RosterFile::from_toml(&text(path)?);
            roster.map_err(|error| ConfigError::File {
                file: path.clone(),
                why: error.to_string(),
            })
        };
        self.rosters.iter().map(read).collect()
    }
}

fn text(file: &Path) -> Result<String, ConfigError> {
    let failed = |why: String| ConfigError::File {
        file: file.to_owned(),
        why,
    };
    let mut bytes = Vec::new();
    let opened = fs::File::open(file).map_err(|error| failed(error.to_string()))?;
    let read = opened.take(TEXT_BYTES_MAX).read_to_end(&mut bytes);
    read.map_err(|error| failed(error.to_string()))?;
    String::from_utf8(bytes).map_err(|_| failed("is no text".to_owned()))
}

impl Reading<'_> {
    fn wrong(&self, key: &str, why: impl Into<String>) -> ConfigError {
        ConfigError::Key {
            file: self.file.to_owned(),
            key: key.to_owned(),
            why: why.into(),
        }
    }

    fn config(&self, text: &str) -> Result<Config, ConfigError> {
        let file: File = toml::from_str(text).map_err(|error| ConfigError::File {
            file: self.file.to_owned(),
            why: error.to_string(),
        })?;
        if file.rosters.is_empty() || file.rosters.len() > ROSTERS_MAX {
            let why = format!("a node has 1 to {ROSTERS_MAX} rosters");
            return Err(self.wrong("rosters", why));
        }
        Ok(Config {
            folder: self.folder.to_owned(),
            listen: self.addresses(&file.listen)?,
            rosters: file.rosters.iter().map(|path| self.at(path)).collect(),
            transport: file.identity.transport.unwrap_or(1).max(1),
            identity: self.identity(file.identity)?,
            engine: self.engine(file.engine)?,
            api: ApiPlace {
                socket: self.at(&file.api.socket),
                uids: file.api.uids,
            },
            network: network::limits(&file.network)
                .map_err(|(name, why)| self.wrong(&format!("network.{name}"), why))?,
            log: file.log,
            stop_after: Duration::from_secs(file.stop_seconds.unwrap_or(5).min(600)),
        })
    }

    fn at(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    fn addresses(&self, listen: &[String]) -> Result<Vec<SocketAddr>, ConfigError> {
        let address = |text: &String| {
            let why = || format!("{text:?} is not address:port, such as 0.0.0.0:7400");
            text.parse().map_err(|_| self.wrong("listen", why()))
        };
        listen.iter().map(address).collect()
    }

    fn identity(&self, table: IdentityTable) -> Result<StorePlace, ConfigError> {
        let key = Keys {
            table: "identity",
            file: table.key_file,
            passphrase: table.passphrase_file,
            command: table.key_command,
            credential: table.credential,
        };
        Ok(StorePlace {
            folder: self.at(&table.store),
            key: self.key(key)?,
        })
    }

    fn engine(&self, table: EngineTable) -> Result<EnginePlace, ConfigError> {
        let key = Keys {
            table: "engine",
            file: table.key_file,
            passphrase: table.passphrase_file,
            command: table.key_command,
            credential: table.credential,
        };
        match (table.socket, table.store) {
            (Some(socket), None) if key.count() == 0 => Ok(EnginePlace::Socket(self.at(&socket))),
            (None, Some(store)) => Ok(EnginePlace::Here(StorePlace {
                folder: self.at(&store),
                key: self.key(key)?,
            })),
            (Some(_), None) => {
                let why = "an engine behind a socket has its key there: take the other keys away";
                Err(self.wrong("engine.socket", why))
            }
            (Some(_), Some(_)) | (None, None) => {
                let why = "name either engine.store or engine.socket";
                Err(self.wrong("engine", why))
            }
        }
    }

    fn key(&self, keys: Keys) -> Result<KeyPlace, ConfigError> {
        let table = keys.table;
        if keys.count() != 1 {
            let why = "name exactly one of key_file, passphrase_file, key_command and credential";
            return Err(self.wrong(table, why));
        }
        if let Some(path) = keys.file {
            return Ok(KeyPlace::File(self.at(&path)));
        }
        if let Some(path) = keys.passphrase {
            return Ok(KeyPlace::PassphraseFile(self.at(&path)));
        }
        if let Some(name) = keys.credential {
            return Ok(KeyPlace::Credential(name));
        }
        match keys.command {
            Some(words) if !words.is_empty() => Ok(KeyPlace::Command(words)),
            Some(_) | None => {
                let why = "a list: the program, then its arguments";
                Err(self.wrong(&format!("{table}.key_command"), why))
            }
        }
    }
}

/// The ways to a key that one table names.
struct Keys {
    table: &'static str,
    file: Option<PathBuf>,
    passphrase: Option<PathBuf>,
    command: Option<Vec<String>>,
    credential: Option<String>,
}

impl Keys {
    fn count(&self) -> usize {
        let named = [
            self.file.is_some(),
            self.passphrase.is_some(),
            self.command.is_some(),
            self.credential.is_some(),
        ];
        named.into_iter().filter(|there| *there).count()
    }
}

impl KeyPlace {
    /// The provider, with what it needs read. `credentials` is the folder that systemd made for the service.
    ///
    /// # Errors
    /// [`KeyError`]: a passphrase file that does not read.
    pub fn provider(&self, credentials: Option<&Path>) -> Result<KeyProvider, KeyError> {
        Ok(match self {
            Self::File(path) => KeyProvider::File(path.clone()),
            Self::PassphraseFile(path) => KeyProvider::Passphrase(Passphrase::read(path)?),
            Self::Command(words) => KeyProvider::Command(KeyCommand {
                program: words.first().map(Into::into).unwrap_or_default(),
                arguments: words.iter().skip(1).map(Into::into).collect(),
                deadline: KeyProvider::COMMAND_DEADLINE,
            }),
            Self::Credential(name) => KeyProvider::SystemdCreds {
                directory: credentials.map(Into::into).unwrap_or_default(),
                name: name.clone(),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        listen = ["127.0.0.1:7400"]
        rosters = ["roster.toml"]
        [identity]
        store = "identity"
        key_file = "identity.key"
        [engine]
        store = "engine"
        key_command = ["pass", "engine"]
        [api]
        socket = "hardfrost.sock"
        uids = [1000]
    "#;

    fn read(text: &str) -> Result<Config, String> {
        let reading = Reading {
            file: Path::new("/n/node.toml"),
            folder: Path::new("/n"),
        };
        reading.config(text).map_err(|error| error.to_string())
    }

    #[test]
    fn relative_paths_are_in_the_configurations_folder() {
        let config = read(GOOD).unwrap();
        assert_eq!(config.rosters, [PathBuf::from("/n/roster.toml")]);
        assert_eq!(config.api.socket, PathBuf::from("/n/hardfrost.sock"));
        let EnginePlace::Here(engine) = config.engine else {
            panic!("{:?}", config.engine)
        };
        assert_eq!(engine.folder, PathBuf::from("/n/engine"));
        assert_eq!(
            engine.key,
            KeyPlace::Command(vec!["pass".into(), "engine".into()])
        );
        assert_eq!(config.stop_after, Duration::from_secs(5));
    }

    #[test]
    fn every_mistake_is_named_with_file_and_key() {
        for (from, to, key) in [
            ("127.0.0.1:7400", "localhost:7400", "listen"),
            ("[\"roster.toml\"]", "[]", "rosters"),
            ("key_file = \"identity.key\"", "", "identity"),
            ("[api]", "credential = \"x\"\n[api]", "engine"),
            ("store = \"engine\"", "", "engine"),
            ("store = \"engine\"", "socket = \"e.sock\"", "engine.socket"),
            ("[\"pass\", \"engine\"]", "[]", "engine.key_command"),
            ("uids", "uid", "uid"),
            ("[api]", "[network]\nsends = 1\n[api]", "network.sends"),
            ("socket = \"hardfrost.sock\"", "", "socket"),
            ("listen", "lisetn", "lisetn"),
        ] {
            let text = GOOD.replacen(from, to, 1);
            assert_ne!(text, GOOD);
            let error = read(&text).unwrap_err();
            assert!(error.starts_with("/n/node.toml: "), "{error}");
            assert!(error.contains(key), "{key} is not in: {error}");
        }
    }
}
