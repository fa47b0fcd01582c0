//! `kyc openapi`: a provider's operations, or the interface of journeys, as an OpenAPI document.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;

use crate::failure::Failure;
use crate::operations::{PROVIDERS, ProviderCommands, provider};
use crate::terminal::output::Output;

/// The name of what `kyc journey serve` serves, beside those of providers.
pub(crate) const JOURNEYS: &str = "journeys";

pub(crate) fn run(name: &str, yaml: bool, output: Output) -> Result<(), Failure> {
    match name {
        JOURNEYS => print(&kyc_journey_server::openapi(), yaml, output),
        name => print(&provider(name)?.document()?, yaml, output),
    }
}

fn print(document: &impl Serialize, yaml: bool, output: Output) -> Result<(), Failure> {
    let text = match yaml {
        true => serde_saphyr::to_string(document).map_err(|_| Failure::unprintable())?,
        false => serde_json::to_string_pretty(document).map_err(|_| Failure::unprintable())?,
    };
    output.text(text.trim_end())
}

/// The documents that the sandbox serves, by path: those of `kyc openapi`, with the sandbox as the server.
pub(crate) fn of_the_sandbox() -> Result<BTreeMap<String, String>, Failure> {
    let document = |provider: &dyn ProviderCommands| {
        let name = provider.name();
        let mut document = provider.document()?;
        document.servers =
            vec![json!({ "url": format!("/{name}"), "description": "This sandbox" })];
        let text = serde_json::to_string(&document).map_err(|_| Failure::unprintable())?;
        Ok((format!("/openapi/{name}.json"), text))
    };
    PROVIDERS.into_iter().map(document).collect()
}
