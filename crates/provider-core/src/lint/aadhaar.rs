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

/// The value of a digit: a decimal one of any script, or one that is raised, lowered or in a circle.
fn digit(char: char) -> Option<u8> {
    /// The zeros of Unicode's decimal digits, and of those that are lowered; the others follow them.
    const ZEROS: [u32; 68] = [
        0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6,
        0x0D66, 0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0,
        0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0x2080, 0xA620, 0xA8D0, 0xA900, 0xA9D0,
        0xA9F0, 0xAA50, 0xABF0, 0xFF10, 0x104A0, 0x10D30, 0x11066, 0x110F0, 0x11136, 0x111D0,
        0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0, 0x11950, 0x11C50, 0x11D50,
        0x11DA0, 0x11F50, 0x16A60, 0x16AC0, 0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6,
        0x1E140, 0x1E2F0, 0x1E4F0, 0x1E950, 0x1FBF0,
    ];
    /// What is before the ones of digits in circles, in brackets and with a dot; two to nine follow those.
    const BEFORE_ONES: [u32; 7] = [0x245f, 0x2473, 0x2487, 0x24f4, 0x2775, 0x277f, 0x2789];
    if char.is_ascii() {
        return char.to_digit(10).and_then(|value| u8::try_from(value).ok());
    }
    // Letters of a script of India, of which a consent's wording has many.
    if !char.is_numeric() {
        return None;
    }
    let code = u32::from(char);
    let decimal = |zero: u32| code.checked_sub(zero).filter(|value| *value < 10);
    let from_one = |before: u32| {
        code.checked_sub(before)
            .filter(|value| (1..10).contains(value))
    };
    let raised = || match char {
        '⁰' | '⓪' => Some(0),
        '¹' => Some(1),
        '²' => Some(2),
        '³' => Some(3),
        '⁴'..='⁹' => code.checked_sub(0x2070),
        _ => None,
    };
    let value = (ZEROS.into_iter().find_map(decimal))
        .or_else(|| BEFORE_ONES.into_iter().find_map(from_one))
        .or_else(raised);
    value.and_then(|value| u8::try_from(value).ok())
}

