#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! Nodes over real sockets, with real stores, asked as an operator's tools ask them.

mod support;

use std::fs;

use hardfrost_api::local::{
    ApproveBody, CeremonyView, ConvictionView, KeyView, NodeView, ReadyView, SessionView,
    StartCeremony,
};
use hardfrost_primitives::{Hash32, Suite};
use support::{code, mode, psbt, run, Federation};

#[test]
fn three_operators_make_a_key_and_any_two_sign() {
    run(async {
        let all = Federation::start(&[1, 1, 1]).await;
        let key = all.make_key(2).await;
        for (sats, nodes) in [(1, [0, 1]), (2, [1, 2]), (3, [2, 0])] {
            all.sign(&nodes, &psbt(&key, sats, 1000)).await;
        }
        let convicted: Vec<ConvictionView> = all.client(0).get("/v1/convictions").await.unwrap();
        assert_eq!(convicted, []);
    });
}

#[test]
fn one_approval_is_not_enough_and_a_cancelled_session_stays_unsigned() {
    run(async {
        let all = Federation::start(&[1, 1, 1]).await;
        let key = all.make_key(2).await;
        let spend = psbt(&key, 1, 1000);
        let approval = all.approve(0, (&key, &spend)).await.unwrap();
        let path = format!("/v1/sessions/{}", approval.inputs[0].session);
        let view: SessionView = all.client(0).get(&format!("{path}?wait=1")).await.unwrap();
        assert_eq!((view.state.as_str(), view.signature), ("signing", None));
        assert_eq!(view.silent, [2, 3]);
        let none = serde_json::Value::Null;
        let cancel = format!("{path}/cancel");
        let view: SessionView = all.client(0).post(&cancel, &none).await.unwrap();
        assert_eq!(view.state, "cancelled");
        let approval = all.approve(1, (&key, &spend)).await.unwrap();
        let path = format!("/v1/sessions/{}?wait=1", approval.inputs[0].session);
        let view: SessionView = all.client(1).get(&path).await.unwrap();
        assert_eq!((view.state.as_str(), view.signature), ("signing", None));
    });
}

#[test]
fn a_node_that_was_stopped_signs_again_with_the_same_key() {
    run(async {
        let mut all = Federation::start(&[1, 1, 1]).await;
        let key = all.make_key(3).await;
        all.sign(&[0, 1, 2], &psbt(&key, 1, 1000)).await;
        all.stop(1).await;
        // Begun while it was away, signed once it is back and its operator approves.
        let spend = psbt(&key, 2, 1000);
        let first = all.approve(0, (&key, &spend)).await.unwrap();
        all.run(1).await;
        assert_eq!(all.key(1).await.certificate, key.certificate);
        all.sign(&[1, 2], &spend).await;
        assert_eq!(all.end(0, &first).await.state, "signed");
    });
}

#[test]
fn what_was_approved_before_a_restart_is_signed_after_it() {
    run(async {
        let mut all = Federation::start(&[1, 1, 1]).await;
        let key = all.make_key(2).await;
        let spend = psbt(&key, 1, 1000);
        let approval = all.approve(0, (&key, &spend)).await.unwrap();
        all.stop(0).await;
        all.run(0).await;
        all.approve(1, (&key, &spend)).await.unwrap();
        let view = all.end(0, &approval).await;
        assert_eq!((view.state.as_str(), view.input), ("signed", None));
        // Its operator may say it once more.
        all.sign(&[0, 1], &spend).await;
    });
}

#[test]
fn an_operator_may_hold_several_seats_in_one_node() {
    run(async {
        let all = Federation::start(&[2, 1]).await;
        let key = all.make_key(3).await;
        assert_eq!((key.threshold, key.members, key.seats), (3, 3, vec![1, 2]));
        let key = all.key(1).await;
        all.sign(&[0, 1], &psbt(&key, 1, 1000)).await;
    });
}

