//! Single flight: concurrent callers with the same question share one future.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared, poll_fn};
use futures_util::task::AtomicWaker;
use provider_core::RequestId;

type Call<T> = Shared<BoxFuture<'static, T>>;

/// The calls in flight, by question. It does not keep them alive: only their callers do.
pub(crate) struct Flights<K, T: Clone> {
    in_flight: HashMap<K, InFlight<T>>,
    next: u64,
}

struct InFlight<T: Clone> {
    ticket: Ticket,
    call: WeakShared<BoxFuture<'static, T>>,
    nudge: Arc<AtomicWaker>,
    request_id: RequestId,
}

/// Identifies a call among those with the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

impl<K, T: Clone> Default for Flights<K, T> {
    fn default() -> Self {
        Self {
            in_flight: HashMap::new(),
            next: 0,
        }
    }
}

impl<K: Eq + Hash, T: Clone + Send + Sync + 'static> Flights<K, T> {
    /// Joins the call in flight for `key`, if there is one.
    pub(crate) fn join(&self, key: &K) -> Option<Flight<T>> {
        let in_flight = self.in_flight.get(key)?;
        Some(Flight {
            call: in_flight.call.upgrade()?,
            nudge: Arc::clone(&in_flight.nudge),
            request_id: in_flight.request_id.clone(),
        })
    }

    /// Starts a call that others can join. Its future has to [`end`](Self::end) it, also when it is dropped.
    pub(crate) fn begin<F>(
        &mut self,
        key: K,
        request_id: RequestId,
        call: impl FnOnce(Ticket) -> F,
    ) -> Flight<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let ticket = Ticket(self.next);
        self.next = self.next.wrapping_add(1);
        let nudge = Arc::new(AtomicWaker::new());
        let mut call = Box::pin(call(ticket));
        let nudged = Arc::clone(&nudge);
        let call = poll_fn(move |context| {
            nudged.register(context.waker());
            call.as_mut().poll(context)
        });
        let call = call.boxed().shared();
        if let Some(weak) = call.downgrade() {
            let in_flight = InFlight {
                ticket,
                call: weak,
                nudge: Arc::clone(&nudge),
                request_id: request_id.clone(),
            };
            self.in_flight.insert(key, in_flight);
        }
        Flight {
            call,
            nudge,
            request_id,
        }
    }

    /// Removes a call that has ended. Returns whether it was still registered: `false` if it was disowned.
    pub(crate) fn end(&mut self, key: &K, ticket: Ticket) -> bool {
        let found = self.in_flight.get(key).map(|in_flight| in_flight.ticket);
        let owned = found == Some(ticket);
        if owned {
            self.in_flight.remove(key);
        }
        owned
    }

    /// The number of calls in flight.
    pub(crate) fn len(&self) -> usize {
        self.in_flight.len()
    }

    /// Prevents others from joining these calls; their current callers still get the answer.
    pub(crate) fn disown(&mut self, which: impl Fn(&K) -> bool) {
        self.in_flight.retain(|key, _| !which(key));
    }
}

/// One caller of a shared call. Polling any caller drives the call, and dropping the last one drops it.
pub(crate) struct Flight<T: Clone> {
    call: Call<T>,
    nudge: Arc<AtomicWaker>,
    request_id: RequestId,
}

impl<T: Clone> Flight<T> {
    /// The request id of the call.
    pub(crate) fn request_id(&self) -> &RequestId {
        &self.request_id
    }
}

impl<T: Clone> Future for Flight<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        self.call.poll_unpin(context)
    }
}

impl<T: Clone> Drop for Flight<T> {
    fn drop(&mut self) {
        // This caller may have consumed the only wake-up of the call.
        self.nudge.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::task::{Wake, Waker};

    use super::*;

    type Under = Flights<&'static str, u32>;

    fn id(text: &str) -> RequestId {
        RequestId::parse(text).unwrap()
    }

    #[derive(Default)]
    struct Woken(Mutex<u32>);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            let mut woken = self.0.lock().unwrap();
            *woken = woken.saturating_add(1);
        }
    }

    #[test]
    fn a_caller_joins_a_call_in_flight_but_not_one_that_has_ended() {
        let mut flights = Under::default();
        assert!(flights.join(&"q").is_none());
        let first = flights.begin("q", id("first"), |_| std::future::pending());
        let second = flights.join(&"q").unwrap();
        assert_eq!(second.request_id().as_str(), "first");
        drop(first);
        assert!(flights.join(&"q").is_some(), "one caller is left");
        drop(second);
        assert!(flights.join(&"q").is_none(), "no caller is left");
    }

    #[test]
    fn ending_a_call_leaves_its_successor_in_flight() {
        let mut flights = Under::default();
        let mut tickets = Vec::new();
        let begin = |flights: &mut Under, tickets: &mut Vec<Ticket>| {
            flights.begin("q", id("i"), |ticket| {
                tickets.push(ticket);
                std::future::pending()
            })
        };
        let disowned = begin(&mut flights, &mut tickets);
        flights.disown(|key| *key == "q");
        assert!(flights.join(&"q").is_none());
        let _current = begin(&mut flights, &mut tickets);
        assert!(!flights.end(&"q", tickets[0]));
        drop(disowned);
        assert!(flights.join(&"q").is_some());
        assert!(flights.end(&"q", tickets[1]));
        assert!(!flights.end(&"q", tickets[1]));
    }

    /// The call becomes ready while the first caller polls it and the second one registers; then the first caller is
    /// dropped and with it the only wake-up.
    #[test]
    fn a_dropped_caller_passes_the_wake_up_on() {
        let woken = Arc::new(Woken::default());
        let second: Arc<Mutex<Option<Flight<u32>>>> = Arc::default();
        let (looker, looks) = (Arc::clone(&second), Waker::from(Arc::clone(&woken)));
        let mut polls = 0;
        let call = poll_fn(move |context: &mut Context<'_>| {
            polls += 1;
            if polls > 1 {
                return Poll::Ready(7);
            }
            context.waker().wake_by_ref();
            let mut looker = looker.lock().unwrap();
            let second = looker.as_mut().unwrap();
            let looked = second.poll_unpin(&mut Context::from_waker(&looks));
            assert!(looked.is_pending());
            Poll::Pending
        });
        let mut flights = Under::default();
        let mut first = flights.begin("q", id("i"), |_| call);
        *second.lock().unwrap() = flights.join(&"q");

        let context = &mut Context::from_waker(Waker::noop());
        assert!(first.poll_unpin(context).is_pending());
        let before = *woken.0.lock().unwrap();
        drop(first);
        assert!(*woken.0.lock().unwrap() > before);
        let mut second = second.lock().unwrap().take().unwrap();
        assert_eq!(second.poll_unpin(context), Poll::Ready(7));
    }
}
