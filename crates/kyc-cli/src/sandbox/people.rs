//! `kyc people`: the invented people of a running sandbox.

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::json;

use super::read::{items, text};
use super::running::Running;
use crate::arguments::{People, PeopleCommand};
use crate::failure::Failure;
use crate::output::{Output, printable};

pub(crate) async fn run(arguments: People, output: Output) -> Result<(), Failure> {
    let sandbox = Running::find()?;
    match arguments.command {
        Some(PeopleCommand::Explain { mobile_number }) => {
            let is_digit = |byte: u8| byte.is_ascii_digit();
            if mobile_number.len() != 10 || !mobile_number.bytes().all(is_digit) {
                return Err(Failure::configuration("mobile", "must be ten digits"));
            }
            let person = sandbox
                .get(&format!("/sandbox/people/{mobile_number}"))
                .await?;
            output.answer(&person, None)
        }
        Some(PeopleCommand::New {
            like,
            archetype,
            name,
        }) => {
            let body = json!({"like": like, "archetype": archetype, "name": name});
            let person = sandbox.post("/sandbox/people", &body).await?;
            if output.json {
                return output.answer(&person, None);
            }
            let member = |name: &str| printable(text(&person, name).unwrap_or_default());
            output.text(&format!("{}  {}", member("mobile"), member("description")))
        }
        None => {
            let list = sandbox.get("/sandbox/people").await?;
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
            output.text(&table.to_string())
        }
    }
}
