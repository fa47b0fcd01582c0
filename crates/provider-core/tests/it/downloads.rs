//! Replies that are files: received whole, or streamed to a sink. Over scripted exchanges.

use std::fs;
use std::future::Future as _;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use provider_core::bytes::Bytes;
use provider_core::http::Request;
use provider_core::testing::{Recorder, ScriptedTransport, Step, StreamEnd};
use provider_core::{
    Authenticity, Body, CatalogueEntry, CircuitBreaker, Client, ContentHead, ContentSink,
    DecodeErrorCategory, Error, ErrorKind, ExchangeLimits, FileSink, Outcome, RawResponse,
    RetryPolicy, Transport, TransportError, TransportErrorKind, VerificationError, async_trait,
};
use serde_json::json;
use tempfile::TempDir;

use crate::toy::{Media, SafeOrder, Stage, Streaming, Toy, signed};

const JPEG: (&str, &str) = ("content-type", "image/jpeg");

/// A picture in these pieces, signed if the length is correct.
fn picture(length: usize, pieces: &[&'static str], end: StreamEnd) -> Step {
    let signature = format!("length={length}");
    let headers = [JPEG, ("x-toy-signature", &signature)];
    Step::stream(&headers, pieces.iter().copied(), end)
}

fn whole() -> Step {
    picture(6, &["ab", "", "cdef"], StreamEnd::Whole)
}

fn broken() -> Step {
    picture(6, &["ab"], StreamEnd::Fail(TransportErrorKind::Interrupted))
}

fn toy(streaming: Streaming) -> Toy {
    Toy {
        streaming,
        ..Toy::default()
    }
}

fn stage(streaming: Streaming, steps: impl IntoIterator<Item = Step>) -> Stage {
    let pauses = RetryPolicy::standard().with_pauses(Duration::ZERO, Duration::ZERO);
    Stage::with(steps, toy(streaming), |builder| builder.retry(pauses))
}

fn names(directory: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(directory.path()).unwrap();
    let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<_> = entries.map(name).collect();
    names.sort();
    names
}

/// Asserts that the call fails and leaves the directory as it was.
async fn fails(stage: &Stage) -> Error {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("picture.jpg");
    let call = stage.client.call(Media::new());
    let error = call.download(&path).await.unwrap_err();
    assert!(names(&directory).is_empty(), "{error}");
    error
}

// Received whole

#[tokio::test(start_paused = true)]
async fn an_awaited_call_returns_the_whole_content() {
    let headers = [
        JPEG,
        (
            "content-disposition",
            "attachment; filename=\"../face.jpg\"",
        ),
        ("x-toy-signature", "length=6"),
    ];
    let stage = Stage::new([Step::respond_with(200, &headers, "CANARY")]);
    let answer = stage.client.call(Media::new()).await.unwrap();
    assert!(!format!("{answer:?}").contains("CANARY"));
    let content = answer.into_value();
    assert_eq!(content.bytes(), "CANARY");
    assert_eq!(content.content_type(), Some("image/jpeg"));
    assert_eq!(content.file_name(), Some("face.jpg"));
    let sent = stage.transport.only();
    assert_eq!(sent.header("accept"), "image/*, application/pdf");
}

#[tokio::test(start_paused = true)]
async fn another_type_is_not_taken_for_the_content() {
    let kind = async |step: fn() -> Step| {
        let whole = Stage::new([step()])
            .client
            .call(Media::new())
            .await
            .unwrap_err();
        for streaming in [Streaming::Incremental, Streaming::Whole] {
            let stored = fails(&stage(streaming, [step()])).await;
            assert_eq!(
                (
                    whole.kind(),
                    whole.outcome(),
                    whole.status(),
                    whole.fault().cloned()
                ),
                (
                    stored.kind(),
                    stored.outcome(),
                    stored.status(),
                    stored.fault().cloned()
                ),
            );
            assert_eq!(whole.report(), stored.report());
        }
        whole
    };
    let html = || reply_of("text/html", "<html>");
    let error = kind(html).await;
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(
        error.decode().unwrap().category(),
        DecodeErrorCategory::ContentType
    );
    // A refusal inside a success, in the provider's own form.
    let error = kind(|| reply_of("application/json", r#"{"code":"bad_key"}"#)).await;
    assert_eq!(error.kind(), ErrorKind::Credentials);
    let error = kind(|| reply_of("image/png", "")).await;
    assert_eq!(
        error.decode().unwrap().category(),
        DecodeErrorCategory::MissingData
    );
}

#[tokio::test(start_paused = true)]
async fn a_compressed_file_is_not_taken_for_the_content() {
    let headers = [
        JPEG,
        ("content-encoding", "x-gzip"),
        ("x-toy-signature", "length=6"),
    ];
    let whole = || Step::respond_with(200, &headers, "CANARY");
    let error = Stage::new([whole()]).client.call(Media::new()).await;
    let category = DecodeErrorCategory::Encoded("gzip");
    assert_eq!(error.unwrap_err().decode().unwrap().category(), category);
    for streaming in [
        Streaming::Incremental,
        Streaming::Whole,
        Streaming::Unsigned,
    ] {
        // Where nobody vouches for it, it is asked for again.
        let pieces = || Step::stream(&headers, ["CAN", "ARY"], StreamEnd::Whole);
        let error = fails(&stage(streaming, [pieces(), pieces(), pieces()])).await;
        assert_eq!(error.decode().unwrap().category(), category);
    }
}

/// Its type is missing, malformed, or told twice: a refusal is a refusal.
#[tokio::test(start_paused = true)]
async fn json_without_a_clear_type_is_not_taken_for_the_content() {
    let refusal = " {\"code\":\"bad_key\"}";
    let signature = format!("length={}", refusal.len());
    let signed = ("x-toy-signature", signature.as_str());
    for told in [
        &[][..],
        &[("content-type", "json")],
        &[("content-type", "application/json/x")],
        &[JPEG, JPEG],
        &[JPEG, ("content-type", "application/json")],
    ] {
        let headers = [told, &[signed]].concat();
        let whole = || Step::respond_with(200, &headers, refusal);
        let pieces = || {
            Step::stream(
                &headers,
                [" ", "", "{\"code\":\"bad_key\"}"],
                StreamEnd::Whole,
            )
        };
        let error = Stage::new([whole()]).client.call(Media::new()).await;
        assert_eq!(
            error.unwrap_err().kind(),
            ErrorKind::Credentials,
            "{told:?}"
        );
        for streaming in [
            Streaming::Incremental,
            Streaming::Whole,
            Streaming::Unsigned,
        ] {
            for step in [whole(), pieces()] {
                let error = fails(&stage(streaming, [step])).await;
                assert_eq!(error.kind(), ErrorKind::Credentials, "{told:?}");
            }
        }
    }
    // A picture whose type is unclear is none; one without a type is stored.
    let headers = [JPEG, JPEG, ("x-toy-signature", "length=6")];
    let twice = Step::stream(&headers, ["ab", "cdef"], StreamEnd::Whole);
    let error = fails(&stage(Streaming::Incremental, [twice])).await;
    assert_eq!(
        error.decode().unwrap().category(),
        DecodeErrorCategory::ContentType
    );
    let untold = Step::stream(&headers[2..], [" ", "\n", "", "cdef"], StreamEnd::Whole);
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("picture.jpg");
    let stage = stage(Streaming::Incremental, [untold]);
    stage
        .client
        .call(Media::new())
        .download(&path)
        .await
        .unwrap();
    assert_eq!(fs::read(&path).unwrap(), b" \ncdef");
}

fn reply_of(content_type: &str, body: &'static str) -> Step {
    let signature = format!("length={}", body.len());
    let headers = [
        ("content-type", content_type),
        ("x-toy-signature", &*signature),
    ];
    Step::respond_with(200, &headers, body)
}

// Stored

#[tokio::test(start_paused = true)]
async fn a_download_is_stored_under_its_name_and_leaves_no_other_file() {
    for (streaming, authenticity, verified) in [
        (Streaming::Incremental, Authenticity::Signed, 0),
        (Streaming::Whole, Authenticity::Signed, 1),
        (Streaming::Unsigned, Authenticity::Unsigned, 0),
    ] {
        let stage = stage(streaming, [whole()]);
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("picture.jpg");
        fs::write(&path, "what was there before").unwrap();
        let call = stage.client.call(Media::new());
        let answer = call.download(&path).await.unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"abcdef");
        assert_eq!(names(&directory), ["picture.jpg"]);
        assert_eq!(answer.authenticity(), authenticity);
        assert_eq!((answer.attempts(), answer.status().as_u16()), (1, 200));
        assert!(answer.body().is_empty());
        assert_eq!(stage.client.provider().verified.get(), verified);
        let stored = answer.into_value();
        assert_eq!(
            (stored.size(), stored.content_type()),
            (6, Some("image/jpeg"))
        );
        assert_eq!(format!("{stored:?}"), "Downloaded(6 bytes)");
        let described = json!({"content_type": "image/jpeg", "file_name": null, "size": 6});
        assert_eq!(serde_json::to_value(&stored).unwrap(), described);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_that_failed_verification_is_stored() {
    for streaming in [Streaming::Incremental, Streaming::Whole] {
        let forged = picture(7, &["ab", "cdef"], StreamEnd::Whole);
        let error = fails(&stage(streaming, [forged])).await;
        assert_eq!(error.kind(), ErrorKind::Verification);
        assert_eq!(error.outcome(), Outcome::Unknown);
        assert_eq!(
            error.verification(),
            Some(&VerificationError::SignatureMismatch)
        );
        assert_eq!(error.status().unwrap(), 200);

        let unsigned = Step::stream(&[JPEG], ["ab"], StreamEnd::Whole);
        let error = fails(&stage(streaming, [unsigned])).await;
        assert_eq!(
            error.verification(),
            Some(&VerificationError::MissingSignature)
        );
    }
    // Without a signature in the head nothing of the body is awaited.
    let unsigned = Step::stream(&[JPEG], ["ab"], StreamEnd::Hang);
    let error = fails(&stage(Streaming::Incremental, [unsigned])).await;
    assert_eq!(error.kind(), ErrorKind::Verification);
}

#[tokio::test(start_paused = true)]
async fn a_retry_starts_the_file_from_the_beginning() {
    for streaming in [
        Streaming::Incremental,
        Streaming::Whole,
        Streaming::Unsigned,
    ] {
        let steps = [
            broken(),
            Step::respond(503, "later"),
            Step::Fail(TransportErrorKind::Connect),
            whole(),
        ];
        let patient = RetryPolicy::standard()
            .with_max_attempts(4)
            .with_pauses(Duration::ZERO, Duration::ZERO);
        let stage = stage(streaming, steps);
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("picture.jpg");
        let call = stage.client.call(Media::new()).with_retry(patient);
        let answer = call.download(&path).await.unwrap();
        assert_eq!(answer.attempts(), 4);
        assert_eq!(fs::read(&path).unwrap(), b"abcdef");
        assert_eq!(names(&directory), ["picture.jpg"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_download_leaves_nothing() {
    let error = fails(&stage(
        Streaming::Incremental,
        [broken(), broken(), broken()],
    ))
    .await;
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Transport, 3));
    assert_eq!(error.outcome(), Outcome::Unknown);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_reported_as_for_any_call() {
    for (status, body) in [
        (401, r#"{"code":"bad_key"}"#),
        (404, r#"{"code":"unknown","message":"CANARY"}"#),
        (429, ""),
        (500, "<html>"),
        (307, ""),
    ] {
        let step = || Step::respond_with(status, &[("retry-after", "7"), JPEG], body);
        let once = RetryPolicy::never();
        let any = Stage::with([step()], Toy::default(), |builder| builder.retry(once));
        let any = any.client.call(Media::new()).await.unwrap_err();
        let stored = Stage::with([step()], Toy::default(), |builder| builder.retry(once));
        let stored = fails(&stored).await;
        assert_eq!(
            format!("{any:?}").replace(&id(&any), ""),
            format!("{stored:?}").replace(&id(&stored), "")
        );
        let bodies = [any, stored].map(|error| error.raw_response().unwrap().body().clone());
        assert_eq!(bodies[0], bodies[1]);
    }
}

fn id(error: &Error) -> String {
    error.request_id().unwrap().to_string()
}

#[tokio::test(start_paused = true)]
async fn only_the_beginning_of_a_refusal_is_read() {
    let page = || {
        let endless = std::iter::repeat_n("x".repeat(40_000), 3);
        let Step::Stream(head, pieces, end) = Step::stream(&[], endless, StreamEnd::Hang) else {
            panic!("a stream");
        };
        let head = provider_core::ReplyHead::new("404".parse().unwrap(), head.headers().clone());
        Step::Stream(head, pieces, end)
    };
    let error = fails(&stage(Streaming::Incremental, [page(), page(), page()])).await;
    assert_eq!(error.kind(), ErrorKind::Unrecognized);
    assert_eq!(error.raw_response().unwrap().body().len(), Error::BODY_KEPT);
}

#[tokio::test(start_paused = true)]
async fn a_body_over_the_limit_is_refused_while_it_arrives() {
    let pieces = std::iter::repeat_n(vec![b'x'; 30_000_000], 4);
    let headers = [JPEG, ("x-toy-signature", "length=120000000")];
    for streaming in [Streaming::Incremental, Streaming::Whole] {
        let long = Step::stream(&headers, pieces.clone(), StreamEnd::Hang);
        let error = fails(&stage(streaming, [long])).await;
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Transport, 1));
        assert!(
            error.report().contains("longer than 100000000 bytes"),
            "{}",
            error.report()
        );
    }
    // A body that is not the content has another limit.
    let page = std::iter::repeat_n(vec![b'x'; 600_000], 2);
    let page = Step::stream(&[("content-type", "text/html")], page, StreamEnd::Hang);
    let error = fails(&stage(Streaming::Incremental, [page])).await;
    assert!(
        error.report().contains("longer than 1048576 bytes"),
        "{}",
        error.report()
    );
}

#[tokio::test(start_paused = true)]
async fn the_deadline_is_that_of_the_call() {
    let hangs = picture(6, &["ab"], StreamEnd::Hang);
    let error = fails(&stage(Streaming::Incremental, [hangs])).await;
    assert_eq!(
        (error.kind(), error.outcome()),
        (ErrorKind::Timeout, Outcome::Unknown)
    );
    assert_eq!(error.elapsed(), Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_download_leaves_nothing() {
    // Enough that steps have been written, and then nothing more.
    let pieces = std::iter::repeat_n(vec![b'x'; 300_000], 3);
    let headers = [JPEG, ("x-toy-signature", "length=1000000")];
    let stage = stage(
        Streaming::Incremental,
        [Step::stream(&headers, pieces, StreamEnd::Hang)],
    );
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("picture.jpg");
    let call = stage.client.call(Media::new()).download(&path);
    let cut = tokio::time::timeout(Duration::from_secs(9), call).await;
    assert!(cut.is_err());
    assert!(names(&directory).is_empty());
}

/// Dropped at each of its steps, including while another thread has the file.
#[test]
fn a_download_that_is_dropped_anywhere_leaves_nothing() {
    for polls in 0..40 {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("picture.jpg");
        runtime.block_on(async {
            let pieces = std::iter::repeat_n(vec![b'x'; 300_000], 3);
            let headers = [JPEG, ("x-toy-signature", "length=900000")];
            let stage = stage(
                Streaming::Incremental,
                [Step::stream(&headers, pieces, StreamEnd::Hang)],
            );
            let mut call = Box::pin(stage.client.call(Media::new()).download(&path));
            for _ in 0..polls {
                let polled = std::future::poll_fn(|context| {
                    std::task::Poll::Ready(call.as_mut().poll(context))
                })
                .await;
                assert!(polled.is_pending());
                tokio::task::yield_now().await;
                std::thread::sleep(Duration::from_micros(200));
            }
        });
        // Waits for the threads that write.
        drop(runtime);
        assert!(names(&directory).is_empty(), "dropped after {polls} polls");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unfinished_download_has_a_temporary_name() {
    let directory = TempDir::new().unwrap();
    let mut sink = FileSink::new(directory.path().join("picture.jpg"));
    sink.begin().await.unwrap();
    sink.write(Bytes::from(vec![b'x'; 300_000])).await.unwrap();
    let found = names(&directory);
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with(".download-") && found[0].ends_with(".partial"),
        "{found:?}"
    );
    // As after a crash: nothing removes the temporary file, and the target does not exist.
    assert!(!directory.path().join("picture.jpg").exists());
    sink.commit(&ContentHead::default()).await.unwrap();
    assert_eq!(names(&directory), ["picture.jpg"]);
    // Committed once.
    assert!(sink.commit(&ContentHead::default()).await.is_err());
}

// Storage failures

/// What was verified is not lost because something took its name meanwhile.
#[tokio::test(start_paused = true)]
async fn a_verified_file_that_cannot_be_renamed_is_kept() {
    let directory = TempDir::new().unwrap();
    let target = directory.path().join("picture.jpg");
    let mut sink = FileSink::new(&target);
    sink.begin().await.unwrap();
    sink.write(Bytes::from_static(b"abcdef")).await.unwrap();
    fs::create_dir_all(target.join("taken")).unwrap();
    let error = sink.commit(&ContentHead::default()).await.unwrap_err();
    drop(sink);
    let mut found = names(&directory);
    found.retain(|name| name.starts_with(".download-"));
    assert_eq!(found.len(), 1);
    assert!(error.to_string().contains(&found[0]), "{error}");
    let kept = fs::read(directory.path().join(&found[0])).unwrap();
    assert_eq!(kept, b"abcdef");
}

#[tokio::test(start_paused = true)]
async fn an_unwritable_target_is_detected_before_anything_is_sent() {
    let directory = TempDir::new().unwrap();
    for path in [
        directory.path().join("missing/picture.jpg"),
        directory.path().to_owned(),
        Path::new("/").to_owned(),
        directory.path().join("picture/"),
        directory.path().join("picture/."),
        directory.path().join("picture/.."),
        directory.path().join("picture\0.jpg"),
        directory.path().join("picture".repeat(50)),
    ] {
        let stage = stage(Streaming::Incremental, []);
        let call = stage.client.call(Media::new());
        let error = call.download(&path).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.outcome()),
            (ErrorKind::Storage, Outcome::NotSent)
        );
        assert_eq!((stage.requests(), error.attempts()), (0, 0));
        let text = error.report();
        assert!(
            text.starts_with("toy media: the file could not be stored\n  caused by: "),
            "{text}"
        );
        assert!(!text.contains("picture"), "{text}");
    }
}

/// A sink that fails at one of its steps, or keeps the content.
#[derive(Debug, Default, Clone)]
struct Fragile {
    fails_at: &'static str,
    steps: Arc<Mutex<Vec<String>>>,
}

impl Fragile {
    fn step(&self, name: &'static str, said: String) -> io::Result<()> {
        self.steps.lock().unwrap().push(said);
        if self.fails_at == name {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        Ok(())
    }

    fn steps(&self) -> Vec<String> {
        self.steps.lock().unwrap().clone()
    }
}

#[async_trait]
impl ContentSink for Fragile {
    async fn begin(&mut self) -> io::Result<()> {
        self.step("begin", "begin".to_owned())
    }

    async fn write(&mut self, piece: Bytes) -> io::Result<()> {
        self.step("write", String::from_utf8(piece.to_vec()).unwrap())
    }

    async fn commit(&mut self, head: &ContentHead) -> io::Result<()> {
        self.step(
            "commit",
            format!("commit {:?}", head.content_type().unwrap()),
        )
    }
}

#[tokio::test(start_paused = true)]
async fn a_sink_is_committed_once_and_after_verification() {
    let stage = stage(Streaming::Incremental, [broken(), whole()]);
    let mut sink = Fragile::default();
    let call = stage.client.call(Media::new());
    call.download_into(&mut sink).await.unwrap();
    let steps = [
        "begin",
        "ab",
        "begin",
        "ab",
        "",
        "cdef",
        "commit \"image/jpeg\"",
    ];
    assert_eq!(sink.steps(), steps);

    let forged = picture(7, &["ab"], StreamEnd::Whole);
    let stage = Stage::new([forged]);
    let mut sink = Fragile::default();
    let call = stage.client.call(Media::new());
    call.download_into(&mut sink).await.unwrap_err();
    assert_eq!(sink.steps(), ["begin", "ab"]);
}

#[tokio::test(start_paused = true)]
async fn a_storage_failure_is_not_retried() {
    for streaming in [Streaming::Incremental, Streaming::Whole] {
        for (fails_at, outcome, requests) in [
            ("begin", Outcome::NotSent, 0),
            ("write", Outcome::Done, 1),
            ("commit", Outcome::Done, 1),
        ] {
            let stage = stage(streaming, [whole()]);
            let mut sink = Fragile {
                fails_at,
                ..Fragile::default()
            };
            let call = stage.client.call(Media::new());
            let error = call.download_into(&mut sink).await.unwrap_err();
            assert_eq!(
                (error.kind(), error.outcome()),
                (ErrorKind::Storage, outcome),
                "{fails_at}"
            );
            assert_eq!(stage.requests(), requests, "{fails_at}");
            assert!(!error.is_retryable());
        }
    }
}

/// A full disk is not an outage of the provider.
#[tokio::test(start_paused = true)]
async fn a_full_disk_opens_no_circuit() {
    let steps = (0..3).map(|_| whole()).chain([signed(crate::toy::REPLY)]);
    let stage = Stage::with(steps, Toy::default(), |builder| {
        builder.circuit_breaker(CircuitBreaker::standard().with_failures(1))
    });
    for _ in 0..3 {
        let mut sink = Fragile {
            fails_at: "write",
            ..Fragile::default()
        };
        let call = stage.client.call(Media::new());
        call.download_into(&mut sink).await.unwrap_err();
    }
    stage.client.call(SafeOrder::new()).await.unwrap();
}

/// A sink that never ends one of its steps.
#[derive(Debug)]
struct Stuck(&'static str);

impl Stuck {
    async fn step(&self, name: &str) -> io::Result<()> {
        if self.0 == name {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

#[async_trait]
impl ContentSink for Stuck {
    async fn begin(&mut self) -> io::Result<()> {
        self.step("begin").await
    }

    async fn write(&mut self, _: Bytes) -> io::Result<()> {
        self.step("write").await
    }

    async fn commit(&mut self, _: &ContentHead) -> io::Result<()> {
        self.step("commit").await
    }
}

/// It costs its own call and neither the deadline nor the provider's circuit.
#[tokio::test(start_paused = true)]
async fn a_sink_that_hangs_ends_with_the_call_and_opens_no_circuit() {
    for (hangs_in, outcome) in [
        ("begin", Outcome::NotSent),
        ("write", Outcome::Unknown),
        ("commit", Outcome::Done),
    ] {
        let steps = (0..3).map(|_| whole()).chain([signed(crate::toy::REPLY)]);
        let steps = steps.skip(if hangs_in == "begin" { 3 } else { 0 });
        let stage = Stage::with(steps, toy(Streaming::Incremental), |builder| {
            builder.circuit_breaker(CircuitBreaker::standard().with_failures(1))
        });
        for _ in 0..3 {
            let started = tokio::time::Instant::now();
            let call = stage
                .client
                .call(Media::new())
                .with_timeout(Duration::from_secs(25));
            let error = call.download_into(&mut Stuck(hangs_in)).await.unwrap_err();
            assert_eq!(
                (error.kind(), error.outcome()),
                (ErrorKind::Storage, outcome),
                "{hangs_in}"
            );
            assert_eq!(started.elapsed(), Duration::from_secs(25), "{hangs_in}");
        }
        stage.client.call(SafeOrder::new()).await.unwrap();
    }
}

// Transports and catalogues

/// A transport that does not implement streaming.
#[derive(Debug)]
struct Plain(ScriptedTransport);

#[async_trait]
impl Transport for Plain {
    async fn send(
        &self,
        request: Request<Body>,
        limits: ExchangeLimits,
    ) -> Result<RawResponse, TransportError> {
        self.0.send(request, limits).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_cannot_stream_downloads_too() {
    for streaming in [
        Streaming::Incremental,
        Streaming::Whole,
        Streaming::Unsigned,
    ] {
        let transport = Plain(ScriptedTransport::new([broken(), whole()]));
        let client = Client::builder(toy(streaming))
            .transport(Arc::new(transport))
            .retry(RetryPolicy::standard().with_pauses(Duration::ZERO, Duration::ZERO));
        let client: Client<Toy> = client.build().unwrap();
        let mut sink = Fragile::default();
        client
            .call(Media::new())
            .download_into(&mut sink)
            .await
            .unwrap();
        assert_eq!(
            sink.steps(),
            ["begin", "begin", "abcdef", "commit \"image/jpeg\""]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_catalogue_entry_downloads_the_file_of_its_operation() {
    #[cfg(feature = "schema")]
    let entry = CatalogueEntry::with_schemas::<Media>("media", "Fetches a picture.");
    #[cfg(not(feature = "schema"))]
    let entry = CatalogueEntry::new::<Media>("media", "Fetches a picture.");
    let printed = format!("{entry:?}");
    assert!(printed.starts_with("CatalogueEntry { provider: \"toy\", method: \"media\", "));
    let stage = stage(Streaming::Incremental, [whole(), whole()]);
    let mut sink = Fragile::default();
    let input = json!({"id": "m-1"});
    let options = provider_core::CallOptions::new();
    let answer = entry
        .download(&stage.client, input.clone(), options.clone(), &mut sink)
        .await
        .unwrap();
    assert_eq!(answer.value().size(), 6);
    assert_eq!(sink.steps().len(), 5);
    let answer = entry.call(&stage.client, input, options).await.unwrap();
    let described = json!({"content_type": "image/jpeg", "file_name": null, "size": 6});
    assert_eq!(answer.value(), &described);
    assert_eq!(answer.body(), "abcdef");
}

#[tokio::test(start_paused = true)]
async fn a_recorder_keeps_a_streamed_reply() {
    let directory = TempDir::new().unwrap();
    let record = async |pieces: &[&'static [u8]]| {
        let signature = format!("length={}", pieces.concat().len());
        let headers = [JPEG, ("x-toy-signature", &*signature)];
        let step = Step::stream(&headers, pieces.iter().copied(), StreamEnd::Whole);
        let recorder = Recorder::new(Arc::new(ScriptedTransport::new([step])));
        let builder = Client::builder(Toy::default()).transport(Arc::new(recorder.clone()));
        let client: Client<Toy> = builder.build().unwrap();
        let mut sink = FileSink::new(directory.path().join("picture.jpg"));
        let answer = client.call(Media::new()).download_into(&mut sink).await;
        let fixture = recorder.fixture(&Media::new(), &answer);
        assert!(fixture.check(&answer).is_empty());
        // The stored reply equals the reply, byte for byte.
        let Step::Respond(reply) = fixture.step() else {
            panic!("a reply");
        };
        assert_eq!(reply.body(), &pieces.concat());
        fixture.response
    };
    let text = record(&[b"ab", b"c"]).await;
    assert_eq!(
        (text.body_text.as_deref(), text.body_hex),
        (Some("abc"), None)
    );
    let binary = record(&[b"\xff", b"\xd8\x00"]).await;
    assert_eq!(
        (binary.body_text, binary.body_hex.as_deref()),
        (None, Some("ffd800"))
    );
}
