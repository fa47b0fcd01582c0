//! From a script to the rows of an account.

use jiff::ToSpan;

use super::decoration::Decoration;
use super::holder::Holder;
use super::rules::{AccountScript, Purpose};
use super::window::Window;
use super::{Account, BANKS};

/// The account of a script in a window; `None` for a script at none of the banks.
pub(super) fn account(
    script: &AccountScript,
    is_dirty: bool,
    window: Window,
    holders: &[Holder],
    decoration: Decoration<'_>,
) -> Option<Account> {
    let bank = BANKS.get(script.bank)?;
    let age = script.age_days;
    let first = age.map_or(window.first, |age| {
        let end = window.last.saturating_add(1.day());
        end.saturating_sub(age.days()).max(window.first)
    });
    let limit = script.limit.saturating_mul(100);
    let opening = script.opening.saturating_mul(100);
    let mut balance = opening;
    let mut transactions = Vec::new();
    let mut month = Mean::default();
    let mut last_month = None;
    for day in window.days().filter(|day| day.date >= first) {
        if day.day == 1 {
            last_month = std::mem::take(&mut month).mean();
        }
        let moved = script.rules.iter().filter_map(|rule| {
            let paise = rule.on(&day, last_month)?.saturating_mul(100);
            Some((rule.purpose, paise))
        });
        let mut moved: Vec<(Purpose, i64)> = moved.collect();
        moved.sort_by_key(|(purpose, _)| purpose.place());
        spend_what_is_there(&mut moved, balance.saturating_add(limit));
        let is_lively = script.is_active && age.is_none();
        let rows = decoration.day(day.date, &moved, balance, is_lively);
        balance = rows.last().map_or(balance, |row| row.balance);
        transactions.extend(rows);
        month.add(balance);
    }
    Some(Account {
        bank,
        number: decoration.number(),
        kind: script.kind,
        holders: holders.to_vec(),
        is_active: script.is_active,
        limit,
        opened: match age {
            Some(_) => first,
            None => decoration.opened(window.first),
        },
        balance,
        as_of: window.last,
        is_dirty,
        is_odd: false,
        first,
        last: window.last,
        opening,
        transactions,
    })
}

/// Nobody's daily spending overdraws an account. Where a window has the months of the tables, it never comes to that.
fn spend_what_is_there(moved: &mut Vec<(Purpose, i64)>, available: i64) {
    let others = moved
        .iter()
        .filter(|(purpose, _)| *purpose != Purpose::Spend && !purpose.is_returned());
    let left = others.fold(available, |left, (purpose, paise)| {
        match purpose.is_credit() {
            true => left.saturating_add(*paise),
            false => left.saturating_sub(*paise),
        }
    });
    for (purpose, paise) in moved.iter_mut() {
        if *purpose == Purpose::Spend {
            *paise = (*paise).min(left);
        }
    }
    moved.retain(|(_, paise)| *paise > 0);
}

/// The mean of a month's closing balances.
#[derive(Debug, Default)]
struct Mean {
    sum: i64,
    days: i64,
}

impl Mean {
    fn add(&mut self, balance: i64) {
        self.sum = self.sum.saturating_add(balance);
        self.days = self.days.saturating_add(1);
    }

    fn mean(self) -> Option<i64> {
        self.sum.checked_div(self.days)
    }
}
