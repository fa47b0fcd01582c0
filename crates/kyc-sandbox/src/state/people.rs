//! The invented people, by mobile number.
//!
//! FinPro's aggregators and Finpass answer by these numbers. A number that is a [script](crate::MobileScript) belongs to somebody
//! with accounts linked at onemoney. Any other number belongs to no one: no aggregator knows it, and Finpass opens a session for
//! it.
//!
//! | mobile | who | onemoney | finvu | anumati | FinPro | Finpass |
//! |---|---|---|---|---|---|---|
//! | 9000000001 | registered, with linked accounts | linked | not registered | not registered | answers | opens a session |
//! | 9000000002 | registered, no linked accounts | registered | not registered | not registered | answers | opens a session |
//! | 9000000003 | unknown everywhere | not registered | not registered | not registered | answers | opens a session |
//! | 9000000004 | one aggregator never answers | linked | not registered | silent | answers | opens a session |
//! | 9000000005 | one aggregator fails | linked | fails | not registered | answers | opens a session |
//! | 9000000006 | undetermined everywhere | silent | fails | silent | answers | opens a session |
//! | 9000000007 | no active aggregators | not registered | not registered | not registered | PROFILE_CHECK_FAILED | opens a session |
//! | 9000000008 | one aggregator is slow, inside its limit | linked, slowly | not registered | not registered | answers | opens a session |
//! | 9000000009 | Finpass refuses inside an HTTP 200 | linked | not registered | not registered | answers | HTTP 200, success false |
//! | 9000000010 | Finpass breaks | linked | not registered | not registered | answers | HTTP 500 |

use super::{MobileScript, bank, journey};

/// An aggregator's reply about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Behaviour {
    /// Answers: registered, accounts linked.
    Linked,
    /// Answers: registered, nothing linked.
    Registered,
    /// Answers: not registered.
    NotRegistered,
    /// Answers as [`Behaviour::Linked`] after half of the aggregator's timeout.
    LinkedSlowly,
    /// Answers with an error.
    Fails,
    /// Never answers, so its timeout expires.
    Silent,
}

impl Behaviour {
    /// The text in the table above.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Linked => "linked",
            Self::Registered => "registered",
            Self::NotRegistered => "not registered",
            Self::LinkedSlowly => "linked, slowly",
            Self::Fails => "fails",
            Self::Silent => "silent",
        }
    }
}

/// FinPro's behaviour before it asks any aggregator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProfileCheck {
    /// Asks the aggregators.
    Answers,
    /// Fails with `PROFILE_CHECK_FAILED`. The dependence on the number is the sandbox's own choice.
    NoActiveAggregators,
}

impl ProfileCheck {
    /// The text in the table above.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answers => "answers",
            Self::NoActiveAggregators => "PROFILE_CHECK_FAILED",
        }
    }
}

/// Finpass's behaviour when it opens a session for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionStart {
    /// Opens it.
    Opens,
    /// HTTP 200 with `success: false`: not documented, the sandbox's own choice.
    RefusedInside200,
    /// HTTP 500: not documented, the sandbox's own choice.
    Breaks,
}

impl SessionStart {
    /// The text in the table above.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opens => "opens a session",
            Self::RefusedInside200 => "HTTP 200, success false",
            Self::Breaks => "HTTP 500",
        }
    }
}

/// One invented person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Person {
    /// Ten digits.
    pub mobile: &'static str,
    /// The case that the person represents.
    pub description: &'static str,
    /// onemoney's reply.
    pub onemoney: Behaviour,
    /// finvu's reply.
    pub finvu: Behaviour,
    /// anumati's reply.
    pub anumati: Behaviour,
    /// FinPro's reply.
    pub profile_check: ProfileCheck,
    /// Finpass's reply.
    pub session_start: SessionStart,
}

impl Person {
    /// The reply of the aggregator with this name; an aggregator that is not in the table knows no one.
    pub fn at(&self, aggregator: &str) -> Behaviour {
        match aggregator {
            "onemoney" => self.onemoney,
            "finvu" => self.finvu,
            "anumati" => self.anumati,
            _ => Behaviour::NotRegistered,
        }
    }
}

/// Whether the text has the form of a mobile number.
pub(crate) fn is_mobile_number(text: &str) -> bool {
    text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit())
}

const fn person(
    mobile: &'static str,
    description: &'static str,
    [onemoney, finvu, anumati]: [Behaviour; 3],
) -> Person {
    Person {
        mobile,
        description,
        onemoney,
        finvu,
        anumati,
        profile_check: ProfileCheck::Answers,
        session_start: SessionStart::Opens,
    }
}

use Behaviour::{Fails, Linked, LinkedSlowly, NotRegistered, Registered, Silent};

