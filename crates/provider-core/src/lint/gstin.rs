//! GSTIN and dates of birth.

use jiff::civil::Date;

use super::findings::Findings;
use super::rule::Rule;
use crate::values::Pan;

impl Findings<'_> {
    /// Checks a GSTIN: a state's two digits, a PAN, a digit or letter, `Z`, and the check character.
    pub fn gstin(&mut self, field: &'static str, gstin: &str) {
        self.add_unless(is_gstin(gstin), field, Rule::GstinForm);
    }

    /// Checks a date of birth: a day of the calendar, `YYYY-MM-DD`. Whether it is past is the caller's to know: rules have no clock.
    pub fn birth_date(&mut self, field: &'static str, date: &str) {
        let digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
        let is_form = date.split('-').map(str::len).eq([4, 2, 2]) && date.split('-').all(digits);
        let is_day = is_form && date.parse::<Date>().is_ok_and(|day| day.year() > 0);
        self.add_unless(is_day, field, Rule::BirthDateForm);
    }
}

fn is_gstin(gstin: &str) -> bool {
    let bytes = gstin.as_bytes();
    let value = |byte: u8| match byte {
        b'0'..=b'9' => Some(u32::from(byte.saturating_sub(b'0'))),
        b'A'..=b'Z' => Some(u32::from(byte.saturating_sub(b'A')).saturating_add(10)),
        _ => None,
    };
    let (Some(state), Some(pan), Some(&[entity, z, check])) =
        (bytes.get(..2), gstin.get(2..12), bytes.get(12..))
    else {
        return false;
    };
    // Weights 1 and 2 in turn; what is above 35 counts by its digits in base 36.
    let weighted = bytes.iter().take(14).zip([1, 2].into_iter().cycle());
    let digits = |(byte, weight): (&u8, u32)| {
        let product = value(*byte)?.saturating_mul(weight);
        Some((product / 36).saturating_add(product % 36))
    };
    let sum: Option<u32> = weighted.map(digits).sum();
    state.iter().all(u8::is_ascii_digit)
        && Pan::parse(pan).is_ok()
        && entity != b'0'
        && z == b'Z'
        && sum.is_some_and(|sum| value(check) == Some(36_u32.saturating_sub(sum % 36) % 36))
}

#[cfg(test)]
mod tests {
    use super::super::found;
    use super::*;

    #[test]
    fn a_gstin_has_a_form_and_a_check_character() {
        let of = |text: &str| found(|findings| findings.gstin("value", text));
        for right in ["29AAAPT0000Z1Z5", "27AAACX0000A1ZB", "07AAAFX0000A2Z6"] {
            assert_eq!(of(right), [], "{right}");
        }
        for wrong in [
            "29AAAPT0000Z1Z6",
            "29AAAPT0000Z0Z5",
            "XXAAAPT0000Z1Z5",
            "29AAAPT0000Z1Y5",
            "29AAAPT0000Z1Z",
            "29AAAPT0000Z1Z55",
            "29aaapt0000z1z5",
            "",
            "\u{20b9}\u{20b9}\u{20b9}\u{20b9}\u{20b9}",
        ] {
            assert_eq!(of(wrong), [Rule::GstinForm], "{wrong}");
        }
    }

    #[test]
    fn a_date_of_birth_is_a_day() {
        let of = |text: &str| found(|findings| findings.birth_date("value", text));
        assert_eq!(of("1990-02-28"), []);
        for wrong in [
            "1990-02-30",
            "01-01-1990",
            "01/01/1990",
            "01011990",
            "1990",
            "",
            "+990-01-01",
        ] {
            assert_eq!(of(wrong), [Rule::BirthDateForm], "{wrong}");
        }
    }
}
