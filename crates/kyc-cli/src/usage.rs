//! Usage errors, reported without values: a value may be personal, or a secret that was pasted into the wrong place.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::arguments::BATCH_HEADING;
use crate::command;
use crate::failure::{EXIT_INVALID, Failure};
use crate::terminal::output::Output;

/// Prints the error that clap found and returns the exit code.
pub(crate) fn report(error: &clap::Error) -> ExitCode {
    let asked_for = matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    if asked_for {
        let printed = error.print().and_then(|()| io::stdout().flush());
        // A closed pipe is not a failure of help.
        if let Err(error) = printed
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            let failure = Failure::Unprinted(error.kind());
            Output { json: false }.failure(&failure);
            return ExitCode::from(failure.exit_code());
        }
        let missing = error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
        return ExitCode::from(if missing { EXIT_INVALID } else { 0 });
    }
    let given = Given::of(std::env::args_os());
    let json = given.words.iter().any(|word| word == "--json");
    let (field, rule) = explain(error, &given);
    let output = Output { json };
    output.failure(&Failure::configuration(field, rule));
    output.note("Run the command with --help for its arguments.");
    ExitCode::from(EXIT_INVALID)
}

/// What was given, and the command that it leads to.
struct Given {
    words: Vec<String>,
    /// The place of the first that is not text.
    not_text: Option<usize>,
    command: clap::Command,
    /// How the user calls that command.
    path: String,
}

impl Given {
    fn of(words: impl Iterator<Item = OsString>) -> Self {
        let words: Vec<_> = words.skip(1).collect();
        let not_text = words.iter().position(|word| word.to_str().is_none());
        let words: Vec<_> = words
            .iter()
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        let mut command = command::parser();
        command.build();
        let mut path = "kyc".to_owned();
        for word in &words {
            if let Some(next) = command.find_subcommand(word) {
                path = format!("{path} {}", next.get_name());
                command = next.clone();
            }
        }
        Self {
            words,
            not_text: not_text.map(|at| at.saturating_add(1)),
            command,
            path,
        }
    }

    /// The commands below it.
    fn commands(&self) -> String {
        let commands = self.command.get_subcommands().map(clap::Command::get_name);
        let commands: Vec<_> = commands.filter(|name| *name != "help").collect();
        commands.join(", ")
    }

    /// The first flag that the command needs and that was not given.
    fn missing_flag(&self) -> Option<String> {
        let usage = self.command.clone().render_usage().to_string();
        let line = usage.lines().next()?;
        let flags = line
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
            .filter(|word| word.starts_with("--"));
        let is_given = |flag: &str| self.words.iter().any(|word| is_argument(word, flag));
        flags
            .filter(|flag| !is_given(flag))
            .map(str::to_owned)
            .next()
    }

    /// A flag that was given and says something of a batch only, if no batch was.
    fn flag_of_a_batch(&self) -> Option<String> {
        let is_given = |flag: &String| self.words.iter().any(|word| is_argument(word, flag));
        let mut flags = self
            .command
            .get_arguments()
            .filter(|flag| flag.get_help_heading() == Some(BATCH_HEADING))
            .filter_map(|flag| flag.get_long().map(|name| format!("--{name}")));
        let has_batch = is_given(&"--batch".to_owned());
        flags.find(|flag| !has_batch && is_given(flag))
    }

    /// Of an argument that the command does not take: where it stands, and what it may have been meant for.
    fn unexpected(&self, argument: &str, suggestion: &str) -> (String, String) {
        let at = self
            .words
            .iter()
            .rposition(|word| is_argument(word, argument));
        let field = match at {
            Some(at) => format!("argument {}", at.saturating_add(1)),
            None => "arguments".to_owned(),
        };
        if argument.starts_with('-') {
            // One that is almost a flag is no value; any other may be.
            let named = match suggestion.is_empty() {
                true => String::new(),
                false => format!(" {}", name_of(argument)),
            };
            return (field, format!("unknown flag{named}{suggestion}"));
        }
        let meant = self
            .missing_flag()
            .map(|flag| format!("; did you mean {flag}?"));
        let rule = format!("unexpected argument{}", meant.unwrap_or_default());
        (field, rule)
    }
}

/// Whether a word is the argument, alone or joined with its value: `--mobile=…`, `-m…`.
fn is_argument(word: &str, argument: &str) -> bool {
    let is_short = argument.starts_with('-') && !argument.starts_with("--");
    word.strip_prefix(argument)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('=') || is_short)
}

fn explain(error: &clap::Error, given: &Given) -> (String, String) {
    let suggested = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand];
    let suggestion = match suggested.into_iter().find_map(|kind| error.get(kind)) {
        Some(ContextValue::String(text)) => format!("; perhaps {text}"),
        Some(ContextValue::Strings(texts)) => format!("; perhaps {}", texts.join(", ")),
        _ => String::new(),
    };
    let argument = match error.get(ContextKind::InvalidArg) {
        // The text of an argument that is not known is the user's.
        Some(ContextValue::String(text)) if error.kind() == ErrorKind::UnknownArgument => {
            return given.unexpected(text, &suggestion);
        }
        Some(ContextValue::String(text)) => name_of(text),
        Some(ContextValue::Strings(texts)) => texts
            .iter()
            .map(|text| name_of(text))
            .collect::<Vec<_>>()
            .join(", "),
        _ => "arguments".to_owned(),
    };
    if error.kind() == ErrorKind::MissingRequiredArgument
        && let Some(flag) = given.flag_of_a_batch()
    {
        return (flag, "needs --batch and --out".to_owned());
    }
    let rule = match error.kind() {
        ErrorKind::MissingRequiredArgument => "required".to_owned(),
        ErrorKind::InvalidSubcommand => {
            let commands = given.commands();
            let rule = format!("no such command{suggestion}; the commands are {commands}");
            return (given.path.clone(), rule);
        }
        ErrorKind::MissingSubcommand => "a command is required".to_owned(),
        ErrorKind::NoEquals | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            "needs a value".to_owned()
        }
        ErrorKind::TooManyValues => "takes fewer values".to_owned(),
        ErrorKind::InvalidUtf8 => {
            let field = given
                .not_text
                .map_or(argument, |at| format!("argument {at}"));
            return (field, "is not UTF-8 text".to_owned());
        }
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
                _ => match error.get(ContextKind::InvalidArg) {
                    // The name of its value says the form.
                    Some(ContextValue::String(text)) if text.contains(" <") => {
                        let form = text.split_once(" <").map_or("", |(_, form)| form);
                        format!("must be {}", form.trim_end_matches('>'))
                    }
                    _ => "is not of the expected form".to_owned(),
                },
            }
        }
        _ => "is malformed".to_owned(),
    };
    (argument, rule)
}

/// The name of a flag, without its value, or of a positional argument.
fn name_of(argument: &str) -> String {
    // One in brackets may have an equals sign in its name.
    if argument.starts_with('<') {
        let name = argument.split_inclusive('>').next();
        return name.unwrap_or_default().to_owned();
    }
    let name = argument.split(['=', ' ']).next().unwrap_or_default();
    name.to_owned()
}
