//! What a node tells of itself, as releases have written it: tools of operators read it.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::Serialize;

use super::views::{
    ApprovalView, ApproveBody, AttemptView, CeremonyView, ConvictionView, EngineView,
    FederationView, InputView, KeyView, NodeView, PeerView, PendingView, ReadyView, SessionView,
    StartCeremony, StoppedView, UnplacedView,
};
use crate::recorded::{add, held_to, Specimen};

const FILE: &str = "local.txt";

fn json<T>(name: &str, value: T) -> Specimen
where
    T: Serialize + DeserializeOwned + PartialEq + Debug + 'static,
{
    let bytes = serde_json::to_vec(&value).unwrap();
    Specimen::new(name, bytes, move |bytes| {
        serde_json::from_slice::<T>(bytes).is_ok_and(|read| read == value)
    })
}

fn hex(byte: &str) -> String {
    byte.repeat(32)
}

fn node() -> NodeView {
    NodeView {
        version: "0.1.0".into(),
        operator: hex("0a"),
        started: 1_800_000_000,
        listen: vec!["0.0.0.0:7400".into()],
        ready: ReadyView {
            ready: false,
            connected: true,
            missing: vec!["no key is held yet".into()],
        },
        engine: EngineView {
            socket: Some("/run/hardfrost-engine/engine.sock".into()),
            away: Some("the engine is away".into()),
            faulted: false,
            live_attempts: 1,
            sessions: 2,
            approvals: 3,
            consumed: 4,
        },
        federations: vec![federation()],
        unplaced: vec![UnplacedView {
            key_group: format!("02{}", hex("0c")),
            roster: hex("0b"),
        }],
        ceremonies: vec![ceremony()],
        network: BTreeMap::from([("frame_bytes".to_owned(), 1_048_576)]),
        refused: vec![("no_common_version".into(), 1)],
    }
}

fn federation() -> FederationView {
    FederationView {
        roster: hex("0b"),
        suite: "bip445".into(),
        members: 3,
        seats: vec![1],
        keys: vec![format!("02{}", hex("0c"))],
        pending: vec![PendingView {
            key_group: format!("03{}", hex("1d")),
            threshold: 2,
            members: 3,
            seats: vec![1],
            awaited: vec![2, 3],
        }],
        peers: vec![PeerView {
            operator: "bob".into(),
            seats: vec![2],
            link: "relayed".into(),
            detail: Some("carol".into()),
            round_trip_millis: Some(0.25),
            skew_millis: Some(-12),
            build: Some("hardfrost 0.1.0".into()),
            sent: 10,
            received: 11,
            dropped: 12,
        }],
        noise: 13,
    }
}

fn key() -> KeyView {
    KeyView {
        key_group: format!("02{}", hex("0c")),
        threshold: 2,
        members: 3,
        seats: vec![1],
        share_epoch: 0,
        roster: hex("0b"),
        suite: "bip445".into(),
        certificate: hex("0d"),
        certificate_hex: "c0".into(),
        roster_toml: "suite = 1".into(),
        stopped: Some(StoppedView {
            since: 1_800_000_000,
            reason: "a laptop was stolen".into(),
        }),
        quarantined: vec![3],
    }
}

fn ceremonies() -> Vec<Specimen> {
    let join = StartCeremony::Join {
        join: "5d5a9af4".into(),
        threshold: Some(2),
    };
    let begin = StartCeremony::Begin {
        threshold: 2,
        minutes: 60,
        roster: Some(hex("0b")),
    };
    vec![
        json("start-ceremony/join", join),
        json("start-ceremony/begin", begin),
        json("ceremony", ceremony()),
    ]
}

fn ceremony() -> CeremonyView {
    CeremonyView {
        id: hex("0e"),
        roster: hex("0b"),
        code: "5d5a9af4".into(),
        threshold: 2,
        members: 3,
        deadline: 1_800_003_600,
        state: "waiting".into(),
        step: "sealed shares".into(),
        awaited: vec![2],
        key_group: Some(format!("02{}", hex("0c"))),
        failure: Some("the deadline has passed".into()),
        pending: Some(format!("03{}", hex("1d"))),
    }
}

fn approvals() -> Vec<Specimen> {
    let body = ApproveBody {
        key_group: Some(format!("02{}", hex("0c"))),
        psbt: "cHNidP8=".into(),
        request: Some("rent".into()),
        minutes: 60,
    };
    let view = ApprovalView {
        key_group: format!("02{}", hex("0c")),
        request: "rent".into(),
        psbt_hash: hex("0f"),
        expires: 1_800_003_600,
        inputs: vec![InputView {
            index: 0,
            message: hex("1a"),
            key_spec: "0000".into(),
            session: "hf-recorded".into(),
        }],
    };
    vec![json("approve", body), json("approval", view)]
}

fn session() -> SessionView {
    SessionView {
        session: "hf-recorded".into(),
        key_group: format!("02{}", hex("0c")),
        request: "rent".into(),
        input: Some(0),
        message: hex("1a"),
        state: "signed".into(),
        signature: Some(hex("1b").repeat(2)),
        why: Some("it was signed before".into()),
        began: 1_800_000_000,
        millis: 42,
        attempts: vec![AttemptView {
            number: 1,
            coordinator: 2,
            committed: vec![1, 2],
            chosen: vec![1, 2],
            owing: vec![],
            millis: 31,
        }],
        silent: vec![3],
        owing: vec![],
    }
}

fn conviction() -> ConvictionView {
    ConvictionView {
        key_group: format!("02{}", hex("0c")),
        member: 2,
        operator: "bob".into(),
        kind: "double-share".into(),
        evidence: hex("1c"),
        file_hex: "48464556".into(),
        in_force: true,
    }
}

fn specimens() -> Vec<Specimen> {
    let mut all = vec![
        json("node", node()),
        json("key", key()),
        json("session", session()),
        json("conviction", conviction()),
    ];
    all.extend(ceremonies());
    all.extend(approvals());
    all
}

#[test]
fn the_local_interface_says_what_was_recorded() {
    held_to(FILE, &specimens());
}

#[test]
#[ignore = "adds what is new to vectors/frames"]
fn add_to_what_is_recorded() {
    add(FILE, &specimens());
}
