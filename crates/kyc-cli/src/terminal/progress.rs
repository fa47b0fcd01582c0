//! Shows on a terminal how far something is: the steps of an onboarding, a download.

use std::collections::HashMap;
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use kyc_facade::provider_core::bytes::Bytes;
use kyc_facade::provider_core::http::header::CONTENT_LENGTH;
use kyc_facade::provider_core::http::{HeaderMap, Request};
use kyc_facade::provider_core::{
    Body, ExchangeLimits, RawResponse, ReplyBody, ReplyHead, StreamedResponse, Transport,
    TransportError,
};
use kyc_facade::{Progress, StepEvent, StepName};

/// One line per step on stderr; nothing if stderr is not a terminal.
#[derive(Debug)]
pub(crate) struct StepDisplay {
    bars: HashMap<StepName, ProgressBar>,
}

impl StepDisplay {
    /// Creates a display, or an empty one if stderr is not a terminal or the output is JSON.
    pub(crate) fn new(json: bool) -> Self {
        if json || !std::io::stderr().is_terminal() {
            return Self {
                bars: HashMap::new(),
            };
        }
        let all = MultiProgress::new();
        let bars = StepName::ALL.iter().map(|&step| {
            let bar = all.add(ProgressBar::new_spinner());
            bar.set_style(style("{prefix:24} waiting"));
            bar.set_prefix(step.as_str());
            bar.tick();
            (step, bar)
        });
        Self {
            bars: bars.collect(),
        }
    }