#[test]
fn a_node_may_belong_to_several_groups() {
    run(async {
        let mut all = Federation::start(&[1, 1, 1]).await;
        let first = all.make_key(2).await;
        all.band(&[0, 2], Suite::Tr).await;
        let view: NodeView = all.client(0).get("/v1/node").await.unwrap();
        assert_eq!(view.federations.len(), 2);
        let begin = |roster: Option<&str>| StartCeremony::Begin {
            threshold: 2,
            minutes: 5,
            roster: roster.map(str::to_owned),
        };
        let path = "/v1/ceremonies";
        let which: Result<CeremonyView, _> = all.client(0).post(path, &begin(None)).await;
        assert_eq!(code(which), "invalid_request");
        let second = begin(Some(&view.federations[1].roster));
        let begun: CeremonyView = all.client(0).post(path, &second).await.unwrap();
        let join = StartCeremony::Join {
            join: begun.code,
            threshold: None,
        };
        let stranger: Result<CeremonyView, _> = all.client(1).post(path, &join).await;
        assert_eq!(code(stranger), "invalid_request");
        let _joined: CeremonyView = all.client(2).post(path, &join).await.unwrap();
        all.made(&[0, 2], &begun.id).await;
        let keys: Vec<KeyView> = all.client(0).get("/v1/keys").await.unwrap();
        let mut others = keys.iter().filter(|key| key.key_group != first.key_group);
        let second = others.next().unwrap();
        assert_eq!((second.suite.as_str(), second.members), ("tr", 2));
        for (key, nodes) in [(&first, [0, 1]), (second, [2, 0])] {
            all.sign_with(key, &nodes, &psbt(key, 1, 1000)).await;
        }
    });
}

#[test]
fn what_cannot_be_is_refused_with_a_code_and_changes_nothing() {
    run(async {
        let all = Federation::start(&[1, 1]).await;
        let client = all.client(0);
        let begin = |threshold, minutes| StartCeremony::Begin {
            threshold,
            minutes,
            roster: None,
        };
        let ask = |body| {
            let client = client.clone();
            async move {
                code(
                    client
                        .post::<serde_json::Value>("/v1/ceremonies", &body)
                        .await,
                )
            }
        };
        for (threshold, minutes) in [(1, 5), (3, 5), (2, 0), (2, 100_000)] {
            assert_eq!(ask(begin(threshold, minutes)).await, "invalid_request");
        }
        let join = |code: &str| StartCeremony::Join {
            join: code.into(),
            threshold: Some(3),
        };
        assert_eq!(ask(join("ab")).await, "invalid_request");
        all.make_key(2).await;
        let waits: CeremonyView = client.post("/v1/ceremonies", &begin(2, 5)).await.unwrap();
        // At the other node: two of two were begun, and three were agreed upon.
        let other = all.client(1);
        let differs: Result<CeremonyView, _> =
            other.post("/v1/ceremonies", &join(&waits.code)).await;
        assert_eq!(code(differs), "key_generation_differs");
        // The same with a deadline at the end of all time, and one far away.
        for deadline in ["ffffffffffffffff", "00000000ffffffff"] {
            let late = with_deadline(&waits.code, deadline);
            let late: Result<CeremonyView, _> = other.post("/v1/ceremonies", &join(&late)).await;
            assert_eq!(code(late), "key_generation_too_long");
        }
        assert_eq!(ask(begin(2, 5)).await, "key_generation_under_way");
    });
}

