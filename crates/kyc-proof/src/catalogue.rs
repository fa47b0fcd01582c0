//! Every operation of every client, without its types: what a proof iterates.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use consent_hmac::ConsentClient;
use deepvue_digilocker::{Deepvue, DigilockerClient};
use finpass::{Finpass, FinpassClient};
use finpro_fiu::FiuClient;
use finpro_profile::{Finpro, FinproProfileClient};
use kyc_sandbox::{BaseUrls, credentials};
use provider_core::http::{HeaderName, HeaderValue, StatusCode};
use provider_core::testing::fixture::Expected;
use provider_core::testing::{FixedClock, Fixture, ScriptedTransport, Step};
use provider_core::{
    CallObserver, CallOptions, CatalogueEntry, CircuitBreaker, Client, Clock, Error,
    InvalidRequest, JsonCall, Operation, PrintingCall, Provider, RawResponse, Response,
    RetryPolicy, Settings, Signs, SystemClock, Transport,
};
use serde_json::Value;
use veriff_sessions::SessionsClient;

use crate::companies::{
    Account, Headers, SANDBOX, base_url_of, setting, settings, signature, veriff,
};
use crate::scripted::ready;

/// Every operation whose reply is JSON: a reply that is a file has no members, which most proofs change.
pub fn operations() -> Vec<Subject> {
    let mut operations = all_operations();
    operations.retain(|subject| subject.operation.content_types.is_empty());
    operations
}

/// Every operation. A crate is a row.
pub fn all_operations() -> Vec<Subject> {
    [
        of(FinpassClient::CATALOGUE, Finpass::from_settings),
        of(FinproProfileClient::CATALOGUE, Finpro::from_settings),
        of(FiuClient::CATALOGUE, Finpro::from_settings),
        of(ConsentClient::CATALOGUE, veriff),
        of(SessionsClient::CATALOGUE, veriff),
        of(DigilockerClient::CATALOGUE, Deepvue::from_settings),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Every operation with its exchange.
pub fn with_exchanges() -> Vec<(Subject, Exchange)> {
    let exchanges: Vec<_> = operations().iter().map(Subject::exchange).collect();
    operations().into_iter().zip(exchanges).collect()
}

/// The operations of a crate; the provider is made from an account's settings.
fn of<P: Provider>(
    catalogue: &'static [CatalogueEntry<P>],
    provider: fn(&Settings) -> Result<P, InvalidRequest>,
) -> Vec<Subject> {
    let subject = |entry: &'static CatalogueEntry<P>| Subject {
        provider: P::NAME,
        method: entry.method(),
        operation: entry.operation(),
        signs_requests: P::SIGNS_REQUESTS,
        connect: Box::new(move |settings, setup| {
            let client = setup.build(provider(settings)?)?;
            Ok(Arc::new(Bound { client, entry }))
        }),
    };
    catalogue.iter().map(subject).collect()
}

type Connect = dyn Fn(&Settings, &Setup) -> Result<Arc<dyn Caller>, Error> + Send + Sync;

/// An operation that is proven.
pub struct Subject {
    /// The company's name.
    pub provider: &'static str,
    /// The client's method.
    pub method: &'static str,
    /// What is fixed about the operation.
    pub operation: &'static Operation,
    signs_requests: bool,
    connect: Box<Connect>,
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// The settings of a client; what is not said is the builder's own choice.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Who calls.
    pub account: Account,
    /// How requests travel.
    pub transport: Arc<dyn Transport>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What is retried.
    pub retry: RetryPolicy,
    /// When calls are not sent.
    pub circuit_breaker: CircuitBreaker,
    /// Who is notified.
    pub observer: Option<Arc<dyn CallObserver>>,
    /// The default deadline.
    pub timeout: Option<Duration>,
}

impl Setup {
    /// The builder's own settings over this transport, with the sandbox's account.
    pub fn standard(transport: Arc<dyn Transport>) -> Self {
        Self {
            account: SANDBOX,
            transport,
            clock: Arc::new(SystemClock),
            retry: RetryPolicy::standard(),
            circuit_breaker: CircuitBreaker::standard(),
            observer: None,
            timeout: None,
        }
    }

    /// One attempt without a deadline, so that nothing asks for a timer, at a fixed time.
    pub fn scripted(transport: ScriptedTransport) -> Self {
        Self {
            clock: Arc::new(FixedClock::default()),
            retry: RetryPolicy::never(),
            timeout: Some(Duration::MAX),
            ..Self::standard(Arc::new(transport))
        }
    }

    fn build<P: Provider>(&self, provider: P) -> Result<Client<P>, Error> {
        let mut builder = provider_core::ClientBuilder::new(provider)
            .transport(Arc::clone(&self.transport))
            .clock(Arc::clone(&self.clock))
            .retry(self.retry)
            .circuit_breaker(self.circuit_breaker);
        if let Some(observer) = &self.observer {
            builder = builder.observer(Arc::clone(observer));
        }
        if let Some(timeout) = self.timeout {
            builder = builder.timeout(timeout);
        }
        builder.build()
    }
}

/// A client of one operation, from JSON to JSON.
pub trait Caller: fmt::Debug + Send + Sync {
    /// Calls the operation.
    fn call(&self, input: Value, options: CallOptions) -> JsonCall<'_>;

    /// Builds the request and sends nothing.
    ///
    /// # Errors
    ///
    /// `InvalidRequest`, as the call gives it.
    fn check(&self, input: Value) -> Result<(), Error>;

    /// Reads a request and writes it again.
    ///
    /// # Errors
    ///
    /// It is not in the operation's form.
    fn read(&self, input: Value) -> Result<Value, InvalidRequest>;

    /// Calls the operation for what its own types print.
    fn print(&self, input: Value) -> PrintingCall<'_>;
}

struct Bound<P: Provider> {
    client: Client<P>,
    entry: &'static CatalogueEntry<P>,
}

impl<P: Provider> fmt::Debug for Bound<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.client, f)
    }
}

