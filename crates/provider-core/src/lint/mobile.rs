//! Mobile numbers.

use super::findings::Findings;
use super::rule::Rule;
use crate::values::Mobile;

impl Findings<'_> {
    /// Checks that a mobile number begins as India's do.
    pub fn mobile(&mut self, field: &'static str, mobile: &Mobile) {
        let first = mobile.expose().chars().next();
        let in_range = first.is_some_and(|digit| self.lints.mobile_first_digits.contains(digit));
        self.add_unless(in_range, field, Rule::MobileRange);
    }
}

#[cfg(test)]
mod tests {
    use super::super::lints::Lints;
    use super::*;

    #[test]
    fn a_number_begins_with_6_to_9_or_as_it_is_set() {
        let found = |lints: &Lints, first: u32| {
            let mobile = Mobile::parse(&format!("{first}000000001")).unwrap();
            let mut findings = Findings::new(lints);
            findings.mobile("mobile_number", &mobile);
            findings.iter().count()
        };
        let standard = Lints::default();
        let wrong: Vec<_> = (0..10)
            .filter(|first| found(&standard, *first) > 0)
            .collect();
        assert_eq!(wrong, [0, 1, 2, 3, 4, 5]);
        let more = Lints::default().set_mobile_first_digits("2346789");
        let wrong: Vec<_> = (0..10).filter(|first| found(&more, *first) > 0).collect();
        assert_eq!(wrong, [0, 1, 5]);
    }
}
