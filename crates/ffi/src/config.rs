//! What `init_signer_config` asks for, as values that are in range.

use std::path::PathBuf;
use std::time::Duration;

use hardfrost_primitives::{Limits, MEMBERS_DEFAULT_MAX};
use hardfrost_store::{KeyCommand, KeyProvider};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::json::{List, Text};

/// The variable that holds the store's key in development, 64 hex characters.
const KEY_VARIABLE: &str = "HARDFROST_STATE_KEY_HEX";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfigRequest<'a> {
    #[serde(borrow, default)]
    profile: Option<Text<'a>>,
    #[serde(borrow)]
    state_path: Text<'a>,
    #[serde(borrow)]
    state_key_provider: Text<'a>,
    #[serde(borrow, default)]
    state_key_command: Option<CommandLine<'a>>,
    #[serde(borrow, default)]
    state_key_file: Option<Text<'a>>,
    #[serde(default)]
    max_live_interactive_sessions: Option<usize>,
    #[serde(default)]
    interactive_session_ttl_seconds: Option<u64>,
    #[serde(default)]
    max_sessions: Option<usize>,
    #[serde(default)]
    policy: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(default)]
    enforce_signing_policy_firewall: Option<bool>,
}

/// A program, or a program and its arguments. No shell reads either.
#[derive(Deserialize)]
#[serde(untagged)]
enum CommandLine<'a> {
    Program(#[serde(borrow)] Text<'a>),
    Arguments(List<String>),
}

/// A configuration. Two that are equal are one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) state_path: PathBuf,
    key: KeyPlace,
    pub(crate) limits: Limits,
    /// Of a session, from its first Open; of an approval too.
    pub(crate) session_life: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum KeyPlace {
    Command(KeyCommand),
    File(PathBuf),
    Environment,
}

impl TryFrom<ConfigRequest<'_>> for Config {
    type Error = Failure;

    fn try_from(request: ConfigRequest<'_>) -> Result<Self, Failure> {
        let production = request.profile.as_deref() != Some("development");
        if request
            .policy
            .as_ref()
            .is_some_and(|policy| !policy.is_empty())
        {
            let why =
                "this version has no policy rules: a policy that would not be applied is refused";
            return Err(Failure::field("policy", why));
        }
        if request.enforce_signing_policy_firewall == Some(false) {
            let why = "nothing is signed without the transaction that explains it";
            return Err(Failure::field("enforce_signing_policy_firewall", why));
        }
        if request.state_path.is_empty() {
            return Err(Failure::field("state_path", "empty"));
        }
        let session_life =
            Duration::from_secs(request.interactive_session_ttl_seconds.unwrap_or(3600));
        if session_life.is_zero() || session_life > LIFE_MAX {
            return Err(Failure::field(
                "interactive_session_ttl_seconds",
                "1 to 86400",
            ));
        }
        Ok(Self {
            state_path: PathBuf::from(&*request.state_path),
            key: key_place(&request, production)?,
            limits: limits(&request)?,
            session_life,
        })
    }
}

const LIFE_MAX: Duration = Duration::from_secs(24 * 3600);

fn limits(request: &ConfigRequest<'_>) -> Result<Limits, Failure> {
    let within = |name, given: Option<usize>, usual, max| match given.unwrap_or(usual) {
        value if (1..=max).contains(&value) => Ok(value),
        _ => Err(Failure::field(name, format!("1 to {max}"))),
    };
    let live = request.max_live_interactive_sessions;
    Ok(Limits {
        members_max: MEMBERS_DEFAULT_MAX,
        live_attempts_max: within("max_live_interactive_sessions", live, 64, 65_536)?,
        sessions_max: within("max_sessions", request.max_sessions, 1024, 65_536)?,
        window: 1,
        markers_per_seat_max: 128,
        life_max: LIFE_MAX,
    })
}

fn key_place(request: &ConfigRequest<'_>, production: bool) -> Result<KeyPlace, Failure> {
    let (command, file) = (&request.state_key_command, &request.state_key_file);
    match (&*request.state_key_provider, command, file) {
        ("command", Some(command), None) => key_command(command).map(KeyPlace::Command),
        ("file", None, Some(file)) if !file.is_empty() => {
            Ok(KeyPlace::File(PathBuf::from(&**file)))
        }
        ("env", None, None) if !production => Ok(KeyPlace::Environment),
        ("env", ..) if production => {
            let why = "\"env\" is for the profile \"development\" only";
            Err(Failure::field("state_key_provider", why))
        }
        ("command" | "file" | "env", ..) => {
            let why = "\"command\" needs state_key_command, \"file\" state_key_file, alone";
            Err(Failure::field("state_key_provider", why))
        }
        _ => Err(Failure::field(
            "state_key_provider",
            "\"command\", \"file\" or \"env\"",
        )),
    }
}

fn key_command(line: &CommandLine<'_>) -> Result<KeyCommand, Failure> {
    let (program, arguments) = match line {
        CommandLine::Program(program) => (&**program, &[][..]),
        CommandLine::Arguments(List(all)) => match all.split_first() {
            Some((program, arguments)) => (program.as_str(), arguments),
            None => ("", &[][..]),
        },
    };
    if program.is_empty() {
        return Err(Failure::field("state_key_command", "no program"));
    }
    Ok(KeyCommand {
        program: program.into(),
        arguments: arguments.iter().map(Into::into).collect(),
        deadline: KeyProvider::COMMAND_DEADLINE,
    })
}

impl Config {
    /// The way to the store's key. The environment is read here, when the store is opened, and nowhere else.
    pub(crate) fn provider(&self) -> KeyProvider {
        match &self.key {
            KeyPlace::Command(command) => KeyProvider::Command(command.clone()),
            KeyPlace::File(path) => KeyProvider::File(path.clone()),
            KeyPlace::Environment => {
                let text = std::env::var(KEY_VARIABLE).unwrap_or_default();
                KeyProvider::Text(Zeroizing::new(text))
            }
        }
    }
}
