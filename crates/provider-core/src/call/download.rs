//! Calls whose reply is a file that is stored and not kept in memory.

use std::path::PathBuf;

use super::call::Call;
use super::downloaded::Downloaded;
use super::receive::IntoSink;
use super::sink::{ContentSink, FileSink};
use crate::error::Error;
use crate::wire::{Endpoint, Response};

impl<E: Endpoint> Call<'_, E> {
    /// Makes the call and stores the file that it replies with at `path`, see [`FileSink`]: piece by piece, all of it or
    /// nothing, and nothing that failed verification.
    ///
    /// It is the same call otherwise: attempts, deadline, errors and events. A repeated attempt begins the file anew. The
    /// response's [`body`](Response::body) is empty. Of a refusal at most 64 KiB are read.
    ///
    /// ```
    /// # use provider_core::{Call, Endpoint, Error};
    /// async fn fetch<E: Endpoint>(call: Call<'_, E>) -> Result<(), Error> {
    ///     let stored = call.download("evidence/media-1.jpg").await?.into_value();
    ///     println!("{} bytes of {:?}", stored.size(), stored.content_type());
    ///     Ok(())
    /// }
    /// ```
    ///
    /// Dropped while the last step is under way, the whole and verified file may still be stored.
    ///
    /// # Errors
    ///
    /// Those of the call, and [`ErrorKind::Storage`](crate::ErrorKind::Storage).
    pub async fn download(
        self,
        path: impl Into<PathBuf> + Send,
    ) -> Result<Response<Downloaded>, Error> {
        let mut sink = FileSink::new(path);
        self.download_into(&mut sink).await
    }

    /// Makes the call and hands the file that it replies with to `sink`, which is committed once it is whole and verified.
    ///
    /// An operation that declares no content types does not compile here.
    ///
    /// # Errors
    ///
    /// As [`download`](Self::download); the sink is not committed.
    pub async fn download_into(
        self,
        sink: &mut dyn ContentSink,
    ) -> Result<Response<Downloaded>, Error> {
        const {
            assert!(
                !E::OPERATION.content_types.is_empty(),
                "say what the operation replies with: `Operation::replying_with`"
            );
        }
        let mut receiver = IntoSink::new(sink);
        let (client, endpoint, options) = self.into_parts();
        Box::pin(client.run_into(&endpoint, &options, &mut receiver)).await
    }
}
