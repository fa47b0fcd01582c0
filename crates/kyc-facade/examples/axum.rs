//! An onboarding behind a web handler: the applicant as JSON in, the report as JSON out.
//!
//! ```sh
//! kyc sandbox     # in another terminal; copy its export lines into this one
//! cargo run -p kyc-facade --example axum
//! curl -d '{"mobile":"9000000001","reference":"application-4711"}' http://127.0.0.1:3000/onboardings
//! ```
#![allow(clippy::print_stderr, reason = "it is for a terminal")]

use std::future::IntoFuture as _;
use std::process::ExitCode;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use kyc_facade::provider_core::serde_json::{Value, json};
use kyc_facade::provider_core::{Error, request_from_json};
use kyc_facade::{Applicant, Kyc};

/// The error of an input names the member and the rule, never the value. The onboarding is spawned, because the framework
/// drops this future when the browser disconnects: what was begun must be finished, and its end must be known.
async fn onboard(State(kyc): State<Kyc>, body: Bytes) -> (StatusCode, Json<Value>) {
    let applicant: Applicant = match request_from_json(&body) {
        Ok(applicant) => applicant,
        Err(error) => {
            let error = json!({ "field": error.field(), "rule": error.rule() });
            return (StatusCode::BAD_REQUEST, Json(error));
        }
    };
    // In a service: rows of a journal, from which what was begun can be reconciled after a crash.
    let onboarding = kyc
        .onboard(applicant)
        .with_observer(|event| eprintln!("{}", json!(event)));
    match tokio::spawn(onboarding.into_future()).await {
        // Keep the report: `resume_from` goes on from it. The URLs are for this person's browser only.
        Ok(report) => (StatusCode::OK, Json(json!(report.with_urls()))),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, Json(Value::Null)),
    }
}

fn router(kyc: Kyc) -> Router {
    Router::new()
        .route("/onboardings", post(onboard))
        .with_state(kyc)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    // Returned from `main`, an error would be printed as Rust's `Debug`, without its causes.
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(report) => {
            eprintln!("{report}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), String> {
    let kyc = Kyc::from_environment().map_err(|error: Error| error.report())?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await;
    let listener = listener.map_err(|error| error.to_string())?;
    let served = axum::serve(listener, router(kyc)).await;
    served.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::arithmetic_side_effects,
        reason = "a failed expectation ends the test"
    )]

    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use kyc_facade::provider_core::capability::{
        AggregatorConsent, AggregatorConsentRequest, AggregatorConsentSession, BrowserUrl,
        ProviderReference,
    };
    use kyc_facade::provider_core::{CallOptions, async_trait};
    use tower::ServiceExt as _;

    use super::*;

    /// Opens a consent within five seconds, and counts those that it finished.
    #[derive(Debug, Clone, Default)]
    struct Slow(Arc<Mutex<usize>>);

    #[async_trait]
    impl AggregatorConsent for Slow {
        fn provider_name(&self) -> &'static str {
            "slow"
        }

        fn check_request(&self, _: &AggregatorConsentRequest) -> Result<(), Error> {
            Ok(())
        }

        async fn open_consent(
            &self,
            _: AggregatorConsentRequest,
            _: CallOptions,
        ) -> Result<AggregatorConsentSession, Error> {
            tokio::time::sleep(Duration::from_secs(5)).await;
            *self.0.lock().unwrap() += 1;
            let url = BrowserUrl::new("https://consent.example.test");
            let reference = ProviderReference::parse("c-1")?;
            Ok(AggregatorConsentSession::new(reference, url, None))
        }
    }

    fn post_to(slow: &Slow, body: &'static str) -> impl Future<Output = (StatusCode, Value)> {
        let kyc = Kyc::builder()
            .aggregator_consent(Arc::new(slow.clone()))
            .build();
        let request = Request::post("/onboardings")
            .body(Body::from(body))
            .unwrap();
        async move {
            let reply = router(kyc).oneshot(request).await.unwrap();
            let status = reply.status();
            let body = to_bytes(reply.into_body(), 64 * 1024).await.unwrap();
            (
                status,
                kyc_facade::provider_core::serde_json::from_slice(&body).unwrap(),
            )
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_report_is_the_reply() {
        let (status, report) = post_to(&Slow::default(), r#"{"mobile":"9000000001"}"#).await;
        assert_eq!(
            (status, &report["complete"]),
            (StatusCode::OK, &json!(true))
        );
        assert_eq!(
            report["steps"][3]["value"]["url"],
            "https://consent.example.test"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_invalid_input_is_named() {
        let (status, error) = post_to(&Slow::default(), r#"{"mobile":"CANARY"}"#).await;
        assert_eq!(
            (status, &error["field"]),
            (StatusCode::BAD_REQUEST, &json!("mobile"))
        );
        assert!(!error.to_string().contains("CANARY"));
    }

    #[tokio::test(start_paused = true)]
    async fn an_onboarding_ends_although_the_browser_has_gone() {
        let slow = Slow::default();
        let reply = post_to(&slow, r#"{"mobile":"9000000001"}"#);
        assert!(
            tokio::time::timeout(Duration::from_secs(1), reply)
                .await
                .is_err()
        );
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(*slow.0.lock().unwrap(), 1);
    }
}
