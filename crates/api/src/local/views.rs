//! What a node tells of itself, as JSON. Field names are stable; hexadecimal is lower case, times are Unix seconds. A
//! field that came later has a default: tools read what nodes of an earlier release say.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A node at a glance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeView {
    /// Of the program.
    pub version: String,
    /// The operator's public key, 64 hexadecimal characters.
    pub operator: String,
    /// When the process began.
    pub started: u64,
    /// Where other nodes reach it.
    pub listen: Vec<String>,
    /// Whether it can sign.
    pub ready: ReadyView,
    /// The engine.
    pub engine: EngineView,
    /// One for each roster.
    pub federations: Vec<FederationView>,
    /// Keys that the engine holds and that sign nothing here: their rosters are not in the configuration.
    #[serde(default)]
    pub unplaced: Vec<UnplacedView>,
    /// Key generations under way.
    #[serde(default)]
    pub ceremonies: Vec<CeremonyView>,
    /// The transport's limits, by name; times in milliseconds.
    pub network: BTreeMap<String, u64>,
    /// Connections refused before anything was kept of them, by reason.
    pub refused: Vec<(String, u64)>,
}

/// A key whose roster a node does not have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UnplacedView {
    /// Compressed, 66 hexadecimal characters.
    pub key_group: String,
    /// The hash of the roster that it was made under.
    pub roster: String,
}

/// Whether a node can sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadyView {
    /// The engine works, a key is held, t members can be reached for each, and no key lacks its roster.
    pub ready: bool,
    /// Enough members can be reached: t for each key, and all n of a roster that has no key yet, to make one.
    #[serde(default)]
    pub connected: bool,
    /// What is missing, in words.
    pub missing: Vec<String>,
}

/// An engine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineView {
    /// The socket of its process; absent where it is in the node's.
    pub socket: Option<String>,
    /// Why nothing is known of it now: its process is away. The counts are 0 then.
    pub away: Option<String>,
    /// It answers nothing until it is started again.
    pub faulted: bool,
    /// Attempts with nonces in memory.
    pub live_attempts: u64,
    /// Sessions known in memory.
    pub sessions: u64,
    /// Approvals in the log.
    pub approvals: u64,
    /// Nonce pairs spent.
    pub consumed: u64,
}

/// The operators of one roster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FederationView {
    /// The roster's hash.
    pub roster: String,
    /// `bip445` or `tr`.
    pub suite: String,
    /// n
    pub members: u16,
    /// This node's.
    pub seats: Vec<u16>,
    /// The keys that were made under this roster.
    pub keys: Vec<String>,
    /// Keys that may be made still: this node has done its part, and the others hold them already or never will.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<PendingView>,
    /// The other operators.
    pub peers: Vec<PeerView>,
    /// Frames dropped before their signature counted.
    pub noise: u64,
}

/// A key of which this node has its share durably, while it is not certified here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingView {
    /// Compressed, 66 hexadecimal characters.
    pub key_group: String,
    /// t
    pub threshold: u16,
    /// n
    pub members: u16,
    /// Which of this node's seats wait.
    pub seats: Vec<u16>,
    /// Whose confirmation is not here.
    pub awaited: Vec<u16>,
}

/// Another operator's node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeerView {
    /// Its operator's label.
    pub operator: String,
    /// Its seats.
    pub seats: Vec<u16>,
    /// `direct`, `relayed` or `none`.
    pub link: String,
    /// Where it is, or the operator through whom it is reached, or what went wrong last.
    pub detail: Option<String>,
    /// Smoothed.
    pub round_trip_millis: Option<f64>,
    /// Its clock minus ours.
    pub skew_millis: Option<i64>,
    /// Its program.
    pub build: Option<String>,
    /// Frames.
    pub sent: u64,
    /// Frames.
    pub received: u64,
    /// Frames, on their way there or from there.
    pub dropped: u64,
}

/// A key that is held here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyView {
    /// Compressed, 66 hexadecimal characters.
    pub key_group: String,
    /// t
    pub threshold: u16,
    /// n
    pub members: u16,
    /// Whose shares are held here.
    pub seats: Vec<u16>,
    /// How often the shares were made anew.
    pub share_epoch: u32,
    /// The roster's hash.
    pub roster: String,
    /// Its suite.
    pub suite: String,
    /// Hash of the certificate.
    pub certificate: String,
    /// The certificate, hexadecimal.
    pub certificate_hex: String,
    /// The roster, as its file.
    pub roster_toml: String,
    /// The kill switch, where it is set.
    pub stopped: Option<StoppedView>,
    /// Members that this node does not sign beside.
    pub quarantined: Vec<u16>,
}

