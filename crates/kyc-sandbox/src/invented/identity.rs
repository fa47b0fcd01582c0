//! Who an invented person is, by the mobile number.

use jiff::ToSpan as _;
use jiff::civil::{Date, date};

use crate::state::{MobileScript, PanScript};

const FIRST_NAMES: [(&str, &str); 12] = [
    ("ASHA", "F"),
    ("RAVI", "M"),
    ("MEENA", "F"),
    ("KIRAN", "M"),
    ("SUNIL", "M"),
    ("LEELA", "F"),
    ("ARUN", "M"),
    ("DIYA", "F"),
    ("FARAH", "F"),
    ("GOPAL", "M"),
    ("JAYA", "F"),
    ("NOEL", "M"),
];
/// Words for samples: nobody is called so.
const SURNAMES: [&str; 4] = ["NAMUNA", "TESTWALA", "SAMPLEKAR", "UDAHARAN"];

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) mobile: String,
    pub(crate) name: String,
    pub(crate) birth: Date,
    /// `F` or `M`.
    pub(crate) gender: &'static str,
    pub(crate) house: u8,
    /// The last four digits of an Aadhaar number that has no others.
    pub(crate) last_four: String,
    /// With the serial number 0000, which nobody's PAN has.
    pub(crate) pan: String,
    /// The same of a driving licence.
    pub(crate) licence: String,
    pub(crate) seed: u64,
}

impl Identity {
    /// The person with this number: of the script's where it has one, else the plain one.
    pub(crate) fn of(mobile: &str) -> Self {
        if MobileScript::of(mobile).is_none() {
            return Self::plain();
        }
        let number: u64 = mobile.parse().unwrap_or_default();
        let seed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let pick = |shift: u32, of: usize| {
            let of = u64::try_from(of).unwrap_or(1);
            let place = (seed >> shift).checked_rem(of).unwrap_or(0);
            usize::try_from(place).unwrap_or(0)
        };
        let (first, gender) = FIRST_NAMES
            .get(pick(8, FIRST_NAMES.len()))
            .copied()
            .unwrap_or_default();
        let surname = SURNAMES.get(pick(20, SURNAMES.len())).copied();
        let surname = surname.unwrap_or_default();
        let days = i64::try_from(pick(24, 30 * 365)).unwrap_or(0);
        let letter =
            |shift| char::from(b'A'.saturating_add(u8::try_from(pick(shift, 20)).unwrap_or(0)));
        let initial = surname.get(..1).unwrap_or_default();
        Self {
            mobile: mobile.to_owned(),
            name: format!("{first} {surname}"),
            birth: date(1968, 1, 1).saturating_add(days.days()),
            gender,
            house: u8::try_from(pick(32, 90)).unwrap_or(0).saturating_add(1),
            last_four: format!("{:04}", pick(36, 10_000)),
            pan: format!(
                "{}{}{}P{initial}0000{}",
                letter(40),
                letter(44),
                letter(48),
                letter(52)
            ),
            licence: "KA0020000000000".to_owned(),
            seed,
        }
    }

    fn plain() -> Self {
        Self {
            mobile: "9000000001".to_owned(),
            name: "INVENTED PERSON".to_owned(),
            birth: date(1990, 1, 31),
            gender: "F",
            house: 12,
            last_four: "1234".to_owned(),
            pan: "AAAPP0000A".to_owned(),
            licence: "KA0020000000000".to_owned(),
            seed: 1,
        }
    }

    /// Who stands on the person's PAN card: name and birth.
    pub(crate) fn on_pan(&self, script: Option<PanScript>) -> (String, Date) {
        let (first, surname) = self.name.split_once(' ').unwrap_or((&self.name, ""));
        let name = match script {
            Some(PanScript::NameMismatch) => {
                format!("{} {surname}", first.get(..1).unwrap_or_default())
            }
            Some(PanScript::NamePoor) => format!("SOMEBODY ELSE {surname}"),
            _ => self.name.clone(),
        };
        let birth = match script {
            Some(PanScript::DobMismatch) => self.birth.saturating_sub(1.day()),
            _ => self.birth,
        };
        (name, birth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_the_same_each_time_and_nobody() {
        let person = Identity::of("9001000005");
        assert_eq!(person, Identity::of("9001000005"));
        assert_ne!(person.name, Identity::of("9001000006").name);
        assert_eq!(Identity::of("9000000001").name, "INVENTED PERSON");
        let number = person.pan.get(5..9);
        assert_eq!((number, person.pan.len()), (Some("0000"), 10));
        assert_eq!(person.last_four.len(), 4);
    }

    #[test]
    fn the_pan_card_says_what_the_case_is() {
        let person = Identity::of("9000000001");
        let on_pan = |script| person.on_pan(Some(script));
        let (name, birth) = on_pan(PanScript::NameMismatch);
        assert_eq!((name.as_str(), birth), ("I PERSON", person.birth));
        assert_eq!(on_pan(PanScript::NamePoor).0, "SOMEBODY ELSE PERSON");
        assert_eq!(on_pan(PanScript::DobMismatch).1, date(1990, 1, 30));
        assert_eq!(person.on_pan(None), (person.name.clone(), person.birth));
    }
}
