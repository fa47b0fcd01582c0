//! `kyc openapi`: each provider's document, and its validity.

use std::collections::BTreeSet;
use std::path::Path;

use provider_core::testing::Fixture;
use provider_core::testing::fixture::Expected;
use serde_json::Value;

use crate::json_schema::problems;
use crate::kyc::{SandboxProcess, kyc};

const PROVIDERS: [&str; 4] = ["finpass", "finpro", "veriff", "deepvue"];
/// What `kyc journey serve` serves.
const JOURNEYS: &str = "journeys";

fn document(provider: &str) -> Value {
    let run = kyc(&["openapi", provider], &[]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    run.answer()
}

#[test]
fn each_provider_s_document_is_the_reviewed_one() {
    for provider in PROVIDERS.into_iter().chain([JOURNEYS]) {
        let run = kyc(&["openapi", provider, "--yaml"], &[]);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
        insta::assert_snapshot!(format!("openapi_{provider}"), run.stdout);
    }
}

#[test]
fn each_document_is_openapi_3_1() {
    for provider in PROVIDERS.into_iter().chain([JOURNEYS]) {
        let text = document(provider).to_string();
        let spec = oas3::from_json(&text).unwrap_or_else(|error| panic!("{provider}: {error}"));
        spec.validate_version().unwrap();
        assert!(spec.operations().count() > 0, "{provider}");
        for (path, method, operation) in spec.operations() {
            let place = format!("{provider}: {method} {path}");
            assert!(
                operation.operation_id.is_some() && operation.summary.is_some(),
                "{place}"
            );
            let in_path: BTreeSet<_> = operation
                .parameters(&spec)
                .unwrap_or_else(|error| panic!("{place}: {error}"))
                .into_iter()
                .filter(|parameter| parameter.location == oas3::spec::ParameterIn::Path)
                .map(|parameter| parameter.name)
                .collect();
            let in_template: BTreeSet<_> = path
                .split('{')
                .skip(1)
                .filter_map(|rest| rest.split_once('}'))
                .map(|(name, _)| name.to_owned())
                .collect();
            assert_eq!(in_path, in_template, "{place}");
        }
    }
}

/// Who reads a document writes in another language.
#[test]
fn no_text_of_a_document_names_rust() {
    fn texts<'d>(value: &'d Value, found: &mut Vec<&'d str>) {
        match value {
            Value::String(text) => found.push(text),
            Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
            Value::Object(members) => {
                for (name, value) in members {
                    assert!(
                        name != "x-kyc-file",
                        "what a command reads is no part of it"
                    );
                    found.push(name);
                    texts(value, found);
                }
            }
            _ => {}
        }
    }
    for provider in PROVIDERS.into_iter().chain([JOURNEYS]) {
        let document = document(provider);
        let mut found = Vec::new();
        texts(&document, &mut found);
        for word in [
            "::",
            "`Debug`",
            "`Display`",
            "`None`",
            "`Some`",
            "Rust",
            "serde",
            "his client",
            "is retried",
        ] {
            let named = found.iter().find(|text| text.contains(word));
            assert_eq!(named, None, "{provider}: {word}");
        }
        if provider == JOURNEYS {
            continue;
        }
        let introduction = document["info"]["description"].as_str().unwrap();
        assert!(introduction.contains("`x-kyc-members`"), "{provider}");
        assert!(introduction.contains("is a refusal"), "{provider}");
    }
}

#[test]
fn what_the_provider_needs_is_required_and_what_excludes_each_other_says_so() {
    let veriff = document("veriff");
    let schemas = &veriff["components"]["schemas"];
    let needs = |schema: &Value, member: &str| {
        let required = schema["required"].as_array().unwrap();
        assert!(required.iter().any(|name| name == member), "{schema}");
    };
    needs(&schemas["SubmitSession"], "verification");
    let verification = &schemas["SubmitSession"]["properties"]["verification"];
    assert_eq!(verification.get("default"), None, "it is required");
    needs(&schemas["Submission"], "status");
    needs(&schemas["GenerateMfa"], "type");
    needs(&schemas["VerifyMfa"], "type");
    let reasons = &schemas["MfaReply"]["properties"]["reason"]["examples"];
    assert!(reasons.as_array().unwrap().len() > 10, "{reasons}");
    let finpro = document("finpro");
    for (name, example, fits) in [
        (
            "RequestConsentV3",
            serde_json::json!({ "vua": "a@b", "productID": "P" }),
            true,
        ),
        (
            "RequestConsentV3",
            serde_json::json!({ "vua": "a@b" }),
            false,
        ),
        (
            "RequestConsentV3",
            serde_json::json!({ "vua": "a@b", "productID": "P", "productIDList": ["P"] }),
            false,
        ),
        (
            "GetAllFiData",
            serde_json::json!({ "consentID": "c", "accountID": "a" }),
            false,
        ),
        (
            "GetAnalyticsExcel",
            serde_json::json!({ "consentID": "c" }),
            false,
        ),
        (
            "GetAnalyticsExcel",
            serde_json::json!({ "consentID": "c", "journeyID": "j" }),
            true,
        ),
        (
            "ListConsentsV3",
            serde_json::json!({ "consentHandle": ["h"], "consentID": ["c"] }),
            false,
        ),
    ] {
        let schema = &finpro["components"]["schemas"][name];
        let problems = problems(&finpro, schema, &example);
        assert_eq!(problems.is_empty(), fits, "{name} {example}: {problems:?}");
    }
    let operation = |path: &str| &finpro["paths"][path]["post"];
    assert_eq!(operation("/v2/requestconsent")["deprecated"], true);
    assert_eq!(operation("/v3/requestconsent").get("deprecated"), None);
    let sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    let replies = &success(operation("/analytics/excel"))["content"];
    assert_eq!(replies[sheet]["schema"]["format"], "binary");
    assert!(
        !replies["application/json"]
            .to_string()
            .contains("Content\""),
        "{replies}"
    );
    assert_eq!(finpro["components"]["schemas"].get("Content"), None);
}

