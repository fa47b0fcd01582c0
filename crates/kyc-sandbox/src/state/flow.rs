//! What a person does at an account aggregator, screen by screen. Who asked, and what becomes of the consents, is elsewhere.
//!
//! Steps by page, by script and by command are actions of this one pure flow, on a clock that is moved: what a browser shows is
//! what a script does, and a year passes in one call.

use std::num::NonZeroU16;
use std::sync::Arc;

use uuid::Uuid;

use super::LinkedAccount;

/// The right one-time password.
pub(crate) const OTP: &str = "123456";
/// One that is too old.
pub(crate) const OTP_EXPIRED: &str = "000000";
/// One that locks at once.
pub(crate) const OTP_LOCKS: &str = "999999";
/// Wrong passwords until there is no further one.
const WRONG_OTPS: u8 = 3;
/// How many banks may be chosen.
pub(crate) const BANKS: usize = 6;
/// How long a person who has begun may do nothing.
pub(crate) const IDLE_MS: i64 = 10 * 60 * 1000;

/// What a bank answers when it is asked for a person's accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum BankAnswer {
    /// Its accounts, of which there may be none.
    Found,
    /// Its accounts, once it knows PAN and date of birth.
    NeedsIdentity,
    /// An error.
    Fails,
}

/// A bank that can be chosen.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Bank {
    pub(crate) fip_id: String,
    pub(crate) answer: BankAnswer,
    pub(crate) accounts: Vec<LinkedAccount>,
}

/// Banks of a list by their places, no more than may be chosen. Inline, because a person is kept for long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Places([Option<NonZeroU16>; BANKS]);

impl Places {
    /// The first ones, so many of them.
    pub(crate) fn first(count: usize) -> Self {
        (0..count).collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> {
        // Kept as numbers from 1.
        let numbers = self.0.iter().flatten();
        numbers.map(|number| usize::from(number.get()).saturating_sub(1))
    }

    pub(crate) fn contains(&self, at: usize) -> bool {
        self.iter().any(|known| known == at)
    }

    fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

/// What has no room is left out.
impl FromIterator<usize> for Places {
    fn from_iter<I: IntoIterator<Item = usize>>(places: I) -> Self {
        let mut all = Self::default();
        for (room, at) in all.0.iter_mut().zip(places) {
            *room = u16::try_from(at.saturating_add(1))
                .ok()
                .and_then(NonZeroU16::new);
        }
        all
    }
}

/// Where the person is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Screen {
    Start,
    Otp,
    Banks,
    Accounts,
    BankOtp,
    Review,
    Reason,
    /// The list of given consents, for a person who came for it and not for a request.
    Mine,
    Done,
}

/// Why a person rejects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Reason {
    NotUnderstood,
    NotWilling,
    AccountsNotFound,
    Other,
}

impl Reason {
    pub(crate) const ALL: [Self; 4] = [
        Self::NotUnderstood,
        Self::NotWilling,
        Self::AccountsNotFound,
        Self::Other,
    ];

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::NotUnderstood => "I do not understand what is asked",
            Self::NotWilling => "I do not want to share this",
            Self::AccountsNotFound => "My accounts were not found",
            Self::Other => "Another reason",
        }
    }
}

/// What a person does on a screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    Open,
    /// In a browser, unless it is by script. Another browser than the one before begins again.
    ConfirmMobile {
        mobile: String,
        browser: Option<Uuid>,
    },
    Otp(String),
    Resend,
    ChooseBanks {
        banks: Vec<usize>,
        pan: String,
        born: String,
    },
    /// The accounts' link references.
    TickAccounts(Vec<String>),
    BankOtp(String),
    SkipBank,
    /// The consents, by their places.
    Approve(Vec<usize>),
    Reject,
    Because(Reason),
    /// Rejects without a reason.
    NoReason,
    Back,
    Leave,
    Again,
    /// Nothing, for too long.
    Idle,
}

