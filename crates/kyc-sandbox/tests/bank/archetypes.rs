//! The tabled figures, computed from what Finpass serves, for two people and seeds and at both ends of the month.

use std::collections::BTreeSet;

use jiff::civil::date;
use kyc_sandbox::Settings;

use crate::book::{
    ABB_DAYS, Book, is_cash, is_credit, is_paid_instalment, is_salary, mean, party, percent,
    rupees, variation, whole,
};
use crate::served::{Account, Row, TODAY, finpass, sandbox};

/// The accounts of an archetype's people, with their books.
async fn books(archetype: u8) -> Vec<(Book, Vec<Account>)> {
    let mut books = Vec::new();
    for (today, script, seed) in [
        (TODAY, "0000", 0),
        ("2026-11-01", "0000", 7),
        ("2026-11-30", "4210", 0),
    ] {
        let sandbox = sandbox(today, Settings::default().with_data_seed(seed));
        let accounts = finpass(&sandbox, &format!("9001{script}{archetype:02}")).await;
        books.push((Book::of(&accounts), accounts));
    }
    books
}

fn steady(book: &Book) {
    let income = book.sum(is_salary);
    assert_eq!(percent(book.instalments(), income), "20.0");
    assert_eq!(book.abb(&ABB_DAYS), 77_125);
    assert_eq!(book.amb(), 82_288);
    assert_eq!(book.minimum(), 35_000);
    assert!(book.returns().is_empty());
}

#[tokio::test]
async fn a00_steady() {
    for (book, _) in books(0).await {
        steady(&book);
        assert_eq!(
            (book.first, book.last),
            (date(2025, 11, 1), date(2026, 10, 31))
        );
    }
}

#[tokio::test]
async fn a01_paid_late() {
    for (book, _) in books(1).await {
        let months = book.by_month(is_salary);
        assert_eq!(months, [7_500_000; 12]);
        let days = book.filter(is_salary).into_iter().map(|row| row.at.day());
        let days: BTreeSet<i8> = days.collect();
        assert_eq!((days.first(), days.last()), (Some(&1), Some(&11)));
        assert_eq!(book.abb(&ABB_DAYS), 90_150);
        assert_eq!(book.minimum(), 33_700);
    }
}

#[tokio::test]
async fn a02_changed_jobs() {
    for (book, _) in books(2).await {
        let months = book.by_month(is_salary);
        let now = &months[9..];
        assert_eq!(rupees(mean(&months)), 55_000);
        assert_eq!(rupees(mean(now)), 80_000);
        let employers: BTreeSet<&str> = book.filter(is_salary).into_iter().map(party).collect();
        assert_eq!(employers.len(), 2);
        assert_eq!(variation(&months), "0.47");
        assert_eq!(percent(book.instalments(), months.iter().sum()), "21.8");
        let recent =
            |row: &Row| row.at.date() >= date(2026, 8, 1) && is_paid_instalment(&book, row);
        assert_eq!(percent(book.sum(recent), now.iter().sum()), "15.0");
    }
}

#[tokio::test]
async fn a03_instalments_bounce() {
    for (book, _) in books(3).await {
        let raw: usize = book.returns().values().map(Vec::len).sum();
        assert_eq!(raw, 5);
        let counted: Vec<_> = book.bounces(7).into_iter().collect();
        assert_eq!(counted, [(date(2026, 4, 1), 2), (date(2026, 5, 1), 1)]);
        // Rules of other lenders.
        assert_eq!(book.bounces(8).values().sum::<usize>(), 1);
        assert_eq!(book.bounces(0).values().sum::<usize>(), raw);
        // What is asked for every month, whether it was paid or not.
        let mandates = book.filter(|row| row.narration.contains("-EMI ") && row.paise < 0);
        let due: BTreeSet<(&str, i64)> = mandates
            .into_iter()
            .map(|row| (party(row), row.paise))
            .collect();
        let due: i64 = due.iter().map(|(_, paise)| -paise).sum();
        let salary = book.by_month(is_salary);
        assert_eq!(salary, [4_000_000; 12]);
        assert_eq!(10_000 * due / salary[0], 3_875);
        assert_eq!(book.abb(&ABB_DAYS), 22_188);
        assert_eq!(book.minimum(), 3_110);
        // Each return costs its charge two days later.
        let charges = book.filter(|row| row.narration.contains("RTN CHARGES"));
        assert_eq!(
            charges.iter().map(|row| row.paise).collect::<Vec<_>>(),
            [-59_000; 5]
        );
        let days = charges.iter().map(|row| row.at.day()).collect::<Vec<_>>();
        assert_eq!(days, [7, 7, 10, 7, 7]);
    }
}