#[test]
fn every_reference_resolves_and_every_operation_has_its_marks() {
    for provider in PROVIDERS {
        let document = document(provider);
        let mut references = Vec::new();
        collect(&document, &mut references);
        assert!(!references.is_empty());
        for reference in references {
            let place = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(place).is_some(), "{provider}: {reference}");
        }
        let mut ids = BTreeSet::new();
        for operation in document["paths"]
            .as_object()
            .unwrap()
            .values()
            .flat_map(|path| path.as_object().unwrap().values())
        {
            assert!(
                ids.insert(operation["operationId"].as_str().unwrap()),
                "{provider}: {operation}"
            );
            for mark in ["x-kyc-mark", "x-kyc-idempotency", "x-kyc-signs"] {
                assert!(operation[mark].is_string(), "{provider}: {mark}");
            }
            let confirmed = ["seed", "docs"].contains(&operation["x-kyc-mark"].as_str().unwrap());
            let labelled = operation["description"]
                .as_str()
                .unwrap()
                .contains("**Unconfirmed**");
            assert_ne!(confirmed, labelled, "{provider}: {operation}");
        }
    }
}

/// The replies of an operation that are a success, by status.
fn successes(operation: &Value) -> Vec<(&String, &Value)> {
    let responses = operation["responses"].as_object().unwrap();
    responses
        .iter()
        .filter(|(status, _)| status.starts_with('2'))
        .collect()
}

/// The one reply of an operation that is a success.
fn success(operation: &Value) -> &Value {
    successes(operation)[0].1
}

/// Generated clients are grouped by them.
#[test]
fn each_operation_has_one_tag_that_is_described_and_one_success() {
    for provider in PROVIDERS {
        let document = document(provider);
        let tags = document["tags"].as_array().unwrap().iter();
        let mut unused: BTreeSet<_> = tags.clone().map(|tag| tag["name"].as_str()).collect();
        assert_eq!(unused.len(), tags.clone().count(), "{provider}");
        assert!(tags.clone().all(|tag| tag["description"].is_string()));
        let names = unused.clone();
        for operation in document["paths"]
            .as_object()
            .unwrap()
            .values()
            .flat_map(|path| path.as_object().unwrap().values())
        {
            let place = format!("{provider}: {}", operation["operationId"]);
            let [tag] = operation["tags"].as_array().unwrap().as_slice() else {
                panic!("{place}: one tag");
            };
            assert!(names.contains(&tag.as_str()), "{place}: {tag}");
            unused.remove(&tag.as_str());
            assert_eq!(successes(operation).len(), 1, "{place}");
        }
        assert!(unused.is_empty(), "{provider}: {unused:?}");
        assert_eq!(document.get("x-kyc-operations"), None, "{provider}");
    }
}

/// A refusal that one operation has is not told of another.
#[test]
fn a_refusal_of_one_operation_is_described_at_this_one_only() {
    let finpro = document("finpro");
    let veriff = document("veriff");
    let text = |document: &Value, path: &str, method: &str, status: &str| {
        let responses = &document["paths"][path][method]["responses"];
        let response = resolved(document, &responses[status]);
        response["description"].as_str().map(str::to_owned)
    };
    let failed = text(&finpro, "/profile", "post", "500").unwrap();
    assert!(failed.contains("PROFILE_CHECK_FAILED"), "{failed}");
    assert_eq!(text(&finpro, "/list/fips", "get", "500"), None);
    for (path, unknown) in [
        (
            "/v1/sessions/{session_id}/decision",
            "The session is unknown",
        ),
        ("/v1/attempts/{attempt_id}/media", "The attempt is unknown"),
        ("/v1/media/{media_id}", "The file is unknown"),
    ] {
        let told = text(&veriff, path, "get", "404").unwrap();
        assert!(told.starts_with(unknown), "{path}: {told}");
    }
    assert_eq!(text(&veriff, "/v1/sessions", "post", "404"), None);
}