impl Action {
    /// What the person does, in words that name no value.
    pub(crate) fn words(&self) -> &'static str {
        match self {
            Self::Open => "opens the link",
            Self::ConfirmMobile { .. } => "confirms the mobile number",
            Self::Otp(_) => "types a one-time password",
            Self::BankOtp(_) => "types a bank's one-time password",
            Self::Resend => "asks for another one-time password",
            Self::ChooseBanks { .. } => "chooses banks",
            Self::TickAccounts(_) => "ticks accounts",
            Self::SkipBank => "skips a bank",
            Self::Approve(_) => "approves",
            Self::Reject => "is about to reject",
            Self::Because(_) => "rejects",
            Self::NoReason => "rejects without a reason",
            Self::Back => "goes back",
            Self::Leave => "leaves",
            Self::Again => "starts again",
            Self::Idle => "does nothing for too long",
        }
    }
}

/// What is said above a screen after something that did not lead on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Problem {
    OutOfOrder,
    OtherMobile,
    OtpWrong,
    OtpExpired,
    OtpSentAgain,
    NoBank,
    TooManyBanks,
    IdentityNeeded,
    PanForm,
    PanLooksReal,
    BornForm,
    NothingFound(Trouble),
    NoAccount,
    Joint,
    BankLocked,
    NoBankLinked,
    NoConsent,
    NoReason,
    AlreadyEnded,
}

impl Problem {
    /// What happened, and what to do.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::OutOfOrder => {
                "That was a step of another screen, perhaps in another window. Nothing is lost: go on here."
            }
            Self::OtherMobile => {
                "This is not the mobile number that the request is for. Use the number that is filled in."
            }
            Self::OtpWrong => {
                "The one-time password is wrong. After three wrong ones there is no further try."
            }
            Self::OtpExpired => "The one-time password is too old. Ask for another one.",
            Self::OtpSentAgain => "Another one-time password was sent.",
            Self::NoBank => "Choose at least one bank.",
            Self::TooManyBanks => "Choose at most six banks.",
            Self::IdentityNeeded => {
                "A chosen bank finds accounts by PAN and date of birth only. Fill in both."
            }
            Self::PanForm => "A PAN is five letters, four digits and a letter, such as AAAPA0000A.",
            Self::PanLooksReal => {
                "This PAN may be a real person's. Use an invented one, with the digits 0000, such as AAAPA0000A."
            }
            Self::BornForm => "Write the date of birth as year-month-day, such as 1990-01-31.",
            Self::NothingFound(Trouble::NoAccountHere) => {
                "The bank has no account for this mobile number. Choose another bank, or leave."
            }
            Self::NothingFound(Trouble::NoAccountAnywhere) => {
                "None of the banks has an account for this mobile number. Choose others, or leave: the lender may take a statement instead."
            }
            Self::NothingFound(Trouble::BankFails) => {
                "The bank does not answer just now. Try again, choose another bank, or leave."
            }
            Self::NoAccount => "Tick at least one account, or leave.",
            Self::Joint => "A joint account cannot be linked. Take away its tick.",
            Self::BankLocked => {
                "Three wrong one-time passwords: this bank's accounts are left out."
            }
            Self::NoBankLinked => {
                "No bank was confirmed, so there is nothing to share. Tick accounts and confirm at least one bank."
            }
            Self::NoConsent => "Tick at least one request to approve, or reject.",
            Self::NoReason => "Choose a reason.",
            Self::AlreadyEnded => "This consent has ended already. Nothing was changed.",
        }
    }
}

/// Why no account can be shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Trouble {
    /// The one bank that was asked has none.
    NoAccountHere,
    /// A bank did not answer.
    BankFails,
    /// No bank has any.
    NoAccountAnywhere,
}

/// How a visit ends.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Ending {
    /// These consents, by their places, are given for the accounts with these links; others that were asked for are not.
    Approved {
        consents: Vec<usize>,
        links: Vec<String>,
    },
    Rejected(Reason),
    /// Three wrong one-time passwords, or one that locks.
    Locked,
    /// The person left without a decision and may come back.
    LeftPending,
    TimedOut,
    NothingShared(Trouble),
}

