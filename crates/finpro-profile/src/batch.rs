//! Check Profile for many people: the settings of a batch, a question and its answer.

use std::num::NonZeroUsize;
use std::time::Duration;

use futures_util::Stream;
use provider_core::{Error, Response};

use crate::{BatchAnswers, CheckProfile, FinproProfileClient, ProfileReport};

/// Settings of a batch before it begins: see [`FinproProfileClient::batch`].
#[derive(Debug, Clone)]
#[must_use = "a batch asks nothing before its answers are polled"]
pub struct Batch {
    pub(crate) client: FinproProfileClient,
    pub(crate) concurrency: NonZeroUsize,
    pub(crate) order: BatchOrder,
    pub(crate) give_up_after: Duration,
}

/// In which order answers are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BatchOrder {
    /// Each as soon as it is there. The tag says which question it belongs to.
    #[default]
    AsTheyCome,
    /// In the order of the questions. A late answer holds up those behind it, and with them the next questions: no more than
    /// [`concurrency`](Batch::concurrency) answers wait for their turn.
    OfQuestions,
}

/// One question, with whatever the caller knows it by: a line number, a key.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BatchQuestion<T> {
    /// The caller's own; comes back with the answer.
    pub tag: T,
    /// What is asked. An error is not asked and comes back in its place: a row of the input that could not be read.
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

    /// A question that could not be put, so that its error keeps its place among the answers.
    pub fn invalid(tag: T, error: impl Into<Error>) -> Self {
        Self {
            tag,
            request: Err(error.into()),
        }
    }
}

/// What became of one question.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BatchAnswer<T> {
    /// The question's own.
    pub tag: T,
    /// The answer. An error has the worst outcome of all calls that were made for it, and [`Error::is_retryable`] says
    /// whether another batch may ask again.
    pub result: Result<Response<ProfileReport>, Error>,
    /// Requests that were sent for it, by all its calls together; 0 if none was.
    pub attempts: u64,
}

impl FinproProfileClient {
    /// Asks for many people, in bounded memory: see [`Batch::ask`].
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
    /// How many questions are in flight at once unless set.
    pub const CONCURRENCY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(31);
    /// How long a batch waits for a provider that answers nothing unless set.
    pub const GIVE_UP_AFTER: Duration = Duration::from_secs(15 * 60);

    /// How many questions are in flight or put off at once, at most; 32 unless set. It takes the rate times the time of an
    /// answer to be as fast as a rate limit allows: 100 a second at 500 ms are 50.
    pub fn concurrency(mut self, concurrency: NonZeroUsize) -> Self {
        self.concurrency = concurrency;
        self
    }

    /// In which order answers are given; as they come unless set.
    pub fn order(mut self, order: BatchOrder) -> Self {
        self.order = order;
        self
    }

    /// The longest time that questions are put off without any answer in between; 15 minutes unless set. With
    /// [`Duration::ZERO`] the batch stops at the first call that is refused for now.
    pub fn give_up_after(mut self, time: Duration) -> Self {
        self.give_up_after = time;
        self
    }

    /// Asks `questions` and gives the answers, one each.
    ///
    /// Nothing is spawned: polling the stream drives the calls, dropping it drops them. A question is taken only when it can be
    /// asked. Each call has the client's own deadline, retries, retry budget, circuit breaker and rate limiter.
    ///
    /// Errors that are not specific to one question are retried: the question is put off, and with it the batch:
    ///
    /// | a call ends with | then |
    /// |---|---|
    /// | `Unavailable`, the circuit is open | all wait until `retry_after` |
    /// | `RateLimited` by the client's limiter | all wait as long as it says, outside of their deadlines |
    /// | `RateLimited` by FinPro, the server not reached | all wait until `retry_after`, or for 1 s, 2 s and so on to 30 s; then one at a time, until one is answered |
    /// | `Timeout`, `Transport`, a refusal that passes | it is asked once more, a second later; the same again is its answer. While the batch is held up, or after more failures in a row than there are questions at once, ten at least, it is an outage: all wait as above |
    /// | `Credentials`, `Verification` | its answer. As many in a row as there are questions at once, ten at least, end the batch |
    /// | anything else | its answer |
    ///
    /// A batch that has waited for [`give_up_after`](Self::give_up_after) without any answer, or would have to wait for longer,
    /// stops: [`BatchAnswers::stopped`] says why, the questions that were put off get the error that they had, and the rest is
    /// never taken from `questions`. All calls of a question have the same request id.
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
