//! Text that a provider wrote, for the results: they hold nothing of the person's number.

use kyc_facade::provider_core::Mobile;
use kyc_facade::provider_core::lenient::Printable;

/// What stands in place of text that is not copied.
const MASK: &str = "***";

/// More digits in a row than a number's usual masked form shows.
const MOST_DIGITS: usize = 4;

/// A provider's id or word as it came, if it looks like one and holds nothing of the number.
pub(super) fn printable<'a>(text: &'a str, mobile: Option<&Mobile>) -> &'a str {
    match Printable(text).as_str() {
        Some(text) => without_number(text, mobile),
        None => MASK,
    }
}

/// Text of ours that may repeat a provider's code.
pub(super) fn without_number<'a>(text: &'a str, mobile: Option<&Mobile>) -> &'a str {
    // A row without a number is not asked.
    let Some(mobile) = mobile else { return text };
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_digit).collect();
    let number = mobile.expose().as_bytes();
    let mut parts = number.windows(MOST_DIGITS.saturating_add(1));
    match parts.any(|part| digits.windows(part.len()).any(|digits| digits == part)) {
        true => MASK,
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_a_part_of_the_number_is_masked_however_it_is_grouped() {
        let mobile = Mobile::parse("9812345670").unwrap();
        let mobile = Some(&mobile);
        for text in [
            "9812345670",
            "txn-9812345670",
            "+91-98123.45670",
            "a9b8c1d2e3",
            "t-45670",
            "x 1",
            "९८१२३४५६७०",
            "",
        ] {
            assert_eq!(printable(text, mobile), "***", "{text}");
        }
        for text in [
            "onemoney",
            "e8f2c1d0-1111-4222-8333-944455566677",
            "last-5670",
            "2026-11-26T10:20:30Z",
        ] {
            assert_eq!(printable(text, mobile), text);
        }
        assert_eq!(without_number("code E_9812345670", mobile), "***");
        assert_eq!(
            without_number("HTTP 503: no answer", mobile),
            "HTTP 503: no answer"
        );
    }
}
