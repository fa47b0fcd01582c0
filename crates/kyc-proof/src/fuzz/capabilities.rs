//! The capabilities: words that belong to no provider, in and out.

use consent_hmac::ConsentClient;
use deepvue_digilocker::DigilockerClient;
use finpass::FinpassClient;
use finpro_profile::FinproProfileClient;
use kyc_proof::made_up;
use kyc_proof::scripted::{client, ready, reply};
use provider_core::capability::{
    AggregatorConsent, AggregatorConsentRequest, AggregatorDiscovery, AggregatorId,
    AggregatorQuery, ConsentKind, ConsentPurpose, ConsentRecorder, ConsentStatement,
    DocumentAccess, DocumentAccessRequest, DocumentKind, Readiness,
};
use provider_core::http::StatusCode;
use provider_core::testing::ScriptedTransport;
use provider_core::{CallOptions, Email, Error, ErrorKind, Masked, Outcome, Pan, RawResponse};
use serde_json::{Map, Value, json};

use crate::canary;
use crate::parts::Parts;
use crate::replies::{assert_is_no_value, is_part_of, signed};

/// Which capability, its switches, and its texts.
pub(crate) fn inputs(input: &[u8]) {
    let mut parts = Parts::of(input);
    match parts.byte() % 4 {
        0 => open_consent_sends(parts),
        1 => discover_sends(parts),
        2 => record_consent_sends(parts),
        _ => open_session_sends(parts),
    };
}

fn open_consent_sends(mut parts: Parts<'_>) -> Option<()> {
    let purpose = ConsentPurpose::from(parts.text()?);
    let pan = Pan::parse(parts.text()?).ok();
    let email = Email::parse(parts.text()?).ok();
    let (webhook, back) = (parts.text()?, parts.text()?);
    let mut body = Map::new();
    body.insert("mobile_number".into(), "9000000001".into());
    body.insert("consent_type".into(), purpose.as_str().into());
    let optional = [
        ("pan_number", pan.as_ref().map(Pan::expose)),
        ("email", email.as_ref().map(Email::expose)),
        ("webhook_url", Some(webhook).filter(|url| !url.is_empty())),
        ("redirect_url", Some(back).filter(|url| !url.is_empty())),
    ];
    for (name, value) in optional {
        body.extend(value.map(|value| (name.to_owned(), Value::from(value))));
    }
    let request = AggregatorConsentRequest::new(made_up::mobile(), purpose)
        .set_pan(pan)
        .set_email(email)
        .set_webhook_url(Some(Masked::new(webhook)))
        .set_return_url(Some(Masked::new(back)));

    let (client, transport) = client(made_up::finpass(), refusal());
    let client = FinpassClient::from(client);
    let check = client.check_request(&request);
    let called = ready(client.open_consent(request, CallOptions::new()));
    sends(&check, &called.unwrap_err(), &transport, &body.into());
    Some(())
}

fn discover_sends(mut parts: Parts<'_>) -> Option<()> {
    let reference = parts.text()?;
    let mut aggregators = Vec::new();
    for name in parts.text()?.split('\n') {
        aggregators.extend(AggregatorId::parse(name));
    }
    let mut body = json!({"mobileNumber": "9000000001", "userConsentId": reference});
    if !aggregators.is_empty() {
        body["aaId"] = aggregators.iter().map(AggregatorId::as_str).collect();
    }
    let query =
        AggregatorQuery::new(made_up::mobile(), reference).set_aggregators(aggregators.clone());

    let (client, transport) = client(made_up::finpro(), refusal());
    let client = FinproProfileClient::from(client);
    let check = client.check_query(&query);
    let called = ready(client.discover(query, CallOptions::new()));
    sends(&check, &called.unwrap_err(), &transport, &body);
    Some(())
}

fn record_consent_sends(mut parts: Parts<'_>) -> Option<()> {
    let approved = parts.byte() & 1 != 0;
    let (session, kind) = (parts.text()?, ConsentKind::from(parts.text()?));
    let text = parts.text()?;
    let body = json!({"type": kind.as_str(), "approved": approved, "text": text});
    let statement = ConsentStatement::new(session, kind, approved, text);

    let (client, transport) = client(made_up::veriff(), refusal());
    let client = ConsentClient::from(client);
    let check = client.check_consent(&statement);
    // The client has an operation of this name too.
    let called = ready(ConsentRecorder::record_consent(
        &client,
        statement,
        CallOptions::new(),
    ));
    sends(&check, &called.unwrap_err(), &transport, &body);
    if check.is_ok() {
        let path = format!("/v1/sessions/{session}/consents");
        assert_eq!(transport.only().uri.path(), path);
    }
    Some(())
}

