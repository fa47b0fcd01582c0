//! Requests to Restate's ingress and admin interfaces.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use kyc_journey::provider_core::{
    BaseUrl, Body, ExchangeLimits, RawResponse, Transport, TransportErrorKind, secret_text,
};
use kyc_journey::{EngineError, EngineErrorKind};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::sealed::corrupt;

/// The longest answer that is read, in bytes: what Restate itself takes at most, and some.
const LONGEST: usize = 40 << 20;

secret_text! {
    /// A token that Restate's interfaces ask for, such as an API key of Restate Cloud; sent as `Authorization: Bearer …`.
    pub struct BearerToken("restate token");
}

/// Why Restate did not do something. It names nothing of what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestateError {
    /// It answered with this status.
    #[error("Restate answered with {0}")]
    Status(StatusCode),
    /// There was no answer in time.
    #[error("Restate did not answer in time")]
    Timeout,
}

/// One of Restate's interfaces.
#[derive(Clone)]
pub(crate) struct Interface {
    address: BaseUrl,
    transport: Arc<dyn Transport>,
    token: Option<http::HeaderValue>,
    deadline: Duration,
}

impl fmt::Debug for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Interface").field(&self.address).finish()
    }
}

impl Interface {
    pub(crate) fn new(address: BaseUrl, transport: Arc<dyn Transport>) -> Self {
        Self {
            address,
            transport,
            token: None,
            deadline: Duration::from_secs(30),
        }
    }

    pub(crate) fn set_token(&mut self, token: &BearerToken) -> Result<(), EngineError> {
        let refused = |_| EngineError::new(EngineErrorKind::WrongStore);
        let mut value = b"Bearer ".to_vec();
        value.extend_from_slice(token.header_value().as_bytes());
        let mut value = http::HeaderValue::from_bytes(&value).map_err(refused)?;
        value.set_sensitive(true);
        self.token = Some(value);
        Ok(())
    }

    pub(crate) fn set_deadline(&mut self, deadline: Duration) {
        self.deadline = deadline;
    }

    /// Posts JSON, and reads JSON.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, EngineError> {
        let body = serde_json::to_vec(body).map_err(|_| corrupt())?;
        let response = self.exchange(path, body.into()).await?;
        // What serde says repeats what was answered.
        serde_json::from_slice(response.body()).map_err(|_| corrupt())
    }

    /// Posts nothing, and reads JSON.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, path: &str) -> Result<T, EngineError> {
        let response = self.exchange(path, Bytes::new()).await?;
        serde_json::from_slice(response.body()).map_err(|_| corrupt())
    }

    /// Posts nothing, and reads nothing.
    pub(crate) async fn tell(&self, path: &str) -> Result<(), EngineError> {
        self.exchange(path, Bytes::new()).await.map(drop)
    }

    async fn exchange(&self, path: &str, body: Bytes) -> Result<RawResponse, EngineError> {
        let unavailable = || EngineError::new(EngineErrorKind::Unavailable);
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}/{path}", self.address))
            .header(header::ACCEPT, "application/json");
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, token);
        }
        let request = request
            .body(Body::from(body))
            .map_err(|error| unavailable().with_source(error))?;
        // It answers each request by itself, and requests are repeated under their own keys.
        let limits = ExchangeLimits::new(self.deadline, LONGEST).with_connection_reuse(true);
        let sent = tokio::time::timeout(self.deadline, self.transport.send(request, limits));
        let response = match sent.await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                let kind = match error.kind() {
                    TransportErrorKind::InvalidRequest | TransportErrorKind::Certificate => {
                        EngineErrorKind::WrongStore
                    }
                    _ => EngineErrorKind::Unavailable,
                };
                return Err(EngineError::new(kind).with_source(error));
            }
            Err(_) => return Err(unavailable().with_source(RestateError::Timeout)),
        };
        match response.status() {
            status if status.is_success() => Ok(response),
            status => Err(unavailable().with_source(RestateError::Status(status))),
        }
    }
}
