//! Where `kyc listen` sends webhooks on to.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use hyper::body::Bytes;
use kyc_facade::provider_core::http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, header};
use kyc_facade::provider_core::{
    Body, ExchangeLimits, HyperTransport, RequestId, Transport as _, check_person_url,
};

use crate::arguments::parse::web_uri;
use crate::failure::Failure;

/// How long the receiver may take in all. The sender is answered sooner.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer that is read.
const ANSWER_BYTES: usize = 1024 * 1024;
const FIELD: &str = "--forward-to";

/// Where webhooks are sent on to.
pub(super) struct Target {
    uri: Uri,
    transport: HyperTransport,
    /// What marks a webhook that was sent on from here.
    via: HeaderValue,
}

/// Why a webhook was not accepted.
#[derive(Debug)]
pub(super) struct NotAccepted {
    /// What the sender is answered.
    pub(super) status: StatusCode,
    /// Why nothing was answered where it was sent on to. Nothing from the wire.
    pub(super) reason: Option<String>,
}

impl fmt::Display for NotAccepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the receiver did not accept it")
    }
}

impl Error for NotAccepted {}

impl Target {
    /// The address of `--forward-to`.
    pub(super) fn new(text: &str) -> Result<Self, Failure> {
        let uri = web_uri(FIELD, text)?;
        check_person_url(FIELD, text)?;
        let via = format!("1.1 kyc-listen-{}", RequestId::random()?);
        let via = HeaderValue::try_from(via);
        Ok(Self {
            uri,
            transport: HyperTransport::builder().build()?,
            via: via.map_err(|_| Failure::configuration(FIELD, "must be visible ASCII"))?,
        })
    }

    /// Refuses the listener's own address.
    pub(super) fn check_for_loop(&self, listener: SocketAddr) -> Result<(), Failure> {
        if leads_to(&self.uri, listener) {
            let rule = "leads back to this command; give the address of what handles webhooks";
            return Err(Failure::configuration(FIELD, rule));
        }
        Ok(())
    }

    /// Whether a webhook was sent on from here before: by a tunnel, a proxy or another listener it has come back.
    pub(super) fn has_sent(&self, headers: &HeaderMap) -> bool {
        headers.get_all(header::VIA).iter().any(|via| {
            let mut hops = via.as_bytes().split(|byte| *byte == b',');
            hops.any(|hop| hop.trim_ascii() == self.via.as_bytes())
        })
    }

    /// Sends a webhook on: the same bytes and headers, and one that marks it. The status of an answer that accepts it.
    pub(super) async fn forward(
        &self,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<StatusCode, NotAccepted> {
        let mut request = Request::post(self.uri.clone())
            .body(Body::from(body.to_vec()))
            .unwrap_or_default();
        for (name, value) in headers {
            // What belongs to the connection to here.
            let own = [
                header::HOST,
                header::CONTENT_LENGTH,
                header::TRANSFER_ENCODING,
                header::CONNECTION,
            ];
            if !own.contains(name) {
                request.headers_mut().append(name, value.clone());
            }
        }
        request.headers_mut().append(header::VIA, self.via.clone());
        let limits = ExchangeLimits::new(PATIENCE, ANSWER_BYTES);
        let failed = |status, reason| NotAccepted {
            status,
            reason: Some(reason),
        };
        match tokio::time::timeout(PATIENCE, self.transport.send(request, limits)).await {
            Ok(Ok(answer)) if answer.status().is_success() => Ok(answer.status()),
            Ok(Ok(answer)) => Err(NotAccepted {
                status: answer.status(),
                reason: None,
            }),
            Ok(Err(error)) => Err(failed(StatusCode::BAD_GATEWAY, causes(&error))),
            Err(_) => {
                let reason = format!("no answer within {} seconds", PATIENCE.as_secs());
                Err(failed(StatusCode::GATEWAY_TIMEOUT, reason))
            }
        }
    }
}

/// An error and what caused it. A transport's errors have no part of a URL or a body.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.ends_with(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    text
}

/// Whether an address that passed the checks is the listener's: whatever this machine is called in it.
fn leads_to(uri: &Uri, listener: SocketAddr) -> bool {
    let usual = match uri.scheme_str() {
        Some("https") => 443,
        _ => 80,
    };
    let host = uri.host().unwrap_or_default();
    let is_here = check_person_url(FIELD, &format!("http://{host}")).is_ok();
    is_here && uri.port_u16().unwrap_or(usual) == listener.port()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Option<String> {
        let listener = ([127, 0, 0, 1], 18312).into();
        let target = Target::new(text);
        match target.and_then(|target| target.check_for_loop(listener)) {
            Ok(()) => None,
            Err(Failure::Error(error)) => Some(error.to_string()),
            Err(other) => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn no_spelling_of_the_listener_s_own_address_is_forwarded_to() {
        for host in [
            "127.0.0.1",
            "127.0.0.2",
            "localhost",
            "LocalHost",
            "[::1]",
            "[0:0:0:0:0:0:0:1]",
        ] {
            for scheme in ["http", "https", "HTTP"] {
                let text = format!("{scheme}://{host}:18312/veriff");
                let rule = rule(&text).unwrap_or_default();
                assert!(rule.contains("leads back"), "{text}: {rule}");
            }
            assert_eq!(rule(&format!("http://{host}:18313/veriff")), None);
        }
        // Spellings that only a resolver understands are no plain http to this machine.
        for host in [
            "0.0.0.0",
            "[::]",
            "127.1",
            "2130706433",
            "localhost.",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(
                rule(&format!("http://{host}:18312/veriff")).is_some(),
                "{host}"
            );
        }
        assert!(leads_to(
            &"http://localhost".parse().unwrap(),
            ([127, 0, 0, 1], 80).into()
        ));
        assert!(leads_to(
            &"https://[::1]".parse().unwrap(),
            ([127, 0, 0, 1], 443).into()
        ));
    }

    #[test]
    fn what_every_webhook_would_fail_at_is_refused_at_the_start() {
        for text in [
            "http://192.0.2.2:18322/h",
            "http://lender.example.test/h",
            "http://127.0.0.1:99999/h",
            "http://127.0.0.1:0/h",
            "http://user@127.0.0.1/h",
            "127.0.0.1:80/h",
            "ftp://127.0.0.1/h",
        ] {
            assert!(rule(text).is_some(), "{text}");
        }
        assert_eq!(rule("https://192.0.2.2:18312/h"), None);
    }

    #[test]
    fn what_was_sent_on_from_here_is_known_again() {
        let [own, other] = [(); 2].map(|()| Target::new("http://127.0.0.1:1/h").unwrap());
        let mut headers = HeaderMap::new();
        assert!(!own.has_sent(&headers));
        headers.append(header::VIA, other.via.clone());
        assert!(!own.has_sent(&headers));
        let joined = format!("1.1 a, {}", own.via.to_str().unwrap());
        headers.append(header::VIA, joined.parse().unwrap());
        assert!(own.has_sent(&headers));
    }
}
