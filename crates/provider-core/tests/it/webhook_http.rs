//! Webhooks as requests: how they are read, handled once, and answered.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use http_body_util::{BodyExt as _, Empty, Full, Limited, StreamBody};
use hyper::body::Frame;
use provider_core::async_trait;
use provider_core::http::{HeaderMap, HeaderValue, Method, Request, Response};
use provider_core::jiff::Timestamp;
use provider_core::webhook::{
    BoxError, Claim, EventKey, Meta, Receiver, RecentEvents, Refusal, Reply, SeenEvents, read_post,
};
use tokio::sync::Notify;

use crate::traces::Traces;
use crate::webhooks::{BODY, HEADER, Toy, receiver, signature_of, unconfigured};

/// Handled events, in the order of their end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Inbox(Arc<Mutex<Vec<(Bytes, EventKey)>>>);

impl Inbox {
    pub(crate) async fn put(self, raw: Bytes, meta: Meta) -> Result<(), Infallible> {
        self.0.lock().unwrap().push((raw, meta.key));
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

pub(crate) fn request(body: &[u8]) -> Request<Full<Bytes>> {
    Request::post("/hooks/toy")
        .header(HEADER, signature_of(body))
        .header("content-length", body.len())
        .body(Full::from(body.to_vec()))
        .unwrap()
}

async fn deliver(receiver: &Receiver<Toy>, inbox: &Inbox) -> Reply {
    let inbox = inbox.clone();
    receiver
        .handle(request(BODY), |raw, meta| inbox.put(raw, meta))
        .await
}

#[tokio::test]
async fn the_answers_are_the_table() {
    let (receiver, inbox) = (receiver(), Inbox::default());
    assert_eq!(deliver(&receiver, &inbox).await.status(), 200);
    assert_eq!(inbox.0.lock().unwrap()[0].0, BODY);
    let repeated = deliver(&receiver, &inbox).await;
    assert!(matches!(repeated, Reply::Repeated));
    assert_eq!((repeated.status().as_u16(), inbox.len()), (200, 1));

    // Authentic, of an unknown kind or unreadable: kept.
    for body in [&br#"{"kind":"new"}"#[..], b"no json"] {
        let inbox = inbox.clone();
        let handled = receiver
            .handle(request(body), |raw, meta| inbox.put(raw, meta))
            .await;
        assert_eq!(handled.status(), 200);
    }
    assert_eq!(inbox.len(), 3);

    let refused = [
        (Refusal::TooLarge, 413),
        (Refusal::TooSlow, 408),
        (Refusal::Incomplete, 400),
        (Refusal::MissingSignature, 401),
        (Refusal::MalformedSignature, 401),
        (Refusal::RepeatedHeader, 401),
        (Refusal::ConflictingHeaders, 401),
        (Refusal::Mismatch(None), 401),
        (Refusal::ExpiredSecret, 401),
        (Refusal::OtherClient, 401),
        (Refusal::OtherIntegration, 401),
        (Refusal::MalformedTime, 401),
        (Refusal::TooOld, 401),
        (Refusal::FromTheFuture, 401),
        (Refusal::WrongToken, 404),
        (Refusal::Method, 405),
        (Refusal::Unconfigured, 503),
        (Refusal::BodyConsumed, 503),
    ];
    for (refusal, status) in refused {
        let response: Response<Empty<Bytes>> = Reply::Refused(refusal).to_response();
        assert_eq!(response.status(), status, "{refusal}");
    }
    for failed in [
        Reply::InFlight,
        Reply::HandlerFailed("CANARY".into()),
        Reply::HandlerPanicked,
        Reply::HandlerSlow,
        Reply::StoreDown("CANARY".into()),
    ] {
        assert_eq!(failed.status(), 503);
        assert!(!format!("{failed} {failed:?}").contains("CANARY"));
    }
}

#[tokio::test]
async fn refused_requests_run_no_handler() {
    let receiver = receiver();
    let mut unsigned = request(BODY);
    unsigned.headers_mut().remove(HEADER);
    let mut forged = request(BODY);
    forged.headers_mut().insert(HEADER, signature_of(b"{}"));
    for (receiver, request, expected) in [
        (&receiver, unsigned, Refusal::MissingSignature),
        (&receiver, forged, Refusal::Mismatch(None)),
        (&unconfigured(), request(BODY), Refusal::Unconfigured),
    ] {
        let inbox = Inbox::default();
        let reply = receiver.handle(request, {
            let inbox = inbox.clone();
            |raw, meta| inbox.put(raw, meta)
        });
        let reply = reply.await;
        assert!(
            matches!(reply, Reply::Refused(refusal) if refusal == expected),
            "{reply:?}"
        );
        assert_eq!(inbox.len(), 0);
    }
}

/// A body of pieces, which counts those that were asked for.
fn counted(
    pieces: usize,
    piece: &'static [u8],
) -> (
    Arc<AtomicUsize>,
    StreamBody<impl stream::Stream<Item = Result<Frame<Bytes>, BoxError>>>,
) {
    let read = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&read);
    let pieces = stream::iter(0..pieces).map(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(Frame::data(Bytes::from_static(piece)))
    });
    (read, StreamBody::new(pieces))
}

