//! A peer that speaks bytes, so that it can say what no HTTP client says.

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

/// Far longer than anything here takes: it finds what hangs, and measures nothing.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// More than anyone should take of something that does not end.
const MOST_REPEATED: usize = 64 * 1024 * 1024;

pub(crate) async fn serve(settings: Settings) -> (Sandbox, ServedSandbox) {
    let sandbox = Sandbox::new(settings);
    let served = sandbox.serve(LOOPBACK.parse().unwrap()).await.unwrap();
    (sandbox, served)
}

/// One thing that a peer does.
#[derive(Clone)]
pub(crate) enum Act {
    Send(Vec<u8>),
    /// The same again and again, until nobody takes it.
    Repeat(Vec<u8>),
    /// Byte by byte, with a pause before each.
    Trickle(Vec<u8>, Duration),
    /// Nothing more will be sent; the peer still reads.
    HalfClose,
}

impl Act {
    async fn perform(self, stream: &mut OwnedWriteHalf) -> std::io::Result<()> {
        match self {
            Self::Send(bytes) => stream.write_all(&bytes).await,
            Self::Repeat(bytes) => {
                for _ in 0..MOST_REPEATED / bytes.len() {
                    stream.write_all(&bytes).await?;
                }
                panic!("{MOST_REPEATED} bytes were taken");
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

/// Does all of it on one connection, and reads until the sandbox closes: what came back.
pub(crate) async fn speak(address: SocketAddr, acts: Vec<Act>) -> String {
    let (mut from, mut to) = TcpStream::connect(address).await.unwrap().into_split();
    let writing = async {
        for act in acts {
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
    // The writing half lives until the end of the reading: dropping it would say more than silence does.
    let both = async { tokio::join!(writing, reading).1 };
    let reply = tokio::time::timeout(PATIENCE, both).await.expect("no hang");
    String::from_utf8_lossy(&reply).into_owned()
}

/// One write, then silence.
pub(crate) async fn raw(address: SocketAddr, request: &[u8]) -> String {
    speak(address, vec![Act::Send(request.to_vec())]).await
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

/// Whatever came before, an ordinary request still works.
pub(crate) async fn alive(address: SocketAddr) {
    let reply = raw(address, &init(INIT_BODY.as_bytes())).await;
    assert_eq!(statuses(&reply), [200], "{reply}");
}

/// The head of a request to Finpass, with whatever headers a test is about.
pub(crate) fn init_head(extra: &str) -> String {
    PROVIDERS[0].head(b"", extra)
}

/// A whole request to Finpass.
pub(crate) fn init(body: &[u8]) -> Vec<u8> {
    PROVIDERS[0].request(body)
}

/// A provider as its caller knows it.
pub(crate) struct Route {
    pub(crate) path: &'static str,
    credentials: &'static [(&'static str, &'static str)],
    /// A body that is accepted.
    pub(crate) good: &'static str,
    pub(crate) success: u16,
    /// What a body that cannot be accepted is answered, and part of the answer.
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
    /// Everything but the body. Only Veriff looks at `signed`.
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

    /// A request whose credentials, signature and length are right, whatever the body is. The connection ends with it.
    pub(crate) fn request(&self, body: &[u8]) -> Vec<u8> {
        let framing = format!("connection: close\r\ncontent-length: {}\r\n", body.len());
        [self.head(body, &framing).as_bytes(), body].concat()
    }
}
