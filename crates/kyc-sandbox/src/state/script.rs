//! What a mobile number says about its person, and who acts.

/// Who takes a person's part: consents, signs in, hands in documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum PeopleAct {
    /// The documented people at once, and people with a [`MobileScript`] in their number as it says. Everybody else acts on
    /// the pages.
    #[default]
    ByScript,
    /// Everybody acts on the pages only.
    OnPages,
}

/// What the digits `JJ` of a mobile number say. What says nothing about a provider is as 0 there.
pub(crate) mod journey {
    pub(crate) const APPROVE: u8 = 0;
    pub(crate) const SLOW: u8 = 1;
    pub(crate) const PARTIAL: u8 = 2;
    pub(crate) const DENY: u8 = 3;
    pub(crate) const CANCEL: u8 = 4;
    pub(crate) const ABANDON: u8 = 5;
    pub(crate) const EXPIRE: u8 = 6;
    pub(crate) const REVOKE_LATER: u8 = 7;
    pub(crate) const PAUSE: u8 = 8;
    pub(crate) const RUN_OUT: u8 = 9;
    pub(crate) const OTP_THRICE: u8 = 10;
    pub(crate) const OTP_NONE: u8 = 11;
    pub(crate) const NO_ACCOUNT_HERE: u8 = 12;
    pub(crate) const NO_ACCOUNT_ANYWHERE: u8 = 13;
    pub(crate) const BANK_ERROR: u8 = 14;
    pub(crate) const FLAKY_AA: u8 = 15;
    pub(crate) const AA_DOWN_TWICE: u8 = 16;
    pub(crate) const JOINT: u8 = 17;
    pub(crate) const NEEDS_PAN: u8 = 18;
    pub(crate) const BACK_TWICE: u8 = 19;
    pub(crate) const NO_DIGILOCKER: u8 = 30;
    pub(crate) const NO_E_AADHAAR: u8 = 31;
    pub(crate) const NO_PAN_DOCUMENT: u8 = 32;
    pub(crate) const TICKS_NONE: u8 = 33;
    pub(crate) const CODE_LATE: u8 = 34;
    pub(crate) const ISSUER_DOWN: u8 = 35;
}

/// The script in a mobile number `9001JJWDAA`, digit by digit.
///
/// ```
/// use kyc_sandbox::MobileScript;
///
/// let script = MobileScript::of("9001031205").unwrap();
/// assert_eq!((script.journey, script.webhook, script.data, script.archetype), (3, 1, 2, 5));
/// assert_eq!(MobileScript::of("9000000001"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct MobileScript {
    /// `JJ`: what the person does in a journey, 0 to 99.
    pub journey: u8,
    /// `W`: what becomes of webhooks, 0 to 9.
    pub webhook: u8,
    /// `D`: what becomes of data sessions, 0 to 9.
    pub data: u8,
    /// `AA`: whose bank accounts these are, 0 to 99.
    pub archetype: u8,
}

impl MobileScript {
    /// The script in a mobile number; `None` if it is not ten digits of which the first four are `9001`.
    pub fn of(mobile: &str) -> Option<Self> {
        let digits = mobile.strip_prefix("9001")?.as_bytes();
        let &[j1, j2, w, d, a1, a2] = digits else {
            return None;
        };
        let digit = |byte: u8| byte.is_ascii_digit().then(|| byte.wrapping_sub(b'0'));
        let pair = |tens, ones| Some(digit(tens)?.wrapping_mul(10).wrapping_add(digit(ones)?));
        Some(Self {
            journey: pair(j1, j2)?,
            webhook: digit(w)?,
            data: digit(d)?,
            archetype: pair(a1, a2)?,
        })
    }

    /// The mobile number with this script.
    pub(crate) fn mobile(self) -> String {
        let Self {
            journey,
            webhook,
            data,
            archetype,
        } = self;
        format!("9001{journey:02}{webhook}{data}{archetype:02}")
    }
}

/// The script in the first name of a person whom Veriff is asked to verify. `Approve`, `Decline` and `Resubmit` are Veriff's own
/// older convention for test integrations; the others are the sandbox's.
///
/// ```
/// use kyc_sandbox::NameScript;
///
/// assert_eq!(NameScript::of("Resubmit"), Some(NameScript::Resubmit));
/// assert_eq!(NameScript::of("Asha"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum NameScript {
    /// Approved.
    Approve,
    /// Declined, with reason 106.
    Decline,
    /// A resubmission is requested once; the second attempt is approved.
    Resubmit,
    /// Nine resubmissions are requested; the tenth attempt is declined, with reason 539.
    Resubmitten,
    /// A human looks at it for two hours, then it is approved.
    Review,
    /// Approved, and a day later declined.
    Flip,
    /// Approved; screening finds a possible match at once.
    Watch,
    /// Approved; screening finds a possible match on day 30.
    Rewatch,
    /// Approved after an hour, and no webhook tells of it.
    Silent,
    /// Never comes: the session expires.
    Expire,
    /// Comes and leaves: the session is abandoned.
    Abandon,
}

