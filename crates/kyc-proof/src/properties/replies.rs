//! What a reply says, and what is made of it.

use std::fmt::Debug;

use consent_hmac::{SharedSecret, Signer};
use kyc_proof::made_up;
use kyc_proof::scripted::{answer, reply};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{TestCaseResult, TestRunner};
use provider_core::http::{HeaderMap, HeaderValue, StatusCode};
use provider_core::{DecodeErrorCategory, Endpoint, Error, ErrorKind, Outcome, RawResponse};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::values::{json, text};
use crate::failure::Result;

/// Text that is not empty.
fn some_text() -> impl Strategy<Value = String> {
    text(12).prop_map(|text| text + "x")
}

/// A field that may be absent, null, or what the strategy gives.
fn maybe<T: Into<Value> + Debug>(
    strategy: impl Strategy<Value = T>,
) -> impl Strategy<Value = Option<Value>> {
    let value = strategy.prop_map(Into::into);
    option::of(prop_oneof![1 => Just(Value::Null), 4 => value])
}

/// An object of these fields, those that are `None` left out.
fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let present = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(present.collect())
}

/// Fields that nobody has documented. None of them is one of the names by which a provider says no.
fn others() -> impl Strategy<Value = Map<String, Value>> {
    btree_map(text(6).prop_map(|name| format!("x{name}")), json(), 0..3)
        .prop_map(|fields| fields.into_iter().collect())
}

/// The reply of Finpass's *Initialize*.
fn finpass_reply() -> impl Strategy<Value = Value> {
    // An echo of ten digits names a person, and must be the one that was sent.
    let mobile = prop_oneof![Just("9000000001".to_owned()), text(6)];
    let data = (
        some_text(),
        maybe(mobile),
        maybe(text(12)),
        maybe(text(12)),
        text(20),
    );
    let data = data.prop_map(|(id, mobile, pan, email, url)| {
        object([
            ("client_id", Some(id.into())),
            ("mobile_number", mobile),
            ("pan_number", pan),
            ("email_id", email),
            ("redirect_url", Some(url.into())),
        ])
    });
    let envelope = (data, maybe(0..400_u16), maybe(text(12)), maybe(text(12)));
    envelope.prop_map(|(data, status_code, message, code)| {
        object([
            ("data", Some(data)),
            ("status_code", status_code),
            ("success", Some(true.into())),
            ("message", message),
            ("message_code", code),
        ])
    })
}

/// The reply of FinPro's *Check Profile*.
fn finpro_reply() -> impl Strategy<Value = Value> {
    let status = prop_oneof![
        select(vec!["success", "timeout", "failed"]).prop_map(str::to_owned),
        text(8),
    ];
    let flag = || maybe(any::<bool>());
    let row = (text(12), flag(), flag(), status, maybe(text(12)));
    let row = row.prop_map(|(id, registered, linked, status, message)| {
        object([
            ("aaId", Some(id.into())),
            ("registrationStatus", registered),
            ("hasLinkedAccounts", linked),
            ("status", Some(status.into())),
            ("errorMessage", message),
        ])
    });
    let envelope = (
        maybe(text(8)),
        maybe(text(8)),
        maybe(text(8)),
        vec(row, 0..4),
    );
    envelope.prop_map(|(ver, timestamp, txnid, data)| {
        object([
            ("ver", ver),
            ("timestamp", timestamp),
            ("txnid", txnid),
            ("data", Some(data.into())),
        ])
    })
}

/// The reply of Veriff's consents.
fn veriff_reply() -> impl Strategy<Value = Value> {
    let context = prop_oneof![Just("consent".to_owned()), text(8)];
    // A UUID in capitals is the same session.
    let session = select(vec![
        made_up::VERIFF_SESSION.to_owned(),
        made_up::VERIFF_SESSION.to_ascii_uppercase(),
    ]);
    (some_text(), maybe(context), session).prop_map(|(id, context, session)| {
        object([
            ("id", Some(id.into())),
            ("context", context),
            ("sessionId", Some(session.into())),
        ])
    })
}

/// The reply of Deepvue's *Initiate Session*.
fn deepvue_reply() -> impl Strategy<Value = Value> {
    let sub_code = prop_oneof![Just("SUCCESS".to_owned()), text(8)];
    let told = (maybe(0..400_u16), maybe(any::<i64>()), some_text());
    let fields = (told, maybe(sub_code), maybe(text(12)), text(20));
    fields.prop_map(|((code, timestamp, id), sub_code, message, url)| {
        object([
            ("code", code),
            ("timestamp", timestamp),
            ("transaction_id", Some(id.into())),
            ("sub_code", sub_code),
            ("message", message),
            ("data", Some(json!({"authorization_url": url}))),
        ])
    })
}

