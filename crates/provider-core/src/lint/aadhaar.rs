//! Aadhaar numbers: never whole, and masked in a known form.

use std::borrow::Cow;
use std::collections::HashSet;

use super::digits::{Group, Reading, digit, groups, is_raised};
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

/// Whether these are the twelve digits of an Aadhaar number: the first from 2 to 9, and a right check digit.
fn is_aadhaar(digits: &[u8]) -> bool {
    digits.len() == 12 && digits.first() >= Some(&2) && has_check_digit(digits)
}

/// Whether these are the sixteen digits of a Virtual ID. A card's number has as many, and a check digit after Luhn.
fn is_virtual_id(digits: &[u8]) -> bool {
    digits.len() == 16 && has_check_digit(digits)
}

/// Whether this is a year of the last or this century.
fn is_year(group: &Group) -> bool {
    group.digits.len() == 4 && (group.value()).is_some_and(|year| (1900..2100).contains(&year))
}

/// Whether these are years alone, also as financial years: `2023, 2024, 2025`, `2023-24 2024-25`.
fn are_years(groups: &[Group]) -> bool {
    let mut after_year = false;
    groups.iter().all(|group| {
        let is_short = after_year && group.digits.len() == 2;
        after_year = is_year(group);
        after_year || is_short
    })
}

/// Whether one of the groups, or three together, are a day: `20300115`, `2030-01-15`, `15.01.2030`.
fn hold_date(groups: &[Group]) -> bool {
    let is_day = |year: u32, month: u32, day: u32| {
        (1900..2100).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day)
    };
    let parted = |groups: &[Group]| {
        let [first, second, third] = groups else {
            return false;
        };
        let lengths = [first, second, third].map(|group| group.digits.len());
        let values = (first.value(), second.value(), third.value());
        let (Some(first), Some(second), Some(third)) = values else {
            return false;
        };
        match lengths {
            [4, 2, 2] => is_day(first, second, third),
            [2, 2, 4] => is_day(third, second, first) || is_day(third, first, second),
            _ => false,
        }
    };
    let whole = |group: &Group| {
        let value = (group.value()).filter(|_| group.digits.len() == 8)?;
        let (year, rest) = (value.checked_div(10_000)?, value.checked_rem(10_000)?);
        let (month, day) = (rest.checked_div(100)?, rest.checked_rem(100)?);
        Some(is_day(year, month, day))
    };
    groups.windows(3).any(parted) || groups.iter().any(|group| whole(group) == Some(true))
}

/// Whether groups with one and the same mark between them are something else that has this form: the address of a computer, an
/// amount, two PIN codes.
fn are_other_numbers(groups: &[Group]) -> bool {
    let lengths: Vec<usize> = groups.iter().map(|group| group.digits.len()).collect();
    let [_, second, ..] = groups else {
        return false;
    };
    let is_octet = |group: &Group| group.value().is_some_and(|value| value < 256);
    match (second.mark(), lengths.as_slice()) {
        (Some('.'), [_, 1 | 2] | [1, ..]) if groups.len() == 2 => true,
        (Some('.'), [_, _, _, _]) => groups.iter().all(is_octet),
        // Lakhs and crores.
        (Some(','), [1, 2, 2, 2, 2, 3]) => true,
        (Some(' ' | '\u{a0}' | '-' | '.'), [6, 6]) => false,
        (_, [6, 6]) => true,
        _ => false,
    }
}

/// Whether twelve digits are a telephone number with India's country code: `+91 80 2345 6789`, `91-96524 87670`.
fn is_telephone(groups: &[Group]) -> bool {
    let digits: Vec<u8> = digits_of(groups);
    let [9, 1, first, ..] = digits.as_slice() else {
        return false;
    };
    let Some(begin) = groups.first() else {
        return false;
    };
    digits.len() == 12 && ((begin.plus && *first > 0) || (begin.digits.len() == 2 && *first >= 6))
}

/// Whether these groups together have as many digits as what [`Found::add`] knows.
fn have_known_length(groups: &[Group]) -> bool {
    let lengths = groups.iter().map(|group| group.digits.len());
    matches!(lengths.sum(), 12 | 13 | 14 | 16 | 24)
}

fn digits_of(groups: &[Group]) -> Vec<u8> {
    let digits = groups.iter().flat_map(|group| &group.digits);
    digits.copied().collect()
}

