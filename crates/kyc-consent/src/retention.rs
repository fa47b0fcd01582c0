//! How long what is kept, what a withdrawal erases, and what stops an erasure. Pure.

use jiff::{Span, Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::ids::{Code, HoldId, Subject};

/// A class of data. Each person's data of a class has a key of its own, and is erased by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Class {
    /// The bodies of the ledger's entries. Kept for 7 years, the term of consent managers, by choice.
    Ledger,
    /// The record of an identity. Kept for 5 years after the relationship, by the rules on money laundering.
    Identity,
    /// Account data from an aggregator. Kept no longer than its artefact's data life.
    AccountData,
    /// Documents, and e-Aadhaar in masked form. Kept for 5 years at most.
    Documents,
    /// What providers said: replies and webhooks. Kept for a year, by Rule 8.
    Evidence,
    /// Links, codes and tokens. Kept until what they open has ended.
    Transient,
}

impl Class {
    /// All classes, in the order of the numbers that are stored.
    pub const ALL: [Self; 6] = [
        Self::Ledger,
        Self::Identity,
        Self::AccountData,
        Self::Documents,
        Self::Evidence,
        Self::Transient,
    ];

    /// The number that is stored and sealed, from 1.
    pub const fn number(self) -> u8 {
        (self as u8).saturating_add(1)
    }

    /// The class of this number.
    pub fn from_number(number: u8) -> Option<Self> {
        let index = usize::from(number).checked_sub(1)?;
        Self::ALL.get(index).copied()
    }

    /// How long it has to be kept whatever the person says.
    fn floor(self) -> Option<Floor> {
        match self {
            Self::Ledger => Some(Floor {
                years: 7,
                after_relationship: false,
                term: Term::ConsentRecord,
            }),
            Self::Identity => Some(Floor {
                years: 5,
                after_relationship: true,
                term: Term::Pmla,
            }),
            Self::AccountData | Self::Documents | Self::Evidence | Self::Transient => None,
        }
    }

    /// Whether withdrawing consent erases it, unless it is held.
    pub const fn is_erased_by_withdrawal(self) -> bool {
        !matches!(self, Self::Ledger | Self::Identity)
    }

    /// After how many years it has to be erased; `None` where another event ends it, or nothing does.
    pub const fn ceiling_years(self) -> Option<i16> {
        match self {
            Self::Documents => Some(5),
            Self::Evidence => Some(1),
            Self::Ledger | Self::Identity | Self::AccountData | Self::Transient => None,
        }
    }
}

struct Floor {
    years: i16,
    after_relationship: bool,
    term: Term,
}

/// Somebody's order to keep a class of data, for a reason and perhaps until a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// Its id, by which it is released.
    pub id: HoldId,
    /// Whose data.
    pub subject: Subject,
    /// Which class.
    pub class: Class,
    /// Why, such as `court-order`.
    pub reason: Code,
    /// Who ordered it, such as `legal-team`.
    pub by: Code,
    /// Until when; until it is released if `None`.
    pub until: Option<Timestamp>,
}

impl Hold {
    /// Whether it still holds.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// Why data is to be erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErasureReason {
    /// The person withdrew consent.
    Withdrawal,
    /// The person asked for erasure.
    Request,
    /// Its time is over: the data life of an artefact, the end of a term.
    TermOver,
}

/// What is known when an erasure is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Circumstances {
    /// Why it is to be erased.
    pub reason: ErasureReason,
    /// The time.
    pub now: Timestamp,
    /// When the relationship with the person ended; `None` if it has not, or nobody knows.
    pub relationship_ended: Option<Timestamp>,
}

/// A class that was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erased {
    /// The class.
    pub class: Class,
    /// Since when there was data of it.
    pub since: Timestamp,
}

/// A class that was kept, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptClass {
    /// The class.
    pub class: Class,
    /// What keeps it.
    pub by: KeptBy,
    /// Until when; `None` if that is open.
    pub until: Option<Timestamp>,
}

/// What keeps data from being erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum KeptBy {
    /// A hold, for this reason, ordered by this office.
    Hold {
        /// Which one.
        id: HoldId,
        /// Why.
        reason: Code,
        /// Who ordered it.
        by: Code,
    },
    /// A term.
    Term(Term),
    /// Another receipt that is still live.
    LiveReceipt,
}

/// A term for which a class is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Term {
    /// 7 years for records of consent, as for consent managers.
    ConsentRecord,
    /// 5 years after the end of the relationship, by the rules under the Prevention of Money Laundering Act.
    Pmla,
}

