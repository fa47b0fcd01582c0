//! The rules: what each demands, how sure it is, and where it comes from.

/// How sure a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Certainty {
    /// It may be right: look at it again.
    Doubtful,
    /// It cannot be right: the call is paid for nothing.
    Wrong,
    /// It must not be sent or stored at all. [`Lints`](super::Lints) cannot allow it.
    Forbidden,
}

impl Certainty {
    /// The certainty as one lower-case word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Doubtful => "doubtful",
            Self::Wrong => "wrong",
            Self::Forbidden => "forbidden",
        }
    }
}

/// A rule for a field. [`text`](Rule::text) says what it demands, [`source`](Rule::source) who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// A text holds a whole Aadhaar number or Virtual ID.
    AadhaarNumber,
    /// More of an Aadhaar number than its last four digits, or another form than a mask.
    AadhaarMask,
    /// A whole Aadhaar number, where one belongs, that is none: its first digit or its check digit.
    AadhaarForm,
    /// The fourth letter of a PAN is no class of holders.
    PanClass,
    /// The fourth letter of a PAN is another class than the holder's.
    PanHolder,
    /// A PAN that is a test value or a placeholder.
    PanTestValue,
    /// A mobile number that does not begin as India's mobile numbers do.
    MobileRange,
    /// A virtual user account of another form.
    VuaForm,
    /// A virtual user account at an aggregator that is not known.
    VuaAggregator,
    /// A virtual user account whose number is not the mobile number beside it.
    VuaMobile,
    /// An IFSC of another form.
    IfscForm,
    /// A GSTIN of another form, or with another check character.
    GstinForm,
    /// A date of birth that is no day, or in another form.
    BirthDateForm,
    /// An account number that is not masked, or masked so far that no account can be recognised.
    AccountMask,
    /// A purpose code that is not in the fair-use table.
    FairUsePurpose,
    /// Another fetch type than the purpose has.
    FairUseFetchType,
    /// A type of financial information that the purpose does not cover.
    FairUseFiType,
    /// A consent type that the purpose does not cover.
    FairUseConsentType,
    /// A data life above the purpose's.
    FairUseDataLife,
    /// A fetch frequency above the purpose's.
    FairUseFrequency,
    /// A consent that lasts longer than the purpose allows.
    FairUseExpiry,
    /// A range of data above the purpose's.
    FairUseRange,
}

