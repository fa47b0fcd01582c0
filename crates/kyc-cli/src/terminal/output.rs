//! Answers on stdout, errors on stderr; for people or, with `--json`, for machines.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write as _};

use kyc_facade::provider_core::lint::{Finding, Lints, OnFinding};
use kyc_facade::provider_core::{
    Drift, DriftKind, DriftRadar, Error, ErrorKind, Outcome, ReplyText, RequestId, Response,
    check_web_url, is_invisible,
};
use kyc_facade::{Progress, StepEvent, StepName};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::failure::{Failure, advice, reason, says_more};

/// What became of a read that was interrupted.
pub(crate) const READ_BROKEN_OFF: &str = "was broken off; it only reads and can be asked again";

/// How a command prints its results.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    pub(crate) json: bool,
}

impl Output {
    /// Prints a value: as JSON with its wire names, or one field per line.
    ///
    /// # Errors
    ///
    /// [`Failure::Unwritten`] with the call's id.
    pub(crate) fn answer<T: Serialize>(
        self,
        answer: &T,
        request_id: Option<&RequestId>,
    ) -> Result<(), Failure> {
        let written = match self.json {
            true => serde_json::to_string_pretty(answer)
                .map_err(io::Error::from)
                .and_then(|text| self.line(&text)),
            false => serde_json::to_string(answer)
                .map_err(io::Error::from)
                .and_then(|text| self.fields(&text)),
        };
        written.map_err(|error| Failure::Unwritten(request_id.cloned(), error.kind()))
    }

    /// Prints a text for which nothing was sent.
    ///
    /// # Errors
    ///
    /// [`Failure::Unprinted`].
    pub(crate) fn text(self, text: &str) -> Result<(), Failure> {
        self.line(text)
            .map_err(|error| Failure::Unprinted(error.kind()))
    }

    /// Prints a text of what was done, or of what was asked.
    ///
    /// # Errors
    ///
    /// [`Failure::Unwritten`].
    pub(crate) fn told(self, text: &str) -> Result<(), Failure> {
        self.line(text)
            .map_err(|error| Failure::Unwritten(None, error.kind()))
    }

    /// Prints a reply: its JSON text, or one field per line.
    ///
    /// # Errors
    ///
    /// [`Failure::Unwritten`] with the call's id.
    pub(crate) fn reply(self, reply: &Response<ReplyText>) -> Result<(), Failure> {
        let text = &reply.value().json;
        self.warn_of_links(text);
        let written = match self.json {
            true => self.line(text),
            false => self.fields(text),
        };
        let id = || Some(reply.request_id().clone());
        written.map_err(|error| Failure::Unwritten(id(), error.kind()))
    }

    /// Warns of members that should be addresses on the web and are none: `javascript:`, `file:`, `//elsewhere`. They are printed as
    /// they came. The members of a long reply, which is account data, are not looked at.
    fn warn_of_links(self, reply: &str) {
        const LONG: usize = 1024 * 1024;
        if reply.len() > LONG {
            return;
        }
        let mut members = Vec::new();
        flatten("", reply, &mut members);
        for (path, text) in members {
            let name = path.rsplit('.').next().unwrap_or_default();
            let name = name
                .split('[')
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase();
            let is_link = ["url", "urls", "link", "redirect"]
                .iter()
                .any(|end| name.ends_with(end));
            let is_said = !matches!(&*text, "" | "none" | "null" | "true" | "false");
            if is_link && is_said && check_web_url("url", &text).is_err() {
                self.warn(&printable(&path), "is not a web address; do not follow it");
            }
        }
    }

    /// Prints JSON text with one field per line.
    fn fields(self, json: &str) -> io::Result<()> {
        let mut lines = Vec::new();
        flatten("", json, &mut lines);
        let shown = lines.iter().map(|(name, _)| printable(name));
        let names: Vec<String> = shown.collect();
        let widths = names.iter().map(|name| name.chars().count());
        let width = widths.max().unwrap_or_default();
        let mut rows = names.iter().zip(&lines);
        rows.try_for_each(|(name, (_, value))| {
            self.line(&format!("{name:width$}  {}", printable(value)))
        })
    }