#[tokio::test]
async fn a04_gambler() {
    for (book, _) in books(4).await {
        let game = |row: &Row| party(row).contains("RUMMY");
        let stakes = book.sum(|row| game(row) && row.paise < 0);
        assert_eq!(percent(stakes, book.sum(is_salary)), "24.0");
        let net: i64 = book.filter(game).iter().map(|row| row.paise).sum();
        assert_eq!(whole(net), -96_000);
        // What was won is there, and is no salary.
        assert_eq!(book.sum(is_credit) - book.sum(is_salary), 4_800_000);
    }
}

/// Whether a credit goes back to its party, the same amount within three days.
fn is_circular(book: &Book, credit: &Row) -> bool {
    let goes_back = |row: &&Row| {
        let days = credit.at.date().until(row.at.date()).unwrap().get_days();
        row.paise == -credit.paise && party(row) == party(credit) && (0..=3).contains(&days)
    };
    credit.paise > 0 && book.rows.iter().any(|row| goes_back(&row))
}

#[tokio::test]
async fn a05_circular() {
    for (book, _) in books(5).await {
        let gross = book.sum(is_credit);
        let circular = book.sum(|row| is_circular(&book, row));
        assert_eq!(whole(gross / 12), 450_000);
        assert_eq!(whole((gross - circular) / 12), 150_000);
        assert_eq!(percent(circular, gross), "66.7");
    }
}

#[tokio::test]
async fn a06_cash_shop() {
    for (book, _) in books(6).await {
        assert_eq!(percent(book.sum(is_cash), book.sum(is_credit)), "66.7");
        assert_eq!(book.by_month(is_credit), [30_000_000; 12]);
    }
}

#[tokio::test]
async fn a07_structurer() {
    for (book, _) in books(7).await {
        let just_below = |row: &Row| is_cash(row) && (90_000_000..100_000_000).contains(&row.paise);
        let deposits = book.filter(just_below);
        assert_eq!(deposits.len(), 3);
        assert_eq!(whole(book.sum(just_below)), 2_940_000);
        let days: Vec<_> = deposits.iter().map(|row| row.at.date()).collect();
        assert_eq!(days, [24, 26, 28].map(|day| date(2026, 1, day)));
        // Apart from these it is the cash shop.
        let rest = book.by_month(|row| is_credit(row) && !just_below(row));
        assert_eq!(rest, [30_000_000; 12]);
    }
}

#[tokio::test]
async fn a08_three_banks() {
    for (book, accounts) in books(8).await {
        let banks: BTreeSet<&str> = accounts.iter().map(|one| one.bank.as_str()).collect();
        assert_eq!((accounts.len(), banks.len()), (3, 3));
        assert_eq!(book.by_month(is_credit), [14_500_000; 12]);
        // What leaves one account and comes into another on the same day is no income.
        let is_own = |credit: &Row| {
            let left = |row: &Row| row.reference == credit.reference && row.paise == -credit.paise;
            !credit.reference.is_empty() && book.rows.iter().any(left)
        };
        let net = book.by_month(|row| is_credit(row) && !is_own(row));
        assert_eq!(net, [7_500_000; 12]);
        assert_eq!(percent(book.instalments(), net.iter().sum()), "20.0");
        assert_eq!(book.abb(&ABB_DAYS), 158_256);
    }
}

#[tokio::test]
async fn a09_below_minimum() {
    for (book, _) in books(9).await {
        let under = book
            .amb_by_month()
            .into_iter()
            .filter(|mean| *mean < 1_000_000.0);
        assert_eq!(under.count(), 6);
        let charges = book.filter(|row| row.narration.contains("MIN BAL"));
        assert_eq!(
            charges.iter().map(|row| row.paise).collect::<Vec<_>>(),
            [-59_000; 5]
        );
        assert_eq!(book.abb(&ABB_DAYS), 8_244);
        let days = book
            .closings
            .values()
            .filter(|balance| **balance < 1_000_000);
        assert_eq!(days.count(), 212);
        assert_eq!(book.minimum(), 1_625);
    }
}

#[tokio::test]
async fn a10_dormant() {
    for (book, accounts) in books(10).await {
        assert_eq!(accounts[0].status, "INACTIVE");
        let by_bank = |row: &Row| ["INT.CREDIT", "SMS CHARGES INCL GST"].contains(&&*row.narration);
        assert!(book.rows.iter().all(by_bank));
        assert_eq!(book.filter(|row| row.narration == "INT.CREDIT").len(), 4);
        // The window is shorter than the 400 days for which there is none by the customer.
        assert!(book.closings.len() < 400);
        let income = book.filter(is_salary);
        let income = (!income.is_empty()).then(|| book.sum(is_salary));
        assert_eq!(income, None);
    }
}

