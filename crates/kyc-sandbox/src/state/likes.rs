//! Names for what a scripted number says, and people who are invented by them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::store::Room;
use super::{MobileScript, bank, journey};

/// The place of a name's digits in a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Digits {
    Journey(u8),
    Webhook(u8),
    Data(u8),
}

use Digits::{Data, Journey, Webhook};

/// Whom somebody is like, by which digits, and what they do.
type Like = (&'static str, Digits, &'static str);

const LIKES: &[Like] = &[
    ("approve", Journey(journey::APPROVE), "approves everything"),
    (
        "slow",
        Journey(journey::SLOW),
        "approves, and takes 90 s for each step",
    ),
    (
        "partial",
        Journey(journey::PARTIAL),
        "shares one of three accounts",
    ),
    ("deny", Journey(journey::DENY), "rejects"),
    (
        "cancel",
        Journey(journey::CANCEL),
        "leaves, and the link works again",
    ),
    (
        "abandon",
        Journey(journey::ABANDON),
        "stops after signing in",
    ),
    ("expire", Journey(journey::EXPIRE), "does not open the link"),
    (
        "revoke-later",
        Journey(journey::REVOKE_LATER),
        "approves, and revokes on the seventh day",
    ),
    (
        "pause",
        Journey(journey::PAUSE),
        "approves, pauses on the third day and resumes on the fifth",
    ),
    (
        "run-out",
        Journey(journey::RUN_OUT),
        "approves, and the consent runs until its validity ends",
    ),
    (
        "otp-thrice",
        Journey(journey::OTP_THRICE),
        "types three wrong passwords",
    ),
    ("otp-none", Journey(journey::OTP_NONE), "gets no password"),
    (
        "no-account-here",
        Journey(journey::NO_ACCOUNT_HERE),
        "has no account at the bank",
    ),
    (
        "no-account-anywhere",
        Journey(journey::NO_ACCOUNT_ANYWHERE),
        "has no account at any bank",
    ),
    (
        "bank-error",
        Journey(journey::BANK_ERROR),
        "has a bank that does not answer",
    ),
    (
        "flaky-aa",
        Journey(journey::FLAKY_AA),
        "has one aggregator that fails and one that is silent",
    ),
    (
        "aa-down-twice",
        Journey(journey::AA_DOWN_TWICE),
        "is asked for in vain twice",
    ),
    ("joint", Journey(journey::JOINT), "has a joint account only"),
    (
        "needs-pan",
        Journey(journey::NEEDS_PAN),
        "has a bank that needs PAN and date of birth",
    ),
    (
        "back-twice",
        Journey(journey::BACK_TWICE),
        "approves, and comes back twice",
    ),
    (
        "no-digilocker",
        Journey(journey::NO_DIGILOCKER),
        "has no account at DigiLocker",
    ),
    (
        "no-e-aadhaar",
        Journey(journey::NO_E_AADHAAR),
        "has no e-Aadhaar",
    ),
    (
        "no-pan-document",
        Journey(journey::NO_PAN_DOCUMENT),
        "has no PAN document",
    ),
    (
        "ticks-none",
        Journey(journey::TICKS_NONE),
        "allows no document",
    ),
    (
        "code-late",
        Journey(journey::CODE_LATE),
        "comes back with a code that is too old",
    ),
    (
        "issuer-down",
        Journey(journey::ISSUER_DOWN),
        "has an issuer that fails twice",
    ),
    ("webhook-twice", Webhook(1), "webhooks come twice"),
    (
        "webhook-reordered",
        Webhook(2),
        "webhooks come in another order",
    ),
    ("webhook-never", Webhook(3), "webhooks do not come"),
    ("webhook-late", Webhook(4), "webhooks come after two hours"),
    (
        "webhook-forged",
        Webhook(5),
        "a forged webhook comes before the genuine one",
    ),
    (
        "webhook-old-secret",
        Webhook(6),
        "webhooks are signed with the secret that was replaced",
    ),
    (
        "webhook-insists",
        Webhook(7),
        "webhooks come three times, though accepted",
    ),
    (
        "webhook-strange",
        Webhook(8),
        "a webhook of an unknown kind comes before the genuine one",
    ),
    ("data-partial", Data(1), "data of the first account only"),
    ("data-pending", Data(2), "data after five minutes"),
    ("data-failed", Data(3), "data fails"),
    ("data-expired", Data(4), "the data session expires"),
    ("data-denied", Data(5), "data is denied"),
    ("data-gone", Data(6), "data is deleted after an hour"),
    ("data-stuck", Data(7), "data is pending for ever"),
    (
        "data-odd",
        Data(8),
        "amounts are texts for numbers and numbers for texts",
    ),
    ("data-huge", Data(9), "10 MB of data"),
];

