//! The plan of a journey, from a file.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use kyc_facade::provider_core::capability::AggregatorId;
use kyc_journey::{AccountsPlan, DocumentKind, DocumentsPlan, Plan, Provider, VerificationPlan};
use kyc_journey_server::plan_from_value;
use serde_json::Value;

use crate::failure::Failure;

const FIELD: &str = "--plan";
/// The largest file, in bytes.
const MOST: u64 = 64 * 1024;

/// Documents, accounts at whatever aggregator knows the person, and a verification, all of them required.
pub(crate) fn whole() -> Result<Plan, Failure> {
    let wanted = [DocumentKind::EAadhaar, DocumentKind::Pan];
    let aggregators = ["onemoney", "finvu", "anumati"].map(AggregatorId::parse);
    let aggregators = aggregators.into_iter().collect::<Result<Vec<_>, _>>()?;
    let accounts = AccountsPlan::new(Provider::FinPro).set_aggregators(aggregators);
    Ok(Plan::new()
        .set_documents(Some(DocumentsPlan::new(wanted)))
        .set_accounts(Some(accounts))
        .set_verification(Some(VerificationPlan::new())))
}

/// Reads a plan: JSON if the name of the file ends so, TOML otherwise.
pub(crate) fn read(path: &Path) -> Result<Plan, Failure> {
    let failed = |error: &io::Error| Failure::file(FIELD, "read", error);
    let file = fs::File::open(path).map_err(|error| failed(&error))?;
    let mut text = String::new();
    let read = file.take(MOST.saturating_add(1)).read_to_string(&mut text);
    read.map_err(|error| failed(&error))?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > MOST {
        return Err(Failure::configuration(FIELD, "must be 64 KiB at most"));
    }
    let is_json = path
        .extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("json"));
    parse(&text, is_json).map_err(|rule| Failure::configuration(FIELD, rule))
}

/// The plan, or the rule that the text breaks: where, and no value of it.
fn parse(text: &str, is_json: bool) -> Result<Plan, String> {
    let given: Value = match is_json {
        true => serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            format!("is no JSON: line {line}, column {column}")
        })?,
        false => toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(1, |before| before.matches('\n').count().saturating_add(1));
            format!("is no TOML: line {line}")
        })?,
    };
    plan_from_value(given).map_err(|error| match error.field() {
        "request" => error.rule().to_owned(),
        field => place(field, error.rule()),
    })
}

/// The table and the field of a path, and the rule that it breaks.
fn place(path: &str, rule: &str) -> String {
    match path.split_once('.') {
        Some((table, field)) => format!("[{table}] {field}: {rule}"),
        None => format!("{path}: {rule}"),
    }
}

#[cfg(test)]
mod tests {
    use kyc_facade::provider_core::jiff::SignedDuration;
    use kyc_journey::{CalendarUnit, Frequency, Leg};

    use super::*;

    const TOML: &str = r#"
        deadline = "168h"

        [documents]
        wanted = ["pan"]
        required = false

        [accounts]
        provider = "finpro"
        aggregators = ["onemoney"]
        after = ["documents"]
        every = { count = 1, unit = "month" }
    "#;

    #[test]
    fn a_plan_is_read_from_both_forms() {
        let aggregator = AggregatorId::parse("onemoney").unwrap();
        let every = Frequency {
            count: 1,
            unit: CalendarUnit::Month,
        };
        let accounts = AccountsPlan::new(Provider::FinPro)
            .set_aggregators([aggregator])
            .set_after([Leg::Documents])
            .set_every(Some(every));
        let documents = DocumentsPlan::new([DocumentKind::Pan]).set_required(false);
        let expected = Plan::new()
            .set_documents(Some(documents))
            .set_accounts(Some(accounts))
            .set_deadline(SignedDuration::from_hours(7 * 24));
        assert_eq!(parse(TOML, false).unwrap(), expected);
        let json = serde_json::to_string(&expected).unwrap();
        assert_eq!(parse(&json, true).unwrap(), expected);
        assert!(whole().unwrap().check().is_ok());
    }

    #[test]
    fn what_is_wrong_is_told_by_its_place_and_never_by_its_value() {
        let toml = |text: &str| parse(text, false).unwrap_err();
        assert_eq!(toml("a = CANARY"), "is no TOML: line 1");
        assert_eq!(toml("\n\n[documents\n"), "is no TOML: line 3");
        assert_eq!(
            parse("{\"a\":\nCANARY}", true).unwrap_err(),
            "is no JSON: line 2, column 1"
        );
        assert_eq!(
            toml("[documents]\nwanted = [\"CANARY\"]"),
            "[documents] wanted[0]: must be one of: e_aadhaar, pan, driving_licence"
        );
        for (text, told) in [
            ("deadline = \"CANARY\"", "deadline: is not valid"),
            ("documnts = 1", "documnts: is not a member of a plan"),
            ("documents = 1", "documents: must be an object"),
            (
                "[documents]\nwanted = [\"pan\"]\nrequird = true",
                "[documents] requird: is not a member of a plan",
            ),
            ("[accounts]", "[accounts] provider: is required"),
            (
                "[accounts]\nprovider = \"finpro\"\n[accounts.every]\ncount = 1",
                "[accounts] every.unit: is required",
            ),
            ("", "plan: must have a leg"),
            (
                "[verification]\nafter = [\"documents\"]",
                "[verification] after: must name planned legs",
            ),
            (
                "[verification]\n[accounts]\nprovider = \"finpro\"\nafter = [\"documents\"]",
                "[accounts] after: must name planned legs",
            ),
            (
                "[documents]\nwanted = []",
                "[documents] wanted: must name a document",
            ),
            (
                "[documents]\nwanted = [\"pan\"]\nlink = \"0s\"",
                "[documents] link: must be positive",
            ),
            (
                "[accounts]\nprovider = \"veriff\"",
                "[accounts] provider: must be `finpro` or `finpass`",
            ),
            (
                "[accounts]\nprovider = \"finpro\"\ndata_life = \"-1h\"",
                "[accounts] data_life: must be positive",
            ),
            (
                "notice = \"0s\"\n[verification]",
                "notice: must be positive",
            ),
        ] {
            assert_eq!(toml(text), told, "{text}");
        }
    }
}
