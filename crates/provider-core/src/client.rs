//! The one loop that every call goes through.

use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, USER_AGENT};
use http::{HeaderValue, Request, StatusCode};
use tokio::time::Instant;
use tokio::time::error::Elapsed;

use crate::call::CallOptions;
use crate::retry::{Decision, Failure};
use crate::retry_after::retry_after;
use crate::retry_budget::RetryBudget;
use crate::{
    Attempt, Body, Call, Clock, Endpoint, Error, ErrorKind, FaultClass, InvalidRequest, Outcome,
    Provider, RawResponse, RequestId, Response, ResponseError, RetryPolicy, SystemClock, Transport,
    TransportError, TransportErrorKind, Verified,
};

const USER_AGENT_VALUE: HeaderValue =
    HeaderValue::from_static(concat!("provider-core/", env!("CARGO_PKG_VERSION")));
const ACCEPT_JSON: HeaderValue = HeaderValue::from_static("application/json");

/// One exchange under way in a transport.
type Sending<'c> = Pin<Box<dyn Future<Output = Result<RawResponse, TransportError>> + Send + 'c>>;

/// A provider with a way to reach it. Cheap to clone; share one, because connections are kept in it.
///
/// Users meet it inside a provider crate's own client. Calls need a tokio runtime with time enabled.
#[derive(Debug)]
pub struct Client<P> {
    inner: Arc<Inner<P>>,
}

#[derive(Debug)]
struct Inner<P> {
    provider: P,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    retry: RetryPolicy,
    budget: RetryBudget,
    timeout: Option<Duration>,
}

impl<P> Clone for Client<P> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<P: Provider> Client<P> {
    /// Begins a client for `provider`.
    pub fn builder(provider: P) -> ClientBuilder<P> {
        ClientBuilder::new(provider)
    }

    /// The provider it calls.
    pub fn provider(&self) -> &P {
        &self.inner.provider
    }

