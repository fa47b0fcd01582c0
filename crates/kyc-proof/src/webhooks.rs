//! Webhooks of Veriff and FinPro, most of them not to be believed: every genuine event is handled exactly once, and nothing
//! else is. They are signed by an HMAC that is not the product's.

use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll};

use anyhow::{Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use consent_hmac::{ApiKey, WebhookSignature};
use fastrand::Rng;
use finpro_fiu::FinproWebhooks;
use finpro_profile::AppIdentifier;
use kyc_sandbox::credentials::{FINPRO_APP_IDENTIFIER, VERIFF_API_KEY};
use provider_core::bytes::Bytes;
use provider_core::http::{HeaderName, Request, StatusCode};
use provider_core::jiff::SignedDuration;
use provider_core::testing::FixedClock;
use provider_core::webhook::Refusal::{self, Mismatch};
use provider_core::webhook::http_body::{Body, Frame};
use provider_core::webhook::{Encoding, HeaderSignature, KeyForm, Meta, Receiver, RecentEvents};
use provider_core::webhook::{Reply, Scheme, Secrets, SignedText, SigningKey};
use tokio::task::{JoinSet, yield_now};
use veriff_sessions::VeriffWebhooks;

use crate::Settings;
use crate::forgeries::veriff::{NOW, X, X_CLIENT, mac};

const SENDERS: usize = 64;
const MAX_BODY_BYTES: usize = 4096;
/// The secret that is used, the one before it, which is accepted for an hour more, and one that has ended.
const SECRETS: [&str; 3] = ["made-up-current", "made-up-previous", "made-up-ended"];

/// What a delivery is, and how it is refused, if it is.
type Kind = (&'static str, Option<Refusal>);
const KINDS: [Kind; 13] = [
    ("doubled", None),
    ("replayed", None),
    ("signed again", None),
    ("forged", Some(Mismatch(None))),
    ("altered body", Some(Mismatch(None))),
    // Or malformed, or for another client: whichever header it is.
    ("altered header", Some(Mismatch(None))),
    ("ended secret", Some(Refusal::ExpiredSecret)),
    ("too old", Some(Refusal::TooOld)),
    ("unsigned", Some(Refusal::MissingSignature)),
    ("other client", Some(Refusal::OtherClient)),
    ("oversized", Some(Refusal::TooLarge)),
    ("broken off", Some(Refusal::Incomplete)),
    ("cut short", Some(Mismatch(None))),
];

/// One request, which is sent again while the answer is 503.
#[derive(Clone)]
struct Delivery {
    kind: Kind,
    event: usize,
    body: Bytes,
    headers: Vec<(&'static str, Vec<u8>)>,
}

/// Veriff's events are even; the later one of a session or consent has the higher number.
fn body_of(event: usize) -> Bytes {
    let id = event / 4;
    let finpro =
        |rest| format!(r#"{{"timestamp":"2026-01-01T00:00:00Z","consentHandle":"h-{id}",{rest}}}"#);
    Bytes::from(match event % 4 {
        0 => format!(r#"{{"id":"s-{id}","code":7002,"action":"submitted"}}"#),
        1 => finpro(r#""eventType":"CONSENT","eventStatus":"CONSENT_APPROVED""#),
        2 => format!(r#"{{"verification":{{"id":"s-{id}","code":9001}}}}"#),
        _ => finpro(r#""eventType":"DATA","eventStatus":"DATA_READY""#),
    })
}

impl Delivery {
    fn new(kind: Kind, event: usize, random: &mut Rng) -> Self {
        let (mut event, mut secret, mut time) = (event, SECRETS[0], NOW.as_second());
        let mut body = body_of(event).to_vec();
        match kind.0 {
            "signed again" => secret = SECRETS[1],
            "ended secret" => secret = SECRETS[2],
            "forged" => (secret, body) = ("made-up-guess", body_of(event + (1 << 40)).to_vec()),
            // FinPro alone signs a time.
            "too old" => {
                (event, time) = (event | 1, time - random.i64(301..1_000_000));
                body = body_of(event).to_vec();
            }
            "oversized" => body.resize(random.usize(MAX_BODY_BYTES + 1..40_000), b' '),
            _ => {}
        }
        let time = time.to_string().into_bytes();
        let mut headers = if event.is_multiple_of(2) {
            let tag = hex::encode(mac(secret, &body));
            vec![(X, tag.into()), (X_CLIENT, VERIFF_API_KEY.into())]
        } else {
            let tag = STANDARD.encode(mac(secret, &[&time[..], b".", &body].concat()));
            let app = FINPRO_APP_IDENTIFIER.into();
            vec![(X, tag.into()), ("x-app", app), ("x-time", time)]
        };
        let (at, header) = (random.usize(..body.len()), random.usize(..headers.len()));
        match kind.0 {
            "altered body" => body[at] ^= random.u8(1..),
            "altered header" => {
                let value: &mut Vec<u8> = &mut headers[header].1;
                let (at, new) = (random.usize(..value.len()), random.u8(b'!'..b'~'));
                // Veriff's are the same in either case.
                let same = value[at].eq_ignore_ascii_case(&new);
                value[at] = if same { b'~' } else { new };
            }
            "unsigned" => drop(headers.remove(0)),
            "other client" => headers[1].1 = b"11111111-2222-4333-8444-555555555555".to_vec(),
            "broken off" | "cut short" => body.truncate(at),
            _ => {}
        }
        let body = body.into();
        Self {
            kind,
            event,
            body,
            headers,
        }
    }

    fn request(&self) -> Result<Request<Pieces>> {
        let mut request = Request::post("/hook");
        for (name, value) in &self.headers {
            request = request.header(*name, &value[..]);
        }
        let pieces = Pieces(self.body.clone(), self.kind.0 == "broken off", 0);
        Ok(request.body(pieces)?)
    }
}

/// A body in pieces, whether it breaks off, and how much was read, which ends the proof if it is over the cap.
struct Pieces(Bytes, bool, usize);

impl Body for Pieces {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        assert!(self.2 <= MAX_BODY_BYTES, "read on over the cap");
        let length = self.0.len().min(512);
        self.2 += length;
        Poll::Ready(match (length, self.1) {
            (0, true) => Some(Err("broken off")),
            (0, false) => None,
            _ => Some(Ok(Frame::data(self.0.split_to(length)))),
        })
    }
}

/// What is sent, and what became of it.
struct Proof {
    veriff: Receiver<VeriffWebhooks>,
    finpro: Receiver<FinproWebhooks>,
    deliveries: Vec<Delivery>,
    /// Of each genuine body how often its handler began, and how often it was handled.
    events: HashMap<Bytes, [AtomicUsize; 2]>,
    /// The next delivery, those that were sent again, and what was handled of others.
    counts: [AtomicUsize; 3],
}

impl Proof {
    async fn send(self: Arc<Self>) -> Result<()> {
        let [next, again, _] = &self.counts;
        while let Some(it) = self.deliveries.get(next.fetch_add(1, SeqCst)) {
            let reply = loop {
                let (request, proof) = (it.request()?, Arc::clone(&self));
                let handle = |raw, meta| proof.handle(raw, meta);
                let reply = match it.event % 2 {
                    0 => self.veriff.handle(request, handle).await,
                    _ => self.finpro.handle(request, handle).await,
                };
                if reply.status() != StatusCode::SERVICE_UNAVAILABLE {
                    break reply;
                }
                again.fetch_add(1, SeqCst);
                yield_now().await;
            };
            let as_expected = match (&reply, it.kind) {
                (Reply::Handled | Reply::Repeated, (_, refused)) => refused.is_none(),
                (Reply::Refused(refusal), ("altered header", _)) => refusal.status() == 401,
                (Reply::Refused(Mismatch(_)), (_, refused)) => refused == Some(Mismatch(None)),
                (Reply::Refused(refusal), (_, refused)) => refused == Some(*refusal),
                _ => false,
            };
            ensure!(as_expected, "{}, event {}: {reply}", it.kind.0, it.event);
        }
        Ok(())
    }

    /// Fails for one event of eight, up to three times.
    async fn handle(self: Arc<Self>, raw: Bytes, meta: Meta) -> Result<(), &'static str> {
        let Some([begun, handled]) = self.events.get(&raw) else {
            self.counts[2].fetch_add(1, SeqCst);
            return Ok(());
        };
        let failures = usize::from(meta.key.as_bytes()[0]).saturating_sub(213) / 11;
        yield_now().await;
        if begun.fetch_add(1, SeqCst) < failures {
            return Err("made-up failure");
        }
        handled.fetch_add(1, SeqCst);
        Ok(())
    }
}

/// All deliveries in the order in which they begin. A doubled one comes at once after the first.
fn deliveries(events: usize, total: usize, random: &mut Rng) -> Vec<Delivery> {
    let genuine = |event| vec![Delivery::new(("genuine", None), event, random)];
    let mut groups: Vec<_> = (0..events).map(genuine).collect();
    for at in events..total {
        let event = random.usize(..events);
        let it = Delivery::new(KINDS[at % KINDS.len()], event, random);
        match it.kind.0 {
            "doubled" => groups[event].push(it),
            _ => groups.push(vec![it]),
        }
    }
    random.shuffle(&mut groups);
    let (mut all, mut came) = (groups.concat(), vec![false; events]);
    for it in all.iter_mut().filter(|it| it.kind.0 == "genuine") {
        came[it.event] = true;
        if it.event % 4 >= 2 && !came[it.event - 2] {
            it.kind.0 = "genuine, after a later one";
        }
    }
    all
}

fn receiver<P: Scheme>(scheme: P, seen: &Arc<RecentEvents>) -> Receiver<P> {
    Receiver::new(scheme)
        .with_max_body_bytes(MAX_BODY_BYTES)
        .with_clock(Arc::new(FixedClock::at(NOW)))
        .with_seen_events(Arc::clone(seen) as _)
}

pub(crate) fn run(settings: &Settings) -> Result<()> {
    let total = if settings.short { 10_000 } else { 100_000 };
    let events = total / 10 * 3 / 4 * 4;
    let [current, previous, ended] = SECRETS.map(|text| SigningKey::new(text, KeyForm::Text));
    let secrets = Secrets::from(current?).or_until(ended?, NOW);
    let secrets = secrets.or_until(previous?, NOW + SignedDuration::from_hours(1));
    let veriff = WebhookSignature::with_secrets(&ApiKey::new(VERIFF_API_KEY)?, secrets.clone());
    let (header, separator) = (HeaderName::from_static("x-time"), ".".to_owned());
    let tolerance = SignedDuration::from_mins(5);
    let text = SignedText::TimeAndBody {
        header,
        separator,
        tolerance,
    };
    let finpro = HeaderSignature::new(HeaderName::from_static(X), Encoding::Base64, text, secrets);
    let app = AppIdentifier::new(FINPRO_APP_IDENTIFIER)?;
    let finpro = FinproWebhooks::new(finpro);
    let finpro = finpro.with_app_identifier(HeaderName::from_static("x-app"), &app);
    let seen = Arc::default();
    let of = |event| (body_of(event), Default::default());
    let proof = Arc::new(Proof {
        veriff: receiver(VeriffWebhooks::from(veriff), &seen),
        finpro: receiver(finpro, &seen),
        deliveries: deliveries(events, total, &mut Rng::with_seed(settings.seed)),
        events: (0..events).map(of).collect(),
        counts: Default::default(),
    });
    tokio::runtime::Runtime::new()?.block_on(async {
        let senders: JoinSet<_> = (0..SENDERS).map(|_| Arc::clone(&proof).send()).collect();
        senders.join_all().await.into_iter().collect::<Result<()>>()
    })?;
    let mut kinds = BTreeMap::new();
    for it in &proof.deliveries {
        *kinds.entry(it.kind.0).or_insert(0) += 1;
    }
    for (what, count) in kinds {
        println!("  {count:>6} {what}");
    }
    let handled = proof
        .events
        .values()
        .map(|[_, handled]| handled.load(SeqCst));
    let once = handled.filter(|times| *times == 1).count();
    let [_, again, others] = &proof.counts;
    println!("  {total} by {SENDERS} at once, and {again:?} again after a 503");
    println!("  {once} of {events} genuine events handled exactly once, {others:?} others handled");
    ensure!(
        once == events && others.load(SeqCst) == 0,
        "not exactly once"
    );
    Ok(())
}
