//! What the sandbox serves about a scripted person, form by form, and the accounts in it.

use std::time::{Duration, UNIX_EPOCH};

use http::Request;
use jiff::civil::{Date, DateTime};
use kyc_sandbox::settings::{AccountBody, DepositVersion};
use kyc_sandbox::{FinproSettings, Sandbox, Settings, credentials};
use provider_core::{Body, ExchangeLimits, Transport};
use serde_json::{Value, json};

/// The day at which the tables hold.
pub(crate) const TODAY: &str = "2026-11-27";

/// An account, as it was served.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) bank: String,
    pub(crate) number: String,
    /// `SINGLE` or `JOINT`.
    pub(crate) holding: String,
    pub(crate) holders: Vec<String>,
    pub(crate) status: String,
    pub(crate) limit: i64,
    pub(crate) balance: Option<i64>,
    pub(crate) first: String,
    pub(crate) last: String,
    pub(crate) rows: Vec<Row>,
}

/// A row, as it was served, in paise.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Row {
    /// Without a zone, which is India's.
    pub(crate) at: DateTime,
    /// Negative for a debit.
    pub(crate) paise: i64,
    pub(crate) balance: Option<i64>,
    pub(crate) narration: String,
    pub(crate) reference: String,
    pub(crate) id: String,
    pub(crate) mode: String,
}

/// A sandbox whose clock stands at noon of a day.
pub(crate) fn sandbox(today: &str, settings: Settings) -> Sandbox {
    let day: Date = today.parse().unwrap();
    let noon = day
        .at(12, 0, 0, 0)
        .to_zoned(jiff::tz::TimeZone::UTC)
        .unwrap();
    let seconds = u64::try_from(noon.timestamp().as_second()).unwrap();
    Sandbox::new(settings.with_fixed_time(Some(UNIX_EPOCH + Duration::from_secs(seconds))))
}

pub(crate) fn with_form(body: AccountBody, version: DepositVersion) -> Settings {
    let finpro = FinproSettings::default()
        .with_account_body(body)
        .with_deposit_version(version);
    Settings::default().with_finpro(finpro)
}

/// The body of a successful reply.
pub(crate) async fn bytes(sandbox: &Sandbox, method: &str, path: &str, body: Value) -> Vec<u8> {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("http://localhost{path}"))
        .header(
            "content-type",
            match body {
                Value::String(_) => "multipart/form-data; boundary=b",
                _ => "application/json",
            },
        );
    for (name, value) in [
        ("x-api-key", credentials::FINPASS_API_KEY),
        ("x-api-secret", credentials::FINPASS_API_SECRET),
        ("client_id", credentials::FINPRO_CLIENT_ID),
        ("client_secret", credentials::FINPRO_CLIENT_SECRET),
        ("organisationId", credentials::FINPRO_ORGANISATION_ID),
        ("appIdentifier", credentials::FINPRO_APP_IDENTIFIER),
    ] {
        request = request.header(name, value);
    }
    let body = match body {
        Value::Null => String::new(),
        // A form.
        Value::String(text) => text,
        body => body.to_string(),
    };
    let request = request.body(Body::from(body.into_bytes())).unwrap();
    let limits = ExchangeLimits::new(Duration::from_secs(60), usize::MAX);
    let reply = sandbox.transport().send(request, limits).await.unwrap();
    let bytes = reply.body().to_vec();
    let text = String::from_utf8_lossy(&bytes);
    assert_eq!(reply.status().as_u16(), 200, "{path}: {text}");
    bytes
}

pub(crate) async fn call(sandbox: &Sandbox, path: &str, body: Value) -> Value {
    serde_json::from_slice(&bytes(sandbox, "POST", path, body).await).unwrap()
}

/// The report of Finpass.
pub(crate) async fn finpass(sandbox: &Sandbox, mobile: &str) -> Vec<Account> {
    const AA: &str = "/finpass/api/v1/services/account-aggregator";
    let init = json!({"mobile_number": mobile, "consent_type": "loan_underwriting"});
    let opened = call(sandbox, &format!("{AA}/init"), init).await;
    // The person takes some seconds for each screen.
    sandbox.advance(MINUTE).await;
    let client_id = &opened["data"]["client_id"];
    let body = json!({"client_id": client_id});
    let report = call(sandbox, &format!("{AA}/fetch-json-report"), body.clone()).await;
    let pdf = call(sandbox, &format!("{AA}/fetch-statement-pdf"), body).await;
    let accounts = report["data"]["account_aggregator_json"]
        .as_array()
        .unwrap();
    assert_eq!(
        pdf["data"]["reports"].as_array().unwrap().len(),
        accounts.len()
    );
    accounts.iter().map(of_finpass).collect()
}

