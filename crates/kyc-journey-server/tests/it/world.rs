//! A server over an engine in memory, with the sandbox as its providers.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body as Sendable;
use consent_hmac::{ConsentType, Veriff};
use deepvue_digilocker::{Deepvue, DigilockerClient};
use finpass::{Finpass, FinpassClient};
use finpro_fiu::{FiuClient, ProductId, finpro_profile::Finpro};
use http_body_util::BodyExt as _;
use kyc_journey::{
    EffectId, JourneyEngine as _, JourneyId, JourneyStatus, LedgerEntry, MemoryEngine, Notice,
    Runner, Undelivered,
};
use kyc_journey_performer::{
    Addresses, ConsentLog, Notices, ProviderClients, StoredApplicants, VeriffSettings, Webhooks,
};
use kyc_journey_server::{ApiToken, ConsentReceipts, Digests, JourneyServer, Limits};
use kyc_sandbox::{Provider as At, Sandbox, SandboxTransport, credentials};
use provider_core::capability::AggregatorId;
use provider_core::http::header::{AUTHORIZATION, HOST};
use provider_core::http::{HeaderMap, Request, StatusCode};
use provider_core::jiff::Timestamp;
use provider_core::{
    Body, Client, ClientBuilder, Clock, ExchangeLimits, InvalidRequest, Provider, RawResponse,
    Settings, SystemClock, Transport, TransportError,
};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use veriff_sessions::SessionsClient;

pub(crate) const TOKEN: &str = "made-up-token-of-the-tests-0123456789";
pub(crate) const BASE: &str = "http://127.0.0.1:8088";
/// Somebody who approves everything, in time.
pub(crate) const APPROVES: &str = "9001000000";

pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) engine: Arc<MemoryEngine>,
    pub(crate) server: JourneyServer,
    pub(crate) router: Router,
    runner: Runner,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Limits::default())
    }

    pub(crate) fn with(limits: Limits) -> Self {
        Self::of(limits, None)
    }

    /// With a ledger of consents.
    pub(crate) fn keeping(receipts: Arc<dyn ConsentReceipts>) -> Self {
        Self::of(Limits::default(), Some(receipts))
    }

    fn of(limits: Limits, receipts: Option<Arc<dyn ConsentReceipts>>) -> Self {
        let hooked = Arc::new(Hooked::default());
        let urls = [(At::Veriff, "veriff"), (At::Finpro, "finpro")];
        let urls = urls.map(|(at, name)| (at, format!("{BASE}/hooks/{name}")));
        let sandbox = Sandbox::new(
            kyc_sandbox::Settings::default()
                .with_webhook_transport(Some(Arc::clone(&hooked) as Arc<dyn Transport>))
                .with_webhook_urls(urls.into()),
        );
        let settings = credentials::environment(&SandboxTransport::base_urls());
        let settings = Settings::of(settings);
        let engine = Arc::new(MemoryEngine::new());
        let clock: Arc<dyn Clock> = Arc::new(SandboxClock(sandbox.clone()));
        let digests = Digests::keyed([7; 32]);
        let token = ApiToken::new(TOKEN).unwrap();
        let mut builder = JourneyServer::builder(engine.clone(), digests, token)
            .clock(Arc::clone(&clock))
            .webhooks(Webhooks::from_settings(&settings).unwrap())
            .limits(limits);
        if let Some(receipts) = receipts {
            builder = builder.consent_receipts(receipts);
        }
        let server = builder.build();
        let router = server.router();
        let _first = hooked.0.set(router.clone());
        let performer = performer(&sandbox, &settings, &clock, engine.clone());
        let runner = Runner::new(engine.clone(), Arc::new(performer)).with_clock(clock);
        Self {
            sandbox,
            engine,
            server,
            router,
            runner,
        }
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: Request<Sendable>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: head.status,
            headers: head.headers,
            body: String::from_utf8(body.into()).unwrap(),
        }
    }

    /// Sends a request with the token.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.send(request(method, path, body)).await
    }

    pub(crate) async fn start(&self, key: &str, body: &Value) -> Answer {
        let mut request = request("POST", "/v1/journeys", Some(body.clone()));
        let key = key.parse().unwrap();
        request.headers_mut().insert("idempotency-key", key);
        self.send(request).await
    }

    /// Starts a journey and gives its id.
    pub(crate) async fn started(&self, key: &str, body: &Value) -> String {
        let started = self.start(key, body).await;
        assert_eq!(started.status, StatusCode::CREATED, "{started:?}");
        started.json()["id"].as_str().unwrap().to_owned()
    }

    /// Carries out what is due, and lets this much time pass.
    pub(crate) async fn pass(&self, seconds: u64) {
        self.runner.run_until_idle().await.unwrap();
        self.sandbox.advance(Duration::from_secs(seconds)).await;
        self.runner.run_until_idle().await.unwrap();
    }

    pub(crate) async fn status(&self, id: &str) -> JourneyStatus {
        let id = JourneyId::parse(id).unwrap();
        self.engine.read(&id).await.unwrap().unwrap().state.status()
    }

    /// The history, by the API.
    pub(crate) async fn history(&self, id: &str) -> Vec<Value> {
        let path = format!("/v1/journeys/{id}/history");
        let answer = self.call("GET", &path, None).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.json()["events"].as_array().unwrap().clone()
    }

    /// What was the last event, and what became of it.
    pub(crate) async fn last(&self, id: &str) -> (String, String, String) {
        let history = self.history(id).await;
        let last = history.last().unwrap();
        let text = |name: &str| last[name].as_str().unwrap_or_default().to_owned();
        (text("event"), text("verdict"), text("reason"))
    }
}

