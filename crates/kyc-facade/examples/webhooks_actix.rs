//! Webhooks in actix-web, whose types are of another generation of `http`: headers are copied, and the payload is a stream.
//!
//! ```sh
//! export VERIFF_API_KEY=… VERIFF_WEBHOOK_SECRET=…
//! cargo run -p kyc-facade --example webhooks_actix
//! ```
#![allow(clippy::print_stderr, reason = "it is for a terminal")]

use std::process::ExitCode;

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Payload};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use futures_util::StreamExt as _;
use http_body_util::StreamBody;
use hyper::body::Frame;
use kyc_facade::provider_core::Settings;
use kyc_facade::provider_core::bytes::Bytes;
use kyc_facade::provider_core::http::{self, Request};
use kyc_facade::provider_core::webhook::{Meta, Receiver, Reply};
use kyc_facade::veriff_sessions::VeriffWebhooks;
use tokio::sync::mpsc;

type Inbox = mpsc::Sender<(Bytes, Meta)>;

/// The receiver reads the payload itself, with its own cap and deadline. Headers keep their order and their repeats.
async fn veriff(
    receiver: Data<Receiver<VeriffWebhooks>>,
    inbox: Data<Inbox>,
    request: HttpRequest,
    payload: Payload,
) -> HttpResponse {
    let pieces = payload.map(|piece| piece.map(Frame::data).map_err(|error| error.to_string()));
    let mut received = Request::builder().method(request.method().as_str());
    for (name, value) in request.headers() {
        received = received.header(name.as_str(), value.as_bytes());
    }
    let reply = match received.body(StreamBody::new(pieces)) {
        Ok(received) => {
            let inbox = inbox.get_ref().clone();
            let store = |raw, meta| async move { inbox.send((raw, meta)).await };
            receiver.handle(received, store).await
        }
        Err(error) => Reply::HandlerFailed(error.into()),
    };
    let status: http::StatusCode = reply.status();
    let status = StatusCode::from_u16(status.as_u16());
    HttpResponse::new(status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE))
}

fn routes(
    receiver: Receiver<VeriffWebhooks>,
    inbox: Inbox,
) -> impl FnOnce(&mut web::ServiceConfig) + Clone {
    move |config| {
        config
            .app_data(Data::new(receiver))
            .app_data(Data::new(inbox))
            .route("/hooks/veriff", web::post().to(veriff));
    }
}

fn main() -> ExitCode {
    match actix_web::rt::System::new().block_on(serve()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    let webhooks = VeriffWebhooks::from_settings(&Settings::environment())?;
    let (sender, mut inbox) = mpsc::channel(1024);
    let routes = routes(Receiver::new(webhooks), sender);
    actix_web::rt::spawn(async move {
        while let Some((_, meta)) = inbox.recv().await {
            eprintln!("{}", meta.key);
        }
    });
    let server = HttpServer::new(move || App::new().configure(routes.clone()));
    Ok(server.workers(1).bind("127.0.0.1:3000")?.run().await?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

    use actix_web::test::{TestRequest, call_service, init_service};
    use kyc_facade::consent_hmac::{ApiKey, SharedSecret, Signer};

    use super::*;

    const BODY: &str = r#"{"status":"success","verification":{"id":"s-1","status":"approved"}}"#;

    #[test]
    fn genuine_events_are_stored_once_and_others_are_refused() {
        actix_web::rt::System::new().block_on(genuine_and_other_events());
    }

    async fn genuine_and_other_events() {
        let secret = SharedSecret::new("abcdef12-abcd-abcd-abcd-abcdef012345").unwrap();
        let key = ApiKey::new("made-up").unwrap();
        let receiver = Receiver::new(VeriffWebhooks::new(&key, &secret)).with_max_body_bytes(1000);
        let (sender, mut inbox) = mpsc::channel(8);
        let app = init_service(App::new().configure(routes(receiver, sender))).await;
        let sign = |body: &str| Signer::new(&secret).sign(body.as_bytes()).to_string();
        let request = |signature: String, body: &str| {
            let request = TestRequest::post().uri("/hooks/veriff");
            let request = request.insert_header(("x-hmac-signature", signature));
            request.set_payload(body.to_owned()).to_request()
        };
        for expected in [200, 200] {
            let answer = call_service(&app, request(sign(BODY), BODY)).await;
            assert_eq!(answer.status().as_u16(), expected);
        }
        let forged = call_service(&app, request(sign("{}"), BODY)).await;
        assert_eq!(forged.status().as_u16(), 401);
        let long = " ".repeat(1001);
        let long = call_service(&app, request(sign(&long), &long)).await;
        assert_eq!(long.status().as_u16(), 413);
        let mut repeated = TestRequest::post().uri("/hooks/veriff");
        for _ in 0..2 {
            repeated = repeated.append_header(("x-hmac-signature", sign(BODY)));
        }
        let repeated = repeated.set_payload(BODY).to_request();
        let repeated = call_service(&app, repeated).await;
        assert_eq!(repeated.status().as_u16(), 401);

        let (raw, meta) = inbox.try_recv().unwrap();
        assert_eq!((&raw[..], meta.provider), (BODY.as_bytes(), "veriff"));
        assert!(inbox.try_recv().is_err());
    }
}