/// Why nobody is invented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotInvented {
    /// No such name: the place of the wrong one, from 1, and those that there are.
    Like { place: usize, choices: String },
    /// Two names that say something about the same.
    Twice(&'static str, &'static str),
    /// No such archetype: those that there are.
    Archetype(String),
}

impl MobileScript {
    /// The script of somebody who is like all of these, with the accounts of this archetype, by its number or its name.
    pub(crate) fn like(names: &[&str], archetype: Option<&str>) -> Result<Self, NotInvented> {
        let (mut journey, mut webhook, mut data) = (None, None, None);
        for (place, name) in (1..).zip(names) {
            let Some((known, digits, _)) = LIKES.iter().find(|(known, ..)| known == name) else {
                let choices = likes();
                return Err(NotInvented::Like { place, choices });
            };
            let (said, value) = match digits {
                Journey(value) => (&mut journey, value),
                Webhook(value) => (&mut webhook, value),
                Data(value) => (&mut data, value),
            };
            if let Some((_, before)) = said.replace((*value, *known)) {
                return Err(NotInvented::Twice(before, known));
            }
        }
        let value = |said: Option<(u8, &str)>| said.map_or(0, |(value, _)| value);
        let archetype = match archetype {
            None => 0,
            Some(text) => archetype_of(text).ok_or_else(|| NotInvented::Archetype(archetypes()))?,
        };
        Ok(Self {
            journey: value(journey),
            webhook: value(webhook),
            data: value(data),
            archetype,
        })
    }

    /// The scripts that say the same, this one first.
    fn alike(self) -> impl Iterator<Item = Self> {
        let webhooks = match self.webhook {
            // As 0.
            0 => vec![0, 9],
            webhook => vec![webhook],
        };
        webhooks.into_iter().flat_map(move |webhook| {
            // They repeat after the last.
            let archetypes = (self.archetype..100).step_by(bank::archetypes().len().max(1));
            archetypes.map(move |archetype| Self {
                webhook,
                archetype,
                ..self
            })
        })
    }

    /// What this person does at an account aggregator, then what becomes of webhooks and data where the number says it, and whose
    /// bank accounts these are: in words.
    pub fn words(self) -> Vec<String> {
        let said = |like: Option<&Like>| like.map(|(.., words)| (*words).to_owned());
        let [journey, webhook, data] = self.likes();
        let journey = journey.or_else(|| like_of(Journey(journey::APPROVE)));
        let has_none = matches!(
            self.journey,
            journey::NO_ACCOUNT_HERE | journey::NO_ACCOUNT_ANYWHERE
        );
        let accounts = bank::name(self.archetype).filter(|_| !has_none);
        let accounts = accounts.map(|name| format!("accounts: {name}"));
        [said(journey), said(webhook), said(data), accounts]
            .into_iter()
            .flatten()
            .collect()
    }

    /// The names for what the digits of the journey, of webhooks and of data say; `None` where they say nothing of their own.
    pub(crate) fn names(self) -> [Option<&'static str>; 3] {
        self.likes().map(|like| like.map(|(name, ..)| *name))
    }

    fn likes(self) -> [Option<&'static Like>; 3] {
        [
            Journey(self.journey),
            Webhook(self.webhook),
            Data(self.data),
        ]
        .map(like_of)
    }
}

fn like_of(digits: Digits) -> Option<&'static Like> {
    LIKES.iter().find(|(_, of, _)| *of == digits)
}

fn likes() -> String {
    let names: Vec<&str> = LIKES.iter().map(|(name, ..)| *name).collect();
    names.join(", ")
}

fn archetype_of(text: &str) -> Option<u8> {
    let number: Option<u8> = text.parse().ok();
    let is = |(of, name): &(u8, &str)| Some(*of) == number || *name == text;
    bank::archetypes().find(is).map(|(number, _)| number)
}

fn archetypes() -> String {
    let all: Vec<String> = bank::archetypes()
        .map(|(number, name)| format!("{number:02} {name}"))
        .collect();
    all.join(", ")
}

/// How many people are invented at most.
const PEOPLE: usize = 1_000;

/// A person who was invented while the sandbox runs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Invented {
    pub(crate) mobile: String,
    pub(crate) script: MobileScript,
    /// What whoever asked for the person calls it.
    pub(crate) name: Option<String>,
}

