//! Delivers webhooks: at least once, in order within a journey, with retries on the sandbox's clock.

pub(crate) mod script;

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Uri};
use provider_core::{Body, ExchangeLimits, Transport};

use crate::state::{Delivery, Webhook};

/// How long a receiver may take to answer, on the real clock.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest answer that is read.
const ANSWER_BYTES: usize = 64 * 1024;
/// The pauses before the second attempt and so on, in seconds of the sandbox's clock. Own choice.
const PAUSES: [i64; 7] = [30, 120, 600, 3_600, 21_600, 43_200, 86_400];

/// The pause after so many attempts that were not accepted, in milliseconds; none after the last.
pub(crate) fn pause_ms(attempts: usize) -> Option<i64> {
    let pause = PAUSES.get(attempts.checked_sub(1)?)?;
    Some(pause.saturating_mul(1000))
}

/// What sends webhooks, and what they need to know of providers.
#[derive(Clone)]
pub(crate) struct Sender {
    transport: Option<Arc<dyn Transport>>,
    allow_other_machines: bool,
}

impl Sender {
    pub(crate) fn new(transport: Option<Arc<dyn Transport>>, allow_other_machines: bool) -> Self {
        Self {
            transport,
            allow_other_machines,
        }
    }

    /// The URL, if webhooks are sent there, and else what becomes of them.
    pub(crate) fn takes(&self, url: &str) -> Result<Uri, Delivery> {
        let uri = url.parse::<Uri>().map_err(|_| Delivery::UnusableUrl)?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(Delivery::UnusableUrl);
        }
        match self.allow_other_machines || is_loopback(&uri) {
            true => Ok(uri),
            false => Err(Delivery::OtherMachine),
        }
    }

    /// Sends a webhook once.
    pub(crate) async fn send(
        &self,
        webhook: &Webhook,
        url: Option<&str>,
        headers: Vec<(Cow<'static, str>, String)>,
    ) -> Delivery {
        let Some(url) = url else {
            return Delivery::NotSent;
        };
        let uri = match self.takes(url) {
            Ok(uri) => uri,
            Err(refused) => return refused,
        };
        let Some(transport) = &self.transport else {
            return Delivery::NoTransport;
        };
        let mut request = Request::post(uri);
        for (name, value) in headers {
            request = request.header(&*name, value);
        }
        let Ok(request) = request.body(Body::from(webhook.body.to_vec())) else {
            return Delivery::UnusableUrl;
        };
        let limits = ExchangeLimits::new(TIMEOUT, ANSWER_BYTES);
        match tokio::time::timeout(TIMEOUT, transport.send(request, limits)).await {
            Ok(Ok(answer)) => Delivery::Answered(answer.status().as_u16()),
            Ok(Err(_)) | Err(_) => Delivery::Failed,
        }
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

/// Whether a URL leads to this machine.
pub(crate) fn is_loopback(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        for (url, is) in [
            ("http://127.0.0.1:3000/hooks", true),
            ("http://127.9.9.9/hooks", true),
            ("http://[::1]:3000/hooks", true),
            ("http://localhost:3000/hooks", true),
            ("http://LOCALHOST:3000/hooks", true),
            ("http://localhost.example.test/hooks", false),
            ("http://10.0.0.1/hooks", false),
            ("https://lender.example.test/hooks", false),
        ] {
            let uri = url.parse().unwrap_or_default();
            assert_eq!(is_loopback(&uri), is, "{url}");
        }
    }

    #[test]
    fn eight_attempts_are_made() {
        assert_eq!(pause_ms(1), Some(30_000));
        assert_eq!(pause_ms(7), Some(86_400_000));
        assert_eq!((pause_ms(0), pause_ms(8)), (None, None));
    }
}
