//! The calculator: from served accounts to what a lender computes.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::Date;

use crate::served::{Account, Row};

/// The days of the average bank balance; a month without one has its last day instead.
pub(crate) const ABB_DAYS: [i8; 4] = [5, 15, 25, 30];

/// Accounts together, cleaned.
#[derive(Debug, Clone)]
pub(crate) struct Book {
    pub(crate) first: Date,
    pub(crate) last: Date,
    /// All rows by time, without payments that failed and came back.
    pub(crate) rows: Vec<Row>,
    /// The balance of all accounts at the end of each day.
    pub(crate) closings: BTreeMap<Date, i64>,
}

/// A row's other party in its narration.
pub(crate) fn party(row: &Row) -> &str {
    let separator = if row.narration.starts_with("UPI/") {
        '/'
    } else {
        '-'
    };
    let place = match row.narration.split(separator).next() {
        Some("UPI") => 3,
        Some("NEFT CR" | "NEFT DR" | "RTGS CR" | "RTGS DR") => 2,
        _ => 1,
    };
    row.narration
        .split(separator)
        .nth(place)
        .unwrap_or_default()
}

/// The rows of an account: each once, by time, with its balance. Where a balance is missing it follows from its neighbours, and where it
/// is there it must be what they say.
pub(crate) fn cleaned(account: &Account) -> Vec<Row> {
    let once: BTreeSet<&Row> = account.rows.iter().collect();
    let mut rows: Vec<Row> = once.into_iter().cloned().collect();
    rows.sort_by_key(|row| row.at);
    let mut before = 0;
    let mut opening = None;
    for row in &rows {
        before += row.paise;
        opening = opening.or(row.balance.map(|balance| balance - before));
    }
    let mut balance = opening.unwrap_or_default();
    for row in &mut rows {
        balance += row.paise;
        assert!(
            row.balance.is_none_or(|told| told == balance),
            "{row:?}, not {balance}"
        );
        row.balance = Some(balance);
    }
    rows
}

impl Book {
    pub(crate) fn of(accounts: &[Account]) -> Self {
        let date = |text: &String| text.parse::<Date>().unwrap();
        let first = accounts
            .iter()
            .map(|account| date(&account.first))
            .min()
            .unwrap();
        let last = accounts
            .iter()
            .map(|account| date(&account.last))
            .max()
            .unwrap();
        let all: Vec<Vec<Row>> = accounts.iter().map(cleaned).collect();
        let opening = |rows: &Vec<Row>| {
            rows.first()
                .map_or(0, |row| row.balance.unwrap() - row.paise)
        };
        let mut balance: i64 = all.iter().map(opening).sum();
        let mut rows: Vec<Row> = all.into_iter().flatten().collect();
        rows.sort_by_key(|row| row.at);
        let mut rest = rows.iter().peekable();
        let mut closings = BTreeMap::new();
        for day in first.series(1.day()).take_while(|day| *day <= last) {
            while let Some(row) = rest.next_if(|row| row.at.date() == day) {
                balance += row.paise;
            }
            closings.insert(day, balance);
        }
        assert_eq!(rest.next(), None, "a row outside of its statement");
        let told: Option<i64> = accounts.iter().map(|account| account.balance).sum();
        assert_eq!(told, Some(balance), "the summary and the rows");
        let failed: BTreeSet<String> = rows
            .iter()
            .filter(|row| row.narration.contains("/REV/"))
            .map(|row| row.reference.clone())
            .collect();
        rows.retain(|row| !failed.contains(&row.reference));
        Self {
            first,
            last,
            rows,
            closings,
        }
    }

    /// The months, each by its first day.
    pub(crate) fn months(&self) -> Vec<Date> {
        let months = self.first.first_of_month().series(1.month());
        months.take_while(|month| *month <= self.last).collect()
    }

    /// The months of which every day is there.
    pub(crate) fn whole_months(&self) -> Vec<Date> {
        let mut months = self.months();
        months.retain(|month| self.first <= *month && month.last_of_month() <= self.last);
        months
    }

    pub(crate) fn filter(&self, holds: impl Fn(&Row) -> bool) -> Vec<&Row> {
        self.rows.iter().filter(|row| holds(row)).collect()
    }

    /// What these rows move, unsigned.
    pub(crate) fn sum(&self, holds: impl Fn(&Row) -> bool) -> i64 {
        self.filter(holds).iter().map(|row| row.paise.abs()).sum()
    }

    /// The same, month by month.
    pub(crate) fn by_month(&self, holds: impl Fn(&Row) -> bool) -> Vec<i64> {
        let months = self.months().into_iter();
        let sum =
            |month: Date| self.sum(|row| row.at.date().first_of_month() == month && holds(row));
        months.map(sum).collect()
    }

