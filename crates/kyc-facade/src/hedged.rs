//! A question that is asked a second time when its answer is late.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::future::{Either, select};
use provider_core::capability::{AggregatorDiscovery, AggregatorQuery, AggregatorStanding};
use provider_core::{CallOptions, Error, async_trait};
use tokio::time::Instant;

use crate::given_by::GivenBy;
use crate::time_left::options_left;

/// Asks a second time when the first answer is late, and takes whichever answer comes first: a few slow answers do not
/// become the slowness that people see.
///
/// Only discovery can be hedged, because it is a read: all else would be done twice.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use kyc_facade::provider_core::capability::AggregatorDiscovery;
/// use kyc_facade::{Hedged, Kyc, KycBuilder};
///
/// fn impatient(provider: Arc<dyn AggregatorDiscovery>) -> KycBuilder {
///     // About as long as 19 of 20 answers take.
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
/// - **Who is asked second**: the same provider again, or another one by [`second`](Self::second). One that shares the calls
///   that are under way, such as a cached client, answers both with the same one: hedge what is below it, or have another one second.
/// - **How often**: each question pays for a twentieth of a hedge, and at most ten are saved up. So there are never more than 5 %
///   more requests, and an outage, in which every answer is late, does not double the traffic. A new `Hedged` has saved up
///   nothing; clones share what is saved.
/// - **What is returned**: the first answer; the other question is dropped. If one fails the other is waited for, and if both do
///   the error is the first one's. A failure before the delay is over is returned at once: to go on to another provider
///   is what [`Fallback`](crate::Fallback) does.
/// - **Deadlines** are for both together: the second question gets what is left.
#[derive(Debug, Clone)]
pub struct Hedged {
    first: Arc<dyn AggregatorDiscovery>,
    second: Arc<dyn AggregatorDiscovery>,
    delay: Duration,
    budget: Arc<HedgeBudget>,
}

impl Hedged {
    /// Asks `provider`, and once more if it has not answered after `delay`.
    pub fn new(provider: Arc<dyn AggregatorDiscovery>, delay: Duration) -> Self {
        Self {
            second: Arc::clone(&provider),
            first: provider,
            delay,
            budget: Arc::default(),
        }
    }

    /// Asks this provider the second time.
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
    ) -> Result<Vec<AggregatorStanding>, Error> {
        let started = Instant::now();
        self.budget.pay();
        let ask = async |provider: &dyn AggregatorDiscovery, options| {
            let mut standings = provider.discover(query.clone(), options).await?;
            standings.name(provider.provider_name());
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

/// Hedges that may still be made, in twentieths.
#[derive(Debug, Default)]
struct HedgeBudget {
    twentieths: AtomicU32,
}

impl HedgeBudget {
    const HEDGE: u32 = 20;
    const QUESTION: u32 = 1;
    const MOST: u32 = 10 * Self::HEDGE;

    /// A question pays its part.
    fn pay(&self) {
        let add = |saved: u32| Some(saved.saturating_add(Self::QUESTION).min(Self::MOST));
        let _ = self
            .twentieths
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// Takes one hedge, if there is one.
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
    fn twenty_questions_pay_for_a_hedge_and_ten_are_saved_at_most() {
        let budget = HedgeBudget::default();
        let taken = || {
            std::iter::repeat_with(|| budget.take())
                .take_while(|taken| *taken)
                .count()
        };
        assert_eq!(taken(), 0, "nothing is saved at first");
        (0..19).for_each(|_| budget.pay());
        assert_eq!(taken(), 0);
        budget.pay();
        assert_eq!(taken(), 1);
        (0..1_000).for_each(|_| budget.pay());
        assert_eq!(taken(), 10);
    }
}
