//! What holds of every request, for properties and for the fuzzer.

use provider_core::http::Method;
use provider_core::{CallOptions, ErrorKind, Outcome};
use serde_json::Value;

use crate::catalogue::{Subject, refusal_response};
use crate::companies::SANDBOX;
use crate::scripted::ready;

/// The members of an object that are not empty: an empty text or list may count as absent.
fn filled(value: &Value) -> Vec<(&String, &Value)> {
    let is_empty = |value: &Value| {
        value.is_null() || value == "" || value.as_array().is_some_and(Vec::is_empty)
    };
    let members = value.as_object().into_iter().flatten();
    members.filter(|(_, value)| !is_empty(value)).collect()
}

/// Whether a request that passes the check is sent with all of its members and no others, and one that does not pass is not
/// sent, and the call says the same.
///
/// # Errors
///
/// What does not hold.
pub fn request_is_sent_as_taken(subject: &Subject, input: &Value) -> Result<(), String> {
    let holds = |holds: bool, text: &str| match holds {
        true => Ok(()),
        false => Err(format!("{}: {text}", subject.name())),
    };
    let (client, transport) = subject.scripted(&SANDBOX, [refusal_response()]);
    let checked = client.check(input.clone());
    let Err(error) = ready(client.call(input.clone(), CallOptions::new())) else {
        return Err("a refusal is a success".to_owned());
    };
    if let Err(refused) = checked {
        holds(
            refused.kind() == ErrorKind::InvalidRequest,
            "refused for another reason",
        )?;
        holds(
            error.invalid_request() == refused.invalid_request(),
            "the call says otherwise",
        )?;
        holds(
            error.outcome() == Outcome::NotSent,
            "an outcome other than not sent",
        )?;
        return holds(transport.sent().is_empty(), "sent although it is invalid");
    }
    holds(
        error.kind() == ErrorKind::Api,
        "not sent although it is valid",
    )?;
    let written = client
        .read(input.clone())
        .map_err(|error| error.to_string())?;
    holds(
        filled(&written) == filled(input),
        "a member is lost or changed",
    )?;

    let (sent, route) = (transport.only(), subject.operation.route);
    holds(
        sent.method == Method::from(route.method()),
        "another method",
    )?;
    holds(
        sent.body.is_empty() != route.method().has_body(),
        "a body where none belongs, or none",
    )?;
    let body: Value = serde_json::from_slice(&sent.body).unwrap_or_default();
    let query = sent.uri.query().unwrap_or_default().as_bytes();
    let query: Vec<_> = url::form_urlencoded::parse(query).collect();
    for (name, value) in filled(&written) {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        let sent = body.get(name) == Some(value)
            || sent.uri.path().split('/').any(|segment| segment == text)
            || query
                .iter()
                .any(|(other, value)| other == name && *value == text);
        holds(sent, &format!("{name} is not sent"))?;
    }
    let members = body.as_object().into_iter().flatten();
    let mut unasked = members.filter(|(name, value)| written.get(*name) != Some(*value));
    holds(
        unasked.next().is_none(),
        "a member that is not of the request",
    )
}
