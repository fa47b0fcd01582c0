//! The settings that are credentials, of this command and of its providers.

use std::collections::BTreeSet;
use std::env;
use std::path::Path;

use kyc_consent::KeyError;
use kyc_facade::finpro_fiu::FinproWebhooks;
use kyc_facade::veriff_sessions::VeriffWebhooks;

use crate::files::secret_file;
use crate::journey;
use crate::operations::PROVIDERS;
use crate::sandbox::running;
use crate::storage::place::PASSWORD;
use crate::terminal::output::Output;

/// Settings of this command that are credentials.
const OWN: [&str; 3] = [PASSWORD, journey::TOKEN, running::TOKEN];

/// Settings that are none: where a provider is, as whom it knows the caller, and how it signs. Whatever else has a name is one.
const PUBLIC: [&str; 10] = [
    "DEEPVUE_BASE_URL",
    "DEEPVUE_CLIENT_ID",
    "FINPASS_BASE_URL",
    "FINPRO_APP_IDENTIFIER",
    "FINPRO_BASE_URL",
    "FINPRO_CLIENT_ID",
    "FINPRO_ORGANISATION_ID",
    "FINPRO_WEBHOOK_ENCODING",
    "FINPRO_WEBHOOK_HEADER",
    "VERIFF_BASE_URL",
];

/// Credentials that a file may hold which `NAME_FILE` names.
fn credentials() -> BTreeSet<&'static str> {
    let of_providers = PROVIDERS.iter().flat_map(|provider| provider.settings());
    let of_webhooks = VeriffWebhooks::SETTINGS
        .iter()
        .chain(FinproWebhooks::SETTINGS);
    let all = of_providers.chain(of_webhooks).chain(&OWN).copied();
    all.filter(|name| !PUBLIC.contains(name)).collect()
}

/// Warns of files with credentials that others may read. They are not refused: containers mount secrets so where nobody else is.
pub(crate) fn warn(output: Output) {
    for name in credentials().iter().map(|name| format!("{name}_FILE")) {
        let Some(path) = env::var_os(&name).filter(|path| !path.is_empty()) else {
            continue;
        };
        if let Err(error @ (KeyError::OpenToOthers { .. } | KeyError::OtherOwner)) =
            secret_file::open(Path::new(&path))
        {
            output.warn(&name, &format!("the file {}", secret_file::rule(&error)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Whatever the command itself reads is found by its name, wherever it is read.
    #[test]
    fn what_is_named_like_a_credential_is_one() {
        let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
        let (mut folders, mut named) = (vec![sources.into()], BTreeSet::<String>::new());
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir::<std::path::PathBuf>(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = fs::read_to_string(path).unwrap();
                named.extend(
                    text.split('"')
                        .filter(|part| is_named_so(part))
                        .map(str::to_owned),
                );
            }
        }
        assert!(named.len() > 3, "{named:?}");
        let credentials = credentials();
        named.retain(|name| !credentials.contains(name.as_str()));
        assert!(named.is_empty(), "{named:?}");
    }

    fn is_named_so(text: &str) -> bool {
        let is_of_a_name = |letter: char| letter.is_ascii_uppercase() || letter == '_';
        let ends = ["_KEY", "_PASSWORD", "_SECRET", "_TOKEN"];
        let is_name = !text.starts_with('_') && text.chars().all(is_of_a_name);
        is_name && ends.iter().any(|end| text.ends_with(end))
    }

    #[test]
    fn what_is_said_to_be_public_is_a_setting_and_not_named_like_a_credential() {
        let of_providers = PROVIDERS.iter().flat_map(|provider| provider.settings());
        let all: Vec<_> = of_providers.chain(FinproWebhooks::SETTINGS).collect();
        for name in PUBLIC {
            assert!(all.contains(&&name) && !is_named_so(name), "{name}");
        }
        let credentials = credentials();
        for name in [
            "VERIFF_SHARED_SECRET",
            "VERIFF_WEBHOOK_SECRET",
            "FINPRO_WEBHOOK_SECRET",
        ] {
            assert!(credentials.contains(name), "{name}");
        }
    }
}
