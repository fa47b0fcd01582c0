//! Verification: every reason for a refusal, and every accepted form. Replies are verified before they are decoded.

use std::sync::Arc;

use consent_hmac::provider_core::bytes::Bytes;
use consent_hmac::provider_core::jiff::{SignedDuration, Timestamp};
use consent_hmac::provider_core::testing::{ScriptedTransport, Step};
use consent_hmac::provider_core::{
    Authenticity, ErrorKind, Outcome, Provider, RawResponse, ReplyHead, Response,
    StreamVerification, VerificationError,
};
use consent_hmac::{
    ConsentAnswer, ConsentRecord, ConsentType, RecordConsent, SessionId, SharedSecret, Signer,
    Veriff,
};
use kyc_sandbox::credentials::{VERIFF_API_KEY, VERIFF_OLD_SECRET};

use crate::sandbox::{SESSION, client, secret, veriff};

/// The check value for a reply, and its signature.
const REPLY: &str = r#"{"id":"123e4567-e89b-12d3-a456-426614174000","context":"consent","sessionId":"d69a07cf-4434-4d36-be6c-d22af7dc01fb"}"#;
const RIGHT: &str = "d1f79874eb0cc174f45c8b8e240a9797ec90a18298ae5828f8d8daac5b66eb92";
/// A signature of the right form over something else.
const WRONG: &str = "8d59f58d580b3d4d43cfd980621aa0b03bab567960634566e9f10de5ab7aaff4";

const OTHER_CLIENT: &str = "11111111-2222-4333-8444-555555555555";

const X_CLIENT: (&str, &str) = ("x-auth-client", VERIFF_API_KEY);
const VRF_CLIENT: (&str, &str) = ("vrf-auth-client", VERIFF_API_KEY);
const X: (&str, &str) = ("x-hmac-signature", RIGHT);
const VRF: (&str, &str) = ("vrf-hmac-signature", RIGHT);

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

type Headers<'h> = &'h [(&'h str, &'h str)];

fn raw(headers: Headers<'_>, body: impl Into<Bytes>) -> RawResponse {
    let Step::Respond(response) = Step::respond_with(200, headers, body) else {
        panic!("a reply");
    };
    response
}

/// Verifies the raw bytes, as the client does.
fn verify(headers: Headers<'_>, body: impl Into<Bytes>) -> Result<(), VerificationError> {
    both_ways(&veriff("http://localhost"), &raw(headers, body), NOW).map(drop)
}

/// Verifies the whole body, and asserts that the result for pieces is equal.
fn both_ways(
    veriff: &Veriff,
    reply: &RawResponse,
    now: Timestamp,
) -> Result<Authenticity, VerificationError> {
    let whole = veriff.verify(reply, now);
    for length in [1, 7, 64, usize::MAX] {
        assert_eq!(in_pieces(veriff, reply, now, length), whole, "{length}");
    }
    whole
}

fn in_pieces(
    veriff: &Veriff,
    reply: &RawResponse,
    now: Timestamp,
    length: usize,
) -> Result<Authenticity, VerificationError> {
    let head = ReplyHead::new(reply.status(), reply.headers().clone());
    match veriff.verify_stream(&head, now)? {
        StreamVerification::Incremental(mut verifier) => {
            for piece in reply.body().chunks(length) {
                verifier.update(piece);
                verifier.update(b"");
            }
            verifier.finish()
        }
        StreamVerification::Unsigned => Ok(Authenticity::Unsigned),
        StreamVerification::Whole => panic!("Veriff's replies are verified as they come"),
    }
}

fn approval() -> RecordConsent {
    RecordConsent::new(
        SessionId::parse(SESSION).unwrap(),
        ConsentType::Ine,
        ConsentAnswer::Approved,
        "User agrees to share their INE details",
    )
}

