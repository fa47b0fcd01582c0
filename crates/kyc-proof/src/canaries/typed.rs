//! `Debug` of requests, calls and replies in their own types, which the catalogue's JSON does not show.

use std::fmt::Debug;

use anyhow::Result;
use consent_hmac::RecordConsent;
use deepvue_digilocker::InitiateSession;
use finpass::{Initialize, RefreshData};
use finpro_profile::CheckProfile;
use kyc_proof::catalogue::Setup;
use kyc_proof::companies::Company;
use kyc_proof::scripted::ready;
use provider_core::serde::de::DeserializeOwned;
use provider_core::testing::{ScriptedTransport, Step};
use provider_core::{BaseUrl, Client, Endpoint, Provider, RawResponse, request_from_value};
use serde_json::Value;
use veriff_sessions::GetDecision;

/// What a request and its reply print: by themselves, and as a call.
pub(super) struct Printed {
    pub(super) owner: String,
    pub(super) call: String,
}

/// A provider's name, an operation's name, and the function that prints.
pub(super) type Row = (
    &'static str,
    &'static str,
    fn(&Setup, Value, RawResponse) -> Result<Printed>,
);

/// The operations whose types are printed. The catalogue has no `Debug` of them, so they are listed here; those that are
/// not are named in the output of the proof.
pub(super) const TYPES: &[Row] = &[
    row::<Initialize>(),
    row::<RefreshData>(),
    row::<CheckProfile>(),
    row::<RecordConsent>(),
    row::<GetDecision>(),
    row::<InitiateSession>(),
];

const fn row<E>() -> Row
where
    E: Endpoint<Provider: Company, Output: Debug> + DeserializeOwned + Debug,
{
    (E::Provider::NAME, E::OPERATION.name, print::<E>)
}

fn print<E>(setup: &Setup, input: Value, reply: RawResponse) -> Result<Printed>
where
    E: Endpoint<Provider: Company, Output: Debug> + DeserializeOwned + Debug,
{
    let base_url = BaseUrl::parse("base_url", "https://provider.example.test")?;
    let provider = E::Provider::account(base_url, &setup.credentials)?;
    let setup = Setup {
        credentials: setup.credentials,
        ..Setup::scripted(ScriptedTransport::new([Step::Respond(reply)]))
    };
    let client: Client<E::Provider> = setup.build(provider)?;
    let request: E = request_from_value(input)?;
    let mut owner = format!("{request:?}\n{request:#?}\n");
    let pending = client.call(request);
    let call = format!("{pending:?}\n{pending:#?}");
    let response = ready(pending)?;
    owner.push_str(&format!("{response:?}\n{response:#?}"));
    Ok(Printed { owner, call })
}
