//! `operations!`: the client's methods, and its catalogue with calls from JSON to JSON.

use std::collections::BTreeMap;
use std::sync::Arc;

use provider_core::testing::{ScriptedTransport, Step};
use provider_core::{
    BuiltRequest, CallOptions, Endpoint, ErrorKind, Idempotency, InvalidRequest, Mark, Mobile,
    Operation, Outcome, PathId, RequestBuilder, ResponseError, Verified,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::toy::{Toy, signed};

/// Asks about an order.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Ask {
    /// Which order
    order_id: PathId,
    mobile: Mobile,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    parts: Vec<u16>,
}

/// What is said about it, by place.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Said {
    #[serde(default)]
    by_place: BTreeMap<String, u16>,
}

impl Endpoint for Ask {
    type Provider = Toy;
    type Output = Said;
    const OPERATION: Operation =
        Operation::new("ask", "POST /v1/orders/{id}/ask", Idempotency::Unsafe)
            .settled_by("list the orders")
            .documented(Mark::Docs);

    fn request<'a>(
        &'a self,
        request: RequestBuilder<'a, Toy>,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        if self.parts.len() > 2 {
            return Err(InvalidRequest::new("parts", "must be at most 2"));
        }
        request.segment("id", &self.order_id).json(&self.parts)
    }

    fn response(&self, response: &Verified) -> Result<Said, ResponseError> {
        Ok(response.json()?)
    }
}

/// The same, whose reply is no JSON: its keys are not texts.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub(crate) struct AskOddly(Ask);

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub(crate) struct Odd(BTreeMap<Vec<u8>, u16>);

impl Endpoint for AskOddly {
    type Provider = Toy;
    type Output = Odd;
    const OPERATION: Operation =
        Operation::new("ask-oddly", "POST /v1/orders/{id}/ask", Idempotency::Unsafe)
            .settled_by("list the orders");

    fn request<'a>(
        &'a self,
        request: RequestBuilder<'a, Toy>,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        self.0.request(request)
    }

    fn response(&self, _: &Verified) -> Result<Odd, ResponseError> {
        Ok(Odd(BTreeMap::from([(vec![1], 1)])))
    }
}

provider_core::operations! {
    /// Calls the toy company.
    #[catalogue]
    pub(crate) struct ToyClient(Toy) {
        /// Asks about
        /// an order.
        ///
        /// As often as you like.
        ask(Ask);

        /// Asks oddly.
        ask_oddly(AskOddly);
    }
}

fn client(steps: impl IntoIterator<Item = Step>) -> (ToyClient, ScriptedTransport) {
    let transport = ScriptedTransport::new(steps);
    let client = ToyClient::builder(Toy::default()).transport(Arc::new(transport.clone()));
    (client.build().unwrap(), transport)
}

fn input() -> Value {
    json!({"order_id": "ord-1", "mobile": "9000000001", "parts": [1, 2]})
}

#[test]
fn an_entry_is_what_its_row_and_its_operation_say() {
    let [ask, oddly] = ToyClient::CATALOGUE else {
        panic!("a row each");
    };
    assert_eq!((ask.method(), oddly.method()), ("ask", "ask_oddly"));
    assert_eq!(ask.summary(), "Asks about an order.");
    assert!(ask.documentation().contains("As often as you like."));
    let operation = ask.operation();
    assert_eq!((operation.name, operation.mark), ("ask", Mark::Docs));
    assert_eq!(operation.route.as_str(), "POST /v1/orders/{id}/ask");
    assert!(format!("{ask:?}").contains("provider: \"toy\", method: \"ask\""));
}

#[tokio::test(start_paused = true)]
async fn a_call_from_json_is_the_typed_call() {
    let (client, transport) = client([signed(r#"{"by_place":{"z":1,"a":2},"new":7}"#)]);
    let entry = &ToyClient::CATALOGUE[0];
    assert_eq!(entry.read(input()).unwrap(), input());
    entry.check(client.client(), input()).unwrap();
    assert!(transport.sent().is_empty(), "a check sends nothing");
    let response = entry
        .call(client.client(), input(), CallOptions::new())
        .await
        .unwrap();
    assert_eq!(response.value(), &json!({"by_place": {"a": 2, "z": 1}}));
    assert_eq!(response.body(), r#"{"by_place":{"z":1,"a":2},"new":7}"#);
    let sent = transport.only();
    assert_eq!(
        (sent.uri.path(), &*sent.body),
        ("/uat/v1/orders/ord-1/ask", &b"[1,2]"[..])
    );
}

#[tokio::test(start_paused = true)]
async fn an_input_that_breaks_a_rule_is_named_and_not_sent() {
    let (client, transport) = client([]);
    let entry = &ToyClient::CATALOGUE[0];
    for (member, value, field) in [
        ("mobile", json!("CANARY"), "mobile"),
        ("parts", json!([1, "CANARY"]), "parts[1]"),
        ("parts", json!([1, 2, 3]), "parts"),
        ("order_id", json!("../CANARY"), "order_id"),
        ("part", json!("CANARY"), "part"),
    ] {
        let mut input = input();
        input[member] = value;
        let errors = [
            entry.check(client.client(), input.clone()).unwrap_err(),
            entry
                .call(client.client(), input, CallOptions::new())
                .await
                .unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{field}");
            assert_eq!((error.provider(), error.operation()), ("toy", "ask"));
            assert_eq!(error.invalid_request().unwrap().field(), field);
            assert!(!format!("{error} {error:?} {}", error.report()).contains("CANARY"));
        }
    }
    assert!(transport.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_cannot_be_written_is_an_error_that_keeps_the_bytes() {
    let (client, _) = client([signed("[]")]);
    let call = ToyClient::CATALOGUE[1].call(client.client(), input(), CallOptions::new());
    let error = call.await.unwrap_err();
    assert_eq!(
        (error.kind(), error.outcome()),
        (ErrorKind::Decode, Outcome::Done)
    );
    assert_eq!(error.raw_response().unwrap().body(), "[]");
    assert!(error.request_id().is_some());
    assert_eq!(
        (error.idempotency(), error.settling()),
        (Some(Idempotency::Unsafe), Some("list the orders"))
    );
}

#[cfg(feature = "schema")]
#[test]
fn a_request_describes_itself() {
    let mut generator = provider_core::schemars::SchemaGenerator::default();
    let entry = &ToyClient::CATALOGUE[0];
    assert!(entry.request_schema(&mut generator).is_some());
    assert!(entry.reply_schema(&mut generator).is_some());
    let definitions = serde_json::to_value(generator.definitions()).unwrap();
    let members = &definitions["Ask"]["properties"];
    assert_eq!(members["order_id"]["pattern"], "^[A-Za-z0-9_-]{1,128}$");
    assert_eq!(members["mobile"]["pattern"], "^[0-9]{10}$");
}
