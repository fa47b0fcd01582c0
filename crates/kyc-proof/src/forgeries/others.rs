//! The operations whose replies are not signed: TLS vouches for them, and what a reply repeats of the request is compared.

use kyc_proof::catalogue::{Subject, operations};
use kyc_proof::companies::SANDBOX;
use provider_core::VerificationError::OtherRequest;
use provider_core::testing::ScriptedTransport;
use provider_core::{CallOptions, RawResponse, RetryPolicy};
use serde_json::json;

use super::Verdict::{Accepted, Refused};
use super::veriff::{VRF, X, reply};
use super::{Called, Table};
use crate::failure::Result;

pub(super) async fn run(table: &mut Table) -> Result<()> {
    for subject in operations() {
        if !subject
            .signature(&SANDBOX, SANDBOX.veriff[1], b"")
            .is_empty()
        {
            continue;
        }
        // A signature means nothing where none is documented: it neither helps nor harms.
        let body = subject.exchange().reply.to_string();
        for headers in [
            vec![],
            vec![(X, b"00".to_vec())],
            vec![(X, vec![]), (X, vec![]), (VRF, vec![])],
        ] {
            let what = format!("{}: a signature that nobody documents", subject.name());
            let called = call(&subject, reply(&headers, body.as_bytes())).await?;
            table.add("F67-F74", &what, Accepted, called.verdict()?);
        }
    }
    let is_initialize = |subject: &Subject| subject.name() == "finpass initialize";
    let initialize = operations().into_iter().find(is_initialize);
    for (what, echo, expected) in [
        ("about another person", "9000000002", Refused(OtherRequest)),
        (
            "about the person who was asked about",
            "9000000001",
            Accepted,
        ),
        (
            "another number with a country's code: a limit",
            "+919000000002",
            Accepted,
        ),
        ("another number, masked: a limit", "XXXXXX0002", Accepted),
    ] {
        let subject = initialize
            .as_ref()
            .expect("an operation that repeats a mobile number");
        let mut body = subject.exchange().reply;
        body["data"]["mobile_number"] = json!(echo);
        let called = call(subject, reply(&vec![], body.to_string().as_bytes())).await?;
        table.add(
            "F80",
            &format!("finpass: {what}"),
            expected,
            called.verdict()?,
        );
    }
    Ok(())
}

async fn call(subject: &Subject, reply: RawResponse) -> Result<Called> {
    let (client, transport): (_, ScriptedTransport) =
        subject.scripted(&SANDBOX, std::iter::repeat_n(reply, 4));
    let options = CallOptions::new().with_retry(RetryPolicy::standard());
    let result = client.call(subject.exchange().input, options).await;
    Ok(Called {
        result: result.map(drop),
        requests: transport.sent().len(),
    })
}
