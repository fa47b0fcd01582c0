//! Who takes the person's part while an onboarding is completed.

use std::collections::HashMap;
use std::time::Duration;

use kyc_sandbox::Sandbox;

use super::browser::Returns;
use crate::sandbox::Running;

/// How far the sandbox's clock is moved at once, so that its person acts and its data comes.
const STEP: Duration = Duration::from_secs(60);
/// How often it is moved for one thing, at most: what takes longer does not happen.
const STEPS: u32 = 24 * 60;
/// The pause between two questions where the clock runs by itself.
const PAUSE: Duration = Duration::from_secs(1);

/// Who takes the person's part, and how time passes meanwhile.
pub(crate) enum Person {
    /// The script in the mobile number, in a sandbox whose clock is moved.
    Scripted { sandbox: Sandbox, steps: u32 },
    /// The script in the mobile number, in a sandbox that runs elsewhere.
    Elsewhere { sandbox: Running, patience: u32 },
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
            steps: STEPS,
        }
    }

    pub(crate) fn elsewhere(sandbox: Running, patience: Duration) -> Self {
        let patience = u32::try_from(patience.as_secs()).unwrap_or(u32::MAX);
        Self::Elsewhere { sandbox, patience }
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
            Self::Scripted { sandbox, steps } => {
                sandbox.advance(STEP).await;
                take_one(steps)
            }
            Self::Elsewhere { patience, .. } => {
                tokio::time::sleep(PAUSE).await;
                take_one(patience)
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
                    found.and_then(|found| Some(found["url"].as_str()?.to_owned()))
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

fn take_one(left: &mut u32) -> bool {
    let any = *left > 0;
    *left = left.saturating_sub(1);
    any
}
