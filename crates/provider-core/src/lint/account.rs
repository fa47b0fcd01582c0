//! Bank accounts: IFSC, and masks of account numbers.

use super::findings::Findings;
use super::rule::Rule;

/// The shortest tail by which an account can be recognised, and the longest that is still a mask.
const TAIL: std::ops::RangeInclusive<usize> = 4..=5;

impl Findings<'_> {
    /// Checks an IFSC: four letters, `0`, six letters or digits, in either case.
    pub fn ifsc(&mut self, field: &'static str, ifsc: &str) {
        let has_form = ifsc.len() == 11
            && ifsc.bytes().enumerate().all(|(at, byte)| match at {
                0..=3 => byte.is_ascii_alphabetic(),
                4 => byte == b'0',
                _ => byte.is_ascii_alphanumeric(),
            });
        self.add_unless(has_form, field, Rule::IfscForm);
    }

    /// Checks a masked account number: it hides all but the last four or five characters with `X` or `*`.
    pub fn account_mask(&mut self, field: &'static str, mask: &str) {
        let is_hidden = |char: char| matches!(char, 'X' | 'x' | '*' | '-' | ' ');
        let tail = mask.trim_start_matches(is_hidden);
        let is_mask = tail.len() < mask.len()
            && TAIL.contains(&tail.len())
            && tail.bytes().all(|byte| byte.is_ascii_alphanumeric());
        self.add_unless(is_mask, field, Rule::AccountMask);
    }
}

#[cfg(test)]
mod tests {
    use super::super::lints::Lints;
    use super::*;

    #[test]
    fn an_ifsc_has_a_zero_and_not_an_o() {
        let lints = Lints::default();
        let found = |ifsc: &str| {
            let mut findings = Findings::new(&lints);
            findings.ifsc("ifsc", ifsc);
            findings.iter().count()
        };
        for right in ["ZZZZ0000001", "zzzz0a00b01", "ZZZZ0A0B0C1"] {
            assert_eq!(found(right), 0, "{right}");
        }
        for wrong in [
            "ZZZZ0A0B01",
            "ZZZZO000001",
            "ZZZ10000001",
            "ZZZZ000000 ",
            "",
            "ZZZZ000000é",
        ] {
            assert_eq!(found(wrong), 1, "{wrong}");
        }
    }

    #[test]
    fn a_mask_shows_a_short_tail() {
        let lints = Lints::default();
        let found = |mask: &str| {
            let mut findings = Findings::new(&lints);
            findings.account_mask("account", mask);
            findings.iter().count()
        };
        for right in ["XXXXXXXX4020", "****12345", "xxxx-xxxx-40ab", "X4020"] {
            assert_eq!(found(right), 0, "{right}");
        }
        for wrong in [
            "XXXXXXX123",
            "000000000001",
            "4020",
            "XXXX123456",
            "XXXX",
            "",
            "XX40.20",
        ] {
            assert_eq!(found(wrong), 1, "{wrong}");
        }
    }
}
