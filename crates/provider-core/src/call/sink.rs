//! The destination of a download.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;

use crate::values::random_bits;
use crate::wire::ContentHead;

/// Receives the content of a download, and keeps it only once it is committed.
///
/// A signature can be checked only after the last byte, so the bytes passed to [`write`](Self::write) are not verified yet:
/// hold them where nobody reads them (a temporary file, an uncompleted multipart upload) until [`commit`](Self::commit). A
/// call that fails or is dropped never commits; clean up in [`begin`](Self::begin) and on drop. There is no sink over a
/// plain `Write` for that reason: it could not undo a write.
///
/// ```
/// use std::io;
///
/// use provider_core::{ContentHead, ContentSink, async_trait, bytes::Bytes};
///
/// /// An encrypting store with multipart uploads.
/// #[derive(Default)]
/// struct Vault {
///     parts: Vec<Bytes>,
///     kept: Option<Vec<Bytes>>,
/// }
///
/// #[async_trait]
/// impl ContentSink for Vault {
///     async fn begin(&mut self) -> io::Result<()> {
///         self.parts.clear();
///         Ok(())
///     }
///     async fn write(&mut self, piece: Bytes) -> io::Result<()> {
///         self.parts.push(piece);
///         Ok(())
///     }
///     async fn commit(&mut self, _head: &ContentHead) -> io::Result<()> {
///         self.kept = Some(std::mem::take(&mut self.parts));
///         Ok(())
///     }
/// }
/// ```
#[async_trait]
pub trait ContentSink: Send {
    /// Prepares for one attempt, before its request is sent, and discards what an earlier attempt wrote.
    ///
    /// # Errors
    ///
    /// The sink cannot store anything; nothing is sent.
    async fn begin(&mut self) -> io::Result<()>;

    /// Receives the next piece, which is not verified.
    ///
    /// # Errors
    ///
    /// The piece cannot be stored; the attempt ends and is not retried.
    async fn write(&mut self, piece: Bytes) -> io::Result<()>;

    /// Keeps everything written since [`begin`](Self::begin): it is complete and verified.
    ///
    /// # Errors
    ///
    /// The content cannot be kept; the call ends with [`ErrorKind::Storage`](crate::ErrorKind::Storage).
    async fn commit(&mut self, head: &ContentHead) -> io::Result<()>;
}

/// Stores a download as a file: completely, or not at all.
///
/// | | |
/// |---|---|
/// | while it is received | a file `.download-<random>.partial` in the same directory, readable by the owner only (Unix) |
/// | at the end | synced to the disk, then renamed; a file of that name is replaced |
/// | on an error, or when the call is dropped | the temporary file is removed |
/// | if only the renaming fails | the temporary file is kept, because it is complete and verified; the error names it |
/// | after a crash | the temporary file may be left behind; the target never has partial content |
///
/// Files are written on tokio's blocking threads, in steps of 256 KiB.
#[derive(Debug)]
pub struct FileSink {
    target: PathBuf,
    partial: Option<Partial>,
    waiting: Vec<Bytes>,
    waiting_bytes: usize,
}

impl FileSink {
    /// The number of bytes buffered before they are written.
    const STEP: usize = 256 * 1024;

    /// A sink for the file `target`, in a directory that exists.
    pub fn new(target: impl Into<PathBuf>) -> Self {
        Self {
            target: target.into(),
            partial: None,
            waiting: Vec::new(),
            waiting_bytes: 0,
        }
    }

    /// Writes the buffer, then runs `then`. The thread owns the file meanwhile: if the call is dropped, the thread removes
    /// it.
    async fn flush<T: Send + 'static>(
        &mut self,
        then: impl FnOnce(Partial) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let begun = self.partial.take();
        let mut partial = begun.ok_or_else(|| io::Error::other("`begin` was not called"))?;
        let waiting = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        blocking(move || {
            for piece in waiting {
                partial.file.write_all(&piece)?;
            }
            then(partial)
        })
        .await
    }
}

#[async_trait]
impl ContentSink for FileSink {
    async fn begin(&mut self) -> io::Result<()> {
        self.waiting.clear();
        self.waiting_bytes = 0;
        let earlier = self.partial.take();
        let target = self.target.clone();
        self.partial = Some(
            blocking(move || {
                drop(earlier);
                Partial::create(&target)
            })
            .await?,
        );
        Ok(())
    }

    async fn write(&mut self, piece: Bytes) -> io::Result<()> {
        self.waiting_bytes = self.waiting_bytes.saturating_add(piece.len());
        self.waiting.push(piece);
        if self.waiting_bytes >= Self::STEP {
            self.partial = Some(self.flush(Ok).await?);
        }
        Ok(())
    }

    async fn commit(&mut self, _head: &ContentHead) -> io::Result<()> {
        let target = self.target.clone();
        self.flush(move |partial| partial.persist(&target)).await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(_) => Err(io::Error::other("the thread that writes the file ended")),
    }
}

/// A temporary file that removes itself.
#[derive(Debug)]
struct Partial {
    file: File,
    path: PathBuf,
    /// It is complete and verified, under either name.
    persisted: bool,
}

impl Partial {
    fn create(target: &Path) -> io::Result<Self> {
        let invalid = |why| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        if !names_a_file(target) {
            return invalid("the path names no file");
        }
        // A name that is too long is known here, and not when the file is complete.
        match fs::symlink_metadata(target) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ if target.is_dir() => return invalid("the path is a directory"),
            _ => {}
        }
        let random = random_bits().map_err(io::Error::other)?;
        let path = target.with_file_name(format!(".download-{random:032x}.partial"));
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Self {
            file: options.open(&path)?,
            path,
            persisted: false,
        })
    }

    /// Renames the file, once its content is on the disk.
    fn persist(mut self, target: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        self.persisted = true;
        fs::rename(&self.path, target).map_err(|error| {
            let name = self.path.file_name().unwrap_or_default().display();
            let kept = format!("the complete file is beside its target as `{name}`: {error}");
            io::Error::new(error.kind(), kept)
        })?;
        // The rename is durable once the directory is synced; not every system supports that.
        #[cfg(unix)]
        if let Some(directory) = target.parent() {
            let directory = if directory.as_os_str().is_empty() {
                Path::new(".")
            } else {
                directory
            };
            let _ = File::open(directory).and_then(|directory| directory.sync_all());
        }
        Ok(())
    }
}

/// Whether the path ends in a name, as it is written: `file_name` overlooks a `/` or `/.` behind one.
fn names_a_file(path: &Path) -> bool {
    let written = path.as_os_str().as_encoded_bytes();
    let is_separator = |byte: &u8| std::path::is_separator(char::from(*byte));
    let last = written.rsplit(is_separator).next().unwrap_or_default();
    path.file_name().is_some() && !matches!(last, b"" | b"." | b"..") && !written.contains(&0)
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.persisted {
            let _ = fs::remove_file(&self.path);
        }
    }
}