    /// Prepares a call; nothing is sent until it is awaited.
    pub fn call<E: Endpoint<Provider = P>>(&self, endpoint: E) -> Call<'_, E> {
        Call::new(self, endpoint)
    }

    /// Builds and authorises the request of `endpoint` and throws it away: whether its inputs can be sent at all.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`], as the call itself would give it.
    pub fn check<E: Endpoint<Provider = P>>(&self, endpoint: &E) -> Result<(), Error> {
        let attempt = Attempt::new(1, self.inner.clock.now(), 0);
        self.prepare(endpoint, &attempt, &RequestId::from_nonce(0))
            .map(drop)
            .map_err(|error| Error::from(error).at(P::NAME, E::OPERATION.name))
    }

    /// Runs the attempts of one call. `read` turns the verified response into a value.
    pub(crate) async fn run<E, T>(
        &self,
        endpoint: &E,
        options: &CallOptions,
        read: impl Fn(&Verified) -> Result<T, ResponseError> + Send + Sync,
    ) -> Result<Response<T>, Error>
    where
        E: Endpoint<Provider = P>,
        T: Send,
    {
        let inner = &*self.inner;
        let started = Instant::now();
        let timeout = options
            .timeout
            .or(inner.timeout)
            .unwrap_or(E::OPERATION.timeout)
            .min(options.time_limit.unwrap_or(Duration::MAX));
        let retry = options.retry.unwrap_or(inner.retry);
        // A deadline past the end of the clock is none.
        let deadline = started.checked_add(timeout);
        let mut request_id = options.request_id.clone();
        let mut outcome = Outcome::NotSent;
        let mut number = 0;
        loop {
            number += 1;
            let attempt = match inner.clock.nonce() {
                Ok(nonce) => Attempt::new(number, inner.clock.now(), nonce),
                // This attempt is not made; what earlier ones may have done stays in the error.
                Err(error) => {
                    let error = Error::from(error)
                        .at(P::NAME, E::OPERATION.name)
                        .with_idempotency(E::OPERATION.idempotency)
                        .with_elapsed(started.elapsed())
                        .with_attempts(number - 1, outcome);
                    return Err(match request_id {
                        Some(request_id) => error.with_request_id(request_id),
                        None => error,
                    });
                }
            };
            let request_id = request_id
                .get_or_insert_with(|| RequestId::from_nonce(attempt.nonce))
                .clone();
            let time_left = if number == 1 {
                timeout
            } else {
                timeout.saturating_sub(started.elapsed())
            };
            let result = match self.begin(endpoint, &attempt, &request_id, time_left) {
                Ok(sending) => {
                    let sent = match deadline {
                        Some(deadline) => tokio::time::timeout_at(deadline, sending).await,
                        None => Ok(sending.await),
                    };
                    self.conclude(sent, &read)
                }
                Err(error) => Err(Error::from(error)),
            };
            let elapsed = started.elapsed();
            let error = match result {
                Ok((value, verified)) => {
                    inner.budget.refill();
                    tracing::debug!(
                        provider = P::NAME,
                        operation = E::OPERATION.name,
                        route = E::OPERATION.route,
                        request_id = request_id.as_str(),
                        attempt = number,
                        status = verified.status().as_u16(),
                        "answered"
                    );
                    let (status, authenticity) = (verified.status(), verified.authenticity());
                    let headers = verified.into_raw().into_headers();
                    let attempts = number;
                    return Ok(Response {
                        value,
                        status,
                        authenticity,
                        headers,
                        request_id,
                        attempts,
                        elapsed,
                    });
                }
                Err(error) => error,
            };
            outcome = outcome.max(error.outcome());
            let failure = Failure {
                transient: is_transient(&error),
                permanent: is_permanent(&error),
                attempt: number,
                retry_after: error.retry_after(),
                time_left: timeout.saturating_sub(elapsed),
                // Half of the attempt's randomness; the other half would do as well.
                jitter: (attempt.nonce >> 64) as u64,
                ..Failure::new(error.kind(), error.outcome(), E::OPERATION.idempotency)
            };
            let decision = match retry.decide(&failure) {
                Decision::After(_) if !inner.budget.take() => Decision::Stop,
                decision => decision,
            };
            tracing::debug!(
                provider = P::NAME,
                operation = E::OPERATION.name,
                route = E::OPERATION.route,
                request_id = request_id.as_str(),
                attempt = number,
                kind = error.kind().as_str(),
                outcome = error.outcome().as_str(),
                repeated = decision != Decision::Stop,
                "failed"
            );
            if let Decision::After(pause) = decision {
                inner.clock.sleep(pause).await;
                // A pause may run over. An attempt without time would only blur what is known by now.
                if started.elapsed() < timeout {
                    continue;
                }
            }
            return Err(error
                .at(P::NAME, E::OPERATION.name)
                .with_idempotency(E::OPERATION.idempotency)
                .with_request_id(request_id)
                .with_elapsed(started.elapsed())
                .with_attempts(number, outcome));
        }
    }

    /// What one exchange, or its time-out, comes to.
    fn conclude<T>(
        &self,
        sent: Result<Result<RawResponse, TransportError>, Elapsed>,
        read: impl Fn(&Verified) -> Result<T, ResponseError>,
    ) -> Result<(T, Verified), Error> {
        let response = sent.map_err(|_| Error::new(ErrorKind::Timeout, Outcome::Unknown))??;
        if !response.status().is_success() {
            return Err(self.refused(response));
        }
        let verified = match self
            .inner
            .provider
            .verify(&response, self.inner.clock.now())
        {
            Ok(authenticity) => Verified::new(response, authenticity),
            Err(error) => return Err(Error::from(error).with_response(response)),
        };
        match read(&verified) {
            Ok(value) => Ok((value, verified)),
            Err(error) => Err(self.unread(error, verified)),
        }
    }

    /// Hands the request of one attempt to the transport. No part of it is left in the future of the whole call.
    fn begin<'c, E>(
        &'c self,
        endpoint: &E,
        attempt: &Attempt,
        request_id: &RequestId,
        time_left: Duration,
    ) -> Result<Sending<'c>, InvalidRequest>
    where
        E: Endpoint<Provider = P>,
    {
        let request = self.prepare(endpoint, attempt, request_id)?;
        Ok(self.inner.transport.send(request, time_left))
    }

    /// Builds and authorises the request of one attempt. Pure but for the reference counts.
    fn prepare<E>(
        &self,
        endpoint: &E,
        attempt: &Attempt,
        request_id: &RequestId,
    ) -> Result<Request<Body>, InvalidRequest>
    where
        E: Endpoint<Provider = P>,
    {
        let provider = &self.inner.provider;
        let mut request = endpoint.request(provider, attempt)?;
        // Before anything secret is added: credentials go to the configured address only.
        if !provider.base_url().covers(request.uri()) {
            return Err(InvalidRequest::new(
                "url",
                "the operation's URL leads away from the provider's base URL",
            ));
        }
        let headers = request.headers_mut();
        headers.entry(ACCEPT).or_insert(ACCEPT_JSON);
        headers.insert(USER_AGENT, USER_AGENT_VALUE);
        headers.insert(RequestId::HEADER, request_id.header_value());
        provider.authorize(&mut request, attempt)?;
        Ok(request)
    }

    /// What a response that is not 2xx means. Its body is a hint: nobody vouches for it.
    fn refused(&self, response: RawResponse) -> Error {
        let status = response.status();
        let fault = self.inner.provider.fault(&response);
        let class = fault
            .as_ref()
            .map(|fault| fault.class())
            .unwrap_or_default();
        let kind = match status {
            StatusCode::TOO_MANY_REQUESTS => ErrorKind::RateLimited,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ErrorKind::Credentials,
            _ if class == FaultClass::Credentials => ErrorKind::Credentials,
            _ => ErrorKind::Api,
        };
        // By the status alone: words that nobody vouches for must not turn "unknown" into "nothing was done".
        let outcome = match status {
            // Another address handles the request unchanged, so this one did not.
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => Outcome::Refused,
            // Servers and gateways send it before and after they have the whole request.
            StatusCode::REQUEST_TIMEOUT => Outcome::Unknown,
            _ if status.is_client_error() => Outcome::Refused,
            _ => Outcome::Unknown,
        };
        let wait = retry_after(response.headers(), self.inner.clock.now());
        Error::new(kind, outcome)
            .with_retry_after(wait)
            .with_fault(fault)
            .with_response(response)
    }

    /// What a verified 2xx response without a value means.
    fn unread(&self, error: ResponseError, verified: Verified) -> Error {
        let raw = verified.into_raw();
        let error = match error {
            ResponseError::Decode(decode) => match self.inner.provider.fault(&raw) {
                Some(fault) => ResponseError::Fault(fault),
                None => ResponseError::Decode(decode),
            },
            other => other,
        };
        let error = match error {
            ResponseError::Decode(decode) => Error::from(decode),
            ResponseError::Verification(verification) => Error::from(verification),
            ResponseError::Fault(fault) => {
                let (kind, outcome) = match fault.class() {
                    FaultClass::Credentials => (ErrorKind::Credentials, Outcome::Refused),
                    FaultClass::ByStatus => (ErrorKind::Api, Outcome::Refused),
                    // As a 5xx: it broke somewhere on the way.
                    FaultClass::Transient => (ErrorKind::Api, Outcome::Unknown),
                };
                Error::new(kind, outcome).with_fault(Some(fault))
            }
        };
        error.with_response(raw)
    }
}