/// A kill switch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoppedView {
    /// Since when.
    pub since: u64,
    /// The operator's words.
    pub reason: String,
}

/// Terms of a key generation that is to begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, untagged)]
pub enum StartCeremony {
    /// Take part in one that another operator began.
    Join {
        /// The code that its operator was shown.
        join: String,
        /// The t that was agreed upon. Without it, the code's.
        threshold: Option<u16>,
    },
    /// Begin one.
    Begin {
        /// t
        threshold: u16,
        /// When it gives up, from now.
        minutes: u64,
        /// The roster's hash; the only one where it is absent.
        roster: Option<String>,
    },
}

/// A key generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CeremonyView {
    /// Its id.
    pub id: String,
    /// The roster's hash.
    #[serde(default)]
    pub roster: String,
    /// What the other operators type to take part.
    pub code: String,
    /// t
    pub threshold: u16,
    /// n
    pub members: u16,
    /// When it gives up.
    pub deadline: u64,
    /// `waiting`, `made` or `failed`.
    pub state: String,
    /// What is waited for, in words.
    pub step: String,
    /// Whose part is not here yet.
    pub awaited: Vec<u16>,
    /// The key, once it is made.
    pub key_group: Option<String>,
    /// Why there is none.
    pub failure: Option<String>,
    /// The key of which this node has its share durably and confirmed it, while the confirmations of `awaited` are not
    /// here: others may hold the key already, and it is made here when they come, whatever `state` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<String>,
}

/// A transaction that this node's operator approves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApproveBody {
    /// Whose key signs; the only one where it is absent.
    pub key_group: Option<String>,
    /// Base64.
    pub psbt: String,
    /// The request's name, the same at all operators; by default it follows from the transaction.
    pub request: Option<String>,
    /// How long the approval holds.
    pub minutes: u64,
}

/// An approval in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalView {
    /// Whose key signs.
    pub key_group: String,
    /// The request's name.
    pub request: String,
    /// Hash of the PSBT.
    pub psbt_hash: String,
    /// When it ends.
    pub expires: u64,
    /// What it permits.
    pub inputs: Vec<InputView>,
}

/// One input to sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputView {
    /// In the transaction, from 0.
    pub index: usize,
    /// What is signed, 64 hexadecimal characters.
    pub message: String,
    /// Under which derived key.
    pub key_spec: String,
    /// The session that signs it.
    pub session: String,
}

/// A signing session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    /// Its id.
    pub session: String,
    /// Whose key signs.
    pub key_group: String,
    /// The request it belongs to.
    pub request: String,
    /// The input it signs; not known of a session that goes on after a restart, until it is approved again.
    pub input: Option<usize>,
    /// What is signed.
    pub message: String,
    /// `signing`, `signed`, `infeasible`, `refused`, `cancelled`, `stuck` or `expired`.
    pub state: String,
    /// BIP 340, 128 hexadecimal characters.
    pub signature: Option<String>,
    /// Why there is none.
    pub why: Option<String>,
    /// When it began here.
    pub began: u64,
    /// How long it has lasted, to its end or to now.
    pub millis: u64,
    /// In the order of their numbers.
    pub attempts: Vec<AttemptView>,
    /// Members that never committed.
    pub silent: Vec<u16>,
    /// Members that were chosen and whose valid share is not here.
    pub owing: Vec<u16>,
}

/// An attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptView {
    /// From 1.
    pub number: u32,
    /// Who coordinates.
    pub coordinator: u16,
    /// Whose commitments are here.
    pub committed: Vec<u16>,
    /// Whom the package chose; empty before it came.
    pub chosen: Vec<u16>,
    /// Chosen members whose valid share is not here.
    pub owing: Vec<u16>,
    /// To its end or to now.
    pub millis: u64,
}

/// A member that a proof convicts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConvictionView {
    /// In which group.
    pub key_group: String,
    /// Who.
    pub member: u16,
    /// Its operator's label.
    pub operator: String,
    /// Of what.
    pub kind: String,
    /// Hash of the proof.
    pub evidence: String,
    /// The evidence file, hexadecimal: proof, roster and certificate.
    pub file_hex: String,
    /// Whether this node keeps it out; its operator may have let it in again.
    pub in_force: bool,
}
