//! The stream of a batch's answers; polling it drives the calls.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::{Future, IntoFuture as _, poll_fn};
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, Stream};
use provider_core::{CallOptions, Error, ErrorKind, Outcome, Response, WhenLimited};
use tokio::time::{Instant, Sleep};

use crate::batch_gate::{Gate, OwnFailures, Verdict};
use crate::{
    Batch, BatchAnswer, BatchOrder, BatchQuestion, CheckProfile, FinproProfileClient, ProfileReport,
};

type Answer = Result<Response<ProfileReport>, Error>;

/// The answers of a batch, created by [`Batch::ask`], which documents what is retried and when the batch stops.
///
/// A stream, with [`next`](Self::next) for use without `StreamExt`.
#[must_use = "a batch sends nothing until its answers are polled"]
pub struct BatchAnswers<S, T> {
    client: FinproProfileClient,
    /// `None` once it has ended or the batch has stopped.
    questions: Option<Pin<Box<S>>>,
    concurrency: NonZeroUsize,
    gate: Gate,
    taken: u64,
    in_flight: FuturesUnordered<InFlight<T>>,
    put_off: VecDeque<Question<T>>,
    /// Those that are asked once more when there are no others.
    at_the_end: Vec<Question<T>>,
    ready: Ready<T>,
    timer: Option<Pin<Box<Sleep>>>,
    asks_again: bool,
    stopped: Option<Error>,
}

/// A question that was taken and has no answer yet.
struct Question<T> {
    tag: T,
    number: u64,
    request: CheckProfile,
    attempts: u64,
    /// The combined result of its calls so far.
    error: Option<Error>,
    own_failures: OwnFailures,
    not_before: Option<Instant>,
    /// Whether its next failure is its answer.
    is_last_call: bool,
}

/// Answers that are available, in the order in which they are returned.
enum Ready<T> {
    AsTheyCome(VecDeque<BatchAnswer<T>>),
    OfQuestions {
        next: u64,
        answers: BTreeMap<u64, BatchAnswer<T>>,
    },
}

/// One call with its question.
struct InFlight<T> {
    question: Option<Question<T>>,
    call: BoxFuture<'static, Answer>,
}

// Nothing is structurally pinned: the call is on the heap.
impl<T> Unpin for InFlight<T> {}
impl<S, T> Unpin for BatchAnswers<S, T> {}

