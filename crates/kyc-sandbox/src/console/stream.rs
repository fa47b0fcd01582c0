//! New rows as they come, by server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, StatusCode, header};
use serde_json::json;
use tokio::sync::watch;

use super::filter::Filter;
use super::frame;
use super::viewer::Viewer;
use super::{journeys, list};
use crate::exchange::Closing;
use crate::pages::layout::respond;
use crate::sandbox::Sandbox;

/// Rows that come within this time are sent together.
const TOGETHER: Duration = Duration::from_millis(250);
/// How often the strip is sent while nothing happens, which also tells that the connection lives.
const QUIET: Duration = Duration::from_secs(2);

/// One reader of the stream.
struct Reader {
    sandbox: Sandbox,
    viewer: Viewer,
    filter: Filter,
    /// The number of the last row that was seen.
    after: u64,
    newest: watch::Receiver<u64>,
    closing: watch::Receiver<bool>,
    ready: VecDeque<Bytes>,
}

/// `/sandbox/stream?after=N&filter=…`; a reader that comes back says how far it was in `last-event-id`.
pub(super) async fn rows(
    State(sandbox): State<Sandbox>,
    Extension(mut viewer): Extension<Viewer>,
    request: Request,
) -> Response {
    let Some(Closing(closing)) = request.extensions().get::<Closing>().cloned() else {
        let words = "The stream needs a socket; in process read the pages.";
        return frame::problem(&viewer, StatusCode::NOT_IMPLEMENTED, "No stream", words);
    };
    let filter = Filter::parse(&viewer.query("filter"), sandbox.now_ms());
    let newest = sandbox.simulation().happenings.watch();
    let last = request.headers().get("last-event-id");
    let last = last.and_then(|last| last.to_str().ok()?.parse().ok());
    let after = last.or_else(|| viewer.query("after").parse().ok());
    let after = after.unwrap_or(*newest.borrow());
    // What is sent stands on another page.
    let page = viewer.query("page");
    (viewer.page, viewer.query) = (page, String::new());
    let reader = Reader {
        filter: filter.unwrap_or_default(),
        after,
        newest,
        closing,
        ready: VecDeque::from([Bytes::from_static(b"retry: 1000\n\n")]),
        sandbox,
        viewer,
    };
    let events = stream::unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        Some((Ok::<_, Infallible>(event), reader))
    });
    let mut response = respond(
        StatusCode::OK,
        "text/event-stream; charset=utf-8",
        String::new(),
    );
    *response.body_mut() = Body::from_stream(events);
    response.headers_mut().remove(header::CONTENT_LENGTH);
    let buffering = HeaderValue::from_static("no");
    response
        .headers_mut()
        .insert("x-accel-buffering", buffering);
    response
}

impl Reader {
    /// The next event; none once the sandbox is shut down.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(ready) = self.ready.pop_front() {
            return Some(ready);
        }
        loop {
            let is_new = *self.newest.borrow_and_update() > self.after;
            if is_new {
                return self.rows();
            }
            let is_quiet = tokio::select! {
                biased;
                _ = self.closing.wait_for(|closing| *closing) => return None,
                changed = self.newest.changed() => {
                    changed.ok()?;
                    false
                }
                () = tokio::time::sleep(QUIET) => true,
            };
            if is_quiet {
                return Some(self.state());
            }
            tokio::time::sleep(TOGETHER).await;
        }
    }

    /// The rows since the last time, and with them what else of the page changes.
    fn rows(&mut self) -> Option<Bytes> {
        let newest = *self.newest.borrow();
        let shown = list::shown(&self.sandbox, &self.filter, self.after, list::ROWS);
        self.after = newest.max(shown.first().map_or(0, |happening| happening.number));
        let journey = self.viewer.page.strip_prefix("/j/");
        let journey = journey.and_then(|journey| journey.parse().ok());
        let data = json!({
            "rows": list::rows(&self.sandbox, &shown).into_string(),
            "count": shown.len(),
            "journeys": journeys::render(&self.sandbox, journey).into_string(),
            "state": frame::state(&self.sandbox, &self.viewer).into_string(),
        });
        Some(format!("event: rows\nid: {}\ndata: {data}\n\n", self.after).into())
    }

    fn state(&self) -> Bytes {
        let data = json!({"state": frame::state(&self.sandbox, &self.viewer).into_string()});
        format!("event: state\ndata: {data}\n\n").into()
    }
}
