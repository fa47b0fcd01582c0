//! Other days than the tables', and ranges.

use jiff::civil::{Date, DateTime};
use kyc_sandbox::{Sandbox, Settings};
use serde_json::{Value, json};

use crate::book::Book;
use crate::served::{
    Account, Row, TODAY, bytes, call, consent, finpass, finpro, of_finpro, sandbox,
};

#[tokio::test]
async fn on_any_day_balances_add_up_and_nothing_is_in_the_future() {
    for today in ["2028-02-29", "2028-03-01", "2027-03-31", "2027-01-01"] {
        let sandbox = sandbox(today, Settings::default());
        let day: Date = today.parse().unwrap();
        for archetype in 0..20 {
            let accounts = finpass(&sandbox, &format!("90010000{archetype:02}")).await;
            // Checks every balance.
            let book = Book::of(&accounts);
            assert!(book.last < day.first_of_month(), "{archetype} on {today}");
            let months = book.months().len();
            assert_eq!(
                months,
                if archetype == 13 { 4 } else { 12 },
                "{archetype} on {today}"
            );
        }
    }
}

#[tokio::test]
async fn the_clock_of_the_machine_decides_where_no_other_is_set() {
    let accounts = finpass(&Sandbox::default(), "9001000000").await;
    let now = jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .datetime();
    let book = Book::of(&accounts);
    assert_eq!(book.months().len(), 12);
    let last = book.rows.iter().map(|row| row.at).max().unwrap();
    assert!(last < now && now.date().since(last.date()).unwrap().get_days() < 60);
}

/// The rows of a whole account from one moment until another, in India.
fn between(whole: &[Account], from: &str, to: &str) -> Vec<Row> {
    let (from, to): (DateTime, DateTime) = (from.parse().unwrap(), to.parse().unwrap());
    let rows = whole[0].rows.iter().cloned();
    let rows: Vec<Row> = rows.filter(|row| (from..=to).contains(&row.at)).collect();
    assert!(!rows.is_empty() && rows.len() < whole[0].rows.len());
    rows
}

#[tokio::test]
async fn the_range_of_a_data_request_is_respected_and_narrowed_by_the_call_for_data() {
    let sandbox = sandbox(TODAY, Settings::default());
    let whole = finpro(&sandbox, &consent(&sandbox, "9001000000", json!({})).await).await;
    // UTC, which is five and a half hours behind India.
    let range = json!({
        "fiDataRangeFrom": "2026-02-28T18:30:00.000Z", "fiDataRangeTo": "2026-05-31T18:29:59.999Z",
    });
    let consent = consent(&sandbox, "9001000000", range).await;
    let requested = finpro(&sandbox, &consent).await;
    let expected = between(&whole, "2026-03-01T00:00", "2026-05-31T23:59:59.999");
    assert!(requested[0].rows == expected);
    // The balance is still that of the account.
    assert_eq!(requested[0].balance, whole[0].balance);

    let body = |from: Value, to: Value| json!({"consentID": consent.id, "transactionsStartDate": from, "transactionsEndDate": to});
    for (from, to, expected) in [
        (
            json!("2026-04-10T12:00:00+05:30"),
            json!("2026-04-20T12:00:00+05:30"),
            between(&whole, "2026-04-10T12:00", "2026-04-20T12:00"),
        ),
        (
            json!("2026-05-01T00:00:00+05:30"),
            Value::Null,
            between(&whole, "2026-05-01T00:00", "2026-05-31T23:59:59.999"),
        ),
        // Not more than was fetched.
        (
            json!("2020-01-01T00:00:00Z"),
            json!("2026-03-31T23:59:59+05:30"),
            between(&whole, "2026-03-01T00:00", "2026-03-31T23:59:59"),
        ),
        (json!("2026-08-01T00:00:00Z"), Value::Null, Vec::new()),
    ] {
        let all = call(&sandbox, "/finpro/getallfidata", body(from.clone(), to)).await;
        assert!(of_finpro(&all["data"][0]).rows == expected, "from {from}");
    }
    // The analysis is of the range, too.
    let asked = json!({"consentID": consent.id, "journeyID": "j"});
    let analysis = call(&sandbox, "/finpro/analytics/json", asked).await;
    let overall = &analysis["data"]["data"]["bankingAnalysis"]["overallAnalysis"];
    assert_eq!(
        (&overall["startDate"], &overall["endDate"]),
        (&json!("2026-03-01"), &json!("2026-05-31"))
    );
    assert_eq!(overall["monthlyAnalysis"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_batch_has_its_ranges_for_each_consent_or_for_all() {
    let sandbox = sandbox(TODAY, Settings::default());
    let (one, other) = (
        consent(&sandbox, "9001000000", json!({})).await,
        consent(&sandbox, "9001000000", json!({})).await,
    );
    let whole = finpro(&sandbox, &one).await;
    let first = between(&whole, "2026-01-01T00:00", "2026-01-31T23:59:59");
    let second = between(&whole, "2026-02-01T00:00", "2026-02-28T23:59:59");
    let (from, to) = ("2026-01-01T00:00:00+05:30", "2026-01-31T23:59:59+05:30");
    let (from_other, to_other) = ("2026-02-01T00:00:00+05:30", "2026-02-28T23:59:59+05:30");
    let batch = json!({
        "reference_id": "batch-1", "fiDataRangeFrom": from, "fiDataRangeTo": to,
        "consents_list": [
            {"consent_id": one.id},
            {"consent_id": other.id, "fiDataRangeFrom": from_other, "fiDataRangeTo": to_other},
        ],
    });
    call(&sandbox, "/finpro/v2/schedule/fi/requests", batch).await;
    assert!(finpro(&sandbox, &one).await[0].rows == first);
    assert!(finpro(&sandbox, &other).await[0].rows == second);

    // The same as a file of CSV, the other way round.
    let csv = format!(
        "fiDataRangeTo,consentId,fiDataRangeFrom\n{to_other},{},{from_other}\n,{},\n",
        one.id, other.id
    );
    let json = json!([
        {"consentId": one.id},
        {"consent_id": other.id, "fiDataRangeFrom": from_other, "fiDataRangeTo": to_other},
    ]);
    for (file, [of_one, of_other]) in [
        (csv, [&second, &first]),
        (json.to_string(), [&first, &second]),
    ] {
        upload(&sandbox, &file, from, to).await;
        assert!(&finpro(&sandbox, &one).await[0].rows == of_one);
        assert!(&finpro(&sandbox, &other).await[0].rows == of_other);
    }
}

async fn upload(sandbox: &Sandbox, file: &str, from: &str, to: &str) {
    let part = |name: &str, content: &str| {
        format!("--b\r\ncontent-disposition: form-data; name={name}\r\n\r\n{content}\r\n")
    };
    let form = format!(
        "{}{}{}--b--\r\n",
        part("\"file\"; filename=\"f\"", file),
        part("\"fiDataRangeFrom\"", from),
        part("\"fiDataRangeTo\"", to)
    );
    let path = "/finpro/fi/requests/schedule/upload/v3";
    bytes(sandbox, "POST", path, Value::String(form)).await;
}