    /// Prints a line on stdout. That nobody reads it is a failure too: an answer, and the URLs in it, would be lost unnoticed.
    pub(crate) fn line(self, line: &str) -> io::Result<()> {
        writeln!(io::stdout(), "{}", self.shown(line))
    }

    /// Prints the summary of a batch: as JSON on stdout, or for people on stderr.
    ///
    /// # Errors
    ///
    /// [`Failure::Unwritten`]; then the JSON is on stderr.
    pub(crate) fn summary<T: Serialize>(
        self,
        summary: &T,
        lines: &[String],
    ) -> Result<(), Failure> {
        if !self.json {
            lines.iter().for_each(|line| self.note(line));
            return Ok(());
        }
        self.answer(summary, None).inspect_err(|_| {
            let text = serde_json::to_string(summary).unwrap_or_default();
            self.on_stderr(&text);
        })
    }

    /// Prints on stderr what is sent although it is probably a mistake.
    pub(crate) fn warn(self, field: &str, rule: &str) {
        self.on_stderr(&match self.json {
            true => json!({ "warning": { "field": field, "rule": rule } }).to_string(),
            false => format!("warning: {field}: {rule}"),
        });
    }

    /// Warns of inputs that look wrong and are sent.
    pub(crate) fn warn_of(self, findings: impl IntoIterator<Item = Finding>, lints: &Lints) {
        for finding in findings {
            if lints.consequence(finding.rule()) == OnFinding::Warn {
                self.warn(finding.field(), finding.rule().text());
            }
        }
    }

    /// Prints on stderr where replies were not as documented.
    pub(crate) fn drifts(self, radar: &DriftRadar) {
        let drifts = radar.drifts();
        if drifts.is_empty() {
            let (json, words) = match radar.replies() {
                0 => (json!({ "drift": null }), "drift: no reply to compare"),
                _ => (json!({ "drift": [] }), "drift: none"),
            };
            self.on_stderr(&match self.json {
                true => json.to_string(),
                false => words.to_owned(),
            });
        }
        for (drift, times) in &drifts {
            let Drift {
                provider,
                operation,
                path,
                ..
            } = drift;
            let kind = drift.kind.as_str();
            let status = match drift.kind {
                DriftKind::UndocumentedStatus(status) => Some(status.as_u16()),
                _ => None,
            };
            self.on_stderr(&match self.json {
                true => json!({ "drift": {
                    "provider": provider, "operation": operation, "kind": kind, "path": path, "status": status, "times": times,
                } })
                .to_string(),
                false => {
                    let kind = kind.replace('_', " ");
                    let place = status.map_or_else(|| printable(path), |status| status.to_string());
                    format!("drift: {provider} {operation}: {kind} {place}, {times} times")
                }
            });
        }
    }