fn unsigned(body: &Value) -> RawResponse {
    reply(StatusCode::OK, body.to_string())
}

fn signed(body: &Value) -> RawResponse {
    let body = body.to_string();
    let secret = SharedSecret::new(made_up::VERIFF_SECRET).unwrap();
    let signature = Signer::new(&secret).sign(body.as_bytes()).to_string();
    let mut headers = HeaderMap::new();
    headers.insert(
        "vrf-hmac-signature",
        HeaderValue::try_from(signature).unwrap(),
    );
    RawResponse::new(StatusCode::OK, headers, body.into())
}

/// The same without the fields that are null, which say as much as those that are not there.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_nulls(value)))
            .collect(),
        Value::Array(values) => values.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

/// Adds fields to an object and to every object in it.
fn add(body: &mut Value, others: &Map<String, Value>) {
    match body {
        Value::Object(fields) => {
            fields.values_mut().for_each(|value| add(value, others));
            fields.extend(others.clone());
        }
        Value::Array(values) => values.iter_mut().for_each(|value| add(value, others)),
        _ => {}
    }
}

fn keeps<E: Endpoint>(
    provider: E::Provider,
    endpoint: E,
    reply: impl Fn(&Value) -> RawResponse,
    known: Value,
    others: &Map<String, Value>,
) -> TestCaseResult
where
    E::Output: Serialize,
{
    let mut body = known.clone();
    add(&mut body, others);
    let value = match answer(provider, endpoint, reply(&body)) {
        Ok(response) => serde_json::to_value(response.value()).unwrap(),
        Err(error) => return Err(TestCaseError::fail(error.report())),
    };
    prop_assert_eq!(without_nulls(value), without_nulls(known));
    Ok(())
}

pub(super) fn finpass_loses_nothing(runner: &mut TestRunner) -> Result<()> {
    runner.run(&(finpass_reply(), others()), |(known, others)| {
        keeps(
            made_up::finpass(),
            made_up::initialize(),
            unsigned,
            known,
            &others,
        )
    })?;
    Ok(())
}

pub(super) fn finpro_loses_nothing(runner: &mut TestRunner) -> Result<()> {
    runner.run(&(finpro_reply(), others()), |(known, others)| {
        keeps(
            made_up::finpro(),
            made_up::check_profile(),
            unsigned,
            known,
            &others,
        )
    })?;
    Ok(())
}

pub(super) fn veriff_loses_nothing(runner: &mut TestRunner) -> Result<()> {
    runner.run(&(veriff_reply(), others()), |(known, others)| {
        keeps(
            made_up::veriff(),
            made_up::record_consent(),
            signed,
            known,
            &others,
        )
    })?;
    Ok(())
}

pub(super) fn deepvue_loses_nothing(runner: &mut TestRunner) -> Result<()> {
    runner.run(&(deepvue_reply(), others()), |(known, others)| {
        keeps(
            made_up::deepvue(),
            made_up::initiate_session(),
            unsigned,
            known,
            &others,
        )
    })?;
    Ok(())
}

/// What a field must be.
#[derive(Debug, Clone, Copy)]
enum Type {
    Text,
    Bool,
    /// From 0 to 65535.
    Status,
    /// 64 bits with a sign.
    Milliseconds,
    List,
    Object,
}

/// Every field that is read, by operation: its JSON pointer, its path in an error, its type. Lists hold one row.
const FIELDS: [&[(&str, &str, Type)]; 4] = [
    &[
        ("/data", "$.data", Type::Object),
        ("/data/client_id", "$.data.client_id", Type::Text),
        ("/data/mobile_number", "$.data.mobile_number", Type::Text),
        ("/data/pan_number", "$.data.pan_number", Type::Text),
        ("/data/email_id", "$.data.email_id", Type::Text),
        ("/data/redirect_url", "$.data.redirect_url", Type::Text),
        ("/status_code", "$.status_code", Type::Status),
        ("/success", "$.success", Type::Bool),
        ("/message", "$.message", Type::Text),
        ("/message_code", "$.message_code", Type::Text),
    ],
    &[
        ("/ver", "$.ver", Type::Text),
        ("/timestamp", "$.timestamp", Type::Text),
        ("/txnid", "$.txnid", Type::Text),
        ("/data", "$.data", Type::List),
        ("/data/0", "$.data[0]", Type::Object),
        ("/data/0/aaId", "$.data[0].aaId", Type::Text),
        (
            "/data/0/registrationStatus",
            "$.data[0].registrationStatus",
            Type::Bool,
        ),
        (
            "/data/0/hasLinkedAccounts",
            "$.data[0].hasLinkedAccounts",
            Type::Bool,
        ),
        ("/data/0/status", "$.data[0].status", Type::Text),
        ("/data/0/errorMessage", "$.data[0].errorMessage", Type::Text),
    ],
    &[
        ("/id", "$.id", Type::Text),
        ("/context", "$.context", Type::Text),
        ("/sessionId", "$.sessionId", Type::Text),
    ],
    &[
        ("/code", "$.code", Type::Status),
        ("/timestamp", "$.timestamp", Type::Milliseconds),
        ("/transaction_id", "$.transaction_id", Type::Text),
        ("/sub_code", "$.sub_code", Type::Text),
        ("/message", "$.message", Type::Text),
        ("/data", "$.data", Type::Object),
        (
            "/data/authorization_url",
            "$.data.authorization_url",
            Type::Text,
        ),
    ],
];

