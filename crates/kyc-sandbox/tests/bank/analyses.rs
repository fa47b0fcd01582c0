//! Analyses add up with the rows, to the paisa.

use kyc_sandbox::settings::ExcelForm;
use kyc_sandbox::{FinproSettings, Settings};
use serde_json::{Value, json};

use crate::book::{Book, cleaned, is_paid_instalment, is_salary, mean};
use crate::served::{
    Account, TODAY, amount, bytes, call, consent, elements, finpass, journey, sandbox, text,
};

/// What all rows add and take, those that failed and came back too.
fn totals(accounts: &[Account]) -> (i64, i64) {
    let rows = accounts.iter().flat_map(cleaned);
    rows.fold((0, 0), |(credits, debits), row| match row.paise > 0 {
        true => (credits + row.paise, debits),
        false => (credits, debits - row.paise),
    })
}

fn average(book: &Book) -> i64 {
    let balances: Vec<i64> = book.closings.values().copied().collect();
    mean(&balances).round() as i64
}

fn opening(accounts: &[Account]) -> i64 {
    let rows = accounts
        .iter()
        .filter_map(|one| cleaned(one).into_iter().next());
    rows.map(|row| row.balance.unwrap() - row.paise).sum()
}

#[tokio::test]
async fn the_analysis_of_a_journey_adds_up() {
    let sandbox = sandbox(TODAY, Settings::default());
    for archetype in 0..20 {
        let mobile = format!("90010000{archetype:02}");
        let accounts = finpass(&sandbox, &mobile).await;
        let book = Book::of(&accounts);
        let analysis = journey(&sandbox, &mobile).await.analysis;
        let (credits, debits) = totals(&accounts);
        let of = |member: &str| amount(&analysis["summary"][member]).unwrap();
        assert_eq!(
            (of("total_credits"), of("total_debits")),
            (credits, debits),
            "{archetype}"
        );
        assert_eq!(of("average_monthly_balance"), average(&book), "{archetype}");
        let minimum = book.closings.values().min().copied().unwrap();
        assert_eq!(of("minimum_monthly_balance"), minimum, "{archetype}");
        assert_eq!(
            analysis["analysis_period"]["start_date"],
            book.first.to_string()
        );
        let trend = analysis["monthly_cash_flow"].as_array().unwrap();
        let sum = |member: &str| {
            trend
                .iter()
                .map(|month| amount(&month[member]).unwrap())
                .sum::<i64>()
        };
        assert_eq!(
            (sum("credits"), sum("debits")),
            (credits, debits),
            "{archetype}"
        );
        let salaries = analysis["income"]["identified_salary_credits"]
            .as_array()
            .unwrap();
        let salaries: Vec<i64> = salaries
            .iter()
            .map(|one| amount(&one["amount"]).unwrap())
            .collect();
        let months = book
            .by_month(is_salary)
            .into_iter()
            .filter(|salary| *salary > 0);
        assert_eq!(salaries, months.collect::<Vec<_>>(), "{archetype}");
        let returns: usize = book.returns().values().map(Vec::len).sum();
        assert_eq!(
            analysis["risk_flags"]["emi_bounces"], returns,
            "{archetype}"
        );
    }
}

#[tokio::test]
async fn the_income_of_a_journey_is_the_tabled_one() {
    let sandbox = sandbox(TODAY, Settings::default());
    for (archetype, income, ratio, stability) in [
        (0, "75000.00", json!(20.0), 100),
        (2, "55000.00", json!(21.82), 53),
        (5, "150000.00", json!(0.0), 100),
        (8, "75000.00", json!(20.0), 100),
        (10, "0.00", Value::Null, 0),
        (11, "34670.83", json!(17.31), 90),
        (12, "35500.00", json!(42.25), 0),
        // Of its three whole months.
        (13, "32000.00", json!(0.0), 100),
        (16, "103000.00", json!(24.27), 100),
        (18, "35000.00", json!(4.52), 100),
        (19, "75000.00", json!(20.0), 100),
    ] {
        let analysis = journey(&sandbox, &format!("90010000{archetype:02}"))
            .await
            .analysis;
        let found = &analysis["income"];
        assert_eq!(
            amount(&found["average_monthly_income"]),
            amount(&json!(income)),
            "{archetype}"
        );
        assert_eq!(found["income_stability_score"], stability, "{archetype}");
        assert_eq!(analysis["fixed_obligations_ratio"], ratio, "{archetype}");
    }
}

/// The value of a member, whether it is JSON's or XML's.
fn paise(members: &Value, name: &str) -> i64 {
    amount(&members[name]).unwrap()
}

