//! The rows of the input as questions, and the count of those that were taken.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::vec::IntoIter;

use futures_util::{Stream, stream};
use kyc_facade::finpro_profile::BatchQuestion;
use tokio::sync::mpsc::Receiver;

use super::input::{Asked, Input, Rows, Unread};
use super::reader::NumberedRow;
use super::tag::Tag;

/// The rows of a batch, as long as it takes some.
pub(super) struct Feed {
    rows: Arc<Mutex<Left>>,
    /// Whether the next row can be waited for: that of a pipe may never come.
    is_file: bool,
}

/// What is left of the input.
struct Left {
    read: Receiver<Rows>,
    rows: IntoIter<NumberedRow>,
    taken: u64,
    unread: Option<Unread>,
}

impl Feed {
    /// Begins to read the input.
    pub(super) fn new(input: Input, asked: Asked) -> Self {
        let is_file = input.is_file();
        let rows = Left {
            read: input.read(asked),
            rows: Vec::new().into_iter(),
            taken: 0,
            unread: None,
        };
        Self {
            rows: Arc::new(Mutex::new(rows)),
            is_file,
        }
    }

    /// The rows as questions. A read error ends them.
    pub(super) fn questions(&self) -> impl Stream<Item = BatchQuestion<Tag>> + use<> {
        let rows = Arc::clone(&self.rows);
        stream::poll_fn(move |context| {
            let mut left = lock(&rows);
            let row = ready!(left.poll_row(context));
            left.taken = left.taken.saturating_add(row.is_some().into());
            Poll::Ready(row.map(question))
        })
    }

    /// How many rows were taken.
    pub(super) fn taken(&self) -> u64 {
        lock(&self.rows).taken
    }

    /// Why the input was not read to its end, if it was not.
    pub(super) fn unread(&self) -> Option<Unread> {
        lock(&self.rows).unread
    }

    /// Whether all rows were taken. There may be more in a pipe, or behind what could not be read.
    pub(super) async fn is_empty(&self) -> bool {
        let next = std::future::poll_fn(|context| match lock(&self.rows).poll_row(context) {
            Poll::Pending if !self.is_file => Poll::Ready(false),
            polled => polled.map(|row| row.is_none()),
        });
        next.await && self.unread().is_none()
    }
}

impl Left {
    fn poll_row(&mut self, context: &mut Context<'_>) -> Poll<Option<NumberedRow>> {
        loop {
            if let Some(row) = self.rows.next() {
                return Poll::Ready(Some(row));
            }
            match ready!(self.read.poll_recv(context)) {
                Some(Ok(more)) => self.rows = more.into_iter(),
                Some(Err(unread)) => self.unread = Some(unread),
                None => return Poll::Ready(None),
            }
        }
    }
}

fn lock(rows: &Mutex<Left>) -> MutexGuard<'_, Left> {
    rows.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The row as a question; a row that breaks a rule is answered with that error.
fn question(NumberedRow { line, row }: NumberedRow) -> BatchQuestion<Tag> {
    let (request, generated_id, mobile) = match row.request {
        Ok(request) => (
            Ok(request.question),
            request.generated_id,
            Some(request.mobile),
        ),
        Err(error) => (Err(error), None, None),
    };
    let tag = Tag {
        line,
        reference: row.reference,
        generated_id,
        mobile,
    };
    match request {
        Ok(request) => BatchQuestion::new(tag, request),
        Err(error) => BatchQuestion::invalid(tag, error),
    }
}
