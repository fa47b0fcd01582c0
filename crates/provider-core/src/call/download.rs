//! Calls whose reply is a file, which is stored instead of kept in memory.

use std::path::PathBuf;

use super::call::Call;
use super::downloaded::Downloaded;
use super::receive::IntoSink;
use super::sink::{ContentSink, FileSink};
use crate::error::Error;
use crate::wire::{Endpoint, Response};

impl<E: Endpoint> Call<'_, E> {
    /// Makes the call and streams the file that it replies with to `path`, see [`FileSink`]. The file is stored whole and
    /// verified, or not at all.
    ///
    /// Attempts, deadline, errors and events are those of any call. A retry starts the file from the beginning. The
    /// response's [`body`](Response::body) is empty. At most 64 KiB of a refusal are read.
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
    /// If the future is dropped during the last step, the complete and verified file may still be stored.
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

    /// Makes the call and streams the file that it replies with into `sink`, which is committed once the file is complete
    /// and verified.
    ///
    /// An operation that declares no content types is a compile error.
    ///
    /// # Errors
    ///
    /// As for [`download`](Self::download); the sink is not committed.
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
