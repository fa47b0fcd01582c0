//! Settings from the environment: `NAME`, or `NAME_FILE` for the path of a file that holds the value.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};

use crate::failure::Failure;

/// Where settings come from: the process environment, or the pairs that the sandbox hands out.
#[derive(Debug)]
pub(crate) enum Configuration {
    Environment,
    Given(BTreeMap<&'static str, String>),
}

impl Configuration {
    /// The value of a setting that may be absent.
    pub(crate) fn optional(&self, name: &'static str) -> Result<Option<String>, Failure> {
        match self {
            Self::Given(pairs) => Ok(pairs.get(name).cloned()),
            Self::Environment => from_environment(name),
        }
    }

    /// The values of settings that must all be there. The error names every one that is missing.
    pub(crate) fn required<const N: usize>(
        &self,
        names: [&'static str; N],
    ) -> Result<[String; N], Failure> {
        let mut missing = Vec::new();
        let mut values = [const { String::new() }; N];
        for (name, value) in names.iter().zip(&mut values) {
            match self.optional(name)? {
                Some(found) => *value = found,
                None => missing.push(*name),
            }
        }
        if missing.is_empty() {
            return Ok(values);
        }
        let rule = "not set in the environment, nor as NAME_FILE";
        Err(Failure::configuration(missing.join(", "), rule))
    }

    /// Whether any of these settings is there.
    pub(crate) fn any(&self, names: &[&'static str]) -> Result<bool, Failure> {
        for name in names {
            if self.optional(name)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// No credential is longer; a device or a wrong file would be read without end.
const LONGEST_FILE: u64 = 64 * 1024;

fn from_environment(name: &'static str) -> Result<Option<String>, Failure> {
    let file_name = format!("{name}_FILE");
    let value = variable(name)?;
    let Some(path) = variable(&file_name)? else {
        return Ok(value);
    };
    if value.is_some() {
        let rule = format!("set together with {name}; keep one");
        return Err(Failure::configuration(file_name, rule));
    }
    read(&path)
        .map(Some)
        .map_err(|rule| Failure::configuration(file_name, rule))
}

/// A variable that is set to nothing is a mistake, not an absence: a default must not stand in for it.
fn variable(name: &str) -> Result<Option<String>, Failure> {
    let Some(value) = std::env::var_os(name) else {
        return Ok(None);
    };
    match value.into_string() {
        Ok(text) if text.is_empty() => Err(Failure::configuration(name, "is set, but empty")),
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(Failure::configuration(name, "is not UTF-8 text")),
    }
}

fn read(path: &str) -> Result<String, String> {
    let unreadable = |error: io::Error| format!("the file cannot be read: {}", error.kind());
    let file = File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    let read = file
        .take(LONGEST_FILE + 1)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    if read as u64 > LONGEST_FILE {
        return Err(format!("the file is longer than {LONGEST_FILE} bytes"));
    }
    Ok(text)
}