fn is_transient(error: &Error) -> bool {
    let by_status = error
        .status()
        .is_some_and(|status| status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT);
    by_status
        || error
            .fault()
            .is_some_and(|fault| fault.class() == FaultClass::Transient)
}

fn is_permanent(error: &Error) -> bool {
    use std::error::Error as _;

    error
        .source()
        .and_then(|source| source.downcast_ref::<TransportError>())
        .is_some_and(|error| error.kind() == TransportErrorKind::TooLarge)
}

/// Settings of a client before it is built. `C` is what [`build`](ClientBuilder::build) gives: a provider crate's own
/// client, or [`Client`].
#[derive(Debug)]
pub struct ClientBuilder<P, C = Client<P>> {
    provider: P,
    transport: Option<Arc<dyn Transport>>,
    clock: Arc<dyn Clock>,
    retry: RetryPolicy,
    timeout: Option<Duration>,
    client: PhantomData<fn() -> C>,
}

impl<P: Provider, C: From<Client<P>>> ClientBuilder<P, C> {
    /// Begins a client for `provider`.
    pub fn new(provider: P) -> Self {
        Self {
            provider,
            transport: None,
            clock: Arc::new(SystemClock),
            retry: RetryPolicy::standard(),
            timeout: None,
            client: PhantomData,
        }
    }

