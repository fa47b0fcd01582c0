//! What is said about an input that cannot form a request.

use std::borrow::Cow;

/// An input or setting that breaks a rule. Names the field and the rule, never the value.
///
/// Found before anything is sent. Correct the field and call again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {rule}")]
pub struct InvalidRequest {
    field: Cow<'static, str>,
    rule: Cow<'static, str>,
}

impl InvalidRequest {
    /// Says that `field` breaks `rule`. Neither may contain the value.
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

    /// The rule it breaks.
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// The same rule broken by a field of another name, for types that several requests share.
    #[must_use]
    pub fn for_field(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.field = field.into();
        self
    }

    /// The error of a type whose `Deserialize` parses: it keeps the rule, so that
    /// [`request_from_value`](crate::request_from_value) can tell it from serde's own texts, which repeat the value.
    pub fn into_deserialize_error<E: serde::de::Error>(self) -> E {
        E::custom(format_args!("{RULE}{}", self.rule))
    }

    /// The rule in the text of an error that [`into_deserialize_error`](Self::into_deserialize_error) made.
    pub(crate) fn rule_of(text: &str) -> Option<&str> {
        text.strip_prefix(RULE)
    }
}

/// Begins the text of an error that holds a rule. Serde escapes it wherever it repeats a value.
const RULE: char = '\u{1}';
