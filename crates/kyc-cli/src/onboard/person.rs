//! Who takes the person's part while an onboarding is completed, and how time passes meanwhile.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::time::Duration;

use kyc_facade::provider_core::http::{Request, StatusCode, Uri, header};
use kyc_facade::provider_core::{
    Body, CallOptions, ExchangeLimits, HyperTransport, Transport as _,
};
use kyc_sandbox::Sandbox;
use tokio::time::Instant;

use super::browser::Returns;
use crate::sandbox::Running;
use crate::sandbox::read::text;

/// How far the sandbox's clock is moved at first, so that its person acts and its data comes; each time a tenth further.
const STEP: Duration = Duration::from_secs(60);
/// How far it is moved at once, at most.
const LONGEST_STEP: Duration = Duration::from_secs(60 * 60);
/// How far it is moved in all: nobody has more than a week for anything.
const LONGEST: Duration = Duration::from_secs(8 * 24 * 60 * 60);
/// The pause between two questions where the clock runs by itself.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a page of this machine may take, and how much of it is read.
const PAGE: ExchangeLimits = ExchangeLimits::new(Duration::from_secs(5), 1024 * 1024);

/// Who takes the person's part, and until when.
pub(crate) struct Person {
    part: Part,
    deadline: Option<Instant>,
}

enum Part {
    /// The script in the mobile number, in a sandbox whose clock is moved.
    Scripted {
        sandbox: Sandbox,
        step: Cell<Duration>,
        left: Cell<Duration>,
    },
    /// Somebody at a browser, or the script in the mobile number, in a sandbox that runs elsewhere.
    Elsewhere(Box<Running>),
    /// Somebody at a browser, which comes back to this command.
    AtBrowser {
        returns: RefCell<Returns>,
        known: RefCell<HashMap<String, String>>,
    },
}

/// How a person came back, or did not.
pub(crate) enum Return {
    /// To this URL.
    Came(String),
    /// The link works no longer, and nobody finished there.
    LinkExpired,
    /// Nobody came in time.
    NoAnswer,
}

impl Person {
    pub(crate) fn scripted(sandbox: Sandbox, deadline: Option<Instant>) -> Self {
        let (step, left) = (Cell::new(STEP), Cell::new(LONGEST));
        let part = Part::Scripted {
            sandbox,
            step,
            left,
        };
        Self { part, deadline }
    }

    pub(crate) fn elsewhere(sandbox: Running, deadline: Instant) -> Self {
        Self {
            part: Part::Elsewhere(Box::new(sandbox)),
            deadline: Some(deadline),
        }
    }

    pub(crate) fn at_browser(returns: Returns, deadline: Option<Instant>) -> Self {
        let (returns, known) = (RefCell::new(returns), RefCell::default());
        let part = Part::AtBrowser { returns, known };
        Self { part, deadline }
    }

    /// Whether the person acts by script alone, on a clock that only this command moves.
    pub(crate) fn is_scripted(&self) -> bool {
        matches!(self.part, Part::Scripted { .. })
    }

    /// Whether a sandbox that runs elsewhere tells of the person.
    pub(crate) fn is_of_a_sandbox(&self) -> bool {
        matches!(self.part, Part::Elsewhere(_))
    }

    /// How long is waited, if not for ever.
    pub(crate) fn patience(&self) -> Option<Duration> {
        let deadline = self.deadline?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }

    /// The options of a call that ends with the waiting.
    pub(crate) fn options(&self) -> CallOptions {
        match self.patience() {
            Some(left) => CallOptions::default().with_time_limit(left),
            None => CallOptions::default(),
        }
    }

    /// Lets time pass. `false` once it is time to give up.
    pub(crate) async fn wait(&self) -> bool {
        let pause = self.patience().map_or(PAUSE, |left| left.min(PAUSE));
        match &self.part {
            Part::Scripted {
                sandbox,
                step,
                left,
            } => {
                sandbox.advance(step.get()).await;
                left.set(left.get().saturating_sub(step.get()));
                step.set(step.get().mul_f64(1.1).min(LONGEST_STEP));
                if left.get().is_zero() {
                    return false;
                }
            }
            Part::Elsewhere(_) | Part::AtBrowser { .. } => tokio::time::sleep(pause).await,
        }
        self.patience() != Some(Duration::ZERO)
    }

    /// How the person came back from the session with this id, to which this link leads.
    pub(crate) async fn return_of(&self, id: &str, link: &str) -> Return {
        let page = Page::of(link);
        loop {
            // A browser may come back while it is asked.
            let is_over = match &page {
                Some(page) => page.is_over().await,
                None => false,
            };
            if let Some(url) = self.returned(id).await {
                return Return::Came(url);
            }
            if is_over {
                return Return::LinkExpired;
            }
            if !self.wait().await {
                return Return::NoAnswer;
            }
        }
    }

    async fn returned(&self, id: &str) -> Option<String> {
        match &self.part {
            Part::Scripted { sandbox, .. } => sandbox.digilocker_return(id),
            Part::Elsewhere(sandbox) => {
                let found = sandbox.get(&format!("/sandbox/returns/{id}")).await.ok()?;
                Some(text(&found, "url")?.to_owned())
            }
            Part::AtBrowser { returns, known } => {
                let mut known = known.borrow_mut();
                while let Some(url) = returns.borrow_mut().next() {
                    // The session is named in one of the parameters.
                    for parameter in url.split(['?', '&', '=']) {
                        known.insert(parameter.to_owned(), url.clone());
                    }
                }
                known.get(id).cloned()
            }
        }
    }
}

/// A page of this machine, which a look at it changes nothing of: a sandbox's. A provider's own link is never opened from here.
struct Page {
    uri: Uri,
    transport: HyperTransport,
}

impl Page {
    fn of(link: &str) -> Option<Self> {
        let uri: Uri = link.parse().ok()?;
        let is_here = matches!(uri.host()?, "127.0.0.1" | "localhost" | "[::1]");
        if uri.scheme_str() != Some("http") || !is_here {
            return None;
        }
        let transport = HyperTransport::builder().without_tls().build().ok()?;
        Some(Self { uri, transport })
    }

    /// Whether it says that the link works no longer. One that does not answer says nothing.
    async fn is_over(&self) -> bool {
        let mut uri = self.uri.clone();
        // The link leads on to the page.
        for _ in 0..2 {
            let Ok(request) = Request::get(uri).body(Body::default()) else {
                return false;
            };
            let Ok(reply) = self.transport.send(request, PAGE).await else {
                return false;
            };
            if reply.status() == StatusCode::GONE {
                return true;
            }
            let next = reply.headers().get(header::LOCATION);
            let next = next.and_then(|next| next.to_str().ok());
            let (Some(next), Some(host)) = (next, self.uri.authority()) else {
                return false;
            };
            // To the same server only.
            let Ok(next) = format!("http://{host}{next}").parse() else {
                return false;
            };
            uri = next;
        }
        false
    }
}
