//! build_taproot_tx: the transaction that explains a session's message. It is this boundary's approval.

use hardfrost_engine::{ApproveSession, Engine, PolicyReason, Rejection};
use hardfrost_primitives::derive::AttemptContext;
use hardfrost_primitives::{Hash32, Monotonic, SessionId, Taproot};
use hardfrost_spend::{Amount, Coin, KeySpends, OutPoint, ScriptBuf, Txid};
use serde::Serialize;

use crate::failure::Failure;
use crate::json::{bytes, List, Object, Text};
use crate::requests::{Build, Input, Output};
use crate::signer::{Named, Signer};

/// A transaction above this is not relayed (Bitcoin Core: 400,000 weight units).
const TRANSACTION_BYTES_MAX: usize = 100_000;

/// Transactions that were built, by session. Once a session of that name is opened the engine has its approval;
/// a transaction that no Open has used is lost with the process, and is built again.
pub(crate) struct Builds {
    built: Named<(Monotonic, KeySpends)>,
    max: usize,
}

#[derive(Serialize)]
pub(crate) struct Built {
    session_id: String,
    tx_hex: String,
    taproot_key_spend_sighashes_hex: Vec<String>,
}

impl Builds {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            built: Named::new(),
            max,
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.built.len()
    }

    fn of(&self, session: &SessionId) -> Option<&KeySpends> {
        self.built.get(session).map(|(_, spends)| spends)
    }

    /// Keeps a session's transaction. The same again begins its time anew, another is a conflict.
    fn keep(
        &mut self,
        at: Monotonic,
        session: SessionId,
        spends: KeySpends,
    ) -> Result<(), Failure> {
        let known = self.of(&session);
        if known.is_some_and(|known| *known != spends) {
            let message = "another transaction was built for this session";
            return Err(Failure::conflict(message));
        }
        if known.is_none() && self.built.len() >= self.max {
            return Err(Failure::at_limit("at the limit: transactions built"));
        }
        self.built.insert(session, (at, spends));
        Ok(())
    }
}

impl Signer {
    pub(crate) fn build(&self, request: &Build<'_>) -> Result<Built, Failure> {
        let session = session_id(&request.session_id)?;
        let spends = spends(&request.inputs, &request.outputs)?;
        let tx = spends.transaction_bytes();
        if tx.len() > TRANSACTION_BYTES_MAX {
            let why = format!(
                "the transaction has {} bytes, at most {TRANSACTION_BYTES_MAX}",
                tx.len()
            );
            return Err(Failure::invalid(why));
        }
        let sighashes = spends.messages().iter().map(ToString::to_string).collect();
        let now = self.clock.now().mono;
        let life = self.config.session_life;
        let mut builds = self.builds()?;
        builds.built.retain(|_, (at, _)| now.since(*at) < life);
        builds.keep(now, session, spends)?;
        Ok(Built {
            session_id: request.session_id.to_string(),
            tx_hex: hex::encode(tx),
            taproot_key_spend_sighashes_hex: sighashes,
        })
    }

    /// Turns the session's transaction, where there is one, into a durable approval of what the context signs.
    pub(crate) fn approve(&self, context: &AttemptContext) -> Result<(), Failure> {
        let root = match context.key_spec.taproot() {
            Taproot::Root(root) => Some(root),
            Taproot::Untweaked | Taproot::KeyPathOnly => None,
        };
        let psbt = self.psbt_of(&context.session, root)?;
        let request = ApproveSession {
            key_group: context.key_group.clone(),
            session: context.session.clone(),
            psbt,
            message: context.message,
            key_spec: context.key_spec.clone(),
            suite: context.suite,
            life: self.config.session_life,
        };
        let now = self.clock.now();
        let staged = self
            .engine()?
            .approve_session(now, request)
            .map_err(not_asked)?;
        self.durable(staged, Engine::release_approval, Engine::withdraw_approval)?;
        Ok(())
    }

    fn psbt_of(&self, session: &SessionId, root: Option<Hash32>) -> Result<Vec<u8>, Failure> {
        let now = self.clock.now().mono;
        let life = self.config.session_life;
        let builds = self.builds()?;
        let built = builds.built.get(session);
        let fresh = built.filter(|(at, _)| now.since(*at) < life);
        let (_, spends) = fresh.ok_or_else(Failure::no_build)?;
        Ok(spends.psbt(root).to_bytes())
    }
}

/// A transaction in which nothing belongs to the key asks for none of its signatures.
fn not_asked(rejection: Rejection) -> Failure {
    if matches!(rejection, Rejection::Validation(_)) {
        return Rejection::SigningPolicy(PolicyReason::MessageNotBoundToApproval).into();
    }
    rejection.into()
}

pub(crate) fn session_id(text: &str) -> Result<SessionId, Failure> {
    SessionId::new(text).map_err(|why| Failure::field("session_id", why))
}

fn spends(
    inputs: &List<Object<Input<'_>>>,
    outputs: &List<Object<Output<'_>>>,
) -> Result<KeySpends, Failure> {
    let coins: Result<Vec<Coin>, Failure> = inputs.0.iter().map(|input| coin(input)).collect();
    let outputs: Result<Vec<_>, Failure> = outputs
        .0
        .iter()
        .map(|output| {
            Ok((
                Amount::from_sat(output.value_sats),
                script(&output.script_pubkey_hex)?,
            ))
        })
        .collect();
    KeySpends::new(&coins?, &outputs?).map_err(|why| Failure::invalid(why.to_string()))
}

fn coin(input: &Input<'_>) -> Result<Coin, Failure> {
    let txid: Txid = crate::json::name("txid_hex", &input.txid_hex)?;
    Ok(Coin {
        outpoint: OutPoint::new(txid, input.vout),
        value: Amount::from_sat(input.value_sats),
        script_pubkey: script(&input.script_pubkey_hex)?,
    })
}

fn script(text: &Text<'_>) -> Result<ScriptBuf, Failure> {
    Ok(ScriptBuf::from_bytes(
        bytes("script_pubkey_hex", text)?.to_vec(),
    ))
}
