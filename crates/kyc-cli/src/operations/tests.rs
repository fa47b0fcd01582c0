//! Tests of every operation of every provider.

use std::path::Path;
use std::sync::Arc;

use kyc_facade::openapi::{Place, members};
use kyc_facade::provider_core::{
    CallOptions, Client, DriftRadar, Fault, Provider, RetryPolicy, Transport,
};
use provider_core::testing::fixture::Expected;
use provider_core::testing::{Fixture, ScriptedTransport, Sent, Step};
use serde_json::{Map, Value, json};

use super::provider::ProviderOperations;
use super::providers::{DEEPVUE, FINPASS, FINPRO, PROVIDERS, VERIFF};
use crate::clients::placeholders;

#[tokio::test]
async fn each_member_of_a_request_is_sent_in_its_place() {
    let found = [
        sent_in_place(&FINPASS).await,
        sent_in_place(&FINPRO).await,
        sent_in_place(&VERIFF).await,
        sent_in_place(&DEEPVUE).await,
    ];
    let found = found.concat();
    for name in ["client_id", "aaId", "session_id", "doc_types"] {
        assert!(
            found.iter().any(|member| member == name),
            "{name} in {found:?}"
        );
    }
}

/// What the provider's own part says of an operation that does not exist would be left out in silence.
#[test]
fn the_own_parts_of_documents_are_of_operations() {
    fn check<P: Provider>(provider: &ProviderOperations<P>) {
        let part: Value = serde_json::from_str(provider.openapi).unwrap();
        let methods: Vec<_> = provider.entries().map(|entry| entry.method()).collect();
        for name in part["x-kyc-operations"].as_object().unwrap().keys() {
            assert!(methods.contains(&name.as_str()), "{}: {name}", P::NAME);
        }
    }
    check(&FINPASS);
    check(&FINPRO);
    check(&VERIFF);
    check(&DEEPVUE);
}

/// Builds every fixture's request and returns the members found in it.
async fn sent_in_place<P: Provider>(provider: &ProviderOperations<P>) -> Vec<String> {
    let mut found = Vec::new();
    for entry in provider.entries() {
        let operation = entry.operation();
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        let fixtures = Fixture::all(fixtures.join(P::NAME).join(operation.name));
        let inputs: Vec<_> = fixtures
            .iter()
            .filter_map(|fixture| Some((fixture, fixture.input()?.clone())))
            .collect();
        assert!(!inputs.is_empty(), "{operation}: a fixture with a request");
        for (fixture, input) in inputs {
            let Value::Object(mut input) = fixture.read_input(entry, input) else {
                panic!("{operation}: a request is an object");
            };
            let transport = ScriptedTransport::new([fixture.step()]);
            let settings = (provider.settings)(&placeholders(provider.names)).unwrap();
            let scripted: Arc<dyn Transport> = Arc::new(transport.clone());
            let client: Client<P> = Client::builder(settings)
                .transport(scripted)
                .build()
                .unwrap();
            let options = CallOptions::new().with_retry(RetryPolicy::never());
            // The result does not matter: placeholders are not credentials.
            let _ = entry.call(&client, input.clone().into(), options).await;
            let sent = transport.only();
            let path: Vec<_> = sent.uri.path().split('/').collect();
            let template: Vec<_> = operation.route.path().split('/').collect();
            assert_eq!(path.len(), template.len(), "{operation}");
            let mut filled = Vec::new();
            for member in members(entry) {
                let Some(value) = input.get(&member.name) else {
                    continue;
                };
                match member.place {
                    Place::Body => continue,
                    Place::Path(placeholder) => {
                        let at = template
                            .iter()
                            .position(|segment| *segment == format!("{{{placeholder}}}"));
                        assert_eq!(
                            Some(path[at.unwrap()]),
                            value.as_str(),
                            "{operation}: {}",
                            member.name
                        );
                        filled.push(placeholder);
                    }
                    Place::Query(name) => {
                        assert_eq!(
                            queried(&sent, &name),
                            texts(value),
                            "{operation}: {}",
                            member.name
                        );
                    }
                }
                input.remove(&member.name);
                found.push(member.name);
            }
            let placeholders: Vec<_> = operation.route.placeholders().collect();
            assert_eq!(
                placeholders.len(),
                filled.len(),
                "{operation}: x-path is missing on a field"
            );
            let is_form = sent
                .headers
                .get("content-type")
                .is_some_and(|value| value.as_bytes().starts_with(b"multipart/"));
            assert_eq!(
                is_form, operation.sends_form,
                "{operation}: its declaration says whether it sends a form"
            );
            if is_form {
                found.extend(input.into_iter().map(|(name, _)| name));
                continue;
            }
            let body = match sent.body.is_empty() {
                true => Map::new(),
                false => sent.json().as_object().unwrap().clone(),
            };
            assert_eq!(body, input, "{operation}: the body has every other member");
            found.extend(body.into_iter().map(|(name, _)| name));
        }
    }
    found
}

/// A wrong value in a list is found by its index, whichever rule it breaks.
#[test]
fn an_error_in_a_list_names_the_item() {
    let found = [
        wrong_items(&FINPASS),
        wrong_items(&FINPRO),
        wrong_items(&VERIFF),
        wrong_items(&DEEPVUE),
    ];
    let refused: Vec<_> = found.concat();
    for list in [
        "aaId",
        "consentHandle",
        "consentID",
        "consents_list",
        "doc_types",
        "eventTypes",
        "fileData",
        "filters.status",
        "fipID",
        "linkRefNumber",
        "productIDList",
        "status",
        "verification.consents",
        "verification.proofOfAddress.acceptableTypes",
    ] {
        assert!(
            refused.iter().any(|known| known == list),
            "{list}: {refused:?}"
        );
    }
}