impl Ending {
    /// The code of the return in FinPro's table.
    pub(crate) fn code(&self) -> u16 {
        match self {
            Self::Approved { .. } => 0,
            Self::Rejected(_) => 1,
            Self::Locked => 4,
            Self::LeftPending => 5,
            Self::TimedOut => 6,
            Self::NothingShared(Trouble::NoAccountHere) => 7,
            Self::NothingShared(Trouble::BankFails) => 8,
            Self::NothingShared(Trouble::NoAccountAnywhere) => 9,
        }
    }

    /// Whether the person may start again with the same link.
    pub(crate) fn is_open(&self) -> bool {
        !matches!(
            self,
            Self::Approved { .. } | Self::Rejected(_) | Self::Locked
        )
    }

    pub(crate) fn words(&self) -> &'static str {
        match self {
            Self::Approved { .. } => "You approved.",
            Self::Rejected(_) => "You rejected. Nothing is shared.",
            Self::Locked => {
                "Too many wrong one-time passwords. This request is locked; nothing is shared."
            }
            Self::LeftPending => "You left before deciding. The request waits for you.",
            Self::TimedOut => "Nothing happened for ten minutes. The request waits for you.",
            Self::NothingShared(Trouble::NoAccountHere) => {
                "The bank has no account of yours. Nothing is shared."
            }
            Self::NothingShared(Trouble::BankFails) => {
                "The bank did not answer. Nothing is shared."
            }
            Self::NothingShared(Trouble::NoAccountAnywhere) => {
                "No bank has an account of yours. Nothing is shared."
            }
        }
    }
}

/// One person's way through the screens.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Flow {
    /// Without it a form changes nothing. Whoever goes through no screens has none.
    pub(crate) token: Option<Uuid>,
    pub(crate) mobile: Arc<str>,
    /// Which browser signed in.
    pub(crate) browser: Option<Uuid>,
    /// Those that can be chosen; people who say nothing of their own have the same.
    pub(crate) banks: Arc<[Bank]>,
    /// How many consents are asked for; none if the person came to see those that are given.
    pub(crate) consents: usize,
    /// Whether one-time passwords arrive.
    pub(crate) sends_otp: bool,
    /// Whether joint accounts can be linked.
    pub(crate) links_joint: bool,
    pub(crate) screen: Screen,
    pub(crate) problem: Option<Problem>,
    pub(crate) opened: bool,
    pub(crate) chosen: Places,
    pub(crate) ticked: Box<[String]>,
    /// Apart, because most people have none.
    pub(crate) ending: Option<Box<Ending>>,
    /// The banks that have to confirm, and those that have.
    asked: Places,
    linked: Places,
    wrong: u8,
    trouble: Option<Trouble>,
    acted_ms: i64,
}

impl Flow {
    pub(crate) fn new(
        token: Option<Uuid>,
        mobile: impl Into<Arc<str>>,
        banks: impl Into<Arc<[Bank]>>,
        consents: usize,
    ) -> Self {
        let banks = banks.into();
        Self {
            token,
            mobile: mobile.into(),
            browser: None,
            chosen: Places::first(banks.len().min(BANKS)),
            banks,
            consents,
            sends_otp: true,
            links_joint: false,
            screen: Screen::Start,
            problem: None,
            opened: false,
            ticked: Box::default(),
            ending: None,
            asked: Places::default(),
            linked: Places::default(),
            wrong: 0,
            trouble: None,
            acted_ms: 0,
        }
    }

    /// The bank whose one-time password is asked for.
    pub(crate) fn asking_bank(&self) -> Option<&Bank> {
        self.banks.get(self.asked.iter().next()?)
    }

    /// The accounts that the chosen banks have.
    pub(crate) fn offered(&self) -> impl Iterator<Item = (&Bank, &LinkedAccount)> {
        let banks = self.chosen.iter().filter_map(|at| self.banks.get(at));
        let answering = banks.filter(|bank| bank.answer != BankAnswer::Fails);
        answering.flat_map(|bank| bank.accounts.iter().map(move |account| (bank, account)))
    }

    /// Whether this account can be linked.
    pub(crate) fn can_link(&self, account: &LinkedAccount) -> bool {
        self.links_joint || !account.joint
    }