/// The longest runs of groups between which the same stands, as `between` calls it; a group may end one and begin the next.
fn runs<'g, T: PartialEq>(
    groups: &'g [Group],
    between: impl Fn(&'g Group) -> T,
) -> Vec<&'g [Group]> {
    let mut runs = Vec::new();
    let mut begin = 0;
    for (before, pair) in groups.windows(2).skip(1).enumerate() {
        if let [one, next] = pair
            && between(one) != between(next)
        {
            let end = before.saturating_add(2);
            runs.extend(groups.get(begin..end));
            begin = end.saturating_sub(1);
        }
    }
    runs.extend(groups.get(begin..));
    runs
}

/// The numbers that were found, each as the places of its digits.
#[derive(Default)]
struct Found(Vec<Vec<usize>>);

impl Found {
    /// Looks at the digits of these groups together: twelve or sixteen of them, also behind a zero or the country code +91; and
    /// two numbers without a gap.
    fn add(&mut self, groups: &[Group]) {
        let digits = digits_of(groups);
        let places = groups.iter().flat_map(|group| &group.places);
        let places: Vec<usize> = places.copied().collect();
        let plus = groups.first().is_some_and(|group| group.plus);
        let (one, two) = digits.split_at(digits.len().min(12));
        let whole = match digits.as_slice() {
            all if is_aadhaar(all) || is_virtual_id(all) => 0..all.len(),
            [0, rest @ ..] if is_aadhaar(rest) => 1..digits.len(),
            [9, 1, rest @ ..] if plus && is_aadhaar(rest) => 2..digits.len(),
            _ if is_aadhaar(one) && is_aadhaar(two) => {
                self.0.extend(places.get(..12).map(<[usize]>::to_vec));
                12..digits.len()
            }
            _ => return,
        };
        self.0.extend(places.get(whole).map(<[usize]>::to_vec));
    }

    /// Looks for three groups of four digits, which years may stand beside, for several numbers in such groups, and for a Virtual
    /// ID. Another fourth group makes them something else, such as a card.
    fn add_fours(&mut self, groups: &[Group], alike: bool) {
        let count = groups.len();
        let is_free = |groups: &[Group]| !are_years(groups) && !is_telephone(groups);
        let are_numbers = || groups.chunks(3).all(|group| is_aadhaar(&digits_of(group)));
        if count > 3 && are_numbers() {
            groups.chunks(3).for_each(|group| self.add(group));
        }
        if count == 4 && alike && !are_years(groups) {
            self.add(groups);
        }
        if groups.iter().filter(|group| !is_year(group)).count() > 3 {
            return;
        }
        for (begin, window) in groups.windows(3).enumerate() {
            let (before, rest) = groups.split_at(begin.min(count));
            let after = rest.get(3..).unwrap_or_default();
            if is_free(window) && before.iter().chain(after).all(is_year) {
                self.add(window);
            }
        }
    }

    /// Looks at groups of any lengths with the same mark, or blanks and dashes, between them.
    fn add_run(&mut self, groups: &[Group]) {
        let is_other = !have_known_length(groups)
            || are_years(groups)
            || hold_date(groups)
            || are_other_numbers(groups)
            || is_telephone(groups);
        if !is_other {
            self.add(groups);
        }
    }
}

/// The digits of each whole Aadhaar number and Virtual ID, as places of characters. [`free_text`](Findings::free_text) says which
/// are recognised.
fn numbers(text: &str) -> Vec<Vec<usize>> {
    // Most texts have no number at all.
    let count = match text.is_ascii() {
        true => text.bytes().filter(u8::is_ascii_digit).count(),
        false => text.chars().filter_map(digit).take(12).count(),
    };
    if count < 12 {
        return Vec::new();
    }
    let has_raised = !text.is_ascii() && text.chars().any(is_raised);
    let has_markup = text.contains(['%', '&', '<']);
    let chars: Vec<char> = text.chars().collect();
    let mut found = Found::default();
    for raised in [true, false] {
        for markup in [false, true] {
            if (raised || has_raised) && (has_markup || !markup) {
                search(&groups(&chars, Reading { raised, markup }), &mut found);
            }
        }
    }
    found.0
}

