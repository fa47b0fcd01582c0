//! An invented provider: it signs requests and responses, and counts the calls of its functions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use provider_core::http::request::Parts;
use provider_core::http::{HeaderName, HeaderValue};
use provider_core::jiff::Timestamp;
use provider_core::lint::{Findings, HolderClass};
use provider_core::testing::{FixedClock, ScriptedTransport, Step};
use provider_core::{
    Allowance, Attempt, Authenticity, BaseUrl, BodyVerifier, BuiltRequest, Client, ClientBuilder,
    Content, Email, Endpoint, Fault, FaultClass, Idempotency, InvalidRequest, KnownMembers, Masked,
    Mobile, Operation, Pan, PathId, Provider, RawResponse, ReplyHead, RequestBuilder,
    ResponseError, Secret, StreamVerification, VerificationError, Verified,
};
use serde::{Deserialize, Serialize};

pub(crate) const SIGNATURE: HeaderName = HeaderName::from_static("x-toy-signature");

/// How often the client called a function.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counter(Arc<AtomicU32>);

impl Counter {
    pub(crate) fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Toy {
    pub(crate) base_url: BaseUrl,
    pub(crate) api_key: Secret,
    pub(crate) signing_secret: Secret,
    /// The attempt that cannot be authorised.
    pub(crate) unauthorisable: Option<u32>,
    /// How it verifies downloads, and whether it verifies anything.
    pub(crate) streaming: Streaming,
    pub(crate) authorized: Counter,
    pub(crate) verified: Counter,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Streaming {
    Incremental,
    Whole,
    Unsigned,
}

impl Toy {
    pub(crate) fn at(base_url: &str) -> Self {
        Self {
            base_url: BaseUrl::parse("base_url", base_url).unwrap(),
            api_key: Secret::for_header("x-api-key", "made-up-key").unwrap(),
            signing_secret: Secret::text("signing_secret", "made-up-secret").unwrap(),
            unauthorisable: None,
            streaming: Streaming::Incremental,
            authorized: Counter::default(),
            verified: Counter::default(),
        }
    }
}

impl Default for Toy {
    fn default() -> Self {
        Self::at("https://toy.example.test/uat")
    }
}

impl Provider for Toy {
    const NAME: &'static str = "toy";
    const SIGNS_REQUESTS: bool = true;
    const ENVELOPE: KnownMembers =
        KnownMembers::new(&["account", "id", "code"], &["data", "total"]);
    const STATUSES: &'static [u16] = &[200, 201, 400, 401, 429, 500, 503];

    fn base_url(&self) -> &BaseUrl {
        &self.base_url
    }

    /// The "signature" shows its inputs, so that a test sees whether a request was signed again.
    fn authorize(
        &self,
        head: &mut Parts,
        signed: Option<&[u8]>,
        attempt: &Attempt,
    ) -> Result<(), InvalidRequest> {
        self.authorized.count();
        if self.unauthorisable == Some(attempt.number) {
            return Err(InvalidRequest::new("signing_secret", "cannot sign this"));
        }
        let signed = signed.expect("every operation of the toy company says what it signs");
        let signed = [self.signing_secret.expose().as_bytes(), signed].concat();
        let signature = format!(
            "attempt={} time={} nonce={} sum={}",
            attempt.number,
            attempt.now,
            attempt.nonce as u64,
            signed.into_iter().map(u32::from).sum::<u32>(),
        );
        let api_key = self.api_key.header_value("x-api-key")?;
        head.headers.insert("x-api-key", api_key);
        head.headers
            .insert(SIGNATURE, HeaderValue::try_from(signature).unwrap());
        Ok(())
    }

    fn verify(
        &self,
        response: &RawResponse,
        _now: Timestamp,
    ) -> Result<Authenticity, VerificationError> {
        self.verified.count();
        if matches!(self.streaming, Streaming::Unsigned) {
            return Ok(Authenticity::Unsigned);
        }
        let signature = response
            .headers()
            .get(SIGNATURE)
            .ok_or(VerificationError::MissingSignature)?;
        if signature.as_bytes() == response_signature(response.body()).as_bytes() {
            Ok(Authenticity::Signed)
        } else {
            Err(VerificationError::SignatureMismatch)
        }
    }

    fn verify_stream(
        &self,
        head: &ReplyHead,
        _now: Timestamp,
    ) -> Result<StreamVerification, VerificationError> {
        match self.streaming {
            Streaming::Unsigned => Ok(StreamVerification::Unsigned),
            Streaming::Whole => Ok(StreamVerification::Whole),
            Streaming::Incremental => {
                let signature = head.headers().get(SIGNATURE);
                let signature = signature.ok_or(VerificationError::MissingSignature)?;
                Ok(StreamVerification::Incremental(Box::new(Length {
                    signature: signature.clone(),
                    length: 0,
                })))
            }
        }
    }

    /// `x-left: 0 30`: nothing left for 30 seconds.
    fn allowance(&self, response: &RawResponse, _now: Timestamp) -> Option<Allowance> {
        let text = response.headers().get("x-left")?.to_str().ok()?;
        let (left, seconds) = text.split_once(' ')?;
        let wait = Duration::from_secs(seconds.parse().ok()?);
        Some(Allowance::new(left.parse().ok()?).resetting_in(wait))
    }

    fn fault(&self, response: &RawResponse) -> Option<Fault> {
        #[derive(Deserialize)]
        struct Refusal {
            code: String,
            message: Option<String>,
        }
        let refusal = response.untrusted_hint::<Refusal>()?;
        let class = match refusal.code.as_str() {
            "busy" => FaultClass::Transient,
            "both" => FaultClass::Contradictory,
            "bad_key" => FaultClass::Credentials,
            _ => FaultClass::ByStatus,
        };
        let fault = Fault::new()
            .with_code(Some(refusal.code))
            .with_message(refusal.message)
            .with_class(class);
        Some(fault)
    }
}

pub(crate) fn response_signature(body: &[u8]) -> String {
    format!("length={}", body.len())
}

/// The "signature" over a streamed body.
struct Length {
    signature: HeaderValue,
    length: usize,
}

impl BodyVerifier for Length {
    fn update(&mut self, piece: &[u8]) {
        self.length += piece.len();
    }

    fn finish(self: Box<Self>) -> Result<Authenticity, VerificationError> {
        if self.signature == format!("length={}", self.length).as_str() {
            Ok(Authenticity::Signed)
        } else {
            Err(VerificationError::SignatureMismatch)
        }
    }
}

/// Fetches a picture.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Media {
    pub(crate) id: PathId,
}

impl Media {
    pub(crate) fn new() -> Self {
        Self {
            id: PathId::parse("id", "m-1").unwrap(),
        }
    }
}

impl Endpoint for Media {
    type Provider = Toy;
    type Output = Content;
    const OPERATION: Operation = Operation::new("media", "GET /v1/media/{id}", Idempotency::Safe)
        .signing_segment("id")
        .replying_with(&["image/*", "application/pdf"])
        .with_max_reply_bytes(100_000_000);

