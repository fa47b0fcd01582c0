//! Everything that is printed while something runs: events and spans of all crates at every level, records of the
//! `log` crate, panics.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::{Mutex, Once, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_log::NormalizeEvent as _;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

enum Sink {
    /// The text of whoever captures on this thread.
    Own(String),
    /// The text that all threads share on which nobody captures.
    Shared,
    /// Nothing: a thread of the fault server, which is not what is proven.
    None,
}

thread_local! {
    static SINK: RefCell<Sink> = const { RefCell::new(Sink::Shared) };
    static PANICS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static TARGETS: RefCell<BTreeMap<String, u64>> = const { RefCell::new(BTreeMap::new()) };
}

static SHARED: Mutex<String> = Mutex::new(String::new());

/// Adds a line to the text of this thread; returns whether somebody captures on it.
fn keep(write: impl FnOnce(&mut String)) -> bool {
    // A thread that is ending has no sink any more.
    let captured = SINK.try_with(|sink| {
        let Ok(mut sink) = sink.try_borrow_mut() else {
            return false;
        };
        let line = |text: &mut String| {
            write(text);
            text.push('\n');
        };
        match &mut *sink {
            Sink::Own(text) => line(text),
            Sink::Shared => line(&mut SHARED.lock().unwrap_or_else(PoisonError::into_inner)),
            Sink::None => {}
        }
        matches!(&*sink, Sink::Own(_))
    });
    captured.unwrap_or(false)
}

/// Captures for this process from now on.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing_log::LogTracer::init().expect("no other logger");
        let subscriber = tracing_subscriber::registry().with(Lines);
        tracing::subscriber::set_global_default(subscriber).expect("no other subscriber");
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let _ = PANICS.try_with(|panics| panics.borrow_mut().push(panic.to_string()));
            if !keep(|text| text.push_str(&panic.to_string())) {
                print(panic);
            }
        }));
    });
}

/// Adds what something prints when it is asked to.
pub(crate) fn note(printed: &str) {
    keep(|text| text.push_str(printed));
}

/// Leaves out this thread.
pub(crate) fn ignore_this_thread() {
    SINK.set(Sink::None);
}

/// What this thread prints from now on.
pub(crate) struct Capture(());

impl Capture {
    /// Begins; [`install`] must have been called.
    pub(crate) fn begin() -> Self {
        SINK.set(Sink::Own(String::new()));
        PANICS.take();
        TARGETS.take();
        Self(())
    }

    /// How many lines were logged on this thread, by target.
    pub(crate) fn targets(&self) -> BTreeMap<String, u64> {
        TARGETS.with_borrow(Clone::clone)
    }

    /// All of it, and the panics of this thread once more.
    pub(crate) fn end(self) -> (String, Vec<String>) {
        match SINK.replace(Sink::Shared) {
            Sink::Own(text) => (text, PANICS.take()),
            Sink::Shared | Sink::None => (String::new(), PANICS.take()),
        }
    }
}

/// What threads printed on which nobody captured, so far.
pub(crate) fn take_shared() -> String {
    std::mem::take(&mut SHARED.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Writes each event and span as a line, with every field.
struct Lines;

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_new_span(&self, span: &Attributes<'_>, _id: &Id, _context: Context<'_, S>) {
        keep(|text| {
            text.push_str(span.metadata().name());
            span.record(&mut Fields(text));
        });
    }

    fn on_record(&self, _id: &Id, values: &Record<'_>, _context: Context<'_, S>) {
        keep(|text| values.record(&mut Fields(text)));
    }

    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        // A record of the `log` crate has its own target among its fields.
        let normalized = event.normalized_metadata();
        let metadata = normalized.as_ref().unwrap_or_else(|| event.metadata());
        let _ = TARGETS.try_with(|targets| {
            if let Ok(mut targets) = targets.try_borrow_mut() {
                *targets.entry(metadata.target().to_owned()).or_insert(0) += 1;
            }
        });
        keep(|text| {
            let _ = write!(text, "{} {}", metadata.level(), metadata.target());
            event.record(&mut Fields(text));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_spans_log_records_and_panics_are_captured_on_their_own_thread() {
        install();
        let capture = Capture::begin();
        let span = tracing::trace_span!("a span", field = "one", late = tracing::field::Empty);
        span.record("late", "two");
        tracing::trace!(other = ?Some("three"), "four");
        log::trace!("five");
        assert!(std::panic::catch_unwind(|| panic!("six")).is_err());
        let other = std::thread::spawn(|| tracing::trace!("seven"));
        other.join().unwrap();
        let (text, panics) = capture.end();
        for word in ["one", "two", "three", "four", "five", "six"] {
            assert!(text.contains(word), "{word}: {text}");
        }
        assert_eq!(panics.len(), 1);
        assert!(!text.contains("seven"));
        assert!(take_shared().contains("seven"));
    }
}
