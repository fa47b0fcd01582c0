//! The capability's conformance suite against the in-process sandbox, and what becomes of an unclear decision.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use kyc_sandbox::settings::Failure;
use kyc_sandbox::{DecisionStatus, Sandbox, SandboxTransport, Settings, VeriffSettings};
use provider_core::capability::{
    IdentityVerification, ProviderReference, SessionReference, Verdict, VerificationDecision,
    VerificationRequest, VerificationSession,
};
use provider_core::http::StatusCode;
use provider_core::testing::{ScriptedTransport, Step, conformance};
use provider_core::{CallOptions, Error, ErrorKind, Outcome, RawResponse, Transport, async_trait};
use serde_json::json;
use veriff_sessions::SessionsClient;

use crate::{SESSION, client, client_at, signed};

fn request() -> VerificationRequest {
    VerificationRequest::new()
        .set_name("Sample", "Person")
        .set_date_of_birth("1990-02-03")
        .set_own_reference("application-4711")
        .set_return_url("https://lender.example.test/back")
}

fn session() -> SessionReference {
    SessionReference::new(ProviderReference::parse(SESSION).unwrap())
}

/// Runs the suite on what `implement` makes of a client.
async fn suite(implement: fn(SessionsClient) -> Arc<dyn IdentityVerification>) {
    let peer = |failure| {
        let veriff = VeriffSettings::default().with_failure(failure);
        Sandbox::new(Settings::default().with_veriff(veriff))
    };
    let answers = peer(None);
    let transport = |sandbox: &Sandbox| -> Arc<dyn Transport> { Arc::new(sandbox.transport()) };
    let setup = conformance::Setup::new(
        transport(&answers),
        transport(&peer(Some(Failure::new(400)))),
        transport(&peer(Some(Failure::new(503).after_effect()))),
        move |transport| implement(client_at(&SandboxTransport::base_urls().veriff, transport)),
    );
    let decide = |reference: &ProviderReference, verdict: &Verdict| {
        let decision = match verdict {
            Verdict::Approved => DecisionStatus::Approved,
            Verdict::Declined => DecisionStatus::Declined,
            Verdict::ResubmissionRequested => DecisionStatus::ResubmissionRequested,
            Verdict::Expired => DecisionStatus::Abandoned,
            Verdict::Review => DecisionStatus::Review,
            _ => return false,
        };
        answers.decide(reference.as_str(), decision)
    };
    conformance::identity_verification(&setup, request(), decide).await;
}

#[tokio::test(start_paused = true)]
async fn veriff_implements_identity_verification() {
    suite(|client| Arc::new(client)).await;
}

/// Veriff with one flaw: each function is what one looks like.
#[derive(Clone)]
struct Flawed {
    client: SessionsClient,
    request: fn(VerificationRequest) -> VerificationRequest,
    options: fn(CallOptions) -> CallOptions,
    session: fn(SessionReference) -> SessionReference,
    repeats: fn(&Error) -> bool,
    error: fn(Error) -> Error,
    decides: fn(Result<VerificationDecision, Error>) -> Result<VerificationDecision, Error>,
    printed: &'static str,
}

impl Flawed {
    fn new(client: SessionsClient) -> Self {
        Self {
            client,
            request: |request| request,
            options: |options| options,
            session: |session| session,
            repeats: |_| false,
            error: |error| error,
            decides: |decided| decided,
            printed: "Flawed",
        }
    }
}

impl fmt::Debug for Flawed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.printed)
    }
}

#[async_trait]
impl IdentityVerification for Flawed {
    fn provider_name(&self) -> &'static str {
        self.client.provider_name()
    }

    fn check_verification(&self, request: &VerificationRequest) -> Result<(), Error> {
        self.client.check_verification(request)
    }

    async fn open_verification(
        &self,
        request: VerificationRequest,
        options: CallOptions,
    ) -> Result<VerificationSession, Error> {
        let (request, options) = ((self.request)(request), (self.options)(options));
        let opened = self
            .client
            .open_verification(request.clone(), options.clone())
            .await;
        match opened {
            Err(error) if (self.repeats)(&error) => {
                self.client.open_verification(request, options).await
            }
            opened => opened,
        }
        .map_err(self.error)
    }

    async fn read_verdict(
        &self,
        session: SessionReference,
        options: CallOptions,
    ) -> Result<VerificationDecision, Error> {
        let session = (self.session)(session);
        (self.decides)(self.client.read_verdict(session, options).await)
    }
}

