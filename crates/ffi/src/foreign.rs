//! What another engine of this interface says when it refuses, in our codes: for Rust hosts that drive such an engine.
//!
//! Those engines are not ours, and their envelopes differ: some give every code, some put all under `validation_error`
//! and tell the rest in words, some give bare text. So there is a ladder:
//! 1. an envelope with a code that we know: that code, whatever its message says;
//! 2. an envelope with `validation_error`: the one code that its *message* names, else `validation_error`;
//! 3. an envelope with a code that we do not know: unknown, with the class that it claims, and nothing is guessed;
//! 4. no envelope: the one code that the text names, else unknown.
//!
//! A code is named by itself, or with spaces for its underscores, in any letter case. Text that names two names none.
//! Nothing of ours relies on any of this: our own envelopes end at the first step.

use hardfrost_engine::Code;
use serde::Deserialize;

use crate::failure::{ErrorCode, RecoveryClass};
use crate::json::Object;

/// Bytes of an answer that are looked at.
const BYTES_MAX: usize = 64 << 10;

/// What a foreign engine said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignError {
    /// In our words, where we have one.
    pub code: Option<ErrorCode>,
    /// Our code's class; without one, the class that the envelope claims.
    pub recovery: Option<RecoveryClass>,
    /// Whom it suspects. Suspects only: it is another engine's word.
    pub candidate_culprits: Vec<u16>,
}

/// As much of an envelope as we look at; it may hold anything else.
#[derive(Deserialize)]
struct Envelope {
    code: String,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    recovery_class: Option<String>,
    #[serde(default)]
    candidate_culprits: Vec<u16>,
}

impl ForeignError {
    /// Reads what came with a status that is not 0. Any bytes make an error.
    #[must_use]
    pub fn decode(answer: &[u8]) -> Self {
        let answer = answer.get(..BYTES_MAX).unwrap_or(answer);
        let Ok(Object(envelope)) = serde_json::from_slice::<Object<Envelope>>(answer) else {
            let text = String::from_utf8_lossy(answer);
            return Self::new(named_in(&text), None, Vec::new());
        };
        let message = envelope.message.as_deref().unwrap_or_default();
        let code = match known(&envelope.code) {
            Some(VALIDATION) => Some(named_in(message).unwrap_or(VALIDATION)),
            other => other,
        };
        let claimed = envelope.recovery_class.as_deref().and_then(class);
        Self::new(code, claimed, envelope.candidate_culprits)
    }

    fn new(code: Option<ErrorCode>, claimed: Option<RecoveryClass>, culprits: Vec<u16>) -> Self {
        Self {
            code,
            recovery: code.map(ErrorCode::recovery).or(claimed),
            candidate_culprits: culprits,
        }
    }
}

const VALIDATION: ErrorCode = ErrorCode::Engine(Code::ValidationError);

fn class(text: &str) -> Option<RecoveryClass> {
    [RecoveryClass::Recoverable, RecoveryClass::Terminal]
        .into_iter()
        .find(|class| class.as_str() == text)
}

/// A code under this boundary's name, or under the engine's where that is another.
fn known(text: &str) -> Option<ErrorCode> {
    ErrorCode::all().find(|code| names(*code).contains(&text))
}

fn names(code: ErrorCode) -> [&'static str; 2] {
    match code {
        ErrorCode::Engine(engine) => [code.as_str(), engine.as_str()],
        ErrorCode::KeyProviderUnavailable | ErrorCode::SignerNotConfigured => [code.as_str(); 2],
    }
}

/// The one code, `validation_error` left aside, that a text names.
fn named_in(text: &str) -> Option<ErrorCode> {
    let text = text.to_lowercase().replace(' ', "_");
    let is_named = |code: &ErrorCode| {
        let named = |name: &&str| {
            let mut places = text.match_indices(*name);
            places.any(|(at, _)| stands_alone(&text, at, name.len()))
        };
        *code != VALIDATION && names(*code).iter().any(named)
    };
    let mut found = ErrorCode::all().filter(is_named);
    let first = found.next();
    match found.next() {
        None => first,
        Some(_) => None,
    }
}

