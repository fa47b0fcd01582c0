//! Settings by their names, for a caller that has texts.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// A setting that can be given as text: its name, such as `auth-status`, what it takes, and what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SettingName {
    /// The name; that of a provider's setting begins with the provider's, such as `finpass.auth-status`.
    pub name: String,
    /// What it takes, such as `true or false`.
    pub form: String,
    /// What it is for.
    pub description: String,
}

/// Why a setting is not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingError {
    /// No setting that can be given as text has this name.
    #[error("no such setting")]
    Unknown,
    /// The text has not the form that the setting takes.
    #[error("must be {form}")]
    Malformed {
        /// What it takes.
        form: String,
    },
}

/// A value of a setting.
pub(crate) trait SettingValue: Sized {
    /// What the setting takes; none if it cannot be given as text.
    fn form() -> Option<String>;

    /// Reads a text of this form.
    fn parse(text: &str) -> Option<Self>;
}

/// A name with hyphens instead of underscores, or of capitals.
pub(crate) fn kebab(name: &str) -> String {
    let mut kebab = String::with_capacity(name.len().saturating_add(4));
    for (index, letter) in name.char_indices() {
        match letter {
            '_' => kebab.push('-'),
            'A'..='Z' => {
                if index > 0 {
                    kebab.push('-');
                }
                kebab.push(letter.to_ascii_lowercase());
            }
            _ => kebab.push(letter),
        }
    }
    kebab
}

/// Documentation without what only a browser shows: marks of code, and where links lead.
pub(crate) fn plain(documentation: &str) -> String {
    let mut plain = String::with_capacity(documentation.len());
    let mut rest = documentation.trim();
    while let Some((before, after)) = rest.split_once('[') {
        plain.push_str(before);
        let (text, after) = after.split_once(']').unwrap_or((after, ""));
        plain.push_str(text);
        rest = match after
            .strip_prefix('(')
            .and_then(|link| link.split_once(')'))
        {
            Some((_, after)) => after,
            None => after,
        };
    }
    plain.push_str(rest);
    plain.replace('`', "")
}

/// Reads a value, or says what the setting takes.
pub(crate) fn parsed<T: SettingValue>(text: &str) -> Result<T, SettingError> {
    match T::form() {
        None => Err(SettingError::Unknown),
        Some(form) => T::parse(text).ok_or(SettingError::Malformed { form }),
    }
}

impl SettingValue for String {
    fn form() -> Option<String> {
        Some("a text".to_owned())
    }

    fn parse(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl SettingValue for bool {
    fn form() -> Option<String> {
        Some("true or false".to_owned())
    }

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

macro_rules! numbers {
    ($($number:ty)*) => { $(
        impl SettingValue for $number {
            fn form() -> Option<String> {
                Some(format!("a whole number of at most {}", <$number>::MAX))
            }

            fn parse(text: &str) -> Option<Self> {
                text.parse().ok()
            }
        }
    )* };
}

numbers! { u8 u16 u32 u64 }

impl SettingValue for usize {
    fn form() -> Option<String> {
        u32::form()
    }

    fn parse(text: &str) -> Option<Self> {
        Self::try_from(text.parse::<u32>().ok()?).ok()
    }
}

impl SettingValue for Duration {
    fn form() -> Option<String> {
        Some("a length such as 500ms, 2s or 1h30m".to_owned())
    }

    fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::SignedDuration>().ok()?.try_into().ok()
    }
}

impl SettingValue for SystemTime {
    fn form() -> Option<String> {
        Some("a time from 1970 on, such as 2026-12-03T00:00:00Z".to_owned())
    }

    fn parse(text: &str) -> Option<Self> {
        let time: jiff::Timestamp = text.parse().ok()?;
        (time >= jiff::Timestamp::UNIX_EPOCH).then(|| time.into())
    }
}

impl<T: SettingValue> SettingValue for Vec<T> {
    fn form() -> Option<String> {
        Some(format!(
            "any number, with commas between them, of: {}",
            T::form()?
        ))
    }

    fn parse(text: &str) -> Option<Self> {
        let texts = text.split(',').filter(|text| !text.is_empty());
        texts.map(T::parse).collect()
    }
}

impl<T: SettingValue> SettingValue for Option<T> {
    fn form() -> Option<String> {
        Some(format!("{}, or nothing", T::form()?))
    }

    fn parse(text: &str) -> Option<Self> {
        match text {
            "" => Some(None),
            text => T::parse(text).map(Some),
        }
    }
}

impl<K, V> SettingValue for BTreeMap<K, V> {
    fn form() -> Option<String> {
        None
    }

    fn parse(_text: &str) -> Option<Self> {
        None
    }
}

/// Types whose values cannot be given as text.
macro_rules! not_as_text {
    ($($value:ty)*) => { $(
        impl $crate::exchange::SettingValue for $value {
            fn form() -> Option<String> {
                None
            }

            fn parse(_text: &str) -> Option<Self> {
                None
            }
        }
    )* };
}

pub(crate) use not_as_text;

not_as_text! { super::Failure std::sync::Arc<dyn provider_core::Transport> }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_read_as_text() {
        assert_eq!(kebab("auth_status"), "auth-status");
        assert_eq!(kebab("PdfBase64"), "pdf-base64");
        assert_eq!(
            plain(" Lets [`serve`](crate::Sandbox::serve) bind [`X`], `a`."),
            "Lets serve bind X, a."
        );
        assert_eq!(Duration::parse("1h30m"), Some(Duration::from_secs(5_400)));
        assert_eq!(Duration::parse("-1s"), None);
        assert_eq!(
            Vec::parse("a,b"),
            Some(vec!["a".to_owned(), "b".to_owned()])
        );
        assert_eq!(Option::<u16>::parse(""), Some(None));
        assert_eq!(
            parsed::<u16>("70000"),
            Err(SettingError::Malformed {
                form: "a whole number of at most 65535".to_owned()
            })
        );
        assert_eq!(
            parsed::<super::super::Failure>("x"),
            Err(SettingError::Unknown)
        );
    }
}