    /// Sends through `transport` instead of the default one. Share one transport between clients to share its settings.
    #[must_use]
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Takes time and chance from `clock`.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Repeats by `retry` instead of [`RetryPolicy::standard`].
    #[must_use]
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Gives every call this deadline, attempts and pauses together, instead of its operation's own.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Builds the client.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`]: no transport was given and the crate was built without one, or the default
    /// transport cannot be made, for instance on a machine without root certificates.
    pub fn build(self) -> Result<C, Error> {
        let transport = match self.transport {
            Some(transport) => transport,
            None => default_transport().map_err(|error| error.at(P::NAME, "client"))?,
        };
        Ok(C::from(Client {
            inner: Arc::new(Inner {
                provider: self.provider,
                transport,
                clock: self.clock,
                retry: self.retry,
                budget: RetryBudget::default(),
                timeout: self.timeout,
            }),
        }))
    }
}

#[cfg(feature = "reqwest")]
fn default_transport() -> Result<Arc<dyn Transport>, Error> {
    Ok(Arc::new(crate::ReqwestTransport::new()?))
}

#[cfg(not(feature = "reqwest"))]
fn default_transport() -> Result<Arc<dyn Transport>, Error> {
    Err(InvalidRequest::new(
        "transport",
        "none was given, and this build has none: enable `rustls` or `native-tls`, or pass one",
    )
    .into())
}

/// Declares a provider crate's client over [`Client`]: constructor, builder, and access to the client inside.
///
/// The crate adds one method an operation in an `impl` block of its own.
#[macro_export]
macro_rules! provider_client {
    ($(#[$meta:meta])* $vis:vis struct $name:ident($provider:ty);) => {
        $(#[$meta])*
        #[derive(Debug, Clone)]
        $vis struct $name($crate::Client<$provider>);

        impl $name {
            /// A client with the default transport and settings.
            ///
            /// # Errors
            ///
            /// The crate was built without a transport, or it cannot be made; see
            /// [`ClientBuilder::build`](provider_core::ClientBuilder::build).
            pub fn new(provider: $provider) -> ::core::result::Result<Self, $crate::Error> {
                Self::builder(provider).build()
            }

            /// Begins a client with settings of its own.
            pub fn builder(provider: $provider) -> $crate::ClientBuilder<$provider, Self> {
                $crate::ClientBuilder::new(provider)
            }

            /// The shared client inside, for endpoints that this crate does not have.
            pub fn client(&self) -> &$crate::Client<$provider> {
                &self.0
            }
        }

        impl ::core::convert::From<$crate::Client<$provider>> for $name {
            fn from(client: $crate::Client<$provider>) -> Self {
                Self(client)
            }
        }
    };
}
