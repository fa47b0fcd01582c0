//! The sandbox without a socket.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use http::Request;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use provider_core::{
    Body, ExchangeLimits, RawResponse, Transport, TransportError, TransportErrorKind,
};
use tower::ServiceExt;

use crate::credentials::BaseUrls;
use crate::exchange::ConnectionInfo;

/// More than the longest reply, which is a file that was uploaded.
const RESPONSE_LIMIT: usize = 16 * 1024 * 1024;

const ORIGIN: &str = "http://localhost";

/// Calls a [`Sandbox`](crate::Sandbox) in process. The first segment of the path selects the provider; scheme and
/// authority are ignored.
///
/// A reply waits only for slow aggregators and injected delays, on tokio's clock. The deadline of the call is ignored: the
/// caller enforces it by dropping the future.
#[derive(Clone)]
pub struct SandboxTransport {
    router: Router,
    connection: ConnectionInfo,
}

impl SandboxTransport {
    pub(crate) fn new(router: Router) -> Self {
        Self {
            router,
            connection: ConnectionInfo {
                origin: Arc::from(ORIGIN),
                body_read_timeout: None,
            },
        }
    }

    /// `http://localhost/finpass` and so on.
    pub fn base_urls() -> BaseUrls {
        BaseUrls::below(ORIGIN)
    }
}

#[async_trait]
impl Transport for SandboxTransport {
    async fn send(
        &self,
        request: Request<Body>,
        _limits: ExchangeLimits,
    ) -> Result<RawResponse, TransportError> {
        let mut request = request.map(|body| axum::body::Body::from(body.into_bytes()));
        request.extensions_mut().insert(self.connection.clone());
        let Ok(response) = self.router.clone().oneshot(request).await;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, RESPONSE_LIMIT)
            .collect()
            .await
            .map_err(|error| {
                let kind = if error.is::<LengthLimitError>() {
                    TransportErrorKind::TooLarge
                } else {
                    TransportErrorKind::Interrupted
                };
                TransportError::new(kind)
            })?;
        Ok(RawResponse::new(
            parts.status,
            parts.headers,
            body.to_bytes(),
        ))
    }
}

impl fmt::Debug for SandboxTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxTransport").finish_non_exhaustive()
    }
}
