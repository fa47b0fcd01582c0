//! Usage errors, reported without values: a value may be personal, or a secret that was pasted into the wrong place.

use std::io::Write as _;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::failure::{EXIT_INVALID, Failure};
use crate::output::Output;

/// Prints the error that clap found and returns the exit code.
pub(crate) fn report(error: &clap::Error) -> ExitCode {
    let asked_for = matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    if asked_for {
        // A closed pipe is not a failure of help.
        let _ = error.print();
        let missing = error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
        return ExitCode::from(if missing { EXIT_INVALID } else { 0 });
    }
    let json = std::env::args_os().any(|argument| argument == "--json");
    let (field, rule) = explain(error);
    Output { json }.failure(&Failure::configuration(field, rule));
    if !json {
        let _ = writeln!(
            std::io::stderr(),
            "Run the command with --help for its arguments."
        );
    }
    ExitCode::from(EXIT_INVALID)
}

fn explain(error: &clap::Error) -> (String, String) {
    // The text of an unknown argument is the user's.
    let is_ours = error.kind() != ErrorKind::UnknownArgument;
    let argument = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(text)) => name_of(text, is_ours),
        Some(ContextValue::Strings(texts)) => texts
            .iter()
            .map(|text| name_of(text, is_ours))
            .collect::<Vec<_>>()
            .join(", "),
        _ => "arguments".to_owned(),
    };
    let suggested = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand];
    let suggestion = match suggested.into_iter().find_map(|kind| error.get(kind)) {
        Some(ContextValue::String(text)) => format!("; perhaps {text}"),
        Some(ContextValue::Strings(texts)) => format!("; perhaps {}", texts.join(", ")),
        _ => String::new(),
    };
    let rule = match error.kind() {
        ErrorKind::UnknownArgument => format!("is unknown{suggestion}"),
        ErrorKind::MissingRequiredArgument => "required".to_owned(),
        ErrorKind::InvalidSubcommand => format!("no such command{suggestion}"),
        ErrorKind::MissingSubcommand => "a command is required".to_owned(),
        ErrorKind::NoEquals | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            "needs a value".to_owned()
        }
        ErrorKind::TooManyValues => "takes fewer values".to_owned(),
        ErrorKind::ArgumentConflict => {
            "given twice, or together with another that excludes it".to_owned()
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            match error.get(ContextKind::ValidValue) {
                Some(ContextValue::Strings(values)) if !values.is_empty() => {
                    format!("must be one of: {}", values.join(", "))
                }
                _ if matches!(error.get(ContextKind::InvalidValue), Some(ContextValue::String(text)) if text.is_empty()) => {
                    "needs a value".to_owned()
                }
                _ => "is not of the expected form".to_owned(),
            }
        }
        _ => "is malformed".to_owned(),
    };
    (argument, rule)
}

/// The name of a flag or of a known argument. The user's text is not printed.
fn name_of(argument: &str, is_ours: bool) -> String {
    let flag = argument.split(['=', ' ']).next().unwrap_or_default();
    let is_name = flag
        .bytes()
        .all(|byte| byte.is_ascii_alphabetic() || byte == b'-');
    if (flag.starts_with("--") && is_name) || (is_ours && argument.starts_with('<')) {
        flag.to_owned()
    } else {
        "a positional argument".to_owned()
    }
}
