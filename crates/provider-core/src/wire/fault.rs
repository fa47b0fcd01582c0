//! A refusal, with the provider's code and message.

use std::borrow::Cow;
use std::fmt;

use super::vocabulary::is_code;

/// A provider's refusal: its code, its message, and the documented meaning of the two.
///
/// The message is the provider's text and may contain personal data, so neither `Debug` nor `Display` prints it; read it
/// with [`message`](Fault::message). The code is printed only if it looks like a code.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Fault {
    code: Option<String>,
    message: Option<String>,
    meaning: Option<Cow<'static, str>>,
    class: FaultClass,
}

/// The class of a refusal, where the provider's code or message says more than the HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum FaultClass {
    /// The HTTP status decides.
    #[default]
    ByStatus,
    /// The credentials were refused.
    Credentials,
    /// It was refused, and counted as one of the few attempts that there are, such as a wrong one-time password.
    Counted,
    /// It was refused because it came too early, and nothing was done: the same request may succeed later. It is not retried, because
    /// that can take minutes or a person.
    TooEarly,
    /// It was refused because it was done before; nothing was done now.
    AlreadyDone,
    /// The failure is transient.
    Transient,
    /// The refusal contradicts the status, or something beside it: it may have been done.
    Contradictory,
}

crate::named_enum! {
    FaultClass("class") {
        ByStatus = "by_status",
        Credentials = "credentials",
        Counted = "counted",
        TooEarly = "too_early",
        AlreadyDone = "already_done",
        Transient = "transient",
        Contradictory = "contradictory",
    }
}

impl Fault {
    /// A refusal without code and message.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the provider's machine-readable code.
    #[must_use]
    pub fn with_code(mut self, code: Option<String>) -> Self {
        self.code = code;
        self
    }

    /// Adds the provider's text.
    #[must_use]
    pub fn with_message(mut self, message: Option<String>) -> Self {
        self.message = message;
        self
    }

    /// Adds the meaning of a documented refusal in the crate's own words; it is printed.
    #[must_use]
    pub fn with_meaning(mut self, meaning: Option<&'static str>) -> Self {
        self.meaning = meaning.map(Cow::Borrowed);
        self
    }

    /// Adds a meaning that was written down in the crate's own words.
    pub(crate) fn with_stored_meaning(mut self, meaning: Option<String>) -> Self {
        self.meaning = meaning.map(Cow::Owned);
        self
    }

    /// Sets the class of the refusal.
    #[must_use]
    pub fn with_class(mut self, class: FaultClass) -> Self {
        self.class = class;
        self
    }

    /// The provider's code, unchanged.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// The provider's code if it looks like a code: words of codes, such as `not` and `found`, joined by `_` or `.`, or up to
    /// four letters and up to six digits.
    ///
    /// Anything else (a number, an address, a token, a name) is there by mistake and is not printed: a word that is in no list of
    /// words of codes, such as `some` in `some_code`, could be a name. The rule is the same for all providers.
    pub fn printable_code(&self) -> Option<&str> {
        self.code().filter(|code| looks_like_a_code(code))
    }

    /// The provider's message, unchanged. It may hold personal data.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// The meaning in the crate's own words, if the refusal is documented.
    pub fn meaning(&self) -> Option<&str> {
        self.meaning.as_deref()
    }

    /// The class of the refusal.
    pub fn class(&self) -> FaultClass {
        self.class
    }
}

fn looks_like_a_code(code: &str) -> bool {
    let word = code.len() <= 64
        && code
            .bytes()
            .all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.'))
        && is_code(code);
    let digits = code.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let numbered = code.len().saturating_sub(digits.len()) <= 4
        && (1..=6).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    !code.is_empty() && (word || numbered)
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault")
            .field("code", &self.printable_code())
            .field("meaning", &self.meaning)
            .field("class", &self.class)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.printable_code(), self.meaning()) {
            (Some(code), Some(meaning)) => write!(f, "{code}: {meaning}"),
            // A number alone could be anything.
            (Some(code), None) if code.starts_with(|c: char| c.is_ascii_digit()) => {
                write!(f, "the provider's code {code}")
            }
            (Some(code), None) => f.write_str(code),
            (None, Some(meaning)) => f.write_str(meaning),
            (None, None) => f.write_str("no documented reason"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_printed_only_if_it_looks_like_one() {
        for code in [
            "unauthorized",
            "PROFILE_CHECK_FAILED",
            "FP0021",
            "InvalidRequest",
            "value_error.missing",
        ] {
            let fault = Fault::new().with_code(Some(code.to_owned()));
            assert_eq!(fault.to_string(), code);
        }
        for code in [
            "",
            "9000000001",
            "AAAAA0000A",
            "person@example.test",
            "a b",
            "d69a07cf-4434",
            "1234567",
            "RAMESH_KUMAR",
            "ramesh",
            "InvalidKumar",
            "OM",
            "R.K",
        ] {
            let fault = Fault::new().with_code(Some(code.to_owned()));
            assert_eq!(fault.to_string(), "no documented reason", "{code}");
            assert_eq!(fault.code(), Some(code));
        }
    }

    #[test]
    fn a_documented_refusal_is_printed_with_its_meaning() {
        let known = Fault::new().with_meaning(Some("the key is not known"));
        assert_eq!(known.meaning(), Some("the key is not known"));
        assert_eq!(known.to_string(), "the key is not known");
        let code = |fault: Fault| fault.with_code(Some("E1".to_owned())).to_string();
        assert_eq!(code(known), "E1: the key is not known");
        assert_eq!(code(Fault::new()), "E1");
        let number = Fault::new().with_code(Some("1101".to_owned()));
        assert_eq!(number.to_string(), "the provider's code 1101");
        assert_eq!(number.printable_code(), Some("1101"));
        assert_eq!(Fault::new().meaning(), None);
    }

    #[test]
    fn the_message_is_never_printed() {
        let fault = Fault::new().with_message(Some("CANARY".to_owned()));
        assert_eq!(fault.message(), Some("CANARY"));
        assert!(!format!("{fault} {fault:?} {fault:#?}").contains("CANARY"));
        let fault = fault.with_code(Some("E1".to_owned()));
        assert!(format!("{fault:?}").starts_with("Fault { code: Some(\"E1\"), meaning: None"));
    }
}