impl<P: Provider> Caller for Bound<P> {
    fn call(&self, input: Value, options: CallOptions) -> JsonCall<'_> {
        self.entry.call(&self.client, input, options)
    }

    fn check(&self, input: Value) -> Result<(), Error> {
        self.entry.check(&self.client, input)
    }

    fn read(&self, input: Value) -> Result<Value, InvalidRequest> {
        self.entry.read(input)
    }

    fn print(&self, input: Value) -> PrintingCall<'_> {
        self.entry.print(&self.client, input)
    }
}

/// A request and the reply to it, from the fixtures.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The request as the client takes it.
    pub input: Value,
    /// The status of the reply.
    pub status: u16,
    /// The reply.
    pub reply: Value,
}

impl Subject {
    /// `finpass initialize`.
    pub fn name(&self) -> String {
        format!("{} {}", self.provider, self.operation.name)
    }

    /// What a request's signature covers; nothing if the company's requests are not signed.
    pub fn signs(&self) -> Signs {
        match self.signs_requests {
            true => self.operation.signs,
            false => Signs::Nothing,
        }
    }

    /// The headers that vouch for a reply's body, made with this secret of the account.
    ///
    /// # Panics
    ///
    /// The secret is none.
    pub fn signature(&self, account: Account, secret: &str, body: &[u8]) -> Headers {
        signature(self.provider, account, secret, body).expect("a legal secret")
    }

    /// A reply that the company vouches for.
    ///
    /// # Panics
    ///
    /// The status is none.
    pub fn reply(&self, account: Account, status: u16, body: Vec<u8>) -> RawResponse {
        let headers = self.signature(account, setting(account, "VERIFF_SHARED_SECRET"), &body);
        let headers = headers.into_iter().map(|(name, value)| {
            let value = HeaderValue::try_from(value).expect("a header's value");
            (HeaderName::from_static(name), value)
        });
        let status = StatusCode::from_u16(status).expect("a status");
        RawResponse::new(status, headers.collect(), body.into())
    }

    /// A client at this address.
    ///
    /// # Errors
    ///
    /// The address or a credential is illegal, or those of the builder.
    pub fn connect(&self, base_url: &str, setup: &Setup) -> Result<Arc<dyn Caller>, Error> {
        (self.connect)(&settings(setup.account, self.provider, base_url), setup)
    }

    /// A client of a sandbox.
    ///
    /// # Errors
    ///
    /// As of [`connect`](Self::connect).
    pub fn connect_to(
        &self,
        base_urls: &BaseUrls,
        setup: &Setup,
    ) -> Result<Arc<dyn Caller>, Error> {
        let name = base_url_of(self.provider);
        let mut served = credentials::environment(base_urls).into_iter();
        let (_, address) = served
            .find(|(known, _)| *known == name)
            .expect("an address");
        self.connect(&address, setup)
    }

