//! Kinds of values, how each is recognised and masked.

use super::{Author, Masked, Provenance, Shown};
use crate::state::{NameScript, bank};

/// The longest text that counts as a word of the interface.
const WORD: usize = 48;
/// How long an unknown text without spaces is before it counts as a token.
const TOKEN: usize = 20;

/// The invented names that are in the sandbox's data.
const NAMES: [&str; 11] = [
    "Sample Person",
    "Sample",
    "Person",
    "Sample Street",
    "Sample Town",
    "Sample District",
    "Invented Bank",
    "INVENTED PERSON",
    "I PERSON",
    "SOMEBODY ELSE PERSON",
    "Sandbox",
];

/// Whether a name is one that the sandbox invented, or that tells it what to do.
fn is_invented_name(text: &str) -> bool {
    NAMES.contains(&text) || NameScript::of(text).is_some() || bank::is_invented_name(text)
}

/// What a masked value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Mobile,
    Pan,
    Aadhaar,
    Account,
    Name,
    Email,
    Birth,
    Address,
    Reference,
    Token,
    Secret,
    File,
    Text,
}

impl Kind {
    /// For a person who cannot see it.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Mobile => "mobile number",
            Self::Pan => "PAN",
            Self::Aadhaar => "Aadhaar number",
            Self::Account => "account number",
            Self::Name => "name",
            Self::Email => "e-mail address",
            Self::Birth => "date of birth",
            Self::Address => "address",
            Self::Reference => "reference of the caller",
            Self::Token => "token",
            Self::Secret => "credential or signature",
            Self::File => "file",
            Self::Text => "text",
        }
    }

    /// What a value of this kind is called in a shell.
    pub(crate) fn variable(self) -> &'static str {
        match self {
            Self::Mobile => "MOBILE",
            Self::Pan => "PAN",
            Self::Aadhaar => "AADHAAR",
            Self::Account => "ACCOUNT",
            Self::Name => "NAME",
            Self::Email => "EMAIL",
            Self::Birth => "BIRTH",
            Self::Address => "ADDRESS",
            Self::Reference => "REFERENCE",
            Self::Token => "TOKEN",
            Self::Secret => "SECRET",
            Self::File => "FILE",
            Self::Text => "TEXT",
        }
    }

    /// What is seen of a value.
    pub(super) fn mask(self, text: &str) -> String {
        let letters: Vec<char> = text.chars().collect();
        let ends = |first: usize, last: usize| {
            let length = letters.len();
            let shown = |place: usize| place < first || place >= length.saturating_sub(last);
            let seen = letters.iter().enumerate();
            seen.map(|(place, letter)| if shown(place) { *letter } else { '•' })
                .collect::<String>()
        };
        match self {
            Self::Mobile if letters.len() >= 10 => ends(2, 2),
            Self::Pan if letters.len() == 10 => {
                let keep = |place: usize| place == 0 || place == 5;
                let seen = letters.iter().enumerate();
                seen.map(|(place, letter)| if keep(place) { *letter } else { '•' })
                    .collect()
            }
            Self::Aadhaar | Self::Account if letters.len() >= 9 => ends(0, 4),
            Self::Name => ends(usize::from(letters.len() > 2), 0),
            Self::Token | Self::Secret | Self::Reference if letters.len() > 12 => {
                let first: String = letters.iter().take(4).collect();
                format!("{first}… ({} characters)", letters.len())
            }
            Self::File | Self::Text => match letters.len() {
                1 => "[1 character]".to_owned(),
                length => format!("[{length} characters]"),
            },
            _ => "•".repeat(letters.len().clamp(4, 12)),
        }
    }
}