#[tokio::test]
async fn a11_gig() {
    for (book, _) in books(11).await {
        let months = book.by_month(is_credit);
        assert_eq!(rupees(mean(&months)), 34_671);
        assert_eq!(variation(&months), "0.10");
        assert_eq!(percent(book.instalments(), months.iter().sum()), "17.3");
        assert!(book.filter(is_salary).is_empty());
        assert_eq!(book.filter(is_credit)[0].at.date(), date(2025, 11, 3));
    }
}

#[tokio::test]
async fn a12_farmer() {
    for (book, _) in books(12).await {
        let months = book.by_month(is_credit);
        assert_eq!(rupees(mean(&months)), 35_500);
        assert_eq!(variation(&months), "2.24");
        assert_eq!(months.iter().filter(|month| **month > 0).count(), 4);
        assert_eq!(percent(book.instalments(), months.iter().sum()), "42.3");
    }
}

#[tokio::test]
async fn a13_thin_file() {
    for (book, _) in books(13).await {
        assert_eq!(book.closings.len(), 95);
        assert_eq!(book.whole_months().len(), 3);
        assert_eq!(
            book.by_month(is_salary),
            [0, 3_200_000, 3_200_000, 3_200_000]
        );
        assert_eq!(whole(book.sum(is_salary) / 3), 32_000);
        assert_eq!(book.closings[&book.first], 0);
    }
}

#[tokio::test]
async fn a14_paid_in_cash() {
    for (book, _) in books(14).await {
        assert_eq!(percent(book.sum(is_cash), book.sum(is_credit)), "100.0");
        assert!(book.filter(is_salary).is_empty());
        assert_eq!(book.filter(is_cash).len(), 12);
        assert!(book.by_month(is_cash).iter().all(|cash| *cash > 0));
    }
}

#[tokio::test]
async fn a15_overdraft() {
    for (book, accounts) in books(15).await {
        assert_eq!(whole(accounts[0].limit), 500_000);
        let used: Vec<i64> = book
            .closings
            .values()
            .map(|balance| (-balance).max(0))
            .collect();
        let days = i64::try_from(used.len()).unwrap();
        assert_eq!(percent(used.iter().sum(), days * accounts[0].limit), "42.2");
        assert_eq!(
            percent(*used.iter().max().unwrap(), accounts[0].limit),
            "55.0"
        );
        assert!(book.returns().is_empty());
    }
}

#[tokio::test]
async fn a16_joint() {
    for (book, accounts) in books(16).await {
        let [first, second] = &accounts[0].holders[..] else {
            panic!("not two holders");
        };
        assert_eq!(accounts[0].holding, "JOINT");
        let of = |holder: &str| book.sum(|row| is_salary(row) && row.narration.contains(holder));
        let (own, household) = (of(first), of(first) + of(second));
        assert_eq!((whole(household / 12), whole(own / 12)), (103_000, 55_000));
        assert_eq!(household, book.sum(is_salary));
        assert_eq!(percent(book.instalments(), household), "24.3");
        assert_eq!(percent(book.instalments(), own), "45.5");
    }
}

#[tokio::test]
async fn a17_window_dresser() {
    for (book, _) in books(17).await {
        assert_eq!(rupees(mean(&book.on(31))), 208_867);
        assert_eq!(rupees(mean(&book.on(15))), 18_733);
        assert_eq!(book.abb(&ABB_DAYS), 37_193);
        assert_eq!(book.abb(&[5, 15, 25]), 18_733);
    }
}

#[tokio::test]
async fn a18_stacker() {
    for (book, _) in books(18).await {
        let loans = book.filter(|row| row.narration.ends_with("-LOAN DISBURSAL"));
        let lenders: BTreeSet<&str> = loans.iter().map(|row| party(row)).collect();
        let days = loans[0]
            .at
            .date()
            .until(loans[3].at.date())
            .unwrap()
            .get_days()
            + 1;
        assert_eq!((lenders.len(), loans.len(), days), (4, 4, 25));
        let lent: i64 = loans.iter().map(|row| row.paise).sum();
        assert_eq!(whole(lent), 90_000);
        let instalments = book.by_month(|row| is_paid_instalment(&book, row));
        let income = book.by_month(is_salary);
        assert_eq!(percent(instalments[11], income[11]), "54.3");
        let year = percent(instalments.iter().sum(), income.iter().sum());
        assert_eq!(year, "4.5");
    }
}

#[tokio::test]
async fn a19_dirty_is_the_steady_one_once_it_is_clean() {
    for (book, accounts) in books(19).await {
        steady(&book);
        let rows = &accounts[0].rows;
        let ids: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        let different: BTreeSet<&Row> = rows.iter().collect();
        assert!(ids.len() < different.len(), "an id has several rows");
        assert!(different.len() < rows.len(), "a row comes twice");
        assert!(rows.iter().any(|row| row.balance.is_none()));
        assert!(!rows.is_sorted_by_key(|row| row.at));
    }
}
