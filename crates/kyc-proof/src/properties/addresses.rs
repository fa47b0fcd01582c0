//! Where requests go.

use consent_hmac::{ConsentType, RecordConsent, SessionId};
use finpro_profile::{AppIdentifier, ClientId, ClientSecret, Credentials, Finpro, OrganisationId};
use kyc_proof::made_up;
use kyc_proof::scripted::{client, reply};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::{TestCaseResult, TestRunner};
use provider_core::http::{StatusCode, Uri};
use provider_core::jiff::Timestamp;
use provider_core::{Attempt, BaseUrl, Endpoint, PathId, Segment};
use url::Url;

use super::values::{hostile, path_id, shaped};
use crate::failure::Result;

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

/// That the request of an endpoint goes to `origin`, then `prefix`, then `path`, also for a URL parser, and that the
/// client lets it pass.
fn goes_to<E: Endpoint>(
    provider: E::Provider,
    endpoint: &E,
    origin: &str,
    prefix: &[String],
    path: &[&str],
) -> TestCaseResult {
    let attempt = Attempt::new(1, Timestamp::UNIX_EPOCH, 0);
    let request = endpoint.request(&provider, &attempt).unwrap();
    let (client, _) = client(provider, reply(StatusCode::OK, ""));
    prop_assert!(client.check(endpoint).is_ok());
    let prefix = prefix.iter().map(String::as_str);
    let segments: Vec<&str> = prefix.chain(path.iter().copied()).collect();
    keeps(request.uri(), origin, &segments)
}

fn keeps(uri: &Uri, origin: &str, segments: &[&str]) -> TestCaseResult {
    prop_assert_eq!(uri.to_string(), format!("{origin}/{}", segments.join("/")));
    let parse = |text: &str| {
        Url::parse(text).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))
    };
    let url = parse(&uri.to_string())?;
    prop_assert_eq!(url.origin(), parse(origin)?.origin());
    prop_assert!(url.path_segments().unwrap().eq(segments.iter().copied()));
    prop_assert_eq!((url.query(), url.fragment()), (None, None));
    Ok(())
}

fn consent(session: SessionId) -> RecordConsent {
    RecordConsent::new(session, ConsentType::Ine, true, "I agree.")
}

fn veriff(base_url: BaseUrl) -> consent_hmac::Veriff {
    let key = consent_hmac::ApiKey::new(made_up::VERIFF_API_KEY).unwrap();
    let secret = consent_hmac::SharedSecret::new(made_up::VERIFF_SECRET).unwrap();
    consent_hmac::Veriff::new(base_url, key, &secret)
}

fn finpro(base_url: BaseUrl) -> Finpro {
    let credentials = Credentials {
        client_id: ClientId::new("made-up-client").unwrap(),
        client_secret: ClientSecret::new("made-up-secret").unwrap(),
        organisation_id: OrganisationId::new("MADE-UP-FIU").unwrap(),
        app_identifier: AppIdentifier::new("test.example").unwrap(),
    };
    Finpro::new(base_url, credentials)
}

pub(super) fn urls_keep_their_segments(runner: &mut TestRunner) -> Result<()> {
    let slash = shaped("/?");
    runner.run(&(address(), slash, path_id()), |(address, slash, id)| {
        let (origin, prefix) = address;
        let path: String = prefix.iter().flat_map(|segment| ["/", segment]).collect();
        let base = BaseUrl::parse("BASE_URL", &format!("{origin}{path}{slash}")).unwrap();
        prop_assert_eq!(base.to_string(), format!("{origin}{path}"));

        let finpass = made_up::finpass().with_base_url(base.clone());
        let init = ["api", "v1", "services", "account-aggregator", "init"];
        goes_to(finpass, &made_up::initialize(), &origin, &prefix, &init)?;
        let finpro = finpro(base.clone());
        goes_to(
            finpro,
            &made_up::check_profile(),
            &origin,
            &prefix,
            &["profile"],
        )?;
        let deepvue = made_up::deepvue().with_base_url(base.clone());
        let session = ["v1", "kyc", "digilocker", "initiate-session"];
        goes_to(
            deepvue,
            &made_up::initiate_session(),
            &origin,
            &prefix,
            &session,
        )?;
        // Veriff's base URL is printed with `/v1` and without.
        let prefix = match prefix.split_last() {
            Some((last, before)) if last == "v1" => before,
            _ => &prefix,
        };
        let endpoint = consent(SessionId::parse(&id).unwrap());
        let path = ["v1", "sessions", &id, "consents"];
        goes_to(veriff(base), &endpoint, &origin, prefix, &path)
    })?;
    Ok(())
}

pub(super) fn hostile_ids_stay_one_segment(runner: &mut TestRunner) -> Result<()> {
    runner.run(&prop_oneof![hostile(), path_id()], |id| {
        let Ok(session) = SessionId::parse(&id) else {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
            prop_assert!(!(1..=128).contains(&id.len()) || !id.bytes().all(allowed));
            return Ok(());
        };
        let path = ["v1", "sessions", &id, "consents"];
        let origin = "https://veriff.example.test";
        goes_to(made_up::veriff(), &consent(session), origin, &[], &path)
    })?;
    Ok(())
}

pub(super) fn hostile_addresses_keep_their_segments(runner: &mut TestRunner) -> Result<()> {
    let cases = (
        shaped("https?://"),
        prop_oneof![hostile(), shaped("a\\.test")],
        hostile(),
    );
    runner.run(&cases, |(scheme, host, path)| {
        let Ok(base) = BaseUrl::parse("BASE_URL", &format!("{scheme}{host}/{path}")) else {
            return Ok(());
        };
        let written = base.to_string();
        prop_assert_eq!(BaseUrl::parse("BASE_URL", &written), Ok(base.clone()));
        let id = PathId::parse("id", "made-up-1").unwrap();
        let joined = base
            .join(&[Segment::Literal("/v1/"), Segment::Id(&id)])
            .unwrap();
        // Nothing is sent to what is no address for the URL parser of the transport.
        let (Ok(base), Ok(url)) = (Url::parse(&written), Url::parse(&joined.to_string())) else {
            return Ok(());
        };
        prop_assert_eq!(url.origin(), base.origin());
        prop_assert_eq!((url.query(), url.fragment()), (None, None));
        let segments: Vec<&str> = url.path_segments().unwrap().collect();
        let prefix = written.split_once("://").unwrap().1.split('/').skip(1);
        prop_assert!(segments.ends_with(&["v1", "made-up-1"]));
        prop_assert_eq!(segments.len(), prefix.count() + 2);
        Ok(())
    })?;
    Ok(())
}