    /// Warns if one of the values is not listed; an empty list lists all. The lists are open, so such a value is doubtful and
    /// not wrong.
    ///
    /// # Errors
    ///
    /// What is doubtful is to be refused.
    pub(crate) fn warn_unless_listed<'v>(
        self,
        on_finding: OnFinding,
        field: &str,
        mut values: impl Iterator<Item = &'v str>,
        listed: &[impl AsRef<str>],
    ) -> Result<(), Failure> {
        let is_listed = |value: &str| listed.iter().any(|listed| listed.as_ref() == value);
        if on_finding == OnFinding::Ignore || listed.is_empty() || values.all(is_listed) {
            return Ok(());
        }
        let listed: Vec<_> = listed.iter().map(AsRef::as_ref).collect();
        let listed = listed.join(", ");
        if on_finding == OnFinding::RefuseAll {
            let rule = format!("not a listed value. Listed are {listed}");
            return Err(Failure::configuration(field, rule));
        }
        self.warn(
            field,
            &format!("not a listed value; it is sent as it is. Listed are {listed}"),
        );
        Ok(())
    }

    /// Prints on stderr what nobody may overlook, as JSON too.
    pub(crate) fn tell(self, line: &str) {
        self.on_stderr(&match self.json {
            true => json!({ "note": line }).to_string(),
            false => line.to_owned(),
        });
    }

    /// Prints a line for people on stderr.
    pub(crate) fn note(self, line: &str) {
        if !self.json {
            self.on_stderr(line);
        }
    }

    /// Prints an error on stderr, without any value of a personal field.
    pub(crate) fn failure(self, failure: &Failure) {
        let text = match failure {
            Failure::Error(error) if self.json => json!(error).to_string(),
            Failure::Error(error) => {
                let id = error.request_id().map(|id| format!("  request id: {id}\n"));
                // How long it is too early, as the provider said, or the circuit.
                let wait = error.retry_after().map(|wait| {
                    let seconds = wait.as_secs_f64().ceil();
                    format!("  wait: {seconds} s\n")
                });
                let more = match says_more(error) {
                    true => {
                        "  the provider's own text is not printed, because it may hold personal data\n"
                    }
                    false => "",
                };
                format!(
                    "error: {}\n{}{more}{}  {}",
                    error.report(),
                    id.unwrap_or_default(),
                    wait.unwrap_or_default(),
                    advice(error)
                )
            }
            Failure::Unwritten(id, kind) => {
                let why = reason(*kind);
                let message = format!("it was done, and the answer could not be written: {why}");
                self.unwritten(&message, Outcome::Done, id.as_ref())
            }
            Failure::Unprinted(kind) => {
                let why = reason(*kind);
                let message = format!("nothing was sent; the output could not be written: {why}");
                self.unwritten(&message, Outcome::NotSent, None)
            }
            Failure::Refused(refusal, advice) => match self.json {
                true => document(
                    ErrorKind::Verification,
                    Outcome::NotSent,
                    json!({ "message": refusal.to_string(), "advice": advice }),
                ),
                false => format!("error: not authentic: {refusal}\n  {advice}"),
            },
            Failure::RefusedBySandbox(refused) => {
                let error = Error::from(refused.clone());
                match self.json {
                    true => {
                        let mut value = json!(error);
                        if let Some(outcome) = value.get_mut("outcome") {
                            *outcome = Outcome::Refused.as_str().into();
                        }
                        value.to_string()
                    }
                    false => format!(
                        "error: {}\n  The running sandbox refused it, and changed nothing.",
                        error.report()
                    ),
                }
            }
            Failure::InUse(file, advice) => match self.json {
                true => json!(Error::from(file.clone())).to_string(),
                false => format!("error: {file}\n  {advice}"),
            },
            Failure::Server(kind, message, outcome) => match self.json {
                true => document(*kind, *outcome, json!({ "message": message })),
                false => format!("error: {message}"),
            },
            Failure::Unstored(file, cause, outcome) => match self.json {
                true => document(
                    ErrorKind::Storage,
                    *outcome,
                    json!({ "field": file, "message": cause }),
                ),
                false => {
                    let kept = match outcome {
                        Outcome::NotSent => "Nothing was sent.",
                        _ => "What it holds is kept.",
                    };
                    format!(
                        "error: {file}: cannot be read or written: {cause}\n  {kept} Do it again once the disk lets it."
                    )
                }
            },
            Failure::Elsewhere(id, what, _) => {
                self.unwritten(&format!("it was done, and {what}"), Outcome::Done, Some(id))
            }
        };
        self.on_stderr(&text);
    }

    fn unwritten(self, message: &str, outcome: Outcome, id: Option<&RequestId>) -> String {
        match id {
            _ if self.json => document(
                ErrorKind::Storage,
                outcome,
                json!({ "kind": "output", "message": message, "request_id": id.map(|id| id.as_str()) }),
            ),
            Some(id) => format!("error: {message}\n  request id: {id}"),
            None => format!("error: {message}"),
        }
    }

    /// Prints bytes on stdout, as they are.
    pub(crate) fn bytes(self, bytes: &[u8]) -> io::Result<()> {
        let mut stdout = io::stdout();
        stdout.write_all(bytes)?;
        stdout.flush()
    }

    /// The last words about an interrupted call, or a step of an onboarding.
    pub(crate) fn interruption(self, name: &str, done: &str, id: Option<&RequestId>) -> String {
        let shown = id.map_or("none", |id| id.as_str());
        match self.json {
            true => json!({ "interrupted": name, "result": done, "request_id": shown }).to_string(),
            false if id.is_none() => format!("interrupted: {name} {done}"),
            false => format!("interrupted: {name} {done}, request id {shown}"),
        }
    }

    /// Which steps of an onboarding had started, what became of them, and what the provider calls those that were done. `why`
    /// says why there is no report.
    pub(crate) fn steps(self, why: &str, events: &[StepEvent]) -> String {
        let started = |event: &&StepEvent| event.progress == Progress::Started;
        let line = |begun: &StepEvent| {
            let mut later = events.iter().rev();
            let ended = later
                .find(|event| event.step == begun.step)
                .unwrap_or(begun);
            let result = match (ended.progress, ended.outcome) {
                (Progress::Done, _) | (_, Some(Outcome::Done)) => "was done",
                (_, Some(Outcome::NotSent)) => "was not sent",
                (_, Some(Outcome::Refused)) => "was refused",
                _ if begun.step == StepName::DiscoverAggregators => READ_BROKEN_OFF,
                _ => "may have been done",
            };
            let done = ended.progress == Progress::Done;
            self.step(why, if done { ended } else { begun }, result)
        };
        let lines: Vec<_> = events.iter().filter(started).map(line).collect();
        lines.join("\n")
    }

    /// Prints text on stderr, also with `--json`.
    pub(crate) fn on_stderr(self, text: &str) {
        // With stderr closed there is nowhere to report it.
        let _ = writeln!(io::stderr(), "{}", self.shown(text));
    }

    /// What is written of a text. Lines of our own end in it; in JSON the characters that [`printable`] escapes stand in strings alone,
    /// and are escaped as JSON does.
    fn shown(self, text: &str) -> Cow<'_, str> {
        if !self.json {
            return escaped(text, |c| c.escape_unicode().to_string(), |c| c == '\n');
        }
        let as_units = |c: char| {
            let mut units = [0; 2];
            let units = c.encode_utf16(&mut units).iter();
            units.map(|unit| format!("\\u{unit:04x}")).collect()
        };
        escaped(text, as_units, |c| matches!(c, '\n' | '\r' | '\t'))
    }

    fn step(self, why: &str, event: &StepEvent, result: &str) -> String {
        let id = event.request_id.as_ref().map_or("none", |id| id.as_str());
        if self.json {
            json!({
                (why.replace(' ', "_")): event.step,
                "result": result,
                "provider": event.provider,
                "reference": event.reference,
                "request_id": id,
            })
            .to_string()
        } else {
            let name = event.step.as_str();
            let provider = event.provider.unwrap_or_default();
            let reference = event
                .reference
                .as_ref()
                .map_or_else(String::new, |reference| {
                    format!(" as {}", printable(reference.as_str()))
                });
            format!("{why}: {name} {result} by {provider}{reference}, request id {id}")
        }
    }
}

