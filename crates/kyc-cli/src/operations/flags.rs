//! The members of a request as flags, and flags as members of a request.

use clap::{Arg, ArgAction, ArgMatches};
use kyc_facade::openapi::{FileEncoding, Kind, Member, plain};
use kyc_facade::provider_core::InvalidRequest;
use serde_json::{Map, Number, Value};

use super::command::Command;
use super::data;
use crate::failure::Failure;

/// Names that have another meaning in every command. A member of such a name can be given only in `--data`.
const RESERVED: [&str; 8] = [
    "data",
    "document",
    "help",
    "json",
    "out",
    "overwrite",
    "timeout",
    "verbose",
];

/// How a member is given, if not as a flag of its own name.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    /// A flag of another name, and how its texts are spelled in the request.
    Spelled(&'static str, fn(&str) -> &str),
    /// A text that is read as this value: what the member consists of is in it.
    Read(fn(&str) -> Result<Value, InvalidRequest>),
    /// A flag without a value, for a member with only one value; and the rule to report if it is missing.
    Switch {
        value: &'static str,
        missing: &'static str,
    },
    /// An optional member whose absence has to be stated by a flag.
    Explicit {
        without: &'static str,
        help: &'static str,
    },
}

/// A member of a request that has a flag.
pub(super) struct Flag {
    name: String,
    member: Member,
    form: Option<Form>,
}

/// The members that have flags, and the names of those that do not.
pub(super) fn flags(members: Vec<Member>, command: Command) -> (Vec<Flag>, Vec<Member>) {
    let form = |name: &str| {
        command
            .forms
            .iter()
            .find(|(member, _)| *member == name)
            .map(|(_, form)| *form)
    };
    let (flags, others): (Vec<_>, Vec<_>) = members
        .into_iter()
        .map(|member| {
            let form = form(&member.name);
            let name = match form {
                Some(Form::Spelled(name, _)) => name.to_owned(),
                _ => kebab(&member.name),
            };
            Flag { name, member, form }
        })
        .partition(|flag| {
            let has_form = flag.member.kind != Kind::Other
                || flag.member.file.is_some()
                || matches!(flag.form, Some(Form::Read(_)));
            has_form && !RESERVED.contains(&flag.name.as_str())
        });
    (flags, others.into_iter().map(|flag| flag.member).collect())
}

impl Flag {
    /// The flag, and the one that states its absence. It is optional with `--data` and refused with `--batch`.
    pub(super) fn arguments(&self, batch: bool) -> Vec<Arg> {
        let alone = |arg: Arg| {
            if batch {
                arg.conflicts_with("batch")
            } else {
                arg
            }
        };
        let arg = alone(Arg::new(self.name.clone()).long(self.name.clone()));
        let mut help = plain(&self.member.description)
            .lines()
            .collect::<Vec<_>>()
            .join(" ");
        if self.is_repeated() {
            help.push_str("; may be given several times");
        }
        let arg = arg.help(help);
        if let Some(Form::Switch { .. }) = self.form {
            return vec![arg.action(ArgAction::SetTrue)];
        }
        let action = match self.is_repeated() {
            true => ArgAction::Append,
            false => ArgAction::Set,
        };
        let mut arg = arg.action(action).value_name(self.value_name());
        if matches!(self.member.kind, Kind::Integer | Kind::Number) {
            arg = arg.allow_negative_numbers(true);
        }
        if self.member.required {
            let instead: &[_] = if batch { &["data", "batch"] } else { &["data"] };
            arg = arg.required_unless_present_any(instead);
        }
        let mut arguments = vec![arg];
        if let Some(Form::Explicit { without, help }) = self.form {
            let without = Arg::new(without)
                .long(without)
                .help(help)
                .action(ArgAction::SetTrue);
            arguments.push(alone(without.conflicts_with(self.name.clone())));
        }
        arguments
    }

    /// The flag in a usage line, if it is required.
    pub(super) fn usage(&self) -> Option<String> {
        let (name, value) = (&self.name, self.value_name());
        match self.form {
            Some(Form::Switch { .. }) => Some(format!("--{name}")),
            Some(Form::Explicit { without, .. }) => {
                Some(format!("<--{name} <{value}>|--{without}>"))
            }
            _ => self.member.required.then(|| format!("--{name} <{value}>")),
        }
    }

    fn is_repeated(&self) -> bool {
        let encoding = self.member.file.map(|file| file.encoding);
        matches!(self.member.kind, Kind::List(_)) || encoding == Some(FileEncoding::NamedPdf)
    }

    fn value_name(&self) -> String {
        match (&self.member.kind, self.member.file) {
            (_, Some(file)) if file.encoding == FileEncoding::NamedPdf => "NAME=FILE".to_owned(),
            (_, Some(_)) => "FILE".to_owned(),
            (Kind::Boolean, _) => "true|false".to_owned(),
            _ => self.name.to_uppercase().replace('-', "_"),
        }
    }

