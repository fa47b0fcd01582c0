//! What people with a script in their number do at an account aggregator.

use super::flow::{Action, Bank, BankAnswer, Flow, IDLE_MS, OTP, Reason, Screen};
use super::{AggregatorConsentStatus, Bounded, MobileScript, journey};

const SECOND_MS: i64 = 1000;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// How long a slow person takes for each step.
const SLOW_MS: i64 = 90 * SECOND_MS;
/// An invented PAN: nobody has its serial number.
const PAN: &str = "AAAPA0000A";
const BORN: &str = "1990-01-31";

impl MobileScript {
    /// What the person does next, and after how many milliseconds.
    pub(crate) fn next_action(self, flow: &Flow) -> Option<(i64, Action)> {
        let action = match flow.screen {
            _ if self.journey == journey::EXPIRE => return None,
            Screen::Start if !flow.opened => Action::Open,
            Screen::Start if self.journey == journey::CANCEL => Action::Leave,
            Screen::Start => Action::ConfirmMobile {
                mobile: flow.mobile.to_string(),
                browser: None,
            },
            Screen::Otp if self.journey == journey::OTP_NONE => {
                return Some((IDLE_MS, Action::Idle));
            }
            Screen::Otp if self.journey == journey::OTP_THRICE => Action::Otp("111111".to_owned()),
            Screen::Banks if self.journey == journey::ABANDON => return None,
            // Nothing was found.
            Screen::Banks if flow.problem.is_some() => Action::Leave,
            Screen::Banks => Action::ChooseBanks {
                banks: match self.journey {
                    journey::NO_ACCOUNT_HERE => vec![0],
                    _ => flow.chosen.iter().collect(),
                },
                pan: PAN.to_owned(),
                born: BORN.to_owned(),
            },
            Screen::Accounts if flow.ticked.is_empty() => Action::Leave,
            Screen::Accounts => {
                let links = flow.ticked.iter().take(match self.journey {
                    journey::PARTIAL => 1,
                    _ => usize::MAX,
                });
                Action::TickAccounts(links.cloned().collect())
            }
            Screen::Otp => Action::Otp(OTP.to_owned()),
            Screen::BankOtp => Action::BankOtp(OTP.to_owned()),
            Screen::Review if self.journey == journey::DENY => Action::Reject,
            Screen::Review => Action::Approve((0..flow.consents).collect()),
            Screen::Reason => Action::Because(Reason::NotWilling),
            Screen::Mine | Screen::Done => return None,
        };
        let step = match self.journey {
            journey::SLOW => SLOW_MS,
            _ => SECOND_MS,
        };
        Some((step, action))
    }

    /// What the person does with a consent that was given, and after how many milliseconds.
    pub(crate) fn later(self) -> Vec<(i64, AggregatorConsentStatus)> {
        let days = |days: i64| DAY_MS.saturating_mul(days);
        match self.journey {
            journey::REVOKE_LATER => vec![(days(7), AggregatorConsentStatus::Revoked)],
            journey::PAUSE => vec![
                (days(3), AggregatorConsentStatus::Paused),
                (days(5), AggregatorConsentStatus::Active),
            ],
            _ => Vec::new(),
        }
    }

    /// Whether nothing is said any more about a consent that the person left undecided.
    pub(crate) fn is_silent(self) -> bool {
        self.journey == journey::ABANDON
    }

    /// Whether one-time passwords reach the person.
    pub(crate) fn sends_otp(self) -> bool {
        self.journey != journey::OTP_NONE
    }

    /// Whether the person's only account is a joint one.
    pub(crate) fn is_joint(self) -> bool {
        self.journey == journey::JOINT
    }

    /// How many accounts the person needs beside these, so that some of them can be shared or delivered and others not.
    pub(crate) fn more_accounts(self, own: usize) -> usize {
        let needed: usize = match (self.journey, self.data) {
            (journey::PARTIAL, _) => 3,
            (_, 1) => 2,
            _ => 0,
        };
        needed.saturating_sub(own)
    }

    /// Whether an aggregator is down for this person this time; counts the times in `refused`.
    pub(crate) fn is_down(self, refused: &Bounded<String, u8>, mobile: &str) -> bool {
        if self.journey != journey::AA_DOWN_TWICE {
            return false;
        }
        let mut is_down = false;
        refused.update(mobile.to_owned(), |times| {
            let times = times.copied().unwrap_or_default();
            is_down = times < 2;
            times.saturating_add(u8::from(is_down))
        });
        is_down
    }

    /// Lets the banks answer as the person's journey needs.
    pub(crate) fn arrange(self, banks: &mut Vec<Bank>) {
        match self.journey {
            journey::NO_ACCOUNT_HERE | journey::NO_ACCOUNT_ANYWHERE => {
                for bank in banks.iter_mut() {
                    bank.accounts.clear();
                }
                if self.journey == journey::NO_ACCOUNT_ANYWHERE && banks.len() == 1 {
                    banks.push(Bank {
                        fip_id: "OTHER-FIP".to_owned(),
                        answer: BankAnswer::Found,
                        accounts: Vec::new(),
                    });
                }
            }
            journey::BANK_ERROR => banks
                .iter_mut()
                .for_each(|bank| bank.answer = BankAnswer::Fails),
            journey::NEEDS_PAN => banks
                .iter_mut()
                .for_each(|bank| bank.answer = BankAnswer::NeedsIdentity),
            _ => {}
        }
    }
}
