//! `kyc finpro profile --batch`: a file of questions in, a file of results out.

mod display;
mod fingerprint;
mod input;
mod kept;
mod line_set;
mod lines;
mod results;
mod rows;
mod summary;
mod tag;

use std::future::poll_fn;
use std::io;
use std::num::NonZeroUsize;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

use futures_util::{Stream, stream};
use kyc_facade::finpro_profile::{
    Batch, BatchAnswer, BatchAnswers, BatchOrder, BatchQuestion, Finpro, FinproProfileClient,
};
use kyc_facade::provider_core::{RateLimits, Window};
use tokio::sync::mpsc;

use crate::arguments::BatchArguments;
use crate::clients::Clients;
use crate::failure::{Failure, reason};
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::parse::seconds;
use display::BatchDisplay;
use input::{Input, NumberedRow};
use results::Results;
use summary::Summary;
use tag::Tag;

/// More calls in flight are a mistake: each costs a socket.
const MOST_AT_ONCE: u32 = 1_000;

/// Runs a batch and returns the exit code.
pub(crate) async fn run(
    arguments: BatchArguments,
    out: &Path,
    clients: &Clients,
    output: Output,
) -> Result<u8, Failure> {
    let settings = Settings::of(&arguments)?;
    let input = arguments.batch.unwrap_or_default();
    let input = Input::open(&input, arguments.format.as_deref())?;
    let client: FinproProfileClient = clients.within(Finpro::from_settings, settings.limits)?;
    let at_once = settings.concurrency.get();
    let (results, done, kept) =
        Results::open(out, arguments.resume, input.fingerprint.clone(), at_once)?;

    let can_resume = input.fingerprint.is_some();
    let unread = Arc::new(Mutex::new(None));
    let display = BatchDisplay::new(output.json, input.rows(), kept.rows());
    let questions = questions(input.read(done), Arc::clone(&unread));
    let batch = client
        .batch()
        .concurrency(settings.concurrency)
        .order(settings.order)
        .give_up_after(settings.give_up_after);
    let mut run = Run {
        answers: batch.ask(questions),
        results,
        summary: Summary::new(&kept, can_resume),
        display,
        output,
    };
    let begun = Instant::now();
    let ended = run.finish().await;
    run.display.finish();
    ended?;
    run.results.finish()?;
    run.summary.finish(begun.elapsed(), run.answers.stopped());
    output.summary(&run.summary, &run.summary.lines())?;
    let unread = unread.lock().unwrap_or_else(PoisonError::into_inner).take();
    match unread {
        Some(kind) => {
            let rule = format!("could not be read to its end: {}", reason(kind));
            Err(Failure::configuration("--batch", rule))
        }
        None => Ok(run.summary.exit_code()),
    }
}

/// The checked arguments.
struct Settings {
    concurrency: NonZeroUsize,
    order: BatchOrder,
    limits: RateLimits,
    give_up_after: Duration,
}

impl Settings {
    fn of(arguments: &BatchArguments) -> Result<Self, Failure> {
        let concurrency = match &arguments.concurrency {
            Some(text) => usize::try_from(number("--concurrency", text)?).ok(),
            None => None,
        };
        let per_second = match &arguments.per_second {
            Some(text) => Some(Window::per_second(number("--per-second", text)?)),
            None => None,
        };
        let give_up_after = match &arguments.give_up_after {
            Some(text) => seconds("--give-up-after", text)?,
            None => Batch::GIVE_UP_AFTER,
        };
        Ok(Self {
            concurrency: concurrency
                .and_then(NonZeroUsize::new)
                .unwrap_or(Batch::CONCURRENCY),
            order: match arguments.in_order {
                true => BatchOrder::OfQuestions,
                false => BatchOrder::AsTheyCome,
            },
            // Without a window it follows only FinPro's rate-limit headers.
            limits: RateLimits::new(per_second)?,
            give_up_after,
        })
    }
}

fn number(field: &'static str, text: &str) -> Result<u32, Failure> {
    text.parse()
        .ok()
        .filter(|number| (1..=MOST_AT_ONCE).contains(number))
        .ok_or_else(|| Failure::configuration(field, "must be a whole number from 1 to 1000"))
}

/// The rows as questions. A read error ends them, and is stored in `unread`.
fn questions(
    mut read: mpsc::Receiver<io::Result<Vec<NumberedRow>>>,
    unread: Arc<Mutex<Option<io::ErrorKind>>>,
) -> impl Stream<Item = BatchQuestion<Tag>> {
    let mut rows = Vec::new().into_iter();
    stream::poll_fn(move |context| {
        loop {
            if let Some(row) = rows.next() {
                return Poll::Ready(Some(NumberedRow::question(row)));
            }
            match ready!(read.poll_recv(context)) {
                Some(Ok(more)) => rows = more.into_iter(),
                Some(Err(error)) => {
                    *unread.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.kind());
                    return Poll::Ready(None);
                }
                None => return Poll::Ready(None),
            }
        }
    })
}

/// A running batch.
struct Run<S> {
    answers: BatchAnswers<S, Tag>,
    results: Results,
    summary: Summary,
    display: BatchDisplay,
    output: Output,
}

impl<S: Stream<Item = BatchQuestion<Tag>>> Run<S> {
    /// Writes the answers until there are no more. The first Ctrl-C or SIGTERM waits for the calls in flight, the
    /// second does not.
    async fn finish(&mut self) -> Result<(), Failure> {
        let mut interrupt = Interrupt::listen().map_err(Failure::no_signals)?;
        let mut interrupted = false;
        loop {
            let answer = tokio::select! {
                biased;
                () = interrupt.next() => {
                    self.summary.interrupt();
                    if std::mem::replace(&mut interrupted, true) {
                        return self.results.flush();
                    }
                    self.answers.stop();
                    self.output.note("waiting for the calls in flight; press Ctrl-C again to stop at once");
                    continue;
                }
                answer = self.next() => answer?,
            };
            let Some(answer) = answer else {
                return Ok(());
            };
            self.results.push(&answer)?;
            self.summary.add(&answer);
            self.display.advance();
        }
    }

    /// Returns the next answer. Results are flushed before it waits for one.
    async fn next(&mut self) -> Result<Option<BatchAnswer<Tag>>, Failure> {
        poll_fn(|context| {
            let polled = Pin::new(&mut self.answers).poll_next(context);
            if polled.is_ready() {
                return polled.map(Ok);
            }
            let failures = self.summary.failures();
            self.display.show(failures, self.answers.held_up_by());
            match self.results.flush() {
                Ok(()) => Poll::Pending,
                Err(failure) => Poll::Ready(Err(failure)),
            }
        })
        .await
    }
}
