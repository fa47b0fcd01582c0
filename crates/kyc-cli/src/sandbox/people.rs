//! `kyc people`: the invented people of a running sandbox.

use comfy_table::{ContentArrangement, Table, presets};

use super::read::{items, text};
use super::running::Running;
use crate::arguments::{People, PeopleCommand};
use crate::failure::Failure;
use crate::output::Output;

pub(crate) async fn run(arguments: People, output: Output) -> Result<(), Failure> {
    let sandbox = Running::find()?;
    match arguments.command {
        Some(PeopleCommand::Explain { mobile_number }) => {
            if mobile_number.bytes().any(|byte| !byte.is_ascii_digit()) {
                return Err(Failure::configuration("mobile", "must be ten digits"));
            }
            let person = sandbox
                .get(&format!("/sandbox/people/{mobile_number}"))
                .await?;
            output.answer(&person, None)
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
