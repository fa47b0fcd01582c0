//! Invented bank accounts: twenty scripts, and what a bank would have written about them in the twelve whole months before a day.
//!
//! What a script says is exact: the balance at the end of each day follows from it alone. What a person's number adds, such as
//! names, shops, and the payments into which a day's spending falls, is gone by the end of each day.

mod analysis;
mod archetypes;
mod decoration;
mod dirt;
mod holder;
mod ledger;
mod random;
mod rules;
mod window;

use jiff::civil::{Date, DateTime};

pub(crate) use self::analysis::{Analysis, Month};
use self::archetypes::ARCHETYPES;
pub(crate) use self::dirt::{AmountForm, Row};
pub(crate) use self::holder::{Holder, is_invented_name};
use self::random::Random;
pub(crate) use self::rules::AccountKind;
use self::rules::{Archetype, Purpose};
use self::window::Window;
use super::MobileScript;

/// A bank.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Bank {
    /// Its id as an information provider.
    pub(crate) fip_id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) ifsc: &'static str,
    pub(crate) branch: &'static str,
}

/// The banks, none of which exists.
pub(crate) const BANKS: [Bank; 3] = [
    Bank {
        fip_id: "FIP-1",
        name: "Invented Bank",
        ifsc: "ZZZZ0000001",
        branch: "Testpur",
    },
    Bank {
        fip_id: "FIP-2",
        name: "Sample Bank",
        ifsc: "ZZZZ0000002",
        branch: "Namunagar",
    },
    Bank {
        fip_id: "FIP-3",
        name: "Demo Cooperative Bank",
        ifsc: "ZZZZ0000003",
        branch: "Demoganj",
    },
];

/// An account, and a part of what happened on it. Amounts are in paise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) bank: &'static Bank,
    /// Masked but for its last four digits.
    pub(crate) number: String,
    pub(crate) kind: AccountKind,
    pub(crate) holders: Vec<Holder>,
    pub(crate) is_active: bool,
    /// The sanctioned limit of its overdraft; 0 for none.
    pub(crate) limit: i64,
    pub(crate) opened: Date,
    /// The balance after all that happened, not only after this part.
    pub(crate) balance: i64,
    /// The day of that balance.
    pub(crate) as_of: Date,
    /// Whether its data needs cleaning, see [`rows`](Self::rows).
    is_dirty: bool,
    /// Whether amounts of its rows are in the other form, text for numbers and numbers for text.
    is_odd: bool,
    /// The first day of this part.
    pub(crate) first: Date,
    /// Its last day.
    pub(crate) last: Date,
    /// The balance before its first transaction.
    pub(crate) opening: i64,
    /// In order; no two have the same time.
    pub(crate) transactions: Vec<Transaction>,
}

/// A row of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Transaction {
    /// Unique within the account.
    pub(crate) id: String,
    /// In India.
    pub(crate) at: DateTime,
    /// What it adds; negative for a debit.
    pub(crate) paise: i64,
    /// The balance after it.
    pub(crate) balance: i64,
    pub(crate) mode: Mode,
    pub(crate) narration: String,
    pub(crate) reference: String,
    purpose: Purpose,
}

/// By what means money moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Cash,
    Atm,
    Card,
    Upi,
    Neft,
    Rtgs,
    Nach,
    Interest,
    Others,
}

impl Mode {
    /// The word of version 1, which knows fewer, or of version 2.
    pub(crate) fn word(self, version: u8) -> &'static str {
        match (self, version) {
            (Self::Cash, _) => "CASH",
            (Self::Atm, _) => "ATM",
            (Self::Card, _) => "CARD",
            (Self::Upi, _) => "UPI",
            (Self::Neft | Self::Rtgs, 1) => "FT",
            (Self::Neft, _) => "NEFT",
            (Self::Rtgs, _) => "RTGS",
            (Self::Nach, 2) => "NACH",
            (Self::Interest, 2) => "INTEREST_CREDIT",
            _ => "OTHERS",
        }
    }
}

impl Transaction {
    /// `CREDIT` or `DEBIT`.
    pub(crate) fn direction(&self) -> &'static str {
        match self.paise > 0 {
            true => "CREDIT",
            false => "DEBIT",
        }
    }
}

impl AccountKind {
    /// `SAVINGS` or `CURRENT`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Savings => "SAVINGS",
            Self::Current => "CURRENT",
        }
    }
}

impl Account {
    /// The rupees of an amount, exactly.
    pub(crate) fn rupees(paise: i64) -> String {
        let sign = if paise < 0 { "-" } else { "" };
        let paise = paise.unsigned_abs();
        let (rupees, rest) = (paise / 100, paise % 100);
        format!("{sign}{rupees}.{rest:02}")
    }

