//! Account bodies in ReBIT's forms, as live documents mix them.

use finpro_fiu::FiAccount;
use finpro_fiu::rebit::{
    DateText, DepositAccount, DepositTransaction, Direction, EquityAccount, EtfAccount, FiForm,
    FiKind, FormError, GstReturns, InsuranceAccount, Mode, MutualFundAccount, NpsAccount,
    SecurityAccount, SipAccount, TermDepositAccount,
};
use provider_core::lenient::Read;
use provider_core::{Amount, Masked};
use serde_json::{Value, json};

fn account(json: &Value) -> FiAccount {
    serde_json::from_value(json.clone()).unwrap()
}

fn read<T: FiForm>(json: &Value) -> T {
    account(json).read_as().unwrap()
}

fn money(amount: &Read<Amount>) -> Option<String> {
    amount.value().map(|amount| amount.to_text())
}

fn text(text: &Read<Masked>) -> Option<&str> {
    text.value().map(Masked::expose)
}

/// The only row of a deposit with this row.
fn row(row: &Value) -> DepositTransaction {
    let deposit: DepositAccount = read(&json!({"Transactions": {"Transaction": row}}));
    assert_eq!(deposit.transactions.rows.len(), 1, "{row}");
    deposit.transactions.rows[0].clone()
}

#[test]
fn both_versions_of_a_deposit_are_one_record_even_within_a_document() {
    let deposit: DepositAccount = read(&json!({
        "linkReferenceNumber": "00000000-0000-4000-8000-000000000001",
        "maskedAccountNumber": "XXXXXXXX4020", "fiType": "DEPOSIT", "bank": "Test Bank",
        "Profile": {"Holders": {"type": "JOINT", "Holder": [
            {"name": "ASHA TESTWALA", "dob": "31-01-1990", "pan": "AAAPT0000Z", "ckycRegistered": "YES"},
            {"name": "", "ckycCompliance": false},
        ]}},
        "Summary": {"currentBalance": "101666.33", "currency": "INR", "exchgeRate": "", "type": "SAVINGS",
            "accountType": "REGULAR", "ifscCode": "ZZZZ0000001", "currentODLimit": "0", "drawingLimit": "-10.50",
            "Pending": {"transactionType": "DEBIT", "amount": 0},
            "pendingTxns": {"PendingTxn": [{"transactionType": "UNKNOWN", "amount": "12.5"}]}},
        "Transactions": {"startDate": "", "endDate": "2025-06-22", "Transaction": [
            {"txnId": "", "type": "DEBIT", "mode": "UPI", "amount": "1239", "currentBalance": "62289.25",
                "transactionTimestamp": "2025-04-01T13:20:14+05:30", "narration": "UPI/TEST"},
            {"txnId": "T2", "type": "CREDIT", "mode": "NEFT", "amount": 1239.0, "transactionalBalance": "2.025018787E7",
                "transactionTimeStamp": "2025-05-01T11:00:00.000", "valueDate": "2025-05-01T00:00:00Z"},
        ]},
    }));
    assert_eq!(
        text(&deposit.link),
        Some("00000000-0000-4000-8000-000000000001")
    );
    let holders = deposit.holders();
    assert_eq!(text(&holders[0].ckyc), Some("YES"));
    assert_eq!(text(&holders[1].ckyc), Some("false"));
    assert_eq!(holders[1].name, Read::Absent);
    let dob = holders[0].dob.value().unwrap().date().unwrap();
    assert_eq!(dob.to_string(), "1990-01-31");

    let summary = deposit.summary.as_ref().unwrap();
    assert_eq!(
        money(&summary.current_balance).as_deref(),
        Some("101666.33")
    );
    assert_eq!(money(&summary.drawing_limit).as_deref(), Some("-10.50"));
    assert_eq!(summary.exchange_rate, Read::Absent);
    assert_eq!(text(&summary.account_sub_type), Some("SAVINGS"));
    assert_eq!(text(&summary.account_type), Some("REGULAR"));
    assert_eq!(text(&summary.ifsc), Some("ZZZZ0000001"));
    assert_eq!(
        summary.pending[0].direction.value(),
        Some(&Direction::Debit)
    );
    let pending = &summary.pending_transactions.as_ref().unwrap().pending;
    assert_eq!(pending[0].direction.value().unwrap().as_str(), "UNKNOWN");

    let rows = &deposit.transactions.rows;
    assert_eq!(deposit.transactions.start_date, Read::Absent);
    assert_eq!(money(&rows[0].balance).as_deref(), Some("62289.25"));
    assert_eq!(money(&rows[1].balance).as_deref(), Some("20250187.87"));
    assert_eq!(money(&rows[1].amount).as_deref(), Some("1239.0"));
    assert_eq!(rows[0].amount, rows[1].amount);
    assert_eq!(rows[1].mode.value(), Some(&Mode::Neft));
    assert_eq!(rows[0].txn_id, Read::Absent);
    let moments = [&rows[0], &rows[1]].map(|row| row.timestamp.value().unwrap().moment().unwrap());
    assert_eq!(moments.map(|moment| moment.offset_assumed), [false, true]);
    assert_eq!(moments[1].timestamp.to_string(), "2025-05-01T05:30:00Z");
}

