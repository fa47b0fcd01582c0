//! DigiLocker: how a person signs in, consents and returns.

use uuid::Uuid;

use super::flow::{OTP, OTP_EXPIRED, OTP_LOCKS};
use super::{MobileScript, PanScript, journey};

const SECOND_MS: i64 = 1_000;
/// How long a person waits before a password is sent again. Own choice.
pub(crate) const RESEND_MS: i64 = 30 * SECOND_MS;
/// How many wrong passwords lock.
const WRONG_LOCK: u8 = 3;

/// A kind of document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum DocumentKind {
    Aadhaar,
    Pan,
    Licence,
}

impl DocumentKind {
    pub(crate) const ALL: [Self; 3] = [Self::Aadhaar, Self::Pan, Self::Licence];

    /// Its name in `doc_types`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Aadhaar => "aadhaar",
            Self::Pan => "pan",
            Self::Licence => "dl",
        }
    }

    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Whose account it is, and what the caller or the person said about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Whose {
    pub(crate) mobile: String,
    pub(crate) pan: Option<PanScript>,
}

impl Whose {
    fn journey(&self) -> Option<u8> {
        MobileScript::of(&self.mobile).map(|script| script.journey)
    }

    fn is(&self, journey: u8) -> bool {
        self.journey() == Some(journey)
    }

    /// Whether the person has an account.
    pub(crate) fn has_account(&self) -> bool {
        !self.is(journey::NO_DIGILOCKER) && self.has_aadhaar_mobile()
    }

    /// Whether an account can be made: the number is linked to Aadhaar. The documented number that is unknown everywhere is not.
    pub(crate) fn has_aadhaar_mobile(&self) -> bool {
        self.mobile != "9000000003"
    }

    /// Whether passwords arrive.
    pub(crate) fn gets_otp(&self) -> bool {
        !self.is(journey::OTP_NONE)
    }

    /// Whether the issuer has this document of the person.
    pub(crate) fn has(&self, kind: DocumentKind) -> bool {
        let no_pan = matches!(self.pan, Some(PanScript::NotLinked | PanScript::Unknown));
        match kind {
            DocumentKind::Aadhaar => !self.is(journey::NO_E_AADHAAR),
            DocumentKind::Pan => !self.is(journey::NO_PAN_DOCUMENT) && !no_pan,
            DocumentKind::Licence => true,
        }
    }

    /// How often the issuers of documents do not answer.
    pub(crate) fn outages(&self) -> u8 {
        match self.is(journey::ISSUER_DOWN) {
            true => 2,
            false => 0,
        }
    }

    fn code_is_dead(&self) -> bool {
        self.is(journey::CODE_LATE)
    }
}

/// Where the person is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Stage {
    /// Has not said who it is.
    SignIn,
    /// Has no account, and may make one.
    SignUp,
    /// Is asked for a password.
    Otp,
    /// Is asked for consent.
    Consent,
    /// Gave too many wrong passwords.
    Locked,
    /// Allowed the documents that are [granted](Authorization::granted).
    Allowed,
    /// Said no.
    Denied,
}

/// What is wrong with a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OtpProblem {
    /// So many more may be wrong.
    Wrong(u8),
    Expired,
    Locked,
}

#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
struct Code {
    text: String,
    made_ms: i64,
}

/// The authorisation of one session.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Authorization {
    /// The kinds that the caller asked for.
    pub(crate) asked: Vec<DocumentKind>,
    pub(crate) opened_ms: i64,
    /// Whose number the caller's request carries, or who signed in.
    pub(crate) whose: Whose,
    pub(crate) stage: Stage,
    /// The kinds that the person allowed.
    pub(crate) granted: Vec<DocumentKind>,
    /// Which browser signed in.
    pub(crate) browser: Option<Uuid>,
    /// What the forms carry.
    pub(crate) form_token: Uuid,
    /// When the last password was sent.
    pub(crate) otp_sent_ms: i64,
    wrong: u8,
    code: Option<Code>,
    /// Whether the caller exchanged the code.
    pub(crate) is_complete: bool,
    /// How often the issuers still do not answer.
    pub(crate) outages: u8,
}

impl Authorization {
    pub(crate) fn new(asked: Vec<DocumentKind>, whose: Whose, opened_ms: i64) -> Self {
        let asked = match asked.is_empty() {
            true => DocumentKind::ALL.to_vec(),
            false => DocumentKind::ALL
                .into_iter()
                .filter(|kind| asked.contains(kind))
                .collect(),
        };
        Self {
            asked,
            opened_ms,
            outages: whose.outages(),
            whose,
            stage: Stage::SignIn,
            granted: Vec::new(),
            browser: None,
            // Not of the ids that replies have.
            form_token: Uuid::new_v4(),
            otp_sent_ms: opened_ms,
            wrong: 0,
            code: None,
            is_complete: false,
        }
    }