/// A failure that is none of a client's call, in the form of [`Error`], with these members in place of its own.
fn document(kind: ErrorKind, outcome: Outcome, own: Value) -> String {
    let mut value = json!(Error::new(kind, outcome));
    if let (Value::Object(members), Value::Object(own)) = (&mut value, own) {
        members.extend(own);
    }
    value.to_string()
}

/// So many of something.
pub(crate) fn counted(count: impl fmt::Display, what: &str) -> String {
    let count = count.to_string();
    let plural = if count == "1" { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// Text from a provider for one line of a terminal: characters that could rewrite the screen, turn the text around or hide in it are
/// escaped.
pub(crate) fn printable(text: &str) -> String {
    escaped(text, |c| c.escape_unicode().to_string(), |_| false).into_owned()
}

/// The text with each character escaped that is a control character or that nobody sees, other than a blank and those to keep.
fn escaped(
    text: &str,
    spelling: impl Fn(char) -> String,
    keep: impl Fn(char) -> bool,
) -> Cow<'_, str> {
    let is_unseen = |c: char| (c.is_control() || is_invisible(c)) && !keep(c);
    if !text.contains(is_unseen) {
        return Cow::Borrowed(text);
    }
    let mut spelled = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' if is_unseen(c) => spelled.push_str("\\n"),
            '\r' if is_unseen(c) => spelled.push_str("\\r"),
            '\t' if is_unseen(c) => spelled.push_str("\\t"),
            c if is_unseen(c) => spelled.push_str(&spelling(c)),
            c => spelled.push(c),
        }
    }
    Cow::Owned(spelled)
}

