//! The way to a node: its folder, its socket, and one question after another.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use hardfrost_api::local::{Client, ClientError, KeyView};
use hardfrost_dkg::Certificate;
use hardfrost_frost::GroupPublic;
use hardfrost_node::Config;
use serde::de::DeserializeOwned;
use serde::Serialize;

use crate::Failure;

/// Which node.
#[derive(Args, Clone)]
pub struct Way {
    /// The node's folder
    #[arg(long, value_name = "FOLDER", default_value = ".")]
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
            format!(
                "{shown} is no node's folder; name one with --node, or make one: hardfrost init"
            )
        };
        let there = self.node.is_file() || self.node.join(hardfrost_node::CONFIG_FILE).exists();
        anyhow::ensure!(there, hint());
        Ok(Config::read(&self.node)?)
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
                let start = self.node.display();
                Err(Failure::Unreachable(format!(
                    "{error}; start it with: hardfrost node run --node {start}"
                )))
            }
            Err(ClientError::Refused(problem)) => Err(anyhow::Error::from(problem).into()),
            Err(error @ ClientError::Broken(..)) => Err(anyhow::Error::from(error).into()),
        }
    }

    /// The key that is meant: the one that is named, or the only one.
    ///
    /// # Errors
    /// There is none, or several and none is named.
    pub fn key(&self, named: Option<&str>) -> Result<KeyView, Failure> {
        let keys: Vec<KeyView> = self.get("/v1/keys")?;
        let named = named.map(str::to_lowercase);
        let meant = |key: &KeyView| named.as_ref().is_none_or(|named| key.key_group == *named);
        let mut meant = keys.into_iter().filter(meant);
        match (meant.next(), meant.next(), named) {
            (Some(key), None, _) => Ok(key),
            (None, _, Some(named)) => {
                Err(anyhow::anyhow!("this node holds no share of {named}").into())
            }
            (None, _, None) => {
                let why = "this node holds no key yet: make one with hardfrost key create";
                Err(anyhow::anyhow!(why).into())
            }
            (Some(_), Some(_), _) => Err(Failure::Usage(
                "this node holds several keys: name one with --key".to_owned(),
            )),
        }
    }
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
