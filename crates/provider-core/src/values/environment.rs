//! Settings from environment variables, or from the files that they name.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use super::copied::unexpanded;
use super::invalid_request::InvalidRequest;

/// No credential is longer, and a device must not be read without end.
const LONGEST_FILE: u64 = 64 * 1024;

/// A FIFO without a writer must not hold up the start of a service.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Reads the setting `name` from the environment variable of that name, or from the file whose path is in `name_FILE`, as
/// container platforms provide secrets. `None` if neither is set.
///
/// The text is not trimmed: a type that parses it reports a trailing newline. Reading the setting again after a rotation
/// returns the file's new content; an environment variable of this process never changes, and a FIFO gives its content
/// once. A FIFO or a device is waited for, for ten seconds at most.
///
/// # Errors
///
/// Both are set, one is empty or not UTF-8, or the file cannot be read, is longer than 64 KiB or gives nothing in time; or
/// the value is in quotes, begins with `NAME=`, or is a placeholder such as `${NAME}`: it was meant for a shell or a
/// template. The error names the variable, never the value or the path.
pub fn from_environment(name: &str) -> Result<Option<SecretString>, InvalidRequest> {
    from_environment_within(name, LONGEST_WAIT)
}

/// Like [`from_environment`], and waits for a FIFO or a device no longer than `wait`.
pub(super) fn from_environment_within(
    name: &str,
    wait: Duration,
) -> Result<Option<SecretString>, InvalidRequest> {
    from_variables(name, wait.min(LONGEST_WAIT), |name| std::env::var_os(name))
}

fn from_variables(
    name: &str,
    wait: Duration,
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
    let text = match read(&path, wait) {
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

/// Anything but a file on a disk is read by a thread of its own, because it may never answer.
fn read(path: &str, wait: Duration) -> Result<String, String> {
    let kind = fs::metadata(path).map_err(unreadable)?;
    if kind.is_file() || kind.is_dir() {
        return read_whole(path);
    }
    let (done, result) = mpsc::sync_channel(1);
    let path = path.to_owned();
    let reading = move || {
        // If it came too late, nobody waits for it.
        let _ = done.send(read_whole(&path));
    };
    thread::Builder::new().spawn(reading).map_err(unreadable)?;
    result.recv_timeout(wait).unwrap_or_else(|_| {
        let seconds = wait.as_secs_f64();
        Err(format!(
            "is no file, and gave nothing within {seconds} seconds; a FIFO needs a writer"
        ))
    })
}

fn unreadable(error: io::Error) -> String {
    format!("the file cannot be read: {}", error.kind())
}

fn read_whole(path: &str) -> Result<String, String> {
    let file = File::open(path).map_err(unreadable)?;
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
            from_variables("KEY", LONGEST_WAIT, variables)
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
        let error = from_variables("KEY", LONGEST_WAIT, value).unwrap_err();
        assert_eq!(error.field(), "KEY");
        assert!(!error.to_string().contains("CANARY"), "{error}");
    }

    #[test]
    fn a_file_at_the_limit_is_read_and_one_byte_more_is_not() {
        let path = std::env::temp_dir().join(format!("kyc-environment-{}", std::process::id()));
        let mut text = "x".repeat(64 * 1024);
        std::fs::write(&path, &text).unwrap();
        let whole = read(path.to_str().unwrap(), LONGEST_WAIT);
        text.push('x');
        std::fs::write(&path, &text).unwrap();
        let longer = read(path.to_str().unwrap(), LONGEST_WAIT);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(whole.unwrap().len(), 64 * 1024);
        assert!(longer.unwrap_err().contains("longer than 65536 bytes"));
    }

    #[test]
    fn a_file_is_read_up_to_the_limit_and_not_trimmed() {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let read = |path| read(path, LONGEST_WAIT);
        assert!(read(manifest).unwrap().ends_with('\n'));
        assert!(read("/dev/zero").unwrap_err().contains("longer than"));
        assert!(!read("/CANARY").unwrap_err().contains("CANARY"));
    }

    #[cfg(unix)]
    #[test]
    fn a_fifo_is_waited_for_and_not_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = |name: &str| {
            let path = folder.path().join(name).to_str().unwrap().to_owned();
            let made = std::process::Command::new("mkfifo").arg(&path).status();
            assert!(made.unwrap().success());
            path
        };
        let silent = fifo("silent");
        let error = read(&silent, Duration::from_millis(1)).unwrap_err();
        assert!(
            error.contains("gave nothing within 0.001 seconds"),
            "{error}"
        );
        // Lets the thread that still reads it end.
        fs::write(&silent, "too late").unwrap();
        let path = fifo("fifo");
        let writer = thread::spawn({
            let path = path.clone();
            move || fs::write(path, "made-up")
        });
        let text = read(&path, LONGEST_WAIT);
        writer.join().unwrap().unwrap();
        assert_eq!(text.unwrap(), "made-up");
    }
}
