//! `--out`: a reply's body in a file, byte for byte.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use kyc_facade::provider_core::Response;
use tempfile::NamedTempFile;

use crate::failure::Failure;

/// A file that appears only when it is complete: until then the bytes are in a temporary file beside it.
#[derive(Debug)]
pub(super) struct ReplyFile {
    temporary: NamedTempFile,
    path: PathBuf,
    overwrite: bool,
}

impl ReplyFile {
    /// Prepares the file, before anything is sent: a reply that cannot be stored may have been billed.
    pub(super) fn new(path: &Path, overwrite: bool) -> Result<Self, Failure> {
        let refused = |rule: String| Failure::configuration("--out", rule);
        match fs::symlink_metadata(path) {
            Ok(there) if !there.is_file() => {
                return Err(refused("exists and is not a file".to_owned()));
            }
            Ok(_) if !overwrite => {
                return Err(refused(
                    "already exists; use --overwrite to replace it, or choose another name"
                        .to_owned(),
                ));
            }
            _ => {}
        }
        let directory = match path.parent() {
            Some(directory) if !directory.as_os_str().is_empty() => directory,
            _ => Path::new("."),
        };
        let temporary = NamedTempFile::new_in(directory);
        let temporary =
            temporary.map_err(|error| refused(format!("cannot be written: {}", error.kind())))?;
        Ok(Self {
            temporary,
            path: path.to_owned(),
            overwrite,
        })
    }

    /// Writes the body, readable only by its owner, and returns its length.
    pub(super) fn write<T>(mut self, response: &Response<T>) -> Result<usize, Failure> {
        let body = response.body();
        let unwritten = || Failure::Unwritten(Some(response.request_id().clone()));
        self.temporary
            .write_all(body)
            .and_then(|()| self.temporary.as_file().sync_all())
            .map_err(|_| unwritten())?;
        let kept = match self.overwrite {
            true => self.temporary.persist(&self.path),
            false => self.temporary.persist_noclobber(&self.path),
        };
        kept.map(|_| body.len()).map_err(|_| unwritten())
    }
}