impl<S, T> BatchAnswers<S, T>
where
    S: Stream<Item = BatchQuestion<T>>,
{
    pub(crate) fn new(batch: Batch, questions: S) -> Self {
        Self {
            client: batch.client,
            questions: Some(Box::pin(questions)),
            concurrency: batch.concurrency,
            gate: Gate::new(batch.concurrency, batch.give_up_after),
            taken: 0,
            in_flight: FuturesUnordered::new(),
            put_off: VecDeque::new(),
            at_the_end: Vec::new(),
            ready: Ready::new(batch.order),
            timer: None,
            asks_again: true,
            stopped: None,
        }
    }

    /// Returns the next answer; `None` when all questions are answered, or the batch has stopped and nothing is in flight.
    ///
    /// Cancel safe: dropping the future loses nothing, and the calls go on when this is called again.
    pub async fn next(&mut self) -> Option<BatchAnswer<T>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// Stops taking questions. Those in flight are answered; postponed ones are answered with their last error.
    pub fn stop(&mut self) {
        self.questions = None;
        self.asks_again = false;
        let at_the_end = std::mem::take(&mut self.at_the_end);
        for question in std::mem::take(&mut self.put_off)
            .into_iter()
            .chain(at_the_end)
        {
            self.give_up(question);
        }
    }

    /// Why the batch stopped, with questions left that were never taken; `None` if it did not stop itself.
    pub fn stopped(&self) -> Option<&Error> {
        self.stopped.as_ref()
    }

    /// The number of calls in flight. Those that are dropped with the batch may have been processed.
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// The error that holds the batch up now: questions are postponed, and none was answered since.
    pub fn held_up_by(&self) -> Option<ErrorKind> {
        self.gate.held_up_by()
    }

    /// Asks one question if one may be asked. Returns whether anything happened.
    fn begin(&mut self, context: &mut Context<'_>, now: Instant) -> bool {
        let in_flight = self.in_flight.len();
        if in_flight >= self.concurrency.get() || !self.gate.is_open(now, in_flight) {
            return false;
        }
        let due = |question: &Question<T>| question.not_before.is_none_or(|then| then <= now);
        let is_due = self.put_off.front().is_some_and(due);
        // While nobody is answered a new question is asked, because those that failed may be the only ones that do.
        let taken = match is_due && self.gate.held_up_by().is_none() {
            true => Poll::Pending,
            false => self.take(context),
        };
        let question = match taken {
            Poll::Ready(question) => question,
            Poll::Pending if is_due => self.put_off.pop_front(),
            Poll::Pending => return false,
        };
        let Some(question) = question else {
            return true;
        };
        let mut in_flight = InFlight::begin(&self.client, question);
        // Polled before the next call starts: a refusal by the circuit or the limiter is immediate, and closes the gate for
        // the others.
        match in_flight.poll_unpin(context) {
            Poll::Ready(ended) => self.ended(ended),
            Poll::Pending => self.in_flight.push(in_flight),
        }
        true
    }

    /// Takes a question, if there is room for one. `None` if it cannot be asked or there are no more.
    fn take(&mut self, context: &mut Context<'_>) -> Poll<Option<Question<T>>> {
        let waiting = self.in_flight.len().saturating_add(self.ready.len());
        let has_room = waiting < self.concurrency.get() && self.postponed() < Batch::MOST_POSTPONED;
        let (true, Some(questions)) = (has_room, self.questions.as_mut()) else {
            return Poll::Pending;
        };
        let Some(BatchQuestion { tag, request }) = ready!(questions.as_mut().poll_next(context))
        else {
            self.questions = None;
            return Poll::Ready(None);
        };
        let number = self.taken;
        self.taken = number.wrapping_add(1);
        Poll::Ready(match request {
            Ok(request) => Some(Question {
                tag,
                number,
                request,
                attempts: 0,
                error: None,
                own_failures: OwnFailures::default(),
                not_before: None,
                is_last_call: false,
            }),
            Err(error) => {
                let answer = BatchAnswer {
                    tag,
                    result: Err(error),
                    attempts: 0,
                };
                self.ready.push(number, answer);
                None
            }
        })
    }

    /// Handles the end of a call: its question is answered, or retried.
    fn ended(&mut self, (mut question, answer): (Question<T>, Answer)) {
        let error = match answer {
            Ok(response) => {
                self.gate.answered();
                question.sent(response.attempts());
                return self.answer(question, Ok(response));
            }
            Err(error) => error,
        };
        if error.outcome() != Outcome::NotSent {
            question.sent(error.attempts());
        }
        // Nobody but the client's own limiter has seen a question that it refuses.
        let is_asked =
            error.kind() != ErrorKind::RateLimited || error.outcome() != Outcome::NotSent;
        let is_last = question.is_last_call && is_asked;
        let verdict = match is_last {
            true => Verdict::Answer,
            false => {
                let (is_left, now) = (self.questions.is_none(), Instant::now());
                let own = &mut question.own_failures;
                self.gate.judge(&error, own, is_left, now)
            }
        };
        question.failed(error);
        match verdict {
            Verdict::Again(then) if self.asks_again => {
                question.not_before = then;
                self.put_off.push_back(question);
            }
            Verdict::AtTheEnd if self.asks_again && self.may_wait_for_the_end() => {
                self.at_the_end.push(question);
            }
            Verdict::Stop if self.asks_again => {
                self.stopped.clone_from(&question.error);
                self.give_up(question);
                self.stop();
            }
            _ => self.give_up(question),
        }
    }

    /// Questions that failed and are asked again.
    fn postponed(&self) -> usize {
        self.put_off.len().saturating_add(self.at_the_end.len())
    }

    /// Whether a question may be answered after all others: if nothing waits behind it, and there is room.
    fn may_wait_for_the_end(&self) -> bool {
        matches!(self.ready, Ready::AsTheyCome(_)) && self.postponed() < Batch::MOST_POSTPONED
    }

    /// Asks the questions that wait for the end once more.
    fn begin_the_end(&mut self) {
        let questions = std::mem::take(&mut self.at_the_end).into_iter();
        self.put_off.extend(questions.map(|question| Question {
            is_last_call: true,
            not_before: None,
            ..question
        }));
    }

    fn give_up(&mut self, mut question: Question<T>) {
        if let Some(error) = question.error.take() {
            self.answer(question, Err(error));
        }
    }

    fn answer(&mut self, question: Question<T>, result: Answer) {
        let Question {
            tag,
            number,
            attempts,
            ..
        } = question;
        let answer = BatchAnswer {
            tag,
            result,
            attempts,
        };
        self.ready.push(number, answer);
    }

    /// Polls the timer for the next retry, if there is one.
    fn poll_timer(&mut self, context: &mut Context<'_>, now: Instant) -> Poll<()> {
        let first = self.put_off.front().and_then(|first| first.not_before);
        let gate = self.gate.closed_until(now);
        let Some(then) = gate.or(first.filter(|then| now < *then)) else {
            return Poll::Pending;
        };
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(then)));
        if timer.deadline() != then {
            timer.as_mut().reset(then);
        }
        timer.as_mut().poll(context)
    }
}