    fn request<'a>(
        &'a self,
        request: RequestBuilder<'a, Toy>,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        request.segment("id", &self.id).empty()
    }

    fn response(&self, response: &Verified) -> Result<Content, ResponseError> {
        Ok(response.content()?)
    }
}

/// The values of [`Order`]'s parameter.
pub(crate) const SAFE: u8 = 0;
pub(crate) const REPEATABLE: u8 = 1;
pub(crate) const UNSAFE: u8 = 2;
/// Safe, with an operation deadline of 5 seconds.
pub(crate) const HASTY: u8 = 3;
/// Safe, and an operation of another name.
pub(crate) const OTHER: u8 = 4;

/// One operation for each kind of idempotency.
#[derive(Clone, Serialize)]
pub(crate) struct Order<const I: u8> {
    pub(crate) mobile: Mobile,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pan: Option<Pan>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<Email>,
    pub(crate) consent_text: Masked,
    #[serde(skip)]
    pub(crate) id: PathId,
    #[serde(skip)]
    pub(crate) token: Option<Masked>,
    /// Inputs that do not fit together.
    #[serde(skip)]
    pub(crate) contradictory: bool,
    /// How often a response was decoded.
    #[serde(skip)]
    pub(crate) read: Counter,
}

pub(crate) type SafeOrder = Order<SAFE>;
pub(crate) type RepeatableOrder = Order<REPEATABLE>;
pub(crate) type UnsafeOrder = Order<UNSAFE>;
pub(crate) type HastyOrder = Order<HASTY>;
pub(crate) type OtherOrder = Order<OTHER>;

