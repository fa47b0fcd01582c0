//! Every form says the same.

use jiff::civil::Date;
use kyc_sandbox::settings::{AccountBody, DepositVersion};
use kyc_sandbox::{FinpassSettings, Settings};
use serde_json::{Value, json};

use crate::served::{
    Account, MINUTE, Row, TODAY, amount, bytes, call, consent, elements, finpass, finpro, journey,
    of_finpro, sandbox, text, with_form, xml,
};

const FORMS: [(AccountBody, DepositVersion); 4] = [
    (AccountBody::AsDocumented, DepositVersion::One),
    (AccountBody::AsDocumented, DepositVersion::Two),
    (AccountBody::Rebit, DepositVersion::One),
    (AccountBody::Rebit, DepositVersion::Two),
];

/// Without what a form has in words of its own.
fn facts(accounts: Vec<Account>) -> Vec<Account> {
    let row = |row: Row| Row {
        mode: String::new(),
        ..row
    };
    let account = |account: Account| Account {
        bank: String::new(),
        first: String::new(),
        last: String::new(),
        rows: account.rows.into_iter().map(row).collect(),
        ..account
    };
    accounts.into_iter().map(account).collect()
}

#[tokio::test]
async fn every_form_has_the_same_accounts_and_rows() {
    for archetype in 0..20 {
        let mobile = format!("90010000{archetype:02}");
        let plain = sandbox(TODAY, Settings::default());
        let expected = facts(finpass(&plain, &mobile).await);
        assert!(!expected.is_empty());
        // Those whose accounts are unlike the others' in all forms.
        let forms = match archetype {
            0 | 8 | 15 | 16 | 19 => &FORMS[..],
            _ => &FORMS[3..],
        };
        for (body, version) in forms.iter().copied() {
            let case = format!("{archetype} as {body:?}, {version:?}");
            let sandbox = sandbox(TODAY, with_form(body, version));
            let consent = consent(&sandbox, &mobile, json!({})).await;
            assert!(
                facts(finpro(&sandbox, &consent).await) == expected,
                "{case}"
            );
            let mut as_xml = Vec::new();
            for link in &consent.links {
                as_xml.push(xml(&sandbox, &consent, link).await);
            }
            assert!(facts(as_xml) == expected, "{case}, as XML");
        }

        let served = journey(&plain, &mobile).await.statement;
        let accounts = served["accounts"].as_array().unwrap();
        assert_eq!(accounts.len(), expected.len());
        for (account, expected) in accounts.iter().zip(&expected) {
            let row = |row: &Value| {
                let date: Date = text(&row["date"]).parse().unwrap();
                let balance = row.get("balance").and_then(amount);
                let paise = amount(&row["amount"]).unwrap();
                (
                    date,
                    paise,
                    balance,
                    text(&row["narration"]),
                    text(&row["transaction_id"]),
                )
            };
            let rows = account["transactions"].as_array().unwrap().iter().map(row);
            let expected_rows = expected.rows.iter().map(|row| {
                let (narration, id) = (row.narration.clone(), row.id.clone());
                (row.at.date(), row.paise, row.balance, narration, id)
            });
            assert!(rows.eq(expected_rows), "{archetype}");
            assert_eq!(amount(&account["closing_balance"]), expected.balance);
            assert_eq!(text(&account["account_number"]), expected.number);
        }
    }
}

