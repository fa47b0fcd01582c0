//! Who has signed in to the operator's page.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use provider_core::http::HeaderMap;
use provider_core::http::header::{COOKIE, HOST};
use provider_core::http::uri::Authority;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

/// How long somebody stays signed in.
const LONGEST: Duration = Duration::from_secs(8 * 60 * 60);

/// How many are signed in at once; the oldest makes room.
const MOST: usize = 64;

/// The name of the cookie that holds the session in a browser. A browser sends it to each port of a machine, so that servers on two of
/// them must not share one.
pub(crate) fn cookie_name(headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = host.and_then(|host| host.parse::<Authority>().ok());
    match host.and_then(|host| host.port_u16()) {
        Some(port) => format!("kyc_journeys_{port}"),
        None => "kyc_journeys".to_owned(),
    }
}

/// Sessions of this process: a restart signs everybody out. Only the digest of what a browser holds is kept.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<VecDeque<Session>>);

struct Session {
    digest: [u8; 32],
    csrf: String,
    until: Instant,
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}

impl Sessions {
    fn all(&self) -> MutexGuard<'_, VecDeque<Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a session with this secret, made of random bits, and the token of its forms.
    pub(crate) fn begin(&self, secret: &str, csrf: String) {
        let now = Instant::now();
        let Some(until) = now.checked_add(LONGEST) else {
            return;
        };
        let mut all = self.all();
        all.retain(|session| session.until > now);
        while all.len() >= MOST {
            all.pop_front();
        }
        all.push_back(Session {
            digest: digest(secret),
            csrf,
            until,
        });
    }

    /// The token of the forms of whoever sent this, if they have signed in.
    pub(crate) fn csrf(&self, headers: &HeaderMap) -> Option<String> {
        let digest = digest(secret(headers)?);
        let now = Instant::now();
        let all = self.all();
        let session = all
            .iter()
            .find(|session| session.digest == digest && session.until > now)?;
        Some(session.csrf.clone())
    }

    pub(crate) fn end(&self, headers: &HeaderMap) {
        if let Some(secret) = secret(headers) {
            let digest = digest(secret);
            self.all().retain(|session| session.digest != digest);
        }
    }
}

/// Of digests: how far two of them agree says nothing of the secrets.
fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

fn secret(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get(COOKIE)?.to_str().ok()?;
    let mut cookies = cookies.split("; ");
    let name = cookie_name(headers);
    cookies.find_map(|cookie| cookie.strip_prefix(&*name)?.strip_prefix('='))
}
