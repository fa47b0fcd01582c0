//! The plan of a journey, from a file.

use std::path::Path;

use kyc_facade::provider_core::capability::AggregatorId;
use kyc_journey::{AccountsPlan, DocumentKind, DocumentsPlan, Plan, Provider, VerificationPlan};
use kyc_journey_server::plan_from_value;

use crate::failure::Failure;
use crate::files::written;

const FIELD: &str = "--plan";

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
    let (text, is_json) = written::read(FIELD, path)?;
    parse(&text, is_json).map_err(|rule| Failure::configuration(FIELD, rule))
}

/// The plan, or the rule that the text breaks: where, and no value of it.
fn parse(text: &str, is_json: bool) -> Result<Plan, String> {
    let plan = written::value(text, is_json).and_then(plan_from_value);
    plan.map_err(|error| written::place(&error))
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
    fn the_documented_plan_is_one_and_names_the_defaults() {
        let readme = include_str!("../../README.md");
        let (_, text) = readme.split_once("```toml\nnotice = ").unwrap();
        let (text, _) = text.split_once("```").unwrap();
        let plan = parse(&format!("notice = {text}"), false).unwrap();
        let default = Plan::new();
        assert_eq!(
            (plan.notice, plan.deadline),
            (default.notice, default.deadline)
        );
        let documents = DocumentsPlan::new([DocumentKind::EAadhaar]);
        assert_eq!(plan.documents.unwrap().link, documents.link);
        let accounts = AccountsPlan::new(Provider::FinPro);
        assert_eq!(plan.accounts.unwrap().link, accounts.link);
        let verification = VerificationPlan::new();
        assert_eq!(plan.verification.unwrap().review, verification.review);
    }

    #[test]
    fn a_day_is_24_hours_and_every_form_is_read_back() {
        for text in ["30d", "720h", "4w 2d", "P30D", "PT720H"] {
            let plan = parse(&format!("deadline = \"{text}\"\n[verification]"), false).unwrap();
            assert_eq!(plan.deadline, SignedDuration::from_hours(720), "{text}");
            let json = serde_json::to_string(&plan).unwrap();
            assert_eq!(parse(&json, true).unwrap(), plan);
        }
        let kept = "[accounts]\nprovider = \"finpass\"\ndata_life = \"365d\"";
        let plan = parse(kept, false).unwrap();
        let json = serde_json::to_string(&plan).unwrap();
        assert_eq!(parse(&json, true).unwrap(), plan);
        let life = plan.accounts.unwrap().data_life.unwrap();
        assert_eq!(life, SignedDuration::from_hours(365 * 24));
    }

    #[test]
    fn what_one_provider_or_flow_reads_is_taken_for_it() {
        for text in [
            "provider = \"finpass\"\nflow = \"monitoring\"\nevery = { count = 1, unit = \"month\" }",
            "provider = \"finpass\"\nflow = \"analyzer\"",
            "provider = \"finpro\"\nevery = { count = 1, unit = \"month\" }\nsessions_a_month = 3\nfetches_by_itself = true",
            // What is so by default says nothing.
            "provider = \"finpro\"\nflow = \"underwriting\"",
            "provider = \"finpass\"\naggregators = []\nfetches_by_itself = false",
        ] {
            let plan = parse(&format!("[accounts]\n{text}"), false);
            assert!(plan.is_ok(), "{text}: {plan:?}");
        }
    }

    #[test]
    fn a_member_that_appears_twice_is_named_in_both_forms() {
        for (text, told) in [
            (
                r#"{"verification":{},"verification":{"required":false}}"#,
                "verification: must not appear twice",
            ),
            (
                r#"{"accounts":{"provider":"finpro","provider":"CANARY"}}"#,
                "[accounts] provider: must not appear twice",
            ),
            (
                r#"{"documents":{"wanted":["pan"],"wanted":["pan"]}}"#,
                "[documents] wanted: must not appear twice",
            ),
            (
                r#"{"accounts":{"provider":"finpro","every":{"count":1,"count":2,"unit":"day"}}}"#,
                "[accounts] every.count: must not appear twice",
            ),
            (
                r#"{"verification":{},"nothing":null}"#,
                "nothing: is not a member of a plan",
            ),
        ] {
            assert_eq!(parse(text, true).unwrap_err(), told, "{text}");
        }
        for (text, told) in [
            (
                "[verification]\nrequired = true\nrequired = false",
                "required: must not appear twice, as at line 3",
            ),
            (
                "[verification]\n[verification]",
                "verification: must not appear twice, as at line 2",
            ),
            (
                "[accounts]\nevery = { count = 1, count = 2 }",
                "count: must not appear twice, as at line 2",
            ),
        ] {
            assert_eq!(parse(text, false).unwrap_err(), told, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_by_its_place_and_never_by_its_value() {
        let toml = |text: &str| parse(text, false).unwrap_err();
        assert_eq!(toml("a = CANARY"), "is not TOML at line 1");
        assert_eq!(toml("\n\n[documents\n"), "is not TOML at line 3");
        assert_eq!(
            parse("{\"a\":\nCANARY}", true).unwrap_err(),
            "is not JSON at line 2, column 1"
        );
        assert_eq!(
            toml("[documents]\nwanted = [\"CANARY\"]"),
            "[documents] wanted[0]: must be one of: e_aadhaar, pan, driving_licence"
        );
        for (text, told) in [
            (
                "deadline = \"CANARY\"",
                "deadline: must be a length of time such as `30d` or `12h`, 10 years at most",
            ),
            (
                "deadline = \"3\"",
                "deadline: must be a length of time such as `30d` or `12h`, 10 years at most",
            ),
            (
                "deadline = 3",
                "deadline: must be a length of time such as `30d` or `12h`, 10 years at most",
            ),
            (
                "deadline = \"5000d\"\n[verification]",
                "deadline: must be 10 years at most",
            ),
            (
                "[accounts]\nprovider = \"CANARY\"",
                "[accounts] provider: must be `finpro` or `finpass`",
            ),
            (
                "[accounts]\nprovider = \"finpass\"\naggregators = [\"onemoney\"]",
                "[accounts] aggregators: must not be given: Finpass has no choice of aggregator",
            ),
            (
                "[accounts]\nprovider = \"finpass\"\ndefault_aggregator = \"onemoney\"",
                "[accounts] default_aggregator: must not be given: Finpass has no choice of aggregator",
            ),
            (
                "[accounts]\nprovider = \"finpro\"\ndata_life = \"P1Y\"",
                "[accounts] data_life: must be a length of time such as `365d` or `12h`, 100 years at most",
            ),
            (
                "[accounts]\nprovider = \"finpro\"\nflow = \"monitoring\"",
                "[accounts] flow: must not be given: FinPro has no flows, which are Finpass's",
            ),
            (
                "[accounts]\nprovider = \"finpass\"\nsessions_a_month = 3",
                "[accounts] sessions_a_month: must not be given: Finpass has no data sessions",
            ),
            (
                "[accounts]\nprovider = \"finpass\"\nfetches_by_itself = true",
                "[accounts] fetches_by_itself: must not be given: Finpass has no template of a consent",
            ),
            (
                "[accounts]\nprovider = \"finpass\"\nevery = { count = 1, unit = \"month\" }",
                "[accounts] every: must not be given: at Finpass the flow `monitoring` alone fetches again",
            ),
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
                "deadline = \"100000h\"\n[verification]",
                "deadline: must be 10 years at most",
            ),
            (
                "renewal = \"87841h\"\n[verification]",
                "renewal: must be 10 years at most",
            ),
            (
                "[documents]\nwanted = [\"pan\"]\nlink = \"P11Y\"",
                "[documents] link: must be a length of time such as `30d` or `12h`, 10 years at most",
            ),
            (
                "[documents]\nwanted = [\"pan\"]\nlink = \"100000h\"",
                "[documents] link: must be 10 years at most",
            ),
            (
                "[documents]\nwanted = [\"pan\"]\ndata_life = \"1000000h\"",
                "[documents] data_life: must be 100 years at most",
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
