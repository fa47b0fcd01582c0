//! Settings from environment variables, or from the files that they name.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};

use secrecy::{ExposeSecret as _, SecretString};

use super::copied::unexpanded;
use super::invalid_request::InvalidRequest;

/// No credential is longer.
const LONGEST_FILE: u64 = 64 * 1024;

/// Reads the setting `name` from the environment variable of that name, or from the file whose path is in `name_FILE`, as
/// container platforms provide secrets. `None` if neither is set.
///
/// The text is not trimmed: a type that parses it reports a trailing newline. Reading the setting again after a rotation
/// returns the file's new content; an environment variable of this process never changes. It has to be a file: nothing is
/// waited for, and what is read a second time is not gone.
///
/// # Errors
///
/// Both are set, one is empty or not UTF-8, or the file cannot be read, is longer than 64 KiB or none, such as a FIFO; or
/// the value is in quotes, begins with `NAME=`, or is a placeholder such as `${NAME}`: it was meant for a shell or a
/// template. The error names the variable, never the value or the path.
pub fn from_environment(name: &str) -> Result<Option<SecretString>, InvalidRequest> {
    from_variables(name, |name| std::env::var_os(name))
}

fn from_variables(
    name: &str,
    variables: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<SecretString>, InvalidRequest> {
    let variable = |name: &str| variables(name).map(|value| text(name, value)).transpose();
    let file_name = format!("{name}_FILE");
    let value = variable(name)?;
    let Some(path) = variable(&file_name)? else {
        return Ok(value.map(SecretString::from));
    };
    if value.is_some() {
        let rule = format!("set together with {name}; keep one");
        return Err(InvalidRequest::new(file_name, rule));
    }
    let text = match read(&path) {
        Ok(text) => SecretString::from(text),
        Err(rule) => return Err(InvalidRequest::new(file_name, rule)),
    };
    match unexpanded(name, text.expose_secret()) {
        Some(rule) => Err(InvalidRequest::new(file_name, rule)),
        None => Ok(Some(text)),
    }
}

/// Like [`from_environment`], for a required setting.
///
/// # Errors
///
/// As for [`from_environment`]; also when neither is set.
pub fn required_from_environment(name: &str) -> Result<SecretString, InvalidRequest> {
    from_environment(name)?.ok_or_else(|| {
        let rule = "not set in the environment, nor as NAME_FILE";
        InvalidRequest::new(name.to_owned(), rule)
    })
}

/// An empty variable is a mistake, not an absence: a default must not replace it.
fn text(name: &str, value: OsString) -> Result<String, InvalidRequest> {
    match value.into_string() {
        Ok(text) if text.is_empty() => {
            Err(InvalidRequest::new(name.to_owned(), "is set, but empty"))
        }
        Ok(text) => match unexpanded(name, &text) {
            Some(rule) => Err(InvalidRequest::new(name.to_owned(), rule)),
            None => Ok(text),
        },
        Err(_) => Err(InvalidRequest::new(name.to_owned(), "is not UTF-8 text")),
    }
}

fn read(path: &str) -> Result<String, String> {
    let file = open(path)?;
    let mut text = String::new();
    let read = file
        .take(LONGEST_FILE.saturating_add(1))
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    if read as u64 > LONGEST_FILE {
        return Err(format!("the file is longer than {LONGEST_FILE} bytes"));
    }
    Ok(text)
}

/// A FIFO or a device may never answer: what is judged is the file that was opened, whatever the path leads to by then, and it is opened
/// without waiting for anybody.
fn open(path: &str) -> Result<File, String> {
    const NO_FILE: &str = "names no file: a FIFO, a device or a directory is none";
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    }
    match options.open(path) {
        Ok(file) if file.metadata().map_err(unreadable)?.is_file() => Ok(file),
        // Some, such as sockets, cannot be opened at all.
        Err(_) if fs::metadata(path).is_ok_and(|found| !found.is_file()) => Err(NO_FILE.to_owned()),
        Ok(_) => Err(NO_FILE.to_owned()),
        Err(error) => Err(unreadable(error)),
    }
}

