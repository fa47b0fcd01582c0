//! Any operation of the catalogue: the bytes of its replies, and its requests as JSON.

use std::sync::LazyLock;

use kyc_proof::catalogue::{Exchange, Subject, refusal_response, with_exchanges};
use kyc_proof::checks::{Addressed, reply_is_read_as_sent, request_is_sent_as_taken};
use kyc_proof::companies::SANDBOX;
use provider_core::http::{HeaderName, HeaderValue, StatusCode};
use provider_core::{Error, ErrorKind, FaultClass, Outcome, RawResponse, input_from_json};

use crate::canary;
use crate::parts::Parts;

static OPERATIONS: LazyLock<Vec<(Subject, Exchange)>> = LazyLock::new(with_exchanges);

fn chosen(parts: &mut Parts<'_>) -> &'static (Subject, Exchange) {
    &OPERATIONS[usize::from(parts.byte()) % OPERATIONS.len()]
}

const STATUSES: [u16; 16] = [
    400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 503, 504, 599, 302, 307, 100,
];

/// The operation, the status or none for a success, a header, and the body.
pub(crate) fn reply(input: &[u8]) {
    let mut parts = Parts::of(input);
    let (subject, exchange) = chosen(&mut parts);
    let status = STATUSES.get(usize::from(parts.byte())).copied();
    let (name, value) = (parts.bytes(), parts.bytes());
    let rest = parts.rest();
    let body = canary::plant(rest);
    let respond = |status: u16, body: Vec<u8>| {
        let reply = subject.reply(SANDBOX, status, body);
        let mut headers = reply.headers().clone();
        let header = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value));
        // What vouches for the body stays.
        if let (Ok(name), Ok(value)) = header
            && !headers.contains_key(&name)
        {
            headers.insert(name, value);
        }
        RawResponse::new(reply.status(), headers, reply.body().clone())
    };
    let answer =
        |status, body| subject.answer(SANDBOX, exchange.input.clone(), respond(status, body));
    if let Some(status) = status {
        let error = answer(status, body).unwrap_err();
        assert_is_refusal(&error, &answer(status, Vec::new()).unwrap_err());
        assert_eq!(error.status(), StatusCode::from_u16(status).ok());
        return canary::assert_unprinted(input, &error);
    }
    let result = answer(exchange.status, body.clone());
    reply_is_read_as_sent(subject, exchange, &body, &result).unwrap();
    if let Err(error) = result {
        canary::assert_unprinted(input, &error);
    }
}

/// Words that nobody vouches for explain; they never say that nothing was done.
fn assert_is_refusal(error: &Error, silent: &Error) {
    // A success under such a status leaves it open.
    let is_open = error.outcome() != silent.outcome();
    assert!(!is_open || error.outcome() == Outcome::Unknown);
    let fault = error.fault().map(|fault| fault.class());
    let refuses = matches!(
        error.status().map(|status| status.as_u16()),
        Some(401 | 403)
    );
    let expected = match (silent.kind(), fault) {
        _ if is_open => ErrorKind::Api,
        (ErrorKind::Api | ErrorKind::Unrecognized, Some(FaultClass::Credentials)) => {
            ErrorKind::Credentials
        }
        (ErrorKind::Unrecognized, Some(_)) if refuses => ErrorKind::Credentials,
        (ErrorKind::Unrecognized, Some(_)) => ErrorKind::Api,
        (kind, _) => kind,
    };
    assert_eq!(error.kind(), expected);
}

/// The operation, and its request as JSON text.
pub(crate) fn request(input: &[u8]) {
    let mut parts = Parts::of(input);
    let (subject, _) = chosen(&mut parts);
    let json = canary::plant(parts.rest());
    let request = match input_from_json(&json) {
        Ok(request) => request,
        Err(error) => return canary::assert_absent(&format!("{error} {error:?}")),
    };
    request_is_sent_as_taken(subject, &request).unwrap();
    let (client, _) = subject.scripted(SANDBOX, [refusal_response()]);
    if let Err(error) = client.check(request) {
        canary::assert_unprinted(input, &error);
    }
}

static ADDRESSED: LazyLock<Vec<Addressed>> = LazyLock::new(Addressed::all);

/// An address, an id, and the operation.
pub(crate) fn address(input: &[u8]) {
    let mut parts = Parts::of(input);
    let (Some(base), Some(id)) = (parts.text(), parts.text()) else {
        return;
    };
    let addressed = &ADDRESSED[usize::from(parts.byte()) % ADDRESSED.len()];
    for id in [id, "made-up"] {
        addressed.is_sent(base, id).unwrap();
    }
}