impl NameScript {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Approve,
        Self::Decline,
        Self::Resubmit,
        Self::Resubmitten,
        Self::Review,
        Self::Flip,
        Self::Watch,
        Self::Rewatch,
        Self::Silent,
        Self::Expire,
        Self::Abandon,
    ];

    /// The first name that carries it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Approve => "Approve",
            Self::Decline => "Decline",
            Self::Resubmit => "Resubmit",
            Self::Resubmitten => "Resubmitten",
            Self::Review => "Review",
            Self::Flip => "Flip",
            Self::Watch => "Watch",
            Self::Rewatch => "Rewatch",
            Self::Silent => "Silent",
            Self::Expire => "Expire",
            Self::Abandon => "Abandon",
        }
    }

    /// What a person with this number does where the name says nothing.
    pub(crate) fn of_mobile(script: MobileScript) -> Self {
        match script.journey {
            journey::DENY => Self::Decline,
            journey::CANCEL | journey::ABANDON => Self::Abandon,
            journey::EXPIRE => Self::Expire,
            _ => Self::Approve,
        }
    }

    /// The script in a first name, in upper or lower case; `None` for a plain person.
    pub fn of(first_name: &str) -> Option<Self> {
        let carried = |script: &Self| script.name().eq_ignore_ascii_case(first_name.trim());
        Self::ALL.into_iter().find(carried)
    }
}

/// The case in a PAN such as `NAMPV0000V`, whose serial number nobody has.
///
/// ```
/// use kyc_sandbox::PanScript;
///
/// assert_eq!(PanScript::of("NAMPV0000V"), Some(PanScript::NameMismatch));
/// assert_eq!(PanScript::of("AAAPA0000A"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum PanScript {
    /// `NAM`: the name is a little different from Aadhaar's.
    NameMismatch,
    /// `NAX`: the name is another one.
    NamePoor,
    /// `DOB`: the date of birth is another one.
    DobMismatch,
    /// `UNL`: not linked to Aadhaar.
    NotLinked,
    /// `INA`: not in use any more.
    Inactive,
    /// `NON`: nobody's.
    Unknown,
}

impl PanScript {
    /// The case in a PAN; `None` for a plain one, and for one that somebody may have.
    pub fn of(pan: &str) -> Option<Self> {
        let (case, rest) = pan.split_at_checked(3)?;
        let invented = matches!(
            rest.as_bytes(),
            [b'P', b'A'..=b'Z', b'0', b'0', b'0', b'0', b'A'..=b'Z']
        );
        match case {
            _ if !invented => None,
            "NAM" => Some(Self::NameMismatch),
            "NAX" => Some(Self::NamePoor),
            "DOB" => Some(Self::DobMismatch),
            "UNL" => Some(Self::NotLinked),
            "INA" => Some(Self::Inactive),
            "NON" => Some(Self::Unknown),
            _ => None,
        }
    }
}

/// The scripted mobile number and the scripted PAN in a text in which nobody else's stand.
pub(crate) fn carried(text: &str) -> (Option<&str>, Option<PanScript>) {
    let words = || text.split(|c: char| !c.is_ascii_alphanumeric());
    let mobile = words().find(|word| MobileScript::of(word).is_some());
    (mobile, words().find_map(PanScript::of))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_digit_has_its_place_and_nothing_else_is_a_script() {
        let script = MobileScript::of("9001129876");
        let read = script.map(|s| (s.journey, s.webhook, s.data, s.archetype));
        assert_eq!(read, Some((12, 9, 8, 76)));
        assert_eq!(
            script.map(MobileScript::mobile).as_deref(),
            Some("9001129876")
        );
        for other in [
            "",
            "9001",
            "900103120",
            "90010312055",
            "9000000001",
            "9001 31205",
            "90010312\u{664}",
            "+900103120",
            "19001031205",
        ] {
            assert_eq!(MobileScript::of(other), None, "{other}");
        }
    }

    #[test]
    fn a_script_is_found_in_a_text_as_a_whole_word() {
        let url = "https://lender.example.test/back?who=9001020000&pan=DOBPV0000V";
        let expected = (Some("9001020000"), Some(PanScript::DobMismatch));
        assert_eq!(carried(url), expected);
        for none in [
            "",
            "KYC",
            "x9001020000",
            "90010200001",
            "DOBPV1234V",
            "DOBPV0000",
            "\u{905}",
        ] {
            assert_eq!(carried(none), (None, None), "{none}");
        }
    }

    #[test]
    fn the_documented_first_names_are_the_scripts() {
        let readme = include_str!("../../README.md");
        let (_, table) = readme
            .split_once("| first name | what happens |")
            .unwrap_or_default();
        let rows = table
            .lines()
            .skip(2)
            .map_while(|line| line.strip_prefix("| `"));
        let names: Vec<&str> = rows.filter_map(|row| row.split('`').next()).collect();
        assert_eq!(names, NameScript::ALL.map(NameScript::name));
    }
}
