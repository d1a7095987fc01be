//! Whether a node would start, without starting it: nothing is changed, and what runs is left alone.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use hardfrost_api::engine::{ConnectError, EngineClient};
use hardfrost_api::local::UnplacedView;
use hardfrost_dkg::Certificate;
use hardfrost_engine::{Engine, HeldKey};
use hardfrost_frost::Region;
use hardfrost_primitives::Limits;
use hardfrost_store::{DiskFault, Store, StoreDir, StoreError};
use tokio::sync::mpsc;

use crate::config::{EnginePlace, StorePlace};
use crate::home::{HomeError, OPERATOR};
use crate::kept::Kept;
use crate::reach::unplaced;
use crate::run::Prepared;
use crate::start::RunError;

/// What a check found at the engine's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineFound {
    /// It was read to its end, and makes an engine, or an engine answers: with so many keys.
    Sound(usize),
    /// Another process has it, most likely the node: it was not looked at.
    InUse(String),
}

/// A node that would start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Its engine.
    pub engine: EngineFound,
    /// What would start and not do all that it could, in words.
    pub warnings: Vec<String>,
}

/// A node's identity store in the place of an engine's.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// It has the operator's key in it.
    #[error(
        "{0} is the identity store of a node: it holds the operator's key and no shares. Name the \
         engine's store, which `hardfrost init` puts beside it as engine"
    )]
    Identity(PathBuf),
    /// It cannot be looked at.
    #[error(transparent)]
    Disk(#[from] DiskFault),
}

/// That the store in this folder is no node's identity store. One that is not there is none.
///
/// # Errors
/// [`IdentityError`]
pub fn no_identity(folder: &Path) -> Result<(), IdentityError> {
    if !folder.is_dir() {
        return Ok(());
    }
    let sealed = StoreDir::new(folder).sealed_files()?;
    if sealed.iter().any(|name| name.as_str() == OPERATOR) {
        return Err(IdentityError::Identity(folder.to_owned()));
    }
    Ok(())
}

/// Looks at the engine of a node whose configuration, rosters and keys are in order: at all of its store, or whether
/// its process answers; and at the terms of its key generations.
///
/// # Errors
/// [`RunError`]: the node would not start.
pub async fn check(prepared: &Prepared) -> Result<Checked, RunError> {
    let found = match &prepared.config.engine {
        EnginePlace::Here(place) => store(prepared, place)?,
        EnginePlace::Socket(path) => process(path).await?,
    };
    let kept = Kept::read(&prepared.config.folder).map_err(HomeError::from)?;
    let mut checked = match found {
        Ok(held) => Checked {
            engine: EngineFound::Sound(held.len()),
            warnings: warnings(prepared, &held)?,
        },
        Err(by) => Checked {
            engine: EngineFound::InUse(by),
            warnings: Vec::new(),
        },
    };
    checked.warnings.extend_from_slice(kept.left());
    Ok(checked)
}

fn store(
    prepared: &Prepared,
    place: &StorePlace,
) -> Result<Result<Vec<HeldKey>, String>, RunError> {
    no_identity(&place.folder)?;
    let provider = place.key.provider(prepared.credentials.as_deref());
    let provider = provider.map_err(|error| HomeError::Key(place.folder.clone(), error))?;
    let records = match Store::read(&StoreDir::new(&place.folder), &provider) {
        Ok(read) => read,
        Err(StoreError::Held(holder)) => {
            let shown = place.folder.display();
            return Ok(Err(format!("{holder} has the store {shown} open")));
        }
        Err(error) => return Err(HomeError::Store(place.folder.clone(), error).into()),
    };
    let (limits, allowed) = (Limits::default(), BTreeSet::new());
    let engine = Engine::recover_in(Region::new()?, limits, allowed, &records)?;
    Ok(Ok(engine.held_keys()))
}

async fn process(path: &Path) -> Result<Result<Vec<HeldKey>, String>, RunError> {
    let (said, _replies) = mpsc::unbounded_channel();
    let to = path.to_owned();
    let connecting = tokio::task::spawn_blocking(move || EngineClient::connect(&to, said));
    let connected = connecting.await.map_err(std::io::Error::other)?;
    let (engine, _) = match connected {
        Ok(connected) => connected,
        Err(ConnectError::Busy(path)) => {
            return Ok(Err(format!("the engine at {path} serves a node already")));
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Ok(engine.held_keys().await?))
}

fn warnings(prepared: &Prepared, held: &[HeldKey]) -> Result<Vec<String>, RunError> {
    let mut warnings = Vec::new();
    for held in held {
        let key_group = held.public.key_group().to_string();
        let certificate = Certificate::from_bytes(&held.file);
        let certificate =
            certificate.map_err(|error| RunError::Key(key_group.clone(), error.into()))?;
        let roster = certificate.descriptor().roster;
        let mut known = prepared.files.iter();
        if !known.any(|file| file.roster.hash() == roster) {
            let roster = roster.to_string();
            warnings.push(unplaced(&UnplacedView { key_group, roster }));
        }
    }
    Ok(warnings)
}
