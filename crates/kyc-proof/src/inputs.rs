//! Requests of every operation that a sandbox can answer: a person it knows, a session, and ids that it gave out for this.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Result;
use kyc_proof::catalogue::{Caller, Setup, Subject, operations};
use kyc_sandbox::BaseUrls;
use kyc_sandbox::settings::MEDIA_FACE;
use provider_core::{CallOptions, Idempotency, InvalidRequest, RequestId};
use serde_json::Value;

use crate::planted::{is_uuid, texts};

/// The request id of the calls that come before another.
pub(crate) const PREPARING: &str = "preparing";

/// By provider, the operations that give out what the others are about, in their order, and their requests.
const STEPS: [(&str, &str, &str); 11] = [
    (
        "finpass",
        "initialize",
        r#"{"mobile_number": "9000000001", "consent_type": "loan_underwriting"}"#,
    ),
    ("finpass", "refresh-data", r#"{"client_id": ""}"#),
    (
        "finpass",
        "initialize-journey",
        r#"{"mobile_number": "9000000001", "consent_type": "loan_underwriting"}"#,
    ),
    (
        "finpro",
        "request-consent-v2",
        r#"{"productID": "LOAN-1", "vua": "9000000001@onemoney", "partyIdentifierType": "MOBILE",
            "partyIdentifierValue": "9000000001", "accountID": "application-4711"}"#,
    ),
    ("finpro", "list-consents-v3", r#"{"consentHandle": [""]}"#),
    ("finpro", "request-fi", r#"{"consentId": ""}"#),
    (
        "finpro",
        "schedule-fi-requests",
        r#"{"consents_list": [{"consent_id": ""}], "reference_id": ""}"#,
    ),
    (
        "finpro",
        "push-pdf-analytics",
        r#"{"customer_name": "Invented Person", "mobile_number": "9000000001", "loan_account_number": "LOAN-4711",
            "fileData": [{"content": "JVBERi0xLjQKJSVFT0YK"}]}"#,
    ),
    (
        "deepvue",
        "initiate-session",
        r#"{"consent": "Y", "purpose": "KYC"}"#,
    ),
    (
        "deepvue",
        "complete-authorization",
        r#"{"consent": "Y", "purpose": "KYC", "initial_deepvue_transaction_id": "", "digilocker_code": "any"}"#,
    ),
    (
        "veriff",
        "generate-mfa",
        r#"{"session_id": "00000000-0000-4000-8000-000000000000", "identifier": "000011112222"}"#,
    ),
];

/// What is given out, by its name without capitals and `_`.
const GIVEN_OUT: [&str; 9] = [
    "clientid",
    "consenthandle",
    "consentid",
    "linkrefnumber",
    "refid",
    "reftoken",
    "requestid",
    "sessionid",
    "transactionid",
];

/// The steps, each with its client and its request.
#[derive(Debug)]
pub(crate) struct Inputs(Vec<(Subject, Arc<dyn Caller>, Value)>);

impl Inputs {
    /// Takes the steps at these addresses with these settings.
    pub(crate) fn new(base_urls: &BaseUrls, setup: &Setup) -> Result<Self> {
        let mut all = operations();
        let steps = STEPS.iter().map(|(provider, name, request)| {
            let is = |of: &Subject| of.provider == *provider && of.operation.name == *name;
            let subject = all.swap_remove(all.iter().position(is).unwrap());
            let client = subject.connect_to(base_urls, setup)?;
            Ok((subject, client, serde_json::from_str(request)?))
        });
        Ok(Self(steps.collect::<Result<_>>()?))
    }

    /// The operation's `request` about this mobile number and this session. What it names beyond that is made for it: no
    /// call depends on what another did.
    pub(crate) async fn of(
        &self,
        subject: &Subject,
        request: &Value,
        mobile: &str,
        session: &str,
    ) -> Result<Value> {
        let mut given = HashMap::new();
        let mut names = texts(request).into_iter().map(|(at, _)| member(&at));
        if names.any(|name| GIVEN_OUT.contains(&name.as_str())) {
            // Finpass's two families name other things alike.
            let family =
                |of: &Subject| (of.provider, of.operation.route.path().contains("journey"));
            let same = |step: &&(Subject, _, _)| family(&step.0) == family(subject);
            let before = |step: &&(Subject, _, _)| step.0.name() != subject.name();
            for (_, client, request) in self.0.iter().filter(same).take_while(before) {
                let input = filled(request, &given, "9000000001", session);
                let options = CallOptions::new().with_request_id(RequestId::parse(PREPARING)?);
                let reply = client.call(input, options).await?.into_value();
                let ids = texts(&reply).into_iter().map(|(at, id)| (member(&at), id));
                for (name, id) in ids.filter(|(name, _)| GIVEN_OUT.contains(&name.as_str())) {
                    given.entry(name).or_insert(id);
                }
            }
        }
        if subject.operation.idempotency == Idempotency::Unsafe {
            // What is made gets a reference of its own.
            given.remove("refid");
        }
        Ok(filled(request, &given, mobile, session))
    }
}

/// The request with what was given out, this mobile number and this session.
fn filled(request: &Value, given: &HashMap<String, String>, mobile: &str, session: &str) -> Value {
    let mut input = request.clone();
    for (at, text) in texts(request) {
        let is_mobile = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit());
        let value = match given.get(&member(&at)) {
            Some(id) => id.clone(),
            None if is_mobile => mobile.to_owned(),
            None if member(&at) == "mediaid" => MEDIA_FACE.to_owned(),
            // Of a return that the sandbox did not make, it takes the code alone.
            None if member(&at) == "ecres" => "0".to_owned(),
            None if is_uuid(&text) => session.to_owned(),
            // A caller's own, and never used again.
            None if member(&at) == "refid" => format!("batch-{}", fastrand::u64(..)),
            None => continue,
        };
        *input.pointer_mut(&at).unwrap() = value.into();
    }
    // The same id twice is no second one.
    for member in input.as_object_mut().into_iter().flatten() {
        if let Value::Array(items) = member.1 {
            items.dedup();
        }
    }
    input
}

