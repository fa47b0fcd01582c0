//! What a provider, or a gateway in its place, says when it says no.

use std::fmt::Debug;

use deepvue_digilocker::Detail;
use kyc_proof::made_up;
use kyc_proof::scripted::{answer, reply};
use provider_core::http::StatusCode;
use provider_core::{Endpoint, Error, ErrorKind, FaultClass, Provider};

use crate::canary;
use crate::parts::Parts;

pub(crate) fn finpass(input: &[u8]) {
    refuses(made_up::finpass, made_up::initialize, input);
}

pub(crate) fn finpro(input: &[u8]) {
    refuses(made_up::finpro, made_up::check_profile, input);
}

pub(crate) fn veriff(input: &[u8]) {
    refuses(made_up::veriff, made_up::record_consent, input);
}

pub(crate) fn deepvue(input: &[u8]) {
    refuses(made_up::deepvue, made_up::initiate_session, input);
    let mut parts = Parts::of(input);
    let status = status(&mut parts);
    let rest = parts.rest();
    let detail = Detail::of(&reply(status, canary::plant(rest)));
    canary::assert_debug_masks(rest, &detail);
}

const STATUSES: [u16; 16] = [
    400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 503, 504, 599, 302, 307, 100,
];

fn status(parts: &mut Parts<'_>) -> StatusCode {
    let chosen = STATUSES[usize::from(parts.byte()) % STATUSES.len()];
    StatusCode::from_u16(chosen).unwrap()
}

fn refuses<E>(provider: impl Fn() -> E::Provider, endpoint: impl Fn() -> E, input: &[u8])
where
    E: Endpoint,
    E::Output: Debug,
{
    let mut parts = Parts::of(input);
    let status = status(&mut parts);
    let rest = parts.rest();
    let response = reply(status, canary::plant(rest));
    let fault = provider().fault(&response);
    let call = |response| -> Error { answer(provider(), endpoint(), response).unwrap_err() };
    let error = call(response);
    let silent = call(reply(status, ""));

    // Words that nobody vouches for explain; they never say that nothing was done.
    assert_eq!(error.outcome(), silent.outcome());
    assert_eq!(error.status(), Some(status));
    assert_eq!(error.fault(), fault.as_ref());
    let about_us = fault.is_some_and(|fault| fault.class() == FaultClass::Credentials);
    let expected = match silent.kind() {
        ErrorKind::Api if about_us => ErrorKind::Credentials,
        kind => kind,
    };
    assert_eq!(error.kind(), expected);
    canary::assert_unprinted(rest, &error);
}