    /// Shows an event.
    pub(crate) fn show(&self, event: &StepEvent) {
        let Some(bar) = self.bars.get(&event.step) else {
            return;
        };
        let finish = |text: String| {
            bar.set_style(style("{prefix:24} {msg}"));
            bar.finish_with_message(text);
        };
        match event.progress {
            Progress::Started => {
                bar.set_style(style("{prefix:24} {spinner} {elapsed}"));
                bar.enable_steady_tick(Duration::from_millis(100));
            }
            Progress::Done => finish("done".to_owned()),
            Progress::Skipped(reason) => finish(format!("skipped: {reason}")),
            Progress::Failed(kind) => finish(format!("failed: {}", kind.as_str())),
            _ => {}
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// What is smaller is there before anybody could read how far it is.
const SMALL_BYTES: u64 = 64 * 1024;

/// A transport that shows on stderr how many bytes of a long reply are there, and of how many if the peer says so; nothing is left
/// on the terminal at the end.
#[derive(Debug)]
pub(crate) struct ShownDownload {
    transport: Arc<dyn Transport>,
    target: fn() -> ProgressDrawTarget,
}

impl ShownDownload {
    /// Around this transport; the transport itself if stderr is not a terminal or the output is JSON.
    pub(crate) fn around(transport: Arc<dyn Transport>, json: bool) -> Arc<dyn Transport> {
        if json || !std::io::stderr().is_terminal() {
            return transport;
        }
        Arc::new(Self {
            transport,
            target: ProgressDrawTarget::stderr,
        })
    }
}

#[async_trait]
impl Transport for ShownDownload {
    async fn send(
        &self,
        request: Request<Body>,
        limits: ExchangeLimits,
    ) -> Result<RawResponse, TransportError> {
        let reply = self.open(request, limits).await?;
        reply.limited_to(limits.max_reply_bytes).collect().await
    }

    async fn open(
        &self,
        request: Request<Body>,
        limits: ExchangeLimits,
    ) -> Result<StreamedResponse, TransportError> {
        let reply = self.transport.open(request, limits).await?;
        let (status, headers) = (reply.head().status(), reply.head().headers().clone());
        let total = length(&headers);
        let shown = ShownBody {
            reply,
            so_far: 0,
            total,
            target: self.target,
            bar: None,
        };
        let head = ReplyHead::new(status, headers);
        Ok(StreamedResponse::new(head, None, shown))
    }
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

struct ShownBody {
    reply: StreamedResponse,
    so_far: u64,
    total: Option<u64>,
    target: fn() -> ProgressDrawTarget,
    bar: Option<ProgressBar>,
}

impl ShownBody {
    fn show(&mut self) {
        if self.bar.is_none() && self.so_far.max(self.total.unwrap_or(0)) <= SMALL_BYTES {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(self.total, (self.target)());
            bar.with_style(style(match self.total {
                Some(_) => "{bar:24} {decimal_bytes} of {decimal_total_bytes}",
                None => "{spinner} {decimal_bytes}",
            }))
        });
        bar.set_position(self.so_far);
    }
}

#[async_trait]
impl ReplyBody for ShownBody {
    async fn next_piece(&mut self) -> Result<Option<Bytes>, TransportError> {
        let piece = self.reply.next_piece().await?;
        if let Some(piece) = &piece {
            let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
            self.so_far = self.so_far.saturating_add(length);
            self.show();
        }
        Ok(piece)
    }
}

/// However it ends, what is printed next has the line for itself.
impl Drop for ShownBody {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Mutex, PoisonError};

    use indicatif::TermLike;

    use super::*;

    /// What was drawn, by whichever test asked for it: each has another number of bytes.
    static DRAWN: Mutex<String> = Mutex::new(String::new());

    #[derive(Debug)]
    struct Recorded;

    impl TermLike for Recorded {
        fn width(&self) -> u16 {
            80
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            let mut drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
            drawn.push_str(text);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            self.write_str("<cleared>")
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Answers with a body in two pieces, whose length it may say.
    #[derive(Debug)]
    struct InTwo(usize, bool);

    #[async_trait]
    impl Transport for InTwo {
        async fn send(
            &self,
            request: Request<Body>,
            limits: ExchangeLimits,
        ) -> Result<RawResponse, TransportError> {
            self.open(request, limits).await?.collect().await
        }

        async fn open(
            &self,
            _: Request<Body>,
            _: ExchangeLimits,
        ) -> Result<StreamedResponse, TransportError> {
            let mut headers = HeaderMap::new();
            if self.1 {
                headers.insert(CONTENT_LENGTH, self.0.into());
            }
            let head = ReplyHead::new(kyc_facade::provider_core::http::StatusCode::OK, headers);
            let half = self.0 / 2;
            let pieces = vec![vec![b'x'; self.0 - half], vec![b'x'; half]];
            Ok(StreamedResponse::new(head, None, Pieces(pieces)))
        }
    }

    struct Pieces(Vec<Vec<u8>>);

    #[async_trait]
    impl ReplyBody for Pieces {
        async fn next_piece(&mut self) -> Result<Option<Bytes>, TransportError> {
            Ok(self.0.pop().map(Bytes::from))
        }
    }

    /// Whether the body came as it is, and what was drawn meanwhile.
    async fn received(
        bytes: usize,
        says_length: bool,
        most: usize,
    ) -> Result<usize, TransportError> {
        let shown = ShownDownload {
            transport: Arc::new(InTwo(bytes, says_length)),
            target: || ProgressDrawTarget::term_like(Box::new(Recorded)),
        };
        let request = Request::new(Body::default());
        let limits = ExchangeLimits::new(Duration::from_secs(1), most);
        Ok(shown.send(request, limits).await?.body().len())
    }

    fn drawn() -> String {
        std::mem::take(&mut *DRAWN.lock().unwrap_or_else(PoisonError::into_inner))
    }

    #[tokio::test]
    async fn a_long_reply_shows_how_much_of_it_is_there_and_a_short_one_nothing() {
        assert_eq!(received(4_000, true, usize::MAX).await.unwrap(), 4_000);
        assert_eq!(received(4_000, false, usize::MAX).await.unwrap(), 4_000);
        assert_eq!(drawn(), "");

        let length = received(2_000_000, true, usize::MAX).await;
        assert_eq!(length.unwrap(), 2_000_000);
        let text = drawn();
        assert!(text.contains("1.00 MB of 2.00 MB"), "{text}");
        assert!(text.ends_with("<cleared>"), "{text}");

        let length = received(3_000_000, false, usize::MAX).await;
        assert_eq!(length.unwrap(), 3_000_000);
        let text = drawn();
        assert!(text.contains("1.50 MB") && !text.contains(" of "), "{text}");

        // A reply over the operation's limit is refused as without a terminal, and the line is free.
        let refused = received(2_000_000, true, 1_500_000).await.unwrap_err();
        assert_eq!(
            refused.kind(),
            kyc_facade::provider_core::TransportErrorKind::TooLarge
        );
        assert!(drawn().ends_with("<cleared>"));
    }
}