    /// A client that gets these replies, and the transport that keeps the requests.
    ///
    /// # Panics
    ///
    /// The credentials are none.
    pub fn scripted(
        &self,
        account: Account,
        replies: impl IntoIterator<Item = RawResponse>,
    ) -> (Arc<dyn Caller>, ScriptedTransport) {
        let transport = ScriptedTransport::new(replies.into_iter().map(Step::Respond));
        let setup = Setup {
            account,
            ..Setup::scripted(transport.clone())
        };
        let client = self.connect("https://provider.example.test/base", &setup);
        (client.expect("a client with a transport"), transport)
    }

    /// What the call gives when this reply comes back.
    ///
    /// # Errors
    ///
    /// Those of the call.
    pub fn answer(
        &self,
        account: Account,
        input: Value,
        reply: RawResponse,
    ) -> Result<Response<Value>, Error> {
        let (client, _) = self.scripted(account, [reply]);
        ready(client.call(input, CallOptions::new()))
    }

    /// The operation's fixtures.
    pub fn fixtures(&self) -> Vec<Fixture> {
        let fixtures = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures"));
        Fixture::all(fixtures.join(self.provider).join(self.operation.name))
    }

    /// The request with the most members.
    ///
    /// # Panics
    ///
    /// No fixture has one.
    pub fn input(&self) -> Value {
        let fixtures = self.fixtures();
        let inputs = fixtures.iter().filter_map(Fixture::input).filter(|input| {
            let (client, _) = self.scripted(SANDBOX, []);
            input.is_object() && client.check((*input).clone()).is_ok()
        });
        let input = inputs.max_by_key(|input| members(input));
        input.expect("a request").clone()
    }

    /// The request with the most members, and the success with the most that answers it.
    ///
    /// # Panics
    ///
    /// No fixture is a success.
    pub fn exchange(&self) -> Exchange {
        let (input, fixtures) = (self.input(), self.fixtures());
        let successes = fixtures
            .iter()
            .filter(|fixture| matches!(fixture.expected, Expected::Value(_)));
        let mut replies: Vec<(u16, Value)> = successes
            .filter_map(|fixture| Some((fixture.response.status, body(fixture)?)))
            .collect();
        replies.sort_by_key(|(_, reply)| std::cmp::Reverse(members(reply)));
        let answers = |(status, reply): &(u16, Value)| {
            let reply = self.reply(SANDBOX, *status, reply.to_string().into_bytes());
            self.answer(SANDBOX, input.clone(), reply).is_ok()
        };
        let (status, reply) = replies.into_iter().find(answers).expect("a success");
        Exchange {
            input,
            status,
            reply,
        }
    }

    /// A refusal in a documented form: 400 if there is one, else another 4xx, else the simplest.
    pub fn refusal(&self) -> Value {
        let fixtures = self.fixtures();
        let refusals = fixtures
            .iter()
            .filter(|fixture| (400..500).contains(&fixture.response.status));
        let forms = refusals.filter_map(|fixture| Some((fixture.response.status, body(fixture)?)));
        let best =
            forms.max_by_key(|(status, body)| (*status == 400 || *status == 422, members(body)));
        best.map_or_else(
            || serde_json::json!({"message": "refused"}),
            |(_, body)| body,
        )
    }
}

/// A refusal without words: enough to see what was sent.
pub fn refusal_response() -> RawResponse {
    let (headers, body) = Default::default();
    RawResponse::new(StatusCode::BAD_REQUEST, headers, body)
}

/// A fixture's reply as JSON.
fn body(fixture: &Fixture) -> Option<Value> {
    let text = fixture.response.body_text.as_deref();
    let read = || text.and_then(|text| serde_json::from_str(text).ok());
    fixture.response.body.clone().or_else(read)
}

/// How many different members a value has, then how many values.
fn members(value: &Value) -> (usize, usize) {
    fn walk<'v>(value: &'v Value, names: &mut std::collections::BTreeSet<&'v str>) -> usize {
        match value {
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| {
                    let filled = !value.is_null();
                    names.extend(filled.then_some(name.as_str()));
                    walk(value, names)
                })
                .sum(),
            Value::Array(items) => items.iter().map(|item| walk(item, names)).sum(),
            _ => 1,
        }
    }
    let mut names = std::collections::BTreeSet::new();
    let values = walk(value, &mut names);
    (names.len(), values)
}

/// The status as text with its usual reason.
pub fn status_line(status: u16) -> String {
    let known = StatusCode::from_u16(status).ok();
    let reason = known
        .and_then(|status| status.canonical_reason())
        .unwrap_or_default();
    format!("{status} {reason}")
}
