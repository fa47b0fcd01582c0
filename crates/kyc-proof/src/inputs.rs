//! Requests of every operation that a sandbox can answer: those that are recorded, about another person and another session, with the
//! ids that the sandbox gives out this time.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use kyc_proof::catalogue::{Caller, Setup, Subject, all_operations};
use kyc_sandbox::BaseUrls;
use provider_core::testing::fixture::{Expected, SourceKind};
use provider_core::testing::{Fixture, GivenOut};
use provider_core::{CallOptions, InvalidRequest, RequestId};
use serde_json::Value;

use crate::planted::{is_uuid, texts};

/// The request id of the calls that come before another.
pub(crate) const PREPARING: &str = "preparing";

/// A recorded call: its client, its request, and what the sandbox replied when it was recorded.
type Recorded = (Arc<dyn Caller>, Value, Value);

/// How each operation is called, with the calls before it.
#[derive(Debug)]
pub(crate) struct Inputs(HashMap<String, (Vec<Recorded>, Value)>);

impl Inputs {
    /// At these addresses with these settings.
    pub(crate) fn new(base_urls: &BaseUrls, setup: &Setup) -> Result<Self> {
        let all = all_operations();
        let inputs = all.iter().map(|subject| {
            let recorded = recorded(subject).with_context(|| subject.name())?;
            let before = recorded.after.iter().map(|before| {
                let (operation, case) = before.split_once('/').context("a case")?;
                let is = |of: &&Subject| of.name() == format!("{} {operation}", subject.provider);
                let subject = all.iter().find(is).context("an operation")?;
                let mut fixtures = subject.fixtures().into_iter();
                let fixture = fixtures.find(|fixture| fixture.case == case);
                let (input, reply) = fixture.as_ref().and_then(exchange).context("a success")?;
                anyhow::Ok((subject.connect_to(base_urls, setup)?, input, reply))
            });
            let (input, _) = exchange(&recorded).context("a success")?;
            Ok((subject.name(), (before.collect::<Result<_>>()?, input)))
        });
        Ok(Self(inputs.collect::<Result<_>>()?))
    }

    /// A request of the operation about this mobile number and this session. What it names beyond that is made for it: no call depends
    /// on what another did.
    pub(crate) async fn of(&self, subject: &Subject, mobile: &str, session: &str) -> Result<Value> {
        let (before, input) = &self.0[&subject.name()];
        let (mut given, own) = (GivenOut::default(), format!("batch-{}", fastrand::u64(..)));
        for (client, input, reply) in before {
            let input = filled(&given.fill(input), "9000000001", session, &own);
            let options = CallOptions::new().with_request_id(RequestId::parse(PREPARING)?);
            let now = client.call(input, options).await?.into_value();
            given.note(reply, &now);
        }
        Ok(filled(&given.fill(input), mobile, session, &own))
    }
}

/// Of an operation's recorded successes the one that most calls come before.
fn recorded(subject: &Subject) -> Option<Fixture> {
    let fixtures = subject.fixtures().into_iter();
    let successes = fixtures.filter(|fixture| {
        fixture.source.kind == SourceKind::Recorded && exchange(fixture).is_some()
    });
    successes.max_by_key(|fixture| fixture.after.len())
}

/// The request and the value of a success.
fn exchange(fixture: &Fixture) -> Option<(Value, Value)> {
    match &fixture.expected {
        Expected::Value(value) => Some((fixture.input()?.clone(), value.clone())),
        Expected::Error(_) => None,
    }
}

/// The request about this mobile number and this session, with this reference of the caller's own.
fn filled(request: &Value, mobile: &str, session: &str, own: &str) -> Value {
    let mut input = request.clone();
    for (at, text) in texts(request) {
        let member = at.rsplit('/').next().unwrap_or_default();
        let is_mobile = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit());
        let value = match member {
            _ if is_mobile => mobile,
            "session_id" if is_uuid(&text) => session,
            "reference_id" => own,
            _ => continue,
        };
        *input.pointer_mut(&at).unwrap() = value.into();
    }
    input
}

/// The id of the call with this number.
pub(crate) fn request_id(number: u64) -> Result<RequestId, InvalidRequest> {
    RequestId::parse(&format!("call-{number}"))
}
