//! `kyc openapi`: a provider's operations as an OpenAPI document.

use crate::failure::Failure;
use crate::operations::provider;
use crate::output::Output;

pub(crate) fn run(name: &str, yaml: bool, output: Output) -> Result<(), Failure> {
    let document = provider(name)?.document()?;
    let text = match yaml {
        true => serde_saphyr::to_string(&document).map_err(|_| Failure::Unwritten(None))?,
        false => serde_json::to_string_pretty(&document).map_err(|_| Failure::Unwritten(None))?,
    };
    output.line(text.trim_end())
}
