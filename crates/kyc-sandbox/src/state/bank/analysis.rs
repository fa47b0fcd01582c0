//! What an analysis of accounts says, from the same rows as their statements.

use jiff::ToSpan;
use jiff::civil::Date;

use super::{Account, Transaction};

/// The figures of some accounts together. Amounts are in paise; what came in and went out has every row, so that it adds up with
/// the statements, and what failed and came back counts on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Analysis {
    pub(crate) first: Date,
    pub(crate) last: Date,
    pub(crate) opening: i64,
    pub(crate) closing: i64,
    pub(crate) credits: i64,
    pub(crate) debits: i64,
    /// The mean of the balances at the end of each day.
    pub(crate) average: i64,
    /// The same, of the last three months.
    pub(crate) average_of_three: i64,
    /// The least balance at the end of a day.
    pub(crate) minimum: i64,
    pub(crate) months: Vec<Month>,
    /// How many instalments were paid.
    pub(crate) instalments: usize,
    /// How many instalments were returned.
    pub(crate) returns: usize,
    pub(crate) has_penalties: bool,
}

/// The figures of a month, or of what there is of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Month {
    pub(crate) first: Date,
    pub(crate) credits: i64,
    pub(crate) debits: i64,
    /// Earned: neither borrowed, won, moved nor given back.
    pub(crate) income: i64,
    pub(crate) salary: i64,
    /// Instalments of loans.
    pub(crate) obligations: i64,
    /// The balance at its end.
    pub(crate) closing: i64,
}

impl Analysis {
    /// The analysis of these accounts; `None` if they have no day.
    pub(crate) fn of<'a>(accounts: impl IntoIterator<Item = &'a Account>) -> Option<Self> {
        let accounts: Vec<&Account> = accounts.into_iter().collect();
        let first = accounts.iter().map(|account| account.first).min()?;
        let last = accounts.iter().map(|account| account.last).max()?;
        let sum = |part: fn(&Account) -> i64| {
            let parts = accounts.iter().map(|account| part(account));
            parts.fold(0_i64, i64::saturating_add)
        };
        let opening = sum(|account| account.opening);
        let all = accounts.iter().flat_map(|account| &account.transactions);
        let mut rows: Vec<&Transaction> = all.collect();
        rows.sort_by_key(|row| row.at);

        let mut months: Vec<Month> = Vec::new();
        let mut closings: Vec<i64> = Vec::new();
        let mut balance = opening;
        let mut rest = rows.iter().peekable();
        for date in first.series(1.day()).take_while(|date| *date <= last) {
            if date.day() == 1 || months.is_empty() {
                months.push(Month {
                    first: date,
                    credits: 0,
                    debits: 0,
                    income: 0,
                    salary: 0,
                    obligations: 0,
                    closing: balance,
                });
            }
            let month = months.last_mut()?;
            while let Some(row) = rest.next_if(|row| row.at.date() <= date) {
                balance = balance.saturating_add(row.paise);
                month.add(row);
            }
            month.closing = balance;
            closings.push(balance);
        }
        let three = last.first_of_month().saturating_sub(2.months());
        let since_three = first.until(three).ok()?.get_days();
        let before_three = usize::try_from(since_three).unwrap_or_default();
        let of_months = |part: fn(&Month) -> i64| {
            let parts = months.iter().map(part);
            parts.fold(0_i64, i64::saturating_add)
        };
        let count = |holds: fn(&Transaction) -> bool| rows.iter().filter(|row| holds(row)).count();
        Some(Self {
            first,
            last,
            opening,
            closing: sum(Account::closing),
            credits: of_months(|month| month.credits),
            debits: of_months(|month| month.debits),
            average: mean(&closings)?,
            average_of_three: mean(closings.get(before_three..).unwrap_or(&closings))?,
            minimum: closings.iter().copied().min()?,
            instalments: count(|row| row.purpose.is_obligation()),
            returns: count(|row| row.purpose.is_returned_instalment() && row.paise > 0),
            has_penalties: count(|row| row.purpose.is_penalty()) > 0,
            months,
        })
    }

    /// The mean income of a month that is there as a whole, or of the parts if none is.
    pub(crate) fn income(&self) -> i64 {
        let incomes: Vec<i64> = self.whole_months().map(|month| month.income).collect();
        mean(&incomes).unwrap_or_default()
    }

    /// Instalments as hundredths of a percent of the income; `None` without any.
    pub(crate) fn obligations_ratio(&self) -> Option<i64> {
        let sum = |part: fn(&Month) -> i64| {
            let parts = self.months.iter().map(part);
            parts.fold(0_i64, i64::saturating_add)
        };
        let income = sum(|month| month.income);
        let hundredths = sum(|month| month.obligations).saturating_mul(10_000);
        rounded(hundredths, income).filter(|_| income > 0)
    }

    /// 100 for the same income every month, and less by the percent of its variation; 0 without any.
    pub(crate) fn stability(&self) -> i64 {
        let incomes: Vec<i128> = self
            .whole_months()
            .map(|month| month.income.into())
            .collect();
        let count = i128::try_from(incomes.len()).unwrap_or_default();
        let sum = incomes
            .iter()
            .fold(0_i128, |sum, one| sum.saturating_add(*one));
        let squares = incomes.iter().map(|one| one.saturating_mul(*one));
        let squares = squares.fold(0_i128, i128::saturating_add);
        let variance = squares
            .saturating_mul(count)
            .saturating_sub(sum.saturating_mul(sum));
        let deviation = variance.max(0).isqrt().saturating_mul(100);
        let percent = deviation.checked_div(sum);
        let percent = percent.and_then(|percent| i64::try_from(percent).ok());
        percent.map_or(0, |percent| 100_i64.saturating_sub(percent).max(0))
    }

    /// The months of which every day is there, or all of them if none is.
    fn whole_months(&self) -> impl Iterator<Item = &Month> {
        let is_whole =
            |month: &&Month| month.first.day() == 1 && month.first.last_of_month() <= self.last;
        let none = !self.months.iter().any(|month| is_whole(&month));
        self.months
            .iter()
            .filter(move |month| none || is_whole(month))
    }
}

impl Month {
    fn add(&mut self, row: &Transaction) {
        let add = |sum: &mut i64| *sum = sum.saturating_add(row.paise.saturating_abs());
        if row.paise > 0 {
            add(&mut self.credits);
        } else {
            add(&mut self.debits);
        }
        if row.purpose.is_income() {
            add(&mut self.income);
        }
        if row.purpose.is_salary() {
            add(&mut self.salary);
        }
        if row.purpose.is_obligation() {
            add(&mut self.obligations);
        }
    }
}

/// To the nearest paisa.
fn mean(amounts: &[i64]) -> Option<i64> {
    let sum = amounts
        .iter()
        .fold(0_i64, |sum, one| sum.saturating_add(*one));
    rounded(sum, i64::try_from(amounts.len()).ok()?)
}

/// The quotient to the nearest whole, halves away from 0.
fn rounded(dividend: i64, divisor: i64) -> Option<i64> {
    let half = divisor.saturating_abs() / 2;
    let away = if dividend < 0 {
        half.saturating_neg()
    } else {
        half
    };
    dividend.saturating_add(away).checked_div(divisor)
}