impl<const I: u8> Order<I> {
    pub(crate) fn new() -> Self {
        Self {
            mobile: Mobile::parse("9000000001").unwrap(),
            pan: None,
            email: None,
            consent_text: Masked::new("I agree"),
            id: PathId::parse("id", "ord-1").unwrap(),
            token: None,
            contradictory: false,
            read: Counter::default(),
        }
    }
}

provider_core::open_enum! {
    /// The status of an order.
    pub(crate) enum State {
        /// Not done yet.
        Open = "open",
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Priority {
    Low,
    High,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Reply {
    pub(crate) state: State,
    pub(crate) items: Vec<Item>,
    pub(crate) answers: Option<String>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Item {
    pub(crate) amount: u32,
    pub(crate) priority: Option<Priority>,
}

impl<const I: u8> Endpoint for Order<I> {
    type Provider = Toy;
    type Output = Reply;
    const OPERATION: Operation = {
        let idempotency = match I {
            UNSAFE => Idempotency::Unsafe,
            REPEATABLE => Idempotency::Repeatable,
            _ => Idempotency::Safe,
        };
        let name = match I {
            OTHER => "other-order",
            _ => "order",
        };
        let operation =
            Operation::new(name, "POST /v1/orders/{id}", idempotency).settled_by("list the orders");
        match I {
            HASTY => operation.with_timeout(Duration::from_secs(5)),
            OTHER => operation.with_correlated_reply(),
            _ => operation,
        }
    };

    fn request<'a>(
        &'a self,
        request: RequestBuilder<'a, Toy>,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        if self.contradictory {
            return Err(InvalidRequest::new(
                "consent_text",
                "must be given with a mobile number",
            ));
        }
        request
            .segment("id", &self.id)
            .optional_query("token", self.token.as_ref().map(Masked::expose))
            .json(self)
    }

    fn lint(&self, findings: &mut Findings<'_>) {
        findings.mobile("mobile", &self.mobile);
        if let Some(pan) = &self.pan {
            findings.pan("pan", pan, Some(HolderClass::Person));
        }
        findings.free_text("consent_text", self.consent_text.expose());
    }

    fn response(&self, response: &Verified) -> Result<Reply, ResponseError> {
        self.read.count();
        let reply: Reply = response.json()?;
        if reply.answers.as_deref().is_some_and(|id| id != "ord-1") {
            return Err(VerificationError::OtherRequest.into());
        }
        Ok(reply)
    }
}

pub(crate) const REPLY: &str = r#"{"state":"open","items":[{"amount":7}]}"#;

/// A 200 that the provider signed.
pub(crate) fn signed(body: &str) -> Step {
    signed_with_status(200, body)
}

pub(crate) fn signed_with_status(status: u16, body: &str) -> Step {
    signed_reply(status, &[], body)
}

pub(crate) fn signed_with_headers(headers: &[(&str, &str)], body: &str) -> Step {
    signed_reply(200, headers, body)
}

fn signed_reply(status: u16, headers: &[(&str, &str)], body: &str) -> Step {
    let signature = response_signature(body.as_bytes());
    let name = SIGNATURE;
    let headers = [headers, &[(name.as_str(), signature.as_str())]].concat();
    Step::respond_with(status, &headers, body.to_owned())
}

/// A 200 whose signature is for other bytes.
pub(crate) fn forged() -> Step {
    Step::respond_with(200, &[(SIGNATURE.as_str(), "length=1")], REPLY)
}

/// A client of the invented provider, with everything around it under the test's control.
pub(crate) struct Stage {
    pub(crate) client: Client<Toy>,
    pub(crate) transport: ScriptedTransport,
    pub(crate) clock: FixedClock,
}

impl Stage {
    pub(crate) fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self::with(steps, Toy::default(), |builder| builder)
    }

    pub(crate) fn with(
        steps: impl IntoIterator<Item = Step>,
        toy: Toy,
        settings: impl FnOnce(ClientBuilder<Toy>) -> ClientBuilder<Toy>,
    ) -> Self {
        let transport = ScriptedTransport::new(steps);
        let clock = FixedClock::default();
        let builder = Client::builder(toy)
            .transport(Arc::new(transport.clone()))
            .clock(Arc::new(clock.clone()));
        Self {
            client: settings(builder).build().unwrap(),
            transport,
            clock,
        }
    }

    pub(crate) fn requests(&self) -> usize {
        self.transport.sent().len()
    }
}