/// Writes JSON text as lines, a number digit by digit: a floating-point number would lose some of an amount.
fn flatten(name: &str, json: &str, lines: &mut Vec<(String, String)>) {
    let mut line = |text: &str| lines.push((name.to_owned(), text.to_owned()));
    match json.trim_start().bytes().next() {
        Some(b'{') => {
            let members: BTreeMap<String, &RawValue> =
                serde_json::from_str(json).unwrap_or_default();
            if members.is_empty() {
                line("none");
            }
            for (key, value) in members {
                let below = match name {
                    "" => key,
                    name => format!("{name}.{key}"),
                };
                flatten(&below, value.get(), lines);
            }
        }
        Some(b'[') => {
            let values: Vec<&RawValue> = serde_json::from_str(json).unwrap_or_default();
            if values.is_empty() {
                line("none");
            }
            for (at, value) in values.into_iter().enumerate() {
                flatten(&format!("{name}[{at}]"), value.get(), lines);
            }
        }
        Some(b'"') => line(&serde_json::from_str::<String>(json).unwrap_or_default()),
        _ => line(json),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_every_digit_and_every_empty_list() {
        let mut lines = Vec::new();
        let json = r#"{"b":[{"amount":12345678901234567.89,"kept":2000.00},"\u00e9"],"a":{"hits":[],"more":{}},"n":null}"#;
        flatten("", json, &mut lines);
        let lines: Vec<_> = lines
            .iter()
            .map(|(name, text)| format!("{name} {text}"))
            .collect();
        assert_eq!(
            lines,
            [
                "a.hits none",
                "a.more none",
                "b[0].amount 12345678901234567.89",
                "b[0].kept 2000.00",
                "b[1] \u{e9}",
                "n null",
            ]
        );
    }

    #[test]
    fn what_nobody_sees_is_escaped_in_every_output() {
        let unseen = [
            '\u{1b}',
            '\u{7f}',
            '\u{85}',
            '\u{9b}',
            '\u{ad}',
            '\u{200b}',
            '\u{200f}',
            '\u{2028}',
            '\u{2029}',
            '\u{202e}',
            '\u{2066}',
            '\u{2069}',
            '\u{feff}',
            '\u{e0041}',
        ];
        for c in unseen {
            let text = format!("a{c}b");
            let spelled = c.escape_unicode().to_string();
            assert_eq!(printable(&text), format!("a{spelled}b"));
            assert_eq!(Output { json: false }.shown(&text), format!("a{spelled}b"));
            let json = serde_json::Value::from(text.as_str()).to_string();
            let shown = Output { json: true }.shown(&json).into_owned();
            assert!(!shown.contains(c), "{shown}");
            assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
        }
        assert_eq!(printable("a\nb\r\tc"), "a\\nb\\r\\tc");
        assert_eq!(printable("Åsa आशा 1"), "Åsa आशा 1");
        assert_eq!(Output { json: false }.shown("a\nb"), "a\nb");
        assert_eq!(
            Output { json: true }.shown("{\n\t\"a\": 1}"),
            "{\n\t\"a\": 1}"
        );
    }
}
