//! What `kyc listen` tells a running sandbox: to send its webhooks here, and at the end where they went before.

use std::collections::BTreeMap;
use std::time::Duration;

use kyc_facade::provider_core::http::{Request, StatusCode, Uri};
use kyc_facade::provider_core::{
    Body, ExchangeLimits, HyperTransport, Settings, Transport as _, check_person_url,
};
use serde_json::{Map, Value, json};
use tokio::net::TcpStream;

use super::read::text;
use super::running::{Running, URL};
use crate::failure::Failure;

/// The providers whose webhooks go where a portal says.
const PROVIDERS: [&str; 2] = ["veriff", "finpro"];
const PATH: &str = "/sandbox/webhook-urls";
/// Where a listener says what it is to restore.
pub(super) const BEFORE: &str = "/kyc-listen";

/// How long another listener may take to accept a connection, and to say what it is to restore.
const PATIENCE: Duration = Duration::from_millis(500);
const ANSWER_BYTES: usize = 64 * 1024;

/// Where webhooks went before, by provider: the listeners that were there, newest first, and last what none of them set. Nowhere
/// is null.
pub(super) type Before = BTreeMap<&'static str, Vec<Value>>;

/// What a running sandbox was told, to be undone.
pub(super) struct Registration {
    sandbox: Running,
    url: String,
    before: Before,
}

impl Registration {
    /// Tells the running sandbox to send its webhooks to this listener; none if none runs. One that the environment names has to
    /// be there; a file may have been left by one that was killed.
    pub(super) async fn make(url: &str) -> Result<Option<Self>, Failure> {
        let is_named = Settings::environment().optional(URL)?.is_some();
        match Self::made(url).await {
            Ok(registration) => Ok(Some(registration)),
            Err(failure) if is_named => Err(failure),
            Err(_) => Ok(None),
        }
    }

    async fn made(url: &str) -> Result<Self, Failure> {
        let sandbox = Running::find()?;
        let known = sandbox.get(PATH).await?;
        let mut before = Before::new();
        for provider in PROVIDERS {
            let current = known.get(provider).cloned().unwrap_or_default();
            let behind = match current.as_str() {
                Some(url) => behind(url, provider).await,
                None => None,
            };
            let mut chain = vec![current];
            chain.extend(behind.into_iter().flatten());
            before.insert(provider, chain);
        }
        let here = PROVIDERS.map(|provider| (provider.to_owned(), at(url, provider).into()));
        let here = Value::Object(Map::from_iter(here));
        sandbox.post(PATH, &here).await?;
        Ok(Self {
            sandbox,
            url: url.to_owned(),
            before,
        })
    }

    /// What is to be restored.
    pub(super) fn before(&self) -> &Before {
        &self.before
    }

    /// Restores what was before, where nobody has told the sandbox anything else since; not a listener that has ended. The
    /// listener's socket is closed by then: so whichever of two that end at the same time is later sees what the other one left.
    pub(super) async fn undo(self) {
        for (provider, chain) in &self.before {
            // The sandbox may have ended before.
            let _ = self.restore(provider, chain).await;
        }
    }

    async fn restore(&self, provider: &str, chain: &[Value]) -> Result<(), Failure> {
        let mut own = Value::from(at(&self.url, provider));
        for (at, url) in chain.iter().enumerate() {
            // What no listener set is restored whether somebody listens there or not.
            let is_last = at.saturating_add(1) == chain.len();
            if !is_last && !listens(url).await {
                continue;
            }
            if self.sandbox.get(PATH).await?.get(provider) != Some(&own) {
                return Ok(());
            }
            self.sandbox.post(PATH, &json!({ provider: url })).await?;
            if is_last || listens(url).await {
                return Ok(());
            }
            own = url.clone();
        }
        Ok(())
    }
}

fn at(url: &str, provider: &str) -> String {
    format!("{url}/{provider}")
}

/// The address of a server of this machine; none of any other.
fn here(url: &str) -> Option<Uri> {
    let uri: Uri = url.parse().ok()?;
    let is_here = uri.scheme_str() == Some("http") && check_person_url("url", url).is_ok();
    is_here.then_some(uri)
}

/// Whether somebody listens there.
async fn listens(url: &Value) -> bool {
    let authority = url.as_str().and_then(here);
    let authority =
        authority.and_then(|uri| uri.authority().map(|authority| authority.to_string()));
    let Some(authority) = authority else {
        return false;
    };
    let connecting = TcpStream::connect(authority);
    tokio::time::timeout(PATIENCE, connecting)
        .await
        .is_ok_and(|connected| connected.is_ok())
}

/// What the listener at this address is to restore for a provider; none if there is no listener.
async fn behind(url: &str, provider: &str) -> Option<Vec<Value>> {
    let authority = here(url)?.authority()?.to_string();
    let request = Request::get(format!("http://{authority}{BEFORE}"));
    let request = request.body(Body::default()).ok()?;
    let transport = HyperTransport::builder().without_tls().build().ok()?;
    let limits = ExchangeLimits::new(PATIENCE, ANSWER_BYTES);
    let asked = tokio::time::timeout(PATIENCE, transport.send(request, limits));
    let answer = asked.await.ok()?.ok()?;
    if answer.status() != StatusCode::OK {
        return None;
    }
    let told: Value = serde_json::from_slice(answer.body()).ok()?;
    if text(&told, "listens") != Some("kyc") {
        return None;
    }
    let chain = told.pointer(&format!("/before/{provider}"))?.as_array()?;
    let is_address = |url: &Value| url.is_null() || url.is_string();
    chain.iter().all(is_address).then(|| chain.clone())
}