    /// Whether the person has said yes or no.
    pub(crate) fn is_answered(&self) -> bool {
        matches!(self.stage, Stage::Allowed | Stage::Denied)
    }

    /// Whether the person acted by script, in no browser.
    pub(crate) fn is_by_script(&self) -> bool {
        self.browser == Some(Uuid::nil())
    }

    /// The kinds that were asked for and that the issuers have.
    pub(crate) fn available(&self) -> Vec<DocumentKind> {
        let asked = self.asked.iter().copied();
        asked.filter(|kind| self.whose.has(*kind)).collect()
    }

    /// The person says who it is, in this browser; also after another one did. `false` once it was answered or locked.
    pub(crate) fn choose(&mut self, now_ms: i64, mobile: &str, browser: Uuid) -> bool {
        if self.is_answered() || self.stage == Stage::Locked {
            return false;
        }
        self.whose.mobile = mobile.to_owned();
        self.outages = self.whose.outages();
        self.browser = Some(browser);
        self.otp_sent_ms = now_ms;
        self.wrong = 0;
        self.stage = match self.whose.has_account() {
            true => Stage::Otp,
            false => Stage::SignUp,
        };
        true
    }

    /// The person makes an account. `false` where that cannot be.
    pub(crate) fn sign_up(&mut self, now_ms: i64) -> bool {
        let can = self.stage == Stage::SignUp && self.whose.has_aadhaar_mobile();
        if can {
            self.stage = Stage::Otp;
            self.otp_sent_ms = now_ms;
        }
        can
    }

    /// Another password is sent. `false` before the last one is old enough.
    pub(crate) fn resend(&mut self, now_ms: i64) -> bool {
        let can = self.stage == Stage::Otp && now_ms >= self.otp_sent_ms.saturating_add(RESEND_MS);
        if can {
            self.otp_sent_ms = now_ms;
        }
        can
    }

    /// The person gives a password or a PIN.
    pub(crate) fn verify(&mut self, otp: &str) -> Result<(), OtpProblem> {
        if self.stage == Stage::Otp && otp == OTP && self.whose.gets_otp() {
            self.stage = Stage::Consent;
            return Ok(());
        }
        if otp == OTP_EXPIRED {
            return Err(OtpProblem::Expired);
        }
        self.wrong = match otp {
            OTP_LOCKS => WRONG_LOCK,
            _ => self.wrong.saturating_add(1),
        };
        match WRONG_LOCK.saturating_sub(self.wrong) {
            0 => {
                self.stage = Stage::Locked;
                Err(OtpProblem::Locked)
            }
            left => Err(OtpProblem::Wrong(left)),
        }
    }

    /// The person allows these kinds, as far as they were asked for and are there. `false` if it was not asked.
    pub(crate) fn allow(&mut self, now_ms: i64, ticked: &[DocumentKind], code: String) -> bool {
        if self.stage != Stage::Consent {
            return false;
        }
        let available = self.available().into_iter();
        self.granted = available.filter(|kind| ticked.contains(kind)).collect();
        self.code = Some(Code {
            text: code,
            made_ms: now_ms,
        });
        self.stage = Stage::Allowed;
        true
    }

    /// The person says no. `false` if it was not asked.
    pub(crate) fn deny(&mut self) -> bool {
        let asked = self.stage == Stage::Consent;
        if asked {
            self.stage = Stage::Denied;
        }
        asked
    }

    /// The code with which the person returns.
    pub(crate) fn code(&self) -> Option<&str> {
        self.code.as_ref().map(|code| code.text.as_str())
    }

    /// Whether this code completes the authorisation now, where the person's own is needed.
    pub(crate) fn takes(&self, code: &str, now_ms: i64, lifetime_ms: i64) -> bool {
        let is_alive = |made: &Code| {
            !self.whose.code_is_dead() && now_ms.saturating_sub(made.made_ms) <= lifetime_ms
        };
        let made = self.code.as_ref();
        made.is_some_and(|made| made.text == code && is_alive(made))
    }

    /// The caller exchanged the code. Where nobody acted on the way, everything that was asked for is allowed.
    pub(crate) fn complete(&mut self) {
        if self.stage != Stage::Allowed {
            self.granted = self.available();
        }
        self.is_complete = true;
    }

    /// When a scripted person acts after the session was opened, in milliseconds; never for one that does not come.
    pub(crate) fn acts_after_ms(&self) -> Option<i64> {
        match self.whose.journey()? {
            journey::SLOW => Some(600 * SECOND_MS),
            journey::CANCEL | journey::EXPIRE => None,
            _ => Some(0),
        }
    }

