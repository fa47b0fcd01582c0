//! What happened, in one stream: calls, steps of persons, webhooks, moves of the clock, faults.
//!
//! A row is small and kept for long. What was on the wire is large, personal and kept for the newest calls only.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use http::{HeaderMap, Method, StatusCode};
use tokio::sync::watch;

use super::recent::push;
use super::store::{Room, Word};
use super::{Delivery, JourneyId, Provider, WebhookId};

/// How many calls are kept with what was on the wire, and how many bytes of all of them together.
const WIRES: usize = 1_000;
const WIRE_BYTES: usize = 4 * 1024 * 1024;
/// How much of one body is kept.
const BODY_BYTES: usize = 64 * 1024;

/// One thing that happened.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Happening {
    /// Its place in the stream, from 1.
    pub(crate) number: u64,
    /// In Unix milliseconds of the sandbox's clock.
    pub(crate) at_ms: i64,
    pub(crate) journey: Option<JourneyId>,
    pub(crate) what: What,
}

#[derive(Debug, Clone)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum What {
    /// A provider answered a request.
    Call(Call),
    /// A person took a step on a page, or by a script.
    Step { provider: Provider, words: String },
    /// Something changed by itself: a consent expired, data arrived, a decision was made.
    Change { provider: Provider, words: String },
    /// An attempt to deliver a webhook.
    Webhook {
        id: WebhookId,
        provider: Provider,
        #[cfg_attr(
            feature = "state-file",
            serde(deserialize_with = "super::store::form::word")
        )]
        event: Word,
        attempt: usize,
        delivery: Delivery,
    },
    /// The clock was moved or its mode changed.
    Clock { words: String },
    /// A fault was switched on or off.
    Fault { words: String },
    /// Somebody used the console for more than to look.
    Console { words: String },
}

impl What {
    /// Whose it is; the clock is nobody's.
    pub(crate) fn provider(&self) -> Option<Provider> {
        match self {
            Self::Call(call) => Some(call.provider),
            Self::Step { provider, .. }
            | Self::Change { provider, .. }
            | Self::Webhook { provider, .. } => Some(*provider),
            Self::Clock { .. } | Self::Fault { .. } | Self::Console { .. } => None,
        }
    }
}

/// A request that was sent again from the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Repeats {
    /// The call whose request it was.
    pub(crate) number: u64,
    /// Whether it was changed before.
    pub(crate) is_edited: bool,
}

/// A call without what was on the wire.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Call {
    pub(crate) provider: Provider,
    #[cfg_attr(
        feature = "state-file",
        serde(deserialize_with = "super::store::form::word")
    )]
    pub(crate) operation: Word,
    #[cfg_attr(feature = "state-file", serde(with = "super::store::form::status"))]
    pub(crate) status: StatusCode,
    /// What changed, in words; empty where nothing did.
    pub(crate) changed: Cow<'static, str>,
    /// Whether the request had an effect.
    pub(crate) had_effect: bool,
    /// The rule that decided, and where it comes from.
    #[cfg_attr(
        feature = "state-file",
        serde(deserialize_with = "super::store::form::word")
    )]
    pub(crate) reason: Word,
    /// Whether credentials or a signature were refused.
    pub(crate) is_unverified: bool,
    /// Apart, because most calls have none.
    pub(crate) repeats: Option<Box<Repeats>>,
    /// The same for all attempts of a call: a digest of their `x-request-id`.
    pub(crate) request_id: Option<NonZeroU64>,
    pub(crate) took_us: u64,
}

/// A request and its reply, as they were on the wire.
#[derive(Debug)]
pub(crate) struct Exchange<'e> {
    pub(crate) provider: Provider,
    pub(crate) operation: &'static str,
    pub(crate) method: &'e Method,
    pub(crate) path: &'e str,
    /// Without the question mark; empty where there is none.
    pub(crate) query: &'e str,
    pub(crate) request_headers: &'e HeaderMap,
    pub(crate) request_body: &'e [u8],
    pub(crate) status: StatusCode,
    pub(crate) reply_headers: &'e HeaderMap,
    pub(crate) reply_body: &'e [u8],
    pub(crate) changed: Cow<'static, str>,
    pub(crate) had_effect: bool,
    pub(crate) reason: &'static str,
    pub(crate) is_unverified: bool,
    pub(crate) repeats: Option<Repeats>,
    pub(crate) took_us: u64,
}

