//! One request in, one reply out: what the four providers have in common.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::post;
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Body as _;

use crate::json::Json;
use crate::ledger::{Entry, Provider};
use crate::sandbox::Shared;
use crate::settings::{ContentType, Failure, RepeatedHeaders};

/// Beyond the limit, this many times its length is read and thrown away before the answer, because a peer that is
/// still writing often does not see an answer that is followed by a reset connection.
const DISCARD_FACTOR: usize = 32;

/// How a request came in.
#[derive(Debug, Clone)]
pub(crate) struct Via {
    /// Scheme and authority, for links in replies.
    pub(crate) origin: Arc<str>,
    /// `None` in process, where the body is complete from the start and there may be no timer.
    pub(crate) body_read_timeout: Option<Duration>,
}

/// A request whose body has been read.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) headers: HeaderMap,
    /// The path below the provider's prefix.
    pub(crate) path: String,
    pub(crate) body: Bytes,
    /// The provider's base URL as this caller reaches it.
    pub(crate) base: String,
}

/// What a header that should come once turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent<'h> {
    Missing,
    Once(&'h [u8]),
    Repeated(&'h [u8]),
}

impl<'h> Sent<'h> {
    /// The value, if the policy for repeated headers lets it count.
    pub(crate) fn counted(self, repeated: RepeatedHeaders) -> Option<&'h [u8]> {
        match (self, repeated) {
            (Self::Once(value), _) | (Self::Repeated(value), RepeatedHeaders::FirstCounts) => {
                Some(value)
            }
            (Self::Missing, _) | (Self::Repeated(_), RepeatedHeaders::Refused) => None,
        }
    }
}

impl Heard {
    pub(crate) fn header(&self, name: &str) -> Sent<'_> {
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Sent::Missing,
            (Some(value), None) => Sent::Once(value.as_bytes()),
            (Some(value), Some(_)) => Sent::Repeated(value.as_bytes()),
        }
    }

    /// Whether the content type is the one that the policy asks for.
    pub(crate) fn content_type_accepted(&self, policy: ContentType) -> bool {
        match policy {
            ContentType::Ignored => true,
            ContentType::Required => match self.header(CONTENT_TYPE.as_str()) {
                Sent::Once(value) => {
                    let essence = value.split(|byte| *byte == b';').next().unwrap_or_default();
                    essence
                        .trim_ascii()
                        .eq_ignore_ascii_case(b"application/json")
                }
                Sent::Missing | Sent::Repeated(_) => false,
            },
        }
    }
}

/// A reply before it is written.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: String,
    effect: Option<String>,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Json) -> Self {
        Self::text(status, "application/json", body.to_compact())
    }

    pub(crate) fn text(status: u16, content_type: &'static str, body: String) -> Self {
        // Informational statuses are not replies, and settings can hold any number.
        let status = StatusCode::from_u16(status)
            .ok()
            .filter(|status| !status.is_informational())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self {
            status,
            headers: vec![(CONTENT_TYPE, HeaderValue::from_static(content_type))],
            body,
            effect: None,
        }
    }

    #[must_use]
    pub(crate) fn with_header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((HeaderName::from_static(name), value));
        }
        self
    }

    /// Says that answering has changed something, and the id of it.
    #[must_use]
    pub(crate) fn with_effect(mut self, id: String) -> Self {
        self.effect = Some(id);
        self
    }

    pub(crate) fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        for (name, value) in self.headers {
            response.headers_mut().append(name, value);
        }
        response
    }
}

/// A provider's counter: what it answers, and its settings for faults.
pub(crate) trait Desk: 'static {
    const PROVIDER: Provider;
    const OPERATION: &'static str;
    const PATH: &'static str;

    /// The operation itself, for a request whose body arrived whole.
    fn answer(shared: &Shared, heard: &Heard) -> impl Future<Output = Reply> + Send;

    /// The provider's error body for a status whose cause lies outside the operation: an unknown path, a body that is
    /// too long, an injected failure.
    fn plain_error(shared: &Shared, status: u16) -> Reply;

    fn failure(shared: &Shared) -> Option<&Failure>;

    fn reply_delay(shared: &Shared) -> Duration;
}

