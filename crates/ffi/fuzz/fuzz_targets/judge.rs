//! One input: its first byte chooses the call, the rest is the request. The library is not configured, so that nothing
//! but decoding happens, and no file is touched.

use hardfrost_ffi::{Answer, Call, Library};

/// Panics if the answer is none.
pub fn judge(input: &[u8]) {
    let Some((which, request)) = input.split_first() else {
        return;
    };
    let call = Call::ALL[usize::from(*which) % Call::ALL.len()];
    // The one call that would act upon what it has read: a store is not made for a fuzzer.
    if call == Call::InitSignerConfig && has_path(request) {
        return;
    }
    let Answer { ok, reply } = Library::new().call(call, Some(request));
    if call == Call::Version {
        assert!(ok);
        return;
    }
    let value: serde_json::Value = serde_json::from_slice(&reply).expect("a reply is JSON");
    let code = value["code"].as_str();
    let expected = ["validation_error", "signer_not_configured"];
    assert!(
        ok || code.is_some_and(|code| expected.contains(&code)),
        "{value}"
    );
}

fn has_path(request: &[u8]) -> bool {
    let read = serde_json::from_slice::<serde_json::Value>(request);
    read.is_ok_and(|value| {
        value["state_path"].is_string() && value["state_key_provider"].is_string()
    })
}