/// A message as it was on the wire.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message<'w> {
    /// Lines `name: value`, in the order in which they were kept.
    pub(crate) head: &'w [u8],
    /// Its beginning, if it was long.
    pub(crate) body: &'w [u8],
    /// The length of the whole body.
    pub(crate) length: usize,
}

impl<'w> Message<'w> {
    /// Whether the body is kept whole.
    pub(crate) fn is_whole(&self) -> bool {
        self.body.len() == self.length
    }

    /// The headers, by their names in lower case.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&'w str, &'w [u8])> + use<'w> {
        let lines = self.head.split(|byte| *byte == b'\n');
        lines.filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let (name, value) = line.split_at_checked(colon)?;
            Some((
                std::str::from_utf8(name).ok()?,
                value.strip_prefix(b": ").unwrap_or_default(),
            ))
        })
    }

    /// The first header of this name, as a text.
    pub(crate) fn header(&self, name: &str) -> Option<&'w str> {
        let mut headers = self.headers();
        let (_, value) = headers.find(|(found, _)| *found == name)?;
        std::str::from_utf8(value).ok()
    }
}

/// What was on the wire, in one piece of memory.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) method: Method,
    /// Target, head and body of the request, head and body of the reply.
    bytes: Box<[u8]>,
    ends: [usize; 4],
    request_length: usize,
    reply_length: usize,
    /// Whether something in the request looks like a real person's, once somebody asked.
    pub(crate) looks_real: OnceLock<bool>,
}

impl Wire {
    fn of(exchange: &Exchange<'_>) -> Self {
        let request_body = beginning(exchange.request_body);
        let reply_body = beginning(exchange.reply_body);
        let headers = exchange.request_headers.len();
        let headers = headers.saturating_add(exchange.reply_headers.len());
        let guess = headers
            .saturating_mul(48)
            .saturating_add(request_body.len())
            .saturating_add(reply_body.len())
            .saturating_add(128);
        let mut bytes = Vec::with_capacity(guess);
        bytes.extend_from_slice(exchange.path.as_bytes());
        if !exchange.query.is_empty() {
            bytes.push(b'?');
            bytes.extend_from_slice(exchange.query.as_bytes());
        }
        let target = bytes.len();
        write_head(&mut bytes, exchange.request_headers);
        let request_head = bytes.len();
        bytes.extend_from_slice(request_body);
        let request = bytes.len();
        write_head(&mut bytes, exchange.reply_headers);
        let reply_head = bytes.len();
        bytes.extend_from_slice(reply_body);
        Self {
            method: exchange.method.clone(),
            bytes: bytes.into_boxed_slice(),
            ends: [target, request_head, request, reply_head],
            request_length: exchange.request_body.len(),
            reply_length: exchange.reply_body.len(),
            looks_real: OnceLock::new(),
        }
    }

    /// Path and query below the provider's prefix, as sent.
    pub(crate) fn target(&self) -> &str {
        let [target, ..] = self.ends;
        std::str::from_utf8(self.part(0, target)).unwrap_or_default()
    }

    pub(crate) fn request(&self) -> Message<'_> {
        let [target, head, end, _] = self.ends;
        Message {
            head: self.part(target, head),
            body: self.part(head, end),
            length: self.request_length,
        }
    }

    pub(crate) fn reply(&self) -> Message<'_> {
        let [.., start, head] = self.ends;
        Message {
            head: self.part(start, head),
            body: self.part(head, self.bytes.len()),
            length: self.reply_length,
        }
    }

    fn part(&self, from: usize, to: usize) -> &[u8] {
        self.bytes.get(from..to).unwrap_or_default()
    }
}

fn beginning(body: &[u8]) -> &[u8] {
    body.get(..BODY_BYTES).unwrap_or(body)
}

fn write_head(bytes: &mut Vec<u8>, headers: &HeaderMap) {
    for (name, value) in headers {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.push(b'\n');
    }
}

