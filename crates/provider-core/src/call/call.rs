//! A prepared call.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use super::client::{Client, check_declaration};
use super::consent::ConsentEvidence;
use super::options::CallOptions;
use crate::error::Error;
use crate::resilience::{RetryPolicy, WhenLimited};
use crate::wire::{Endpoint, Provider, RequestId, Response};

/// A prepared call: change its options, then `.await` it for the reply, which has the typed value and the verified bytes.
///
/// Dropping the future cancels the call. Its outcome is reported to the client's [`CallObserver`](crate::CallObserver) and
/// logged: [`Outcome::Unknown`](crate::Outcome::Unknown) once an attempt was handed to the transport.
#[must_use = "a call does nothing until it is awaited"]
pub struct Call<'c, E: Endpoint> {
    client: &'c Client<E::Provider>,
    endpoint: E,
    options: CallOptions,
}

impl<P: Provider> Client<P> {
    /// Prepares a call; nothing is sent until it is awaited.
    pub fn call<E: Endpoint<Provider = P>>(&self, endpoint: E) -> Call<'_, E> {
        const { check_declaration::<E>() };
        Call::new(self, endpoint)
    }
}

impl<'c, E: Endpoint> Call<'c, E> {
    pub(crate) fn new(client: &'c Client<E::Provider>, endpoint: E) -> Self {
        Self {
            client,
            endpoint,
            options: CallOptions::default(),
        }
    }

    pub(crate) fn into_parts(self) -> (&'c Client<E::Provider>, E, CallOptions) {
        (self.client, self.endpoint, self.options)
    }

    /// Sets the deadline of this call, attempts and back-off included.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.options = self.options.with_timeout(timeout);
        self
    }

    /// Retries this call according to another policy.
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.options = self.options.with_retry(retry);
        self
    }

    /// Sets whether this call waits or fails at once when the client's rate limiter refuses permission.
    pub fn with_when_limited(mut self, when_limited: WhenLimited) -> Self {
        self.options = self.options.with_when_limited(when_limited);
        self
    }

    /// Sends this id instead of a random one.
    pub fn with_request_id(mut self, request_id: RequestId) -> Self {
        self.options = self.options.with_request_id(request_id);
        self
    }

    /// Shows a consent to the client's [`ConsentGate`](crate::ConsentGate), before each attempt.
    pub fn with_consent(mut self, consent: impl Into<ConsentEvidence>) -> Self {
        self.options = self.options.with_consent(consent);
        self
    }

    /// Replaces all options at once.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }
}

impl<'c, E: Endpoint + 'c> IntoFuture for Call<'c, E> {
    type Output = Result<Response<E::Output>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'c>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.client.run(&self.endpoint, &self.options).await })
    }
}

impl<E: Endpoint> fmt::Debug for Call<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("operation", &E::OPERATION.name)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