/// The people who were invented, oldest first.
#[derive(Debug)]
pub(crate) struct InventedPeople {
    room: Room,
    people: Mutex<Vec<Invented>>,
}

impl InventedPeople {
    /// Those that were kept in the room.
    pub(crate) fn new(room: Room) -> Self {
        let kept = room.take::<String, Invented>().into_iter();
        Self {
            people: Mutex::new(kept.map(|(_, person)| person).collect()),
            room,
        }
    }

    /// Invents a person with a number of its own. `None` if all numbers that say this are taken.
    pub(crate) fn invent(
        &self,
        script: MobileScript,
        name: Option<String>,
        is_used: impl Fn(&str) -> bool,
    ) -> Option<Invented> {
        let mut people = self.lock();
        let is_taken = |mobile: &str| people.iter().any(|one| one.mobile == mobile);
        let mut numbers = script.alike().map(|alike| (alike.mobile(), alike));
        let (mobile, script) = numbers.find(|(mobile, _)| !is_taken(mobile) && !is_used(mobile))?;
        let invented = Invented {
            mobile,
            script,
            name,
        };
        if people.len() >= PEOPLE {
            return None;
        }
        self.room.put(&invented.mobile, &invented);
        people.push(invented.clone());
        Some(invented)
    }

    pub(crate) fn all(&self) -> Vec<Invented> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Invented>> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_make_a_number_and_a_number_says_what_the_person_does() {
        let script = MobileScript::like(&["deny", "data-huge", "webhook-twice"], Some("05"));
        let script = script.unwrap();
        assert_eq!(script.mobile(), "9001031905");
        let words = script.words();
        assert_eq!(words.len(), 4, "{words:?}");
        assert_eq!(
            (words[0].as_str(), words[3].as_str()),
            ("rejects", "accounts: circular")
        );
        let none = MobileScript::like(&["no-account-anywhere"], Some("05")).unwrap();
        assert_eq!(none.words(), ["has no account at any bank"]);
        let plain = MobileScript::like(&[], None).unwrap();
        assert_eq!(plain.mobile(), "9001000000");
        for archetype in ["5", "circular"] {
            let script = MobileScript::like(&["approve"], Some(archetype)).unwrap();
            assert_eq!(script.mobile(), "9001000005");
        }
    }

    #[test]
    fn what_is_not_there_is_refused_with_what_is() {
        for (names, wrong) in [(&["approves"][..], 1), (&["deny", "no"], 2), (&[""], 1)] {
            let Err(NotInvented::Like { place, choices }) = MobileScript::like(names, None) else {
                unreachable!("{names:?}");
            };
            assert_eq!(place, wrong);
            assert!(choices.starts_with("approve, slow, ") && choices.ends_with("data-huge"));
        }
        assert_eq!(
            MobileScript::like(&["webhook-twice", "deny", "slow"], None),
            Err(NotInvented::Twice("deny", "slow"))
        );
        for archetype in ["20", "x", "", "-1"] {
            let Err(NotInvented::Archetype(choices)) = MobileScript::like(&[], Some(archetype))
            else {
                unreachable!("{archetype}");
            };
            assert!(choices.starts_with("00 steady, ") && choices.contains("05 circular"));
        }
    }

    #[test]
    fn each_person_has_a_number_of_its_own_that_says_the_same() {
        let people = InventedPeople::new(Room::default());
        let script = MobileScript::like(&["deny"], Some("05")).unwrap();
        let invent = || people.invent(script, None, |mobile| mobile == "9001030005");
        let numbers: Vec<_> = std::iter::from_fn(invent).collect();
        assert_eq!(numbers[0].mobile, "9001030025", "the first is used");
        assert_eq!(numbers.len(), 9);
        for one in &numbers {
            assert_eq!(one.script.words(), script.words(), "{one:?}");
            assert_eq!(MobileScript::of(&one.mobile), Some(one.script));
            let same = people.all();
            let same = same.iter().filter(|other| other.mobile == one.mobile);
            assert_eq!(same.count(), 1);
        }
        let late = MobileScript::like(&["webhook-late"], None).unwrap();
        assert_eq!(late.alike().count(), 5);
    }

    #[test]
    fn the_documented_names_are_the_names() {
        let readme = include_str!("../../README.md");
        for (name, ..) in LIKES {
            assert!(readme.contains(&format!("`{name}`")), "{name}");
        }
    }
}