/// The suite fails on each flaw, and on nothing else.
#[test]
fn the_suite_finds_what_an_implementation_does_wrong() {
    type Implement = fn(SessionsClient) -> Arc<dyn IdentityVerification>;
    let passes = |implement: Implement| {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        catch_unwind(AssertUnwindSafe(|| runtime.block_on(suite(implement)))).is_ok()
    };
    macro_rules! flaw {
        ($($member:ident: $flaw:expr),*) => {
            |client| Arc::new(Flawed { $($member: $flaw,)* ..Flawed::new(client) })
        };
    }
    assert!(passes(flaw!()));
    let flaws: [(&str, Implement); 10] = [
        ("repeats what is open", flaw!(repeats: Error::is_unsettled)),
        (
            "repeats a refusal",
            flaw!(repeats: |error| error.outcome() == Outcome::Refused),
        ),
        (
            "says that nothing was sent",
            flaw!(error: |error| Error::new(error.kind(), Outcome::NotSent).at("veriff", "open")),
        ),
        (
            "forgets the request id",
            flaw!(options: |_| CallOptions::new().with_timeout(Duration::from_secs(30))),
        ),
        (
            "forgets the deadline",
            flaw!(error: |error| match error.kind() {
                ErrorKind::Timeout => Error::new(ErrorKind::Transport, error.outcome()),
                _ => error,
            }),
        ),
        (
            "sends what breaks a rule",
            flaw!(request: |request| VerificationRequest::new().set_return_url(
                request.return_url.unwrap()
            )),
        ),
        (
            "reads another provider's session",
            flaw!(session: |session| session.set_provider(None)),
        ),
        (
            "believes a reply to another request",
            flaw!(decides: |decided| match decided {
                Err(error) if error.kind() == ErrorKind::Verification => {
                    Ok(VerificationDecision::new(Verdict::Approved, None))
                }
                decided => decided,
            }),
        ),
        (
            "approves whoever is pending",
            flaw!(decides: |decided| {
                decided.map(|_| VerificationDecision::new(Verdict::Approved, None))
            }),
        ),
        ("prints a name", flaw!(printed: "of Sample")),
    ];
    for (flaw, implement) in flaws {
        assert!(!passes(implement), "{flaw}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_what_is_known_of_a_person_is_sent() {
    let body = format!(
        r#"{{"status":"success","verification":{{"id":"{SESSION}","url":"https://u.test/v/token"}}}}"#
    );
    let full = json!({"verification": {
        "callback": "https://lender.example.test/back",
        "person": {"firstName": "Sample", "lastName": "Person", "dateOfBirth": "1990-02-03"},
        "vendorData": "application-4711",
    }});
    for (request, sent) in [
        (VerificationRequest::new(), json!({"verification": {}})),
        (request(), full),
    ] {
        let reply = RawResponse::new(
            StatusCode::CREATED,
            signed(body.as_bytes()),
            body.clone().into(),
        );
        let transport = ScriptedTransport::new([Step::Respond(reply)]);
        let session = client(transport.clone())
            .open_verification(request, CallOptions::new())
            .await
            .unwrap();
        assert_eq!(
            (session.reference.as_str(), session.url.expose()),
            (SESSION, "https://u.test/v/token")
        );
        assert_eq!(transport.only().json(), sent);
    }
}

/// The text is kept, and is no approval, whatever it says.
#[tokio::test(start_paused = true)]
async fn an_unclear_decision_keeps_its_text_and_approves_nobody() {
    for (members, text) in [
        (r#""status":"made_up""#, "made_up"),
        (r#""status":"approved","code":9102"#, "approved"),
        (r#""status":[7]"#, ""),
        (r#""code":9000"#, ""),
    ] {
        let body = format!(r#"{{"verification":{{"id":"{SESSION}",{members}}}}}"#);
        let reply = RawResponse::new(StatusCode::OK, signed(body.as_bytes()), body.into());
        let transport = ScriptedTransport::new([Step::Respond(reply)]);
        let decision = client(transport)
            .read_verdict(session(), CallOptions::new())
            .await
            .unwrap();
        assert_eq!(decision.verdict, Verdict::Unclear(text.into()), "{members}");
        assert_eq!(decision.verdict.as_str(), "unclear");
        assert!(!decision.verdict.is_final());
        assert!(text.is_empty() || !format!("{decision:?}").contains(text));
    }
}

/// A session was created, and nobody can be sent to it.
#[tokio::test(start_paused = true)]
async fn a_session_without_a_url_is_a_decode_error() {
    let body = format!(r#"{{"status":"success","verification":{{"id":"{SESSION}"}}}}"#);
    let reply = RawResponse::new(StatusCode::CREATED, signed(body.as_bytes()), body.into());
    let error = client(ScriptedTransport::new([Step::Respond(reply)]))
        .open_verification(VerificationRequest::new(), CallOptions::new())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.outcome()),
        (ErrorKind::Decode, Outcome::Done)
    );
    let place = error.decode().unwrap().to_string();
    assert!(place.contains("$.verification.url"), "{place}");
}
