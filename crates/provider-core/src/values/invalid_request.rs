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
}