/// A value that must not be printed, in each type that JSON has.
fn foreign() -> [Value; 6] {
    [
        "CANARY-9081726354".into(),
        9_081_726_354_u64.into(),
        (-9_081_726_354_i64).into(),
        0.908_172_635_4.into(),
        json!(["CANARY-9081726354"]),
        json!({"CANARY-9081726354": true}),
    ]
}

impl Type {
    /// Whether this must be refused in a field of this type.
    fn excludes(self, value: &Value) -> bool {
        match self {
            Self::Text => !value.is_string(),
            Self::Bool => !value.is_boolean(),
            Self::Status => true,
            Self::Milliseconds => !value.is_i64(),
            Self::List => !value.is_array(),
            // An array is read as a struct whose fields stand in order.
            Self::Object => !value.is_object() && !value.is_array(),
        }
    }
}

pub(super) fn another_type_is_named_by_its_path(runner: &mut TestRunner) -> Result<()> {
    let full = [
        json!({
            "data": {
                "client_id": "aa_1", "mobile_number": null, "pan_number": null, "email_id": null,
                "redirect_url": "https://consent.example.test/",
            },
            "status_code": 200, "success": true, "message": null, "message_code": null,
        }),
        json!({
            "ver": null, "timestamp": null, "txnid": null,
            "data": [{
                "aaId": "onemoney", "registrationStatus": null, "hasLinkedAccounts": null,
                "status": "success", "errorMessage": null,
            }],
        }),
        json!({"id": "1", "context": null, "sessionId": made_up::VERIFF_SESSION}),
        json!({
            "code": 201, "timestamp": null, "transaction_id": "1", "sub_code": null, "message": null,
            "data": {"authorization_url": "https://grant.example.test/"},
        }),
    ];
    let cases = (0..4_usize, any::<Index>(), any::<Index>(), others());
    runner.run(&cases, |(operation, field, value, others)| {
        let fields = FIELDS[operation];
        let (pointer, path, kind) = fields[field.index(fields.len())];
        let mut body = full[operation].clone();
        add(&mut body, &others);
        let values = foreign();
        let wrong = &values[value.index(values.len())];
        if !kind.excludes(wrong) {
            return Ok(());
        }
        // A `code` of 400 or more says no, whatever its size.
        if path == "$.code" && wrong.as_u64().is_some() {
            return Ok(());
        }
        *body.pointer_mut(pointer).unwrap() = wrong.clone();
        let error = match operation {
            0 => refused(made_up::finpass(), made_up::initialize(), unsigned(&body)),
            1 => refused(made_up::finpro(), made_up::check_profile(), unsigned(&body)),
            2 => refused(made_up::veriff(), made_up::record_consent(), signed(&body)),
            _ => refused(
                made_up::deepvue(),
                made_up::initiate_session(),
                unsigned(&body),
            ),
        };
        let Some(error) = error else {
            return Err(TestCaseError::fail(format!("{path} may be {wrong}")));
        };
        prop_assert_eq!(
            (error.kind(), error.outcome()),
            (ErrorKind::Decode, Outcome::Done)
        );
        let decode = error.decode().unwrap();
        prop_assert_eq!(decode.category(), DecodeErrorCategory::Shape);
        prop_assert_eq!(decode.path(), path);
        let printed = format!("{error} {error:?} {}", error.report());
        prop_assert!(!printed.contains("CANARY") && !printed.contains("0817263"));
        Ok(())
    })?;
    Ok(())
}

fn refused<E: Endpoint>(provider: E::Provider, endpoint: E, reply: RawResponse) -> Option<Error> {
    answer(provider, endpoint, reply).err()
}