/// Whether no letter or digit goes on where the name begins or ends.
fn stands_alone(text: &str, at: usize, len: usize) -> bool {
    let joins = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let before = text.get(..at).and_then(|text| text.chars().next_back());
    let after = text.get(at + len..).and_then(|text| text.chars().next());
    !joins(before) && !joins(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Failure;
    use crate::reply::envelope;
    use hardfrost_engine::Rejection;
    use proptest::prelude::*;

    fn code(answer: &str) -> Option<&'static str> {
        ForeignError::decode(answer.as_bytes())
            .code
            .map(ErrorCode::as_str)
    }

    #[test]
    fn a_known_code_wins_over_what_the_message_says() {
        let answer = r#"{"code":"session_conflict","message":"consumed_nonce_replay","more":[1]}"#;
        assert_eq!(code(answer), Some("session_conflict"));
        let engines = r#"{"code":"round1_not_started"}"#;
        assert_eq!(code(engines), Some("sign_round_not_started"));
    }

    #[test]
    fn under_validation_error_only_the_message_is_looked_at() {
        let answer = |message: &str| {
            format!(
                r#"{{"code":"validation_error","message":"{message}","hint":"session_not_found"}}"#
            )
        };
        let replay = Some("consumed_nonce_replay");
        assert_eq!(code(&answer("Consumed nonce replay: attempt 3")), replay);
        assert_eq!(code(&answer("error: consumed_nonce_replay.")), replay);
        let plain = Some("validation_error");
        assert_eq!(code(&answer("bad hex")), plain);
        assert_eq!(code(&answer("unconsumed_nonce_replayed")), plain);
        assert_eq!(code(&answer("dkg_not_ready or session_conflict")), plain);
        assert_eq!(code(r#"{"code":"validation_error"}"#), plain);
    }

    #[test]
    fn an_unknown_code_is_not_guessed_at() {
        let answer = br#"{"code":"no_such","message":"dkg_not_ready","recovery_class":"terminal",
            "candidate_culprits":[3]}"#;
        let expected = ForeignError {
            code: None,
            recovery: Some(RecoveryClass::Terminal),
            candidate_culprits: vec![3],
        };
        assert_eq!(ForeignError::decode(answer), expected);
    }

    #[test]
    fn without_an_envelope_the_text_is_all_there_is() {
        assert_eq!(code("panic: session_finalized"), Some("session_finalized"));
        assert_eq!(code(r#"["capacity exceeded"]"#), Some("capacity_exceeded"));
        // Not an envelope either: a code is a text.
        assert_eq!(
            code(r#"{"code":7,"message":"storage_fault"}"#),
            Some("storage_fault")
        );
        assert_eq!(code("out of luck"), None);
        assert_eq!(code(""), None);
        let nothing = ForeignError::decode(b"\xff\xfe");
        assert_eq!((nothing.code, nothing.recovery), (None, None));
    }

    #[test]
    fn our_own_envelopes_end_at_the_first_step() {
        for failure in [
            Failure::from(Rejection::ConsumedNonceReplay),
            Failure::no_build(),
            Failure::not_configured(),
            Failure::internal(),
        ] {
            let read = ForeignError::decode(&envelope(&failure));
            assert_eq!(read.code, Some(failure.code));
        }
        for each in ErrorCode::all() {
            assert_eq!(known(each.as_str()), Some(each));
            let spoken = each.as_str().replace('_', " ");
            let expected = Some(each).filter(|code| *code != VALIDATION);
            assert_eq!(named_in(&spoken), expected, "{spoken}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_make_an_error(answer in prop::collection::vec(any::<u8>(), 0..300)) {
            let read = ForeignError::decode(&answer);
            prop_assert_eq!(read.recovery, read.code.map(ErrorCode::recovery));
        }
    }
}
