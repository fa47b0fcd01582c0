//! Virtual user accounts: `9000000001@onemoney`.

use super::findings::Findings;
use super::rule::Rule;
use crate::values::Mobile;

impl Findings<'_> {
    /// Checks a virtual user account: its form, its aggregator if the known ones are set, and the mobile number beside it.
    pub fn vua(&mut self, field: &'static str, vua: &str, mobile: Option<&Mobile>) {
        let parts = vua.split_once('@');
        let (user, aggregator) = parts.unwrap_or_default();
        let has_form = !user.is_empty()
            && user
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
            && !aggregator.is_empty()
            && aggregator
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        self.add_unless(has_form, field, Rule::VuaForm);
        if !has_form {
            return;
        }
        let known = &self.lints.vua_aggregators;
        let is_known = known.is_empty()
            || known
                .iter()
                .any(|handle| handle.eq_ignore_ascii_case(aggregator));
        self.add_unless(is_known, field, Rule::VuaAggregator);
        // An account may have another name; only a number that is another one is odd.
        let is_number = user.len() >= 10 && user.bytes().all(|byte| byte.is_ascii_digit());
        let agrees = !is_number || mobile.is_none_or(|mobile| user.ends_with(mobile.expose()));
        self.add_unless(agrees, field, Rule::VuaMobile);
    }
}

#[cfg(test)]
mod tests {
    use super::super::lints::Lints;
    use super::*;

    #[test]
    fn a_virtual_user_account_has_a_form_a_known_aggregator_and_its_number() {
        let mobile = Mobile::parse("9000000001").unwrap();
        let lints = Lints::default().set_vua_aggregators(["onemoney", "finvu"]);
        let found = |vua: &str| {
            let mut findings = Findings::new(&lints);
            findings.vua("vua", vua, Some(&mobile));
            findings
                .into_iter()
                .map(|finding| finding.rule())
                .collect::<Vec<_>>()
        };
        for right in [
            "9000000001@onemoney",
            concat!("91", "9000000001", "@Finvu"),
            "asha.test-1@finvu",
            "12@onemoney",
        ] {
            assert_eq!(found(right), [], "{right}");
        }
        for wrong in [
            "",
            "@",
            "a@",
            "@finvu",
            "a@b@finvu",
            "a b@finvu",
            "a@fin.vu",
            "9000000001",
        ] {
            assert_eq!(found(wrong), [Rule::VuaForm], "{wrong}");
        }
        assert_eq!(found("9000000002@finvu"), [Rule::VuaMobile]);
        assert_eq!(found("9000000001@axisbank"), [Rule::VuaAggregator]);
        let unset = Lints::default();
        let mut any = Findings::new(&unset);
        any.vua("vua", "9000000002@invented", None);
        assert_eq!(any.iter().count(), 0);
    }
}