/// A member's name without what differs between styles.
pub(super) fn plain_name(name: &str) -> String {
    let name = name.rsplit(':').next().unwrap_or(name);
    let letters = name.chars().filter(|letter| letter.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// The kind that a member's name tells.
fn by_name(name: &str) -> Option<Kind> {
    let is = |names: &[&str]| names.contains(&name);
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    // Names of institutions, products and operations are nobody's.
    if has(&[
        "fip",
        "bank",
        "product",
        "aggregator",
        "operation",
        "event",
        "file",
    ]) && name.ends_with("name")
    {
        return None;
    }
    let kind = if has(&[
        "secret",
        "password",
        "apikey",
        "signature",
        "hmac",
        "authorization",
    ]) || is(&["otp", "pin", "passcode", "xapikey", "cookie"])
    {
        Kind::Secret
    } else if has(&["token"]) {
        Kind::Token
    } else if has(&["mobile", "phone", "msisdn"]) {
        Kind::Mobile
    } else if is(&["pan", "pannumber", "panno", "pancard", "maskedpan"]) {
        Kind::Pan
    } else if has(&["aadhaar", "aadhar"]) && !has(&["eaadhaar", "type", "linked"]) || is(&["uid"]) {
        Kind::Aadhaar
    } else if has(&["email"]) {
        Kind::Email
    } else if has(&["dateofbirth", "birthdate", "yearofbirth"]) || is(&["dob", "yob", "birth"]) {
        Kind::Birth
    } else if has(&[
        "accountnumber",
        "accountno",
        "accnumber",
        "maskedacc",
        "linkedacc",
    ]) {
        Kind::Account
    } else if has(&["address", "street", "landmark", "locality", "pincode"])
        || is(&[
            "house", "vtc", "lm", "loc", "po", "co", "pc", "careof", "city",
        ])
    {
        Kind::Address
    } else if name.ends_with("name")
        || has(&["holder", "nominee"])
        || is(&["father", "mother", "spouse"])
    {
        Kind::Name
    } else if has(&[
        "vendordata",
        "enduser",
        "userconsentid",
        "customerid",
        "clientref",
        "externalid",
    ]) || is(&["accountid", "vua", "partyidentifiervalue", "reference"])
    {
        Kind::Reference
    } else if has(&["photo", "image", "base64", "document", "binary"])
        || is(&["pdf", "pht", "content"])
    {
        Kind::File
    } else {
        return None;
    };
    Some(kind)
}

/// A value, judged by its member's name and its form.
pub(super) fn value(name: &str, text: &str, author: Author, known: &dyn Provenance) -> Masked {
    let mut found = Masked::default();
    let name = plain_name(name);
    let (shown, looks_real) = match whole(&name, text, author, known) {
        Some(judged) => judged,
        None => return parts(text),
    };
    let in_text = || parts(text).looks_real;
    found.looks_real = looks_real
        || match shown {
            Shown::Masked(Kind::Text | Kind::Name | Kind::Address | Kind::Reference) => in_text(),
            _ => false,
        };
    found.push(text, shown);
    found
}

/// A value as a whole, or nothing if there may be something in it.
fn whole(name: &str, text: &str, author: Author, known: &dyn Provenance) -> Option<(Shown, bool)> {
    let trimmed = text.trim();
    let plain = Some((Shown::Plain, false));
    let masked = |kind| Some((Shown::Masked(kind), false));
    if trimmed.is_empty() || matches!(trimmed, "null" | "true" | "false" | "Y" | "N") {
        return plain;
    }
    let digits = trimmed.bytes().filter(u8::is_ascii_digit).count();
    let named = by_name(name);
    // What is masked already, such as XXXXXXXX1234.
    let has_marks = trimmed
        .bytes()
        .filter(|byte| matches!(byte, b'X' | b'x' | b'*'))
        .count()
        >= 4;
    if has_marks && digits <= 4 && trimmed.len() == digits.saturating_add(marks(trimmed)) {
        return plain;
    }
    if is_mobile(trimmed) {
        return masked(Kind::Mobile);
    }
    if is_pan(trimmed) {
        return Some(match is_invented_pan(trimmed) {
            true => (Shown::Invented, false),
            false => (Shown::Masked(Kind::Pan), true),
        });
    }
    if is_aadhaar_form(trimmed) && !is_time(name) {
        return Some((Shown::Masked(Kind::Aadhaar), is_aadhaar(trimmed)));
    }
    if named == Some(Kind::Secret) {
        return masked(Kind::Secret);
    }
    if known.is_own_id(trimmed) {
        return Some((Shown::Invented, false));
    }
    match named {
        // A count, a status or a truth value says nothing.
        Some(Kind::Token | Kind::Reference | Kind::File) if trimmed.len() < 4 => return plain,
        Some(Kind::Name | Kind::Address) if is_invented_name(trimmed) => {
            return Some((Shown::Invented, false));
        }
        // Judged by its parts: a virtual user account is a number at an aggregator.
        Some(Kind::Reference) if text.contains('@') => return None,
        Some(Kind::Account) if digits == 0 => {}
        Some(kind) => return masked(kind),
        None => {}
    }
    if is_invented_name(trimmed) {
        return Some((Shown::Invented, false));
    }
    let is_number = digits == trimmed.len();
    if is_number && digits >= 9 && !is_time(name) {
        return masked(Kind::Account);
    }
    if is_number || trimmed.parse::<f64>().is_ok() || is_date(trimmed) {
        return plain;
    }
    if uuid::Uuid::try_parse(trimmed).is_ok() {
        return masked(Kind::Token);
    }
    let is_url = trimmed.starts_with("http://") || trimmed.starts_with("https://");
    if is_url {
        return None;
    }
    if trimmed.starts_with(['{', '[', '<']) && trimmed.len() > 2 {
        return masked(Kind::Text);
    }
    let has_spaces = trimmed.contains(char::is_whitespace);
    let is_opaque = !has_spaces && trimmed.len() >= TOKEN && digits > 0 && has_letters(trimmed);
    if is_opaque && !is_word(trimmed) || trimmed.len() > 512 && !has_spaces {
        return masked(Kind::Token);
    }
    match author {
        Author::Caller if is_word(trimmed) && digits < 6 => plain,
        Author::Caller if trimmed.contains('@') => None,
        Author::Caller => masked(Kind::Text),
        Author::Sandbox => None,
    }
}

fn marks(text: &str) -> usize {
    text.bytes()
        .filter(|byte| matches!(byte, b'X' | b'x' | b'*' | b'-' | b' '))
        .count()
}

fn has_letters(text: &str) -> bool {
    text.chars().any(char::is_alphabetic)
}

/// Whether a member holds a time, whose digits are nobody's.
fn is_time(name: &str) -> bool {
    let ends = [
        "time",
        "timestamp",
        "at",
        "reset",
        "date",
        "expiry",
        "ms",
        "length",
        "from",
        "to",
    ];
    ends.iter().any(|end| name.ends_with(end))
}

/// A word of an interface: letters of one case, digits and joints.
fn is_word(text: &str) -> bool {
    let joints = |byte: u8| matches!(byte, b'_' | b'-' | b'.' | b':' | b'/' | b'+' | b';' | b'=');
    let all = |is: fn(&u8) -> bool| {
        text.bytes()
            .all(|byte| is(&byte) || byte.is_ascii_digit() || joints(byte))
    };
    text.len() <= WORD && (all(u8::is_ascii_lowercase) || all(u8::is_ascii_uppercase))
}

/// A date, with or without a time and a zone.
fn is_date(text: &str) -> bool {
    let date = text.get(..10).unwrap_or_default();
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let mut groups = date.split('-');
    let is_date = groups.clone().map(str::len).eq([4, 2, 2]) && groups.all(digits);
    let rest = text.get(10..).unwrap_or("x");
    let in_time = |byte: u8| {
        byte.is_ascii_digit() || matches!(byte, b'T' | b'Z' | b':' | b'.' | b'+' | b'-' | b' ')
    };
    is_date && rest.len() <= 22 && rest.bytes().all(in_time)
}

/// Ten digits of a mobile number, also with the country's code or a nought before them.
pub(super) fn is_mobile(text: &str) -> bool {
    let digits = text
        .strip_prefix("+91")
        .or_else(|| text.strip_prefix("91").filter(|rest| rest.len() == 10))
        .or_else(|| text.strip_prefix('0'))
        .unwrap_or(text);
    let digits: String = digits.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    digits.len() == 10
        && digits.starts_with(['6', '7', '8', '9'])
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_pan(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (Some(letters), Some(digits), Some(last)) = (bytes.get(..5), bytes.get(5..9), bytes.get(9))
    else {
        return false;
    };
    bytes.len() == 10
        && letters.iter().all(u8::is_ascii_alphabetic)
        && digits.iter().all(u8::is_ascii_digit)
        && last.is_ascii_alphabetic()
}

/// Serial numbers of PANs run from 0001.
fn is_invented_pan(text: &str) -> bool {
    text.get(5..9) == Some("0000")
}

/// Twelve digits, together or in groups of four.
fn is_aadhaar_form(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let grouped = text.split([' ', '-']).map(str::len).eq([4, 4, 4]);
    digits == 12 && (text.len() == 12 || grouped)
}

/// Whether it is a number that could have been issued: its first digit and its check digit.
fn is_aadhaar(text: &str) -> bool {
    let digits = text.chars().filter_map(|digit| digit.to_digit(10));
    let digits: Vec<usize> = digits
        .filter_map(|digit| usize::try_from(digit).ok())
        .collect();
    digits.first().is_some_and(|first| *first >= 2) && verhoeff(&digits)
}

/// Verhoeff's check digit, in the group of a pentagon's turns and reflections.
fn verhoeff(digits: &[usize]) -> bool {
    const TURNED: [usize; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let multiplied = |a: usize, b: usize| match (a < 5, b < 5) {
        (true, true) => a.wrapping_add(b) % 5,
        (true, false) => 5_usize.wrapping_add(a.wrapping_add(b).wrapping_sub(5) % 5),
        (false, true) => {
            5_usize.wrapping_add(a.wrapping_sub(5).wrapping_add(5).wrapping_sub(b) % 5)
        }
        (false, false) => a.wrapping_add(5).wrapping_sub(b) % 5,
    };
    let mut check = 0;
    for (place, digit) in digits.iter().rev().enumerate() {
        let turned =
            (0..place % 8).fold(*digit, |digit, _| TURNED.get(digit).copied().unwrap_or(0));
        check = multiplied(check, turned);
    }
    check == 0
}

/// A text, of which only what looks like a person's or a secret is masked.
pub(super) fn parts(text: &str) -> Masked {
    let mut found = Masked::default();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphanumeric() || c == '+') {
        let (before, at) = rest.split_at(start);
        found.plain(before);
        let (length, shown, looks_real) = part(at);
        let (this, after) = at.split_at(length);
        found.looks_real |= looks_real;
        found.push(this, shown);
        rest = after;
    }
    found.plain(rest);
    found
}

/// The part at the beginning of a text: its length in bytes, and how it is seen.
fn part(text: &str) -> (usize, Shown, bool) {
    let end = |is: fn(char) -> bool| text.find(|c| !is(c)).unwrap_or(text.len());
    let of = |length: usize| text.get(..length).unwrap_or_default();
    // Digits in groups, with spaces or hyphens between them.
    let grouped = end(|c| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-'));
    let digits = of(grouped).trim_end_matches([' ', '-', '+']);
    let follows_letter = text
        .get(digits.len()..)
        .and_then(|rest| rest.chars().next())
        .is_some_and(|c| c.is_alphanumeric() || c == '_');
    if !follows_letter {
        if is_aadhaar_form(digits) && !is_mobile(digits) {
            let looks_real = is_aadhaar(digits);
            return (digits.len(), Shown::Masked(Kind::Aadhaar), looks_real);
        }
        if is_mobile(digits) {
            return (digits.len(), Shown::Masked(Kind::Mobile), false);
        }
    }
    let run = end(|c| c.is_alphanumeric() || c == '+').max(1);
    let word = of(run);
    let after = text.get(run..).unwrap_or_default();
    let in_mail = end(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '%'));
    if let Some(host) = text.get(in_mail..).and_then(|rest| rest.strip_prefix('@')) {
        let length = host
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-')))
            .unwrap_or(host.len());
        let user = of(in_mail);
        if is_mobile(user) {
            return (in_mail, Shown::Masked(Kind::Mobile), false);
        }
        if length > 0 {
            let all = in_mail.saturating_add(1).saturating_add(length);
            return (all, Shown::Masked(Kind::Email), false);
        }
    }
    if is_pan(word) {
        return match is_invented_pan(word) {
            true => (run, Shown::Invented, false),
            false => (run, Shown::Masked(Kind::Pan), true),
        };
    }
    if is_mobile(word) {
        return (run, Shown::Masked(Kind::Mobile), false);
    }
    let number = word.trim_start_matches('+');
    if number.len() >= 9 && number.bytes().all(|byte| byte.is_ascii_digit()) {
        // A fraction of a second is none.
        let shown = match after.starts_with(['Z', ':']) {
            true => Shown::Plain,
            false => Shown::Masked(Kind::Account),
        };
        return (run, shown, false);
    }
    if run >= 24 && word.bytes().any(|byte| byte.is_ascii_digit()) {
        return (run, Shown::Masked(Kind::Token), false);
    }
    (run, Shown::Plain, false)
}