pub(crate) fn router<D: Desk>(shared: Arc<Shared>) -> Router {
    Router::new()
        .route(D::PATH, post(operation::<D>))
        .fallback(unknown_path::<D>)
        .method_not_allowed_fallback(unknown_method::<D>)
        .with_state(shared)
}

async fn operation<D: Desk>(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let via = parts.extensions.get::<Via>();
    let request_id = request_id(&parts.headers);
    let timeout = via.and_then(|via| via.body_read_timeout);
    let origin = via.map_or("http://localhost", |via| &*via.origin);
    let reply = match read(body, *shared.settings.body_limit(), timeout).await {
        Ok(body) => {
            let heard = Heard {
                base: format!("{origin}/{}", D::PROVIDER.as_str()),
                path: parts.uri.path().to_owned(),
                headers: parts.headers,
                body,
            };
            decide::<D>(&shared, &heard).await
        }
        Err(status) => D::plain_error(&shared, status),
    };
    finish::<D>(&shared, D::OPERATION, request_id, reply).await
}

async fn unknown_path<D: Desk>(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let reply = D::plain_error(&shared, 404);
    finish::<D>(&shared, "other", request_id(request.headers()), reply).await
}

async fn unknown_method<D: Desk>(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let reply = D::plain_error(&shared, 405);
    finish::<D>(&shared, "other", request_id(request.headers()), reply).await
}

async fn decide<D: Desk>(shared: &Shared, heard: &Heard) -> Reply {
    let Some(failure) = D::failure(shared) else {
        return D::answer(shared, heard).await;
    };
    if !failure.is_after_effect() {
        return if shared.spend_failure(D::PROVIDER, failure.limit()) {
            failed::<D>(shared, failure)
        } else {
            D::answer(shared, heard).await
        };
    }
    let mut reply = D::answer(shared, heard).await;
    if reply.status.is_success() && shared.spend_failure(D::PROVIDER, failure.limit()) {
        let effect = reply.effect.take();
        reply = failed::<D>(shared, failure);
        reply.effect = effect;
    }
    reply
}

fn failed<D: Desk>(shared: &Shared, failure: &Failure) -> Reply {
    if failure.is_gateway_page() {
        let page = "<html><body><h1>The gateway could not reach the service</h1></body></html>";
        return Reply::text(failure.status(), "text/html", page.to_owned());
    }
    D::plain_error(shared, failure.status())
}

async fn finish<D: Desk>(
    shared: &Shared,
    operation: &'static str,
    request_id: Option<String>,
    mut reply: Reply,
) -> Response {
    let effect = reply.effect.take();
    shared.ledger.write(Entry::new(
        D::PROVIDER,
        operation,
        reply.status.as_u16(),
        request_id,
        effect,
    ));
    let delay = D::reply_delay(shared);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    reply.into_response()
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("x-request-id")?.as_bytes();
    let sound = (1..=128).contains(&value.len()) && value.iter().all(u8::is_ascii_graphic);
    sound.then(|| String::from_utf8_lossy(value).into_owned())
}

/// The whole body, or the HTTP status of the reason why there is none.
async fn read(body: Body, limit: usize, timeout: Option<Duration>) -> Result<Bytes, u16> {
    match timeout {
        None => collect(body, limit).await,
        Some(timeout) => tokio::time::timeout(timeout, collect(body, limit))
            .await
            .unwrap_or(Err(408)),
    }
}

async fn collect(mut body: Body, limit: usize) -> Result<Bytes, u16> {
    let patience = u64::try_from(limit.saturating_mul(DISCARD_FACTOR)).unwrap_or(u64::MAX);
    if body.size_hint().lower() > patience {
        return Err(413);
    }
    let mut kept = BytesMut::new();
    let mut length: usize = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Err(400) };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        length = length.saturating_add(data.len());
        if length <= limit {
            kept.extend_from_slice(&data);
        } else if u64::try_from(length).unwrap_or(u64::MAX) > patience {
            break;
        }
    }
    if length > limit {
        Err(413)
    } else {
        Ok(kept.freeze())
    }
}

/// Words for a status, for error bodies whose wording no document fixes.
pub(crate) fn reason(status: u16) -> &'static str {
    StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Error")
}