// Pitfall 6.
#[tokio::test]
async fn a_body_over_the_cap_is_cut_off_before_it_is_read_whole() {
    let receiver = receiver().with_max_body_bytes(1000);
    // Without an announcement: as far as the cap.
    let (read, body) = counted(1_000_000, &[b'x'; 100]);
    let refusal = receiver
        .receive(Request::post("/").body(body).unwrap())
        .await;
    assert_eq!(refusal.unwrap_err(), Refusal::TooLarge);
    assert_eq!(read.load(Ordering::Relaxed), 11);
    // Announced: not at all.
    let (read, body) = counted(1_000_000, &[b'x'; 100]);
    let announced = Request::post("/").header("content-length", 1001).body(body);
    let refusal = receiver.receive(announced.unwrap()).await;
    assert_eq!(refusal.unwrap_err(), Refusal::TooLarge);
    assert_eq!(read.load(Ordering::Relaxed), 0);
    // One piece over the cap, and a layer's own limit.
    let (_, body) = counted(1, &[b'x'; 1001]);
    let refusal = receiver
        .receive(Request::post("/").body(body).unwrap())
        .await;
    assert_eq!(refusal.unwrap_err(), Refusal::TooLarge);
    let limited = request(&[b'x'; 100]).map(|body| Limited::new(body, 50));
    let refusal = receiver.receive(limited).await;
    assert_eq!(refusal.unwrap_err(), Refusal::TooLarge);
    // Exactly at the cap.
    let at_cap = receiver.receive(request(&[b'x'; 1000])).await;
    assert!(at_cap.is_ok());
}

// Pitfall 8.
#[tokio::test(start_paused = true)]
async fn a_body_that_dribbles_ends_at_the_deadline() {
    let receiver = receiver();
    let dribble = stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let piece: Result<_, BoxError> = Ok(Frame::data(Bytes::from_static(b"x")));
        Some((piece, ()))
    });
    let began = tokio::time::Instant::now();
    let refusal = receiver.receive(Request::post("/").body(StreamBody::new(dribble)).unwrap());
    assert_eq!(refusal.await.unwrap_err(), Refusal::TooSlow);
    assert_eq!(began.elapsed(), Receiver::<Toy>::ANSWER_WITHIN);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_incomplete() {
    let pieces = [Ok(Frame::data(Bytes::from_static(BODY))), Err("reset")];
    let body = StreamBody::new(stream::iter(pieces));
    let request = request(BODY).map(|_| body);
    let refusal = receiver().receive(request).await.unwrap_err();
    assert_eq!(refusal, Refusal::Incomplete);
}

