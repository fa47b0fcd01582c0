//! Webhooks on hyper alone: FinPro's, whose signature is configured as the installation sends it.
//!
//! ```sh
//! export FINPRO_WEBHOOK_SECRET=… FINPRO_WEBHOOK_HEADER=x-as-your-installation-sends-it
//! cargo run -p kyc-facade --example webhooks_hyper
//! ```
#![allow(clippy::print_stderr, reason = "it is for a terminal")]

use std::convert::Infallible;
use std::error::Error;
use std::process::ExitCode;

use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use kyc_facade::finpro_fiu::{FinproEvent, FinproWebhooks};
use kyc_facade::provider_core::bytes::Bytes;
use kyc_facade::provider_core::http::HeaderName;
use kyc_facade::provider_core::required_from_environment;
use kyc_facade::provider_core::secrecy::ExposeSecret as _;
use kyc_facade::provider_core::webhook::{
    Encoding, HeaderSignature, KeyForm, Meta, Receiver, Reply, Scheme as _, Secrets, SignedText,
};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

type Inbox = mpsc::Sender<(Bytes, Meta)>;

/// Whatever the path is: one receiver, one address. The receiver answers what is no POST, too long, too slow or not authentic.
async fn answer(
    receiver: Receiver<FinproWebhooks>,
    inbox: Inbox,
    request: Request<Incoming>,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    let store = |raw, meta| async move { inbox.send((raw, meta)).await };
    let reply: Reply = receiver.handle(request, store).await;
    Ok(reply.to_response())
}

async fn serve(
    listener: TcpListener,
    receiver: Receiver<FinproWebhooks>,
    inbox: Inbox,
) -> std::io::Result<Infallible> {
    loop {
        let (stream, _) = listener.accept().await?;
        let (receiver, inbox) = (receiver.clone(), inbox.clone());
        let service = service_fn(move |request| answer(receiver.clone(), inbox.clone(), request));
        // The timer bounds how slowly a head may arrive; the receiver bounds the body.
        let mut server = http1::Builder::new();
        server.timer(TokioTimer::new());
        tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
    }
}

/// The state that each event tells, in whatever order they came: `Progress` sorts out late and repeated ones.
async fn work(mut inbox: mpsc::Receiver<(Bytes, Meta)>, mut act: impl FnMut(FinproEvent)) {
    while let Some((raw, meta)) = inbox.recv().await {
        match FinproWebhooks::parse(&raw) {
            Ok(event) => act(event),
            Err(unreadable) => eprintln!("{}: {}", meta.key, unreadable.decode()),
        }
    }
}

fn receiver(header: HeaderName, secrets: Secrets) -> Receiver<FinproWebhooks> {
    let signature = HeaderSignature::new(header, Encoding::Hex, SignedText::Body, secrets);
    Receiver::new(FinproWebhooks::new(signature))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(never) => match never {},
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<Infallible, Box<dyn Error>> {
    let header = required_from_environment("FINPRO_WEBHOOK_HEADER")?;
    let header = HeaderName::try_from(header.expose_secret())?;
    let secrets = Secrets::from_environment("FINPRO_WEBHOOK_SECRET", KeyForm::Text)?;
    let (sender, inbox) = mpsc::channel(1024);
    tokio::spawn(work(inbox, |event| {
        eprintln!("{:?}", event.consent_handle())
    }));
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    Ok(serve(listener, receiver(header, secrets), sender).await?)
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a failed expectation ends the test"
    )]

    use kyc_facade::finpro_fiu::ConsentState;
    use kyc_facade::provider_core::webhook::{Signed, SigningKey};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const HEADER: HeaderName = HeaderName::from_static("x-made-up-signature");
    const BODY: &str = r#"{"consentHandle":"h-1","eventType":"CONSENT","eventStatus":"CONSENT_APPROVED","consentId":"c-1","timestamp":"2026-01-01T00:00:00Z"}"#;

    #[tokio::test]
    async fn one_connection_carries_genuine_and_forged_ones() {
        let key = SigningKey::new("made-up-secret", KeyForm::Text).unwrap();
        let receiver = receiver(HEADER, key.clone().into());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, mut inbox) = mpsc::channel(8);
        tokio::spawn(serve(listener, receiver, sender));

        let genuine = Encoding::Hex.encode(&key.sign(Signed::body(BODY.as_bytes())));
        let forged = Encoding::Hex.encode(&key.sign(Signed::body(b"{}")));
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        for signature in [&genuine, &forged, &genuine] {
            let length = BODY.len();
            let request = format!(
                "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n{HEADER}: {signature}\r\n\r\n{BODY}"
            );
            stream.write_all(request.as_bytes()).await.unwrap();
        }
        stream.shutdown().await.unwrap();
        let mut answers = String::new();
        stream.read_to_string(&mut answers).await.unwrap();
        let answers = answers.split("HTTP/1.1 ").skip(1);
        let statuses: Vec<_> = answers.map(|answer| &answer[..3]).collect();
        assert_eq!(statuses, ["200", "401", "200"]);

        let (raw, _) = inbox.try_recv().unwrap();
        assert!(inbox.try_recv().is_err());
        let FinproEvent::Consent(event) = FinproWebhooks::parse(&raw).unwrap() else {
            panic!("consent");
        };
        assert_eq!(event.state(), Some(ConsentState::Active));
    }
}