fn open_session_sends(mut parts: Parts<'_>) -> Option<()> {
    let consented = parts.byte() & 1 != 0;
    let (purpose, back) = (parts.text()?, parts.text()?);
    let kinds: Vec<_> = parts.text()?.split('\n').map(DocumentKind::from).collect();
    let mut body = json!({"consent": "Y", "purpose": purpose, "redirect_url": back});
    body["doc_types"] = kinds.iter().map(DocumentKind::as_str).collect();
    let request = DocumentAccessRequest::new(purpose, back, consented).set_documents(kinds);

    let (client, transport) = client(made_up::deepvue(), refusal());
    let client = DigilockerClient::from(client);
    let check = client.check_session(&request);
    let called = ready(client.open_session(request, CallOptions::new()));
    sends(&check, &called.unwrap_err(), &transport, &body);
    assert!(consented || check.is_err());
    Some(())
}

/// What each call gets: enough to see what it sent.
fn refusal() -> RawResponse {
    reply(StatusCode::BAD_REQUEST, "")
}

/// What passes the check is sent as it is; what does not is not sent, and the call says the same.
fn sends(check: &Result<(), Error>, called: &Error, transport: &ScriptedTransport, body: &Value) {
    match check {
        Ok(()) => {
            assert_eq!(called.kind(), ErrorKind::Api);
            assert_eq!(transport.only().json(), *body);
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
            assert_eq!(called.invalid_request(), error.invalid_request());
            assert_eq!(called.outcome(), Outcome::NotSent);
            assert!(transport.sent().is_empty());
        }
    }
}

/// Which capability, and the body of a reply.
pub(crate) fn replies(input: &[u8]) {
    let mut parts = Parts::of(input);
    let which = parts.byte();
    let input = parts.rest();
    let body = canary::plant(input);
    let result = match which % 4 {
        0 => open_consent_reads(&body),
        1 => discover_reads(&body),
        2 => record_consent_reads(&body),
        _ => open_session_reads(&body),
    };
    match result {
        Ok(told) => {
            if let Ok(sent) = serde_json::from_slice(&body) {
                assert!(is_part_of(&told, &sent), "{told} is no part of {sent}");
            }
        }
        Err(error) => {
            assert_is_no_value(&error);
            canary::assert_unprinted(input, &error);
        }
    }
}

fn ok(body: &[u8]) -> RawResponse {
    reply(StatusCode::OK, body)
}

/// What a capability made of a reply, in the provider's form again.
type Told = Result<Value, Error>;

fn open_consent_reads(body: &[u8]) -> Told {
    let (client, _) = client(made_up::finpass(), ok(body));
    let client = FinpassClient::from(client);
    let purpose = ConsentPurpose::LoanUnderwriting;
    let request = AggregatorConsentRequest::new(made_up::mobile(), purpose);
    let opened = ready(client.open_consent(request, CallOptions::new()))?;
    assert_eq!(opened.aggregator, None);
    let (id, url) = (opened.reference.as_str(), opened.url.expose());
    Ok(json!({"success": true, "data": {"client_id": id, "redirect_url": url}}))
}

fn discover_reads(body: &[u8]) -> Told {
    let (client, _) = client(made_up::finpro(), ok(body));
    let client = FinproProfileClient::from(client);
    let query = AggregatorQuery::new(made_up::mobile(), "made-up-1");
    let standings = ready(client.discover(query, CallOptions::new()))?;
    let row = |standing: &provider_core::capability::AggregatorStanding| {
        let name = standing.aggregator.as_str();
        let row = |registered: bool, linked: bool| {
            json!({
                "aaId": name,
                "status": "success",
                "registrationStatus": registered,
                "hasLinkedAccounts": linked,
            })
        };
        match standing.readiness {
            Readiness::Ready => row(true, true),
            Readiness::NeedsLinking => row(true, false),
            Readiness::NeedsRegistration => row(false, false),
            Readiness::Undetermined => json!({"aaId": name}),
        }
    };
    Ok(json!({"data": standings.iter().map(row).collect::<Vec<_>>()}))
}

fn record_consent_reads(body: &[u8]) -> Told {
    let (client, _) = client(made_up::veriff(), signed(body));
    let client = ConsentClient::from(client);
    let kind = ConsentKind::Aadhaar;
    let statement = ConsentStatement::new(made_up::VERIFF_SESSION, kind, true, "I agree.");
    let recorded = ready(ConsentRecorder::record_consent(
        &client,
        statement,
        CallOptions::new(),
    ))?;
    Ok(json!({"id": recorded.reference.as_str()}))
}

fn open_session_reads(body: &[u8]) -> Told {
    let (client, _) = client(made_up::deepvue(), ok(body));
    let client = DigilockerClient::from(client);
    let back = "https://lender.example.test/done";
    let request = DocumentAccessRequest::new("KYC", back, true);
    let opened = ready(client.open_session(request, CallOptions::new()))?;
    let (id, url) = (opened.reference.as_str(), opened.url.expose());
    Ok(json!({"transaction_id": id, "data": {"authorization_url": url}}))
}
