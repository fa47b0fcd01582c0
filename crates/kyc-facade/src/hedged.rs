//! Hedging: a query that is sent a second time when its answer is late.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::future::{Either, select};
use provider_core::capability::{AggregatorDiscovery, AggregatorQuery, AggregatorStandings};
use provider_core::{CallOptions, Error, async_trait};
use tokio::time::Instant;

use crate::origin::Origin;
use crate::time_left::options_left;

/// Sends a query a second time when the first answer is late, and takes whichever answer arrives first, so that a few slow
/// answers do not dominate the tail latency.
///
/// Only discovery can be hedged, because it is a read: anything else would be done twice.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use kyc_facade::provider_core::capability::AggregatorDiscovery;
/// use kyc_facade::{Hedged, Kyc, KycBuilder};
///
/// fn impatient(provider: Arc<dyn AggregatorDiscovery>) -> KycBuilder {
///     // About the 95th percentile of the response time.
///     let hedged = Hedged::new(provider, Duration::from_secs(4));
///     Kyc::builder().aggregator_discovery(Arc::new(hedged))
/// }
/// ```
///
/// ```compile_fail,E0277
/// use std::sync::Arc;
/// use kyc_facade::provider_core::capability::ConsentRecorder;
///
/// fn never(hedged: kyc_facade::Hedged) -> Arc<dyn ConsentRecorder> {
///     Arc::new(hedged)
/// }
/// ```
///
/// - **The second provider** is the same one again, or another one set by [`second`](Self::second). A provider that shares
///   calls in flight, such as a cached client, answers both queries with the same call: hedge the client below it, or use
///   another provider.
/// - **The budget**: each query earns a twentieth of a hedge, and at most ten are saved up. So hedging adds at most 5 % to
///   the requests, and an outage, in which every answer is late, does not double the traffic. A new `Hedged` starts with an
///   empty budget; clones share it.
/// - **The result** is the first answer; the other query is cancelled. If one fails, the other is awaited; if both fail,
///   the error is the first one's. A failure before the delay has passed is returned at once: falling back to another
///   provider is what [`Fallback`](crate::Fallback) does.
/// - **Deadlines** cover both queries: the second one gets the time left.
#[derive(Debug, Clone)]
pub struct Hedged {
    first: Arc<dyn AggregatorDiscovery>,
    second: Arc<dyn AggregatorDiscovery>,
    delay: Duration,
    budget: Arc<HedgeBudget>,
}

impl Hedged {
    /// Queries `provider`, and queries again if it has not answered after `delay`.
    pub fn new(provider: Arc<dyn AggregatorDiscovery>, delay: Duration) -> Self {
        Self {
            second: Arc::clone(&provider),
            first: provider,
            delay,
            budget: Arc::default(),
        }
    }

    /// Sets the provider of the second query.
    #[must_use]
    pub fn second(mut self, provider: Arc<dyn AggregatorDiscovery>) -> Self {
        self.second = provider;
        self
    }
}

#[async_trait]
impl AggregatorDiscovery for Hedged {
    fn provider_name(&self) -> &'static str {
        self.first.provider_name()
    }

    fn check_query(&self, query: &AggregatorQuery) -> Result<(), Error> {
        self.first.check_query(query)
    }

    async fn discover(
        &self,
        query: AggregatorQuery,
        options: CallOptions,
    ) -> Result<AggregatorStandings, Error> {
        let started = Instant::now();
        self.budget.pay();
        let ask = async |provider: &dyn AggregatorDiscovery, options| {
            let mut standings = provider.discover(query.clone(), options).await?;
            standings.set_origin(provider.provider_name());
            Ok(standings)
        };
        let mut first = Box::pin(ask(&*self.first, options.clone()));
        if let Ok(result) = tokio::time::timeout(self.delay, &mut first).await {
            return result;
        }
        let left = options_left(&options, started.elapsed());
        let (Some(left), Ok(())) = (left, self.second.check_query(&query)) else {
            return first.await;
        };
        if !self.budget.take() {
            return first.await;
        }
        let second = Box::pin(ask(&*self.second, left));
        match select(first, second).await {
            Either::Left((Ok(standings), _)) | Either::Right((Ok(standings), _)) => Ok(standings),
            Either::Left((Err(error), second)) => second.await.map_err(|_| error),
            Either::Right((Err(_), first)) => first.await,
        }
    }
}

/// The hedges that may still be sent, in twentieths.
#[derive(Debug, Default)]
struct HedgeBudget {
    twentieths: AtomicU32,
}

impl HedgeBudget {
    const HEDGE: u32 = 20;
    const QUESTION: u32 = 1;
    const MOST: u32 = 10 * Self::HEDGE;

    /// Earns the share of one query.
    fn pay(&self) {
        let add = |saved: u32| Some(saved.saturating_add(Self::QUESTION).min(Self::MOST));
        let _ = self
            .twentieths
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// Spends one hedge, if one is left.
    fn take(&self) -> bool {
        let take = |saved: u32| saved.checked_sub(Self::HEDGE);
        self.twentieths
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::HedgeBudget;

    #[test]
    fn twenty_queries_earn_a_hedge_and_at_most_ten_are_saved() {
        let budget = HedgeBudget::default();
        let taken = || {
            std::iter::repeat_with(|| budget.take())
                .take_while(|taken| *taken)
                .count()
        };
        assert_eq!(taken(), 0, "the budget is empty at first");
        (0..19).for_each(|_| budget.pay());
        assert_eq!(taken(), 0);
        budget.pay();
        assert_eq!(taken(), 1);
        (0..1_000).for_each(|_| budget.pay());
        assert_eq!(taken(), 10);
    }
}
