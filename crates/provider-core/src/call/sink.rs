//! Where the content of a download goes.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;

use crate::values::random_bits;
use crate::wire::ContentHead;

/// Takes the content of a download, and keeps it only if it is committed.
///
/// A signature is known to be right after the last byte, so what [`write`](Self::write) takes is not verified yet: hold it
/// where nobody reads it (a temporary file, an upload in parts that is not completed) until [`commit`](Self::commit). A call
/// that fails or is dropped never commits; clean up on [`begin`](Self::begin) and on drop. There is no sink over a plain
/// `Write` for that reason: it could not take anything back.
///
/// ```
/// use std::io;
///
/// use provider_core::{ContentHead, ContentSink, async_trait, bytes::Bytes};
///
/// /// A store that encrypts, with uploads in parts.
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
    /// Makes ready for one attempt, before its request is sent, and throws away what an earlier one wrote.
    ///
    /// # Errors
    ///
    /// Nothing can be stored; nothing is sent.
    async fn begin(&mut self) -> io::Result<()>;

    /// Takes the next piece, which is not verified.
    ///
    /// # Errors
    ///
    /// It cannot be stored; the attempt ends and is not repeated.
    async fn write(&mut self, piece: Bytes) -> io::Result<()>;

    /// Keeps what was written since [`begin`](Self::begin): it is whole and verified.
    ///
    /// # Errors
    ///
    /// It cannot be kept; the call ends with [`ErrorKind::Storage`](crate::ErrorKind::Storage).
    async fn commit(&mut self, head: &ContentHead) -> io::Result<()>;
}

/// Stores a download as a file: all of it under its name, or nothing.
///
/// | | |
/// |---|---|
/// | while it comes | a file `.download-<random>.partial` in the same directory, readable by the owner only (Unix) |
/// | at the end | written through to the disk, then renamed; a file of that name is replaced |
/// | on an error, or when the call is dropped | the temporary file is removed |
/// | after a crash | the temporary file may be left; the name never has a part of the content |
///
/// Files are written on tokio's threads for blocking work, in steps of 256 KiB.
#[derive(Debug)]
pub struct FileSink {
    target: PathBuf,
    partial: Option<Partial>,
    waiting: Vec<Bytes>,
    waiting_bytes: usize,
}

impl FileSink {
    /// How much is kept in memory before it is written.
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

    /// Writes what is waiting, then does `then`. The file is owned by the thread meanwhile: if nobody waits for it any more,
    /// it is removed there.
    async fn flush<T: Send + 'static>(
        &mut self,
        then: impl FnOnce(Partial) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let begun = self.partial.take();
        let mut partial = begun.ok_or_else(|| io::Error::other("the file was not begun"))?;
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

    /// Gives the file its name, once its content is on the disk.
    fn persist(mut self, target: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, target)?;
        self.persisted = true;
        // The name is on the disk when the directory is; not every system can be asked for that.
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
