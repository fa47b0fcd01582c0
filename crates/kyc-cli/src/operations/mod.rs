//! The providers' operations as commands: arguments and help come from a client's catalogue, and every call takes the same
//! path from arguments to output.

mod command;
pub(crate) mod data;
mod dropped;
mod flags;
mod provider;
mod providers;
mod reply_document;
mod reply_file;
#[cfg(test)]
mod tests;
mod unshown;

pub(crate) use provider::ProviderCommands;
pub(crate) use providers::{PROVIDERS, provider};