    /// Whether a chosen bank needs PAN and date of birth.
    pub(crate) fn needs_identity(&self) -> bool {
        let is = |bank: &Bank| bank.answer == BankAnswer::NeedsIdentity;
        self.banks.iter().any(is)
    }

    /// Whether the person may still decide here, now or once started again.
    pub(crate) fn is_open(&self) -> bool {
        self.ending.as_deref().is_none_or(Ending::is_open)
    }

    /// Whether this is a sign-in in another browser than the one before.
    fn is_elsewhere(&self, action: &Action) -> bool {
        matches!(action, Action::ConfirmMobile { mobile, browser: Some(browser) }
            if mobile.trim() == &*self.mobile && self.browser.is_some_and(|known| known != *browser))
    }

    /// Does this at this time. The ending, if it is one.
    pub(crate) fn act(&mut self, action: Action, now_ms: i64) -> Option<Ending> {
        let idle = now_ms.saturating_sub(self.acted_ms) > IDLE_MS;
        let under_way = !matches!(self.screen, Screen::Start | Screen::Done);
        if action == Action::Open {
            if !self.opened {
                (self.opened, self.acted_ms) = (true, now_ms);
            }
            return None;
        }
        self.acted_ms = now_ms;
        let begins_again = self.is_open() && self.is_elsewhere(&action);
        if begins_again {
            (self.ending, self.trouble, self.wrong) = (None, None, 0);
            self.chosen = Places::first(self.banks.len().min(BANKS));
            self.screen = Screen::Start;
        }
        let action = if under_way && idle && !begins_again {
            Action::Idle
        } else {
            action
        };
        match self.next(action) {
            Ok(Next::Screen(screen)) => {
                (self.screen, self.problem) = (screen, None);
                None
            }
            Ok(Next::Noted(screen, problem)) => {
                (self.screen, self.problem) = (screen, Some(problem));
                None
            }
            Ok(Next::End(ending)) => {
                (self.screen, self.problem) = (Screen::Done, None);
                self.ending = Some(Box::new(ending.clone()));
                Some(ending)
            }
            Err(problem) => {
                self.problem = Some(problem);
                None
            }
        }
    }

    fn next(&mut self, action: Action) -> Result<Next, Problem> {
        use Screen::{Accounts, BankOtp, Banks, Done, Mine, Otp, Reason, Review, Start};

        match (self.screen, action) {
            (Start, Action::ConfirmMobile { mobile, browser })
                if mobile.trim() == &*self.mobile =>
            {
                self.browser = browser;
                Ok(Next::Screen(Otp))
            }
            (Start, Action::ConfirmMobile { .. }) => Err(Problem::OtherMobile),
            (Otp, Action::Otp(otp)) => match self.check_otp(&otp) {
                Otps::Right if self.consents == 0 => Ok(Next::Screen(Mine)),
                Otps::Right => Ok(Next::Screen(Banks)),
                Otps::Locked => Ok(Next::End(Ending::Locked)),
                Otps::Problem(problem) => Err(problem),
            },
            (Otp | BankOtp, Action::Resend) => Err(Problem::OtpSentAgain),
            (Banks, Action::ChooseBanks { banks, pan, born }) => {
                self.choose_banks(banks, &pan, &born)
            }
            (Accounts, Action::TickAccounts(links)) => self.tick(links),
            (BankOtp, Action::BankOtp(otp)) => match self.check_otp(&otp) {
                Otps::Right => {
                    let confirmed = self.asked.iter().take(1);
                    self.linked = self.linked.iter().chain(confirmed).collect();
                    Ok(self.next_bank(None))
                }
                Otps::Locked => Ok(self.next_bank(Some(Problem::BankLocked))),
                Otps::Problem(problem) => Err(problem),
            },
            (BankOtp, Action::SkipBank) => Ok(self.next_bank(None)),
            (Review, Action::Approve(consents)) => {
                let mut consents = consents;
                consents.retain(|at| *at < self.consents);
                if consents.is_empty() {
                    return Err(Problem::NoConsent);
                }
                let links = self.ticked.to_vec();
                Ok(Next::End(Ending::Approved { consents, links }))
            }
            (Review, Action::Reject) => Ok(Next::Screen(Reason)),
            (Reason, Action::NoReason) => Err(Problem::NoReason),
            (Reason, Action::Because(reason)) => Ok(Next::End(Ending::Rejected(reason))),
            (Done, Action::Again) if self.is_open() => {
                (self.ending, self.trouble, self.wrong) = (None, None, 0);
                Ok(Next::Screen(Start))
            }
            (Otp | Banks, Action::Back) => Ok(Next::Screen(Start)),
            (Accounts, Action::Back) => Ok(Next::Screen(Banks)),
            (BankOtp | Review, Action::Back) => Ok(Next::Screen(Accounts)),
            (Reason, Action::Back) => Ok(Next::Screen(Review)),
            (Done, _) => Err(Problem::OutOfOrder),
            (_, Action::Idle) => Ok(Next::End(Ending::TimedOut)),
            (_, Action::Leave) => Ok(Next::End(
                self.trouble
                    .map_or(Ending::LeftPending, Ending::NothingShared),
            )),
            _ => Err(Problem::OutOfOrder),
        }
    }

