//! A peer that writes raw bytes, so that it can send what no HTTP client would.

use std::net::SocketAddr;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use kyc_sandbox::{Sandbox, ServedSandbox, Settings, credentials};
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;

pub(crate) const LOOPBACK: &str = "127.0.0.1:0";
pub(crate) const INIT: &str = "/finpass/api/v1/services/account-aggregator/init";
pub(crate) const INIT_BODY: &str =
    r#"{"mobile_number":"9000000001","consent_type":"loan_underwriting"}"#;

/// Far longer than anything here takes: it only detects hangs.
pub(crate) const TEST_TIMEOUT: Duration = Duration::from_secs(60);

/// The limit of an endless stream.
const MAX_REPEATED: usize = 64 * 1024 * 1024;

pub(crate) async fn serve(settings: Settings) -> (Sandbox, ServedSandbox) {
    let sandbox = Sandbox::new(settings);
    let served = sandbox.serve(LOOPBACK.parse().unwrap()).await.unwrap();
    (sandbox, served)
}

/// One step of a peer.
#[derive(Clone)]
pub(crate) enum Step {
    Send(Vec<u8>),
    /// Sends the same bytes until the write fails.
    Repeat(Vec<u8>),
    /// Sends byte by byte, with a pause before each.
    Trickle(Vec<u8>, Duration),
    /// Shuts down the writing side; the peer still reads.
    HalfClose,
}

impl Step {
    async fn perform(self, stream: &mut OwnedWriteHalf) -> std::io::Result<()> {
        match self {
            Self::Send(bytes) => stream.write_all(&bytes).await,
            Self::Repeat(bytes) => {
                for _ in 0..MAX_REPEATED / bytes.len() {
                    stream.write_all(&bytes).await?;
                }
                panic!("{MAX_REPEATED} bytes were taken");
            }
            Self::Trickle(bytes, pause) => {
                for byte in bytes {
                    tokio::time::sleep(pause).await;
                    stream.write_all(&[byte]).await?;
                }
                Ok(())
            }
            Self::HalfClose => stream.shutdown().await,
        }
    }
}

/// Performs the steps on one connection, and returns what was read until the sandbox closes.
pub(crate) async fn speak(address: SocketAddr, steps: Vec<Step>) -> String {
    let (mut from, mut to) = TcpStream::connect(address).await.unwrap().into_split();
    let writing = async {
        for act in steps {
            // The sandbox may close before it has read everything.
            if act.perform(&mut to).await.is_err() {
                break;
            }
        }
        to
    };
    let reading = async {
        let mut reply = Vec::new();
        let _ = from.read_to_end(&mut reply).await;
        reply
    };
    // The writing half is kept until the end of reading: dropping it would close the connection.
    let both = async { tokio::join!(writing, reading).1 };
    let reply = tokio::time::timeout(TEST_TIMEOUT, both)
        .await
        .expect("no hang");
    String::from_utf8_lossy(&reply).into_owned()
}

/// Sends one write, and returns what was read until the sandbox closes.
pub(crate) async fn raw(address: SocketAddr, request: &[u8]) -> String {
    speak(address, vec![Step::Send(request.to_vec())]).await
}

/// The statuses of all replies, one after the other.
pub(crate) fn statuses(mut replies: &str) -> Vec<u16> {
    let mut statuses = Vec::new();
    while let Some((head, rest)) = replies.split_once("\r\n\r\n") {
        let status: u16 = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        statuses.push(status);
        replies = &rest[length..];
    }
    assert_eq!(replies, "", "no reply is cut off");
    statuses
}

pub(crate) fn body(reply: &str) -> &str {
    reply.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

/// Asserts that an ordinary request still works.
pub(crate) async fn alive(address: SocketAddr) {
    let reply = raw(address, &init(INIT_BODY.as_bytes())).await;
    assert_eq!(statuses(&reply), [200], "{reply}");
}

/// The head of a request to Finpass, with extra headers.
pub(crate) fn init_head(extra: &str) -> String {
    PROVIDERS[0].head(b"", extra)
}

/// A whole request to Finpass.
pub(crate) fn init(body: &[u8]) -> Vec<u8> {
    PROVIDERS[0].request(body)
}

/// An operation from its caller's point of view.
pub(crate) struct Route {
    pub(crate) path: &'static str,
    credentials: &'static [(&'static str, &'static str)],
    /// A body that is accepted.
    pub(crate) good: &'static str,
    pub(crate) success: u16,
    /// The status of the reply to an invalid body, and part of that reply.
    pub(crate) invalid: (u16, &'static str),
}

pub(crate) const PROVIDERS: [Route; 4] = [
    Route {
        path: INIT,
        credentials: &[
            ("x-api-key", credentials::FINPASS_API_KEY),
            ("x-api-secret", credentials::FINPASS_API_SECRET),
        ],
        good: INIT_BODY,
        success: 200,
        invalid: (422, r#""message_code":"validation_error""#),
    },
    Route {
        path: "/finpro/profile",
        credentials: &[
            ("client_id", credentials::FINPRO_CLIENT_ID),
            ("client_secret", credentials::FINPRO_CLIENT_SECRET),
            ("organisationId", credentials::FINPRO_ORGANISATION_ID),
            ("appIdentifier", credentials::FINPRO_APP_IDENTIFIER),
        ],
        good: r#"{"mobileNumber":"9000000001","userConsentId":"ref-1"}"#,
        success: 200,
        invalid: (400, r#""code":"InvalidRequest""#),
    },
    Route {
        path: "/veriff/v1/sessions/d69a07cf-4434-4d36-be6c-d22af7dc01fb/consents",
        credentials: &[("x-auth-client", credentials::VERIFF_API_KEY)],
        good: r#"{"type":"ine","approved":true,"text":"I agree."}"#,
        success: 200,
        invalid: (400, r#""status":"fail""#),
    },
    Route {
        path: "/deepvue/v1/kyc/digilocker/initiate-session",
        credentials: &[
            ("x-api-key", credentials::DEEPVUE_CLIENT_SECRET),
            ("client-id", credentials::DEEPVUE_CLIENT_ID),
        ],
        good: r#"{"consent":"Y","purpose":"p"}"#,
        success: 201,
        invalid: (422, r#""detail":"#),
    },
];

impl Route {
    /// The head of a request. Only Veriff checks `signed`.
    pub(crate) fn head(&self, signed: &[u8], extra: &str) -> String {
        let mut head = format!(
            "POST {} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{extra}",
            self.path
        );
        for (name, value) in self.credentials {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let secret = credentials::VERIFF_SHARED_SECRET.as_bytes();
        let mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
        let signature = hex::encode(mac.chain_update(signed).finalize().into_bytes());
        head.push_str(&format!("x-hmac-signature: {signature}\r\n\r\n"));
        head
    }

    /// A request with correct credentials, signature and length for any body. It closes the connection.
    pub(crate) fn request(&self, body: &[u8]) -> Vec<u8> {
        let framing = format!("connection: close\r\ncontent-length: {}\r\n", body.len());
        [self.head(body, &framing).as_bytes(), body].concat()
    }
}
