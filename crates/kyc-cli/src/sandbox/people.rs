//! `kyc people`: the invented people of a running sandbox.

use clap::{Args, Subcommand};
use comfy_table::{ContentArrangement, Table, presets};

use super::running::Running;
use crate::failure::Failure;
use crate::output::Output;

#[derive(Debug, Args)]
pub(crate) struct People {
    /// `None` lists them.
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say what the person with this mobile number does
    Explain {
        /// Ten digits
        mobile_number: String,
    },
}

pub(crate) async fn run(arguments: People, output: Output) -> Result<(), Failure> {
    let sandbox = Running::find()?;
    match arguments.command {
        Some(Command::Explain { mobile_number }) => {
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
            for person in list["people"].as_array().into_iter().flatten() {
                table.add_row(
                    ["mobile", "description"].map(|name| person[name].as_str().unwrap_or_default()),
                );
            }
            output.text(&table.to_string())
        }
    }
}