fn of_finpass(account: &Value) -> Account {
    let (profile, summary) = (&account["profile_details"], &account["summary_details"]);
    let data = &account["transaction_data"];
    let row = |row: &Value| {
        let amount = amount(&row["amount"]).unwrap();
        Row {
            at: text(&row["transaction_timestamp"]).parse().unwrap(),
            paise: signed(amount, &row["type"]),
            balance: amount_of(row.get("transaction_balance")),
            narration: text(&row["narration"]),
            reference: text(&row["reference"]),
            id: text(&row["transaction_id"]),
            mode: text(&row["mode"]),
        }
    };
    let mut holders = vec![text(&profile["name"])];
    let others = profile["joint_holders"].as_array().into_iter().flatten();
    holders.extend(others.map(|holder| text(&holder["name"])));
    Account {
        bank: text(&account["fi_status_details"]["fip_id"]),
        number: text(&summary["account_number"]),
        holding: text(&profile["holding_type"]),
        holders,
        status: text(&summary["status"]),
        limit: amount(&summary["drawing_limit"]).unwrap(),
        balance: amount(&summary["current_balance"]),
        first: text(&data["start_date"]),
        last: text(&data["end_date"]),
        rows: data["transaction_details"]
            .as_array()
            .unwrap()
            .iter()
            .map(row)
            .collect(),
    }
}

/// A journey of AA-BSA that is complete.
pub(crate) struct Journey {
    pub(crate) statement: Value,
    pub(crate) analysis: Value,
}

pub(crate) async fn journey(sandbox: &Sandbox, mobile: &str) -> Journey {
    const BSA: &str = "/finpass/api/v1/aa-bsa-journey";
    let opened = call(
        sandbox,
        &format!("{BSA}/init"),
        json!({"mobile_number": mobile}),
    )
    .await;
    sandbox.advance(MINUTE).await;
    let id = text(&opened["data"]["client_id"]);
    let get = async |what: &str| -> Value {
        let path = format!("{BSA}/{what}?client_id={id}");
        serde_json::from_slice(&bytes(sandbox, "GET", &path, Value::Null).await).unwrap()
    };
    assert_eq!(get("status").await["data"]["status"], "analysis_complete");
    Journey {
        statement: get("statement-result").await["data"].take(),
        analysis: get("analysis-json").await["data"].take(),
    }
}

/// Longer than a person takes at an aggregator, or data to arrive.
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// A consent at FinPro whose data is fetched.
pub(crate) struct Consent {
    pub(crate) id: String,
    pub(crate) links: Vec<String>,
}

/// The whole way: profile, consent, data.
pub(crate) async fn consent(sandbox: &Sandbox, mobile: &str, range: Value) -> Consent {
    let ask = json!({"productID": "LOAN-1", "vua": format!("{mobile}@onemoney")});
    let check = json!({"mobileNumber": mobile, "userConsentId": "c"});
    let profile = call(sandbox, "/finpro/profile", check).await;
    assert_eq!(profile["data"][0]["hasLinkedAccounts"], true);
    let asked = call(sandbox, "/finpro/v3/requestconsent", ask).await;
    // The person takes some seconds for each screen.
    sandbox.advance(MINUTE).await;
    let handle = json!({"consentHandle": [asked["data"]["consent_handle"]]});
    let listed = call(sandbox, "/finpro/v3/getconsentslist", handle).await;
    let listed = &listed["data"][0];
    assert_eq!(listed["status"], "ACTIVE");
    let id = text(&listed["consentID"]);
    let mut request = range;
    request["consentId"] = id.as_str().into();
    call(sandbox, "/finpro/fi/request", request).await;
    sandbox.advance(MINUTE).await;
    let accounts = listed["accounts"].as_array().unwrap();
    let links = accounts.iter().map(|one| text(&one["linkReferenceNumber"]));
    let links = links.collect();
    Consent { id, links }
}

