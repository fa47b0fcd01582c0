//! Files that hold a secret: by one rule they are opened, whichever secret it is.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::error::KeyError;

/// Opens a file that holds a secret, to read it. A link is followed, because mounted secrets are links: what is judged is the file that
/// was opened, whatever the link leads to by then.
///
/// # Errors
///
/// There is none or it cannot be read; it is no regular file; it is another user's, the superuser's excepted; others may read, write or
/// execute it.
pub fn open_secret_file(path: impl AsRef<Path>) -> Result<File, KeyError> {
    let path = path.as_ref();
    // Some, such as sockets, cannot be opened at all.
    if !fs::metadata(path)?.is_file() {
        return Err(KeyError::NoFile);
    }
    // It may be another one by now, such as a pipe, which would wait for its other end.
    let at_once = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(at_once)
        .open(path);
    let file = opened?;
    let opened = file.metadata()?;
    if !opened.is_file() {
        return Err(KeyError::NoFile);
    }
    let ours = rustix::process::geteuid().as_raw();
    if ![ours, SUPERUSER].contains(&opened.uid()) {
        return Err(KeyError::OtherOwner);
    }
    match opened.mode() & 0o777 {
        mode if mode & 0o077 != 0 => Err(KeyError::OpenToOthers { mode }),
        _ => Ok(file),
    }
}

/// Reads everything anyway, and is who mounts secrets.
const SUPERUSER: u32 = 0;

#[cfg(test)]
mod tests {
    use std::io;
    use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

    use super::*;

    #[test]
    fn what_is_judged_is_the_file_that_a_link_leads_to() {
        let directory = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| directory.path().join(name));
        symlink(&file, &link).unwrap();
        let refused = |path: &Path| open_secret_file(path).unwrap_err();
        assert_eq!(refused(&link), KeyError::Io(io::ErrorKind::NotFound));
        fs::write(&file, "secret").unwrap();
        for mode in [0o640, 0o604, 0o660, 0o601, 0o444] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            for path in [&file, &link] {
                assert_eq!(refused(path), KeyError::OpenToOthers { mode });
            }
        }
        for mode in [0o600, 0o400, 0o700] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            open_secret_file(&file).unwrap();
            open_secret_file(&link).unwrap();
        }
        // Only the superuser gives a file away.
        if chown(&file, Some(65_533), None).is_ok() {
            assert_eq!(refused(&link), KeyError::OtherOwner);
        }
        assert_eq!(refused(directory.path()), KeyError::NoFile);
        let socket = directory.path().join("socket");
        let _listening = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert_eq!(refused(&socket), KeyError::NoFile);
    }
}
