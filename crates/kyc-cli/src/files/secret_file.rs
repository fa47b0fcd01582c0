//! Files that hold a secret, all of them by one rule: nobody else may read them.

use std::fs::File;
use std::path::Path;

use kyc_consent::KeyError;

use crate::failure::{Failure, is_the_disk, reason};

/// Opens a file that this command made for its owner alone; `None` if there is none.
pub(crate) fn open(path: &Path) -> Result<Option<File>, KeyError> {
    #[cfg(unix)]
    let opened = kyc_consent::open_secret_file(path);
    #[cfg(not(unix))]
    let opened = File::open(path).map_err(KeyError::from);
    match opened {
        Err(KeyError::Io(std::io::ErrorKind::NotFound)) => Ok(None),
        opened => opened.map(Some),
    }
}

/// Why such a file is refused, of which the flag tells.
pub(crate) fn refused(flag: &str, name: &str, error: &KeyError) -> Failure {
    match error {
        KeyError::Io(kind) if is_the_disk(*kind) => Failure::unstored(flag, reason(*kind)),
        error => Failure::configuration(flag, format!("{name}{}", rule(error))),
    }
}

/// The rule that it breaks.
pub(crate) fn rule(error: &KeyError) -> String {
    match error {
        KeyError::OpenToOthers { mode } => format!(
            "may be read by others (mode {mode:o}); only its owner may: `chmod 600` it, and ask who read it"
        ),
        KeyError::OtherOwner => {
            "is another user's, who may read it; it must be your own, or the superuser's".to_owned()
        }
        KeyError::NoFile => "is not a file".to_owned(),
        KeyError::Io(kind) => format!("cannot be read: {}", reason(*kind)),
        error => error.to_string(),
    }
}