/// All people of the sandbox.
pub const PEOPLE: &[Person] = &[
    person(
        "9000000001",
        "registered, with linked accounts",
        [Linked, NotRegistered, NotRegistered],
    ),
    person(
        "9000000002",
        "registered, no linked accounts",
        [Registered, NotRegistered, NotRegistered],
    ),
    person(
        "9000000003",
        "unknown everywhere",
        [NotRegistered, NotRegistered, NotRegistered],
    ),
    person(
        "9000000004",
        "one aggregator never answers",
        [Linked, NotRegistered, Silent],
    ),
    person(
        "9000000005",
        "one aggregator fails",
        [Linked, Fails, NotRegistered],
    ),
    person(
        "9000000006",
        "undetermined everywhere",
        [Silent, Fails, Silent],
    ),
    Person {
        profile_check: ProfileCheck::NoActiveAggregators,
        ..person(
            "9000000007",
            "no active aggregators",
            [NotRegistered, NotRegistered, NotRegistered],
        )
    },
    person(
        "9000000008",
        "one aggregator is slow, inside its limit",
        [LinkedSlowly, NotRegistered, NotRegistered],
    ),
    Person {
        session_start: SessionStart::RefusedInside200,
        ..person(
            "9000000009",
            "Finpass refuses inside an HTTP 200",
            [Linked, NotRegistered, NotRegistered],
        )
    },
    Person {
        session_start: SessionStart::Breaks,
        ..person(
            "9000000010",
            "Finpass breaks",
            [Linked, NotRegistered, NotRegistered],
        )
    },
];

/// The person with this number. A number that is a [script](crate::MobileScript) has accounts linked at onemoney; any other one
/// that is not in the table belongs to a person unknown everywhere.
pub fn find(mobile: &str) -> Person {
    let listed = PEOPLE.iter().find(|person| person.mobile == mobile);
    match (listed, MobileScript::of(mobile)) {
        (Some(person), _) => *person,
        (None, Some(script)) if script.journey == journey::FLAKY_AA => FLAKY,
        (None, Some(_)) => SCRIPTED,
        (None, None) => STRANGER,
    }
}

/// Whose bank accounts the number of an archetype in a [script](crate::MobileScript) stands for, in a few words. There are twenty;
/// from 20 on they repeat: 25 is as 05, with other names.
pub fn archetype(number: u8) -> Option<&'static str> {
    bank::name(number)
}

/// Whether this number is in the table.
pub(crate) fn is_listed(mobile: &str) -> bool {
    PEOPLE.iter().any(|person| person.mobile == mobile)
}

const SCRIPTED: Person = person(
    "",
    "as the number says",
    [Linked, NotRegistered, NotRegistered],
);

const FLAKY: Person = person("", "as the number says", [Linked, Fails, Silent]);

const STRANGER: Person = person(
    "",
    "anybody else",
    [NotRegistered, NotRegistered, NotRegistered],
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_table_is_the_table() {
        let rows: Vec<String> = PEOPLE
            .iter()
            .map(|p| {
                format!(
                    "| {} | {} | {} | {} | {} | {} | {} |",
                    p.mobile,
                    p.description,
                    p.onemoney.as_str(),
                    p.finvu.as_str(),
                    p.anumati.as_str(),
                    p.profile_check.as_str(),
                    p.session_start.as_str(),
                )
            })
            .collect();
        let documented = |text: &str, prefix: &str| -> Vec<String> {
            text.lines()
                .filter_map(|line| line.strip_prefix(prefix))
                .filter(|line| line.starts_with("| 90"))
                .map(str::to_owned)
                .collect()
        };
        assert_eq!(documented(include_str!("people.rs"), "//! "), rows);
        assert_eq!(documented(include_str!("../../README.md"), ""), rows);
    }

    #[test]
    fn a_script_is_linked_at_onemoney_and_finpass_opens_a_session() {
        let scripted = find("9001000007");
        let at = ["onemoney", "finvu", "anumati"].map(|name| scripted.at(name));
        assert_eq!(at, [Linked, NotRegistered, NotRegistered]);
        assert_eq!(scripted.session_start, SessionStart::Opens);
        assert_eq!(find("900100000").at("onemoney"), NotRegistered);
    }

    #[test]
    fn strangers_are_unknown_everywhere() {
        let stranger = find("9123456789");
        assert_eq!(stranger.at("onemoney"), Behaviour::NotRegistered);
        assert_eq!(stranger.session_start, SessionStart::Opens);
        let at = |mobile: &str| ["onemoney", "finvu", "anumati"].map(|aa| find(mobile).at(aa));
        assert_eq!(at("9001000000"), [Linked, NotRegistered, NotRegistered]);
        assert_eq!(at("9001150000"), [Linked, Fails, Silent]);
    }
}