/// The newest happenings, oldest first.
#[derive(Debug)]
pub(crate) struct Happenings {
    capacity: usize,
    room: Room,
    kept: Mutex<Kept>,
    newest: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Kept {
    written: u64,
    happenings: VecDeque<Happening>,
    wires: VecDeque<(u64, Arc<Wire>)>,
    wire_bytes: usize,
}

impl Happenings {
    /// Those that were kept in the room, without what was on the wire.
    pub(crate) fn new(capacity: usize, room: Room) -> Self {
        let mut kept = Kept::default();
        for (number, happening) in room.take::<u64, Happening>() {
            kept.written = number;
            kept.happenings.push_back(happening);
        }
        Self {
            capacity,
            room,
            newest: watch::Sender::new(kept.written),
            kept: Mutex::new(kept),
        }
    }

    pub(crate) fn add(&self, at_ms: i64, journey: Option<JourneyId>, what: What) {
        self.write(at_ms, journey, what, None);
    }

    /// Adds a call, with what was on the wire.
    pub(crate) fn add_call(&self, at_ms: i64, journey: Option<JourneyId>, exchange: Exchange<'_>) {
        let wire = Wire::of(&exchange);
        let request_id = exchange.request_headers.get("x-request-id").map(|id| {
            let mut hasher = DefaultHasher::new();
            id.as_bytes().hash(&mut hasher);
            NonZeroU64::new(hasher.finish()).unwrap_or(NonZeroU64::MIN)
        });
        let call = Call {
            provider: exchange.provider,
            operation: exchange.operation,
            status: exchange.status,
            changed: exchange.changed,
            had_effect: exchange.had_effect,
            reason: exchange.reason,
            is_unverified: exchange.is_unverified,
            repeats: exchange.repeats.map(Box::new),
            request_id,
            took_us: exchange.took_us,
        };
        self.write(at_ms, journey, What::Call(call), Some(wire));
    }

    fn write(&self, at_ms: i64, journey: Option<JourneyId>, what: What, wire: Option<Wire>) {
        // Freed once the lock is.
        let mut forgotten = Vec::new();
        let number = {
            let mut kept = self.lock();
            kept.written = kept.written.saturating_add(1);
            let number = kept.written;
            let happening = Happening {
                number,
                at_ms,
                journey,
                what,
            };
            self.room.put(&number, &happening);
            if kept.happenings.len() >= self.capacity
                && let Some(oldest) = kept.happenings.pop_front()
            {
                self.room.remove(&oldest.number);
            }
            push(&mut kept.happenings, happening, self.capacity);
            if let Some(wire) = wire {
                kept.wire_bytes = kept.wire_bytes.saturating_add(wire.bytes.len());
                kept.wires.push_back((number, Arc::new(wire)));
                while kept.wires.len() > WIRES || kept.wire_bytes > WIRE_BYTES {
                    let Some((_, oldest)) = kept.wires.pop_front() else {
                        break;
                    };
                    kept.wire_bytes = kept.wire_bytes.saturating_sub(oldest.bytes.len());
                    forgotten.push(oldest);
                }
            }
            number
        };
        drop(forgotten);
        self.newest.send_if_modified(|newest| {
            *newest = number.max(*newest);
            true
        });
    }

    /// The newest for which this holds, newest first.
    pub(crate) fn newest(
        &self,
        limit: usize,
        holds: impl Fn(&Happening) -> bool,
    ) -> Vec<Happening> {
        self.newest_after(0, limit, holds)
    }

    /// The newest after this number for which this holds, newest first.
    pub(crate) fn newest_after(
        &self,
        number: u64,
        limit: usize,
        holds: impl Fn(&Happening) -> bool,
    ) -> Vec<Happening> {
        self.read(|all| {
            let after = all.iter().rev();
            let after = after.take_while(|happening| happening.number > number);
            after
                .filter(|happening| holds(happening))
                .take(limit)
                .cloned()
                .collect()
        })
    }

    /// Looks at all that are kept, oldest first. Nothing happens meanwhile.
    pub(crate) fn read<R>(&self, read: impl FnOnce(&VecDeque<Happening>) -> R) -> R {
        read(&self.lock().happenings)
    }