#[tokio::test]
async fn pieces_and_trailers_do_not_change_what_is_verified() {
    let mut trailers = HeaderMap::new();
    trailers.insert(HEADER, HeaderValue::from_static("00"));
    let pieces = BODY
        .chunks(3)
        .map(|piece| Frame::data(Bytes::copy_from_slice(piece)));
    let pieces = pieces
        .chain([Frame::trailers(trailers)])
        .map(Ok::<_, Infallible>);
    let body = StreamBody::new(stream::iter(pieces.collect::<Vec<_>>()));
    let event = receiver()
        .receive(request(BODY).map(|_| body))
        .await
        .unwrap();
    assert_eq!(event.raw(), BODY);
}

// Pitfall 17, beside that of a route in `webhook_layers`.
#[tokio::test]
async fn only_a_post_is_a_webhook() {
    for method in [
        Method::GET,
        Method::HEAD,
        Method::OPTIONS,
        Method::PUT,
        Method::DELETE,
    ] {
        let mut request = request(BODY);
        *request.method_mut() = method;
        let inbox = Inbox::default();
        let reply = receiver()
            .handle(request, |raw, meta| inbox.put(raw, meta))
            .await;
        let response: Response<Empty<Bytes>> = reply.to_response();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["allow"]),
            (405, &HeaderValue::from_static("POST"))
        );
    }
}