fn search(groups: &[Group], found: &mut Found) {
    let is_simple = |group: &Group| matches!(group.mark(), Some(' ' | '\u{a0}' | '-' | '.'));
    for joined in groups.chunk_by(|_, next| next.joint.is_some()) {
        for group in joined {
            found.add_run(std::slice::from_ref(group));
        }
        for run in joined.chunk_by(|one, next| one.digits.len() == next.digits.len()) {
            let length = run.first().map_or(0, |group| group.digits.len());
            if length == 4 {
                found.add_fours(run, false);
            }
            for run in runs(run, |group| group.joint.as_deref()) {
                let is_simple = run.get(1).is_some_and(is_simple);
                match (length, run.len()) {
                    (4, _) => found.add_fours(run, true),
                    (3, 4) | (6 | 8, 2) if is_simple => found.add_run(run),
                    _ => {}
                }
            }
        }
        for run in runs(joined, Group::is_spaced) {
            if run.get(1).is_some_and(Group::is_spaced) {
                found.add_run(run);
            }
        }
        for run in runs(joined, Group::mark) {
            if run.get(1).is_some_and(|group| group.mark().is_some()) {
                found.add_run(run);
            }
        }
    }
}

fn holds_number(text: &str) -> bool {
    !numbers(text).is_empty()
}

