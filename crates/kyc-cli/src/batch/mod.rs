//! `kyc finpro profile --batch`: a file of questions in, a file of results out.

mod csv;
mod display;
mod feed;
mod input;
mod kept;
mod line_set;
mod lines;
mod masked;
mod quotes;
mod reader;
mod result_row;
mod results;
mod results_file;
mod rows;
mod snapshot;
mod summary;
mod tag;

use std::fs;
use std::future::poll_fn;
use std::num::NonZeroUsize;
use std::path::Path;
use std::pin::Pin;
use std::time::{Duration, Instant};

use futures_util::{FutureExt as _, Stream};
use kyc_facade::finpro_profile::{
    Batch, BatchAnswer, BatchAnswers, BatchOrder, BatchQuestion, Finpro, FinproProfileClient,
};
use kyc_facade::provider_core::{RateLimits, Window};
use tokio::sync::oneshot;

use crate::arguments::BatchArguments;
use crate::arguments::parse::length;
use crate::clients::Clients;
use crate::failure::{EXIT_INVALID, Failure, exit_code};
use crate::terminal::interrupt::Interrupt;
use crate::terminal::output::Output;
use display::BatchDisplay;
use feed::Feed;
use input::{Input, Unread};
use kept::Kept;
use results::Results;
use results_file::Unwritten;
use summary::{Ending, Summary, WayOn};
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
    let mut interrupt = Interrupt::listen();
    let path = arguments.batch.unwrap_or_default();
    let begin_again = match fs::metadata(&path).is_ok_and(|there| there.is_file()) {
        true => WayOn::Again,
        false => WayOn::AgainFromPipe,
    };
    let input = move || Input::open(&path, arguments.format.as_deref());
    let Some(input) = unless_interrupted(&mut interrupt, input).await else {
        return Ok(interrupted_before(begin_again, output));
    };
    let mut input = input.map_err(Failure::before_sending)?;
    let reuse = arguments.reuse_connections;
    let client: FinproProfileClient =
        clients.within(Finpro::from_settings, settings.limits, reuse)?;
    let provider = client.client().provider().clone();
    let (out, at_once) = (out.to_owned(), settings.concurrency.get());
    let opened = move || {
        let resume = arguments.resume;
        let results = Results::open(&out, resume, &mut input, &provider, at_once)?;
        Ok::<_, Failure>((input, results))
    };
    let Some(opened) = unless_interrupted(&mut interrupt, opened).await else {
        return Ok(interrupted_before(begin_again, output));
    };
    let (input, (results, asked, kept)) = opened.map_err(Failure::before_sending)?;
    if results.begins_again() {
        output.tell(
            "the key beside --out is that of an earlier run, and the results have no row of it: every row is asked",
        );
    }

    let way_on = match input.is_file() {
        true => WayOn::Resume,
        false => WayOn::AnotherBatch,
    };
    let display = BatchDisplay::new(output.json, input.rows(), kept.rows());
    let feed = Feed::new(input, asked);
    let batch = client
        .batch()
        .concurrency(settings.concurrency)
        .order(settings.order)
        .give_up_after(settings.give_up_after);
    let mut run = Run {
        answers: batch.ask(feed.questions()),
        results,
        summary: Summary::new(&kept, way_on),
        display,
        output,
        interrupted: false,
    };
    let begun = Instant::now();
    let written = run.finish(&mut interrupt).await;
    let written = written.and_then(|()| run.results.sync());
    run.display.finish();
    run.end(begun.elapsed(), written.err(), &feed).await;
    Ok(match output.summary(&run.summary, &run.summary.lines()) {
        Ok(()) => run.summary.exit_code(),
        Err(unwritten) => unwritten.exit_code(),
    })
}

/// Works on a thread of its own, because files may block; `None` if a signal comes before the end.
async fn unless_interrupted<T: Send + 'static>(
    interrupt: &mut Interrupt,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || sender.send(work()));
    tokio::select! {
        biased;
        () = interrupt.next() => None,
        done = receiver => done.ok(),
    }
}

/// Says that nothing was asked, and returns the exit code.
fn interrupted_before(way_on: WayOn, output: Output) -> u8 {
    let mut summary = Summary::new(&Kept::default(), way_on);
    let ending = Ending {
        interrupted: true,
        ..Ending::default()
    };
    summary.finish(Duration::ZERO, ending);
    // The exit code is that of the interruption, which stderr tells then.
    let _ = output.summary(&summary, &summary.lines());
    summary.exit_code()
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
            Some(text) => length("--give-up-after", text)?,
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

/// A running batch.
struct Run<S> {
    answers: BatchAnswers<S, Tag>,
    results: Results,
    summary: Summary,
    display: BatchDisplay,
    output: Output,
    interrupted: bool,
}

impl<S: Stream<Item = BatchQuestion<Tag>>> Run<S> {
    /// Writes the answers until there are no more. The first Ctrl-C or SIGTERM waits for the calls in flight, the
    /// second does not.
    async fn finish(&mut self, interrupt: &mut Interrupt) -> Result<(), Unwritten> {
        loop {
            let answer = tokio::select! {
                biased;
                () = interrupt.next() => {
                    if std::mem::replace(&mut self.interrupted, true) {
                        // What is known is kept.
                        while let Some(Some(answer)) = self.answers.next().now_or_never() {
                            self.keep(&answer)?;
                        }
                        return self.results.flush();
                    }
                    self.answers.stop();
                    let calls = self.answers.in_flight();
                    if calls > 0 {
                        self.output.note(&format!("waiting for {calls} calls in flight; press Ctrl-C again to stop at once"));
                    }
                    continue;
                }
                answer = self.next() => answer?,
            };
            let Some(answer) = answer else {
                return Ok(());
            };
            self.keep(&answer)?;
        }
    }

    fn keep(&mut self, answer: &BatchAnswer<Tag>) -> Result<(), Unwritten> {
        self.summary.add(answer);
        self.display.advance();
        self.results.push(answer)
    }

    /// Returns the next answer. Results are flushed before it waits for one.
    async fn next(&mut self) -> Result<Option<BatchAnswer<Tag>>, Unwritten> {
        poll_fn(|context| {
            let polled = Pin::new(&mut self.answers).poll_next(context);
            if polled.is_ready() {
                return polled.map(Ok);
            }
            let failures = self.summary.failures();
            self.display.show(failures, self.answers.held_up_by());
            match self.results.flush() {
                Ok(()) => std::task::Poll::Pending,
                Err(unwritten) => std::task::Poll::Ready(Err(unwritten)),
            }
        })
        .await
    }

    /// Sums up what became of the rows.
    async fn end(&mut self, elapsed: Duration, unwritten: Option<Unwritten>, feed: &Feed) {
        let unread = feed.unread();
        match (unwritten, unread) {
            (Some(Unwritten::Replaced | Unwritten::Changed), _) => {
                self.summary.set_way_on(WayOn::RestoreResults);
            }
            (None, Some(Unread::Changed)) => self.summary.set_way_on(WayOn::RestoreInput),
            _ => {}
        }
        let stopped = match (unwritten, unread, self.answers.stopped()) {
            (Some(unwritten), ..) => Some((unwritten.reason(), unwritten.exit_code())),
            (_, Some(unread), _) => Some((unread.reason(), EXIT_INVALID)),
            (.., Some(error)) => Some((error.report_line(), exit_code(error))),
            _ => None,
        };
        let ending = Ending {
            without_result: feed.taken().saturating_sub(self.results.written()),
            all_taken: feed.is_empty().await,
            stopped,
            interrupted: self.interrupted,
        };
        self.summary.finish(elapsed, ending);
    }
}