/// All accounts of a consent as JSON.
pub(crate) async fn finpro(sandbox: &Sandbox, consent: &Consent) -> Vec<Account> {
    let body = json!({"consentID": consent.id});
    let all = call(sandbox, "/finpro/getallfidata", body).await;
    all["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(of_finpro)
        .collect()
}

/// An account in either form and either version.
pub(crate) fn of_finpro(account: &Value) -> Account {
    let flat = account.get("summary").is_some();
    let summary = &account[if flat { "summary" } else { "Summary" }];
    let rows = match flat {
        true => &account["transactions"],
        false => &account["Transactions"]["Transaction"],
    };
    let holders = match flat {
        true => &account["holder"],
        false => &account["Profile"]["Holders"]["Holder"],
    };
    let kind = match flat {
        true => &account["profile"]["type"],
        false => &account["Profile"]["Holders"]["type"],
    };
    let holders = match holders {
        Value::Array(holders) => holders.clone(),
        one => vec![one.clone()],
    };
    Account {
        bank: text(&account["bank"]),
        number: text(&account["maskedAccountNumber"]),
        holding: text(kind),
        holders: holders.iter().map(|holder| text(&holder["name"])).collect(),
        status: text(&summary["status"]),
        limit: amount(&summary["drawingLimit"]).unwrap(),
        balance: amount(&summary["currentBalance"]),
        first: text(&account["Transactions"]["startDate"]),
        last: text(&account["Transactions"]["endDate"]),
        rows: rows.as_array().unwrap().iter().map(rebit_row).collect(),
    }
}

/// A row of either version, as JSON or as the attributes of XML.
fn rebit_row(row: &Value) -> Row {
    let balance = row
        .get("transactionalBalance")
        .or(row.get("currentBalance"));
    let at = text(&row["transactionTimestamp"]);
    Row {
        at: at.strip_suffix("+05:30").unwrap_or(&at).parse().unwrap(),
        paise: signed(amount(&row["amount"]).unwrap(), &row["type"]),
        balance: amount_of(balance),
        narration: text(&row["narration"]),
        reference: text(&row["reference"]),
        id: text(&row["txnId"]),
        mode: text(&row["mode"]),
    }
}

/// One account as XML.
pub(crate) async fn xml(sandbox: &Sandbox, consent: &Consent, link: &str) -> Account {
    let body = json!({"consentID": consent.id, "linkReferenceNumber": link});
    let document = bytes(sandbox, "POST", "/finpro/xml/getfidata", body).await;
    let elements = elements(&String::from_utf8(document).unwrap());
    let all = |name: &str| {
        let named = elements.iter().filter(|(found, _)| found == name);
        named
            .map(|(_, attributes)| attributes.clone())
            .collect::<Vec<Value>>()
    };
    let (account, summary) = (all("Account").remove(0), all("Summary").remove(0));
    let transactions = all("Transactions").remove(0);
    assert_eq!(account["linkedAccRef"], link);
    Account {
        bank: String::new(),
        number: text(&account["maskedAccNumber"]),
        holding: text(&all("Holders")[0]["type"]),
        holders: all("Holder")
            .iter()
            .map(|holder| text(&holder["name"]))
            .collect(),
        status: text(&summary["status"]),
        limit: amount(&summary["drawingLimit"]).unwrap(),
        balance: amount(&summary["currentBalance"]),
        first: text(&transactions["startDate"]),
        last: text(&transactions["endDate"]),
        rows: all("Transaction").iter().map(rebit_row).collect(),
    }
}

/// The elements of a document in order, each with its attributes.
pub(crate) fn elements(document: &str) -> Vec<(String, Value)> {
    let tags = document.split('<').filter(|tag| {
        let first = tag.bytes().next();
        first.is_some_and(|byte| byte.is_ascii_alphabetic())
    });
    let element = |tag: &str| {
        let inside = tag.split('>').next().unwrap().trim_end_matches('/');
        let (name, mut rest) = inside.split_once(' ').unwrap_or((inside, ""));
        let mut attributes = serde_json::Map::new();
        while let Some((attribute, after)) = rest.trim_start().split_once("=\"") {
            let (value, after) = after.split_once('"').unwrap();
            let value = value.replace("&lt;", "<").replace("&gt;", ">");
            let value = value.replace("&quot;", "\"").replace("&amp;", "&");
            attributes.insert(attribute.to_owned(), value.into());
            rest = after;
        }
        (name.to_owned(), Value::Object(attributes))
    };
    tags.map(element).collect()
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn signed(paise: i64, kind: &Value) -> i64 {
    match kind.as_str() {
        Some("CREDIT") => paise,
        Some("DEBIT") => -paise,
        _ => panic!("{kind} is neither"),
    }
}

/// The paise of an amount as text, with an exponent or not, or as a number; none if it is missing.
pub(crate) fn amount(value: &Value) -> Option<i64> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    if text.is_empty() {
        return None;
    }
    let (mantissa, exponent) = text.split_once('E').unwrap_or((&text, "0"));
    let (whole, rest) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let places = i32::try_from(rest.len()).unwrap() - exponent.parse::<i32>().unwrap() - 2;
    let digits: i64 = format!("{whole}{rest}").parse().unwrap();
    let factor = 10_i64.pow(places.unsigned_abs());
    if places <= 0 {
        return Some(digits * factor);
    }
    assert_eq!(digits % factor, 0, "{text} has a part of a paisa");
    Some(digits / factor)
}

fn amount_of(value: Option<&Value>) -> Option<i64> {
    value.and_then(amount)
}