fn collect<'d>(value: &'d Value, references: &mut Vec<&'d str>) {
    match value {
        Value::Object(members) => {
            references.extend(members.get("$ref").and_then(Value::as_str));
            members
                .values()
                .for_each(|value| collect(value, references));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}

/// The requests, replies and refusals of the fixtures match the document.
#[test]
fn every_fixture_matches_its_document() {
    let mut checked = 0_usize;
    for provider in PROVIDERS {
        let document = document(provider);
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fixtures")
            .join(provider);
        let operations = document["paths"].as_object().unwrap().values();
        for operation in operations.flat_map(|path| path.as_object().unwrap().values()) {
            let name = operation["operationId"].as_str().unwrap().replace('_', "-");
            for fixture in Fixture::all(fixtures.join(name)) {
                let succeeds = matches!(fixture.expected, Expected::Value(_));
                let mut check = |place: &str, body: Option<&Value>| {
                    let content =
                        resolved(&document, operation.pointer(place).unwrap_or(&Value::Null));
                    // An undocumented body has no schema, and may be anything.
                    let schema = content.pointer("/content/application~1json/schema");
                    let (Some(schema), Some(body)) = (schema, body) else {
                        return;
                    };
                    let problems = problems(&document, schema, body);
                    assert!(
                        problems.is_empty(),
                        "{provider} {}: {place}: {problems:?}",
                        fixture.case
                    );
                    checked = checked.saturating_add(1);
                };
                if succeeds {
                    let body = fixture.request.as_ref().map(|request| &request.body);
                    let sent = body.and_then(Value::as_object);
                    let is_sent = sent.is_some_and(|members| !members.is_empty());
                    let documented = operation.get("requestBody").is_some();
                    assert!(documented || !is_sent, "{provider} {}", fixture.case);
                    check("/requestBody", body);
                }
                let text = fixture.response.body_text.as_deref();
                let body = text.and_then(|text| serde_json::from_str(text).ok());
                let body = fixture.response.body.as_ref().or(body.as_ref());
                let status = fixture.response.status.to_string();
                let exact = format!("/responses/{status}");
                if succeeds {
                    let (documented, _) = successes(operation)[0];
                    assert!(
                        [status.as_str(), "2XX"].contains(&documented.as_str()),
                        "{provider} {}: {status}",
                        fixture.case
                    );
                    check(&format!("/responses/{documented}"), body);
                } else if status.starts_with('2') {
                    // A refusal inside a success: the document says so in its introduction.
                } else if operation.pointer(&exact).is_some() {
                    check(&exact, body);
                } else {
                    check(&format!("/responses/{}XX", &status[..1]), body);
                }
            }
        }
    }
    assert!(checked > 60, "{checked}");
}

fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    match value["$ref"].as_str() {
        Some(place) => document.pointer(place.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

#[test]
fn an_unknown_provider_and_two_formats_at_once_are_refused() {
    let run = kyc(&["openapi", "CANARY"], &[]);
    assert_eq!(run.code, 2);
    assert!(
        run.stderr
            .contains("must be one of: finpass, finpro, veriff, deepvue"),
        "{}",
        run.stderr
    );
    assert!(!run.stderr.contains("CANARY"));
    assert_eq!(
        kyc(&["openapi", "finpass", "--yaml", "--json"], &[]).code,
        2
    );
    assert_eq!(kyc(&["openapi"], &[]).code, 2);
}

#[test]
fn the_sandbox_serves_the_documents_with_itself_as_the_server() {
    use std::io::{Read as _, Write as _};

    let sandbox = SandboxProcess::start();
    let base_url = sandbox
        .environment
        .iter()
        .find(|(name, _)| name == "FINPASS_BASE_URL");
    let address = base_url.unwrap().1.strip_prefix("http://").unwrap();
    let address = address.strip_suffix("/finpass").unwrap();
    for provider in PROVIDERS {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let request = format!(
            "GET /openapi/{provider}.json HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        let mut served: Value = serde_json::from_str(body).unwrap();
        let mut printed = document(provider);
        assert_eq!(served["servers"][0]["url"], format!("/{provider}"));
        served["servers"] = Value::Null;
        printed["servers"] = Value::Null;
        assert_eq!(served, printed);
    }
}