#[test]
fn an_operator_ends_a_key_generation_that_others_wait_for_and_makes_another() {
    run(async {
        let all = Federation::start(&[2, 1]).await;
        let path = "/v1/ceremonies";
        let none = serde_json::Value::Null;
        let begin = StartCeremony::Begin {
            threshold: 2,
            minutes: 5,
            roster: None,
        };
        let begun: CeremonyView = all.client(0).post(path, &begin).await.unwrap();
        let view: NodeView = all.client(0).get("/v1/node").await.unwrap();
        assert_eq!(view.ceremonies.len(), 1);
        assert_eq!(view.ceremonies[0].roster, view.federations[0].roster);
        let cancel = format!("{path}/{}/cancel", begun.id);
        let stranger: Result<CeremonyView, _> = all.client(1).post(&cancel, &none).await;
        assert_eq!(code(stranger), "not_found");
        let ended: CeremonyView = all.client(0).post(&cancel, &none).await.unwrap();
        let why = ended.failure.unwrap();
        assert_eq!(ended.state, "failed");
        assert!(why.contains("operator cancelled"), "{why}");
        let again: Result<CeremonyView, _> = all.client(0).post(&cancel, &none).await;
        assert_eq!(code(again), "key_generation_over");
        let view: NodeView = all.client(0).get("/v1/node").await.unwrap();
        assert_eq!(view.ceremonies, []);
        // Whoever joins the old one waits alone; ended there too, a new one is made by all.
        let join = StartCeremony::Join {
            join: begun.code,
            threshold: None,
        };
        let joined: CeremonyView = all.client(1).post(path, &join).await.unwrap();
        assert_eq!(joined.state, "waiting");
        let _ended: CeremonyView = all.client(1).post(&cancel, &none).await.unwrap();
        let key = all.make_key(2).await;
        let made: Vec<CeremonyView> = all.client(0).get(path).await.unwrap();
        let last = format!("{path}/{}/cancel", made[1].id);
        let late: Result<CeremonyView, _> = all.client(0).post(&last, &none).await;
        assert_eq!(code(late), "key_generation_over");
        all.sign(&[0, 1], &psbt(&key, 1, 1000)).await;
    });
}

/// A node shows its last 64 key generations; what it joined before those it knows all the same.
#[test]
fn what_a_node_joined_before_a_restart_it_joins_no_second_time() {
    run(async {
        let mut all = Federation::start(&[1, 1]).await;
        let (path, none) = ("/v1/ceremonies", serde_json::Value::Null);
        let mut codes = Vec::new();
        for minutes in 60..60 + 65 {
            let begin = StartCeremony::Begin {
                threshold: 2,
                minutes,
                roster: None,
            };
            let begun: CeremonyView = all.client(0).post(path, &begin).await.unwrap();
            let cancel = format!("{path}/{}/cancel", begun.id);
            let _ended: CeremonyView = all.client(0).post(&cancel, &none).await.unwrap();
            codes.push(begun.code);
        }
        for restart in [false, true] {
            if restart {
                all.stop(0).await;
                all.run(0).await;
            }
            let shown: Vec<CeremonyView> = all.client(0).get(path).await.unwrap();
            assert!(shown.iter().all(|view| view.code != codes[0]));
            let join = StartCeremony::Join {
                join: codes[0].clone(),
                threshold: None,
            };
            let again: Result<CeremonyView, _> = all.client(0).post(path, &join).await;
            assert_eq!(code(again), "key_generation_refused");
            let kept = fs::read_dir(all.home(0).join("ceremonies")).unwrap();
            assert_eq!(kept.count(), codes.len());
        }
    });
}

#[test]
fn a_file_that_is_no_terms_of_a_key_generation_is_told_and_stops_nothing() {
    run(async {
        let mut all = Federation::start(&[1, 1]).await;
        let begin = StartCeremony::Begin {
            threshold: 2,
            minutes: 5,
            roster: None,
        };
        let _begun: CeremonyView = all.client(0).post("/v1/ceremonies", &begin).await.unwrap();
        all.stop(0).await;
        let warned = |all: &Federation| {
            let config = hardfrost_node::Config::read(&all.home(0)).unwrap();
            let prepared = hardfrost_node::Prepared::read(config, None).unwrap();
            async move { hardfrost_node::check(&prepared).await.unwrap().warnings }
        };
        assert_eq!(warned(&all).await, [""; 0]);
        fs::write(all.home(0).join("ceremonies/notes"), "mine").unwrap();
        let told = warned(&all).await;
        assert!(told.len() == 1 && told[0].contains("notes"), "{told:?}");
        all.run(0).await;
        let shown: Vec<CeremonyView> = all.client(0).get("/v1/ceremonies").await.unwrap();
        assert_eq!(shown.len(), 1);
    });
}

