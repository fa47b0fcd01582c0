//! `--out`: a reply's body in a file, or on stdout, as it came. `--document`: the document in it.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf, is_separator};

use kyc_facade::provider_core::RequestId;
use tempfile::{NamedTempFile, PersistError};

use crate::failure::{Failure, reason};
use crate::files::temporary;
use crate::terminal::output::Output;

/// Where a body goes.
#[derive(Debug)]
pub(super) enum ReplyFile {
    Stdout,
    /// A file that is there when it is complete, and not before: until then the bytes are in a temporary file beside it.
    File {
        temporary: NamedTempFile,
        path: PathBuf,
        overwrite: bool,
    },
}

impl ReplyFile {
    /// Prepares the file, before anything is sent: a reply that cannot be stored may have been billed.
    pub(super) fn new(flag: &'static str, path: &Path, overwrite: bool) -> Result<Self, Failure> {
        if path.as_os_str() == "-" {
            return Ok(Self::Stdout);
        }
        let refused = |rule: &str| Err(Failure::configuration(flag, rule));
        if !names_a_file(path) {
            return refused("names no file");
        }
        match fs::symlink_metadata(path) {
            Ok(there) if !there.is_file() => return refused("exists and is not a file"),
            Ok(_) if !overwrite => {
                let rule = "already exists; use --overwrite to replace it, or another name";
                return refused(rule);
            }
            // A name that is too long, above all: the temporary file has a shorter one.
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Failure::file(flag, "written", &error).before_sending());
            }
            _ => {}
        }
        let temporary = temporary::beside(path)
            .map_err(|error| Failure::file(flag, "written", &error).before_sending())?;
        Ok(Self::File {
            temporary,
            path: path.to_owned(),
            overwrite,
        })
    }

    /// Writes the body, in a file readable by its owner only, and gives its length. A body that has no place there goes to
    /// stdout, or stays in the temporary file: it was paid for.
    pub(super) fn write(
        self,
        body: &[u8],
        id: &RequestId,
        output: Output,
    ) -> Result<usize, Failure> {
        let to_stdout = || {
            let printed = output.bytes(body);
            printed.map_err(|error| Failure::Unwritten(Some(id.clone()), error.kind()))
        };
        let Self::File {
            mut temporary,
            path,
            overwrite,
        } = self
        else {
            return to_stdout().map(|()| body.len());
        };
        let written = temporary
            .write_all(body)
            .and_then(|()| temporary.as_file().sync_all());
        if let Err(error) = written {
            to_stdout()?;
            return Err(elsewhere(id, "on stdout", &error));
        }
        let kept = match overwrite {
            true => temporary.persist(&path),
            false => temporary.persist_noclobber(&path),
        };
        let Err(error) = kept else {
            return Ok(body.len());
        };
        let PersistError { error, file } = error;
        let place = match file.keep() {
            Ok((_, path)) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                format!("in {name} beside it")
            }
            Err(_) => {
                to_stdout()?;
                "on stdout".to_owned()
            }
        };
        Err(elsewhere(id, &place, &error))
    }

    /// Whether both would be in one place, where the second would replace the first.
    pub(super) fn is_in_place_of(&self, other: &Self) -> bool {
        let place = |path: &Path| {
            let directory = path.parent().filter(|path| !path.as_os_str().is_empty());
            let directory = fs::canonicalize(directory.unwrap_or(Path::new("."))).ok()?;
            Some((directory, path.file_name()?.to_owned()))
        };
        match (self, other) {
            (Self::Stdout, Self::Stdout) => true,
            (Self::File { path, .. }, Self::File { path: other, .. }) => {
                place(path) == place(other)
            }
            _ => false,
        }
    }
}

fn elsewhere(id: &RequestId, place: &str, error: &io::Error) -> Failure {
    let why = reason(error.kind());
    let what = format!("the file could not be written: {why}; the reply is {place}");
    Failure::Elsewhere(id.clone(), what, error.kind())
}

/// Whether the path ends in a name, as it is written: `file_name` overlooks a `/` or `/.` behind one.
fn names_a_file(path: &Path) -> bool {
    let written = path.as_os_str().as_encoded_bytes();
    let last = written
        .rsplit(|byte| is_separator(char::from(*byte)))
        .next();
    path.file_name().is_some()
        && !matches!(last.unwrap_or_default(), b"" | b"." | b"..")
        && !written.contains(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_ends_in_a_name() {
        for (path, is_one) in [
            ("a", true),
            ("a/.b", true),
            ("/a..", true),
            ("", false),
            ("/", false),
            ("a/", false),
            ("a/.", false),
            ("a/..", false),
            (".", false),
            ("a\0b", false),
        ] {
            assert_eq!(names_a_file(Path::new(path)), is_one, "{path:?}");
        }
    }
}
