//! What the rules have found in a request.

use std::fmt;

use super::lints::Lints;
use super::rule::{Certainty, Rule};
use crate::values::InvalidRequest;

/// A field that breaks a rule. It never holds the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Finding {
    field: &'static str,
    rule: Rule,
}

impl Finding {
    /// The field's wire name.
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// The rule that it breaks.
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// How sure it is.
    pub fn certainty(&self) -> Certainty {
        self.rule.certainty()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.field, self.rule.text(), self.rule)
    }
}

impl From<Finding> for InvalidRequest {
    fn from(finding: Finding) -> Self {
        Self::new(finding.field, finding.rule.text())
    }
}

/// Collects what the rules find: an [`Endpoint`](crate::Endpoint) hands its fields over, each to the rules of its kind.
///
/// ```
/// use provider_core::Pan;
/// use provider_core::lint::{Findings, HolderClass, Lints, Rule};
///
/// let lints = Lints::default();
/// let mut findings = Findings::new(&lints);
/// findings.pan("pan", &Pan::parse("AAADT0000Z")?, Some(HolderClass::Person));
/// findings.ifsc("ifsc", "ZZZZO000001");
/// let rules: Vec<_> = findings.iter().map(|finding| finding.rule()).collect();
/// assert_eq!(rules, [Rule::PanClass, Rule::PanTestValue, Rule::IfscForm]);
/// # Ok::<(), provider_core::InvalidRequest>(())
/// ```
#[derive(Debug, Clone)]
pub struct Findings<'l> {
    pub(super) lints: &'l Lints,
    found: Vec<Finding>,
}

impl<'l> Findings<'l> {
    /// None yet.
    pub fn new(lints: &'l Lints) -> Self {
        Self {
            lints,
            found: Vec::new(),
        }
    }

    /// The findings so far.
    pub fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.found.iter()
    }

    /// Adds that the field breaks the rule, unless it holds or is allowed.
    pub(super) fn add_unless(&mut self, holds: bool, field: &'static str, rule: Rule) {
        if !holds && !self.lints.allows(rule) {
            self.found.push(Finding { field, rule });
        }
    }
}

impl IntoIterator for Findings<'_> {
    type Item = Finding;
    type IntoIter = std::vec::IntoIter<Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.found.into_iter()
    }
}

impl<'f> IntoIterator for &'f Findings<'_> {
    type Item = &'f Finding;
    type IntoIter = std::slice::Iter<'f, Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
