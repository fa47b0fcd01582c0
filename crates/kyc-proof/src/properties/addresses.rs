//! The addresses of requests.

use std::sync::Arc;

use kyc_proof::catalogue::{Setup, Subject, operations};
use kyc_proof::scripted::ready;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{TestCaseResult, TestRunner};
use provider_core::http::Uri;
use provider_core::testing::{ScriptedTransport, Step};
use provider_core::{BaseUrl, CallOptions, Error};
use serde_json::Value;
use url::Url;

use super::values::{hostile, path_id, shaped};
use crate::failure::Result;
use crate::planted::with;

/// Scheme, host and port, and the segments of the path.
fn address() -> impl Strategy<Value = (String, Vec<String>)> {
    let host = prop_oneof![
        shaped("[a-z][a-z0-9]{0,10}\\.example\\.test"),
        Just("127.0.0.1".to_owned()),
        Just("[::1]".to_owned()),
        Just("localhost".to_owned()),
    ];
    let port = option::of(0..=u16::MAX);
    let segments = vec(shaped("[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,8}"), 0..3);
    (shaped("https?"), host, port, segments).prop_map(|(scheme, host, port, segments)| {
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        (format!("{scheme}://{host}{port}"), segments)
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

fn addressed() -> Vec<Arc<Addressed>> {
    let addressed = |subject: Subject| {
        let request = subject.exchange().input;
        let uri = sent_to(&subject, "https://provider.example.test", request.clone()).unwrap();
        let template = subject.operation.route.path().split('/');
        let segments = template.zip(uri.path().split('/'));
        let segments = segments.filter(|(template, _)| template.starts_with('{'));
        let segments = segments.map(|(_, segment)| segment.to_owned()).collect();
        Arc::new(Addressed {
            subject,
            request,
            segments,
        })
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

/// Whether the address is this origin and these segments, also for a URL parser.
fn keeps(uri: &Uri, origin: &str, segments: &[String]) -> TestCaseResult {
    prop_assert_eq!(uri.to_string(), format!("{origin}/{}", segments.join("/")));
    let parse = |text: &str| {
        Url::parse(text).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))
    };
    let url = parse(&uri.to_string())?;
    prop_assert_eq!(url.origin(), parse(origin)?.origin());
    prop_assert!(url.path_segments().unwrap().eq(segments.iter()));
    prop_assert_eq!((url.query(), url.fragment()), (None, None));
    Ok(())
}

pub(super) fn urls_keep_their_segments(runner: &mut TestRunner) -> Result<()> {
    let all = addressed();
    let cases = (any::<Index>(), address(), shaped("/?"), path_id());
    runner.run(&cases, |(which, (origin, mut prefix), slash, id)| {
        let addressed = which.get(&all);
        let path: String = prefix.iter().flat_map(|segment| ["/", segment]).collect();
        let base = format!("{origin}{path}{slash}");
        let parsed = BaseUrl::parse("BASE_URL", &base).unwrap();
        prop_assert_eq!(parsed.to_string(), format!("{origin}{path}"));
        // Veriff's base URL is printed with `/v1` and without.
        if addressed.subject.provider == "veriff" && prefix.last().is_some_and(|last| last == "v1")
        {
            prefix.pop();
        }
        let uri = sent_to(&addressed.subject, &base, addressed.with(&id)).unwrap();
        prefix.extend(addressed.path(&id));
        keeps(&uri, &origin, &prefix)
    })?;
    Ok(())
}

pub(super) fn hostile_ids_stay_one_segment(runner: &mut TestRunner) -> Result<()> {
    let all: Vec<_> = addressed()
        .into_iter()
        .filter(|one| !one.segments.is_empty())
        .collect();
    let origin = "https://provider.example.test";
    runner.run(
        &(any::<Index>(), prop_oneof![hostile(), path_id()]),
        |(which, id)| {
            let addressed = which.get(&all);
            match sent_to(&addressed.subject, origin, addressed.with(&id)) {
                Ok(uri) => keeps(&uri, origin, &addressed.path(&id)),
                Err(_) => {
                    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
                    prop_assert!(!(1..=128).contains(&id.len()) || !id.bytes().all(allowed));
                    Ok(())
                }
            }
        },
    )?;
    Ok(())
}

pub(super) fn hostile_addresses_keep_their_segments(runner: &mut TestRunner) -> Result<()> {
    let all = addressed();
    let host = prop_oneof![hostile(), shaped("a\\.test")];
    let cases = (any::<Index>(), shaped("https?://"), host, hostile());
    runner.run(&cases, |(which, scheme, host, path)| {
        let addressed = which.get(&all);
        let base = format!("{scheme}{host}/{path}");
        let Ok(parsed) = BaseUrl::parse("BASE_URL", &base) else {
            return Ok(());
        };
        let written = parsed.to_string();
        prop_assert_eq!(BaseUrl::parse("BASE_URL", &written), Ok(parsed));
        // An address that is none for the URL parser of the transport is refused, or nothing is sent to it.
        let Ok(uri) = sent_to(&addressed.subject, &base, addressed.request.clone()) else {
            return Ok(());
        };
        let (Ok(base), Ok(url)) = (Url::parse(&written), Url::parse(&uri.to_string())) else {
            return Ok(());
        };
        prop_assert_eq!(url.origin(), base.origin());
        prop_assert_eq!((url.query(), url.fragment()), (None, None));
        let segments: Vec<String> = url.path_segments().unwrap().map(str::to_owned).collect();
        let own = uri_segments(addressed);
        let prefix = written.split_once("://").unwrap().1.split('/').skip(1);
        prop_assert!(segments.ends_with(&own), "{:?}", segments);
        let dropped =
            usize::from(addressed.subject.provider == "veriff" && written.ends_with("/v1"));
        prop_assert_eq!(segments.len(), prefix.count() + own.len() - dropped);
        Ok(())
    })?;
    Ok(())
}

fn uri_segments(addressed: &Addressed) -> Vec<String> {
    let id = addressed.segments.first().cloned().unwrap_or_default();
    addressed.path(&id)
}
