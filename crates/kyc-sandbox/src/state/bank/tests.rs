use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::date;

use super::*;

/// Days on which months end, begin and are long or short.
fn days() -> Vec<Date> {
    let mut days = vec![date(2028, 2, 29), date(2028, 2, 28), date(2100, 3, 1)];
    let months = date(2026, 1, 1).series(3.months()).take(10);
    days.extend(months.flat_map(|month| {
        let next = month.saturating_add(1.month());
        let after = month.saturating_add(2.months());
        [month, next.last_of_month(), after.saturating_add(14.days())]
    }));
    days
}

fn of(archetype: u8, seed: u64, today: Date) -> Vec<Account> {
    let script = MobileScript::of(&format!("90010000{archetype:02}"));
    script.map_or(Vec::new(), |script| accounts(script, seed, today))
}

/// The balance at the end of each day on which something happened.
fn closings(account: &Account) -> BTreeMap<Date, i64> {
    let rows = account.transactions.iter();
    rows.map(|row| (row.at.date(), row.balance)).collect()
}

/// The same of the days on which the balance changed, which is all that a script decides.
fn changes(account: &Account) -> Vec<(Date, i64)> {
    let mut balance = account.opening;
    let changed = closings(account).into_iter().filter(|(_, closing)| {
        let changes = *closing != balance;
        balance = *closing;
        changes
    });
    changed.collect()
}

#[test]
fn balances_add_up_and_nothing_is_in_the_future_on_any_day() {
    for today in days() {
        for archetype in 0..20 {
            let accounts = of(archetype, 7, today);
            assert!(!accounts.is_empty(), "{archetype}");
            for account in accounts {
                let case = format!("{archetype} at {}, {today}", account.bank.name);
                let window = Window::before(today);
                assert!(account.last < today.first_of_month(), "{case}");
                assert!(account.opened <= account.first, "{case}");
                let mut balance = account.opening;
                let mut before = account.first.at(0, 0, 0, 0);
                let mut ids = BTreeSet::new();
                for row in &account.transactions {
                    balance += row.paise;
                    assert_eq!(row.balance, balance, "{case}");
                    assert_ne!(row.paise, 0, "{case}");
                    assert!(before < row.at, "{case}: {} and then {}", before, row.at);
                    assert!(
                        (window.first..=window.last).contains(&row.at.date()),
                        "{case}"
                    );
                    assert!(ids.insert(&row.id), "{case}: {}", row.id);
                    // A mandate is returned because it is not covered: for a moment it is below nothing.
                    let is_returned = row.purpose.is_returned_instalment() && row.paise < 0;
                    assert_eq!(row.balance < -account.limit, is_returned, "{case}: {row:?}");
                    before = row.at;
                }
                assert_eq!(
                    (account.balance, account.closing()),
                    (balance, balance),
                    "{case}"
                );
            }
        }
    }
}

#[test]
fn decoration_differs_by_person_and_seed_and_never_moves_a_closing_balance() {
    let today = date(2026, 11, 27);
    for archetype in 0..20 {
        let one = of(archetype, 1, today);
        assert_eq!(one, of(archetype, 1, today), "{archetype}");
        for other in [
            of(archetype, 2, today),
            MobileScript::of(&format!("90014200{archetype:02}"))
                .map_or(Vec::new(), |script| accounts(script, 1, today)),
        ] {
            assert_eq!(one.len(), other.len());
            for (one, other) in one.iter().zip(&other) {
                assert_eq!(changes(one), changes(other), "{archetype}");
                assert_ne!(one.transactions, other.transactions, "{archetype}");
            }
        }
    }
}

#[test]
fn many_small_payments_and_failed_ones_make_a_lively_account() {
    let accounts = of(0, 0, date(2026, 11, 27));
    let rows = || accounts.iter().flat_map(|account| &account.transactions);
    assert!((900..2_000).contains(&rows().count()), "{}", rows().count());
    let failed: Vec<_> = rows()
        .filter(|row| row.purpose == Purpose::Reversed)
        .collect();
    assert!(failed.len() > 100, "{}", failed.len());
    for pair in failed.chunks(2) {
        let [out, back] = pair else {
            unreachable!("a failed payment without its return");
        };
        assert_eq!((out.paise, &out.reference), (-back.paise, &back.reference));
        assert_eq!(out.at.date(), back.at.date());
    }
    let modes = |mode| rows().filter(|row| row.mode == mode).count();
    for mode in [Mode::Upi, Mode::Neft, Mode::Nach, Mode::Atm, Mode::Card] {
        assert!(modes(mode) > 10, "{mode:?}");
    }
}

