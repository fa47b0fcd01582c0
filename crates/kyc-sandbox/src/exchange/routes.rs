//! A provider as a table of routes, and the steps of every request.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};

use super::body;
use super::faults::{ActiveFaults, Failure, Faults, Injected};
use super::reply::{About, Reply};
use super::request::{ConnectionInfo, ReceivedRequest};
use super::status::sendable;
use crate::state::{
    Entry, Exchange, JourneyId, Ledger, Provider, Repeats, Simulation, Timer, Webhook,
};

/// The name in the ledger for paths and methods without a route.
const NO_OPERATION: &str = "other";

/// One row of a provider's table.
pub(crate) struct Route<P> {
    pub(crate) method: Method,
    /// The path below the provider's prefix, with `{name}` for a segment that is a parameter.
    pub(crate) template: &'static str,
    /// The name in the ledger and in settings, unique within the provider.
    pub(crate) operation: &'static str,
    pub(crate) handler: fn(&P, &ReceivedRequest) -> Reply,
}

/// A provider: its routes, and the parts that they share.
pub(crate) trait ProviderApi: Send + Sync + Sized + 'static {
    const PROVIDER: Provider;
    const ROUTES: &'static [Route<Self>];

    /// Checks credentials and rate limits, in the provider's order, before the handler sees the request.
    fn admit(&self, request: &ReceivedRequest) -> Admission;

    /// The provider's error body for a status whose cause lies outside the operation: an unknown path, a body that is
    /// too long, an injected failure.
    fn error(&self, status: u16) -> Reply;

    fn faults(&self) -> Faults<'_>;

    /// The longest body of an operation that takes files, where it is longer than what the others take.
    fn body_limit(&self, _operation: &str) -> Option<usize> {
        None
    }

    fn simulation(&self) -> &Simulation;

    /// What happens when a timer of this provider is due. `at_ms` is its time, and not later than now.
    fn due(&self, at_ms: i64, journey: Option<JourneyId>, timer: Timer);

    /// What comes of a timer of this provider, in one word; `None` where nothing does any more.
    fn comes(&self, timer: &Timer) -> Option<&'static str>;

    /// The headers of a webhook, its signature among them, and never its content type.
    fn webhook_headers(&self, webhook: &Webhook) -> Vec<(Cow<'static, str>, String)>;
}

/// Lets everything happen that is due at a provider.
pub(crate) fn settle<P: ProviderApi>(api: &P) {
    let simulation = api.simulation();
    let now_ms = simulation.now_ms();
    while let Some((at_ms, journey, timer)) = simulation.schedule(P::PROVIDER).take_due(now_ms) {
        api.due(at_ms, journey, timer);
    }
}

/// The outcome of [`ProviderApi::admit`].
#[derive(Debug, Default)]
pub(crate) struct Admission {
    /// Sent instead of the handler's reply.
    pub(crate) refusal: Option<Reply>,
    /// Added to the reply, whichever it is.
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl From<Result<(), Reply>> for Admission {
    fn from(checked: Result<(), Reply>) -> Self {
        Self {
            refusal: checked.err(),
            headers: Vec::new(),
        }
    }
}

/// One operation that the sandbox serves.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operation {
    /// The provider.
    pub provider: Provider,
    /// The name in the [ledger](crate::Ledger) and in settings such as
    /// [`FinpassSettings::fail_operation`](crate::FinpassSettings::fail_operation).
    pub name: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// The path below the provider's base URL, with `{name}` for a segment that is a parameter.
    pub path: &'static str,
}

/// The rows of a provider's table.
pub(crate) fn operations<P: ProviderApi>() -> impl Iterator<Item = Operation> {
    P::ROUTES.iter().map(|route| Operation {
        provider: P::PROVIDER,
        name: route.operation,
        method: route.method.clone(),
        path: route.template,
    })
}

struct Table<P> {
    api: Arc<P>,
    ledger: Ledger,
    body_limit: usize,
    injected: Injected,
    active: ActiveFaults,
}

