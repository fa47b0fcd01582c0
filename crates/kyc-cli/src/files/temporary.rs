//! Temporary files.

use std::io;
use std::path::Path;

use tempfile::NamedTempFile;

/// A temporary file beside `path`, which becomes that file when it is complete.
pub(crate) fn beside(path: &Path) -> io::Result<NamedTempFile> {
    match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => NamedTempFile::new_in(directory),
        _ => NamedTempFile::new_in("."),
    }
}