// Pitfall 18.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_at_once_one_is_handled() {
    let (receiver, inbox) = (receiver(), Inbox::default());
    let deliveries = (0..64).map(|_| {
        let (receiver, inbox) = (receiver.clone(), inbox.clone());
        tokio::spawn(async move { deliver(&receiver, &inbox).await })
    });
    let deliveries: Vec<_> = deliveries.collect();
    let mut handled = 0;
    for delivery in deliveries {
        match delivery.await.unwrap() {
            Reply::Handled => handled += 1,
            Reply::Repeated | Reply::InFlight => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((handled, inbox.len()), (1, 1));
}

#[tokio::test]
async fn a_repeat_of_what_is_being_handled_is_tried_again_later() {
    let (receiver, inbox) = (receiver(), Inbox::default());
    let (began, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let first = tokio::spawn({
        let (receiver, inbox) = (receiver.clone(), inbox.clone());
        let (began, go) = (Arc::clone(&began), Arc::clone(&go));
        async move {
            let handle = |raw, meta| async move {
                began.notify_one();
                go.notified().await;
                inbox.put(raw, meta).await
            };
            receiver.handle(request(BODY), handle).await
        }
    });
    began.notified().await;
    assert!(matches!(deliver(&receiver, &inbox).await, Reply::InFlight));
    assert_eq!(inbox.len(), 0);
    go.notify_one();
    assert!(matches!(first.await.unwrap(), Reply::Handled));
    assert!(matches!(deliver(&receiver, &inbox).await, Reply::Repeated));
    assert_eq!(inbox.len(), 1);
}

/// A store as a database is: it outlives the receivers.
#[derive(Debug, Clone, Default)]
struct Database(Arc<RecentEvents>);

#[async_trait]
impl SeenEvents for Database {
    async fn claim(&self, key: EventKey) -> Result<Claim, BoxError> {
        self.0.claim(key).await
    }

    async fn commit(&self, key: EventKey) -> Result<(), BoxError> {
        self.0.commit(key).await
    }

    async fn give_back(&self, key: EventKey) -> Result<(), BoxError> {
        self.0.give_back(key).await
    }
}

// Pitfall 19.
#[tokio::test]
async fn a_repeat_after_a_restart_changes_nothing() {
    let (database, inbox) = (Database::default(), Inbox::default());
    for expected in ["handled", "handled before"] {
        let receiver = receiver().with_seen_events(Arc::new(database.clone()));
        assert_eq!(deliver(&receiver, &inbox).await.to_string(), expected);
    }
    assert_eq!(inbox.len(), 1);
    // In memory it is forgotten; the key is the same, so that a unique constraint on it finds the repeat.
    assert!(matches!(deliver(&receiver(), &inbox).await, Reply::Handled));
    let inbox = inbox.0.lock().unwrap();
    assert_eq!(inbox[0].1, inbox[1].1);
}

#[tokio::test]
async fn an_event_whose_handler_failed_is_handled_again() {
    let (receiver, inbox) = (receiver(), Inbox::default());
    let failing = |_, _| async { Err("the database is down") };
    let reply = receiver.handle(request(BODY), failing).await;
    assert_eq!(reply.status(), 503);
    assert_eq!(reply.error().unwrap().to_string(), "the database is down");
    assert!(matches!(deliver(&receiver, &inbox).await, Reply::Handled));
    assert_eq!(inbox.len(), 1);
}

// Pitfall 22.
#[tokio::test]
async fn a_panic_in_the_handler_is_answered_and_the_event_handled_again() {
    let (receiver, inbox) = (receiver(), Inbox::default());
    let at_once = receiver.handle(
        request(BODY),
        |_, _| -> std::future::Ready<Result<(), BoxError>> { panic!("made up") },
    );
    assert!(matches!(at_once.await, Reply::HandlerPanicked));
    let later = receiver.handle(request(BODY), |_, _| async {
        tokio::task::yield_now().await;
        if true {
            panic!("made up");
        }
        Ok::<_, BoxError>(())
    });
    assert!(matches!(later.await, Reply::HandlerPanicked));
    assert!(matches!(deliver(&receiver, &inbox).await, Reply::Handled));
    assert_eq!(inbox.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_handler_is_answered_in_time_and_comes_to_its_end() {
    let (receiver, inbox) = (receiver(), Inbox::default());
    let (began, ended) = (tokio::time::Instant::now(), Arc::new(Notify::new()));
    let handle = {
        let (inbox, ended) = (inbox.clone(), Arc::clone(&ended));
        |raw, meta| async move {
            tokio::time::sleep(Duration::from_secs(60)).await;
            inbox.put(raw, meta).await.unwrap();
            ended.notify_one();
            Ok::<_, BoxError>(())
        }
    };
    let reply = receiver.handle(request(BODY), handle).await;
    assert!(matches!(reply, Reply::HandlerSlow));
    assert_eq!(reply.status(), 503);
    assert_eq!(began.elapsed(), Receiver::<Toy>::ANSWER_WITHIN);
    ended.notified().await;
    tokio::task::yield_now().await;
    assert!(matches!(deliver(&receiver, &inbox).await, Reply::Repeated));
    assert_eq!(inbox.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_handler_comes_to_its_end_when_the_sender_hangs_up() {
    let (receiver, inbox, began) = (receiver(), Inbox::default(), Arc::new(Notify::new()));
    let ended = Arc::new(Notify::new());
    let handle = {
        let (inbox, began, ended) = (inbox.clone(), Arc::clone(&began), Arc::clone(&ended));
        |raw, meta| async move {
            began.notify_one();
            tokio::time::sleep(Duration::from_secs(1)).await;
            inbox.put(raw, meta).await.unwrap();
            ended.notify_one();
            Ok::<_, BoxError>(())
        }
    };
    let answering = receiver.handle(request(BODY), handle);
    tokio::select! {
        _ = answering => panic!("it was not dropped"),
        () = began.notified() => {}
    }
    ended.notified().await;
    assert_eq!(inbox.len(), 1);
}

/// A store that is down.
#[derive(Debug)]
struct Down;

#[async_trait]
impl SeenEvents for Down {
    async fn claim(&self, _: EventKey) -> Result<Claim, BoxError> {
        Err("made up".into())
    }

    async fn commit(&self, _: EventKey) -> Result<(), BoxError> {
        Err("made up".into())
    }

    async fn give_back(&self, _: EventKey) -> Result<(), BoxError> {
        Err("made up".into())
    }
}

/// A store that goes down after a claim.
#[derive(Debug)]
struct DownLater;

#[async_trait]
impl SeenEvents for DownLater {
    async fn claim(&self, _: EventKey) -> Result<Claim, BoxError> {
        Ok(Claim::Granted)
    }

    async fn commit(&self, key: EventKey) -> Result<(), BoxError> {
        Down.commit(key).await
    }

    async fn give_back(&self, key: EventKey) -> Result<(), BoxError> {
        Down.give_back(key).await
    }
}

#[tokio::test]
async fn without_its_store_nothing_is_handled_and_what_was_handled_is_answered() {
    let inbox = Inbox::default();
    let down = deliver(&receiver().with_seen_events(Arc::new(Down)), &inbox).await;
    assert!(matches!(down, Reply::StoreDown(_)));
    assert_eq!((down.status().as_u16(), inbox.len()), (503, 0));
    let later = deliver(&receiver().with_seen_events(Arc::new(DownLater)), &inbox).await;
    assert_eq!((later.status().as_u16(), inbox.len()), (200, 1));
}

#[tokio::test]
async fn an_answer_has_an_empty_body() {
    let response: Response<Full<Bytes>> = Reply::Refused(Refusal::Mismatch(None)).to_response();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(body.is_empty());
}

#[tokio::test]
async fn the_log_has_what_somebody_looks_at_and_nothing_of_a_webhook() {
    let traces = Traces::new();
    let body = br#"{"kind":"paid","amount":["CANARY"]}"#;
    let mut forged = request(body);
    forged.headers_mut().insert(HEADER, signature_of(b"CANARY"));
    let handle = |_, _| async { Err::<(), _>("CANARY") };
    receiver().handle(forged, handle).await;
    unconfigured().handle(request(body), handle).await;
    receiver().handle(request(body), handle).await;
    let event = receiver().receive(request(body)).await.unwrap();
    event.parse().unwrap_err();
    let event = receiver().receive(request(br#"{"kind":"CANARY"}"#)).await;
    event.unwrap().parse().unwrap();
    let mut get = request(body);
    *get.method_mut() = Method::GET;
    receiver().handle(get, handle).await;

    let text = traces.text();
    assert!(!text.contains("CANARY"), "{text}");
    let levels: Vec<_> = text
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    // The second begins with the missing secret, at the start.
    assert_eq!(
        levels,
        ["WARN", "ERROR", "WARN", "WARN", "WARN", "WARN", "DEBUG"],
        "{text}"
    );
    for expected in [
        "outcome=refused: no secret matches the webhook's signature",
        "no secret: every webhook will be refused",
        "outcome=refused: the receiver has no secret",
        "outcome=the handler failed",
        "place=unexpected shape at $",
        "a verified webhook is of an unknown kind",
        "outcome=refused: a webhook is a POST",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_time_longer_than_any_clock_is_not_over() {
    let receiver = receiver().with_answer_within(Duration::MAX);
    let later = || {
        let piece = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok::<_, BoxError>(Frame::data(Bytes::from_static(BODY)))
        };
        request(BODY).map(|_| Box::pin(StreamBody::new(stream::once(piece))))
    };
    let slow = |_, _| async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok::<_, BoxError>(())
    };
    let received = receiver.receive(later()).await;
    let reply = received.unwrap().once(slow).await;
    assert!(matches!(reply, Reply::Handled), "{reply:?}");

    let headers = HeaderMap::from_iter([(HEADER, signature_of(b"{}"))]);
    let verified = receiver.verify(&headers, b"{}", Timestamp::UNIX_EPOCH);
    let reply = verified.unwrap().once(slow).await;
    assert!(matches!(reply, Reply::Handled), "{reply:?}");

    let read = read_post(later(), BODY.len(), Duration::MAX).await;
    assert_eq!(read.unwrap(), BODY);
}
