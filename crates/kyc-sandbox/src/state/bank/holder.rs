//! The invented holders of accounts.

use jiff::ToSpan;
use jiff::civil::{Date, date};

use super::random::Random;

const FIRST_NAMES: [&str; 12] = [
    "ASHA", "RAVI", "MEENA", "KIRAN", "SUNIL", "LEELA", "ARUN", "DIYA", "FARAH", "GOPAL", "JAYA",
    "NOEL",
];
const SURNAMES: [&str; 6] = [
    "TESTWALA",
    "NAMUNA",
    "SAMPLEKAR",
    "DEMOWALE",
    "MISALIYA",
    "UDAHARAN",
];

/// Whether all words of a text are names of invented holders, in whatever case.
pub(crate) fn is_invented_name(text: &str) -> bool {
    let is_one = |word: &str| {
        let mut names = FIRST_NAMES.iter().chain(&SURNAMES);
        names.any(|name| name.eq_ignore_ascii_case(word))
    };
    let mut words = text.split_whitespace().peekable();
    words.peek().is_some() && words.all(is_one)
}

/// A holder of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) name: String,
    pub(crate) birth: Date,
    /// The scripted number; empty for a second holder.
    pub(crate) mobile: String,
    /// With the serial number 0000, which nobody's PAN has.
    pub(crate) pan: String,
    pub(crate) email: String,
}

impl Holder {
    /// The holders of a person's accounts: one, or two of the same surname.
    pub(super) fn all(mobile: &str, joint: bool, random: &mut Random) -> Vec<Self> {
        let surname = random.one_of(&SURNAMES);
        let first = Self::of(random.one_of(&FIRST_NAMES), surname, mobile, random);
        if !joint {
            return vec![first];
        }
        let others = FIRST_NAMES
            .iter()
            .filter(|name| !first.name.starts_with(**name));
        let others: Vec<&str> = others.copied().collect();
        let second = Self::of(random.one_of(&others), surname, "", random);
        vec![first, second]
    }

    fn of(first_name: &str, surname: &str, mobile: &str, random: &mut Random) -> Self {
        let days = i32::try_from(random.below(30 * 365)).unwrap_or_default();
        let letters = ["A", "B", "C", "D", "E", "F", "G", "H", "J", "K"];
        let initial = surname.get(..1).unwrap_or_default();
        let mut letter = || random.one_of(&letters);
        Self {
            name: format!("{first_name} {surname}"),
            birth: date(1968, 1, 1).saturating_add(days.days()),
            mobile: mobile.to_owned(),
            pan: format!(
                "{}{}{}P{initial}0000{}",
                letter(),
                letter(),
                letter(),
                letter()
            ),
            email: format!("{first_name}.{surname}@example.invalid").to_ascii_lowercase(),
        }
    }
}
