//! What a request says.

use consent_hmac::{RecordConsent, SessionId};
use deepvue_digilocker::{Consent, DocType, InitiateSession};
use finpass::Initialize;
use finpro_profile::{AaId, CheckProfile, UserConsentId};
use kyc_proof::made_up;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{TestCaseResult, TestRunner};
use provider_core::http::Method;
use provider_core::http::header::CONTENT_TYPE;
use provider_core::jiff::Timestamp;
use provider_core::{Attempt, Email, Endpoint, Mobile, Pan};
use serde_json::{Value, json};

use super::values::{email, mobile, pan, path_id, shaped, text};
use crate::failure::Result;

/// That the endpoint's body, read back, is this JSON.
fn sends<E: Endpoint>(provider: &E::Provider, endpoint: &E, expected: &Value) -> TestCaseResult {
    let attempt = Attempt::new(1, Timestamp::UNIX_EPOCH, 0);
    let request = endpoint.request(provider, &attempt);
    let request = request.map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert_eq!(request.method(), Method::POST);
    prop_assert_eq!(&request.headers()[CONTENT_TYPE], "application/json");
    let body: Value = serde_json::from_slice(request.body().as_ref()).unwrap();
    prop_assert_eq!(&body, expected);
    Ok(())
}

/// That the endpoint refuses its inputs and names this field.
fn names<E: Endpoint>(provider: &E::Provider, endpoint: &E, field: &str) -> TestCaseResult {
    let attempt = Attempt::new(1, Timestamp::UNIX_EPOCH, 0);
    let refused = endpoint.request(provider, &attempt).map(drop);
    prop_assert_eq!(
        refused.map_err(|error| error.field().to_owned()),
        Err(field.to_owned())
    );
    Ok(())
}

pub(super) fn finpass_sends_what_was_set(runner: &mut TestRunner) -> Result<()> {
    let purpose = prop_oneof![Just("loan_underwriting".to_owned()), text(12)];
    let urls = (option::of(text(20)), option::of(text(20)));
    let cases = (
        mobile(),
        option::of(pan()),
        option::of(email()),
        purpose,
        urls,
    );
    runner.run(&cases, |(mobile, pan, email, purpose, (webhook, back))| {
        let mobile_number = Mobile::parse(&mobile).unwrap();
        let mut request = Initialize::new(mobile_number, finpass::ConsentType::from(&*purpose));
        let mut expected = json!({"mobile_number": mobile, "consent_type": purpose});
        if let Some(pan) = pan {
            request = request.set_pan_number(Pan::parse(&pan).unwrap());
            expected["pan_number"] = pan.into();
        }
        if let Some(email) = email {
            request = request.set_email(Email::parse(&email).unwrap());
            expected["email"] = email.into();
        }
        if let Some(url) = webhook {
            request = request.set_webhook_url(&*url);
            if !url.is_empty() {
                expected["webhook_url"] = url.into();
            }
        }
        if let Some(url) = back {
            request = request.set_return_url(&*url);
            if !url.is_empty() {
                expected["redirect_url"] = url.into();
            }
        }
        if purpose.is_empty() {
            return names(&made_up::finpass(), &request, "consent_type");
        }
        sends(&made_up::finpass(), &request, &expected)
    })?;
    Ok(())
}

pub(super) fn finpro_sends_what_was_set(runner: &mut TestRunner) -> Result<()> {
    let id = text(99).prop_map(|text| text + "x");
    let aa_ids = vec(shaped("[A-Za-z0-9]{2,50}"), 0..4);
    runner.run(&(mobile(), id, aa_ids), |(mobile, id, aa_ids)| {
        let mut expected = json!({"mobileNumber": mobile, "userConsentId": id});
        if !aa_ids.is_empty() {
            expected["aaId"] = aa_ids.clone().into();
        }
        let mobile = Mobile::parse(&mobile).unwrap();
        let request = CheckProfile::new(mobile, UserConsentId::parse(&id).unwrap())
            .set_aa_ids(aa_ids.iter().map(|id| AaId::parse(id).unwrap()));
        sends(&made_up::finpro(), &request, &expected)
    })?;
    Ok(())
}

pub(super) fn veriff_sends_what_was_set(runner: &mut TestRunner) -> Result<()> {
    let kind = prop_oneof![
        select(consent_hmac::ConsentType::KNOWN).prop_map(str::to_owned),
        text(8),
    ];
    let cases = (path_id(), kind, any::<bool>(), text(40));
    runner.run(&cases, |(session, kind, approved, text)| {
        let session = SessionId::parse(&session).unwrap();
        let consent_type = consent_hmac::ConsentType::from(&*kind);
        let request = RecordConsent::new(session, consent_type, approved, &*text);
        if kind.is_empty() {
            return names(&made_up::veriff(), &request, "type");
        }
        if text.trim().is_empty() {
            return names(&made_up::veriff(), &request, "text");
        }
        let expected = json!({"type": kind, "approved": approved, "text": text});
        sends(&made_up::veriff(), &request, &expected)
    })?;
    Ok(())
}

pub(super) fn deepvue_sends_what_was_set(runner: &mut TestRunner) -> Result<()> {
    let kind = prop_oneof![
        select(DocType::KNOWN).prop_map(str::to_owned),
        shaped("[a-z_]{0,8}"),
    ];
    let cases = (text(20), option::of(text(20)), vec(kind, 0..4));
    runner.run(&cases, |(purpose, back, kinds)| {
        let consent = Consent::given_by_person();
        let request = match &back {
            Some(url) => InitiateSession::new(consent, &*purpose, &**url),
            None => InitiateSession::without_redirect(consent, &*purpose),
        };
        let request = request.set_doc_types(kinds.iter().map(|kind| DocType::from(&**kind)));
        let provider = made_up::deepvue();
        if purpose.trim().is_empty() {
            return names(&provider, &request, "purpose");
        }
        if back.as_ref().is_some_and(String::is_empty) {
            return names(&provider, &request, "redirect_url");
        }
        if let Some(empty) = kinds.iter().position(String::is_empty) {
            return names(&provider, &request, &format!("doc_types[{empty}]"));
        }
        let mut expected = json!({"consent": "Y", "purpose": purpose});
        if let Some(url) = back {
            expected["redirect_url"] = url.into();
        }
        if !kinds.is_empty() {
            expected["doc_types"] = kinds.into();
        }
        sends(&provider, &request, &expected)
    })?;
    Ok(())
}