/// A request with the token.
pub(crate) fn request(method: &str, path: &str, body: Option<Value>) -> Request<Sendable> {
    let body = body.map_or_else(String::new, |body| body.to_string());
    Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, "127.0.0.1:8088")
        .header(AUTHORIZATION, format!("Bearer {TOKEN}"))
        .body(Sendable::from(body))
        .unwrap()
}

/// A request from outside.
pub(crate) fn outside(method: &str, path: &str, body: &[u8]) -> Request<Sendable> {
    Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, "127.0.0.1:8088")
        .body(Sendable::from(body.to_vec()))
        .unwrap()
}

/// What begins a journey of a verification.
pub(crate) fn verification() -> Value {
    json!({
        "applicant": { "mobile": APPROVES },
        "plan": { "verification": {} },
        "consent": { "receipt": "receipt-1" },
    })
}

fn performer(
    sandbox: &Sandbox,
    settings: &Settings,
    clock: &Arc<dyn Clock>,
    engine: Arc<MemoryEngine>,
) -> ProviderClients {
    let transport: Arc<dyn Transport> = Arc::new(sandbox.transport());
    let deepvue: DigilockerClient = client(
        Deepvue::from_settings(settings),
        DigilockerClient::builder,
        &transport,
        clock,
    );
    let fiu: FiuClient = client(
        Finpro::from_settings(settings),
        FiuClient::builder,
        &transport,
        clock,
    );
    let finpass: FinpassClient = client(
        Finpass::from_settings(settings),
        FinpassClient::builder,
        &transport,
        clock,
    );
    let sessions: SessionsClient = client(
        Veriff::from_settings(settings),
        SessionsClient::builder,
        &transport,
        clock,
    );
    let addresses = Addresses::new(BASE).unwrap();
    let applicants = Arc::new(StoredApplicants::new(engine, addresses));
    let veriff = VeriffSettings::new(ConsentType::Aadhaar).with_mobile_number();
    ProviderClients::new(applicants, Arc::new(Nowhere), Arc::new(Nowhere))
        // The sandbox finds the person's script here.
        .deepvue(deepvue, format!("KYC of {APPROVES}"))
        .finpro(
            fiu,
            ProductId::parse("LOAN-1").unwrap(),
            AggregatorId::parse("onemoney").unwrap(),
        )
        .finpass(finpass)
        .veriff(sessions, veriff)
}

fn client<P: Provider, C: From<Client<P>>>(
    provider: Result<P, InvalidRequest>,
    builder: fn(P) -> ClientBuilder<P, C>,
    transport: &Arc<dyn Transport>,
    clock: &Arc<dyn Clock>,
) -> C {
    let builder = builder(provider.unwrap())
        .transport(Arc::clone(transport))
        .clock(Arc::clone(clock));
    builder.build().unwrap()
}

/// Brings the sandbox's webhooks to the router.
#[derive(Default)]
struct Hooked(OnceLock<Router>);

impl fmt::Debug for Hooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hooked")
    }
}

#[async_trait]
impl Transport for Hooked {
    async fn send(
        &self,
        request: Request<Body>,
        _: ExchangeLimits,
    ) -> Result<RawResponse, TransportError> {
        let request = request.map(|body| Sendable::from(body.into_bytes()));
        let router = self.0.get().unwrap().clone();
        let response = router.oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Ok(RawResponse::new(head.status, head.headers, body))
    }
}

#[derive(Debug)]
struct Nowhere;

#[async_trait]
impl Notices for Nowhere {
    async fn notify(&self, _: &EffectId, _: &Notice) -> Result<(), Undelivered> {
        Ok(())
    }
}

#[async_trait]
impl ConsentLog for Nowhere {
    async fn record(&self, _: &EffectId, _: &LedgerEntry) -> Result<(), Undelivered> {
        Ok(())
    }
}

#[derive(Debug)]
struct SandboxClock(Sandbox);

#[async_trait]
impl Clock for SandboxClock {
    fn now(&self) -> Timestamp {
        Timestamp::try_from(self.0.now()).unwrap()
    }

    fn random(&self) -> Result<u128, InvalidRequest> {
        SystemClock.random()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