    fn check_otp(&mut self, otp: &str) -> Otps {
        match otp.trim() {
            OTP if self.sends_otp => {
                self.wrong = 0;
                return Otps::Right;
            }
            OTP_EXPIRED => return Otps::Problem(Problem::OtpExpired),
            OTP_LOCKS => self.wrong = WRONG_OTPS,
            _ => self.wrong = self.wrong.saturating_add(1),
        }
        if self.wrong < WRONG_OTPS {
            return Otps::Problem(Problem::OtpWrong);
        }
        self.wrong = 0;
        Otps::Locked
    }

    fn choose_banks(&mut self, banks: Vec<usize>, pan: &str, born: &str) -> Result<Next, Problem> {
        let mut banks = banks;
        banks.retain(|at| *at < self.banks.len());
        banks.sort_unstable();
        banks.dedup();
        if banks.is_empty() {
            return Err(Problem::NoBank);
        }
        if banks.len() > BANKS {
            return Err(Problem::TooManyBanks);
        }
        self.chosen = banks.into_iter().collect();
        let chosen = || self.chosen.iter().filter_map(|at| self.banks.get(at));
        if chosen().any(|bank| bank.answer == BankAnswer::NeedsIdentity) {
            check_identity(pan.trim(), born.trim())?;
        }
        let fails = chosen().any(|bank| bank.answer == BankAnswer::Fails);
        let trouble = match self.chosen.iter().count() {
            _ if fails => Trouble::BankFails,
            1 => Trouble::NoAccountHere,
            _ => Trouble::NoAccountAnywhere,
        };
        let found = self.offered().next().is_some();
        let ticked: Box<[String]> = {
            let linkable = self.offered().filter(|(_, account)| self.can_link(account));
            linkable.map(|(_, account)| account.link.clone()).collect()
        };
        self.trouble = ticked.is_empty().then_some(trouble);
        self.ticked = ticked;
        if found {
            Ok(Next::Screen(Screen::Accounts))
        } else {
            Err(Problem::NothingFound(trouble))
        }
    }

    fn tick(&mut self, links: Vec<String>) -> Result<Next, Problem> {
        let mut asked = Vec::new();
        let mut ticked = Vec::new();
        for at in self.chosen.iter() {
            let Some(bank) = self.banks.get(at) else {
                continue;
            };
            for account in &bank.accounts {
                if !links.contains(&account.link) {
                    continue;
                }
                if !self.can_link(account) {
                    return Err(Problem::Joint);
                }
                ticked.push(account.link.clone());
                if !asked.contains(&at) {
                    asked.push(at);
                }
            }
        }
        if ticked.is_empty() {
            return Err(Problem::NoAccount);
        }
        (self.ticked, self.asked) = (ticked.into(), asked.into_iter().collect());
        (self.linked, self.wrong) = (Places::default(), 0);
        Ok(Next::Screen(Screen::BankOtp))
    }