#[test]
fn a_part_of_an_account_begins_with_the_balance_before_it() {
    let accounts = of(0, 0, date(2026, 11, 27));
    let Some(whole) = accounts.first() else {
        unreachable!("a person without accounts");
    };
    let (from, to) = (
        date(2026, 3, 10).at(12, 0, 0, 0),
        date(2026, 4, 2).at(12, 0, 0, 0),
    );
    let part = whole.clone().between(Some(from), Some(to));
    assert_eq!((part.first, part.last), (from.date(), to.date()));
    let moved: i64 = part.transactions.iter().map(|row| row.paise).sum();
    assert_eq!(part.opening + moved, part.closing());
    assert_eq!(part.balance, whole.balance);
    let before: i64 = whole
        .transactions
        .iter()
        .filter(|row| row.at < from)
        .map(|row| row.paise)
        .sum();
    assert_eq!(whole.opening + before, part.opening);
    assert!(
        part.transactions
            .iter()
            .all(|row| (from..=to).contains(&row.at))
    );
    // Both ends are included, to the second.
    let ends = |rows: &[Transaction]| Some((rows.first()?.at, rows.last()?.at));
    let Some((first, last)) = ends(&part.transactions) else {
        unreachable!("a month without rows");
    };
    let exact = whole.clone().between(Some(first), Some(last));
    assert_eq!(exact.transactions, part.transactions);
    // Before everything, and after everything.
    let none = whole
        .clone()
        .between(None, Some(date(2020, 1, 1).at(0, 0, 0, 0)));
    assert_eq!(
        (none.transactions.len(), none.closing()),
        (0, whole.opening)
    );
    let none = whole
        .clone()
        .between(Some(date(2030, 1, 1).at(0, 0, 0, 0)), None);
    assert_eq!(
        (none.transactions.len(), none.closing()),
        (0, whole.balance)
    );
}

#[test]
fn the_documented_archetypes_are_the_archetypes() {
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        let (number, name) = (cells.next()?, cells.next()?);
        Some((number.parse::<u8>().ok()?, name.to_owned()))
    };
    let readme = include_str!("../../../README.md").lines();
    let section = readme.skip_while(|line| *line != "## Bank data").skip(1);
    let section = section.take_while(|line| !line.starts_with("## "));
    let documented: Vec<_> = section
        .filter_map(row)
        .filter(|(number, _)| *number < 100)
        .collect();
    let ours = ARCHETYPES
        .iter()
        .map(|one| (one.number, one.name.to_owned()));
    assert_eq!(documented, ours.collect::<Vec<_>>());
    assert_eq!((name(19), name(20)), (Some("dirty"), Some("steady")));
}

#[test]
fn dirty_rows_are_the_same_rows() {
    let today = date(2026, 11, 27);
    let accounts = of(19, 0, today);
    let Some(account) = accounts.first() else {
        unreachable!("a person without accounts");
    };
    let rows = account.rows();
    let distinct: BTreeSet<_> = rows.iter().map(|row| row.transaction.at).collect();
    assert_eq!(distinct.len(), account.transactions.len());
    assert!(rows.len() > distinct.len());
    assert!(rows.iter().any(|row| row.balance.is_none()));
    assert!(rows.iter().any(|row| row.id != row.transaction.id));
    assert!(!rows.is_sorted_by_key(|row| row.transaction.at));
    assert!(
        of(0, 0, today)
            .iter()
            .all(|account| account.rows().len() == account.transactions.len())
    );
}

#[test]
fn an_analysis_adds_up_with_the_rows() {
    for today in days() {
        for archetype in 0..20 {
            let accounts = of(archetype, 3, today);
            let Some(analysis) = Analysis::of(&accounts) else {
                unreachable!("accounts without a day");
            };
            let moved = analysis.credits - analysis.debits;
            assert_eq!(analysis.opening + moved, analysis.closing, "{archetype}");
            let last = analysis.months.last().map(|month| month.closing);
            assert_eq!(last, Some(analysis.closing), "{archetype}");
            assert!(analysis.minimum <= analysis.average, "{archetype}");
        }
    }
}