    /// The balances at the end of a day of each month.
    pub(crate) fn on(&self, day: i8) -> Vec<i64> {
        let months = self.months().into_iter();
        let closing = |month: Date| {
            let day = day.min(month.days_in_month());
            self.closings
                .get(&month.with().day(day).build().unwrap())
                .copied()
        };
        months.filter_map(closing).collect()
    }

    /// The average bank balance, in rupees.
    pub(crate) fn abb(&self, days: &[i8]) -> i64 {
        let balances: Vec<i64> = days.iter().flat_map(|day| self.on(*day)).collect();
        assert_eq!(balances.len(), 12 * days.len());
        rupees(mean(&balances))
    }

    /// The mean balance at the end of a day, in rupees.
    pub(crate) fn amb(&self) -> i64 {
        let balances: Vec<i64> = self.closings.values().copied().collect();
        rupees(mean(&balances))
    }

    /// The mean balance of each month, in paise.
    pub(crate) fn amb_by_month(&self) -> Vec<f64> {
        let months = self.months().into_iter();
        let of = |month: Date| {
            let balances = self.closings.range(month..=month.last_of_month());
            mean(&balances.map(|(_, balance)| *balance).collect::<Vec<_>>())
        };
        months.map(of).collect()
    }

    /// The least balance at the end of a day, in rupees.
    pub(crate) fn minimum(&self) -> i64 {
        whole(*self.closings.values().min().unwrap())
    }

    /// The mandates that were not covered, each by its lender and month, with the days of its returns.
    pub(crate) fn returns(&self) -> BTreeMap<(String, Date), Vec<Date>> {
        let mut returns = BTreeMap::<_, Vec<Date>>::new();
        for row in self.filter(|row| row.narration.contains("INSUFFICIENT FUNDS")) {
            let day = row.at.date();
            let key = (party(row).to_owned(), day.first_of_month());
            returns.entry(key).or_default().push(day);
        }
        returns
    }

    /// Bounces by a lender's rule: what is paid within so many days does not count, and later each return does.
    pub(crate) fn bounces(&self, cure_days: i32) -> BTreeMap<Date, usize> {
        let mut counted = BTreeMap::new();
        for ((lender, month), days) in self.returns() {
            let is_late = |paid: Date| days[0].until(paid).unwrap().get_days() > cure_days;
            let paid = self.filter(|row| {
                party(row) == lender
                    && row.at.date().first_of_month() == month
                    && is_paid_instalment(self, row)
            });
            if paid.first().is_none_or(|row| is_late(row.at.date())) {
                counted.insert(month, days.len());
            }
        }
        counted
    }

    /// Instalments that were paid, by mandate or by hand.
    pub(crate) fn instalments(&self) -> i64 {
        self.sum(|row| is_paid_instalment(self, row))
    }
}

/// Whether it is an instalment that went out and did not come back.
pub(crate) fn is_paid_instalment(book: &Book, row: &Row) -> bool {
    if row.narration.ends_with("/EMI PAYMENT") {
        return true;
    }
    let is_mandate = row.narration.starts_with("ACH D-") && row.narration.contains("-EMI ");
    let is_back = |other: &Row| other.reference == row.reference && other.paise == -row.paise;
    is_mandate && !book.rows.iter().any(is_back)
}

pub(crate) fn is_salary(row: &Row) -> bool {
    row.paise > 0 && row.narration.contains("-SALARY-")
}

pub(crate) fn is_cash(row: &Row) -> bool {
    row.paise > 0 && row.mode == "CASH"
}

pub(crate) fn is_credit(row: &Row) -> bool {
    row.paise > 0
}

pub(crate) fn mean(amounts: &[i64]) -> f64 {
    amounts.iter().sum::<i64>() as f64 / amounts.len() as f64
}

/// The standard deviation of all of them over their mean, with two decimals.
pub(crate) fn variation(amounts: &[i64]) -> String {
    let mean = mean(amounts);
    let squares = amounts.iter().map(|one| (*one as f64 - mean).powi(2));
    let deviation = (squares.sum::<f64>() / amounts.len() as f64).sqrt();
    format!("{:.2}", deviation / mean)
}

/// A part of a whole in percent, with one decimal.
pub(crate) fn percent(part: i64, whole: i64) -> String {
    format!("{:.1}", 100.0 * part as f64 / whole as f64)
}

/// The nearest rupee.
pub(crate) fn rupees(paise: f64) -> i64 {
    (paise / 100.0).round() as i64
}

/// Rupees without paise.
pub(crate) fn whole(paise: i64) -> i64 {
    assert_eq!(paise % 100, 0, "{paise} paise");
    paise / 100
}
