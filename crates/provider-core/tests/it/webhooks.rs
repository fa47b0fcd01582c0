//! What is verified of a webhook, and what is refused: headers, bytes, secrets and time, without a socket.

use bytes::Bytes;
use proptest::prelude::*;
use provider_core::http::{HeaderMap, HeaderName, HeaderValue};
use provider_core::jiff::{SignedDuration, Timestamp};
use provider_core::webhook::{
    Authentic, Encoding, EventKey, HeaderSignature, KeyForm, MismatchCause, Receiver, Refusal,
    Scheme, Secrets, Signed, SignedText, SigningKey, Unreadable, Verified, decode,
};
use serde::Deserialize;

/// A provider that signs the raw body in `x-signature`, as hexadecimal digits.
#[derive(Debug)]
pub(crate) struct Toy(pub(crate) HeaderSignature);

#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum ToyEvent {
    Paid {
        amount: String,
    },
    #[serde(other)]
    Unknown,
}

impl Scheme for Toy {
    const PROVIDER: &'static str = "toy";
    type Event = ToyEvent;

    fn is_configured(&self) -> bool {
        self.0.is_configured()
    }

    fn verify(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Authentic, Refusal> {
        self.0.verify(headers, body, now)
    }

    fn key(body: &[u8]) -> EventKey {
        EventKey::of(Self::PROVIDER, &[body])
    }

    fn parse(body: &[u8]) -> Result<ToyEvent, Unreadable> {
        decode(body)
    }

    fn is_known(event: &ToyEvent) -> bool {
        *event != ToyEvent::Unknown
    }
}

pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-signature");
pub(crate) const BODY: &[u8] = br#"{"kind":"paid","amount":"1.0"}"#;

pub(crate) fn key(text: &str) -> SigningKey {
    SigningKey::new(text, KeyForm::Text).unwrap()
}

pub(crate) fn current() -> SigningKey {
    key("the-current-secret")
}

pub(crate) fn hex_over_body(secrets: impl Into<Secrets>) -> HeaderSignature {
    HeaderSignature::new(HEADER, Encoding::Hex, SignedText::Body, secrets)
}

pub(crate) fn receiver() -> Receiver<Toy> {
    Receiver::new(Toy(hex_over_body(current())))
}

pub(crate) fn unconfigured() -> Receiver<Toy> {
    Receiver::new(Toy(hex_over_body(Secrets::none())))
}

pub(crate) fn signature_of(body: &[u8]) -> HeaderValue {
    let tag = current().sign(Signed::body(body));
    Encoding::Hex.encode(&tag).parse().unwrap()
}

pub(crate) fn signed(body: &[u8]) -> HeaderMap {
    HeaderMap::from_iter([(HEADER, signature_of(body))])
}

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

fn now() -> Timestamp {
    at("2026-01-01T00:00:00Z")
}

fn verify(headers: &HeaderMap, body: &[u8]) -> Result<Verified<Toy>, Refusal> {
    receiver().verify(headers, body, now())
}

/// What a body is refused for that arrives in the place of the signed one.
fn arrived(signed_body: &[u8], body: &[u8]) -> Refusal {
    verify(&signed(signed_body), body).unwrap_err()
}

#[test]
fn a_verified_webhook_is_its_bytes_what_is_known_of_it_and_an_event() {
    let event = verify(&signed(BODY), BODY).unwrap();
    assert_eq!(event.raw(), BODY);
    let meta = event.meta();
    assert_eq!(
        (meta.provider, meta.secret, meta.received_at),
        ("toy", 0, now())
    );
    assert_eq!(meta.key, EventKey::of("toy", &[BODY]));
    let amount = "1.0".to_owned();
    assert_eq!(event.parse().unwrap(), ToyEvent::Paid { amount });
    let printed = format!("{event:?} {:?}", receiver());
    assert!(
        !printed.contains("1.0") && !printed.contains("secret-"),
        "{printed}"
    );
}

#[test]
fn a_receiver_without_secrets_refuses_everything() {
    for headers in [HeaderMap::new(), signed(BODY)] {
        let refusal = unconfigured().verify(&headers, BODY, now()).unwrap_err();
        assert_eq!(
            (refusal, refusal.status().as_u16()),
            (Refusal::Unconfigured, 503)
        );
    }
}

// Pitfall 1.
#[test]
fn json_that_was_parsed_and_printed_again_is_refused() {
    let sent = br#"{"kind":"paid","amount":"1.0"}"#;
    let value: serde_json::Value = serde_json::from_slice(sent).unwrap();
    let printed_again = serde_json::to_vec(&value).unwrap();
    assert_ne!(printed_again, sent);
    assert_eq!(arrived(sent, &printed_again), Refusal::Mismatch(None));
    let pretty = br#"{
        "kind": "paid",
        "amount": "1.0"
    }"#;
    assert_eq!(
        arrived(sent, pretty),
        Refusal::Mismatch(Some(MismatchCause::Reformatted))
    );
}