/// The name of a member, which pages write in several ways; that of a list for its items.
fn member(at: &str) -> String {
    let is_index = |segment: &&str| segment.bytes().all(|byte| byte.is_ascii_digit());
    let name = at.rsplit('/').find(|segment| !is_index(segment));
    let name = name.unwrap_or_default().to_ascii_lowercase();
    let name = name.replace('_', "").replace("reference", "ref");
    name.replace("initialdeepvue", "")
}

/// The id of the call with this number.
pub(crate) fn request_id(number: u64) -> Result<RequestId, InvalidRequest> {
    RequestId::parse(&format!("call-{number}"))
}

#[cfg(test)]
mod tests {
    use kyc_sandbox::{Sandbox, SandboxTransport};

    use super::*;

    #[tokio::test]
    async fn the_sandbox_answers_every_operation_however_often_and_in_whichever_order() {
        let sandbox = Sandbox::default();
        let base_urls = SandboxTransport::base_urls();
        let setup = Setup::standard(Arc::new(sandbox.transport()));
        let inputs = Inputs::new(&base_urls, &setup).unwrap();
        let twice = operations()
            .into_iter()
            .chain(operations().into_iter().rev());
        for (number, subject) in twice.enumerate() {
            let session = format!("00000000-0000-4000-8000-{number:012}");
            let request = subject.exchange().input;
            let input = inputs.of(&subject, &request, "9000000001", &session).await;
            let client = subject.connect_to(&base_urls, &setup).unwrap();
            let answer = client.call(input.unwrap(), CallOptions::new()).await;
            assert!(answer.is_ok(), "{}: {answer:?}", subject.name());
        }
    }
}
