//! Check Profile for many people: the settings of a batch, its questions and answers.

use std::num::NonZeroUsize;
use std::time::Duration;

use futures_util::Stream;
use provider_core::{Error, Response};

use crate::{BatchAnswers, CheckProfile, FinproProfileClient, ProfileReport};

/// The settings of a batch before it starts: see [`FinproProfileClient::batch`].
#[derive(Debug, Clone)]
#[must_use = "a batch sends nothing until its answers are polled"]
pub struct Batch {
    pub(crate) client: FinproProfileClient,
    pub(crate) concurrency: NonZeroUsize,
    pub(crate) order: BatchOrder,
    pub(crate) give_up_after: Duration,
}

/// The order of the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BatchOrder {
    /// Each answer as soon as it is available. The tag identifies its question.
    #[default]
    AsTheyCome,
    /// The order of the questions. A late answer delays those behind it, and with them the next questions: at most
    /// [`concurrency`](Batch::concurrency) answers wait for their turn.
    OfQuestions,
}

/// One question, with the caller's own tag: a line number, a key.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BatchQuestion<T> {
    /// The caller's own tag, returned with the answer.
    pub tag: T,
    /// The request. An error is not sent and becomes the answer: a row of the input that could not be read.
    pub request: Result<CheckProfile, Error>,
}

impl<T> BatchQuestion<T> {
    /// A question.
    pub fn new(tag: T, request: CheckProfile) -> Self {
        Self {
            tag,
            request: Ok(request),
        }
    }

    /// A question that is invalid, so that its error keeps its place among the answers.
    pub fn invalid(tag: T, error: impl Into<Error>) -> Self {
        Self {
            tag,
            request: Err(error.into()),
        }
    }
}

/// The answer to one question.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BatchAnswer<T> {
    /// The question's tag.
    pub tag: T,
    /// The result. An error has the worst outcome of all calls for the question, and [`Error::is_retryable`] says whether
    /// another batch may ask again.
    pub result: Result<Response<ProfileReport>, Error>,
    /// The number of requests that were sent for the question, over all its calls. A call of which none was sent counts none.
    pub attempts: u64,
}

impl FinproProfileClient {
    /// Starts a batch, which asks about many people in bounded memory: see [`Batch::ask`].
    pub fn batch(&self) -> Batch {
        Batch {
            client: self.clone(),
            concurrency: Batch::CONCURRENCY,
            order: BatchOrder::default(),
            give_up_after: Batch::GIVE_UP_AFTER,
        }
    }
}

impl Batch {
    /// The default number of questions in flight.
    pub const CONCURRENCY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(31);
    /// The default time that a batch waits for a provider that does not answer.
    pub const GIVE_UP_AFTER: Duration = Duration::from_secs(15 * 60);

    /// How many questions are postponed at most: with that many, no new ones are taken.
    pub(crate) const MOST_POSTPONED: usize = 1_000;

    /// Sets the largest number of questions in flight; 32 by default. Up to 1,000 more are postponed. To use a rate limit
    /// fully, set the rate times the response time: 100 a second at 500 ms are 50.
    pub fn concurrency(mut self, concurrency: NonZeroUsize) -> Self {
        self.concurrency = concurrency;
        self
    }

    /// Sets the order of the answers; as they complete by default.
    pub fn order(mut self, order: BatchOrder) -> Self {
        self.order = order;
        self
    }

    /// Sets the longest time that questions are postponed without any answer in between; 15 minutes by default. With
    /// [`Duration::ZERO`] the batch stops at the first temporary refusal.
    pub fn give_up_after(mut self, time: Duration) -> Self {
        self.give_up_after = time;
        self
    }

    /// Asks `questions` and returns one answer for each.
    ///
    /// Nothing is spawned: polling the stream drives the calls, dropping it cancels them. A question is taken only when it
    /// can be asked. Each call has the client's own deadline, retries, retry budget, circuit breaker and rate limiter.
    ///
    /// Errors that may not be specific to one question are retried: the question is postponed, and with it the batch. While
    /// nobody is answered, new questions are asked before those that failed.
    ///
    /// | a call ends with | then |
    /// |---|---|
    /// | `Unavailable`, the circuit is open | all wait until `retry_after` |
    /// | `RateLimited` by the client's limiter | all wait as long as the limiter requires, outside their deadlines |
    /// | `RateLimited` by FinPro, the server not reached | all wait until `retry_after`, or for 1 s, 2 s and so on to 30 s; then one question at a time, until one is answered |
    /// | `Timeout`, `Transport`, `Unrecognized`, a transient refusal | the question is asked again, a second later. While the batch is held up, or after more failures in a row than `concurrency` (at least ten), it counts as an outage: all wait as above |
    /// | a failure as in the two rows above, a second time, although others are answered | the question is asked once more after all others, and another failure is its answer; with [`BatchOrder::OfQuestions`] this one is |
    /// | `Credentials`, `Verification`, a refusal that [is to be corrected](Error::is_to_be_corrected) such as `PROFILE_CHECK_FAILED` | its answer. `concurrency` of them in a row (at least ten) stop the batch |
    /// | anything else | its answer |
    ///
    /// A batch that has waited for [`give_up_after`](Self::give_up_after) without any answer, or would have to wait for
    /// longer, stops: [`BatchAnswers::stopped`] returns the reason, postponed questions are answered with their last error,
    /// and the rest is never taken from `questions`. All calls of a question have the same request id.
    ///
    /// ```no_run
    /// use finpro_profile::provider_core::{InvalidRequest, Mobile};
    /// use finpro_profile::{BatchQuestion, CheckProfile, FinproProfileClient, UserConsentId};
    /// use futures_util::stream;
    ///
    /// fn request(line: usize, mobile: &str) -> Result<CheckProfile, InvalidRequest> {
    ///     let id = UserConsentId::parse(&format!("check-{line}"))?;
    ///     Ok(CheckProfile::new(Mobile::parse(mobile)?, id))
    /// }
    ///
    /// # async fn ask(client: FinproProfileClient) {
    /// let people = ["9000000001", "no number", "9000000002"];
    /// let questions = people.iter().enumerate().map(|(line, mobile)| match request(line, mobile) {
    ///     Ok(request) => BatchQuestion::new(line, request),
    ///     Err(error) => BatchQuestion::invalid(line, error),
    /// });
    /// let mut answers = client.batch().ask(stream::iter(questions));
    /// while let Some(answer) = answers.next().await {
    ///     match answer.result {
    ///         Ok(report) => println!("{}: {} rows", answer.tag, report.value().data.len()),
    ///         Err(error) => println!("{}: {error}", answer.tag),
    ///     }
    /// }
    /// if let Some(error) = answers.stopped() {
    ///     println!("the rest was not asked: {error}");
    /// }
    /// # }
    /// ```
    pub fn ask<S, T>(self, questions: S) -> BatchAnswers<S, T>
    where
        S: Stream<Item = BatchQuestion<T>>,
    {
        BatchAnswers::new(self, questions)
    }
}