// Pitfall 2.
#[test]
fn what_is_the_same_json_in_other_bytes_is_refused() {
    for (sent, changed) in [
        (r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#),
        (r#"{"a":"é"}"#, r#"{"a":"\u00e9"}"#),
        (r#"{"a":"/"}"#, r#"{"a":"\/"}"#),
        (r#"{"a":1.0}"#, r#"{"a":1}"#),
        (r#"{"a":1e2}"#, r#"{"a":100}"#),
        (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
    ] {
        assert_eq!(
            arrived(sent.as_bytes(), changed.as_bytes()),
            Refusal::Mismatch(None)
        );
    }
    let spaced = br#"{ "a" : "x y\" z" }"#;
    assert_eq!(
        arrived(br#"{"a":"x y\" z"}"#, spaced),
        Refusal::Mismatch(Some(MismatchCause::Reformatted))
    );
    assert!(verify(&signed(spaced), spaced).is_ok());
}

// Pitfall 3.
#[test]
fn bytes_that_are_no_text_are_verified_as_they_came() {
    let binary = b"{\"kind\":\"paid\",\"amount\":\"\xff\"}";
    let event = verify(&signed(binary), binary).unwrap();
    assert!(event.parse().is_err());
    let as_text = String::from_utf8_lossy(binary);
    assert_eq!(arrived(binary, as_text.as_bytes()), Refusal::Mismatch(None));

    let marked = [b"\xef\xbb\xbf", BODY].concat();
    assert!(verify(&signed(&marked), &marked).unwrap().parse().is_ok());
    let mark = Refusal::Mismatch(Some(MismatchCause::ByteOrderMark));
    assert_eq!(arrived(&marked, BODY), mark);
    assert_eq!(arrived(BODY, &marked), mark);
}

// Pitfall 4.
#[test]
fn a_newline_that_was_added_or_trimmed_is_named() {
    let with = |end: &[u8]| [BODY, end].concat();
    let cause = Refusal::Mismatch(Some(MismatchCause::TrailingWhitespace));
    for end in [&b"\n"[..], b"\r\n", b" "] {
        assert_eq!(arrived(BODY, &with(end)), cause);
    }
    for end in [&b"\n"[..], b"\r\n"] {
        assert_eq!(arrived(&with(end), BODY), cause);
        assert!(
            verify(&signed(&with(end)), &with(end))
                .unwrap()
                .parse()
                .is_ok()
        );
    }
}

/// `{}` as gzip.
const GZIP: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xab\xae\x05\0\x43\xbf\xa6\xa3\x02\0\0\0";

// Pitfall 5.
#[test]
fn a_compressed_body_is_verified_as_it_came_and_never_decompressed() {
    let event = verify(&signed(GZIP), GZIP).unwrap();
    let unreadable = event.parse().unwrap_err();
    assert!(
        unreadable.decode().to_string().contains("gzip"),
        "{unreadable:?}"
    );

    // A layer decompressed it and left the header.
    let mut headers = signed(GZIP);
    headers.insert("content-encoding", HeaderValue::from_static("gzip"));
    assert_eq!(
        verify(&headers, b"{}").unwrap_err(),
        Refusal::Mismatch(Some(MismatchCause::ContentEncoding))
    );
    // A proxy kept the header of a body that is plain: nothing was changed.
    headers.insert(HEADER, signature_of(BODY));
    assert!(verify(&headers, BODY).unwrap().parse().is_ok());
}

// Pitfall 9.
#[test]
fn a_body_that_was_read_before_is_not_called_a_forgery() {
    let mut headers = signed(BODY);
    headers.insert("content-length", HeaderValue::from(BODY.len()));
    let refusal = verify(&headers, b"").unwrap_err();
    assert_eq!(
        (refusal, refusal.status().as_u16()),
        (Refusal::BodyConsumed, 503)
    );
    // Read in part.
    assert_eq!(
        verify(&headers, &BODY[..10]).unwrap_err(),
        Refusal::Mismatch(Some(MismatchCause::Length))
    );
    // Without an announcement it cannot be known.
    assert_eq!(
        verify(&signed(BODY), b"").unwrap_err(),
        Refusal::Mismatch(Some(MismatchCause::Empty))
    );
}

// Pitfall 10.
#[test]
fn a_body_that_a_platform_wrapped_in_base64_is_named() {
    let wrapped = "eyJraW5kIjoicGFpZCIsImFtb3VudCI6IjEuMCJ9";
    assert_eq!(
        arrived(BODY, wrapped.as_bytes()),
        Refusal::Mismatch(Some(MismatchCause::Base64))
    );
}

// Pitfall 11.
#[test]
fn a_header_is_found_in_any_case_and_once() {
    let headers = |names: &[&str]| {
        let mut headers = HeaderMap::new();
        for name in names {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, signature_of(BODY));
        }
        headers
    };
    assert!(verify(&headers(&["X-SIGNATURE"]), BODY).is_ok());
    for (names, refusal) in [
        (&["x-signature", "X-Signature"][..], Refusal::RepeatedHeader),
        (&[], Refusal::MissingSignature),
        (&["x_signature"], Refusal::MissingSignature),
        (&["http_x_signature"], Refusal::MissingSignature),
        (&["signature"], Refusal::MissingSignature),
    ] {
        assert_eq!(verify(&headers(names), BODY).unwrap_err(), refusal);
    }
}

// Pitfall 12.
#[test]
fn a_signature_has_one_form_in_either_case() {
    let right = signature_of(BODY);
    let right = right.to_str().unwrap();
    let with = |text: &str| {
        let value = HeaderValue::from_str(text).unwrap();
        verify(&HeaderMap::from_iter([(HEADER, value)]), BODY)
    };
    assert!(with(right).is_ok());
    assert!(with(&right.to_uppercase()).is_ok());
    for malformed in [
        "",
        &right[..62],
        &right[..2],
        &format!("{right}00"),
        &format!("sha256={right}"),
        &format!(" {right}"),
        &format!("{right} "),
        &format!("{right},{right}"),
        &right.replace(|digit: char| digit.is_ascii_digit(), "g"),
    ] {
        assert_eq!(
            with(malformed).unwrap_err(),
            Refusal::MalformedSignature,
            "{malformed:?}"
        );
    }
    for empty in ["", " ", "\n"] {
        assert!(SigningKey::new(empty, KeyForm::Text).is_err());
        assert!(Secrets::parse(empty, KeyForm::Text).is_err());
    }
    assert!(Secrets::parse("a,", KeyForm::Text).is_err());
}

#[test]
fn prefix_and_encoding_are_as_configured() {
    let tag = current().sign(Signed::body(BODY));
    for (encoding, other) in [
        (Encoding::Hex, Encoding::Base64),
        (Encoding::Base64, Encoding::Hex),
    ] {
        let signature = HeaderSignature::new(HEADER, encoding, SignedText::Body, current());
        let receiver = Receiver::new(Toy(signature.with_prefix("v1=")));
        let verify = |text: String| {
            let headers = HeaderMap::from_iter([(HEADER, HeaderValue::try_from(text).unwrap())]);
            receiver.verify(&headers, BODY, now()).map(drop)
        };
        assert_eq!(verify(format!("v1={}", encoding.encode(&tag))), Ok(()));
        for malformed in [
            encoding.encode(&tag),
            format!("V1={}", encoding.encode(&tag)),
            format!("v1={}", other.encode(&tag)),
            "v1=".to_owned(),
        ] {
            assert_eq!(verify(malformed), Err(Refusal::MalformedSignature));
        }
    }
}

// Pitfall 13.
#[test]
fn a_secret_is_taken_as_it_is_and_its_other_form_is_named() {
    assert!(SigningKey::new("made-up\n", KeyForm::Text).is_err());
    assert!(SigningKey::new("no hex", KeyForm::Hex).is_err());
    assert!(SigningKey::new("no*base64", KeyForm::Base64).is_err());

    let text = "6d616465207570206f662074657874";
    let verified = |ours: KeyForm, theirs: KeyForm| {
        let ours = SigningKey::new(text, ours).unwrap();
        let theirs = SigningKey::new(text, theirs).unwrap();
        let tag = theirs.sign(Signed::body(BODY));
        Secrets::from(ours).verify(Signed::body(BODY), &tag, now())
    };
    assert_eq!(verified(KeyForm::Hex, KeyForm::Hex), Ok(0));
    for (ours, theirs) in [(KeyForm::Text, KeyForm::Hex), (KeyForm::Hex, KeyForm::Text)] {
        assert_eq!(
            verified(ours, theirs),
            Err(Refusal::Mismatch(Some(MismatchCause::KeyForm)))
        );
    }
    // Another secret altogether: such as that of a listener on the developer's machine.
    let tag = key("the-listener-s-secret").sign(Signed::body(BODY));
    let value = Encoding::Hex.encode(&tag).parse().unwrap();
    let refusal = verify(&HeaderMap::from_iter([(HEADER, value)]), BODY).unwrap_err();
    assert_eq!(refusal, Refusal::Mismatch(None));
}

// Pitfall 14.
#[test]
fn of_two_secrets_the_one_that_matched_is_told_and_one_past_its_end_is_refused() {
    let old = key("the-previous-secret");
    let secrets = Secrets::from(current()).or_until(old.clone(), now());
    let verify = |key: &SigningKey, now: Timestamp| {
        secrets.verify(Signed::body(BODY), &key.sign(Signed::body(BODY)), now)
    };
    let before = now().saturating_sub(SignedDuration::from_nanos(1)).unwrap();
    assert_eq!(verify(&current(), before), Ok(0));
    assert_eq!(verify(&current(), now()), Ok(0));
    assert_eq!(verify(&old, before), Ok(1));
    assert_eq!(verify(&old, now()), Err(Refusal::ExpiredSecret));
    // The same secret again without an end.
    let secrets = secrets.clone().or(old.clone());
    let tag = old.sign(Signed::body(BODY));
    assert_eq!(secrets.verify(Signed::body(BODY), &tag, now()), Ok(2));
}

// Pitfall 15.
#[test]
fn any_bytes_are_verified_whatever_their_type() {
    let multipart = b"--b\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--\r\n";
    for body in [&multipart[..], b"\0\xff\xfe", b"", b"<xml/>"] {
        let event = verify(&signed(body), body).unwrap();
        assert!(event.parse().is_err());
        let mut unsigned = HeaderMap::new();
        unsigned.insert(
            "content-type",
            HeaderValue::from_static("multipart/form-data"),
        );
        assert_eq!(
            verify(&unsigned, body).unwrap_err(),
            Refusal::MissingSignature
        );
    }
}

// Pitfall 16.
#[test]
fn an_unknown_kind_and_an_unknown_member_are_events() {
    let event = |body: &[u8]| verify(&signed(body), body).unwrap().parse();
    let unknown = event(br#"{"kind":"refunded","amount":{}}"#).unwrap();
    assert_eq!(unknown, ToyEvent::Unknown);
    assert!(!Toy::is_known(&unknown));
    assert!(event(br#"{"kind":"paid","amount":"1","more":[1]}"#).is_ok());
    // Authentic and not what its kind needs; the value is not printed.
    let error = event(br#"{"kind":"paid","amount":["CANARY"]}"#).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("CANARY"));
}

// Pitfall 20.
#[test]
fn a_time_is_tolerated_as_far_in_both_directions() {
    let text = SignedText::TimeAndBody {
        header: HeaderName::from_static("x-time"),
        separator: ".".to_owned(),
        tolerance: SignedDuration::from_secs(300),
    };
    let signature = HeaderSignature::new(HEADER, Encoding::Hex, text, current());
    let receiver = Receiver::new(Toy(signature));
    let signed_at = |time: &str| {
        let tag = current().sign(Signed::after(format!("{time}.").as_bytes(), BODY));
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, Encoding::Hex.encode(&tag).parse().unwrap());
        headers.insert("x-time", time.parse().unwrap());
        headers
    };
    let verify = |headers: &HeaderMap| receiver.verify(headers, BODY, now()).map(drop);
    for (time, verdict) in [
        ("1767225600", Ok(())),
        ("1767225300", Ok(())),
        ("1767225299", Err(Refusal::TooOld)),
        ("1767225900", Ok(())),
        ("1767225901", Err(Refusal::FromTheFuture)),
        ("1767225300000", Ok(())),
        ("1767225299999", Err(Refusal::TooOld)),
        ("2026-01-01T05:25:00+05:30", Ok(())),
        ("2026-01-01T05:24:59+05:30", Err(Refusal::TooOld)),
        ("0", Err(Refusal::TooOld)),
        ("+1767225600", Err(Refusal::MalformedTime)),
        ("-9223372036854775808", Err(Refusal::MalformedTime)),
        ("9223372036854775807", Err(Refusal::MalformedTime)),
        ("2026-01-01T00:00:00", Err(Refusal::MalformedTime)),
        ("", Err(Refusal::MalformedTime)),
    ] {
        assert_eq!(verify(&signed_at(time)), verdict, "{time}");
    }
    // The time is signed, too, and is not believed before the signature.
    let mut moved = signed_at("1767225299");
    moved.insert("x-time", HeaderValue::from_static("1767225600"));
    assert_eq!(verify(&moved), Err(Refusal::Mismatch(None)));
    moved.append("x-time", HeaderValue::from_static("1767225299"));
    assert_eq!(verify(&moved), Err(Refusal::RepeatedHeader));
    moved.remove("x-time");
    assert_eq!(verify(&moved), Err(Refusal::MalformedTime));
}

proptest! {
    #[test]
    fn any_byte_altered_in_body_or_signature_is_refused(
        body in proptest::collection::vec(any::<u8>(), 1..512),
        place in any::<proptest::sample::Index>(),
        flip in 1_u8..,
    ) {
        let (receiver, headers) = (receiver(), signed(&body));
        prop_assert!(receiver.verify(&headers, &body, now()).is_ok());

        let mut altered = body.clone();
        altered[place.index(body.len())] ^= flip;
        let refusal = receiver.verify(&headers, &altered, now()).unwrap_err();
        prop_assert!(matches!(refusal, Refusal::Mismatch(_)), "{refusal:?}");
        let (less, more) = (&body[1..], [&body[..], &[flip]].concat());
        prop_assert!(receiver.verify(&headers, less, now()).is_err());
        prop_assert!(receiver.verify(&headers, &more, now()).is_err());

        let mut signature = current().sign(Signed::body(&body));
        signature[place.index(signature.len())] ^= flip;
        let value = Encoding::Hex.encode(&signature).parse().unwrap();
        let headers = HeaderMap::from_iter([(HEADER, value)]);
        let refusal = receiver.verify(&headers, &body, now()).unwrap_err();
        prop_assert!(matches!(refusal, Refusal::Mismatch(_)), "{refusal:?}");
    }

    #[test]
    fn no_header_value_makes_it_panic_or_accept(value in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(value)) {
            let headers = HeaderMap::from_iter([(HEADER, value)]);
            prop_assert!(receiver().verify(&headers, BODY, now()).is_err());
        }
    }
}
