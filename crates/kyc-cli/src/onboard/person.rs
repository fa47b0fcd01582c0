//! Who takes the person's part while an onboarding is completed.

use std::collections::HashMap;
use std::time::Duration;

use kyc_sandbox::Sandbox;

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

/// Who takes the person's part, and how time passes meanwhile.
pub(crate) enum Person {
    /// The script in the mobile number, in a sandbox whose clock is moved.
    Scripted {
        sandbox: Sandbox,
        step: Duration,
        left: Duration,
    },
    /// The script in the mobile number, in a sandbox that runs elsewhere.
    Elsewhere {
        sandbox: Box<Running>,
        patience: u32,
    },
    /// Somebody at a browser.
    AtBrowser {
        returns: Returns,
        known: HashMap<String, String>,
    },
}

impl Person {
    pub(crate) fn scripted(sandbox: Sandbox) -> Self {
        Self::Scripted {
            sandbox,
            step: STEP,
            left: LONGEST,
        }
    }

    pub(crate) fn elsewhere(sandbox: Running, patience: Duration) -> Self {
        let patience = u32::try_from(patience.as_secs()).unwrap_or(u32::MAX);
        Self::Elsewhere {
            sandbox: Box::new(sandbox),
            patience,
        }
    }

    pub(crate) fn at_browser(returns: Returns) -> Self {
        Self::AtBrowser {
            returns,
            known: HashMap::new(),
        }
    }

    /// Lets time pass. `false` once it is time to give up.
    pub(crate) async fn wait(&mut self) -> bool {
        match self {
            Self::Scripted {
                sandbox,
                step,
                left,
            } => {
                sandbox.advance(*step).await;
                *left = left.saturating_sub(*step);
                *step = step.mul_f64(1.1).min(LONGEST_STEP);
                !left.is_zero()
            }
            Self::Elsewhere { patience, .. } => {
                tokio::time::sleep(PAUSE).await;
                *patience = patience.saturating_sub(1);
                *patience > 0
            }
            Self::AtBrowser { .. } => {
                tokio::time::sleep(PAUSE).await;
                true
            }
        }
    }

    /// The URL to which the person was sent back from the session with this id.
    pub(crate) async fn return_of(&mut self, id: &str) -> Option<String> {
        loop {
            let returned = match self {
                Self::Scripted { sandbox, .. } => sandbox.digilocker_return(id),
                Self::Elsewhere { sandbox, .. } => {
                    let found = sandbox.get(&format!("/sandbox/returns/{id}")).await.ok();
                    found.and_then(|found| Some(text(&found, "url")?.to_owned()))
                }
                Self::AtBrowser { returns, known } => {
                    while let Some(url) = returns.next() {
                        // The session is named in one of the parameters.
                        let parameters = url.split(['?', '&', '=']);
                        for parameter in parameters {
                            known.insert(parameter.to_owned(), url.clone());
                        }
                    }
                    known.get(id).cloned()
                }
            };
            if returned.is_some() || !self.wait().await {
                return returned;
            }
        }
    }
}
