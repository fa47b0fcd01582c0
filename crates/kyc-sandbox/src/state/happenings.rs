//! What happened, in one stream: calls, steps of persons, webhooks, moves of the clock, faults.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use tokio::sync::watch;

use super::{Delivery, JourneyId, Provider, WebhookId};

/// One thing that happened.
#[derive(Debug, Clone)]
pub(crate) struct Happening {
    /// Its place in the stream, from 1.
    pub(crate) number: u64,
    /// In Unix milliseconds of the sandbox's clock.
    pub(crate) at_ms: i64,
    pub(crate) journey: Option<JourneyId>,
    pub(crate) what: What,
}

#[derive(Debug, Clone)]
pub(crate) enum What {
    /// A provider answered a request.
    Call(Arc<Exchange>),
    /// A person took a step on a page, or by a script.
    Step { provider: Provider, words: String },
    /// Something changed by itself: a consent expired, data arrived, a decision was made.
    Change { provider: Provider, words: String },
    /// An attempt to deliver a webhook.
    Webhook {
        id: WebhookId,
        provider: Provider,
        event: &'static str,
        attempt: usize,
        delivery: Delivery,
    },
    /// The clock was moved or its mode changed.
    Clock { words: String },
    /// A fault was switched on or off.
    Fault { words: String },
}

/// A request and its reply, as they were on the wire.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) provider: Provider,
    pub(crate) operation: &'static str,
    pub(crate) method: Method,
    /// Path and query, as sent.
    pub(crate) target: String,
    pub(crate) request_headers: HeaderMap,
    pub(crate) request_body: Bytes,
    pub(crate) status: StatusCode,
    pub(crate) reply_headers: HeaderMap,
    pub(crate) reply_body: Bytes,
    /// What changed, in words; empty where nothing did.
    pub(crate) changed: String,
    /// The rule that decided, and where it comes from.
    pub(crate) reason: &'static str,
    pub(crate) took_us: u64,
}

/// The newest happenings, oldest first.
#[derive(Debug)]
pub(crate) struct Happenings {
    capacity: usize,
    kept: Mutex<Kept>,
    newest: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Kept {
    written: u64,
    happenings: VecDeque<Happening>,
}

impl Happenings {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            kept: Mutex::default(),
            newest: watch::Sender::new(0),
        }
    }

    pub(crate) fn add(&self, at_ms: i64, journey: Option<JourneyId>, what: What) {
        let number = {
            let mut kept = self.lock();
            kept.written = kept.written.saturating_add(1);
            let number = kept.written;
            kept.happenings.push_back(Happening {
                number,
                at_ms,
                journey,
                what,
            });
            if kept.happenings.len() > self.capacity {
                kept.happenings.pop_front();
            }
            number
        };
        self.newest.send_if_modified(|newest| {
            *newest = number.max(*newest);
            true
        });
    }

    /// Those after this number, oldest first.
    pub(crate) fn after(&self, number: u64) -> Vec<Happening> {
        let kept = self.lock();
        let after = kept.happenings.iter().rev();
        let mut found: Vec<_> = after
            .take_while(|happening| happening.number > number)
            .cloned()
            .collect();
        found.reverse();
        found
    }

    /// Is told of the number of the newest happening.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_with_their_numbers() {
        let happenings = Happenings::new(2);
        for words in ["a", "b", "c"] {
            let words = words.to_owned();
            happenings.add(0, None, What::Clock { words });
        }
        let numbers = |after| -> Vec<u64> {
            let happenings = happenings.after(after);
            happenings
                .iter()
                .map(|happening| happening.number)
                .collect()
        };
        assert_eq!(
            (numbers(0), numbers(2), numbers(3)),
            (vec![2, 3], vec![3], vec![])
        );
        assert_eq!(*happenings.watch().borrow(), 3);
    }
}
