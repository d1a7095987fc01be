//! The way to a node: its folder, its socket, and one question after another.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use hardfrost_api::local::{Client, ClientError, KeyView, NodeView};
use hardfrost_dkg::Certificate;
use hardfrost_frost::GroupPublic;
use hardfrost_node::Config;
use serde::de::DeserializeOwned;
use serde::Serialize;

use crate::terminal::means;
use crate::Failure;

/// The node whose folder this is.
const HERE: &str = ".";

/// Which node.
#[derive(Args, Clone)]
pub struct Way {
    /// The node's folder
    #[arg(long, value_name = "FOLDER", default_value = HERE)]
    node: PathBuf,
}

impl Way {
    /// The node's configuration.
    ///
    /// # Errors
    /// Says which file and key is wrong.
    pub fn config(&self) -> anyhow::Result<Config> {
        let hint = || {
            let shown = self.node.display();
            let shown = if self.node == Path::new(HERE) {
                "the working folder".to_owned()
            } else {
                shown.to_string()
            };
            format!(
                "{shown} is no node's folder; name one with --node, or make one: hardfrost init"
            )
        };
        anyhow::ensure!(self.is_there(), hint());
        Ok(Config::read(&self.node)?)
    }

    /// Whether there is a node's folder.
    pub fn is_there(&self) -> bool {
        self.node.is_file() || self.node.join(hardfrost_node::CONFIG_FILE).exists()
    }

    /// A command for the same node, to be typed as it is printed. `words` may have arguments, quoted by [`quoted`].
    pub fn command(&self, words: &str) -> String {
        if self.node == Path::new(HERE) {
            return format!("hardfrost {words}");
        }
        format!("hardfrost {words} --node {}", quoted(&self.node))
    }

    /// Asks for something.
    ///
    /// # Errors
    /// [`Failure::Unreachable`], or what the node answers.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        let client = self.client()?;
        self.waited(client.get(path))
    }

    /// Asks that something be done.
    ///
    /// # Errors
    /// [`Failure::Unreachable`], or what the node answers.
    pub fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        let client = self.client()?;
        self.waited(client.post(path, body))
    }

    fn client(&self) -> anyhow::Result<Client> {
        Ok(Client::at(&self.config()?.api.socket))
    }

    fn waited<T>(&self, asked: impl Future<Output = Result<T, ClientError>>) -> Result<T, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("the system")?;
        match runtime.block_on(asked) {
            Ok(answer) => Ok(answer),
            Err(error @ ClientError::Unreachable(..)) => {
                let start = self.command("node run");
                Err(Failure::Unreachable(format!(
                    "{error}; start it with: {start}"
                )))
            }
            Err(ClientError::Refused(problem)) => Err(anyhow::Error::from(problem).into()),
            Err(error @ ClientError::Broken(..)) => Err(anyhow::Error::from(error).into()),
        }
    }

    /// The key that is meant: the one that is named, by its beginning if no other has it, or the only one.
    ///
    /// # Errors
    /// There is none, or several and none is named.
    pub fn key(&self, named: Option<&str>) -> Result<KeyView, Failure> {
        let list = self.command("key list");
        let named = named.map(str::to_lowercase);
        if let Some(named) = &named {
            let hex = named.chars().all(|c| c.is_ascii_hexdigit() || c == '…');
            if !hex || named.is_empty() || named.chars().count() > 66 {
                let why = format!(
                    "{} is no key: give 66 hexadecimal characters, or the first of them; {list}",
                    named.escape_debug()
                );
                return Err(Failure::Usage(why));
            }
        }
        let keys: Vec<KeyView> = self.get("/v1/keys")?;
        let begins = |key: &KeyView| {
            let named = named.as_ref();
            named.is_none_or(|named| means(named, &key.key_group))
        };
        let mut meant = keys.into_iter().filter(begins);
        match (meant.next(), meant.next(), named) {
            (Some(key), None, _) => Ok(key),
            (None, _, Some(named)) => {
                let node: NodeView = self.get("/v1/node")?;
                let mut unplaced = node.unplaced.iter();
                let of = unplaced.find(|key| means(&named, &key.key_group));
                let why = match of {
                    Some(_) => self.no_key(&node),
                    None => format!("this node holds no share of {named}; {list}"),
                };
                Err(anyhow::anyhow!(why).into())
            }
            (None, _, None) => Err(anyhow::anyhow!(self.no_key(&self.get("/v1/node")?)).into()),
            (Some(_), Some(_), Some(named)) => Err(Failure::Usage(format!(
                "several keys begin with {named}: give more of it; {list}"
            ))),
            (Some(_), Some(_), None) => Err(Failure::Usage(format!(
                "this node holds several keys: name one with --key; {list}"
            ))),
        }
    }

    /// Why a node holds no key that signs, and what to do.
    pub fn no_key(&self, node: &NodeView) -> String {
        if !node.unplaced.is_empty() {
            // The node's own words: which roster it lacks, and where to put it.
            let about = |why: &&String| node.unplaced.iter().any(|it| why.contains(&it.key_group));
            let why: Vec<String> = node.ready.missing.iter().filter(about).cloned().collect();
            return why.join("; ");
        }
        if node.ceremonies.is_empty() {
            let create = self.command("key create -t T");
            return format!("this node holds no key yet: make one with {create}");
        }
        let list = self.command("key list");
        format!("this node holds no key yet; one is being made: {list}")
    }
}

/// What a person wrote, as a shell takes it.
pub fn quoted_text(text: &str) -> String {
    quoted(Path::new(text))
}

/// A path as a shell takes it.
pub fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The key that a node shows, verified here: its certificate must prove it under a roster of the node's folder. What
/// answers at the socket is not believed.
///
/// # Errors
/// The certificate proves no key, or another one; the roster is not one of the folder's.
pub fn verified(way: &Way, key: &KeyView) -> anyhow::Result<Arc<GroupPublic>> {
    let files = way.config()?.read_rosters()?;
    let file = files
        .iter()
        .find(|file| file.roster.hash().to_string() == key.roster);
    let file = file.context("the node shows a key of a roster that is not in its folder")?;
    let bytes = hex::decode(&key.certificate_hex).context("the node's certificate")?;
    let certificate = Certificate::from_bytes(&bytes).context("the node's certificate")?;
    let public = certificate.verify(&file.roster);
    let public = public.context("the node's certificate")?;
    anyhow::ensure!(
        public.key_group().to_string() == key.key_group,
        "the node's certificate is for another key"
    );
    Ok(public)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_command_can_be_typed_as_it_is() {
        for (folder, typed) in [
            (".", "hardfrost address"),
            ("alice", "hardfrost address --node alice"),
            ("my node", "hardfrost address --node 'my node'"),
            ("it's", "hardfrost address --node 'it'\\''s'"),
            ("$HOME", "hardfrost address --node '$HOME'"),
        ] {
            let node = folder.into();
            assert_eq!(Way { node }.command("address"), typed);
        }
    }
}