#[test]
fn what_finpro_s_page_shows_is_read_like_what_live_replies_have() {
    let deposit: DepositAccount = read(&json!({
        "fiType": "DEPOSIT", "balance": {"currentBalance": "1"}, "profile": {"type": "SINGLE"},
        "holder": {"name": "ASHA"}, "summary": {"currentBalance": "2"},
        "transactions": [{"amount": "3"}, {"amount": "4"}],
    }));
    assert_eq!(
        money(&deposit.balance.as_ref().unwrap().current_balance).as_deref(),
        Some("1")
    );
    assert_eq!(
        money(&deposit.summary.as_ref().unwrap().current_balance).as_deref(),
        Some("2")
    );
    assert_eq!(text(&deposit.holders()[0].name), Some("ASHA"));
    assert_eq!(deposit.transactions.rows.len(), 2);
    assert_eq!(text(&deposit.profile.unwrap().kind), Some("SINGLE"));
}

#[test]
fn names_count_without_what_platforms_put_around_them() {
    for body in [
        json!({"Account": {"Summary": {"currentBalance": "7"}}}),
        json!({"account": {"summary": {"currentBalance": "7"}}}),
        json!({"Account": {"_Summary": {"_currentBalance": "7"}}}),
        json!({" Summary": {"currentBalance: ": "7"}}),
        json!({"Summary": [{"CurrentBalance": 7}]}),
    ] {
        let deposit: DepositAccount = read(&body);
        let summary = deposit.summary.as_ref().unwrap();
        assert_eq!(
            money(&summary.current_balance).as_deref(),
            Some("7"),
            "{body}"
        );
    }
    let empty: DepositAccount = read(&json!({"Account": 7, "x": {}}));
    assert!(empty.summary.is_none() && empty.holders().is_empty());
}

#[test]
fn a_leaf_that_cannot_be_read_costs_itself_and_is_not_absent() {
    for (json, read) in [
        (json!("1239.50"), Some("1239.50")),
        (json!(" 7 "), Some("7")),
        (json!(1239.5), Some("1239.5")),
        (json!("9007199254740993.01"), Some("9007199254740993.01")),
        (json!("1,239"), None),
        (json!("NA"), None),
        (json!(true), None),
        (json!(["1"]), None),
        (json!({"value": "1"}), None),
        (json!("1e999"), None),
    ] {
        let row = row(&json!({"amount": json, "narration": "kept"}));
        assert_eq!(money(&row.amount).as_deref(), read, "{json}");
        assert_eq!(
            matches!(row.amount, Read::Unreadable(_)),
            read.is_none(),
            "{json}"
        );
        assert_eq!(text(&row.narration), Some("kept"));
    }
    for json in [json!(null), json!(""), json!("  ")] {
        assert_eq!(
            row(&json!({"amount": json, "mode": json})).amount,
            Read::Absent
        );
    }
    let exact: FiAccount = serde_json::from_str(
        r#"{"Transactions":{"Transaction":{"amount":9007199254740993.01,"narration":"\ud800"}}}"#,
    )
    .unwrap();
    let exact: DepositAccount = exact.read_as().unwrap();
    let row = &exact.transactions.rows[0];
    assert_eq!(money(&row.amount).as_deref(), Some("9007199254740993.01"));
    assert!(matches!(row.narration, Read::Unreadable(_)));
}