/// Digits that stand together, and their places in characters.
#[derive(Default)]
struct Group {
    digits: Vec<u8>,
    places: Vec<usize>,
    /// How it is joined to the group before it.
    joined: Joined,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Joined {
    /// By a letter, or by much else.
    #[default]
    Not,
    /// By up to three characters that are no letters.
    Loosely,
    /// By blanks, hyphens and dots alone.
    Closely,
}

fn groups(text: &str) -> Vec<Group> {
    const GAP: usize = 3;
    let mut groups: Vec<Group> = Vec::new();
    let (mut open, mut joined, mut gap) = (false, Joined::Not, 0_usize);
    for (place, char) in text.chars().enumerate() {
        if let Some(digit) = digit(char) {
            if !open {
                groups.push(Group {
                    joined,
                    ..Group::default()
                });
                (open, joined, gap) = (true, Joined::Closely, 0);
            }
            if let Some(group) = groups.last_mut() {
                group.digits.push(digit);
                group.places.push(place);
            }
            continue;
        }
        open = false;
        gap = gap.saturating_add(1);
        joined = joined.min(match char {
            ' ' | '-' | '.' | '\u{a0}' => Joined::Closely,
            _ if gap <= GAP && !char.is_alphanumeric() => Joined::Loosely,
            _ => Joined::Not,
        });
    }
    groups
}

/// Whether these are the digits of an Aadhaar number (12, the first from 2 to 9) or a Virtual ID (16) with a right check digit.
fn is_number(digits: &[u8]) -> bool {
    match digits.len() {
        12 => digits.first() >= Some(&2) && has_check_digit(digits),
        // A card's number has 16 digits as well, and a check digit after Luhn.
        16 => has_check_digit(digits),
        _ => false,
    }
}

/// The digits of each whole Aadhaar number and Virtual ID, as places of characters.
///
/// In groups of any lengths it is found if nothing else is joined to it, and in groups of one length, as people write it, also
/// beside other numbers, such as that of a house. A number that is longer is neither.
fn numbers(text: &str) -> Vec<Vec<usize>> {
    /// The lengths of groups in which people write it.
    const LENGTHS: [usize; 6] = [3, 4, 6, 8, 12, 16];
    // Most texts have no number at all.
    if text.is_ascii() && text.bytes().filter(u8::is_ascii_digit).count() < 12 {
        return Vec::new();
    }
    let groups = groups(text);
    let mut found = Vec::new();
    let mut add = |groups: &[Group]| {
        let digits: Vec<u8> = groups
            .iter()
            .flat_map(|group| &group.digits)
            .copied()
            .collect();
        if is_number(&digits) {
            let places = groups.iter().flat_map(|group| &group.places);
            found.push(places.copied().collect());
        }
    };
    for run in groups.chunk_by(|_, next| next.joined == Joined::Closely) {
        add(run);
    }
    let alike = |one: &Group, next: &Group| {
        next.joined != Joined::Not && one.digits.len() == next.digits.len()
    };
    for run in groups.chunk_by(alike) {
        let length = run.first().map_or(0, |group| group.digits.len());
        if !LENGTHS.contains(&length) {
            continue;
        }
        for whole in [12, 16] {
            let count = usize::checked_div(whole, length).unwrap_or_default();
            run.windows(count.max(1)).for_each(&mut add);
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

    /// Checks a whole Aadhaar number where one belongs, such as a request of its one-time password: its first digit, and its check
    /// digit. A number that passes need not be anybody's.
    pub fn aadhaar(&mut self, field: &'static str, number: &str) {
        let digits: Option<Vec<u8>> = number.chars().map(digit).collect();
        let is_one = digits.is_some_and(|digits| digits.len() == 12 && is_number(&digits));
        self.add_unless(is_one, field, Rule::AadhaarForm);
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
    fn a_number_is_checked_where_it_belongs() {
        let of = |text: &str| found(|findings| findings.aadhaar("identifier", text));
        let number = number(&[2; 11]);
        assert_eq!(of(&number), []);
        let last = number.as_bytes()[11] - b'0';
        let other = format!("{}{}", &number[..11], (last + 1) % 10);
        for wrong in [&other, "000000000000", "123456789012", "2222", ""] {
            assert_eq!(of(wrong), [Rule::AadhaarForm], "{wrong}");
        }
    }

    #[test]
    fn a_whole_number_is_found_in_a_text_however_it_is_written() {
        let number = number(&[2; 11]);
        let grouped = [&number[..4], &number[4..8], &number[8..]];
        let in_script = |zero: u32| -> String {
            let digits = digits(&number).into_iter();
            let other = |digit| char::from_u32(zero + u32::from(digit)).unwrap();
            digits.map(other).collect()
        };
        let beside = format!("House 12 {}, 560000", grouped.join(" "));
        assert_eq!(
            mask_aadhaar(&beside),
            format!("House 12 xxxx xxxx {}, 560000", grouped[2])
        );
        for beside in [
            beside,
            format!("{} 2030", grouped.join(" ")),
            format!("UID {number} 01"),
            format!("560000-{}", grouped.join("-")),
        ] {
            let rules = found(|findings| findings.free_text("text", &beside));
            assert_eq!(rules, [Rule::AadhaarNumber], "{beside}");
        }
        for text in [
            number.clone(),
            format!("Aadhaar {}", grouped.join(" ")),
            format!("no. {} of Asha", grouped.join("-")),
            in_script(0x966),
            format!("({})", grouped.join(".")),
            format!("{} {} {}", &number[..5], &number[5..7], &number[7..]),
            self::number(&[9; 15]),
            in_script(0x1d7ce),
            in_script(0x7c0),
            in_script(0x11136),
            grouped.join("/"),
            grouped.join("\t"),
            grouped.join("\u{200b}"),
            grouped.join(" – "),
            format!("({}) {}, {}", grouped[0], grouped[1], grouped[2]),
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
            "2030-01-01 23:59:59, 2341",
            &format!("{}, then some time later {}", &number[..6], &number[6..]),
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
