//! Webhooks in axum: Veriff's are verified and stored, Finpass's are hints. What takes long is done later, from the inbox.
//!
//! ```sh
//! export VERIFF_API_KEY=… VERIFF_WEBHOOK_SECRET=… FINPASS_WEBHOOK_TOKEN=…
//! cargo run -p kyc-facade --example webhooks_axum
//! ```
#![allow(clippy::print_stderr, reason = "it is for a terminal")]

use std::process::ExitCode;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{FromRef, Path, Request, State};
use axum::routing::post;
use kyc_facade::finpass::FinpassHints;
use kyc_facade::provider_core::webhook::{Meta, PathToken, Receiver, Reply, Scheme, Verified};
use kyc_facade::provider_core::{InvalidRequest, Settings, required_from_environment};
use kyc_facade::veriff_sessions::{VeriffEvent, VeriffWebhooks};
use tokio::sync::mpsc;
use tower::ServiceExt as _;

/// In a service: a table whose rows have `meta.key` under a unique constraint. Here: the channel to the worker.
#[derive(Clone)]
struct Inbox(mpsc::Sender<(Bytes, Meta)>);

impl Inbox {
    async fn put(
        self,
        raw: Bytes,
        meta: Meta,
    ) -> Result<(), mpsc::error::SendError<(Bytes, Meta)>> {
        self.0.send((raw, meta)).await
    }
}

#[derive(Clone)]
struct Hooks {
    veriff: Receiver<VeriffWebhooks>,
    finpass: FinpassHints,
    inbox: Inbox,
}

impl FromRef<Hooks> for Receiver<VeriffWebhooks> {
    fn from_ref(hooks: &Hooks) -> Self {
        hooks.veriff.clone()
    }
}

/// Stored, and answered: a repeat is answered, too, and not stored.
async fn veriff(State(hooks): State<Hooks>, event: Verified<VeriffWebhooks>) -> Reply {
    let inbox = hooks.inbox;
    event.once(|raw, meta| inbox.put(raw, meta)).await
}

/// Nothing of it is believed: the worker asks Finpass.
async fn finpass(State(hooks): State<Hooks>, Path(token): Path<String>, request: Request) -> Reply {
    match hooks.finpass.receive(Some(&token), request).await {
        Ok(_hint) => Reply::Handled,
        Err(refusal) => Reply::Refused(refusal),
    }
}

fn router(hooks: Hooks) -> Router {
    Router::new()
        .route("/hooks/veriff", post(veriff))
        .route("/hooks/finpass/{token}", post(finpass))
        .with_state(hooks)
}

/// Reads what was stored, at its own pace. An event that cannot be read is kept and reported.
async fn work(mut inbox: mpsc::Receiver<(Bytes, Meta)>, mut act: impl FnMut(VeriffEvent)) {
    while let Some((raw, meta)) = inbox.recv().await {
        match VeriffWebhooks::parse(&raw) {
            Ok(event) => act(event),
            Err(unreadable) => eprintln!("{}: {}", meta.key, unreadable.decode()),
        }
    }
}

fn hooks() -> Result<(Hooks, mpsc::Receiver<(Bytes, Meta)>), InvalidRequest> {
    let veriff = VeriffWebhooks::from_settings(&Settings::environment())?;
    let token = required_from_environment("FINPASS_WEBHOOK_TOKEN")?;
    let (sender, receiver) = mpsc::channel(1024);
    let hooks = Hooks {
        veriff: Receiver::new(veriff),
        finpass: FinpassHints::new(PathToken::new(token)?),
        inbox: Inbox(sender),
    };
    Ok((hooks, receiver))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    let (hooks, inbox) = hooks()?;
    let receiver = hooks.veriff.clone();
    let router = router(hooks);
    // Before the first webhook is lost to a layer that changes bytes.
    let send =
        |request: axum::http::Request<Bytes>| router.clone().oneshot(request.map(Body::from));
    receiver.self_test("/hooks/veriff".parse()?, send).await?;

    tokio::spawn(work(inbox, |event| {
        eprintln!("{:?}: {:?}", event.session_id(), event.state());
    }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, router).await?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

    use axum::http::Request;
    use kyc_facade::consent_hmac::{ApiKey, SharedSecret, Signer};
    use kyc_facade::veriff_sessions::SessionState;

    use super::*;

    const TOKEN: &str = "made-up-token-of-a-test-path_000";
    const BODY: &str =
        r#"{"status":"success","verification":{"id":"s-1","status":"approved","code":9001}}"#;

    fn secret() -> SharedSecret {
        SharedSecret::new("abcdef12-abcd-abcd-abcd-abcdef012345").unwrap()
    }

    fn service() -> (
        Router,
        Receiver<VeriffWebhooks>,
        mpsc::Receiver<(Bytes, Meta)>,
    ) {
        let key = ApiKey::new("made-up").unwrap();
        let (sender, inbox) = mpsc::channel(8);
        let hooks = Hooks {
            veriff: Receiver::new(VeriffWebhooks::new(&key, &secret())),
            finpass: FinpassHints::new(PathToken::new(TOKEN).unwrap()),
            inbox: Inbox(sender),
        };
        let receiver = hooks.veriff.clone();
        (router(hooks), receiver, inbox)
    }

    fn signed(signed: &str, body: &'static str) -> Request<Body> {
        let signature = Signer::new(&secret()).sign(signed.as_bytes()).to_string();
        let request = Request::post("/hooks/veriff").header("x-hmac-signature", signature);
        request.body(Body::from(body)).unwrap()
    }

    #[tokio::test]
    async fn an_event_is_stored_once_and_worked_on_later() {
        let (router, _, inbox) = service();
        for expected in [200, 200] {
            let answer = router.clone().oneshot(signed(BODY, BODY)).await.unwrap();
            assert_eq!(answer.status(), expected);
        }
        let forged = router.clone().oneshot(signed("{}", BODY)).await.unwrap();
        assert_eq!(forged.status(), 401);
        drop(router);
        let mut states = Vec::new();
        work(inbox, |event| states.push(event.state())).await;
        assert_eq!(states, [Some(SessionState::Approved)]);
    }

    #[tokio::test]
    async fn a_full_inbox_that_is_closed_lets_the_sender_try_again() {
        let (router, _, inbox) = service();
        drop(inbox);
        let answer = router.oneshot(signed(BODY, BODY)).await.unwrap();
        assert_eq!(answer.status(), 503);
    }

    #[tokio::test]
    async fn a_hint_needs_its_token() {
        let (router, ..) = service();
        for (token, expected) in [(TOKEN, 200), ("another", 404)] {
            let request = Request::post(format!("/hooks/finpass/{token}"));
            let request = request.body(Body::from("{}")).unwrap();
            let answer = router.clone().oneshot(request).await.unwrap();
            assert_eq!(answer.status(), expected);
        }
    }

    #[tokio::test]
    async fn the_bytes_reach_the_receiver_unchanged() {
        let (router, receiver, _inbox) = service();
        let send = |request: Request<Bytes>| router.clone().oneshot(request.map(Body::from));
        let tested = receiver
            .self_test("/hooks/veriff".parse().unwrap(), send)
            .await;
        assert_eq!(tested, Ok(()));
    }
}