async fn send(
    veriff: Veriff,
    step: Step,
) -> Result<Response<ConsentRecord>, consent_hmac::provider_core::Error> {
    // A second request would be beyond the script and end the test.
    let transport = ScriptedTransport::new([step]);
    let result = client(veriff, Arc::new(transport.clone()))
        .record_consent(approval())
        .await;
    assert_eq!(transport.sent().len(), 1);
    result
}

fn signed(body: &str) -> Step {
    let signature = Signer::new(&secret()).sign(body.as_bytes()).to_string();
    Step::respond_with(
        200,
        &[X_CLIENT, ("x-hmac-signature", &signature)],
        body.to_owned(),
    )
}

#[test]
fn every_refused_reply_has_its_error() {
    use VerificationError::{
        ConflictingHeaders, MalformedSignature, MissingSignature, OtherClient, RepeatedHeader,
        SignatureMismatch,
    };

    let with_old_secret = Signer::new(&SharedSecret::new(VERIFF_OLD_SECRET).unwrap())
        .sign(REPLY.as_bytes())
        .to_string();
    let prefixed = format!("sha256={RIGHT}");
    let longer = format!("{RIGHT}00");
    let not_hex = RIGHT.replace('d', "g");
    let upper = RIGHT.to_ascii_uppercase();
    let refused: &[(Headers<'_>, VerificationError)] = &[
        // Missing.
        (&[], MissingSignature),
        (&[X_CLIENT, VRF_CLIENT], MissingSignature),
        (&[("x-signature", RIGHT)], MissingSignature),
        // Malformed.
        (&[X_CLIENT, ("x-hmac-signature", "")], MalformedSignature),
        (&[("vrf-hmac-signature", "")], MalformedSignature),
        (&[("x-hmac-signature", &RIGHT[..62])], MalformedSignature),
        (&[("x-hmac-signature", &RIGHT[..63])], MalformedSignature),
        (&[("x-hmac-signature", &longer)], MalformedSignature),
        (&[("x-hmac-signature", &not_hex)], MalformedSignature),
        (&[("x-hmac-signature", &prefixed)], MalformedSignature),
        (&[("vrf-hmac-signature", &prefixed)], MalformedSignature),
        // Another key, another message.
        (&[("x-hmac-signature", &with_old_secret)], SignatureMismatch),
        (&[("x-hmac-signature", WRONG)], SignatureMismatch),
        (
            &[X_CLIENT, ("vrf-hmac-signature", WRONG)],
            SignatureMismatch,
        ),
        (
            &[("x-hmac-signature", WRONG), ("vrf-hmac-signature", WRONG)],
            SignatureMismatch,
        ),
        // Duplicate headers, even with equal values.
        (&[X, X], RepeatedHeader),
        (&[VRF, VRF], RepeatedHeader),
        (&[X, VRF, VRF], RepeatedHeader),
        (&[X, ("x-hmac-signature", WRONG)], RepeatedHeader),
        (&[X, ("x-hmac-signature", &upper)], RepeatedHeader),
        (&[X_CLIENT, X_CLIENT, X], RepeatedHeader),
        (&[VRF_CLIENT, VRF_CLIENT, VRF], RepeatedHeader),
        // Two different signatures, whichever of them is correct.
        (&[X, ("vrf-hmac-signature", WRONG)], ConflictingHeaders),
        (&[("x-hmac-signature", WRONG), VRF], ConflictingHeaders),
        (&[("x-hmac-signature", ""), VRF], ConflictingHeaders),
        (&[X, ("vrf-hmac-signature", &prefixed)], ConflictingHeaders),
        // Correctly signed for another client.
        (&[("x-auth-client", OTHER_CLIENT), X], OtherClient),
        (&[("vrf-auth-client", OTHER_CLIENT), VRF], OtherClient),
        (
            &[X_CLIENT, ("vrf-auth-client", OTHER_CLIENT), X, VRF],
            OtherClient,
        ),
        (
            &[("x-auth-client", OTHER_CLIENT), VRF_CLIENT, X, VRF],
            OtherClient,
        ),
        (&[("x-auth-client", ""), X], OtherClient),
    ];
    for (headers, expected) in refused {
        assert_eq!(verify(headers, REPLY), Err(*expected), "{headers:?}");
    }
}

#[test]
fn only_the_exact_bytes_are_accepted() {
    let spaced = REPLY.replace(':', ": ").replace(',', ", ");
    let reordered = r#"{"context":"consent","id":"123e4567-e89b-12d3-a456-426614174000","sessionId":"d69a07cf-4434-4d36-be6c-d22af7dc01fb"}"#;
    let mut flipped = REPLY.as_bytes().to_vec();
    flipped[7] ^= 1;
    for body in [
        Bytes::from(spaced),
        Bytes::from(format!("{REPLY}\n")),
        Bytes::from(format!("\u{feff}{REPLY}")),
        Bytes::from_static(reordered.as_bytes()),
        Bytes::from(flipped),
        Bytes::from_static(&REPLY.as_bytes()[..REPLY.len() - 1]),
        Bytes::new(),
    ] {
        assert_eq!(
            verify(&[X_CLIENT, X, VRF_CLIENT, VRF], body.clone()),
            Err(VerificationError::SignatureMismatch),
            "{body:?}"
        );
    }
}

#[test]
fn every_documented_form_is_accepted() {
    let upper = RIGHT.to_ascii_uppercase();
    let upper_key = VERIFF_API_KEY.to_ascii_uppercase();
    let accepted: &[Headers<'_>] = &[
        &[X_CLIENT, X, VRF_CLIENT, VRF],
        &[X_CLIENT, X],
        &[VRF_CLIENT, VRF],
        &[X],
        &[VRF],
        &[X, VRF],
        &[VRF_CLIENT, X],
        &[X_CLIENT, ("x-hmac-signature", &upper)],
        &[X, ("vrf-hmac-signature", &upper)],
        // A UUID is case-insensitive too.
        &[("x-auth-client", &upper_key), X],
        // The legacy header and the integration's id are ignored.
        &[X, ("x-signature", WRONG), ("vrf-integration-id", "made-up")],
        &[
            ("X-HMAC-SIGNATURE", RIGHT),
            ("X-AUTH-CLIENT", VERIFF_API_KEY),
        ],
    ];
    for headers in accepted {
        assert_eq!(verify(headers, REPLY), Ok(()), "{headers:?}");
    }
}

#[test]
fn a_rotated_secret_is_accepted_if_it_is_configured() {
    let old = SharedSecret::new(VERIFF_OLD_SECRET).unwrap();
    let with_old = Signer::new(&old).sign(REPLY.as_bytes()).to_string();
    let both = veriff("http://localhost").or_verify_with(&old);
    for signature in [RIGHT, &with_old] {
        let response = raw(&[("x-hmac-signature", signature)], REPLY);
        assert!(both_ways(&both, &response, NOW).is_ok());
    }
    let response = raw(&[("x-hmac-signature", WRONG)], REPLY);
    assert_eq!(
        both_ways(&both, &response, NOW).unwrap_err(),
        VerificationError::SignatureMismatch
    );
}

#[test]
fn an_old_secret_is_accepted_until_it_expires_and_the_new_one_after_that() {
    let old = SharedSecret::new(VERIFF_OLD_SECRET).unwrap();
    let with_old = Signer::new(&old).sign(REPLY.as_bytes()).to_string();
    let rotating = veriff("http://localhost").or_verify_until(&old, NOW);
    let found = |signature: &str, now| {
        let response = raw(&[("x-hmac-signature", signature)], REPLY);
        both_ways(&rotating, &response, now).map(drop)
    };
    let before = NOW - SignedDuration::from_nanos(1);
    assert_eq!(found(&with_old, before), Ok(()));
    assert_eq!(
        found(&with_old, NOW),
        Err(VerificationError::SignatureMismatch)
    );
    for now in [before, NOW, Timestamp::MAX] {
        assert_eq!(found(RIGHT, now), Ok(()));
    }
}

/// By a rule that is written down a second time: whose reply it is comes first, then whether the signatures agree, then whether the one
/// of them is right.
#[test]
fn each_combination_of_the_two_pairs_of_headers_is_as_the_rule_says() {
    use VerificationError::{
        ConflictingHeaders, MalformedSignature, MissingSignature, OtherClient, SignatureMismatch,
    };

    let old = SharedSecret::new(VERIFF_OLD_SECRET).unwrap();
    let with_old = Signer::new(&old).sign(REPLY.as_bytes()).to_string();
    // Absent, right, another's, malformed.
    let clients = [None, Some(VERIFF_API_KEY), Some(OTHER_CLIENT), Some("")];
    let signatures = [None, Some(RIGHT), Some(&*with_old), Some("")];
    let plain = || veriff("http://localhost");
    let rotating = |until| plain().or_verify_until(&old, until);
    let (missing, mismatch) = (Err(MissingSignature), Err(SignatureMismatch));
    for (integration, unsigned, another_s) in [
        (plain(), missing, mismatch),
        (plain().accept_unsigned_replies(), Ok(()), mismatch),
        (
            rotating(NOW + SignedDuration::from_secs(1)),
            missing,
            Ok(()),
        ),
        (rotating(NOW), missing, mismatch),
    ] {
        for number in 0..256_usize {
            let [x_client, vrf_client, x, vrf] = [0, 2, 4, 6].map(|shift| number >> shift & 3);
            let headers: Vec<(&str, &str)> = [
                ("x-auth-client", clients[x_client]),
                ("vrf-auth-client", clients[vrf_client]),
                ("x-hmac-signature", signatures[x]),
                ("vrf-hmac-signature", signatures[vrf]),
            ]
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
            let one = match [x, vrf] {
                [0, one] | [one, 0] => Some(one),
                [one, other] => (one == other).then_some(one),
            };
            let expected = match (x_client.max(vrf_client), one) {
                (2.., _) => Err(OtherClient),
                (_, None) => Err(ConflictingHeaders),
                (_, Some(0)) => unsigned,
                (_, Some(1)) => Ok(()),
                (_, Some(2)) => another_s,
                (_, Some(_)) => Err(MalformedSignature),
            };
            let found = both_ways(&integration, &raw(&headers, REPLY), NOW).map(drop);
            assert_eq!(found, expected, "{headers:?}");
        }
    }
}

#[test]
fn an_unsigned_reply_is_accepted_only_if_configured_and_a_wrong_signature_never() {
    use VerificationError::{
        ConflictingHeaders, MalformedSignature, OtherClient, SignatureMismatch,
    };

    let lenient = veriff("http://localhost").accept_unsigned_replies();
    assert_eq!(
        both_ways(&lenient, &raw(&[], REPLY), NOW),
        Ok(Authenticity::Unsigned)
    );
    assert_eq!(
        both_ways(&lenient, &raw(&[X_CLIENT], REPLY), NOW),
        Ok(Authenticity::Unsigned)
    );
    for (headers, expected) in [
        (
            &[("x-hmac-signature", WRONG)] as Headers<'_>,
            SignatureMismatch,
        ),
        (&[("vrf-hmac-signature", "")], MalformedSignature),
        (&[X, ("vrf-hmac-signature", WRONG)], ConflictingHeaders),
        (&[("x-auth-client", OTHER_CLIENT)], OtherClient),
        (&[("vrf-auth-client", OTHER_CLIENT)], OtherClient),
    ] {
        assert_eq!(
            both_ways(&lenient, &raw(headers, REPLY), NOW).unwrap_err(),
            expected,
            "{headers:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_fails_verification_is_neither_decoded_nor_retried() {
    use VerificationError::{MissingSignature, OtherClient, SignatureMismatch};

    let signed_for = |client| [("x-auth-client", client), X];
    for body in [REPLY, r#"{"status":"fail","code":"1101"}"#, "{"] {
        for (headers, expected) in [
            (&[] as Headers<'_>, MissingSignature),
            (&[("x-hmac-signature", WRONG)], SignatureMismatch),
            (&signed_for(OTHER_CLIENT), OtherClient),
        ] {
            let step = Step::respond_with(200, headers, body);
            let error = send(veriff("http://localhost"), step).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Verification, "{body}");
            assert_eq!(error.verification(), Some(&expected), "{body}");
            assert_eq!(error.outcome(), Outcome::Unknown, "{body}");
            assert_eq!(error.attempts(), 1, "{body}");
            assert_eq!(error.status().unwrap(), 200, "{body}");
            assert!(
                error.decode().is_none() && error.fault().is_none(),
                "{body}"
            );
            assert!(!error.is_retryable(), "{body}");
        }
    }
}

/// Veriff's replies are objects with a signature: what is neither was sent in its place, and is no forgery.
#[tokio::test(start_paused = true)]
async fn a_page_without_a_signature_says_nothing() {
    for body in ["<html>", "", "[]"] {
        let page = || Step::respond(200, body);
        let transport = Arc::new(ScriptedTransport::new([page(), page(), page()]));
        let client = client(veriff("http://localhost"), transport);
        let error = client.record_consent(approval()).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.outcome(), error.attempts()),
            (ErrorKind::Unrecognized, Outcome::Unknown, 3),
            "{body}"
        );
        // With one it is a reply that somebody changed, or made up.
        let step = Step::respond_with(200, &[("x-hmac-signature", WRONG)], body);
        let error = send(veriff("http://localhost"), step).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Verification, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_authentic_reply_to_another_session_is_refused() {
    let other = "00000000-0000-4000-8000-00000000a0a0";
    let (near, longer) = (format!("{}c", &SESSION[..35]), format!("{SESSION} "));
    let with_nul = format!("{SESSION}\\u0000");
    for session in [other, &near, &SESSION[1..], &longer, &with_nul, "", "*"] {
        let reply = signed(&REPLY.replace(SESSION, session));
        let error = send(veriff("http://localhost"), reply).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Verification, "{session}");
        assert_eq!(error.verification(), Some(&VerificationError::OtherRequest));
        assert_eq!(error.outcome(), Outcome::Unknown);
        assert_eq!(error.attempts(), 1);
    }

    // A UUID may come back in the other case.
    let upper = REPLY.replace(SESSION, &SESSION.to_ascii_uppercase());
    assert!(
        send(veriff("http://localhost"), signed(&upper))
            .await
            .is_ok()
    );

    // An accepted unsigned reply is no exception.
    let lenient = veriff("http://localhost").accept_unsigned_replies();
    let reply = Step::respond(200, REPLY.replace(SESSION, other));
    let error = send(lenient, reply).await.unwrap_err();
    assert_eq!(error.verification(), Some(&VerificationError::OtherRequest));
}

#[tokio::test(start_paused = true)]
async fn compatible_changes_do_no_harm() {
    for body in [
        REPLY.to_owned(),
        REPLY.replacen('{', r#"{"status":"success","new":{"a":[1]},"#, 1),
        format!(r#"{{"sessionId":"{SESSION}","context":"consent","id":"1"}}"#),
        format!(r#"{{ "sessionId" : "{SESSION}" , "id" : "not a UUID" }}"#),
        format!(r#"{{"id":"1","sessionId":"{SESSION}","context":"made_up"}}"#),
        format!(r#"{{"id":"1","sessionId":"{SESSION}","context":null}}"#),
    ] {
        let result = send(veriff("http://localhost"), signed(&body)).await;
        assert_eq!(result.unwrap().value().session_id, SESSION, "{body}");
    }
}