/// Hides all but the last four digits of each whole Aadhaar number and Virtual ID in a text of a peer, which must not reach any
/// output. [`Findings::free_text`] says which are recognised. None can be found in what is left.
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
    ///
    /// Recognised is a number with the right check digit whose digits are decimal ones of any script, Chinese, raised, lowered or in
    /// circles, with any accents, invisible characters and colour codes of a terminal between them. Tags, character references and
    /// percent-escapes count as blanks, any other letter ends a number. It stands
    ///
    /// - without a gap, also behind `0` or `+91`, and twice without a gap;
    /// - in groups of four, with any marks and blanks between them, beside years and numbers of other lengths too;
    /// - 3-3-3-3, 6-6 or 8-8, with one blank, hyphen or dot each, beside numbers of other lengths too;
    /// - in groups of any other lengths, single digits too, with blanks and dashes or one and the same mark between them, if no other
    ///   number is joined to it in this way.
    ///
    /// Taken for something else are years, also financial ones; what holds a day (`2030-01-15`, `15.01.2030`, `20300115`); `+91` or `91-` and
    /// ten digits; IPv4 addresses; decimal numbers (`10.2`, `1.11`, `11.1` digits); lakhs and crores with commas; groups of six with another
    /// mark than a blank, a hyphen or a dot, which are PIN codes; a fourth group of four that is no year, as a card has, unless the
    /// sixteen digits are a Virtual ID. What has the very form of a number by chance, such as a reference of twelve digits, passes for one in
    /// one of about twelve cases: write a word between the groups, or mask it.
    ///
    /// Not recognised is a number with words between its digits, spelled in words, encoded, or glued to other digits. Whoever writes the
    /// text stays responsible for what is in it.
    pub fn free_text(&mut self, field: &'static str, text: &str) {
        self.add_unless(!holds_number(text), field, Rule::AadhaarNumber);
    }

    /// Checks a whole Aadhaar number where one belongs, such as a request of its one-time password: its first digit, and its check
    /// digit. A number that passes need not be anybody's.
    pub fn aadhaar(&mut self, field: &'static str, number: &str) {
        let digits: Option<Vec<u8>> = number.chars().map(digit).collect();
        let is_one = digits.is_some_and(|digits| digits.len() == 12 && is_aadhaar(&digits));
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
    use super::super::found;
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
    fn the_recognised_forms_are_a_table() {
        let number = number(&[5, 6, 7, 8, 1, 2, 3, 4, 9, 0, 1]);
        let virtual_id = self::number(&[9, 1, 7, 3, 5, 5, 0, 2, 4, 6, 8, 1, 3, 9, 7]);
        let cut = |text: &str, lengths: &[usize], mark: &str| -> String {
            let mut rest = text;
            let mut next = |length: &usize| {
                let (group, after) = rest.split_at(*length);
                rest = after;
                group.to_owned()
            };
            lengths.iter().map(&mut next).collect::<Vec<_>>().join(mark)
        };
        let fours = |mark: &str| cut(&number, &[4, 4, 4], mark);
        let after_each = |mark: &str| -> String {
            number
                .chars()
                .map(|digit| format!("{digit}{mark}"))
                .collect()
        };
        let chinese: String = digits(&number)
            .into_iter()
            .filter_map(|digit| "〇一二三四五六七八九".chars().nth(usize::from(digit)))
            .collect();
        let mut recognised = vec![
            format!("{}\u{b9}", fours(" ")),
            format!("\u{2460}{number}"),
            format!("\u{2460} {}\u{2074}\u{2075}", fours("-")),
            format!("[\"{}\"]", fours("\", \"")),
            after_each("\u{fe0f}\u{20e3}"),
            after_each("\u{301}"),
            after_each("\u{3164}"),
            after_each("\u{1b}[1;31m"),
            after_each("\u{9b}0m"),
            cut(&number, &[6, 6], "<br>"),
            format!("<b>{}</b>", fours("</b>, <b>")),
            format!("+91{number}"),
            format!("+91 {}", fours(" ")),
            format!("0{number}"),
            cut(&format!("0{number}"), &[5, 4, 4], "-"),
            format!("{number}{number}"),
            format!("{}, {}", fours(" "), fours(" ")),
            format!("{} {}", fours(" "), fours(" ")),
            format!("2029 2030 {}", fours(" ")),
            format!("from 2030 to {} 2031", fours(" ")),
            format!("House 12 {}, 560000", cut(&number, &[3; 4], " ")),
            chinese,
            cut(&virtual_id, &[4; 4], " "),
            cut(&virtual_id, &[8, 8], "-"),
            cut(&virtual_id, &[4; 4], ", "),
        ];
        for mark in [
            "\", \"",
            "/**/",
            " --> ",
            "\n\n\n\n",
            "\t\t\t\t\t",
            "%20",
            "&nbsp;",
            "&#160;",
            "<br/>",
            ") (",
            " | ",
        ] {
            recognised.push(fours(mark));
        }
        for mark in [
            ",", "/", ":", "|", "_", "+", ";", "~", "–", "\n", "\t", "\u{2009}", " ", ".", "%20",
            "<br>",
        ] {
            for lengths in [
                &[2; 6][..],
                &[1; 12],
                &[4, 8],
                &[8, 4],
                &[1, 11],
                &[4, 4, 2, 2],
                &[5, 2, 5],
            ] {
                // One digit before a dot is a decimal fraction.
                if (lengths, mark) != (&[1, 11], ".") {
                    recognised.push(cut(&number, lengths, mark));
                }
            }
        }
        for text in &recognised {
            let found = found(|findings| findings.free_text("text", text));
            assert_eq!(found, [Rule::AadhaarNumber], "{text:?}");
            let masked = mask_aadhaar(text);
            assert!(masked.matches('x').count() >= 8, "{masked:?}");
            assert_eq!(mask_aadhaar(&masked), masked);
        }
        let left: Vec<String> = [" and ", " to ", " और ", "x", "a"].map(fours).to_vec();
        for text in left.iter().chain(&[
            format!("{number}1"),
            format!("1{number}"),
            format!("12 {}", cut(&number, &[5, 2, 5], " ")),
            cut(&number, &[5, 2, 5], ", "),
            cut(&number, &[6, 6], " / "),
            cut(&number, &[1, 11], "."),
            cut(&number, &[10, 2], "."),
            format!("{} 4567", fours(" ")),
        ]) {
            assert_eq!(
                found(|findings| findings.free_text("text", text)),
                [],
                "{text:?}"
            );
        }
    }

    /// What else is written in digits in a consent's wording or in an address. `cargo test -p provider-core innocent -- --nocapture`
    /// prints how many of a thousand made-up texts are taken for a number.
    #[test]
    fn innocent_texts_pass() {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut below = |limit: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % limit
        };
        type Next<'n> = &'n mut dyn FnMut(u64, u64) -> u64;
        type Writer<'w> = &'w mut dyn FnMut(Next<'_>) -> String;
        let mut taken = |text: Writer<'_>| {
            let mut between = |least: u64, most: u64| least + below(most - least + 1);
            (0..1000)
                .filter(|_| {
                    let text = text(&mut between);
                    mask_aadhaar(&text) != text
                })
                .count()
        };
        let never: [(&str, Writer<'_>); 15] = [
            ("years", &mut |n| {
                format!("FY {}, {}, {}", n(1990, 2040), n(1990, 2040), n(1990, 2040))
            }),
            ("years in a row", &mut |n| {
                format!(
                    "{} {} {} {}",
                    n(1990, 2040),
                    n(1990, 2040),
                    n(1990, 2040),
                    n(1990, 2040)
                )
            }),
            ("financial years", &mut |n| {
                format!(
                    "FY {}-{} {}-{}",
                    n(1990, 2040),
                    n(10, 99),
                    n(1990, 2040),
                    n(10, 99)
                )
            }),
            ("a helpline", &mut |n| {
                format!("Helpline +91 {} {}", n(60000, 99999), n(10000, 99999))
            }),
            ("a mobile number", &mut |n| {
                format!(
                    "+91{}, 91-{}",
                    n(6_000_000_000, 9_999_999_999),
                    n(6_000_000_000, 9_999_999_999)
                )
            }),
            ("a landline", &mut |n| {
                format!("+91 {} {} {}", n(11, 99), n(2000, 9999), n(1000, 9999))
            }),
            ("an IPv4 address", &mut |n| {
                format!(
                    "{}.{}.{}.{}",
                    n(100, 255),
                    n(100, 255),
                    n(100, 255),
                    n(100, 255)
                )
            }),
            ("an amount", &mut |n| {
                format!("INR {}.{:02}", n(1_000_000_000, 9_999_999_999), n(0, 99))
            }),
            ("an amount in crores", &mut |n| {
                format!(
                    "Rs {},{},{},{},{},{:03}.50",
                    n(1, 9),
                    n(10, 99),
                    n(10, 99),
                    n(10, 99),
                    n(10, 99),
                    n(0, 999)
                )
            }),
            ("two numbers of six digits", &mut |n| {
                format!("between {} / {}", n(200_000, 999_999), n(100_000, 999_999))
            }),
            ("PIN codes", &mut |n| {
                format!(
                    "PIN {}, {}; {}",
                    n(110_000, 859_999),
                    n(110_000, 859_999),
                    n(110_000, 859_999)
                )
            }),
            ("a day and a time", &mut |n| {
                format!(
                    "{}-{:02}-{:02} {:02}.{:02}",
                    n(2000, 2040),
                    n(1, 12),
                    n(1, 28),
                    n(0, 23),
                    n(0, 59)
                )
            }),
            ("two days", &mut |n| {
                format!(
                    "{:02}/{:02}/{}-{:02}/{:02}/{}",
                    n(1, 28),
                    n(1, 12),
                    n(2000, 2040),
                    n(1, 28),
                    n(1, 12),
                    n(2000, 2040)
                )
            }),
            ("a place on the map", &mut |n| {
                format!(
                    "{}.{:04} {}.{:04}",
                    n(10, 30),
                    n(0, 9999),
                    n(70, 90),
                    n(0, 9999)
                )
            }),
            ("five amounts", &mut |n| {
                format!(
                    "{}, {}, {}, {}, {}",
                    n(2100, 9999),
                    n(2100, 9999),
                    n(2100, 9999),
                    n(2100, 9999),
                    n(2100, 9999)
                )
            }),
        ];
        for (what, text) in never {
            let count = taken(text);
            println!("{what}: {count} of 1000");
            assert_eq!(count, 0, "{what}");
        }
        // What has the very form of a number passes for one if its last digit is right by chance.
        let by_chance: [(&str, Writer<'_>); 5] = [
            ("a reference of twelve digits", &mut |n| {
                format!("UTR {}", n(100_000_000_000, 999_999_999_999))
            }),
            ("a card", &mut |n| {
                format!(
                    "{} {} {} {}",
                    n(4000, 5599),
                    n(2100, 9999),
                    n(2100, 9999),
                    n(2100, 9999)
                )
            }),
            ("three amounts", &mut |n| {
                format!("{}, {}, {}", n(2100, 9999), n(2100, 9999), n(2100, 9999))
            }),
            ("two PIN codes and a hyphen", &mut |n| {
                format!("{}-{}", n(110_000, 859_999), n(110_000, 859_999))
            }),
            ("six numbers of two digits", &mut |n| {
                format!(
                    "{},{},{},{},{},{}",
                    n(10, 99),
                    n(10, 99),
                    n(10, 99),
                    n(10, 99),
                    n(10, 99),
                    n(10, 99)
                )
            }),
        ];
        for (what, text) in by_chance {
            let count = taken(text);
            println!("{what}: {count} of 1000");
            assert!((50..=130).contains(&count), "{what}: {count}");
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