#[test]
fn a_transaction_that_cannot_be_is_refused_with_a_code_and_changes_nothing() {
    run(async {
        let all = Federation::start(&[1, 1]).await;
        let client = all.client(0);
        let body = |psbt: String| ApproveBody {
            key_group: None,
            psbt,
            request: None,
            minutes: 10,
        };
        let key = all.make_key(2).await;

        let approve = |body| {
            let client = client.clone();
            async move {
                code(
                    client
                        .post::<serde_json::Value>("/v1/approvals", &body)
                        .await,
                )
            }
        };
        assert_eq!(approve(body("no psbt".into())).await, "invalid_request");
        let spend = psbt(&key, 1, 1000);
        // The generator: a key, and nobody's here.
        let generator = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
        let other = ApproveBody {
            key_group: Some(generator.into()),
            ..body(spend.to_base64())
        };
        assert_eq!(approve(other).await, "not_found");
        all.approve(0, (&key, &spend)).await.unwrap();
        // The same coins to somebody else, while the first approval is in force.
        let twice = approve(body(psbt(&key, 1, 2000).to_base64())).await;
        assert_eq!(twice, "signing_policy_rejected");
        let missing: Result<SessionView, _> = client.get("/v1/sessions/hf-0").await;
        assert_eq!(code(missing), "not_found");
        let nothing: Result<SessionView, _> = client.get("/v2").await;
        assert_eq!(code(nothing), "not_found");
        let sessions: Vec<SessionView> = client.get("/v1/sessions").await.unwrap();
        assert_eq!(sessions.len(), 1);
    });
}

#[test]
fn a_node_tells_who_its_peers_are_and_what_it_lacks() {
    run(async {
        let mut all = Federation::start(&[1, 1]).await;
        let view: NodeView = all.client(0).get("/v1/node").await.unwrap();
        assert!(!view.ready.ready);
        assert_eq!(view.ready.missing.len(), 1, "{:?}", view.ready);
        // Both are needed to make a key.
        all.stop(1).await;
        while all.ready(0).await.connected {}
        all.run(1).await;
        while !all.ready(0).await.connected {}
        all.make_key(2).await;
        let view: NodeView = all.client(0).get("/v1/node").await.unwrap();
        assert_eq!((view.ready.ready, view.ready.missing), (true, vec![]));
        let peer = &view.federations[0].peers[0];
        assert_eq!(
            (peer.operator.as_str(), peer.link.as_str()),
            ("operator 1", "direct")
        );
        assert!(peer.received > 0 && peer.sent > 0, "{peer:?}");
        all.stop(1).await;
        let view: ReadyView = loop {
            let view: NodeView = all.client(0).get("/v1/node").await.unwrap();
            if !view.ready.ready {
                break view.ready;
            }
            tokio::task::yield_now().await;
        };
        assert!(
            view.missing[0].contains("1 of the 2 members that must sign can be reached"),
            "{view:?}"
        );
    });
}

#[test]
fn n08_the_socket_is_its_users_alone_and_a_stale_one_is_replaced() {
    run(async {
        let mut all = Federation::start(&[1, 1]).await;
        let socket = all.home(0).join("hardfrost.sock");
        assert_eq!((mode(&socket), mode(&all.home(0))), (0o600, 0o700));
        all.stop(0).await;
        assert!(!socket.exists());
        // As kill -9 leaves it: there, and nobody behind it.
        drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
        all.run(0).await;
        let _view: NodeView = all.client(0).get("/v1/node").await.unwrap();
        all.stop(0).await;
        fs::write(&socket, "a file of somebody's").unwrap();
        let config = hardfrost_node::Config::read(&all.home(0)).unwrap();
        let prepared = hardfrost_node::Prepared::read(config, None).unwrap();
        let plain: &hardfrost_node::Wrap = &|transport, _, _| transport;
        let refused = hardfrost_node::run(prepared, plain, |_| {}, async {}).await;
        assert!(refused.unwrap_err().to_string().contains("is no socket"));
        assert!(socket.exists());
    });
}

/// The code with another deadline, and a check that fits.
fn with_deadline(code: &str, deadline: &str) -> String {
    let named = format!("{}{deadline}{}", &code[..12], &code[28..92]);
    let check = Hash32::of(&hex::decode(&named).unwrap());
    format!("{named}{}", hex::encode(&check.0[..4]))
}
