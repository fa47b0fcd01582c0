//! Finds the account aggregators that know a person.

use std::fmt;

use async_trait::async_trait;

use super::reference::AggregatorId;
use crate::call::CallOptions;
use crate::error::Error;
use crate::values::Mobile;

/// A query to account aggregators: do you know this person?
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AggregatorQuery {
    /// The person's mobile number.
    pub mobile: Mobile,
    /// The caller's id for this query, 1 to 100 characters, passed on to the aggregators.
    pub query_id: String,
    /// The aggregators to ask; empty means all that are enabled.
    pub aggregators: Vec<AggregatorId>,
}

impl AggregatorQuery {
    /// A query to all enabled aggregators.
    pub fn new(mobile: Mobile, query_id: impl Into<String>) -> Self {
        Self {
            mobile,
            query_id: query_id.into(),
            aggregators: Vec::new(),
        }
    }

    /// Limits the query to these aggregators.
    #[must_use]
    pub fn set_aggregators(mut self, aggregators: impl IntoIterator<Item = AggregatorId>) -> Self {
        self.aggregators = aggregators.into_iter().collect();
        self
    }
}

/// How ready a person is at one aggregator, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Readiness {
    /// Registered, accounts linked: consent can be requested.
    Ready,
    /// Registered, no account linked.
    NeedsLinking,
    /// Not registered.
    NeedsRegistration,
    /// Unknown: the aggregator timed out, failed, or gave an undocumented answer. Never the same as "no".
    Undetermined,
}

crate::named_enum! {
    Readiness("readiness") {
        Ready = "ready",
        NeedsLinking = "needs_linking",
        NeedsRegistration = "needs_registration",
        Undetermined = "undetermined",
    }
}

/// One aggregator's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AggregatorStanding {
    /// The aggregator.
    pub aggregator: AggregatorId,
    /// How ready the person is there.
    pub readiness: Readiness,
    /// The provider that answered, if several may: a combinator of providers sets it, a provider leaves it `None`.
    pub provider: Option<&'static str>,
}

impl AggregatorStanding {
    /// The answer of `aggregator`.
    pub fn new(aggregator: AggregatorId, readiness: Readiness) -> Self {
        Self {
            aggregator,
            readiness,
            provider: None,
        }
    }
}

/// The answers of the aggregators that were asked, a slice of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct AggregatorStandings {
    /// One for each aggregator whose answer was read, in the provider's order.
    pub standings: Vec<AggregatorStanding>,
    /// How many answers could not be read: of these aggregators nothing is known. Report it.
    pub unread: usize,
}

impl From<Vec<AggregatorStanding>> for AggregatorStandings {
    fn from(standings: Vec<AggregatorStanding>) -> Self {
        Self {
            standings,
            unread: 0,
        }
    }
}

impl std::ops::Deref for AggregatorStandings {
    type Target = [AggregatorStanding];

    fn deref(&self) -> &[AggregatorStanding] {
        &self.standings
    }
}

/// Finds out which account aggregators know a person.
#[async_trait]
pub trait AggregatorDiscovery: fmt::Debug + Send + Sync {
    /// Returns the provider's name, for reports.
    fn provider_name(&self) -> &'static str;

    /// Checks an input as the call itself would, without sending anything, so that a flow takes no step when the input of
    /// another one is wrong.
    ///
    /// # Errors
    ///
    /// `InvalidRequest` with the field and the rule.
    fn check_query(&self, query: &AggregatorQuery) -> Result<(), Error>;

    /// Asks the aggregators. Returns one standing for each of them, in the provider's order, and how many could not be read.
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`](crate::ErrorKind). The failure of a single aggregator is a standing, not an error.
    async fn discover(
        &self,
        query: AggregatorQuery,
        options: CallOptions,
    ) -> Result<AggregatorStandings, Error>;
}

#[cfg(test)]
mod tests {
    use super::Readiness;

    #[test]
    fn readiness_has_a_name_that_stays() {
        let names = [
            Readiness::Ready,
            Readiness::NeedsLinking,
            Readiness::NeedsRegistration,
            Readiness::Undetermined,
        ]
        .map(Readiness::as_str);
        let expected = [
            "ready",
            "needs_linking",
            "needs_registration",
            "undetermined",
        ];
        assert_eq!(names, expected);
    }
}
