//! What a client does with findings.

use std::sync::Arc;

use super::rule::{Certainty, Rule};

/// What becomes of a request that breaks a rule. Whatever is [`Certainty::Forbidden`] always ends the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum OnFinding {
    /// It is sent without a word.
    Ignore,
    /// It is sent, and logged as a warning. The default.
    #[default]
    Warn,
    /// It is not sent if it is certainly wrong; what is doubtful is logged as a warning.
    RefuseWrong,
    /// It is not sent.
    RefuseAll,
}

/// The rules that a client applies to its requests, and what follows.
///
/// A request that is refused ends as [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) before anything is
/// sent. A warning is logged at `WARN` with provider, operation, field and rule.
///
/// ```
/// use provider_core::lint::{Lints, OnFinding, Rule};
///
/// let lints = Lints::new(OnFinding::RefuseWrong)
///     .allow(Rule::PanTestValue)
///     .set_vua_aggregators(["onemoney", "finvu"]);
/// ```
#[derive(Debug, Clone)]
pub struct Lints {
    on_finding: OnFinding,
    allowed: Vec<Rule>,
    pub(super) mobile_first_digits: Arc<str>,
    pub(super) vua_aggregators: Arc<[String]>,
}

impl Lints {
    /// All rules, with this consequence.
    pub fn new(on_finding: OnFinding) -> Self {
        Self {
            on_finding,
            allowed: Vec::new(),
            mobile_first_digits: "6789".into(),
            vua_aggregators: Arc::new([]),
        }
    }

    /// Does not apply this rule. [`Rule::AadhaarNumber`] is applied nevertheless.
    #[must_use]
    pub fn allow(mut self, rule: Rule) -> Self {
        self.allowed.push(rule);
        self
    }

    /// Allows the values that no real holder has, for a sandbox: test values of PAN, of mobile numbers and of Aadhaar
    /// numbers.
    #[must_use]
    pub fn allow_test_values(self) -> Self {
        self.allow(Rule::PanTestValue)
            .allow(Rule::PanHolder)
            .allow(Rule::MobileRange)
            .allow(Rule::AadhaarForm)
    }

    /// Sets the first digits that mobile numbers may have instead of 6 to 9; India's regulator has discussed more.
    #[must_use]
    pub fn set_mobile_first_digits(mut self, digits: impl Into<Arc<str>>) -> Self {
        self.mobile_first_digits = digits.into();
        self
    }

    /// Sets the account aggregators' handles, the part of a virtual user account behind the `@`; one of another is doubtful.
    /// Without it [`Rule::VuaAggregator`] finds nothing, because no complete list of licensed aggregators is published in a
    /// form that this crate could carry.
    #[must_use]
    pub fn set_vua_aggregators(
        mut self,
        handles: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.vua_aggregators = handles.into_iter().map(Into::into).collect();
        self
    }

    /// What becomes of a request that breaks this rule.
    pub fn consequence(&self, rule: Rule) -> OnFinding {
        match (rule.certainty(), self.on_finding) {
            (Certainty::Forbidden, _) | (_, OnFinding::RefuseAll) => OnFinding::RefuseAll,
            (Certainty::Wrong, OnFinding::RefuseWrong) => OnFinding::RefuseAll,
            (Certainty::Doubtful, OnFinding::RefuseWrong) => OnFinding::Warn,
            (_, consequence) => consequence,
        }
    }

    pub(super) fn allows(&self, rule: Rule) -> bool {
        rule.certainty() != Certainty::Forbidden && self.allowed.contains(&rule)
    }
}

impl Default for Lints {
    fn default() -> Self {
        Self::new(OnFinding::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forbidden_is_refused_whatever_is_set_and_doubt_is_a_warning_until_all_is_refused() {
        use OnFinding::{Ignore, RefuseAll, RefuseWrong, Warn};

        let of = |on_finding| {
            let lints = Lints::new(on_finding);
            [Rule::PanHolder, Rule::PanClass, Rule::AadhaarNumber]
                .map(|rule| lints.consequence(rule))
        };
        assert_eq!(of(Ignore), [Ignore, Ignore, RefuseAll]);
        assert_eq!(of(Warn), [Warn, Warn, RefuseAll]);
        assert_eq!(of(RefuseWrong), [Warn, RefuseAll, RefuseAll]);
        assert_eq!(of(RefuseAll), [RefuseAll, RefuseAll, RefuseAll]);

        let all = Rule::ALL
            .iter()
            .fold(Lints::default(), |lints, rule| lints.allow(*rule));
        let applied: Vec<_> = Rule::ALL
            .iter()
            .filter(|rule| !all.allows(**rule))
            .collect();
        assert_eq!(applied, [&Rule::AadhaarNumber]);
    }
}