/// Decides about one class of one person's data, which there has been since `since`. A hold counts before a term.
pub fn decide(
    class: Class,
    since: Timestamp,
    holds: &[Hold],
    circumstances: &Circumstances,
) -> Result<Erased, KeptClass> {
    let now = circumstances.now;
    let live = |hold: &&Hold| hold.class == class && hold.is_live(now);
    // The one that holds longest; an open one is longer than any other.
    let longest = holds
        .iter()
        .filter(live)
        .max_by_key(|hold| (hold.until.is_none(), hold.until));
    if let Some(hold) = longest {
        return Err(KeptClass {
            class,
            by: KeptBy::Hold {
                id: hold.id,
                reason: hold.reason.clone(),
                by: hold.by.clone(),
            },
            until: hold.until,
        });
    }
    let Some(floor) = class.floor() else {
        return Ok(Erased { class, since });
    };
    let begins = match floor.after_relationship {
        true => circumstances.relationship_ended,
        false => Some(since),
    };
    let until = begins.and_then(|begins| years_after(begins, floor.years));
    match until {
        Some(until) if until <= now => Ok(Erased { class, since }),
        until => Err(KeptClass {
            class,
            by: KeptBy::Term(floor.term),
            until,
        }),
    }
}

/// When data of a class that there has been since `since` has to be erased at the latest; `None` where another event ends it.
pub fn due(class: Class, since: Timestamp) -> Option<Timestamp> {
    years_after(since, class.ceiling_years()?)
}

/// The same day and time some years later, in India.
fn years_after(time: Timestamp, years: i16) -> Option<Timestamp> {
    let india = TimeZone::fixed(jiff::tz::Offset::from_seconds(19_800).ok()?);
    let later = time.to_zoned(india).checked_add(Span::new().years(years));
    later.ok().map(|later| later.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn hold(class: Class, until: Option<&str>) -> Hold {
        Hold {
            id: HoldId::random().unwrap(),
            subject: Subject::from_bytes([0; 16]),
            class,
            reason: Code::new("court-order").unwrap(),
            by: Code::new("legal-team").unwrap(),
            until: until.map(at),
        }
    }

    fn on(now: &str) -> Circumstances {
        Circumstances {
            reason: ErasureReason::Withdrawal,
            now: at(now),
            relationship_ended: None,
        }
    }

    #[test]
    fn a_withdrawal_erases_by_class() {
        let since = at("2026-01-01T00:00:00Z");
        for class in Class::ALL {
            let decided = decide(class, since, &[], &on("2026-02-01T00:00:00Z"));
            assert_eq!(
                decided.is_ok(),
                class.is_erased_by_withdrawal(),
                "{class:?}"
            );
        }
        let kept = decide(Class::Ledger, since, &[], &on("2026-02-01T00:00:00Z")).unwrap_err();
        assert_eq!(kept.until, Some(at("2033-01-01T00:00:00Z")));
        assert_eq!(kept.by, KeptBy::Term(Term::ConsentRecord));
        // The day after, its term is over.
        assert!(decide(Class::Ledger, since, &[], &on("2033-01-01T00:00:00Z")).is_ok());
    }

    #[test]
    fn an_identity_is_kept_until_five_years_after_the_relationship() {
        let since = at("2020-01-01T00:00:00Z");
        let mut circumstances = on("2031-01-01T00:00:00Z");
        let kept = decide(Class::Identity, since, &[], &circumstances).unwrap_err();
        assert_eq!((kept.by, kept.until), (KeptBy::Term(Term::Pmla), None));
        circumstances.relationship_ended = Some(at("2026-06-01T00:00:00Z"));
        let kept = decide(Class::Identity, since, &[], &circumstances).unwrap_err();
        assert_eq!(kept.until, Some(at("2031-06-01T00:00:00Z")));
        circumstances.now = at("2031-06-01T00:00:00Z");
        assert!(decide(Class::Identity, since, &[], &circumstances).is_ok());
    }

    #[test]
    fn a_hold_keeps_any_class_and_the_longest_is_named() {
        let since = at("2020-01-01T00:00:00Z");
        let ended = hold(Class::Documents, Some("2026-01-01T00:00:00Z"));
        let short = hold(Class::Documents, Some("2027-01-01T00:00:00Z"));
        let open = hold(Class::Documents, None);
        let other = hold(Class::Evidence, None);
        let circumstances = on("2026-01-01T00:00:00Z");
        let kept = |holds: &[Hold]| decide(Class::Documents, since, holds, &circumstances);
        assert!(kept(&[]).is_ok());
        assert!(kept(&[ended.clone(), other]).is_ok());
        assert_eq!(
            kept(std::slice::from_ref(&short)).unwrap_err().until,
            short.until
        );
        let by = kept(&[open.clone(), short, ended]).unwrap_err().by;
        let named = KeptBy::Hold {
            id: open.id,
            reason: open.reason,
            by: open.by,
        };
        assert_eq!(by, named);
    }

    #[test]
    fn ceilings_are_by_calendar_years() {
        let leap = at("2024-02-29T00:00:00Z");
        assert_eq!(
            due(Class::Documents, leap),
            Some(at("2029-02-28T00:00:00Z"))
        );
        assert_eq!(due(Class::Evidence, leap), Some(at("2025-02-28T00:00:00Z")));
        assert_eq!(due(Class::Ledger, leap), None);
        for class in Class::ALL {
            assert_eq!(Class::from_number(class.number()), Some(class));
        }
    }
}