impl<S, T> Stream for BatchAnswers<S, T>
where
    S: Stream<Item = BatchQuestion<T>>,
{
    type Item = BatchAnswer<T>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<BatchAnswer<T>>> {
        let this = &mut *self;
        loop {
            if let Some(answer) = this.ready.pop() {
                return Poll::Ready(Some(answer));
            }
            let now = Instant::now();
            if this.begin(context, now) {
                continue;
            }
            if let Poll::Ready(Some(ended)) = Pin::new(&mut this.in_flight).poll_next(context) {
                this.ended(ended);
                continue;
            }
            let nothing_left =
                this.questions.is_none() && this.put_off.is_empty() && this.in_flight.is_empty();
            if nothing_left && this.at_the_end.is_empty() {
                return Poll::Ready(None);
            }
            if nothing_left {
                this.begin_the_end();
                continue;
            }
            ready!(this.poll_timer(context, now));
        }
    }
}

impl<S, T> fmt::Debug for BatchAnswers<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchAnswers")
            .field("concurrency", &self.concurrency)
            .field("taken", &self.taken)
            .field("in_flight", &self.in_flight.len())
            .field("put_off", &self.put_off.len())
            .field("at_the_end", &self.at_the_end.len())
            .field("ready", &self.ready.len())
            .field("stopped", &self.stopped)
            .finish_non_exhaustive()
    }
}

impl<T> Question<T> {
    fn sent(&mut self, attempts: u32) {
        self.attempts = self.attempts.saturating_add(attempts.into());
    }

    /// Keeps the worst outcome: that a call may have been processed is not lost because the next one was not sent.
    fn failed(&mut self, error: Error) {
        let says_more = |kept: &Error| kept.outcome() > error.outcome();
        if !self.error.as_ref().is_some_and(says_more) {
            self.error = Some(error);
        }
    }
}

impl<T> Ready<T> {
    fn new(order: BatchOrder) -> Self {
        match order {
            BatchOrder::AsTheyCome => Self::AsTheyCome(VecDeque::new()),
            BatchOrder::OfQuestions => Self::OfQuestions {
                next: 0,
                answers: BTreeMap::new(),
            },
        }
    }

    fn push(&mut self, number: u64, answer: BatchAnswer<T>) {
        match self {
            Self::AsTheyCome(answers) => answers.push_back(answer),
            Self::OfQuestions { answers, .. } => {
                answers.insert(number, answer);
            }
        }
    }

    fn pop(&mut self) -> Option<BatchAnswer<T>> {
        match self {
            Self::AsTheyCome(answers) => answers.pop_front(),
            Self::OfQuestions { next, answers } => {
                let answer = answers.remove(next)?;
                *next = next.wrapping_add(1);
                Some(answer)
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::AsTheyCome(answers) => answers.len(),
            Self::OfQuestions { answers, .. } => answers.len(),
        }
    }
}

impl<T> InFlight<T> {
    fn begin(client: &FinproProfileClient, question: Question<T>) -> Self {
        let (client, request) = (client.clone(), question.request.clone());
        // The batch waits for the limiter itself, so that the wait does not count against the call's deadline.
        let mut options = CallOptions::new().with_when_limited(WhenLimited::Refuse);
        options.request_id = question.error.as_ref().and_then(Error::request_id).cloned();
        let call = async move {
            let call = client.check_profile(request).with_options(options);
            call.into_future().await
        };
        Self {
            question: Some(question),
            call: call.boxed(),
        }
    }
}

impl<T> Future for InFlight<T> {
    type Output = (Question<T>, Answer);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(self.call.poll_unpin(context));
        match self.question.take() {
            Some(question) => Poll::Ready((question, answer)),
            // A completed future is not polled again.
            None => Poll::Pending,
        }
    }
}
