//! What the pages of an account aggregator need of a provider that sends people there.

use crate::state::flow::{Action, Flow};
use crate::state::{AggregatorConsentStatus, JourneyId};

/// Where FinPro's web redirection leads.
pub(crate) const FINPRO_ENTRY: &str = "/aa/consent";
/// Where a session of Finpass leads.
pub(crate) const FINPASS_ENTRY: &str = "/aa/session";
/// Where people see the consents that they gave.
pub(crate) const MY_CONSENTS: &str = "/aa/me";
/// Where the page of a visit is, up to its name, for visits of FinPro and of Finpass.
pub(crate) const FINPRO_VISITS: &str = "/aa/finpro";
/// The same for visits of Finpass.
pub(crate) const FINPASS_VISITS: &str = "/aa/finpass";

/// A person at the aggregator, as the pages show it.
#[derive(Debug, Clone)]
pub(crate) struct VisitView {
    pub(crate) flow: Flow,
    pub(crate) journey: Option<JourneyId>,
    /// Who asks.
    pub(crate) lender: String,
    /// At which aggregator.
    pub(crate) aggregator: String,
    /// What is asked for.
    pub(crate) consents: Vec<ConsentView>,
    /// Where the person returns, once there is nothing more to do.
    pub(crate) return_url: Option<String>,
}

impl VisitView {
    /// Whether a decision is waited for.
    pub(crate) fn waits(&self) -> bool {
        let pending = |consent: &ConsentView| consent.status == AggregatorConsentStatus::Pending;
        self.consents.iter().any(pending)
    }

    /// Whether the person can still decide.
    pub(crate) fn is_open(&self) -> bool {
        self.waits() && self.flow.is_open()
    }
}

/// A consent as a person sees it. All of it is text.
#[derive(Debug, Clone)]
pub(crate) struct ConsentView {
    /// By what it is changed.
    pub(crate) id: String,
    pub(crate) lender: String,
    pub(crate) purpose: String,
    pub(crate) status: AggregatorConsentStatus,
    /// Since when it has this status, and when it is over.
    pub(crate) since_ms: i64,
    pub(crate) expires_ms: i64,
    /// The accounts that are shared, with their bank.
    pub(crate) accounts: Vec<String>,
}

/// A provider whose customers act at an aggregator.
pub(crate) trait Visits {
    /// Where its visits' pages are.
    const VISITS: &'static str;

    /// The visit of this name, which may begin by being looked at.
    fn view(&self, name: &str) -> Option<VisitView>;

    /// The person does this. `false` where nothing waits for it.
    fn act(&self, name: &str, action: Action) -> bool;

    /// The consents that a person gave, or gave and ended.
    fn given(&self, person: &str) -> Vec<ConsentView>;

    /// The person changes the status of one of them. `false` where it does not allow that.
    fn change_given(&self, person: &str, id: &str, status: AggregatorConsentStatus) -> bool;
}