/// Puts wrong values into each list of each fixture's request, and returns the lists of which one was refused.
fn wrong_items<P: Provider>(provider: &ProviderOperations<P>) -> Vec<String> {
    let settings = (provider.settings)(&placeholders(provider.names)).unwrap();
    let client: Client<P> = Client::builder(settings).build().unwrap();
    let mut refused = Vec::new();
    for entry in provider.entries() {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        let fixtures = Fixture::all(fixtures.join(P::NAME).join(entry.operation().name));
        for input in fixtures.iter().filter_map(Fixture::input) {
            let mut lists = Vec::new();
            lists_of(input, "", &mut lists);
            for (list, place) in lists {
                // Another one before it, so that it is not always the first.
                let mut input = input.clone();
                let items = input.pointer_mut(&place).and_then(Value::as_array_mut);
                let items = items.unwrap();
                let last = items.len();
                items.extend(items.first().cloned());
                for wrong in wrong_values(&items[last].clone()) {
                    input.pointer_mut(&place).unwrap()[last] = wrong.clone();
                    let read = entry.read(input.clone()).map(drop);
                    let checked = read.and_then(|()| match entry.check(&client, input.clone()) {
                        Ok(()) => Ok(()),
                        Err(error) => Err(error.invalid_request().unwrap().clone()),
                    });
                    let Err(error) = checked else { continue };
                    let item = format!("{list}[{last}]");
                    assert!(
                        error.field().starts_with(&item),
                        "{}: {item} is {wrong}: {error}",
                        entry.operation()
                    );
                    refused.push(list.clone());
                }
            }
        }
    }
    refused
}

/// The lists of a request that are not empty: as errors name them, and where they are.
fn lists_of(value: &Value, place: &str, lists: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                lists_of(value, &format!("{place}/{name}"), lists);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let name = place.trim_start_matches('/').replace('/', ".");
            lists.push((name, place.to_owned()));
        }
        _ => {}
    }
}

/// Values in place of this one, and of each of its members.
fn wrong_values(item: &Value) -> Vec<Value> {
    let wrong = [
        json!(""),
        json!(" "),
        json!("\u{1}"),
        json!("a@b c"),
        json!("?"),
        json!(7),
        json!(true),
        json!(null),
        json!([]),
        json!({}),
        json!({"a": 1}),
    ];
    let names = item.as_object().into_iter().flat_map(Map::keys);
    let inside = names.flat_map(|name| {
        wrong.iter().map(move |wrong| {
            let mut item = item.clone();
            item[name] = wrong.clone();
            item
        })
    });
    inside.chain(wrong.iter().cloned()).collect()
}

fn queried(sent: &Sent, name: &str) -> Vec<String> {
    let pairs = sent.uri.query().unwrap_or_default().split('&');
    let pairs = pairs.filter_map(|pair| pair.split_once('='));
    pairs
        .filter(|(found, _)| *found == name)
        .map(|(_, value)| value.to_owned())
        .collect()
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    }
}

#[test]
fn the_readmes_list_every_operation() {
    let rows = PROVIDERS
        .iter()
        .flat_map(|provider| provider.table())
        .collect::<Vec<_>>()
        .join("\n");
    for (name, readme) in [
        ("README.md", include_str!("../../tests/workspace.md")),
        ("crates/kyc-cli/README.md", include_str!("../../README.md")),
    ] {
        assert!(
            readme.contains(&format!("|\n{rows}\n\n")),
            "the table of operations in {name} must be:\n{rows}"
        );
    }
}

/// Where a fixture's reply is not what its type documents. A member that a page has and the type has not, or not under this name,
/// stands in the schema's `x-kyc-members`.
#[test]
fn the_recorded_replies_are_as_documented() {
    let found = [
        drifts(&FINPASS),
        drifts(&FINPRO),
        drifts(&VERIFF),
        drifts(&DEEPVUE),
    ];
    insta::assert_snapshot!(found.concat().join("\n"));
}

/// A code that says why is the first that somebody looks for.
#[test]
fn every_documented_code_is_printed() {
    let codes = [
        codes(&FINPASS),
        codes(&FINPRO),
        codes(&VERIFF),
        codes(&DEEPVUE),
    ];
    let codes = codes.concat();
    assert!(codes.len() > 100, "{}", codes.len());
    for code in codes {
        let fault = Fault::new().with_code(Some(code.clone()));
        assert!(fault.printable_code().is_some(), "{code}");
    }
}

fn codes<P: Provider>(provider: &ProviderOperations<P>) -> Vec<String> {
    let all = provider.entries().flat_map(|entry| {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        Fixture::all(fixtures.join(P::NAME).join(entry.operation().name))
    });
    let code = |fixture: Fixture| match fixture.expected {
        Expected::Error(error) => error.code.filter(|code| code != "made_up"),
        Expected::Value(_) => None,
    };
    all.filter_map(code).collect()
}

fn drifts<P: Provider>(provider: &ProviderOperations<P>) -> Vec<String> {
    let mut found = Vec::new();
    for entry in provider.entries() {
        let operation = entry.operation().name;
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        for fixture in Fixture::all(fixtures.join(P::NAME).join(operation)) {
            let (Expected::Value(_), Step::Respond(reply)) = (&fixture.expected, fixture.step())
            else {
                continue;
            };
            let radar = DriftRadar::new().watch(std::slice::from_ref(entry));
            radar.reply(P::NAME, operation, reply.body());
            found.extend(radar.drifts().into_iter().map(|(drift, _)| {
                format!("{}: {} {}", fixture.file, drift.kind.as_str(), drift.path)
            }));
        }
    }
    found
}
