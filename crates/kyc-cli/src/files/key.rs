//! The key of a file of results: with it, they tell whether they belong to an input, and without it they tell nothing.
//!
//! A digest of a small file or of a mobile number can be tried out: ten thousand million numbers take minutes, two digests leave
//! one of them. So the results hold a keyed one, and the key is a file of its own, beside them.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::failure::{Failure, is_the_disk, reason};
use crate::files::{secret_file, temporary};

/// The key, 32 random bytes.
pub(crate) struct Key([u8; 32]);

impl Key {
    /// The key beside these results; `None` if there is none.
    pub(crate) fn of(results: &Path) -> Result<Option<Self>, Failure> {
        let path = path(results);
        let refused = |rule: &str| Err(Failure::configuration("--out", named(&path, rule)));
        let opened = secret_file::open(&path);
        let opened =
            opened.map_err(|error| secret_file::refused("--out", &named(&path, ""), &error))?;
        let Some(mut file) = opened else {
            return Ok(None);
        };
        let mut text = String::new();
        if let Err(error) = file.read_to_string(&mut text) {
            return refused(&format!("cannot be read: {}", reason(error.kind())));
        }
        let mut key = [0; 32];
        match hex::decode_to_slice(text.trim_ascii_end(), &mut key) {
            Ok(()) => Ok(Some(Self(key))),
            Err(_) => refused("is not a key"),
        }
    }

    /// A new key.
    pub(crate) fn random() -> Result<Self, Failure> {
        let mut key = [0; 32];
        match getrandom::fill(&mut key) {
            Ok(()) => Ok(Self(key)),
            Err(_) => Err(Failure::configuration("runtime", "no randomness")),
        }
    }

    /// Writes it to its file, which only its owner can read.
    pub(crate) fn keep(&self, results: &Path) -> Result<(), Failure> {
        let path = path(results);
        // Under its name it is complete or not there.
        let written = temporary::beside(&path).and_then(|mut file| {
            writeln!(file, "{}", hex::encode(self.0))?;
            file.as_file().sync_all()?;
            file.persist_noclobber(&path).map_err(|error| error.error)?;
            Ok(())
        });
        written.map_err(|error| {
            if is_the_disk(error.kind()) {
                return Failure::unstored("the key beside --out", reason(error.kind()));
            }
            let rule = format!("cannot be written: {}", reason(error.kind()));
            Failure::configuration("--out", named(&path, &rule))
        })
    }

    /// The rule that the key is missing, by which `what` is recognised.
    pub(crate) fn missing(results: &Path, what: &str) -> String {
        let rule = format!("is missing: without it the {what} cannot be recognised");
        named(&path(results), &rule)
    }

    /// Lets no other run work on these results until the file is dropped. It is the key that is locked, because results may be
    /// replaced.
    pub(crate) fn lock(results: &Path) -> Result<File, Failure> {
        let path = path(results);
        let file = File::open(&path).map_err(|error| {
            let rule = format!("cannot be read: {}", reason(error.kind()));
            Failure::configuration("--out", named(&path, &rule))
        })?;
        // A file system without locks offers no protection.
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(Failure::configuration(
                "--out",
                "another run is writing to it",
            ));
        }
        Ok(file)
    }

    /// The fingerprint of what is fed to `feed`: 128 bits in hexadecimal, which say nothing without the key.
    pub(crate) fn fingerprint(
        &self,
        feed: impl FnOnce(&mut dyn FnMut(&[u8])) -> io::Result<()>,
    ) -> io::Result<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).map_err(io::Error::other)?;
        feed(&mut |bytes| mac.update(bytes))?;
        let mut text = hex::encode(mac.finalize().into_bytes());
        text.truncate(32);
        Ok(text)
    }
}

fn path(results: &Path) -> PathBuf {
    let mut path = results.as_os_str().to_owned();
    path.push(".key");
    path.into()
}

/// The file's name with a rule: the path before it is the user's own.
fn named(path: &Path, rule: &str) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!("{name} beside it {rule}")
}