    /// Sets the given members in the request. With a request from `--data`, no flag is required.
    pub(super) fn apply(
        &self,
        matches: &ArgMatches,
        request: &mut Map<String, Value>,
        has_data: bool,
    ) -> Result<(), Failure> {
        let member = &self.member.name;
        if member.contains('.') && matches.get_many::<String>(&self.name).is_none() {
            return Ok(());
        }
        let (request, key) = object_of(request, member)?;
        let missing = |rule: String| match has_data {
            true => Ok(()),
            false => Err(Failure::configuration(member, rule)),
        };
        if let Some(Form::Switch {
            value,
            missing: rule,
        }) = self.form
        {
            if !matches.get_flag(&self.name) {
                return missing(rule.to_owned());
            }
            request.insert(key, value.into());
            return Ok(());
        }
        if let (Some(file), Some(given)) =
            (self.member.file, matches.get_many::<String>(&self.name))
        {
            let values = given.map(|given| data::file(member, given, file));
            let mut values: Vec<_> = values.collect::<Result<_, _>>()?;
            let value = match file.encoding {
                FileEncoding::NamedPdf => {
                    let items = values.iter_mut().filter_map(Value::as_array_mut);
                    items.flat_map(std::mem::take).collect()
                }
                _ => values.pop().unwrap_or_default(),
            };
            request.insert(key, value);
        } else if let (Some(Form::Read(read)), Some(text)) =
            (self.form, matches.get_one::<String>(&self.name))
        {
            let value = read(text).map_err(|error| data::in_member(member, error))?;
            request.insert(key, value);
        } else if let Some(given) = matches.get_many::<String>(&self.name) {
            let spelled = |text| match self.form {
                Some(Form::Spelled(_, spelled)) => spelled(text),
                _ => text,
            };
            let mut values = given.map(|text| value(spelled(text), &self.member.kind));
            let value = match self.member.kind {
                Kind::List(_) => values.collect(),
                _ => values.next().unwrap_or_default(),
            };
            request.insert(key, value);
        } else if let Some(Form::Explicit { without, .. }) = self.form {
            if !matches.get_flag(without) {
                return missing(format!("required, or use --{without}"));
            }
            request.remove(&key);
        }
        Ok(())
    }
}

/// The object in which a member stands, which is made if it is not there, and the member's name in it.
fn object_of<'r>(
    request: &'r mut Map<String, Value>,
    member: &str,
) -> Result<(&'r mut Map<String, Value>, String), Failure> {
    let Some((object, member)) = member.split_once('.') else {
        return Ok((request, member.to_owned()));
    };
    let inner = request
        .entry(object)
        .or_insert_with(|| Map::new().into())
        .as_object_mut()
        .ok_or_else(|| Failure::configuration(object, "must be an object"))?;
    object_of(inner, member)
}

/// Converts text to a value. Text that is not of the member's kind stays text, and the request refuses it.
fn value(text: &str, kind: &Kind) -> Value {
    match (kind, text) {
        (Kind::List(kind), text) => value(text, kind),
        (Kind::Boolean, "true") => true.into(),
        (Kind::Boolean, "false") => false.into(),
        (Kind::Integer | Kind::Number, text) => match text.parse::<Number>() {
            Ok(number) => number.into(),
            Err(_) => text.into(),
        },
        (_, text) => text.into(),
    }
}

/// The name in kebab case: `mobile_number` and `mobileNumber` give `mobile-number`.
fn kebab(name: &str) -> String {
    let mut kebab = String::with_capacity(name.len());
    let mut letters = name.chars().peekable();
    let mut before = None;
    while let Some(letter) = letters.next() {
        let begins_a_word = letter.is_uppercase()
            && before.is_some_and(|before: char| {
                !before.is_uppercase() && !['_', '.'].contains(&before)
                    || letters.peek().is_some_and(|next| next.is_lowercase())
            });
        if begins_a_word && !kebab.ends_with('-') {
            kebab.push('-');
        }
        match letter {
            '_' | '.' => kebab.push('-'),
            letter => kebab.extend(letter.to_lowercase()),
        }
        before = Some(letter);
    }
    kebab
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_in_kebab_case_whatever_case_the_wire_has() {
        for (name, flag) in [
            ("mobile_number", "mobile-number"),
            ("mobileNumber", "mobile-number"),
            ("aaId", "aa-id"),
            ("type", "type"),
            ("redirectURL", "redirect-url"),
            ("URLToOpen", "url-to-open"),
            ("Fi_Types", "fi-types"),
            ("line2", "line2"),
            ("image.takenAt", "image-taken-at"),
        ] {
            assert_eq!(kebab(name), flag);
        }
    }

    #[test]
    fn deep_members_and_reserved_names_have_no_flag() {
        let member = |name: &str, kind| Member {
            name: name.to_owned(),
            place: kyc_facade::openapi::Place::Body,
            required: true,
            description: String::new(),
            kind,
            listed: Vec::new(),
            file: None,
        };
        let members = vec![
            member("people", Kind::Other),
            member("data", Kind::Text),
            member("version", Kind::Text),
        ];
        let (flags, others) = flags(members, Command::of("x"));
        let others: Vec<_> = others.into_iter().map(|member| member.name).collect();
        assert_eq!(others, ["people", "data"]);
        assert_eq!(flags.len(), 1);
        let mut parser = clap::Command::new("x").args(flags[0].arguments(false));
        parser = parser.arg(Arg::new("data").long("data"));
        let parse = |arguments: &[&str]| parser.clone().try_get_matches_from(arguments);
        assert!(parse(&["x"]).is_err());
        let matches = parse(&["x", "--version", "2"]).unwrap();
        let mut request = Map::new();
        flags[0].apply(&matches, &mut request, false).unwrap();
        assert_eq!(Value::Object(request), json!({"version": "2"}));
    }

    #[test]
    fn text_is_converted_to_its_kind_or_stays_text() {
        for (text, kind, expected) in [
            ("7", Kind::Text, json!("7")),
            ("7", Kind::Integer, json!(7)),
            ("-7", Kind::List(Box::new(Kind::Integer)), json!(-7)),
            ("1.50", Kind::Number, json!(1.5)),
            ("x", Kind::Integer, json!("x")),
            ("true", Kind::Boolean, json!(true)),
            ("false", Kind::Boolean, json!(false)),
            ("True", Kind::Boolean, json!("True")),
            ("true", Kind::Text, json!("true")),
        ] {
            assert_eq!(value(text, &kind), expected, "{text}");
        }
    }
}
