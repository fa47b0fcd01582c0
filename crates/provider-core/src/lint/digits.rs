//! Digits in a text of any script, in groups, with what stands between them.

use crate::values::is_invisible;

/// The value of a digit: a decimal one of any script, a Chinese one, or one that is raised, lowered or in a circle.
pub(super) fn digit(char: char) -> Option<u8> {
    /// The zeros of Unicode's decimal digits; the others follow them.
    const ZEROS: [u32; 74] = [
        0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6,
        0x0D66, 0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0,
        0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0,
        0xAA50, 0xABF0, 0xFF10, 0x104A0, 0x10D30, 0x10D40, 0x11066, 0x110F0, 0x11136, 0x111D0,
        0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x116D0, 0x116DA, 0x11730, 0x118E0, 0x11950,
        0x11BF0, 0x11C50, 0x11D50, 0x11DA0, 0x11DE0, 0x11F50, 0x16A60, 0x16AC0, 0x16B50, 0x1CCF0,
        0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E4F0, 0x1E5F0, 0x1E950,
        0x1FBF0,
    ];
    if char.is_ascii() {
        return char.to_digit(10).and_then(|value| u8::try_from(value).ok());
    }
    let code = u32::from(char);
    // Chinese digits are letters; other letters, of which a consent's wording has many, are none.
    if !char.is_numeric() {
        return match char {
            '零' => Some(0),
            '一' => Some(1),
            '二' => Some(2),
            '三' => Some(3),
            '四' => Some(4),
            '五' => Some(5),
            '六' => Some(6),
            '七' => Some(7),
            '八' => Some(8),
            '九' => Some(9),
            _ => None,
        };
    }
    if char == '〇' {
        return Some(0);
    }
    let decimal = |zero: u32| code.checked_sub(zero).filter(|value| *value < 10);
    let value = ZEROS.into_iter().find_map(decimal);
    value
        .and_then(|value| u8::try_from(value).ok())
        .or_else(|| raised(char))
}

/// The value of a digit that is raised, lowered, in a circle, in brackets or with a dot.
fn raised(char: char) -> Option<u8> {
    /// What is before the ones of digits in circles, in brackets and with a dot; two to nine follow those.
    const BEFORE_ONES: [u32; 7] = [0x245f, 0x2473, 0x2487, 0x24f4, 0x2775, 0x277f, 0x2789];
    let code = u32::from(char);
    let from_one = |before: u32| {
        code.checked_sub(before)
            .filter(|value| (1..10).contains(value))
    };
    let value = match char {
        '⁰' | '⓪' | '⓿' => Some(0),
        '¹' => Some(1),
        '²' => Some(2),
        '³' => Some(3),
        '⁴'..='⁹' => code.checked_sub(0x2070),
        '₀'..='₉' => code.checked_sub(0x2080),
        _ => BEFORE_ONES.into_iter().find_map(from_one),
    };
    value.and_then(|value| u8::try_from(value).ok())
}

/// Whether a digit is one of those that also mark a footnote or an entry of a list.
pub(super) fn is_raised(char: char) -> bool {
    !char.is_ascii() && raised(char).is_some()
}

/// Marks that stand on the character before them: accents, and the frames of keycaps.
fn is_combining(char: char) -> bool {
    matches!(char,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// How a text is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    /// Digits that are raised or in a circle count; otherwise they are not there, like the mark of a footnote.
    pub(super) raised: bool,
    /// Tags, character references and percent-escapes of a mark or a blank are a blank.
    pub(super) markup: bool,
}

/// Digits that stand together, and their places in characters.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) digits: Vec<u8>,
    pub(super) places: Vec<usize>,
    /// What stands between this group and the one before it; `None` if there is a letter, or no group before it.
    pub(super) joint: Option<String>,
    /// A plus sign stands before it.
    pub(super) plus: bool,
}

impl Group {
    /// The one mark between this group and the one before it, if it is one.
    pub(super) fn mark(&self) -> Option<char> {
        let mut chars = self.joint.as_deref()?.chars();
        chars.next().filter(|_| chars.next().is_none())
    }