fn unreadable(error: io::Error) -> String {
    format!("the file cannot be read: {}", error.kind())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    // Cargo sets these for every test; a test cannot set variables of its own without unsafe code.
    #[test]
    fn a_set_variable_is_read_and_a_missing_one_is_none_or_an_error() {
        let name = from_environment("CARGO_PKG_NAME").unwrap().unwrap();
        assert_eq!(name.expose_secret(), "provider-core");
        assert!(from_environment("KYC_NOT_SET").unwrap().is_none());
        let error = required_from_environment("KYC_NOT_SET").unwrap_err();
        assert_eq!(error.field(), "KYC_NOT_SET");
    }

    #[test]
    fn a_setting_comes_from_one_place_and_mistakes_are_named() {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let read = |variables: &[(&str, &str)]| {
            let variables = |name: &str| {
                let found = variables.iter().find(|(set, _)| *set == name);
                found.map(|(_, value)| OsString::from(value))
            };
            from_variables("KEY", variables)
        };
        let value = read(&[("KEY", "made-up")]).unwrap().unwrap();
        assert_eq!(value.expose_secret(), "made-up");
        let value = read(&[("KEY_FILE", manifest)]).unwrap().unwrap();
        assert!(value.expose_secret().contains("provider-core"));
        assert!(read(&[]).unwrap().is_none());
        for (variables, field) in [
            (&[("KEY", "")][..], "KEY"),
            (&[("KEY_FILE", "")], "KEY_FILE"),
            (&[("KEY_FILE", "/CANARY")], "KEY_FILE"),
            (&[("KEY", "CANARY"), ("KEY_FILE", manifest)], "KEY_FILE"),
            (&[("KEY", "\"CANARY\"")], "KEY"),
            (&[("KEY", "KEY=CANARY")], "KEY"),
            (&[("KEY_FILE", "${CANARY}")], "KEY_FILE"),
        ] {
            let error = read(variables).unwrap_err();
            assert_eq!(error.field(), field);
            assert!(!error.to_string().contains("CANARY"), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_not_text_is_refused() {
        use std::os::unix::ffi::OsStringExt as _;

        let value = |_: &str| Some(OsString::from_vec(b"CANARY\xff".to_vec()));
        let error = from_variables("KEY", value).unwrap_err();
        assert_eq!(error.field(), "KEY");
        assert!(!error.to_string().contains("CANARY"), "{error}");
    }

    #[test]
    fn a_file_at_the_limit_is_read_and_one_byte_more_is_not() {
        let path = std::env::temp_dir().join(format!("kyc-environment-{}", std::process::id()));
        let mut text = "x".repeat(64 * 1024);
        std::fs::write(&path, &text).unwrap();
        let whole = read(path.to_str().unwrap());
        text.push('x');
        std::fs::write(&path, &text).unwrap();
        let longer = read(path.to_str().unwrap());
        std::fs::remove_file(&path).unwrap();
        assert_eq!(whole.unwrap().len(), 64 * 1024);
        assert!(longer.unwrap_err().contains("longer than 65536 bytes"));
    }

    #[test]
    fn a_file_is_read_up_to_the_limit_and_not_trimmed() {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        assert!(read(manifest).unwrap().ends_with('\n'));
        assert!(!read("/CANARY").unwrap_err().contains("CANARY"));
    }

    /// None of them is waited for.
    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let [fifo, socket, link] = ["fifo", "socket", "link"].map(|name| folder.path().join(name));
        let made = std::process::Command::new("mkfifo").arg(&fifo).status();
        assert!(made.unwrap().success());
        let _listening = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        std::os::unix::fs::symlink(&fifo, &link).unwrap();
        let zero = std::path::Path::new("/dev/zero");
        for path in [&fifo, &socket, &link, folder.path(), zero] {
            let error = read(path.to_str().unwrap()).unwrap_err();
            assert!(error.starts_with("names no file"), "{error}");
        }
    }
}