    /// Goes on to the next bank that has to confirm, or past the last one.
    fn next_bank(&mut self, problem: Option<Problem>) -> Next {
        self.asked = self.asked.iter().skip(1).collect();
        self.wrong = 0;
        let to = |screen| match problem {
            Some(problem) => Next::Noted(screen, problem),
            None => Next::Screen(screen),
        };
        if !self.asked.is_empty() {
            return to(Screen::BankOtp);
        }
        if self.linked.is_empty() {
            return Next::Noted(Screen::Accounts, Problem::NoBankLinked);
        }
        let linked = self.linked.iter().filter_map(|at| self.banks.get(at));
        let links: Vec<_> = linked.flat_map(|bank| &bank.accounts).collect();
        let confirmed = |ticked: &&String| links.iter().any(|account| account.link == **ticked);
        self.ticked = self.ticked.iter().filter(confirmed).cloned().collect();
        to(Screen::Review)
    }
}

enum Next {
    Screen(Screen),
    /// On to a screen above which something is said.
    Noted(Screen, Problem),
    End(Ending),
}

enum Otps {
    Right,
    Locked,
    Problem(Problem),
}

/// Checks a PAN and a date of birth for their form, and that the PAN is nobody's.
fn check_identity(pan: &str, born: &str) -> Result<(), Problem> {
    if pan.is_empty() || born.is_empty() {
        return Err(Problem::IdentityNeeded);
    }
    let pan = pan.to_ascii_uppercase();
    let is_pan = pan.len() == 10
        && pan.bytes().enumerate().all(|(at, byte)| match at {
            5..=8 => byte.is_ascii_digit(),
            _ => byte.is_ascii_uppercase(),
        });
    if !is_pan {
        return Err(Problem::PanForm);
    }
    // Serial numbers begin at 0001, so that nobody has this one.
    if pan.get(5..9) != Some("0000") {
        return Err(Problem::PanLooksReal);
    }
    if born.parse::<jiff::civil::Date>().is_err() {
        return Err(Problem::BornForm);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(link: &str, joint: bool) -> LinkedAccount {
        LinkedAccount {
            link: link.to_owned(),
            fip_id: "FIP".to_owned(),
            fi_type: "DEPOSIT",
            masked_number: "XX1".to_owned(),
            bank: "Invented Bank",
            kind: "SAVINGS",
            scripted: None,
            joint,
        }
    }

    fn bank(answer: BankAnswer, accounts: &[(&str, bool)]) -> Bank {
        let accounts = accounts.iter();
        Bank {
            fip_id: "FIP".to_owned(),
            answer,
            accounts: accounts
                .map(|(link, joint)| account(link, *joint))
                .collect(),
        }
    }

    fn flow(banks: Vec<Bank>, consents: usize) -> Flow {
        Flow::new(None, "9123456780", banks, consents)
    }

    fn otp(text: &str) -> Action {
        Action::Otp(text.to_owned())
    }

    fn bank_otp(text: &str) -> Action {
        Action::BankOtp(text.to_owned())
    }

    fn choose(banks: &[usize]) -> Action {
        Action::ChooseBanks {
            banks: banks.to_vec(),
            pan: String::new(),
            born: String::new(),
        }
    }

    fn links(links: &[&str]) -> Action {
        Action::TickAccounts(links.iter().map(|link| (*link).to_owned()).collect())
    }

    /// Where the flow is after these actions, and what is said there.
    fn after(flow: &mut Flow, actions: &[Action]) -> (Screen, Option<Problem>) {
        for action in actions {
            flow.act(action.clone(), 0);
        }
        (flow.screen, flow.problem)
    }

    fn mobile() -> Action {
        Action::ConfirmMobile {
            mobile: " 9123456780 ".to_owned(),
            browser: None,
        }
    }

    #[test]
    fn a_person_goes_through_all_screens_and_shares_what_was_ticked_and_confirmed() {
        let found = BankAnswer::Found;
        let banks = vec![
            bank(found, &[("a", false), ("b", false)]),
            bank(found, &[("c", false)]),
        ];
        let mut flow = flow(banks, 2);
        let steps = [Action::Open, mobile(), otp(OTP), choose(&[0, 1])];
        assert_eq!(after(&mut flow, &steps), (Screen::Accounts, None));
        assert_eq!(*flow.ticked, ["a", "b", "c"]);
        let steps = [links(&["b", "c", "z"]), bank_otp(OTP)];
        assert_eq!(after(&mut flow, &steps), (Screen::BankOtp, None));
        assert_eq!(
            after(&mut flow, &[Action::SkipBank]),
            (Screen::Review, None)
        );
        assert_eq!(
            after(&mut flow, &[Action::Approve(vec![7])]),
            (Screen::Review, Some(Problem::NoConsent))
        );
        let ending = flow.act(Action::Approve(vec![1]), 0);
        let approved = Ending::Approved {
            consents: vec![1],
            links: vec!["b".to_owned()],
        };
        assert_eq!((ending.as_ref(), approved.code()), (Some(&approved), 0));
        // A second time is no second event.
        assert_eq!(flow.act(Action::Approve(vec![0]), 0), None);
        assert_eq!(flow.act(Action::Again, 0), None);
        assert_eq!(flow.ending.as_deref(), Some(&approved));
    }

    #[test]
    fn a_step_of_another_screen_changes_nothing_and_says_so() {
        let mut flow = flow(vec![bank(BankAnswer::Found, &[("a", false)])], 1);
        let wrong = [
            otp(OTP),
            bank_otp(OTP),
            links(&["a"]),
            Action::Approve(vec![0]),
            Action::Reject,
            Action::SkipBank,
            Action::Because(Reason::Other),
            Action::Again,
            Action::Back,
        ];
        for action in wrong {
            assert_eq!(
                after(&mut flow, &[action]),
                (Screen::Start, Some(Problem::OutOfOrder))
            );
        }
        assert_eq!(after(&mut flow, &[mobile()]), (Screen::Otp, None));
        let other = Action::ConfirmMobile {
            mobile: "9123456781".to_owned(),
            browser: None,
        };
        assert_eq!(
            after(&mut flow, &[Action::Back, other]),
            (Screen::Start, Some(Problem::OtherMobile))
        );
    }

    #[test]
    fn three_wrong_passwords_or_one_that_locks_end_it() {
        for tries in [
            &["1", "2", "3"][..],
            &["999999"],
            &["1", OTP_EXPIRED, "2", ""],
        ] {
            let mut flow = flow(Vec::new(), 1);
            after(&mut flow, &[mobile()]);
            let endings: Vec<_> = tries.iter().map(|code| flow.act(otp(code), 0)).collect();
            assert_eq!(endings.last(), Some(&Some(Ending::Locked)), "{tries:?}");
            assert!(endings.iter().flatten().count() == 1);
            // The link does not open again.
            assert_eq!(after(&mut flow, &[Action::Again]).0, Screen::Done);
        }
        let mut silent = flow(Vec::new(), 1);
        silent.sends_otp = false;
        after(&mut silent, &[mobile()]);
        assert_eq!(
            after(&mut silent, &[otp(OTP)]),
            (Screen::Otp, Some(Problem::OtpWrong))
        );
        assert_eq!(
            after(&mut silent, &[otp(OTP_EXPIRED)]),
            (Screen::Otp, Some(Problem::OtpExpired))
        );
    }

    #[test]
    fn what_cannot_be_shared_has_its_own_code() {
        let none = || bank(BankAnswer::Found, &[]);
        let joint = || bank(BankAnswer::Found, &[("j", true)]);
        let fails = || bank(BankAnswer::Fails, &[("a", false)]);
        for (banks, code) in [
            (vec![none()], 7),
            (vec![none(), none()], 9),
            (vec![fails()], 8),
            (vec![none(), fails()], 8),
            (vec![joint()], 7),
        ] {
            let all: Vec<_> = (0..banks.len()).collect();
            let mut flow = flow(banks, 1);
            after(&mut flow, &[mobile(), otp(OTP), choose(&all)]);
            let ending = flow.act(Action::Leave, 0).unwrap();
            assert_eq!(ending.code(), code);
            assert!(ending.is_open());
        }
        let mut flow = flow(vec![joint()], 1);
        let steps = [mobile(), otp(OTP), choose(&[0]), links(&["j"])];
        assert_eq!(
            after(&mut flow, &steps),
            (Screen::Accounts, Some(Problem::Joint))
        );
        flow.links_joint = true;
        assert_eq!(after(&mut flow, &[links(&["j"])]), (Screen::BankOtp, None));
    }

    #[test]
    fn a_bank_that_needs_it_is_told_an_invented_pan_and_a_date() {
        for (pan, born, problem) in [
            ("", "1990-01-31", Some(Problem::IdentityNeeded)),
            ("AAAPA0000A", "", Some(Problem::IdentityNeeded)),
            ("AAAPA000A", "1990-01-31", Some(Problem::PanForm)),
            ("\u{410}AAPA0000A", "1990-01-31", Some(Problem::PanForm)),
            ("AAAPA0001A", "1990-01-31", Some(Problem::PanLooksReal)),
            ("AAAPA0000A", "31.1.1990", Some(Problem::BornForm)),
            ("AAAPA0000A", "1990-02-31", Some(Problem::BornForm)),
            (" aaapa0000a ", "1990-01-31", None),
        ] {
            let bank = bank(BankAnswer::NeedsIdentity, &[("a", false)]);
            let mut flow = flow(vec![bank], 1);
            let action = Action::ChooseBanks {
                banks: vec![0],
                pan: pan.to_owned(),
                born: born.to_owned(),
            };
            let (screen, said) = after(&mut flow, &[mobile(), otp(OTP), action]);
            assert_eq!(
                (screen == Screen::Accounts, said),
                (problem.is_none(), problem)
            );
        }
    }

    #[test]
    fn banks_are_chosen_and_confirmed_one_by_one() {
        let banks = (0..7).map(|_| bank(BankAnswer::Found, &[("a", false)]));
        let mut seven = flow(banks.collect(), 1);
        after(&mut seven, &[mobile(), otp(OTP)]);
        for (banks, problem) in [
            (&[][..], Problem::NoBank),
            (&[9], Problem::NoBank),
            (&[0, 1, 2, 3, 4, 5, 6], Problem::TooManyBanks),
        ] {
            let said = after(&mut seven, &[choose(banks)]);
            assert_eq!(said, (Screen::Banks, Some(problem)));
        }
        let two = vec![
            bank(BankAnswer::Found, &[("a", false)]),
            bank(BankAnswer::Found, &[("b", false)]),
        ];
        let mut two = flow(two, 1);
        let steps = [mobile(), otp(OTP), choose(&[0, 1]), links(&[])];
        assert_eq!(
            after(&mut two, &steps),
            (Screen::Accounts, Some(Problem::NoAccount))
        );
        let steps = [links(&["a", "b"]), bank_otp(OTP_LOCKS)];
        assert_eq!(
            after(&mut two, &steps),
            (Screen::BankOtp, Some(Problem::BankLocked))
        );
        assert_eq!(
            after(&mut two, &[bank_otp("1"), Action::SkipBank]),
            (Screen::Accounts, Some(Problem::NoBankLinked))
        );
    }

    #[test]
    fn whoever_leaves_or_does_nothing_can_start_again() {
        let mut flow = flow(vec![bank(BankAnswer::Found, &[("a", false)])], 1);
        flow.act(Action::Open, 0);
        assert_eq!(flow.act(Action::Leave, 1), Some(Ending::LeftPending));
        assert_eq!(after(&mut flow, &[Action::Again]).0, Screen::Start);
        flow.act(mobile(), 2);
        let late = 3_i64.saturating_add(IDLE_MS);
        assert_eq!(flow.act(otp(OTP), late), Some(Ending::TimedOut));
        assert_eq!(flow.ending.as_deref().map(Ending::code), Some(6));
        flow.act(Action::Again, late);
        // Nobody is late who has not begun.
        flow.act(mobile(), late.saturating_mul(9));
        assert_eq!(flow.screen, Screen::Otp);
    }
}