    /// Whether nothing but blanks and dashes is between this group and the one before it.
    pub(super) fn is_spaced(&self) -> bool {
        let is_spacing = |char: char| match char {
            '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' => true,
            char => char.is_whitespace() && !matches!(char, '\n' | '\r'),
        };
        (self.joint.as_deref()).is_some_and(|joint| joint.chars().all(is_spacing))
    }

    /// The number that the digits are, if they are at most nine.
    pub(super) fn value(&self) -> Option<u32> {
        let digits = (self.digits.len() < 10).then_some(&self.digits)?;
        let next = |value: u32, digit: &u8| value.checked_mul(10)?.checked_add(u32::from(*digit));
        digits.iter().try_fold(0, next)
    }
}

/// The groups of digits of a text's characters.
pub(super) fn groups(chars: &[char], reading: Reading) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let (mut open, mut joint, mut plus) = (false, None, false);
    let mut place = 0_usize;
    while let Some(rest) = chars.get(place..)
        && let Some(char) = rest.first().copied()
    {
        let here = place;
        let sequence = sequence(rest, reading.markup);
        place = place.saturating_add(sequence.map_or(1, |(length, _)| length));
        let between = match sequence {
            Some((_, shown)) => shown,
            None if is_raised(char) && !reading.raised => None,
            None if is_combining(char) || (is_invisible(char) && !char.is_whitespace()) => None,
            None => Some(char),
        };
        let Some(char) = between else {
            continue;
        };
        if let Some(digit) = digit(char) {
            if !open {
                let joint: Option<String> = joint.replace(String::new());
                groups.push(Group {
                    digits: Vec::new(),
                    places: Vec::new(),
                    joint,
                    plus,
                });
                open = true;
            }
            if let Some(group) = groups.last_mut() {
                group.digits.push(digit);
                group.places.push(here);
            }
            plus = false;
            continue;
        }
        open = false;
        if !char.is_whitespace() {
            plus = matches!(char, '+' | '＋');
        }
        if char.is_alphanumeric() {
            joint = None;
        } else if let Some(joint) = &mut joint {
            joint.push(char);
        }
    }
    groups
}

/// The length of a sequence at the beginning of these characters that a reader does not see, and what they see instead.
fn sequence(chars: &[char], markup: bool) -> Option<(usize, Option<char>)> {
    /// Longer ones are text.
    const LONGEST_REFERENCE: usize = 12;
    const LONGEST_TAG: usize = 128;
    let ends = |begin: usize, longest: usize, is_end: fn(char) -> bool| {
        let inner = chars.iter().take(longest).skip(begin);
        let length = inner.take_while(|char| !is_end(**char)).count();
        let end = begin.saturating_add(length);
        chars.get(end).filter(|char| is_end(**char))?;
        Some(end.saturating_add(1))
    };
    let is_final = |char: char| matches!(char, '@'..='~');
    match chars {
        ['\u{1b}', '[', ..] => Some((ends(2, LONGEST_TAG, is_final)?, None)),
        ['\u{9b}', ..] => Some((ends(1, LONGEST_TAG, is_final)?, None)),
        _ if !markup => None,
        ['%', high, low, ..] => {
            let value = high.to_digit(16)?.checked_mul(16)?;
            let value = value.checked_add(low.to_digit(16)?)?;
            let char = char::from_u32(value).filter(char::is_ascii)?;
            (!char.is_ascii_alphanumeric()).then_some((3, Some(' ')))
        }
        ['&', first, ..] if first.is_ascii_alphabetic() || *first == '#' => {
            let end = ends(1, LONGEST_REFERENCE, |char| {
                !char.is_ascii_alphanumeric() && char != '#'
            })?;
            let last = chars.get(end.checked_sub(1)?);
            (last == Some(&';')).then_some((end, Some(' ')))
        }
        ['<', first, ..] if first.is_ascii_alphabetic() || matches!(first, '/' | '!') => {
            Some((ends(1, LONGEST_TAG, |char| char == '>')?, Some(' ')))
        }
        _ => None,
    }
}
