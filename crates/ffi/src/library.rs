//! The library as a value: which call does what, and what is counted. The boundary holds one; a test makes its own.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use hardfrost_primitives::REQUEST_BYTES_MAX;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::buffers::Buffers;
use crate::call::Call;
use crate::config::{Config, ConfigRequest};
use crate::failure::Failure;
use crate::guard::guarded;
use crate::json::{parsed, Object};
use crate::reply::{encoded, envelope};
use crate::signer::Signer;
use crate::signing::new_package;
use crate::standing::{Counted, Counters, Metrics};

/// Of the interface that hosts know.
const ABI: (u32, u32) = (1, 0);

/// Everything that lives as long as the library is loaded.
pub struct Library {
    signer: RwLock<Option<Arc<Signer>>>,
    counters: Mutex<Counters>,
    pub(crate) buffers: Buffers,
}

/// How a call ended.
pub struct Answer {
    /// Whether the reply is what was asked for, and no error envelope.
    pub ok: bool,
    /// JSON; for `version` plain text. Wiped on drop.
    pub reply: Zeroizing<Vec<u8>>,
}

#[derive(Serialize)]
struct AbiVersion {
    abi_major: u32,
    abi_minor: u32,
}

#[derive(Serialize)]
struct Configured {
    state_path: String,
    created: bool,
    generation: u64,
    key_groups: Vec<String>,
}

type Reply = Result<Zeroizing<Vec<u8>>, Failure>;

impl Library {
    /// A library that is not configured.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            signer: RwLock::new(None),
            counters: Mutex::new(Counters::new()),
            buffers: Buffers::new(),
        }
    }

    /// One call. `None` is a request that was null or too long to be read. Never panics.
    #[must_use]
    pub fn call(&self, call: Call, request: Option<&[u8]>) -> Answer {
        self.ended(call, || self.answer(call, request))
    }

    /// Whatever a call comes to, a panic included, is an answer, and is counted.
    fn ended(&self, call: Call, act: impl FnOnce() -> Reply) -> Answer {
        let reply = guarded(act).unwrap_or_else(|_| Err(Failure::internal()));
        self.count(call, reply.as_ref().map(|_| ()));
        match reply {
            Ok(reply) => Answer { ok: true, reply },
            Err(failure) => Answer {
                ok: false,
                reply: envelope(&failure),
            },
        }
    }

    fn count(&self, call: Call, ended: Result<(), &Failure>) {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        Counted::count(&mut counters, call, ended);
    }

    fn answer(&self, call: Call, request: Option<&[u8]>) -> Reply {
        match call {
            Call::Version => Ok(version()),
            Call::AbiVersion => encoded(&AbiVersion {
                abi_major: ABI.0,
                abi_minor: ABI.1,
            }),
            Call::HardeningMetrics => encoded(&self.metrics()?),
            Call::InitSignerConfig => with(request, |r| self.configure(r)),
            Call::DkgPart1 => with(request, |r| self.signer()?.part1(&r)),
            Call::DkgPart2 => with(request, |r| self.signer()?.part2(&r)),
            Call::DkgPart2Sealed => with(request, |r| self.signer()?.part2_sealed(&r)),
            Call::DkgPart3 => with(request, |r| self.signer()?.part3(&r)),
            Call::PersistDistributedDkgKeyPackage => with(request, |r| self.signer()?.persist(&r)),
            Call::BuildTaprootTx => with(request, |r| self.signer()?.build(&r)),
            Call::DeriveInteractiveAttemptContext => with(request, |r| self.signer()?.derive(&r)),
            Call::InteractiveSessionOpen => with(request, |r| self.signer()?.open_session(&r)),
            Call::InteractiveSessionRound1 => with(request, |r| self.signer()?.round1(&r)),
            Call::InteractiveSessionRound2 => with(request, |r| self.signer()?.round2(&r)),
            Call::InteractiveSessionAbort => with(request, |r| self.signer()?.abort_session(&r)),
            Call::InteractiveAggregate => with(request, |r| self.signer()?.aggregate(&r)),
            Call::NewSigningPackage => with(request, |r| new_package(&r)),
            Call::VerifySignatureShare => with(request, |r| self.signer()?.verify_share(&r)),
            Call::TriggerEmergencyRekey => with(request, |r| self.signer()?.rekey(&r)),
            Call::QuarantineStatus => with(request, |r| self.signer()?.quarantine(&r)),
        }
    }

    fn signer(&self) -> Result<Arc<Signer>, Failure> {
        let signer = self.signer.read().unwrap_or_else(PoisonError::into_inner);
        let ours = signer.as_ref().filter(|signer| signer.is_of_this_process());
        ours.map(Arc::clone).ok_or_else(Failure::not_configured)
    }

    /// The first configuration stays. The same again changes nothing, unless storage has failed or a panic has passed
    /// through: then the store is opened anew, and what it says is the truth.
    fn configure(&self, request: ConfigRequest<'_>) -> Result<Configured, Failure> {
        let config = Config::try_from(request)?;
        let mut place = self.signer.write().unwrap_or_else(PoisonError::into_inner);
        if place
            .as_ref()
            .is_some_and(|signer| !signer.is_of_this_process())
        {
            // The parent's. Closing it would wait for a thread that is not here.
            std::mem::forget(place.take());
        }
        if let Some(signer) = place.as_ref().filter(|signer| signer.is_sound()) {
            if signer.config != config {
                return Err(Failure::conflict("the library is configured otherwise"));
            }
            return configured(signer, false);
        }
        // Closed first: a store has one owner.
        *place = None;
        let signer = Arc::new(Signer::open(config)?);
        let reply = configured(&signer, signer.created);
        *place = Some(signer);
        reply
    }

    fn metrics(&self) -> Result<Metrics, Failure> {
        let counters = self
            .counters
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let signer = self
            .signer
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        // A forked child does not touch its parent's: a lock in it may be held by a thread that is not here.
        let signer = signer.filter(|signer| signer.is_of_this_process());
        Metrics::of(counters, signer.as_deref())
    }
}