    /// The one with this number, if it is kept.
    pub(crate) fn get(&self, number: u64) -> Option<Happening> {
        self.read(|all| {
            let first = all.front()?.number;
            let place = usize::try_from(number.checked_sub(first)?).ok()?;
            all.get(place).cloned()
        })
    }

    /// What was on the wire of the call with this number, if it is kept.
    pub(crate) fn wire(&self, number: u64) -> Option<Arc<Wire>> {
        let kept = self.lock();
        let place = kept.wires.binary_search_by_key(&number, |(of, _)| *of);
        Some(Arc::clone(&kept.wires.get(place.ok()?)?.1))
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
        let happenings = Happenings::new(2, Room::default());
        for words in ["a", "b", "c"] {
            let words = words.to_owned();
            happenings.add(0, None, What::Clock { words });
        }
        let numbers = |after| -> Vec<u64> {
            let newest_first = happenings.newest_after(after, usize::MAX, |_| true);
            let oldest_first = newest_first.iter().rev();
            oldest_first.map(|happening| happening.number).collect()
        };
        assert_eq!(
            (numbers(0), numbers(2), numbers(3)),
            (vec![2, 3], vec![3], vec![])
        );
        assert_eq!(*happenings.watch().borrow(), 3);
        assert!(happenings.get(1).is_none());
        assert_eq!(happenings.get(3).map(|found| found.number), Some(3));
        assert!(happenings.get(4).is_none());
    }

    fn call(happenings: &Happenings, reply_body: &[u8]) {
        let mut headers = HeaderMap::new();
        let value = http::HeaderValue::from_static;
        headers.append("x-api-key", value("key"));
        headers.append("x-request-id", value("one"));
        let exchange = Exchange {
            provider: Provider::Finpass,
            operation: "initialize",
            method: &Method::POST,
            path: "/init",
            query: "a=1",
            request_headers: &headers,
            request_body: b"{}",
            status: StatusCode::OK,
            reply_headers: &HeaderMap::new(),
            reply_body,
            changed: Cow::Borrowed(""),
            had_effect: false,
            reason: "",
            is_unverified: false,
            repeats: None,
            took_us: 1,
        };
        happenings.add_call(0, None, exchange);
    }

    #[test]
    fn what_was_on_the_wire_is_kept_as_it_was() {
        let happenings = Happenings::new(10, Room::default());
        call(&happenings, b"reply");
        let wire = happenings.wire(1).unwrap();
        assert_eq!((wire.target(), &wire.method), ("/init?a=1", &Method::POST));
        assert_eq!(wire.request().header("x-api-key"), Some("key"));
        assert_eq!(wire.request().header("x-api"), None);
        assert_eq!(wire.request().body, b"{}");
        assert_eq!(
            (wire.reply().head, wire.reply().body),
            (&b""[..], &b"reply"[..])
        );
        assert!(wire.reply().is_whole());
        call(&happenings, b"");
        let id = |at: usize| match &happenings.read(|all| all[at].clone()).what {
            What::Call(call) => call.request_id,
            _ => None,
        };
        assert!(id(0).is_some() && id(0) == id(1));
    }

    #[test]
    fn bytes_are_kept_of_the_newest_calls_and_never_too_many() {
        let happenings = Happenings::new(10_000, Room::default());
        for _ in 0..WIRES + 5 {
            call(&happenings, b"reply");
        }
        assert!(happenings.wire(5).is_none() && happenings.wire(6).is_some());
        assert_eq!(happenings.read(VecDeque::len), WIRES + 5);

        let long = vec![b' '; BODY_BYTES + 1];
        for _ in 0..100 {
            call(&happenings, &long);
        }
        let kept = happenings.lock();
        assert!(kept.wire_bytes <= WIRE_BYTES);
        let sum: usize = kept.wires.iter().map(|(_, wire)| wire.bytes.len()).sum();
        assert_eq!(sum, kept.wire_bytes);
        let (_, newest) = kept.wires.back().unwrap();
        assert!(!newest.reply().is_whole());
        assert_eq!(
            (newest.reply().body.len(), newest.reply().length),
            (BODY_BYTES, BODY_BYTES + 1)
        );
    }
}