fn check(members: &Value, accounts: &[Account], case: &str) {
    let book = Book::of(accounts);
    let totals = totals(accounts);
    let found = (
        paise(members, "totalCredits"),
        paise(members, "totalDebits"),
    );
    assert_eq!(found, totals, "{case}");
    assert_eq!(paise(members, "averageBalance"), average(&book), "{case}");
    assert_eq!(
        paise(members, "openingBalance"),
        opening(accounts),
        "{case}"
    );
    let closing: i64 = accounts.iter().map(|one| one.balance.unwrap()).sum();
    assert_eq!(paise(members, "closingBalance"), closing, "{case}");
    let months = &book.months()[book.months().len() - 3..];
    let three: Vec<i64> = book
        .closings
        .range(months[0]..)
        .map(|(_, balance)| *balance)
        .collect();
    assert_eq!(
        paise(members, "averageBalanceLast3Months"),
        mean(&three).round() as i64,
        "{case}"
    );
    let instalments = book.filter(|row| is_paid_instalment(&book, row)).len();
    let told = text(&members["totalEmiTxns"]).parse().ok();
    let told = told.or(members["totalEmiTxns"].as_u64());
    assert_eq!(told, u64::try_from(instalments).ok(), "{case}");
}

#[tokio::test]
async fn the_analysis_of_a_consent_adds_up_in_every_form() {
    let finpro = FinproSettings::default().with_excel_form(ExcelForm::File);
    let sandbox = sandbox(TODAY, Settings::default().with_finpro(finpro));
    for archetype in [0, 3, 8, 13, 15, 19] {
        let mobile = format!("90010000{archetype:02}");
        let accounts = finpass(&sandbox, &mobile).await;
        let consent = consent(&sandbox, &mobile, json!({})).await;
        let asked = json!({"consentID": consent.id, "journeyID": "j"});

        let analysis = call(&sandbox, "/finpro/analytics/json", asked.clone()).await;
        let analysis = &analysis["data"]["data"]["bankingAnalysis"];
        check(&analysis["overallAnalysis"], &accounts, &mobile);
        let profiles = analysis["accountProfiles"].as_array().unwrap();
        assert_eq!(profiles.len(), accounts.len());
        for (profile, account) in profiles.iter().zip(&accounts) {
            check(profile, std::slice::from_ref(account), &mobile);
            assert_eq!(text(&profile["maskedAccountNumber"]), account.number);
        }

        let document = bytes(&sandbox, "POST", "/finpro/analytics/xml", asked.clone()).await;
        let elements = elements(&String::from_utf8(document).unwrap());
        let named = |name: &str| {
            elements
                .iter()
                .filter(|(found, _)| found == name)
                .map(|(_, members)| members)
                .collect::<Vec<_>>()
        };
        check(named("overallAnalysis")[0], &accounts, &mobile);
        for (profile, account) in named("accountProfile").iter().zip(&accounts) {
            check(profile, std::slice::from_ref(account), &mobile);
        }

        let file = bytes(&sandbox, "POST", "/finpro/analytics/excel", asked.clone()).await;
        let figures = sheet(&file, "sheet1");
        let named = figures
            .into_iter()
            .map(|row| (row[0].clone(), row[1].as_str().into()));
        check(&Value::Object(named.collect()), &accounts, &mobile);
        let rows = sheet(&file, "sheet2");
        let cells = rows.iter().skip(1).map(|row| {
            (
                row[0].clone(),
                row[1].clone(),
                amount(&json!(row[3])).unwrap(),
                amount(&json!(row[4])),
            )
        });
        let expected = accounts.iter().flat_map(|account| {
            let number = account.number.clone();
            cleaned(account).into_iter().map(move |row| {
                (
                    number.clone(),
                    row.at.date().to_string(),
                    row.paise,
                    row.balance,
                )
            })
        });
        assert!(cells.eq(expected), "{mobile}");

        // Of one account only.
        let one =
            json!({"consentID": consent.id, "journeyID": "j", "linkRefNumber": [consent.links[0]]});
        let file = bytes(&sandbox, "POST", "/finpro/analytics/excel", one).await;
        assert_eq!(
            sheet(&file, "sheet2").len(),
            1 + cleaned(&accounts[0]).len()
        );
    }
}

/// The cells of a sheet in a workbook whose files are not compressed.
fn sheet(file: &[u8], name: &str) -> Vec<Vec<String>> {
    let path = format!("xl/worksheets/{name}.xml");
    let mut entry = 0;
    let content = loop {
        let number = |at: usize, length: usize| {
            let bytes = file[entry + at..entry + at + length].iter().rev();
            bytes.fold(0_usize, |number, byte| number << 8 | usize::from(*byte))
        };
        let (size, length) = (number(18, 4), number(26, 2));
        let start = entry + 30 + length;
        if &file[entry + 30..start] == path.as_bytes() {
            break &file[start..start + size];
        }
        entry = start + size;
    };
    let content = std::str::from_utf8(content).unwrap();
    let cell = |cell: &str| {
        let inside = cell.split('>').filter_map(|part| part.split_once('<'));
        let text = inside.map(|(text, _)| text).find(|text| !text.is_empty());
        text.unwrap_or_default().to_owned()
    };
    let row = |row: &str| row.split("<c").skip(1).map(cell).collect();
    content.split("<row>").skip(1).map(row).collect()
}
