//! PAN: `AAAPL1234C` with the holder's class as fourth letter.

use super::findings::Findings;
use super::rule::Rule;
use crate::values::Pan;

/// The class of a PAN's holder, its fourth letter (`[3p]`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HolderClass {
    /// `P`: a person; also the PAN of a proprietor.
    Person,
    /// `C`: a company.
    Company,
    /// `H`: a Hindu undivided family.
    HinduUndividedFamily,
    /// `F`: a firm or limited liability partnership.
    Firm,
    /// `A`: an association of persons.
    AssociationOfPersons,
    /// `T`: a trust.
    Trust,
    /// `B`: a body of individuals.
    BodyOfIndividuals,
    /// `L`: a local authority.
    LocalAuthority,
    /// `J`: an artificial juridical person.
    JuridicalPerson,
    /// `G`: a government.
    Government,
}

impl HolderClass {
    /// The class of this PAN's holder; `None` if its fourth letter is none.
    pub fn of(pan: &Pan) -> Option<Self> {
        Some(match pan.expose().as_bytes().get(3)? {
            b'P' => Self::Person,
            b'C' => Self::Company,
            b'H' => Self::HinduUndividedFamily,
            b'F' => Self::Firm,
            b'A' => Self::AssociationOfPersons,
            b'T' => Self::Trust,
            b'B' => Self::BodyOfIndividuals,
            b'L' => Self::LocalAuthority,
            b'J' => Self::JuridicalPerson,
            b'G' => Self::Government,
            _ => return None,
        })
    }
}

/// What public samples use. The second has no class, which its own rule finds too.
const PLACEHOLDERS: [&str; 2] = ["AAAPL1234C", "ABCDE1234F"];

impl Findings<'_> {
    /// Checks a PAN: its class, and that it is `holder`'s if one is expected.
    pub fn pan(&mut self, field: &'static str, pan: &Pan, holder: Option<HolderClass>) {
        let class = HolderClass::of(pan);
        self.add_unless(class.is_some(), field, Rule::PanClass);
        let is_of_holder = class
            .zip(holder)
            .is_none_or(|(class, holder)| class == holder);
        self.add_unless(is_of_holder, field, Rule::PanHolder);
        let pan = pan.expose();
        let is_test_value = pan.get(5..9) == Some("0000") || PLACEHOLDERS.contains(&pan);
        self.add_unless(!is_test_value, field, Rule::PanTestValue);
    }
}

#[cfg(test)]
mod tests {
    use super::super::found as found_by;
    use super::*;

    fn found(pan: &str, holder: Option<HolderClass>) -> Vec<Rule> {
        let pan = Pan::parse(pan).unwrap();
        found_by(|findings| findings.pan("pan", &pan, holder))
    }

    #[test]
    fn the_fourth_letter_is_a_class_and_the_holders() {
        for (letter, holder) in [
            ('P', HolderClass::Person),
            ('C', HolderClass::Company),
            ('H', HolderClass::HinduUndividedFamily),
            ('F', HolderClass::Firm),
            ('A', HolderClass::AssociationOfPersons),
            ('T', HolderClass::Trust),
            ('B', HolderClass::BodyOfIndividuals),
            ('L', HolderClass::LocalAuthority),
            ('J', HolderClass::JuridicalPerson),
            ('G', HolderClass::Government),
        ] {
            let pan = format!("AAA{letter}T0000Z");
            assert_eq!(found(&pan, Some(holder)), [Rule::PanTestValue], "{letter}");
            let other = match holder {
                HolderClass::Person => HolderClass::Company,
                _ => HolderClass::Person,
            };
            assert_eq!(
                found(&pan, Some(other)),
                [Rule::PanHolder, Rule::PanTestValue]
            );
        }
        for letter in "DEIKMNOQRSUVWXYZ".chars() {
            let pan = format!("AAA{letter}T0000Z");
            let expected = [Rule::PanClass, Rule::PanTestValue];
            assert_eq!(found(&pan, Some(HolderClass::Person)), expected, "{letter}");
        }
    }

    #[test]
    fn what_public_samples_use_is_a_test_value() {
        assert_eq!(found("AAAPL1234C", None), [Rule::PanTestValue]);
        assert_eq!(
            found("ABCDE1234F", None),
            [Rule::PanClass, Rule::PanTestValue]
        );
    }
}
