//! The error of an invalid input or setting.

use std::borrow::Cow;

/// An input or setting that breaks a rule. It names the field and the rule, never the value.
///
/// It is detected before anything is sent. Correct the field and call again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {rule}")]
pub struct InvalidRequest {
    field: Cow<'static, str>,
    rule: Cow<'static, str>,
}

impl InvalidRequest {
    /// Creates the error that `field` breaks `rule`. Neither may contain the value.
    pub fn new(field: impl Into<Cow<'static, str>>, rule: impl Into<Cow<'static, str>>) -> Self {
        Self {
            field: field.into(),
            rule: rule.into(),
        }
    }

    /// The field's wire name, or the setting's name.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// The rule that it breaks.
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// The same error for a field of another name, for types that several requests share.
    #[must_use]
    pub fn for_field(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.field = field.into();
        self
    }

    /// Converts the error for a type whose `Deserialize` parses. The rule is kept in a form that
    /// [`request_from_value`](crate::request_from_value) can distinguish from serde's own texts, which contain the value.
    pub fn into_deserialize_error<E: serde::de::Error>(self) -> E {
        E::custom(format_args!("{RULE}{}", self.rule))
    }

    /// The rule in the text of an error that [`into_deserialize_error`](Self::into_deserialize_error) created.
    pub(crate) fn rule_of(text: &str) -> Option<&str> {
        text.strip_prefix(RULE)
    }
}

/// Marks the text of an error that holds a rule. Serde escapes this character wherever it repeats a value.
const RULE: char = '\u{1}';
