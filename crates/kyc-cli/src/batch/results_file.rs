//! A file that only grows, for results: readable by its owner only, and noticed when another program changes it.
//!
//! It is opened for appending: what is written behind the end of a file that another program has just cut would fill the gap
//! with zeros, and give the file the length that it should have.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use same_file::Handle;

use crate::failure::{EXIT_UNREAD, Failure, exit_code_of_writing, reason};
use crate::files::secret_file;

const ALREADY_EXISTS: &str = "already exists; use --resume to continue it, or choose another name";

/// The file, and lines that are not written yet.
#[derive(Debug)]
pub(super) struct ResultsFile {
    file: File,
    path: PathBuf,
    handle: Handle,
    length: u64,
    unwritten: Vec<u8>,
    written: u64,
}

/// Why lines were not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unwritten {
    Failed(io::ErrorKind),
    /// The file has no longer its name.
    Replaced,
    /// It has no longer its length.
    Changed,
}

impl Unwritten {
    /// What happened, in words.
    pub(super) fn reason(self) -> String {
        let rule = match self {
            Self::Failed(kind) => format!("could not be written: {}", reason(kind)),
            Self::Replaced => "were removed or replaced by another program".to_owned(),
            Self::Changed => "were changed by another program".to_owned(),
        };
        format!("the results {rule}")
    }

    pub(super) fn exit_code(self) -> u8 {
        match self {
            Self::Failed(kind) => exit_code_of_writing(kind),
            Self::Replaced | Self::Changed => EXIT_UNREAD,
        }
    }
}

impl From<io::Error> for Unwritten {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.kind())
    }
}

impl ResultsFile {
    /// Opens the file that is there, if the batch may go on with one; what is in it is not changed. `None` if there is none.
    pub(super) fn existing(path: &Path, may_go_on: bool) -> Result<Option<Self>, Failure> {
        let refused = |rule: &str| Err(Failure::configuration("--out", rule));
        if path.as_os_str() == "-" {
            return refused("must be a file; - is none");
        }
        // Before it is opened: that may wait, for the other end of a pipe.
        if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
            return refused("exists and is not a file");
        }
        if !may_go_on {
            return match fs::symlink_metadata(path) {
                Ok(_) => refused(ALREADY_EXISTS),
                Err(_) => Ok(None),
            };
        }
        match OpenOptions::new().read(true).append(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => Self::of(opened, path).map(Some),
        }
    }

    /// Creates the file, which only its owner can read.
    pub(super) fn create(path: &Path) -> Result<Self, Failure> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Self::of(options.open(path), path)
    }

    /// Removes the file again, as long as it is the one that was created.
    pub(super) fn remove(self) {
        if self.check().is_ok() {
            // What cannot be removed was not asked for anything, and the next run says that it is there.
            let _ = fs::remove_file(&self.path);
        }
    }

    fn of(opened: io::Result<File>, path: &Path) -> Result<Self, Failure> {
        let refused = |rule: &str| Err(Failure::configuration("--out", rule));
        let unusable = |error: io::Error| Failure::file("--out", "written", &error);
        let file = opened.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Failure::configuration("--out", ALREADY_EXISTS),
            _ => unusable(error),
        })?;
        let metadata = file.metadata().map_err(unusable)?;
        if !metadata.is_file() {
            return refused("is not a file");
        }
        // A file system without locks offers no protection.
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return refused("another run is writing to it");
        }
        let handle = file.try_clone().and_then(Handle::from_file);
        Ok(Self {
            handle: handle.map_err(unusable)?,
            file,
            path: path.to_owned(),
            length: metadata.len(),
            unwritten: Vec::new(),
            written: 0,
        })
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// The file, to read it from its beginning.
    pub(super) fn reading(&mut self) -> io::Result<&mut File> {
        self.file.rewind()?;
        Ok(&mut self.file)
    }

    /// Checks that nobody else may read the file, which not every file system can keep.
    pub(super) fn check_private(&self) -> Result<(), Failure> {
        let unusable = |error| secret_file::refused("--out", "", &error);
        let opened = secret_file::open(&self.path).map_err(unusable)?;
        let is_this = |file| Handle::from_file(file).is_ok_and(|there| there == self.handle);
        match opened.is_some_and(is_this) {
            true => Ok(()),
            false => Err(Failure::configuration(
                "--out",
                Unwritten::Replaced.reason(),
            )),
        }
    }

    /// Goes on behind the first `length` bytes and removes the others.
    pub(super) fn go_on_at(&mut self, length: u64) -> io::Result<()> {
        if length < self.length {
            // Not every system cuts a file that is opened for appending.
            let file = OpenOptions::new().write(true).open(&self.path)?;
            file.set_len(length)?;
            self.length = length;
        }
        Ok(())
    }

    /// Adds text, which [`flush`](Self::flush) writes.
    pub(super) fn append(&mut self, text: &[u8]) {
        self.unwritten.extend_from_slice(text);
    }

    /// Writes what was added to the file, so that it outlives this process.
    pub(super) fn flush(&mut self) -> Result<(), Unwritten> {
        if self.unwritten.is_empty() {
            return Ok(());
        }
        self.check()?;
        self.write()
    }

    fn write(&mut self) -> Result<(), Unwritten> {
        while !self.unwritten.is_empty() {
            let written = match self.file.write(&self.unwritten) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                written => written?,
            };
            let lines = self
                .unwritten
                .drain(..written)
                .filter(|byte| *byte == b'\n');
            self.written = add(self.written, lines.count());
            self.length = add(self.length, written);
        }
        Ok(())
    }

    /// Writes what was added to the disk, so that it outlives the machine's.
    pub(super) fn sync(&mut self) -> Result<(), Unwritten> {
        self.flush()?;
        self.check()?;
        Ok(self.file.sync_all()?)
    }

    /// The number of lines that were written.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Checks that what was written is still there, under its name.
    fn check(&self) -> Result<(), Unwritten> {
        let has_name = fs::metadata(&self.path).is_ok_and(|there| there.is_file())
            && Handle::from_path(&self.path).is_ok_and(|there| there == self.handle);
        match self.file.metadata()?.len() == self.length {
            _ if !has_name => Err(Unwritten::Replaced),
            false => Err(Unwritten::Changed),
            true => Ok(()),
        }
    }
}

fn add(sum: u64, more: usize) -> u64 {
    sum.saturating_add(u64::try_from(more).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> (tempfile::TempDir, ResultsFile) {
        let directory = tempfile::tempdir().unwrap();
        let mut file = ResultsFile::create(&directory.path().join("results.jsonl")).unwrap();
        file.append(b"1\n2\n");
        file.flush().unwrap();
        (directory, file)
    }

    #[test]
    fn a_file_that_is_cut_just_before_a_write_is_noticed_after_it() {
        let (_directory, mut file) = written();
        let other = OpenOptions::new().write(true).open(&file.path).unwrap();
        file.append(b"3\n");
        other.set_len(0).unwrap();
        file.write().unwrap();
        assert_eq!(file.sync(), Err(Unwritten::Changed));
        assert_eq!(fs::read(&file.path).unwrap(), b"3\n");
    }

    #[test]
    fn a_torn_end_is_cut_and_rows_go_on_behind_it() {
        let (_directory, file) = written();
        let path = file.path.clone();
        drop(file);
        let mut file = ResultsFile::existing(&path, true).unwrap().unwrap();
        file.go_on_at(2).unwrap();
        file.append(b"3\n");
        file.sync().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"1\n3\n");
    }
}
