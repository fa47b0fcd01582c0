//! The sandbox's side: any request has a reply.

use std::cell::RefCell;
use std::sync::LazyLock;
use std::time::Duration;

use consent_hmac::{SharedSecret, Signature, Signer, Verifier};
use kyc_sandbox::{FinproSettings, Provider, Sandbox, Settings, VeriffSettings, credentials};
use provider_core::http::{HeaderName, HeaderValue, Method, Request, Uri};
use provider_core::{Body, ExchangeLimits, RawResponse, Transport};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::parts::Parts;

/// What is kept between two inputs is bounded, and nothing runs out.
static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| {
    let finpro = FinproSettings::default();
    let finpro = finpro.with_rate_limit(u64::MAX).with_consent_capacity(16);
    let veriff = VeriffSettings::default().with_consent_capacity(16);
    Sandbox::new(
        Settings::default()
            .with_ledger_capacity(16)
            .with_finpro(finpro)
            .with_veriff(veriff),
    )
});

thread_local! {
    /// Its clock is paused: a silent aggregator costs no time.
    static RUNTIME: RefCell<Runtime> = RefCell::new(
        Builder::new_current_thread().enable_time().start_paused(true).build().unwrap(),
    );
}

/// The path of every route, one of a session that breaks, and one that no route has.
static PATHS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let session = "d69a07cf-4434-4d36-be6c-d22af7dc01fb";
    let routes = Sandbox::operations().into_iter();
    let paths = routes.map(|route| format!("/{}{}", route.provider, route.path));
    let mut paths: Vec<_> = paths.map(|path| path.replace("{id}", session)).collect();
    paths.push("/veriff/v1/sessions/00000000-0000-4000-8000-000000000500/consents".to_owned());
    paths.push("/finpro/nothing".to_owned());
    paths
});

const METHODS: [Method; 4] = [Method::POST, Method::GET, Method::PUT, Method::OPTIONS];

/// Switches, method, path, more headers, and the body.
pub(crate) fn run(input: &[u8]) {
    let mut parts = Parts::of(input);
    let switches = parts.byte();
    let (credentials, typed, signed) = (switches & 1 == 0, switches & 2 == 0, switches & 4 == 0);
    let method = METHODS[usize::from(parts.byte()) % METHODS.len()].clone();
    let path = match PATHS.get(usize::from(parts.byte())) {
        Some(path) => path.clone(),
        None => String::from_utf8_lossy(parts.bytes()).into_owned(),
    };
    let more = parts.bytes();
    let body = parts.rest();
    let Ok(uri) = Uri::try_from(format!("http://localhost{path}")) else {
        return;
    };
    // The text may have lengthened the host, or hold a query.
    let path = uri.path().to_owned();

    let mut request = Request::new(Body::from(body.to_vec()));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    if typed {
        headers.insert("content-type", HeaderValue::from_static("application/json"));
    }
    if credentials {
        let key = match provider_of(&path) {
            Some(Provider::Deepvue) => credentials::DEEPVUE_CLIENT_SECRET,
            _ => credentials::FINPASS_API_KEY,
        };
        for (name, value) in [
            ("x-api-key", key),
            ("x-api-secret", credentials::FINPASS_API_SECRET),
            ("client_id", credentials::FINPRO_CLIENT_ID),
            ("client_secret", credentials::FINPRO_CLIENT_SECRET),
            ("organisationid", credentials::FINPRO_ORGANISATION_ID),
            ("appidentifier", credentials::FINPRO_APP_IDENTIFIER),
            ("x-auth-client", credentials::VERIFF_API_KEY),
            ("client-id", credentials::DEEPVUE_CLIENT_ID),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if signed {
        let signature = Signer::new(&secret()).sign(body).to_string();
        let signature = HeaderValue::try_from(signature).unwrap();
        headers.insert("x-hmac-signature", signature);
    }
    for line in more.split(|byte| *byte == b'\n') {
        let mut halves = line.splitn(2, |byte| *byte == b':');
        let mut half = || halves.next().unwrap_or_default();
        let (name, value) = (
            HeaderName::from_bytes(half()),
            HeaderValue::from_bytes(half()),
        );
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }

    let answered = || PROVIDERS.map(|provider| SANDBOX.ledger().counts(provider).requests);
    let of = provider_of(&path);
    let mut expected = answered();
    for (count, provider) in expected.iter_mut().zip(PROVIDERS) {
        *count += u64::from(of == Some(provider));
    }
    let limits = ExchangeLimits::new(Duration::from_secs(30), 1 << 20);
    let answering = SANDBOX.transport();
    let answering = answering.send(request, limits);
    let reply = RUNTIME.with_borrow(|runtime| runtime.block_on(answering).unwrap());
    assert_eq!(answered(), expected);
    check(of, &reply);
}

const PROVIDERS: [Provider; 4] = [
    Provider::Finpass,
    Provider::Finpro,
    Provider::Veriff,
    Provider::Deepvue,
];

/// The provider that a path leads to: none but for its prefix and a slash.
fn provider_of(path: &str) -> Option<Provider> {
    let below = |provider: &Provider| {
        let rest = path.strip_prefix('/');
        let rest = rest.and_then(|path| path.strip_prefix(provider.as_str()));
        rest.is_some_and(|rest| rest.is_empty() || (rest.starts_with('/') && rest.len() > 1))
    };
    // Below the providers' paths stand pages, too, which nobody calls.
    let is_page = path.starts_with("/veriff/v/")
        || path.starts_with("/veriff/pictures/")
        || path.contains("/digilocker-redirect");
    PROVIDERS.into_iter().find(below).filter(|_| !is_page)
}

fn check(of: Option<Provider>, reply: &RawResponse) {
    let (status, headers) = (reply.status(), reply.headers());
    assert!(!status.is_informational());
    let Some(provider) = of else {
        // A page, or nothing: nothing that runs, and nothing of elsewhere.
        let content_type = headers.get("content-type");
        let is_json = content_type.is_some_and(|of| of == "application/json");
        assert!(is_json || headers.contains_key("content-security-policy"));
        return;
    };
    assert!(!status.is_redirection());
    let body: Value = serde_json::from_slice(reply.body()).unwrap();
    assert!(body.is_object());
    if provider == Provider::Veriff && status.is_success() {
        let signature = Signature::from_hex(headers.get("x-hmac-signature").unwrap()).unwrap();
        let verified = Verifier::new(&secret()).verify(reply.body(), &signature);
        assert_eq!(verified, Ok(()));
    }
}

fn secret() -> SharedSecret {
    SharedSecret::new(credentials::VERIFF_SHARED_SECRET).unwrap()
}
