//! Single flight: one future for all who ask the same question while it runs.

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

/// The calls in flight, by question. It keeps none of them alive: only those who wait do.
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

/// Tells a call from another one that asks the same.
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
    /// The call that asks `key`, if there is one.
    pub(crate) fn join(&self, key: &K) -> Option<Flight<T>> {
        let in_flight = self.in_flight.get(key)?;
        Some(Flight {
            call: in_flight.call.upgrade()?,
            nudge: Arc::clone(&in_flight.nudge),
            request_id: in_flight.request_id.clone(),
        })
    }

    /// Begins a call that others can join. Its future has to [`end`](Self::end) it, also when it is dropped.
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

    /// Removes a call that has ended. Returns whether it was in flight until now: `false` if it was disowned.
    pub(crate) fn end(&mut self, key: &K, ticket: Ticket) -> bool {
        let found = self.in_flight.get(key).map(|in_flight| in_flight.ticket);
        let owned = found == Some(ticket);
        if owned {
            self.in_flight.remove(key);
        }
        owned
    }

    /// How many calls are in flight.
    pub(crate) fn len(&self) -> usize {
        self.in_flight.len()
    }

    /// Lets nobody join these calls any more; those who wait still get their answer.
    pub(crate) fn disown(&mut self, which: impl Fn(&K) -> bool) {
        self.in_flight.retain(|key, _| !which(key));
    }
}

/// One of those who wait for a call. Whoever is polled drives it, and the last one to go drops it.
pub(crate) struct Flight<T: Clone> {
    call: Call<T>,
    nudge: Arc<AtomicWaker>,
    request_id: RequestId,
}

impl<T: Clone> Flight<T> {
    /// The id that the call is sent with.
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
        // This one may have taken the only wake-up of the call.
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
    fn who_comes_later_joins_and_who_comes_too_late_does_not() {
        let mut flights = Under::default();
        assert!(flights.join(&"q").is_none());
        let first = flights.begin("q", id("first"), |_| std::future::pending());
        let second = flights.join(&"q").unwrap();
        assert_eq!(second.request_id().as_str(), "first");
        drop(first);
        assert!(flights.join(&"q").is_some(), "one still waits");
        drop(second);
        assert!(flights.join(&"q").is_none(), "nobody waits");
    }

    #[test]
    fn an_end_is_its_own_call_s_only() {
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

    /// The call becomes ready while the first waiter polls it and the second one looks; then the first one is dropped and
    /// with it the only wake-up.
    #[test]
    fn who_goes_away_passes_the_wake_up_on() {
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

        let nobody = &mut Context::from_waker(Waker::noop());
        assert!(first.poll_unpin(nobody).is_pending());
        let before = *woken.0.lock().unwrap();
        drop(first);
        assert!(*woken.0.lock().unwrap() > before);
        let mut second = second.lock().unwrap().take().unwrap();
        assert_eq!(second.poll_unpin(nobody), Poll::Ready(7));
    }
}
