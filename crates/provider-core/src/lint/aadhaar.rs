//! Aadhaar numbers: never whole, and masked in a known form.

use std::borrow::Cow;
use std::collections::HashSet;

use super::findings::Findings;
use super::rule::Rule;

/// The permutation of Verhoeff's check; its powers are used in turn.
const PERMUTATION: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];

/// The products in the dihedral group of order 10.
const PRODUCTS: [[u8; 10]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
    [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
    [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
    [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
    [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
    [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
    [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
    [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
    [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
];

fn product(a: u8, b: u8) -> u8 {
    let row = PRODUCTS.get(usize::from(a));
    let product = row.and_then(|row| row.get(usize::from(b)));
    product.copied().unwrap_or_default()
}

/// Whether the last of these digits is Verhoeff's check digit of those before it.
fn has_check_digit(digits: &[u8]) -> bool {
    let next = |digit: u8| PERMUTATION.get(usize::from(digit)).copied();
    let permuted = |(at, digit): (usize, &u8)| {
        (0..at % 8).fold(*digit, |digit, _| next(digit).unwrap_or_default())
    };
    digits
        .iter()
        .rev()
        .enumerate()
        .map(permuted)
        .fold(0, product)
        == 0
}

/// The value of a decimal digit, in the scripts of India as well.
fn digit(char: char) -> Option<u8> {
    // The zeros of Devanagari, Bengali, Gurmukhi, Gujarati, Oriya, Tamil, Telugu, Kannada, Malayalam, Arabic-Indic twice,
    // and full width.
    const ZEROS: [char; 12] = ['०', '০', '੦', '૦', '୦', '௦', '౦', '೦', '൦', '٠', '۰', '０'];
    if char.is_ascii() {
        return char.to_digit(10).and_then(|value| u8::try_from(value).ok());
    }
    let value = |zero: char| u32::from(char).checked_sub(u32::from(zero));
    let values = ZEROS.into_iter().filter_map(value);
    values
        .into_iter()
        .find_map(|value| u8::try_from(value).ok().filter(|value| *value < 10))
}

/// The digits of each whole Aadhaar number (12 digits, the first from 2 to 9) and Virtual ID (16 digits) with a right check
/// digit, as places of characters, also with spaces, hyphens or dots between the digits. A number that is longer is neither.
fn numbers(text: &str) -> Vec<Vec<usize>> {
    let mut found = Vec::new();
    // Most texts have no number at all.
    if text.is_ascii() && text.bytes().filter(u8::is_ascii_digit).count() < 12 {
        return found;
    }
    let (mut run, mut places) = (Vec::with_capacity(16), Vec::with_capacity(16));
    let is_number = |run: &[u8]| match run.len() {
        12 => run.first() >= Some(&2) && has_check_digit(run),
        // A card's number has 16 digits as well, and a check digit after Luhn.
        16 => has_check_digit(run),
        _ => false,
    };
    for (place, char) in text.chars().chain(['\n']).enumerate() {
        if let Some(digit) = digit(char) {
            run.push(digit);
            places.push(place);
        } else if !matches!(char, ' ' | '-' | '.' | '\u{a0}') {
            if is_number(&run) {
                found.push(std::mem::take(&mut places));
            }
            run.clear();
            places.clear();
        }
    }
    found
}

fn holds_number(text: &str) -> bool {
    !numbers(text).is_empty()
}

/// Hides all but the last four digits of each whole Aadhaar number and Virtual ID in a text of a peer, which must not reach any
/// output. The number cannot be found in what is left.
///
/// About one in twelve texts of twelve random digits passes for an Aadhaar number: not for references and transaction ids.
///
/// ```
/// use provider_core::lint::mask_aadhaar;
///
/// assert_eq!(mask_aadhaar("S/O Asha, 12 Sample Street, 560000"), "S/O Asha, 12 Sample Street, 560000");
/// ```
pub fn mask_aadhaar(text: &str) -> Cow<'_, str> {
    const SHOWN: usize = 4;
    let numbers = numbers(text);
    if numbers.is_empty() {
        return Cow::Borrowed(text);
    }
    let hidden: HashSet<usize> = numbers
        .iter()
        .flat_map(|places| places.iter().rev().skip(SHOWN).copied())
        .collect();
    let masked = |(place, char)| if hidden.contains(&place) { 'x' } else { char };
    Cow::Owned(text.chars().enumerate().map(masked).collect())
}

impl Findings<'_> {
    /// Checks that a free text, such as a name, an address or a consent's wording, holds no whole Aadhaar number or Virtual
    /// ID. Not for references and transaction ids: about one in twelve texts of twelve random digits passes for an Aadhaar
    /// number.
    pub fn free_text(&mut self, field: &'static str, text: &str) {
        self.add_unless(!holds_number(text), field, Rule::AadhaarNumber);
    }

    /// Checks the last four digits of an Aadhaar number, alone or behind a mask: `1234`, `XXXX-XXXX-1234`, `xxxxxxxx1234`.
    /// No check digit can be computed of them; a whole number is forbidden.
    pub fn masked_aadhaar(&mut self, field: &'static str, text: &str) {
        if holds_number(text) {
            return self.add_unless(false, field, Rule::AadhaarNumber);
        }
        let is_separator = |char: &char| matches!(char, ' ' | '-');
        let shown: String = text.chars().filter(|char| !is_separator(char)).collect();
        let tail = shown.trim_start_matches(['X', 'x', '*']);
        let is_mask = matches!(shown.chars().count(), 4 | 12)
            && tail.len() == 4
            && tail.bytes().all(|byte| byte.is_ascii_digit());
        self.add_unless(is_mask, field, Rule::AadhaarMask);
    }
}

#[cfg(test)]
mod tests {
    use super::super::lints::Lints;
    use super::*;

    fn digits(text: &str) -> Vec<u8> {
        text.chars().filter_map(digit).collect()
    }

    /// A number of this many digits whose last is right. It is computed so that none stands in a file.
    fn number(payload: &[u8]) -> String {
        let with = |last: u8| [payload, &[last]].concat();
        let right = (0..10)
            .map(with)
            .find(|digits| has_check_digit(digits))
            .unwrap();
        right.iter().map(u8::to_string).collect()
    }

    fn found(check: impl Fn(&mut Findings<'_>)) -> Vec<Rule> {
        let lints = Lints::default();
        let mut findings = Findings::new(&lints);
        check(&mut findings);
        findings.into_iter().map(|finding| finding.rule()).collect()
    }

    #[test]
    fn the_check_digit_is_verhoeffs() {
        for right in ["2363", "123451", "1428570", "84736430954837284567892"] {
            assert!(has_check_digit(&digits(right)), "{right}");
            for (at, _) in right.char_indices() {
                let mut wrong = digits(right);
                wrong[at] = (wrong[at] + 1) % 10;
                assert!(
                    !has_check_digit(&wrong),
                    "{right} with another digit at {at}"
                );
            }
        }
    }

    #[test]
    fn a_whole_number_is_found_in_a_text_however_it_is_written() {
        let number = number(&[2; 11]);
        let grouped = [&number[..4], &number[4..8], &number[8..]];
        let devanagari: String = digits(&number)
            .iter()
            .map(|digit| char::from_u32(0x966 + u32::from(*digit)).unwrap())
            .collect();
        for text in [
            number.clone(),
            format!("Aadhaar {}", grouped.join(" ")),
            format!("no. {} of Asha", grouped.join("-")),
            devanagari,
            format!("({})", grouped.join(".")),
            self::number(&[9; 15]),
        ] {
            assert_eq!(
                found(|findings| findings.free_text("text", &text)),
                [Rule::AadhaarNumber]
            );
            assert_eq!(
                found(|findings| findings.masked_aadhaar("uid", &text)),
                [Rule::AadhaarNumber]
            );
            let masked = mask_aadhaar(&text);
            let shown = digits(&text).len() - 4;
            assert_eq!(digits(&masked), digits(&text)[shown..], "{masked}");
            assert_eq!(masked.chars().count(), text.chars().count());
            assert_eq!(mask_aadhaar(&masked), masked);
        }
        for text in [
            "",
            "000000000000",
            "111111111111",
            "123456789012",
            "I agree. 12 Sample Street, 560000",
            &format!("{number}1"),
            &format!("{}x{}", &number[..6], &number[6..]),
        ] {
            assert_eq!(
                found(|findings| findings.free_text("text", text)),
                [],
                "{text}"
            );
            assert_eq!(mask_aadhaar(text), text);
        }
    }

    #[test]
    fn four_digits_or_a_mask_before_them_are_all_that_may_be_shown() {
        for right in ["1234", "XXXX-XXXX-1234", "xxxxxxxx1234", "**** **** 1234"] {
            assert_eq!(
                found(|findings| findings.masked_aadhaar("uid", right)),
                [],
                "{right}"
            );
        }
        for wrong in [
            "",
            "123",
            "12345",
            "XXXXXXX12345",
            "XXXX1234",
            "1234XXXXXXXX",
            "XXXXXXXX12é",
        ] {
            let found = found(|findings| findings.masked_aadhaar("uid", wrong));
            assert_eq!(found, [Rule::AadhaarMask], "{wrong}");
        }
    }
}