    /// The part between two moments in India, both included.
    #[must_use]
    pub(crate) fn between(mut self, from: Option<DateTime>, to: Option<DateTime>) -> Self {
        let is_before = |at: DateTime| from.is_some_and(|from| at < from);
        let mut before = self.transactions.iter().rev();
        let before = before.find(|row| is_before(row.at));
        self.opening = before.map_or(self.opening, |row| row.balance);
        self.transactions
            .retain(|row| !is_before(row.at) && to.is_none_or(|to| row.at <= to));
        self.first = from.map_or(self.first, |from| from.date().max(self.first));
        self.last = to.map_or(self.last, |to| to.date().min(self.last));
        self
    }

    /// `SINGLE` or `JOINT`.
    pub(crate) fn holding(&self) -> &'static str {
        match self.holders.len() {
            0 | 1 => "SINGLE",
            _ => "JOINT",
        }
    }

    /// `ACTIVE` or `INACTIVE`.
    pub(crate) fn status(&self) -> &'static str {
        match self.is_active {
            true => "ACTIVE",
            false => "INACTIVE",
        }
    }

    /// The facility in the words of version 2.
    pub(crate) fn facility(&self) -> &'static str {
        match self.limit {
            0 => "NO_FACILITY_GRANTED",
            _ => "OVERDRAFT",
        }
    }

    /// What is left of its overdraft's limit.
    pub(crate) fn available(&self) -> i64 {
        match self.limit {
            0 => 0,
            limit => limit.saturating_add(self.balance.min(0)),
        }
    }

    /// The balance after this part.
    pub(crate) fn closing(&self) -> i64 {
        self.transactions
            .last()
            .map_or(self.opening, |row| row.balance)
    }
}

/// The archetype of a script: an unknown one is the first.
fn archetype(script: MobileScript) -> Option<&'static Archetype> {
    numbered(script.archetype)
}

/// Who has the accounts of an archetype, in a few words.
pub(crate) fn name(archetype: u8) -> Option<&'static str> {
    numbered(archetype).map(|one| one.name)
}

/// The archetype of this number; beyond the last they begin again.
fn numbered(number: u8) -> Option<&'static Archetype> {
    let number = number.checked_rem(u8::try_from(ARCHETYPES.len()).ok()?)?;
    ARCHETYPES.iter().find(|one| one.number == number)
}

/// All archetypes, with their numbers.
pub(crate) fn archetypes() -> impl ExactSizeIterator<Item = (u8, &'static str)> {
    ARCHETYPES.iter().map(|one| (one.number, one.name))
}

/// The scripted person who holds the accounts, of two the first one.
pub(crate) fn person(script: MobileScript, seed: u64) -> Option<Holder> {
    let (mobile, mut random) = named(script, seed);
    let joint = archetype(script)?.joint;
    Holder::all(&mobile, joint, &mut random).into_iter().next()
}

/// The number of a script, and what its person's names are made of.
fn named(script: MobileScript, seed: u64) -> (String, Random) {
    let mobile = script.mobile();
    let person = mobile.parse().unwrap_or_default();
    (mobile, Random::of(&[seed, person]))
}

/// The accounts of a scripted person in the twelve whole months before a day; decoration differs by the seed.
pub(crate) fn accounts(script: MobileScript, seed: u64, today: Date) -> Vec<Account> {
    let Some(archetype) = archetype(script) else {
        return Vec::new();
    };
    let window = Window::before(today);
    let (mobile, mut random) = named(script, seed);
    let person = mobile.parse().unwrap_or_default();
    let holders = Holder::all(&mobile, archetype.joint, &mut random);
    let accounts = archetype.accounts.iter().enumerate();
    let account = |(index, script)| {
        let index = u64::try_from(index).unwrap_or_default();
        let decoration = decoration::Decoration::new([seed, person, index], &holders);
        ledger::account(script, archetype.dirty, window, &holders, decoration)
    };
    let mut accounts: Vec<Account> = accounts.filter_map(account).collect();
    match script.data {
        ODD => accounts
            .iter_mut()
            .for_each(|account| account.is_odd = true),
        HUGE => accounts.iter_mut().take(1).for_each(Account::swell),
        _ => {}
    }
    accounts
}

/// The data digit of people whose amounts are in the other form.
const ODD: u8 = 8;
/// The data digit of people whose first account has much to tell.
const HUGE: u8 = 9;
/// How long the narrations of such an account are together, in bytes.
const HUGE_BYTES: usize = 10 * 1024 * 1024;

impl Account {
    /// Makes its narrations so long that a reply with them is huge, and changes nothing else.
    fn swell(&mut self) {
        let each = HUGE_BYTES.checked_div(self.transactions.len());
        let more = "/LONG".repeat(each.unwrap_or_default().div_ceil("/LONG".len()));
        for transaction in &mut self.transactions {
            transaction.narration.push_str(&more);
        }
    }
}

#[cfg(test)]
mod tests;