/// Serves a provider's table. A path without a route is answered 404, a method without one 405 with `allow`.
pub(crate) fn router<P: ProviderApi>(
    api: Arc<P>,
    ledger: Ledger,
    active: ActiveFaults,
    body_limit: usize,
) -> Router {
    let mut router = Router::new();
    for route in P::ROUTES {
        // Fails only for methods that axum cannot route, which no row has.
        let Ok(filter) = MethodFilter::try_from(route.method.clone()) else {
            continue;
        };
        let handler = move |State(table): State<Arc<Table<P>>>, request: Request| async move {
            table.respond(route, request).await
        };
        router = router.route(route.template, on(filter, handler));
    }
    router
        .fallback(async |State(table), request| Table::<P>::refuse(table, request, 404).await)
        .method_not_allowed_fallback(async |State(table), request| {
            Table::<P>::refuse(table, request, 405).await
        })
        .with_state(Arc::new(Table {
            api,
            ledger,
            body_limit,
            injected: Injected::default(),
            active,
        }))
}

impl<P: ProviderApi> Table<P> {
    async fn respond(&self, route: &'static Route<P>, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let connection = parts.extensions.get::<ConnectionInfo>();
        let timeout = connection.and_then(|connection| connection.body_read_timeout);
        let origin = connection.map_or("http://localhost", |connection| &*connection.origin);
        let started = Instant::now();
        let limit = self.api.body_limit(route.operation);
        let limit = limit.unwrap_or(0).max(self.body_limit);
        let read = body::read(body, limit, timeout, &parts.headers).await;
        let mut request = ReceivedRequest {
            base_url: format!("{origin}/{}", P::PROVIDER.as_str()),
            is_served: timeout.is_some(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            template: route.template,
            method: parts.method,
            headers: parts.headers,
            body: Bytes::new(),
            parsed: OnceLock::new(),
            repeats: parts.extensions.get::<Repeats>().copied(),
        };
        settle(&*self.api);
        let reply = match read {
            Ok(body) => {
                request.body = body;
                self.reply(route, &request)
            }
            Err(status) => self.api.error(status),
        };
        self.finish(route.operation, request, started, reply).await
    }

    async fn refuse(table: Arc<Self>, request: Request, status: u16) -> Response {
        let (parts, _) = request.into_parts();
        let request = ReceivedRequest {
            base_url: String::new(),
            is_served: false,
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            template: "",
            method: parts.method,
            headers: parts.headers,
            body: Bytes::new(),
            parsed: OnceLock::new(),
            repeats: parts.extensions.get::<Repeats>().copied(),
        };
        let reply = table.api.error(status);
        table
            .finish(NO_OPERATION, request, Instant::now(), reply)
            .await
    }

    /// The reply to a request whose body arrived whole, with the operation's failure injected before or after the handler.
    fn reply(&self, route: &Route<P>, request: &ReceivedRequest) -> Reply {
        let journeys = &self.api.simulation().journeys;
        let (active, delay) = self
            .active
            .take(P::PROVIDER, route.operation, || request.journey(journeys));
        let mut reply = match active {
            Some(failure) => self.with_failure(route, request, &failure, || true),
            None => match self.api.faults().failure(route.operation) {
                Some(scoped) => self.with_failure(route, request, scoped.failure, || {
                    self.injected.take(scoped)
                }),
                None => self.admit_and_handle(route, request),
            },
        };
        reply.wait = reply.wait.saturating_add(delay);
        reply.about.journey = reply.about.journey.or_else(|| request.journey(journeys));
        // A journey begins with the first answer about a person, or with what was opened.
        if reply.about.journey.is_none() && (reply.status.is_success() || reply.effect.is_some()) {
            let begun = request.mobile().map(Arc::from).or_else(|| {
                let session = request.session().map(Arc::from);
                session.or_else(|| reply.effect.clone())
            });
            reply.about.journey = begun.map(|id| journeys.of_shared(id));
        }
        if let (Some(journey), Some(effect)) = (reply.about.journey, &reply.effect) {
            journeys.name_shared(journey, Arc::clone(effect));
        }
        reply
    }

    /// The reply with a failure in its place, before or after the handler, if it is injected.
    fn with_failure(
        &self,
        route: &Route<P>,
        request: &ReceivedRequest,
        failure: &Failure,
        is_injected: impl Fn() -> bool,
    ) -> Reply {
        if !failure.is_after_effect() {
            return match is_injected() {
                true => self.failed(failure).because("a fault is on that meets it"),
                false => self.admit_and_handle(route, request),
            };
        }
        let mut reply = self.admit_and_handle(route, request);
        if reply.status.is_success() && is_injected() {
            let (effect, wait) = (reply.effect.take(), reply.wait);
            let about = reply.about;
            reply = self
                .failed(failure)
                .with_wait(wait)
                .of_journey(about.journey)
                .with_change(about.changed)
                .because("a fault is on that meets it, after the effect");
            reply.effect = effect;
        }
        reply
    }

    fn admit_and_handle(&self, route: &Route<P>, request: &ReceivedRequest) -> Reply {
        let Admission { refusal, headers } = self.api.admit(request);
        let reply = match refusal {
            Some(refusal) => refusal.into_unverified(),
            None => (route.handler)(&self.api, request),
        };
        headers
            .iter()
            .fold(reply, |reply, (name, value)| reply.with_header(name, value))
    }

    fn failed(&self, failure: &Failure) -> Reply {
        let status = sendable(failure.status());
        if failure.is_gateway_page() {
            let page = "<html><body><h1>The gateway could not reach the service</h1></body></html>";
            return Reply::text(status, "text/html", page.to_owned());
        }
        self.api.error(status)
    }

    async fn finish(
        &self,
        operation: &'static str,
        request: ReceivedRequest,
        started: Instant,
        mut reply: Reply,
    ) -> Response {
        sleep(reply.wait).await;
        let had_effect = reply.effect.is_some();
        self.ledger.write(Entry::new(
            P::PROVIDER,
            operation,
            method_name(&request.method),
            reply.status.as_u16(),
            request_id(&request.headers),
            reply.effect.take(),
        ));
        let About {
            journey,
            changed,
            reason,
            is_unverified,
        } = *std::mem::take(&mut reply.about);
        let reply_body = reply.body().clone();
        let mut response = reply.into_response();
        let simulation = self.api.simulation();
        let exchange = Exchange {
            provider: P::PROVIDER,
            operation,
            method: &request.method,
            path: &request.path,
            query: &request.query,
            request_headers: &request.headers,
            request_body: &request.body,
            status: response.status(),
            reply_headers: response.headers(),
            reply_body: &reply_body,
            changed,
            had_effect,
            reason,
            is_unverified,
            repeats: request.repeats,
            took_us: u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        };
        simulation
            .happenings
            .add_call(simulation.now_ms(), journey, exchange);
        // Recorded replies are a provider's, and no provider sends this.
        let journey = journey.filter(|_| !simulation.ids.are_deterministic());
        if let Some(Ok(id)) = journey.map(|journey| HeaderValue::try_from(journey.to_string())) {
            response.headers_mut().insert("x-sandbox-journey", id);
        }
        sleep(self.api.faults().delay(operation)).await;
        response
    }
}

/// Sets no timer for a zero duration, so that ordinary replies need no runtime with timers.
async fn sleep(duration: std::time::Duration) {
    if !duration.is_zero() {
        tokio::time::sleep(duration).await;
    }
}

fn method_name(method: &Method) -> &'static str {
    [
        "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
    ]
    .into_iter()
    .find(|name| method.as_str() == *name)
    .unwrap_or("other")
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("x-request-id")?.as_bytes();
    let valid = (1..=128).contains(&value.len()) && value.iter().all(u8::is_ascii_graphic);
    valid.then(|| String::from_utf8_lossy(value).into_owned())
}