#[tokio::test]
async fn every_call_for_data_says_the_same() {
    let sandbox = sandbox(TODAY, Settings::default());
    let consent = consent(&sandbox, "9001000008", json!({})).await;
    let all = finpro(&sandbox, &consent).await;
    assert_eq!(all.len(), 3);
    let of_consent = json!({"consentID": consent.id});
    let latest = call(&sandbox, "/finpro/getalllatestfidata", of_consent.clone()).await;
    let latest: Vec<_> = latest["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(of_finpro)
        .collect();
    assert!(latest == all);
    let balances = call(&sandbox, "/finpro/getfibalance", of_consent).await;
    for ((link, account), balance) in consent
        .links
        .iter()
        .zip(&all)
        .zip(balances["data"].as_array().unwrap())
    {
        let body = json!({"consentID": consent.id, "linkReferenceNumber": link});
        let one = call(&sandbox, "/finpro/getfidata", body.clone()).await;
        assert!(&of_finpro(&one["data"][0]) == account);
        assert_eq!(
            amount(&balance["balance"]["currentBalance"]),
            account.balance
        );
        assert_eq!(
            balance["balance"]["balanceDateTime"],
            "2026-10-31T23:59:59+05:30"
        );
        let one = call(&sandbox, "/finpro/getfibalance", body).await;
        assert_eq!(&one["data"], balance);
    }
    let rows = json!({"reference_id": "batch-1", "consents_list": [{"consent_id": consent.id}]});
    call(&sandbox, "/finpro/v2/schedule/fi/requests", rows).await;
    let asked = json!({"reference_id": "batch-1", "include_balances": true});
    let status = call(&sandbox, "/finpro/bulk/status", asked).await;
    let details = &status["data"]["records"][0]["account_details"];
    for (account, detail) in all.iter().zip(details.as_array().unwrap()) {
        assert_eq!(
            amount(&detail["balance"]["currentBalance"]),
            account.balance
        );
    }
}

#[tokio::test]
async fn a_consent_for_institutions_has_their_accounts_only() {
    let sandbox = sandbox(TODAY, Settings::default());
    let ask = async |path: &str, fips: Value| {
        let mut body = json!({
            "productID": "LOAN-1", "vua": "9001000008@onemoney", "accountID": "a",
            "partyIdentifierType": "MOBILE", "partyIdentifierValue": "9001000008",
        });
        if !fips.is_null() {
            body["fipID"] = fips;
        }
        let asked = call(&sandbox, path, body).await["data"].take();
        // The person takes some seconds for each screen.
        sandbox.advance(MINUTE).await;
        asked
    };
    let listed = async |handle: &Value| {
        let body = json!({"consentHandle": [handle]});
        let listed = call(&sandbox, "/finpro/v3/getconsentslist", body).await;
        let consent = &listed["data"][0];
        let accounts = consent["accounts"].as_array().unwrap();
        let fips: Vec<_> = accounts.iter().map(|one| text(&one["fipId"])).collect();
        (text(&consent["status"]), fips)
    };
    let three = ["FIP-1", "FIP-2", "FIP-3"];
    for (fips, status, expected) in [
        (json!(["FIP-2"]), "ACTIVE", &three[1..2]),
        (json!(["FIP-3", "FIP-1"]), "ACTIVE", &["FIP-1", "FIP-3"][..]),
        (Value::Null, "ACTIVE", &three[..]),
        // Nobody can approve what is nowhere.
        (json!(["FIP-9"]), "PENDING", &[][..]),
    ] {
        let asked = ask("/finpro/v3/requestconsent", fips).await;
        let (found, fips) = listed(&asked["consent_handle"]).await;
        assert_eq!(
            (found.as_str(), fips),
            (status, expected.iter().map(ToString::to_string).collect())
        );
    }
    // One handle for each institution, and without any named for each of the person's.
    let asked = ask("/finpro/v4/requestconsent", Value::Null).await;
    let rows = asked.as_array().unwrap();
    assert_eq!(
        rows.iter()
            .map(|row| text(&row["fipID"]))
            .collect::<Vec<_>>(),
        three
    );
    for row in rows {
        let (_, fips) = listed(&row["consent_handle"]).await;
        assert_eq!(fips, [text(&row["fipID"])]);
    }
}

#[tokio::test]
async fn versions_have_their_own_words() {
    let rows = async |version| {
        let sandbox = sandbox(TODAY, with_form(AccountBody::Rebit, version));
        let consent = consent(&sandbox, "9001000015", json!({})).await;
        let body = json!({"consentID": consent.id, "linkReferenceNumber": consent.links[0]});
        let data = call(&sandbox, "/finpro/getfidata", body.clone()).await["data"][0].take();
        let document = bytes(&sandbox, "POST", "/finpro/xml/getfidata", body).await;
        let document = elements(&String::from_utf8(document).unwrap());
        let account = document
            .into_iter()
            .find(|(name, _)| name == "Account")
            .unwrap();
        (data, account.1)
    };
    let (one, xml) = rows(DepositVersion::One).await;
    assert_eq!(
        (&one["Summary"]["type"], &one["Summary"]["facility"]),
        (&json!("CURRENT"), &json!("OD"))
    );
    assert_eq!(one["Summary"]["ifscCode"], "ZZZZ0000001");
    assert_eq!(
        one["Profile"]["Holders"]["Holder"][0]["ckycCompliance"],
        "true"
    );
    assert!(
        one["Transactions"]["Transaction"][0]
            .get("currentBalance")
            .is_some()
    );
    assert_eq!(one["Transactions"]["Transaction"][0]["mode"], "FT");
    assert_eq!(xml["version"], "1.1");
    let (two, xml) = rows(DepositVersion::Two).await;
    assert_eq!(two["Summary"]["accountSubType"], "CURRENT");
    assert_eq!(two["Summary"]["facility"], "OVERDRAFT");
    assert_eq!(two["Summary"]["ifsc"], "ZZZZ0000001");
    assert_eq!(
        two["Profile"]["Holders"]["Holder"][0]["ckycRegistered"],
        "YES"
    );
    assert!(
        two["Transactions"]["Transaction"][0]
            .get("transactionalBalance")
            .is_some()
    );
    assert_eq!(two["Transactions"]["Transaction"][0]["mode"], "NEFT");
    assert_eq!(xml["version"], "2.0.0");
    // What is left of the limit of 500,000 with 200,000 drawn.
    assert_eq!(two["Summary"]["currentODLimit"], "300000.00");
    assert_eq!(two["Summary"]["currentBalance"], "-200000.00");
}

#[tokio::test]
async fn a_dirty_account_is_dirty_in_every_form() {
    for (body, version) in FORMS {
        let sandbox = sandbox(TODAY, with_form(body, version));
        let consent = consent(&sandbox, "9001000019", json!({})).await;
        let all = json!({"consentID": consent.id});
        let data = call(&sandbox, "/finpro/getallfidata", all).await["data"][0].take();
        let rows = data
            .get("transactions")
            .unwrap_or(&data["Transactions"]["Transaction"]);
        let rows = rows.as_array().unwrap();
        let any = |holds: fn(&Value) -> bool| rows.iter().any(holds);
        assert!(any(|row| row["amount"].is_number()) && any(|row| row["amount"].is_string()));
        assert!(any(|row| text(&row["amount"]).contains('E')));
        assert!(!any(|row| text(&row["transactionTimestamp"]).contains('+')));
    }
    let statement = journey(&sandbox(TODAY, Settings::default()), "9001000019")
        .await
        .statement;
    let rows = statement["accounts"][0]["transactions"]
        .as_array()
        .unwrap()
        .clone();
    assert!(rows.iter().any(|row| row["amount"].is_string()));
    assert!(rows.iter().any(|row| row.get("balance").is_none()));
}

#[tokio::test]
async fn an_archetype_that_is_not_there_is_the_first_and_nobody_else_has_bank_data() {
    let sandbox = sandbox(TODAY, Settings::default());
    let rows = |accounts: &[Account]| accounts.iter().map(|one| one.rows.len()).sum::<usize>();
    assert!(rows(&finpass(&sandbox, "9001000020").await) > 900);
    let init = json!({"mobile_number": "9000000001", "consent_type": "loan_underwriting"});
    const AA: &str = "/finpass/api/v1/services/account-aggregator";
    let opened = call(&sandbox, &format!("{AA}/init"), init).await;
    sandbox.advance(MINUTE).await;
    let body = json!({"client_id": opened["data"]["client_id"]});
    let report = call(&sandbox, &format!("{AA}/fetch-json-report"), body).await;
    let accounts = report["data"]["account_aggregator_json"]
        .as_array()
        .unwrap();
    let details = &accounts[0]["transaction_data"]["transaction_details"];
    assert_eq!((accounts.len(), details.as_array().unwrap().len()), (2, 2));
}

#[tokio::test]
async fn members_that_are_not_documented_can_be_left_out() {
    const AA: &str = "/finpass/api/v1/services/account-aggregator";
    let names = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    let finpass = FinpassSettings::default().with_undocumented_members(false);
    let sandbox = sandbox(TODAY, Settings::default().with_finpass(finpass));
    let init = json!({"mobile_number": "9001000016", "consent_type": "loan_underwriting"});
    let opened = call(&sandbox, &format!("{AA}/init"), init).await;
    sandbox.advance(MINUTE).await;
    let body = json!({"client_id": opened["data"]["client_id"]});
    let report = call(&sandbox, &format!("{AA}/fetch-json-report"), body).await;
    let account = &report["data"]["account_aggregator_json"][0];
    for (part, expected) in [
        ("profile_details", &["dob", "mobile", "name", "nominee"][..]),
        (
            "summary_details",
            &["account_number", "account_sub_type", "status"],
        ),
        ("fi_status_details", &["account_number"]),
        ("transaction_data", &["transaction_details"]),
    ] {
        assert_eq!(names(&account[part]), expected);
    }
    let row = &account["transaction_data"]["transaction_details"][0];
    let expected = [
        "amount",
        "mode",
        "narration",
        "transaction_balance",
        "transaction_id",
        "transaction_timestamp",
        "type",
        "value_date",
    ];
    assert_eq!(names(row), expected);
    let analysis = journey(&sandbox, "9001000016").await.analysis;
    assert_eq!(
        names(&analysis),
        ["analysis_period", "client_id", "income", "summary"]
    );
}
