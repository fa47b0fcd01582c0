//! Who an invented person is, by the mobile number.

use jiff::ToSpan as _;
use jiff::civil::{Date, date};

use crate::state::{MobileScript, PanScript, bank};

/// The first names of men among the invented ones.
const OF_MEN: [&str; 6] = ["RAVI", "KIRAN", "SUNIL", "ARUN", "GOPAL", "NOEL"];

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
    /// The person with this number: who holds the accounts of a scripted one, else the plain one.
    pub(crate) fn of(mobile: &str, data_seed: u64) -> Self {
        let holder = MobileScript::of(mobile).and_then(|script| bank::person(script, data_seed));
        let Some(holder) = holder else {
            return Self::plain();
        };
        let number: u64 = mobile.parse().unwrap_or_default();
        let seed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let pick = |shift: u32, of: u64| (seed >> shift).checked_rem(of).unwrap_or(0);
        let first_name = holder.name.split(' ').next().unwrap_or_default();
        Self {
            gender: match OF_MEN.contains(&first_name) {
                true => "M",
                false => "F",
            },
            mobile: holder.mobile,
            name: holder.name,
            birth: holder.birth,
            house: u8::try_from(pick(32, 90)).unwrap_or(0).saturating_add(1),
            last_four: format!("{:04}", pick(36, 10_000)),
            pan: holder.pan,
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
        let person = Identity::of("9001000005", 1);
        assert_eq!(person, Identity::of("9001000005", 1));
        assert_ne!(person.name, Identity::of("9001000006", 1).name);
        assert_eq!(Identity::of("9000000001", 1).name, "INVENTED PERSON");
        let number = person.pan.get(5..9);
        assert_eq!((number, person.pan.len()), (Some("0000"), 10));
        assert_eq!(person.last_four.len(), 4);
    }

    #[test]
    fn the_pan_card_says_what_the_case_is() {
        let person = Identity::of("9000000001", 1);
        let on_pan = |script| person.on_pan(Some(script));
        let (name, birth) = on_pan(PanScript::NameMismatch);
        assert_eq!((name.as_str(), birth), ("I PERSON", person.birth));
        assert_eq!(on_pan(PanScript::NamePoor).0, "SOMEBODY ELSE PERSON");
        assert_eq!(on_pan(PanScript::DobMismatch).1, date(1990, 1, 30));
        assert_eq!(person.on_pan(None), (person.name.clone(), person.birth));
    }
}