impl Default for Library {
    fn default() -> Self {
        Self::new()
    }
}

/// Reads a request, acts upon it, writes the reply.
fn with<'a, T: Deserialize<'a>, R: Serialize>(
    request: Option<&'a [u8]>,
    act: impl FnOnce(T) -> Result<R, Failure>,
) -> Reply {
    let request = request.ok_or_else(|| {
        let why = format!("the request is null, or longer than {REQUEST_BYTES_MAX} bytes");
        Failure::invalid(why)
    })?;
    let Object(request) = parsed(request)?;
    encoded(&act(request)?)
}

fn version() -> Zeroizing<Vec<u8>> {
    Zeroizing::new(concat!("hardfrost ", env!("CARGO_PKG_VERSION")).into())
}

fn configured(signer: &Signer, created: bool) -> Result<Configured, Failure> {
    let held = signer.engine()?.held_keys();
    Ok(Configured {
        state_path: signer.config.state_path.display().to_string(),
        created,
        generation: signer.generation,
        key_groups: held
            .iter()
            .map(|key| key.public.key_group().to_string())
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::thread;

    use serde_json::{json, Value};

    use super::*;

    fn asked(library: &Library, call: Call, request: &Value) -> (bool, Value) {
        let Answer { ok, reply } = library.call(call, Some(request.to_string().as_bytes()));
        (ok, serde_json::from_slice(&reply).unwrap())
    }

    fn config(folder: &Path) -> Value {
        let key = folder.join("key");
        fs::write(&key, "5a".repeat(32)).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        json!({
            "state_path": folder.join("state"), "state_key_provider": "file", "state_key_file": key,
        })
    }

    #[test]
    fn f01_a_panic_is_an_internal_error_without_its_text() {
        let library = Library::new();
        let answer = library.ended(Call::Version, || panic!("the share is 5a5a5a"));
        assert!(!answer.ok);
        let envelope: Value = serde_json::from_slice(&answer.reply).unwrap();
        let expected = json!({
            "code": "internal_error", "message": "internal error", "recovery_class": "terminal",
        });
        assert_eq!(envelope, expected);
        assert!(library.call(Call::Version, None).ok);
        let counted = library.call(Call::HardeningMetrics, None).reply;
        let counted: Value = serde_json::from_slice(&counted).unwrap();
        assert_eq!(
            counted["calls"]["version"]["rejections"]["internal_error"],
            1
        );
    }

    #[test]
    fn e46_a_panic_under_a_lock_ends_with_the_next_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let library = Library::new();
        let config = config(folder.path());
        assert!(asked(&library, Call::InitSignerConfig, &config).0);
        let signer = library.signer().unwrap();
        let poisoned = thread::spawn(move || {
            let _engine = signer.engine();
            panic!("in the middle of something");
        });
        poisoned.join().unwrap_err();
        let question = json!({"operator_identifier": 1});
        let (ok, envelope) = asked(&library, Call::QuarantineStatus, &question);
        assert!(!ok);
        assert_eq!(envelope["code"], "signer_not_configured");
        let (ok, again) = asked(&library, Call::InitSignerConfig, &config);
        assert!(ok, "{again}");
        assert_eq!(again["generation"], 2);
        assert!(asked(&library, Call::QuarantineStatus, &question).0);
    }
}
