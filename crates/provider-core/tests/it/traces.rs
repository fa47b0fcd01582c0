//! Collects everything that is logged, for tests.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::sync::Once;

use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

thread_local! {
    static TRACES: RefCell<Option<String>> = const { RefCell::new(None) };
    static SPANS: RefCell<Vec<&'static Metadata<'static>>> = const { RefCell::new(Vec::new()) };
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    static FIELDS: RefCell<Vec<(String, &'static str)>> = const { RefCell::new(Vec::new()) };
}

/// Every event and span of this thread, whatever its level, with all fields.
pub(crate) struct Traces;

impl Traces {
    /// Starts to collect.
    pub(crate) fn new() -> Self {
        // One subscriber for the process: with one per thread, the result would depend on which thread sees an event first.
        static SUBSCRIBER: Once = Once::new();
        SUBSCRIBER.call_once(|| {
            tracing::subscriber::set_global_default(Collector).unwrap();
            tracing::callsite::rebuild_interest_cache();
        });
        TRACES.set(Some(String::new()));
        FIELDS.set(Vec::new());
        Self
    }

    /// The collected events and spans, one per line, the level first; those inside a span are indented by two spaces.
    pub(crate) fn text(&self) -> String {
        TRACES.with_borrow(|text| text.clone().unwrap())
    }

    /// The names of all collected fields with a value, from events and spans of this target.
    pub(crate) fn fields_of(&self, target: &str) -> BTreeSet<&'static str> {
        FIELDS.with_borrow(|fields| {
            fields
                .iter()
                .filter(|(of, _)| of.starts_with(target))
                .map(|(_, name)| *name)
                .collect()
        })
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        TRACES.set(None);
    }
}

struct Collector;

impl Collector {
    fn keep(metadata: &Metadata<'_>, record: impl FnOnce(&mut dyn Visit)) {
        struct Fields<'a>(&'a mut String, &'a str);
        impl Visit for Fields<'_> {
            fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
                write!(self.0, " {field}={value:?}").unwrap();
                FIELDS.with_borrow_mut(|fields| fields.push((self.1.to_owned(), field.name())));
            }
        }
        TRACES.with_borrow_mut(|traces| {
            if let Some(traces) = traces {
                let indent = if DEPTH.get() > 0 { "  " } else { "" };
                write!(traces, "{indent}{} {}", metadata.level(), metadata.name()).unwrap();
                record(&mut Fields(traces, metadata.target()));
                traces.push('\n');
            }
        });
    }
}

impl Subscriber for Collector {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        Self::keep(span.metadata(), |fields| span.record(fields));
        SPANS.with_borrow_mut(|spans| {
            spans.push(span.metadata());
            span::Id::from_u64(spans.len() as u64)
        })
    }

    fn record(&self, id: &span::Id, values: &span::Record<'_>) {
        let metadata = SPANS.with_borrow(|spans| spans[id.into_u64() as usize - 1]);
        Self::keep(metadata, |fields| values.record(fields));
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        Self::keep(event.metadata(), |fields| event.record(fields));
    }

    fn enter(&self, _: &span::Id) {
        DEPTH.set(DEPTH.get() + 1);
    }

    fn exit(&self, _: &span::Id) {
        DEPTH.set(DEPTH.get() - 1);
    }
}
