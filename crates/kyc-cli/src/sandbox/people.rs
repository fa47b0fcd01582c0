//! `kyc people`: the invented people of a running sandbox, and what a number says about anybody's.

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::json;

use kyc_sandbox::{MobileScript, people};

use super::read::{items, text};
use super::running::Running;
use crate::arguments::{People, PeopleCommand};
use crate::failure::Failure;
use crate::terminal::output::{Output, printable};

pub(crate) async fn run(arguments: People, output: Output) -> Result<(), Failure> {
    match arguments.command {
        Some(PeopleCommand::Explain { mobile_number }) => explain(&mobile_number, output),
        Some(PeopleCommand::New {
            like,
            archetype,
            name,
        }) => {
            let body = json!({"like": like, "archetype": archetype, "name": name});
            let person = Running::find()?.post("/sandbox/people", &body).await?;
            if output.json {
                return output.answer(&person, None);
            }
            let member = |name: &str| printable(text(&person, name).unwrap_or_default());
            output.told(&format!("{}  {}", member("mobile"), member("description")))
        }
        None | Some(PeopleCommand::List) => {
            let list = Running::find()?.get("/sandbox/people").await?;
            if output.json {
                return output.answer(&list, None);
            }
            let mut table = Table::new();
            table
                .load_style(presets::UTF8_FULL_CONDENSED)
                .set_content_arrangement(ContentArrangement::Dynamic)
                .set_header(["mobile", "who"]);
            for person in items(&list, "people") {
                table.add_row(
                    ["mobile", "description"].map(|name| text(person, name).unwrap_or_default()),
                );
            }
            output.told(&table.to_string())
        }
    }
}

/// What somebody without a script does.
const WAITS: &str = "does what is done on the page; commands that act for the person approve";

/// Says what the person with this number does, which the number alone tells.
fn explain(mobile: &str, output: Output) -> Result<(), Failure> {
    if mobile.len() != 10 || mobile.bytes().any(|byte| !byte.is_ascii_digit()) {
        return Err(Failure::configuration("mobile", "must be ten digits"));
    }
    let person = people::find(mobile);
    let script = MobileScript::of(mobile);
    let does = script.map(MobileScript::words);
    let [digilocker, veriff] = match script {
        Some(script) => [script.at_digilocker(), script.at_veriff()],
        None => [WAITS; 2],
    };
    let at = [
        ("onemoney", person.onemoney.as_str()),
        ("finvu", person.finvu.as_str()),
        ("anumati", person.anumati.as_str()),
    ];
    let (finpro, finpass) = (person.profile_check.as_str(), person.session_start.as_str());
    if output.json {
        let mut value = json!({
            "mobile": mobile,
            "description": person.description,
            "does": does,
            "digilocker": digilocker,
            "veriff": veriff,
            "finpro": finpro,
            "finpass": finpass,
            "script": script.map(|script| json!({
                "journey": script.journey,
                "webhook": script.webhook,
                "data": script.data,
                "archetype": script.archetype,
            })),
        });
        if let Some(members) = value.as_object_mut() {
            members.extend(at.map(|(name, standing)| (name.to_owned(), standing.into())));
        }
        return output.text(&format!("{value:#}"));
    }
    let is_listed = people::PEOPLE.iter().any(|listed| listed.mobile == mobile);
    let who = match (&does, is_listed) {
        (Some(_), _) => "a script",
        (None, true) => person.description,
        (None, false) => "nobody that the sandbox knows",
    };
    let consent = match (does, is_listed) {
        (Some(does), _) => does.join("; "),
        (None, true) => "consents at once where accounts are linked".to_owned(),
        (None, false) => WAITS.to_owned(),
    };
    let aggregators = at.map(|(name, standing)| format!("{name}: {standing}"));
    for (what, words) in [
        (mobile, who),
        ("aggregators", &aggregators.join(", ")),
        ("FinPro's Check Profile", finpro),
        ("Finpass", finpass),
        ("consent and data", &consent),
        ("DigiLocker", digilocker),
        ("Veriff", veriff),
    ] {
        output.text(&format!("{what:22}  {words}"))?;
    }
    Ok(())
}