#[test]
fn a_member_that_is_told_twice_counts_if_both_say_the_same() {
    let told = |json: Value| row(&json).balance;
    let same = told(json!({"currentBalance": "7", "transactionalBalance": "7.00"}));
    assert_eq!(money(&same).as_deref(), Some("7"));
    let one = told(json!({"currentBalance": "", "transactionalBalance": "7"}));
    assert_eq!(money(&one).as_deref(), Some("7"));
    let other = told(json!({"currentBalance": "7", "transactionalBalance": "8"}));
    assert!(matches!(other, Read::Unreadable(_)));
    let repeated: FiAccount =
        serde_json::from_str(r#"{"Summary":{"currentBalance":"7","currentBalance":"8"}}"#).unwrap();
    let repeated: DepositAccount = repeated.read_as().unwrap();
    let balance = &repeated.summary.as_ref().unwrap().current_balance;
    assert!(matches!(balance, Read::Unreadable(_)));
}

#[test]
fn an_element_is_one_or_many_and_what_is_none_is_set_aside() {
    for (rows, read, unread) in [
        (json!({"amount": "1"}), 1, 0),
        (json!([{"amount": "1"}, {"amount": "2"}]), 2, 0),
        (json!([{"amount": "1"}, "text", 7, ["x"], null]), 1, 4),
        (json!([]), 0, 0),
        (json!(null), 0, 0),
        (json!(""), 0, 0),
        (json!("text"), 0, 1),
        (json!(7), 0, 1),
        (json!(-7), 0, 1),
        (json!(7.5), 0, 1),
        (json!(true), 0, 1),
    ] {
        let deposit: DepositAccount = self::read(&json!({"Transactions": {"Transaction": rows}}));
        let found = &deposit.transactions.rows;
        assert_eq!(
            (found.len(), found.unread_count()),
            (read, unread),
            "{rows}"
        );
    }
    // What no JSON value can hold, and an item that breaks by itself.
    for odd in ["1e999", r#""\ud800""#, r#"{"\ud800":1}"#, "[[[[]]]]"] {
        let json = format!(
            r#"{{"Transactions":{{"Transaction":[{{"amount":"1"}},{odd},{{"amount":"2"}}]}}}}"#
        );
        let account: FiAccount = serde_json::from_str(&json).unwrap();
        let deposit: DepositAccount = account.read_as().unwrap();
        let rows = &deposit.transactions.rows;
        assert_eq!((rows.len(), rows.unread_count()), (2, 1), "{odd}");
    }
    for transactions in [json!(null), json!(""), json!([])] {
        let deposit: DepositAccount = read(&json!({"Transactions": transactions, "Summary": {}}));
        assert!(deposit.transactions.rows.is_empty() && deposit.summary.is_some());
    }
    let odd: DepositAccount = read(&json!({"Transactions": "text", "Summary": 7, "Profile": []}));
    assert_eq!(odd.transactions.rows.unread_count(), 1);
    assert!(odd.summary.is_none() && odd.profile.is_none());
}

#[test]
fn a_kind_is_known_in_every_spelling_and_another_one_is_refused() {
    for (spelt, kind) in [
        ("DEPOSIT", FiKind::Deposit),
        ("deposit", FiKind::Deposit),
        ("TERM-DEPOSIT", FiKind::TermDeposit),
        ("mutualfunds", FiKind::MutualFunds),
        ("mutual_funds", FiKind::MutualFunds),
        ("insurance", FiKind::InsurancePolicies),
        ("gstr1_3b", FiKind::Gst),
        ("reits", FiKind::Reit),
    ] {
        assert_eq!(
            account(&json!({"fiType": spelt})).kind(),
            Some(kind),
            "{spelt}"
        );
    }
    let other = account(&json!({"fiType": "OTHER"}));
    assert_eq!(other.kind().unwrap().as_str(), "OTHER");
    assert_eq!(account(&json!({})).kind(), None);
    let deposit = account(&json!({"fiType": "deposit"}));
    assert_eq!(
        deposit.read_as::<EquityAccount>(),
        Err(FormError::OtherKind)
    );
    assert_eq!(other.read_as::<DepositAccount>(), Err(FormError::OtherKind));
    assert!(deposit.read_as::<DepositAccount>().is_ok());
    let broken: FiAccount = serde_json::from_str(r#"{"Summary":{"\ud800":1}}"#).unwrap();
    assert_eq!(
        broken.read_as::<DepositAccount>(),
        Err(FormError::Unreadable)
    );
}

#[test]
fn deposits_with_a_term_are_read_in_both_versions() {
    for (balance, row_balance, time) in [
        (
            "currentBalance",
            "transactionalBalance",
            "transactionTimestamp",
        ),
        ("currentValue", "balance", "transactionDateTime"),
    ] {
        for kind in ["TERM_DEPOSIT", "RECURRING_DEPOSIT"] {
            let deposit: TermDepositAccount = read(&json!({
                "fiType": kind, "profile": {"holders": {"holder": {"name": "Asha"}}},
                "summary": {balance: "119845.90", "interestRate": "6.75", "maturityDate": "06-08-2025",
                    "tenureYears": "0.5", "interestPayout": "OnMaturity"},
                "transactions": {"transaction": [{"type": "INTEREST", "mode": "OTHERS", "amount": "1239",
                    row_balance: "111130.00", time: "2024-11-06T00:00:00+05:30"}]},
            }));
            let summary = deposit.summary.as_ref().unwrap();
            assert_eq!(
                money(&summary.current_balance).as_deref(),
                Some("119845.90")
            );
            assert_eq!(money(&summary.tenure_years).as_deref(), Some("0.5"));
            let date = summary.maturity_date.value().unwrap().date().unwrap();
            assert_eq!(date.to_string(), "2025-08-06");
            let row = &deposit.transactions.rows[0];
            assert_eq!(money(&row.balance).as_deref(), Some("111130.00"));
            assert_eq!(row.direction.value(), Some(&Direction::Interest));
            assert!(row.timestamp.value().unwrap().moment().is_some());
            assert_eq!(text(&deposit.holders()[0].name), Some("Asha"));
        }
    }
}

#[test]
fn holdings_are_found_wherever_a_schema_has_them() {
    let funds: MutualFundAccount = read(&json!({
        "fiType": "MUTUAL_FUNDS", "maskedFolioNo": "XXXX0001",
        "Summary": {"costValue": "13000.00", "currentValue": "13377.5883", "Investment": {"Holdings": {"Holding": {
            "amc": "Test Mutual Fund", "FatcaStatus": "YES", "closingUnits": "26.1230", "lockingUnits": "0", "nav": ""}}}},
        "Transactions": {"Transaction": [{"type": "BUY", "units": "9.7637", "lock-inFlag": "NO", "lock-inDays": "0",
            "transactionDate": "2025-06-20"}]},
    }));
    let summary = funds.summary.as_ref().unwrap();
    let holding = &summary.all_holdings().unwrap()[0];
    assert_eq!(money(&summary.cost_value).as_deref(), Some("13000.00"));
    assert_eq!(money(&holding.closing_units).as_deref(), Some("26.1230"));
    assert_eq!(
        (text(&holding.fatca_status), &holding.nav),
        (Some("YES"), &Read::Absent)
    );
    assert!(holding.lockin_units.value().is_some());
    let row = &funds.transactions.rows[0];
    assert_eq!(row.lock_in_flag.value(), Some(&false));
    assert!(row.timestamp.value().unwrap().date().is_some());
    assert_eq!(text(&funds.masked_folio_no), Some("XXXX0001"));

    let shares: EquityAccount = read(&json!({
        "fiType": "EQUITIES", "maskedDematID": "XX1", "Profile": {"Holders": {"Holder": {"kycCompliance": "true"}}},
        "Summary": {"investmentValue": "1", "Investment": {"Holdings": {"type": "DEMAT", "Holding": [
            {"issuerName": "TEST", "units": "10", "lastTradedPrice": "240.1"}, "odd"]}}},
        "Transactions": {"Transaction": {"type": "SPLIT", "shareHolerEquityType": "COMMON-STOCK", "rate": "240.10"}},
    }));
    let holdings = shares.summary.as_ref().unwrap().all_holdings().unwrap();
    assert_eq!((holdings.len(), holdings.unread_count()), (1, 1));
    assert_eq!(
        money(&holdings[0].last_traded_price).as_deref(),
        Some("240.1")
    );
    assert_eq!(
        shares.transactions.rows[0].direction.value(),
        Some(&Direction::Split)
    );
    assert!(
        shares.transactions.rows[0]
            .share_holder_equity_type
            .value()
            .is_some()
    );
    assert_eq!(text(&shares.masked_demat_id), Some("XX1"));

    let etf: EtfAccount = read(&json!({"fiType": "ETF",
        "Summary": {"Investment": {"Holdings": {"Holding": {"units": "7", "lastNavDate": "2025-06-20"}}}},
        "Transactions": {"Transaction": {"type": "BOUNS", "amount": "20"}}}));
    assert_eq!(
        money(&etf.summary.unwrap().all_holdings().unwrap()[0].units).as_deref(),
        Some("7")
    );
    assert_eq!(
        etf.transactions.rows[0].direction.value().unwrap().as_str(),
        "BOUNS"
    );

    let bonds: SecurityAccount = read(&json!({"fiType": "BONDS",
        "Summary": {"Holdings": {"Holding": [{"principleAmount": "100", "tenureMoths": "6", "taxable": "YES"}]}},
        "Transactions": {"Transaction": {"tradeValue": "5", "otherTaxes": "1"}}}));
    let holding = &bonds.summary.as_ref().unwrap().all_holdings().unwrap()[0];
    assert_eq!(money(&holding.principal_amount).as_deref(), Some("100"));
    assert_eq!(money(&holding.tenure_months).as_deref(), Some("6"));
    assert_eq!(holding.taxable.value(), Some(&true));
    assert_eq!(
        money(&bonds.transactions.rows[0].amount).as_deref(),
        Some("5")
    );
}

#[test]
fn plans_policies_pensions_and_returns_are_read() {
    let sip: SipAccount = read(
        &json!({"fiType": "SIP", "Summary": {"folioNo": "TEST0001", "Holdings": {"Holding": {
        "amc": "Test", "Schemes": {"Scheme": {"isin": "INF", "Sips": {"Sip": {"SIPRefNo": "SIP0001", "amount": "3000",
            "lastInstallmentDate": "2025-06-05", "ceasedDate": ""}}}}}}}}),
    );
    let holding = &sip.summary.as_ref().unwrap().all_holdings().unwrap()[0];
    let scheme = &holding.schemes.as_ref().unwrap().scheme[0];
    let plan = &scheme.plans.as_ref().unwrap().plan[0];
    assert_eq!(
        (text(&plan.reference), money(&plan.amount)),
        (Some("SIP0001"), Some("3000".to_owned()))
    );

    for kind in ["LIFE_INSURANCE", "GENERAL_INSURANCE", "insurance"] {
        let policy: InsuranceAccount = read(&json!({"fiType": kind, "maskedPolicyNumber": "P1",
            "Summary": {"sumAssured": "1500000", "exlcusions": "none", "policyStartDate": "01-JAN-2021",
                "Covers": {"Cover": [{"coverName": "c", "sumInsured": "7"}]}},
            "Transactions": {"Transaction": {"type": "PREMIUM_PAYMENT", "txnDate": "2025-01-01", "amount": "9"}}}));
        let summary = policy.summary.as_ref().unwrap();
        assert_eq!(text(&summary.exclusions), Some("none"));
        assert_eq!(
            summary
                .policy_start_date
                .value()
                .unwrap()
                .date()
                .unwrap()
                .to_string(),
            "2021-01-01"
        );
        let cover = &summary.covers.as_ref().unwrap().cover[0];
        assert_eq!(money(&cover.sum_insured).as_deref(), Some("7"));
        let row = &policy.transactions.rows[0];
        assert_eq!(row.direction.value(), Some(&Direction::PremiumPayment));
    }

    let nps: NpsAccount = read(&json!({"fiType": "NPS",
        "Summary": {"tier1Status": "ACTIVE", "SchemeChoices": {"SchemeChoice": {"schemeId": "S1"}},
            "Holdings": {"Tier1Holdings": {"freeUnits": "1.5", "Tier1Holding": [{"totalUnits": "2.25"}]}}},
        "Transactions": {"Tier1InvestmentTransactions": {"Tier1InvestmentTransaction": {
            "txnDate": "2025-01-01", "type": "CONTRIBUTION", "totalContribution": "100"}}}}));
    let holdings = nps.summary.as_ref().unwrap().holdings.as_ref().unwrap();
    assert_eq!(
        money(&holdings.tier1.as_ref().unwrap().holding[0].total_units).as_deref(),
        Some("2.25")
    );
    let rows = &nps
        .transactions
        .as_ref()
        .unwrap()
        .tier1_investment
        .as_ref()
        .unwrap()
        .transaction;
    assert_eq!(money(&rows[0].total_contribution).as_deref(), Some("100"));

    let returns: GstReturns = read(&json!({"Account": {"maskedGstinNumber": "XX",
        "Profile": {"BusinessDetails": {"lgnm": "Test", "iscmp": "No", "apprvdt": "24-11-2016"}},
        "Gstr1Details": {"gstr1": {"ret_prd": "042021", "dof": "01-JAN-2021", "b2b_dtls": {"b2b": {"val": "118.00",
            "itm_det": {"itm": {"txval": "100.00", "camt": "9.00"}}}}}},
        "Gstr3bDetails": {"gstr3b": [{"sup_details": {"osup_det": {"iamt": "7.00"}}}]}}}));
    let business = returns.profile.as_ref().unwrap().business.as_ref().unwrap();
    assert_eq!(
        (text(&business.legal_name), business.is_composition.value()),
        (Some("Test"), Some(&false))
    );
    let filed = &returns.gstr1.as_ref().unwrap().gstr1[0];
    let invoice = &filed.b2b.as_ref().unwrap().b2b[0];
    let item = &invoice.items.as_ref().unwrap().item[0];
    assert_eq!(money(&item.central).as_deref(), Some("9.00"));
    let supplies = returns.gstr3b.as_ref().unwrap().gstr3b[0]
        .supplies
        .as_ref()
        .unwrap();
    assert_eq!(
        money(&supplies.taxable.as_ref().unwrap().integrated).as_deref(),
        Some("7.00")
    );
}

#[test]
fn dates_and_moments_are_read_in_the_forms_that_documents_have() {
    for (text, date) in [
        ("2025-08-06", Some("2025-08-06")),
        (" 2025-08-06 ", Some("2025-08-06")),
        ("2025-04-01T00:00:00Z", Some("2025-04-01")),
        ("2025-04-01 10:00:00", Some("2025-04-01")),
        ("24-07-1970", Some("1970-07-24")),
        ("24/07/1970", Some("1970-07-24")),
        ("01-JAN-2021", Some("2021-01-01")),
        ("01-jan-2021", Some("2021-01-01")),
        ("31-02-2021", None),
        ("13-13-2021", None),
        ("12-03-28", None),
        ("2016-12", None),
        ("042021", None),
        ("2025-08-06-01", None),
        ("+025-08-06", None),
        ("yesterday", None),
    ] {
        let found = DateText::from(text).date().map(|date| date.to_string());
        assert_eq!(found.as_deref(), date, "{text}");
    }
    for (text, moment) in [
        (
            "2025-05-01T11:00:00+05:30",
            Some(("2025-05-01T05:30:00Z", false)),
        ),
        (
            "2025-05-01T11:00:00.000Z",
            Some(("2025-05-01T11:00:00Z", false)),
        ),
        (
            "2025-05-01T11:00:00-05:00",
            Some(("2025-05-01T16:00:00Z", false)),
        ),
        (
            "2025-05-01T11:00:00.000",
            Some(("2025-05-01T05:30:00Z", true)),
        ),
        ("2025-05-01 11:00:00", Some(("2025-05-01T05:30:00Z", true))),
        ("2025-05-01", None),
        ("", None),
        ("24-07-1970 10:00", None),
    ] {
        let found = DateText::from(text).moment();
        let found = found.map(|found| (found.timestamp.to_string(), found.offset_assumed));
        let moment = moment.map(|(time, assumed)| (time.to_owned(), assumed));
        assert_eq!(found, moment, "{text}");
    }
}

#[test]
fn nothing_of_an_account_is_printed() {
    let body = json!({
        "linkReferenceNumber": "CANARY", "version": "CANARY",
        "Profile": {"Holders": {"Holder": {"name": "CANARY", "dob": "1990-01-31"}}},
        "Summary": {"currentBalance": "4711.42", "branch": "CANARY", "Pending": {"amount": "4711.42"}},
        "Transactions": {"startDate": "1990-01-31", "Transaction": [{"type": "CREDIT", "narration": "CANARY", "amount": "4711.42"}]},
    });
    let deposit: DepositAccount = read(&body);
    let printed = format!(
        "{deposit:?} {:?} {:?} {:?} {:?}",
        deposit.summary,
        deposit.transactions.rows,
        deposit.holders(),
        deposit.holders()[0].dob
    );
    for secret in ["CANARY", "4711", "1990", "CREDIT"] {
        assert!(!printed.contains(secret), "{secret}: {printed}");
    }
}
