//! The addresses of requests.

use anyhow::Result;
use kyc_proof::catalogue::{Setup, Subject, operations};
use kyc_proof::checks::address_is_kept;
use kyc_proof::scripted::ready;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;
use provider_core::http::Uri;
use provider_core::testing::{ScriptedTransport, Step};
use provider_core::{BaseUrl, CallOptions, Error};
use serde_json::Value;

use super::values::{hostile, path_id, shaped};
use crate::planted::with;

/// A legal base URL.
fn address() -> impl Strategy<Value = String> {
    let host = prop_oneof![
        shaped("[a-z][a-z0-9]{0,10}\\.example\\.test"),
        Just("127.0.0.1".to_owned()),
        Just("[::1]".to_owned()),
        Just("localhost".to_owned()),
    ];
    let (port, path) = (
        option::of(0..=u16::MAX),
        shaped("(/[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,8}){0,2}(/v1)?/?"),
    );
    (shaped("https?"), host, port, path).prop_map(|(scheme, host, port, path)| {
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        format!("{scheme}://{host}{port}{path}")
    })
}

/// The address that a call is sent to.
fn sent_to(subject: &Subject, base_url: &str, input: Value) -> std::result::Result<Uri, Error> {
    let transport = ScriptedTransport::new([Step::respond(400, "")]);
    let client = subject.connect(base_url, &Setup::scripted(transport.clone()))?;
    match ready(client.call(input, CallOptions::new())) {
        Err(error) if error.invalid_request().is_some() => Err(error),
        _ => Ok(transport.only().uri),
    }
}

/// An operation, its request, and the texts of the request that stand in the path.
struct Addressed {
    subject: Subject,
    request: Value,
    segments: Vec<String>,
}

fn addressed() -> Vec<Addressed> {
    let addressed = |subject: Subject| {
        let request = subject.exchange().input;
        let uri = sent_to(&subject, "https://provider.example.test", request.clone()).unwrap();
        let template = subject.operation.route.path().split('/');
        let segments = template.zip(uri.path().split('/'));
        let segments = segments.filter(|(template, _)| template.starts_with('{'));
        let segments = segments.map(|(_, segment)| segment.to_owned()).collect();
        Addressed {
            subject,
            request,
            segments,
        }
    };
    operations().into_iter().map(addressed).collect()
}

impl Addressed {
    /// The request with this id in each segment of its path.
    fn with(&self, id: &str) -> Value {
        let segments = self.segments.iter();
        segments.fold(self.request.clone(), |request, segment| {
            with(&request, segment, id)
        })
    }

    fn path(&self, id: &str) -> Vec<String> {
        let segments = self.subject.operation.route.path().split('/').skip(1);
        let filled = |segment: &str| {
            if segment.starts_with('{') {
                id.to_owned()
            } else {
                segment.to_owned()
            }
        };
        segments.map(filled).collect()
    }
}

/// Whether a call with this base URL and this id is sent to where they say; `false` if it is not sent.
fn is_sent(
    addressed: &Addressed,
    base: &str,
    id: &str,
) -> std::result::Result<bool, TestCaseError> {
    let Ok(parsed) = BaseUrl::parse("BASE_URL", base) else {
        return Ok(false);
    };
    let written = parsed.to_string();
    prop_assert_eq!(BaseUrl::parse("BASE_URL", &written), Ok(parsed));
    let Ok(uri) = sent_to(&addressed.subject, base, addressed.with(id)) else {
        return Ok(false);
    };
    let path = addressed.path(id);
    let segments: Vec<&str> = path.iter().map(String::as_str).collect();
    // Veriff's base URL is printed with `/v1` and without.
    let base = match addressed.subject.provider {
        "veriff" => written.strip_suffix("/v1").unwrap_or(&written),
        _ => &written,
    };
    address_is_kept(base, &segments, &[], &uri).map_err(TestCaseError::fail)?;
    Ok(true)
}

pub(super) fn urls_keep_their_segments(runner: &mut TestRunner) -> Result<()> {
    let all = addressed();
    let cases = (any::<Index>(), address(), path_id());
    runner.run(&cases, |(which, base, id)| {
        let parsed = BaseUrl::parse("BASE_URL", &base).unwrap();
        prop_assert_eq!(parsed.to_string(), base.trim_end_matches('/'));
        prop_assert!(is_sent(which.get(&all), &base, &id)?);
        Ok(())
    })?;
    Ok(())
}

pub(super) fn hostile_addresses_keep_their_segments(runner: &mut TestRunner) -> Result<()> {
    let all = addressed();
    let host = prop_oneof![hostile(), shaped("a\\.test")];
    let hostile_base = (shaped("https?://"), host, hostile())
        .prop_map(|(scheme, host, path)| format!("{scheme}{host}/{path}"));
    let base = prop_oneof![
        hostile_base,
        Just("https://provider.example.test".to_owned())
    ];
    let cases = (any::<Index>(), base, prop_oneof![hostile(), path_id()]);
    runner.run(&cases, |(which, base, id)| {
        let addressed = which.get(&all);
        let sent = is_sent(addressed, &base, &id)?;
        // Nothing else is refused than what no id can be.
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        let is_id = (1..=128).contains(&id.len()) && id.bytes().all(allowed);
        if base == "https://provider.example.test" {
            prop_assert_eq!(sent, is_id || addressed.segments.is_empty());
        }
        Ok(())
    })?;
    Ok(())
}