impl Rule {
    /// Every rule.
    pub const ALL: &'static [Self] = &[
        Self::AadhaarNumber,
        Self::AadhaarMask,
        Self::AadhaarForm,
        Self::PanClass,
        Self::PanHolder,
        Self::PanTestValue,
        Self::MobileRange,
        Self::VuaForm,
        Self::VuaAggregator,
        Self::VuaMobile,
        Self::IfscForm,
        Self::GstinForm,
        Self::BirthDateForm,
        Self::AccountMask,
        Self::FairUsePurpose,
        Self::FairUseFetchType,
        Self::FairUseFiType,
        Self::FairUseConsentType,
        Self::FairUseDataLife,
        Self::FairUseFrequency,
        Self::FairUseExpiry,
        Self::FairUseRange,
    ];

    /// The rule's name, for logs and allow-lists.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AadhaarNumber => "aadhaar-number",
            Self::AadhaarMask => "aadhaar-mask",
            Self::AadhaarForm => "aadhaar-form",
            Self::PanClass => "pan-class",
            Self::PanHolder => "pan-holder",
            Self::PanTestValue => "pan-test-value",
            Self::MobileRange => "mobile-range",
            Self::VuaForm => "vua-form",
            Self::VuaAggregator => "vua-aggregator",
            Self::VuaMobile => "vua-mobile",
            Self::IfscForm => "ifsc-form",
            Self::GstinForm => "gstin-form",
            Self::BirthDateForm => "birth-date-form",
            Self::AccountMask => "account-mask",
            Self::FairUsePurpose => "fair-use-purpose",
            Self::FairUseFetchType => "fair-use-fetch-type",
            Self::FairUseFiType => "fair-use-fi-type",
            Self::FairUseConsentType => "fair-use-consent-type",
            Self::FairUseDataLife => "fair-use-data-life",
            Self::FairUseFrequency => "fair-use-frequency",
            Self::FairUseExpiry => "fair-use-expiry",
            Self::FairUseRange => "fair-use-range",
        }
    }

    /// What the rule demands of the field, to be read behind the field's name.
    pub fn text(self) -> &'static str {
        match self {
            Self::AadhaarNumber => {
                "must not hold a whole Aadhaar number or Virtual ID: give the last four digits"
            }
            Self::AadhaarMask => "must be the last four digits of an Aadhaar number, or its mask",
            Self::AadhaarForm => {
                "must begin with 2 to 9 and end with the check digit of the eleven before it"
            }
            Self::GstinForm => {
                "must be two digits of a state, a PAN, a digit or letter, Z, and the check character of the fourteen before it"
            }
            Self::BirthDateForm => "must be a day of the calendar as YYYY-MM-DD",
            Self::PanClass => "the fourth letter must be one of A, B, C, F, G, H, J, L, P and T",
            Self::PanHolder => "the fourth letter is the class of another kind of holder",
            Self::PanTestValue => "is a test value or a placeholder, which no holder has",
            Self::MobileRange => "must begin as India's mobile numbers do: with 6, 7, 8 or 9",
            Self::VuaForm => "must be a user, one @ and an account aggregator's handle",
            Self::VuaAggregator => "names an account aggregator that is not known",
            Self::VuaMobile => "is of another mobile number than the one beside it",
            Self::IfscForm => {
                "must be four letters, the digit 0 and six letters or digits; a letter O is a usual mistake for the 0"
            }
            Self::AccountMask => "must show the last four characters, or a few more, and no others",
            Self::FairUsePurpose => "is no purpose code of the fair-use table",
            Self::FairUseFetchType => "is another fetch type than the purpose has",
            Self::FairUseFiType => "holds a type that the purpose does not cover",
            Self::FairUseConsentType => "holds a consent type that the purpose does not cover",
            Self::FairUseDataLife => "is longer than the purpose allows",
            Self::FairUseFrequency => "is higher than the purpose allows",
            Self::FairUseExpiry => "is later than the purpose allows",
            Self::FairUseRange => "is longer than the purpose allows",
        }
    }

    /// How sure a finding by this rule is.
    pub fn certainty(self) -> Certainty {
        match self {
            Self::AadhaarNumber => Certainty::Forbidden,
            Self::AadhaarMask
            | Self::AadhaarForm
            | Self::PanClass
            | Self::PanTestValue
            | Self::MobileRange
            | Self::VuaForm
            | Self::IfscForm
            | Self::FairUsePurpose
            | Self::FairUseFetchType
            | Self::FairUseConsentType
            | Self::FairUseFrequency => Certainty::Wrong,
            // A template of the fair-use library may allow more than the purpose's own bounds.
            Self::PanHolder
            // Other kinds of registration may have another letter than Z.
            | Self::GstinForm
            // Their form is not documented where they are sent.
            | Self::BirthDateForm
            | Self::VuaAggregator
            | Self::VuaMobile
            | Self::AccountMask
            | Self::FairUseFiType
            | Self::FairUseDataLife
            | Self::FairUseExpiry
            | Self::FairUseRange => Certainty::Doubtful,
        }
    }

    /// Where the rule comes from, with the mark of its source.
    pub fn source(self) -> &'static str {
        match self {
            Self::AadhaarNumber => {
                "check digit after Verhoeff [3p]; UIDAI's circular of January 2023 to offline verifiers [3p]"
            }
            Self::AadhaarForm => {
                "explanations of the number's structure, check digit after Verhoeff [3p]"
            }
            Self::GstinForm => {
                "explanations of the GSTIN's structure [3p], check character [derived]"
            }
            Self::BirthDateForm => {
                "the forms of dates in ReBIT's schemas and FinPro's pages [docs]"
            }
            Self::AadhaarMask => "masked Aadhaar and DigiLocker's Aadhaar XML [docs] [3p]",
            Self::PanClass | Self::PanHolder => "explanations of the PAN's structure [3p]",
            Self::PanTestValue => {
                "public samples, and serial 0000, which is not issued [docs] [3p]"
            }
            Self::MobileRange => "India's numbering plan, explained by third parties [3p]",
            Self::VuaForm | Self::VuaAggregator => {
                "MoneyOne's and Sahamati's pages on virtual user accounts [docs] [derived]"
            }
            Self::VuaMobile => "FinPro's accounts are the mobile number [docs] [derived]",
            Self::IfscForm => "code directories [3p]",
            Self::AccountMask => "masks in published samples [docs] [derived]",
            Self::FairUsePurpose
            | Self::FairUseFetchType
            | Self::FairUseFiType
            | Self::FairUseConsentType
            | Self::FairUseDataLife
            | Self::FairUseFrequency
            | Self::FairUseExpiry
            | Self::FairUseRange => {
                "Sahamati's fair-use implementation guidelines, January 2026 [schema]"
            }
        }
    }
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_rule_has_a_name_of_its_own_and_a_marked_source() {
        let names: BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.as_str()).collect();
        assert_eq!(names.len(), Rule::ALL.len());
        for rule in Rule::ALL {
            assert!(rule.source().ends_with(']'), "{rule}");
        }
    }
}