    /// The person acts by script, with this code, unless somebody signed in before.
    pub(crate) fn act(&mut self, now_ms: i64, code: String) -> bool {
        let mobile = self.whose.mobile.clone();
        if self.stage != Stage::SignIn || !self.choose(now_ms, &mobile, Uuid::nil()) {
            return false;
        }
        self.sign_up(now_ms);
        match self.whose.journey().unwrap_or_default() {
            journey::OTP_THRICE => {
                // The third one locks.
                let _problems = [(); 3].map(|()| self.verify("111111"));
            }
            journey::OTP_NONE => {}
            journey => {
                // Right at once.
                let _verified = self.verify(OTP);
                match journey {
                    journey::ABANDON => {}
                    journey::DENY => {
                        self.deny();
                    }
                    journey::TICKS_NONE => {
                        self.allow(now_ms, &[], code);
                    }
                    journey::PARTIAL => {
                        self.allow(now_ms, &[DocumentKind::Aadhaar], code);
                    }
                    _ => {
                        self.allow(now_ms, &DocumentKind::ALL, code);
                    }
                }
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(mobile: &str) -> Authorization {
        let whose = Whose {
            mobile: mobile.to_owned(),
            pan: None,
        };
        Authorization::new(Vec::new(), whose, 0)
    }

    #[test]
    fn each_step_is_taken_in_its_place_only() {
        let mut person = of("");
        assert!(!person.deny() && !person.allow(0, &DocumentKind::ALL, String::new()));
        assert!(!person.sign_up(0) && !person.resend(RESEND_MS));
        assert!(person.choose(0, "9001000000", Uuid::nil()));
        assert!(!person.resend(RESEND_MS - 1) && person.resend(RESEND_MS));
        assert_eq!(person.verify(OTP), Ok(()));
        assert!(person.allow(1, &[DocumentKind::Pan], "c".to_owned()));
        assert!(!person.deny() && !person.choose(0, "9001000000", Uuid::nil()));
        assert_eq!(
            (person.code(), person.granted.as_slice()),
            (Some("c"), [DocumentKind::Pan].as_slice())
        );
        assert!(person.takes("c", 11, 10) && !person.takes("c", 12, 10));
        assert!(!person.takes("d", 11, 10));
    }

    #[test]
    fn three_wrong_passwords_lock_and_one_locks_at_once() {
        let mut person = of("");
        person.choose(0, "9001000000", Uuid::nil());
        assert_eq!(person.verify("1"), Err(OtpProblem::Wrong(2)));
        assert_eq!(person.verify(OTP_EXPIRED), Err(OtpProblem::Expired));
        assert_eq!(person.verify(""), Err(OtpProblem::Wrong(1)));
        assert_eq!(person.verify("1"), Err(OtpProblem::Locked));
        assert!(!person.choose(0, "9001000000", Uuid::nil()));
        let mut person = of("");
        person.choose(0, "9001000000", Uuid::nil());
        assert_eq!(person.verify(OTP_LOCKS), Err(OtpProblem::Locked));
        assert_eq!(person.stage, Stage::Locked);
    }

    #[test]
    fn scripted_people_act_as_their_numbers_say() {
        use DocumentKind::{Aadhaar, Licence, Pan};
        use Stage::{Allowed, Consent, Denied, Locked, Otp, SignIn};

        for (mobile, after_ms, stage, granted) in [
            (
                "9001000000",
                Some(0),
                Allowed,
                [Aadhaar, Pan, Licence].as_slice(),
            ),
            (
                "9001010000",
                Some(600_000),
                Allowed,
                &[Aadhaar, Pan, Licence],
            ),
            ("9001020000", Some(0), Allowed, &[Aadhaar]),
            ("9001030000", Some(0), Denied, &[]),
            ("9001040000", None, SignIn, &[]),
            ("9001050000", Some(0), Consent, &[]),
            ("9001060000", None, SignIn, &[]),
            ("9001100000", Some(0), Locked, &[]),
            ("9001110000", Some(0), Otp, &[]),
            ("9001300000", Some(0), Allowed, &[Aadhaar, Pan, Licence]),
            ("9001310000", Some(0), Allowed, &[Pan, Licence]),
            ("9001320000", Some(0), Allowed, &[Aadhaar, Licence]),
            ("9001330000", Some(0), Allowed, &[]),
        ] {
            let mut person = of(mobile);
            assert_eq!(person.acts_after_ms(), after_ms, "{mobile}");
            if after_ms.is_some() {
                person.act(0, "c".to_owned());
            }
            assert_eq!(
                (person.stage, person.granted.as_slice()),
                (stage, granted),
                "{mobile}"
            );
        }
        assert_eq!(of("9000000001").acts_after_ms(), None);
        let mut late = of("9001340000");
        late.act(0, "c".to_owned());
        assert!(!late.takes("c", 0, 10));
        assert_eq!(of("9001350000").outages, 2);
    }
}
