//! Names of providers and operations that are read back from where they were written down.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::copied::is_invisible;
use super::invalid_request::InvalidRequest;

/// The most different names that a process reads, so that no document fills its memory.
const MOST: usize = 1024;

/// The longest name, in bytes.
const LONGEST: usize = 64;

/// The name of a provider or an operation as it is everywhere, `&'static str`. Names are few and come again and again: each
/// different one is kept once, for the life of the process.
///
/// # Errors
///
/// The text is empty, longer than 64 bytes, has a character that nobody sees, or is the 1025th different name.
///
/// ```
/// let name = provider_core::read_name("finpass")?;
/// assert_eq!(name, "finpass");
/// assert!(provider_core::read_name("finpass\n").is_err());
/// # Ok::<(), provider_core::InvalidRequest>(())
/// ```
pub fn read_name(text: &str) -> Result<&'static str, InvalidRequest> {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    keep(
        &mut NAMES.lock().unwrap_or_else(PoisonError::into_inner),
        text,
    )
}

fn keep(names: &mut BTreeSet<&'static str>, text: &str) -> Result<&'static str, InvalidRequest> {
    let refused = |rule: &'static str| Err(InvalidRequest::new("name", rule));
    if text.is_empty() || text.len() > LONGEST {
        return refused("must be 1 to 64 bytes long");
    }
    if text.contains(|c: char| c.is_control() || is_invisible(c)) {
        return refused("must not contain invisible characters");
    }
    if let Some(known) = names.get(text) {
        return Ok(known);
    }
    if names.len() >= MOST {
        return refused("is one more than the 1024 different ones that a process reads");
    }
    let kept: &'static str = String::leak(text.to_owned());
    names.insert(kept);
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_once_and_no_more_than_so_many_are() {
        let mut names = BTreeSet::new();
        let first = keep(&mut names, "acme").unwrap();
        let again = keep(&mut names, &String::from("acme")).unwrap();
        assert!(std::ptr::eq(first, again));
        for at in 1..MOST {
            keep(&mut names, &format!("name-{at}")).unwrap();
        }
        let error = keep(&mut names, "CANARY").unwrap_err();
        assert!(
            error.rule().contains("1024") && !error.to_string().contains("CANARY"),
            "{error}"
        );
        assert_eq!(
            keep(&mut names, "acme").unwrap(),
            "acme",
            "known ones still are"
        );
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = "a".repeat(LONGEST + 1);
        for text in ["", long.as_str(), "a\nb", "a\u{202e}b"] {
            assert!(read_name(text).is_err(), "{text:?}");
        }
        assert!(read_name(&"a".repeat(LONGEST)).is_ok());
    }
}
