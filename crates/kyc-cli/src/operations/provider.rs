//! The operations of one provider: their commands, their calls, their document.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Args as _, FromArgMatches as _, value_parser};
use kyc_facade::openapi::{Document, headline, members};
use kyc_facade::provider_core::lint::OnFinding;
use kyc_facade::provider_core::{
    CallOptions, CatalogueEntry, Client, DriftRadar, Error, ErrorKind, Idempotency, Mark, Outcome,
    Provider, RawResponse, ReplyText, RequestId, Response, without_padding,
};
use serde_json::{Map, Value};

use super::command::Command;
use super::dropped::Dropped;
use super::flags::{Flag, flags};
use super::unshown::unshown;
use super::{data, reply_document, reply_file::ReplyFile};
use crate::arguments::BatchArguments;
use crate::batch;
use crate::clients::{CallSettings, Clients, FromSettings, placeholders};
use crate::failure::{EXIT_INTERRUPTED, EXIT_UNREAD, Failure};
use crate::terminal::interrupt::Interrupt;
use crate::terminal::output::Output;
use crate::terminal::progress::ShownDownload;

/// A command that runs.
pub(crate) type Running<'a> = Pin<Box<dyn Future<Output = Result<u8, Failure>> + 'a>>;

/// A provider's operations as data. Each crate of the provider adds its catalogue.
pub(super) struct ProviderOperations<P: Provider> {
    pub(super) about: &'static str,
    pub(super) catalogues: &'static [&'static [CatalogueEntry<P>]],
    /// The names of its settings.
    pub(super) names: &'static [&'static str],
    /// Address and credentials.
    pub(super) settings: FromSettings<P>,
    pub(super) openapi: &'static str,
    /// The commands that differ from their operation.
    pub(super) commands: &'static [Command],
}

/// A provider's operations, independent of the provider's type.
pub(crate) trait ProviderCommands: Sync {
    /// The provider's name, which is also the command's.
    fn name(&self) -> &'static str;

    /// The names of its settings.
    fn settings(&self) -> &'static [&'static str];

    /// The provider's command, with one below it for each operation.
    fn command(&self) -> clap::Command;

    /// Runs the requested operation and returns the exit code.
    fn run<'a>(
        &'a self,
        matches: &'a ArgMatches,
        clients: &'a Clients,
        output: Output,
    ) -> Running<'a>;

    /// Has the radar watch the operations.
    fn watch(&self, radar: DriftRadar) -> DriftRadar;

    /// The OpenAPI document.
    fn document(&self) -> Result<Document, Failure>;

    /// A row of Markdown for each operation: name, route, mark, idempotency, command.
    #[cfg(test)]
    fn table(&self) -> Vec<String>;
}

impl<P: Provider> ProviderOperations<P> {
    pub(super) fn entries(&self) -> impl Iterator<Item = &'static CatalogueEntry<P>> {
        self.catalogues.iter().copied().flatten()
    }

    fn command_of(&self, entry: &CatalogueEntry<P>) -> Command {
        let name = entry.operation().name;
        let commands = self.commands.iter().copied();
        commands
            .into_iter()
            .find(|command| command.operation == name)
            .unwrap_or(Command::of(name))
    }

    fn flags_of(&self, entry: &CatalogueEntry<P>) -> Vec<Flag> {
        flags(members(entry), self.command_of(entry)).0
    }

    /// The parser of one operation's arguments.
    fn parser(&self, entry: &CatalogueEntry<P>) -> clap::Command {
        let command = self.command_of(entry);
        let operation = entry.operation();
        let (flags, only_in_data) = flags(members(entry), command);
        let data_is_required = only_in_data.iter().any(|member| member.required);
        let mut notes = vec![
            operation.route.to_string(),
            match operation.idempotency {
                Idempotency::Safe => "It reads, and changes nothing",
                Idempotency::Repeatable => "Calling again does no harm and costs nothing",
                Idempotency::Unsafe => {
                    "Each call opens, bills or sends something: it is not retried once it may have been done"
                }
            }
            .to_owned(),
            format!(
                "Deadline: {} seconds, unless --timeout is given",
                operation.timeout.as_secs()
            ),
        ];
        if operation.is_deprecated {
            notes.push("Deprecated by the provider".to_owned());
        }
        if !only_in_data.is_empty() {
            let names: Vec<_> = only_in_data.into_iter().map(|member| member.name).collect();
            let (names, provider) = (names.join(", "), P::NAME);
            notes.push(format!(
                "In --data only: {names}; `kyc openapi {provider}` has their form"
            ));
        }
        notes.extend(unconfirmed(operation.mark));
        notes.extend(Some(command.note.to_owned()).filter(|note| !note.is_empty()));
        let data = Arg::new("data")
            .long("data")
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help("Read the request as JSON, - is stdin; flags replace its members");
        let line =
            |arguments: &str| format!("kyc {} {} [OPTIONS] {arguments}", P::NAME, command.name);
        let must: Vec<_> = flags.iter().filter_map(Flag::usage).collect();
        let mut usage = vec![line(&must.join(" ")), line("--data <FILE>")];
        if data_is_required {
            usage.remove(0);
        }
        if command.batch {
            usage.push(line("--batch <FILE> --out <FILE>"));
        }
        let parser = clap::Command::new(command.name)
            .about(headline(&entry.summary()))
            .override_usage(usage.join("\n       "))
            .after_help(notes.join("\n"))
            .args(flags.iter().flat_map(|flag| flag.arguments(command.batch)));
        let parser = match command.name == command.operation {
            true => parser,
            false => parser.alias(command.operation),
        };
        let out = Arg::new("out")
            .long("out")
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf));
        let overwrite = Arg::new("overwrite")
            .long("overwrite")
            .action(ArgAction::SetTrue)
            .requires("files")
            .help("Let --out replace a file");
        let parser = parser.group(ArgGroup::new("files").arg("out").multiple(true));
        let body = "Write the reply's body as it came to a new file, or with - to stdout";
        if command.batch {
            let help = format!("{body}; for a batch, the results, one JSON object per line");
            let arguments = [data, overwrite].map(|argument| argument.conflicts_with("batch"));
            return BatchArguments::augment_args(parser.args(arguments).arg(out.help(help)));
        }
        let parser = parser.args([data.required(data_is_required), out.help(body)]);
        if command.document.is_none() {
            return parser.arg(overwrite);
        }
        let document = Arg::new("document")
            .long("document")
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help(
                "Write the reply's document, decoded, to a new file; .pdf, .xml, .jpg and .png are of this type only",
            );
        let overwrite = overwrite.help("Let --out and --document replace a file");
        parser
            .args([document, overwrite])
            .mut_group("files", |files| files.arg("document"))
    }

    /// Builds the request from the arguments.
    fn request(&self, entry: &CatalogueEntry<P>, matches: &ArgMatches) -> Result<Value, Failure> {
        let data = matches.get_one::<PathBuf>("data");
        let mut request = data.map_or_else(|| Ok(Map::new()), |path| data::read(path))?;
        for flag in self.flags_of(entry) {
            flag.apply(matches, &mut request, data.is_some())?;
        }
        Ok(Value::Object(request))
    }

    /// Checks the request as the call would, without credentials.
    fn check(
        &self,
        entry: &CatalogueEntry<P>,
        request: &Value,
        options: CallSettings,
    ) -> Result<(), Failure> {
        entry.read(request.clone())?;
        let placeholders = Clients::new(placeholders(self.names), options);
        let client: Client<P> = placeholders.client(self.settings)?;
        Ok(entry.check(&client, request.clone())?)
    }

    /// Warns of values that the provider does not list: they are sent, and may be misspelt.
    fn warn_of_unlisted(
        &self,
        entry: &CatalogueEntry<P>,
        request: &Value,
        on_finding: OnFinding,
        output: Output,
    ) -> Result<(), Failure> {
        for member in members(entry) {
            let value = request.pointer(&format!("/{}", member.name.replace('.', "/")));
            let values = match value {
                Some(Value::Array(values)) => values.as_slice(),
                value => value.map_or(&[][..], std::slice::from_ref),
            };
            output.warn_unless_listed(
                on_finding,
                &member.name,
                values.iter().filter_map(Value::as_str),
                &member.listed,
            )?;
        }
        Ok(())
    }

    async fn call(
        &self,
        matches: &ArgMatches,
        clients: &Clients,
        output: Output,
    ) -> Result<u8, Failure> {
        let (name, matches) = matches.subcommand().unwrap_or(("", matches));
        let mut entries = self.entries();
        let entry = entries.find(|entry| self.command_of(entry).name == name);
        let entry = entry.ok_or_else(|| Failure::configuration("arguments", "no such command"))?;
        let out = matches.get_one::<PathBuf>("out");
        if self.command_of(entry).batch && matches.contains_id("batch") {
            let arguments = BatchArguments::from_arg_matches(matches);
            let arguments =
                arguments.map_err(|_| Failure::configuration("--batch", "is malformed"))?;
            // The parser requires it.
            let out = out.cloned().unwrap_or_default();
            return batch::run(arguments, &out, clients, output).await;
        }
        let request = self.request(entry, matches)?;
        self.check(entry, &request, clients.options.clone())?;
        let on_finding = clients.options.on_finding;
        self.warn_of_unlisted(entry, &request, on_finding, output)?;
        let overwrite = matches.get_flag("overwrite");
        let dropped = Arc::new(Dropped::default());
        let is_file = |path: &PathBuf| path.as_os_str() != "-";
        let document = matches.try_get_one::<PathBuf>("document").ok().flatten();
        let downloads = out.into_iter().chain(document).any(is_file);
        let client: Client<P> = clients.observed(
            self.settings,
            Arc::clone(&dropped) as _,
            |transport| match downloads {
                true => ShownDownload::around(transport, output.json),
                false => transport,
            },
        )?;
        let findings = entry.lint(&client, request.clone())?;
        output.warn_of(findings, &clients.lints(client.provider().base_url()));
        let mut interrupt = Interrupt::listen();
        // Removed when it is dropped, and a signal ends the process only after that.
        let file = out.map(|path| ReplyFile::new("--out", path, overwrite));
        let file = file.transpose()?;
        let pointer = self.command_of(entry).document;
        let wanted = pointer.and_then(|pointer| Some((pointer, document?)));
        let document = wanted.map(|(_, path)| ReplyFile::new("--document", path, overwrite));
        let document = document.transpose()?;
        if let (Some(file), Some(document)) = (&file, &document)
            && document.is_in_place_of(file)
        {
            return Err(Failure::configuration("--document", "is where --out is"));
        }
        let id = RequestId::random()?;
        let options = CallOptions::new().with_request_id(id.clone());
        let name = format!("{} {}", P::NAME, entry.operation());
        let last_words = |done| output.interruption(&name, done, Some(&id));
        let reply = tokio::select! {
            biased;
            reply = entry.call_text(&client, request, options) => reply,
            () = interrupt.next() => {
                output.on_stderr(&last_words(dropped.words(entry.operation().idempotency)));
                return Ok(EXIT_INTERRUPTED);
            }
        };
        let reply = match reply {
            Ok(reply) => reply,
            Err(error) => return Err(kept_with(error, &id, file, output)),
        };
        // A file is written to its end; stdout may be a pipe that nobody reads.
        if !matches!(file, Some(ReplyFile::File { .. })) && document.is_none() {
            interrupt.end_with(last_words("was done"));
        }
        let text = without_padding(reply.body());
        let is_json = entry.operation().content_types.is_empty() && looks_like_json(text);
        let has_file = file.is_some();
        let not_shown = match has_file {
            true => None,
            false => not_shown(&reply, is_json),
        };
        let mut reply = reply;
        let mut refused = None;
        if let (Some((pointer, path)), Some(document)) = (wanted, document) {
            match reply_document::document(without_padding(reply.body()), pointer, path) {
                Ok(bytes) => {
                    let written = document.write(&bytes, &id, output)?;
                    output.note(&format!("{written} bytes of the document written"));
                    reply = reply.map(|mut text| {
                        text.json = reply_document::without(&text.json, pointer);
                        text
                    });
                }
                Err(error) => refused = Some(error),
            }
        }
        match file {
            Some(file) => {
                let written = file.write(reply.body(), &id, output)?;
                // A document may be inside, as Base64 or as a link.
                let json = if is_json { " of JSON" } else { "" };
                output.note(&format!("{written} bytes{json} written"));
            }
            None => {
                output.reply(&reply)?;
                not_shown.iter().for_each(|line| output.tell(line));
            }
        }
        if let Some(error) = refused {
            let place = if has_file { "in --out" } else { "on stdout" };
            let what = format!("no document was written: {error}; the reply is {place}");
            return Err(Failure::Elsewhere(id, what, io::ErrorKind::InvalidData));
        }
        if let Some(doubt) = reply.value().doubt {
            output.warn("reply", doubt);
            return Ok(EXIT_UNREAD);
        }
        Ok(0)
    }
}

/// A text of JSON, or a file's bytes, by the first of them.
fn looks_like_json(body: &[u8]) -> bool {
    matches!(body.trim_ascii_start().first(), Some(b'{' | b'['))
}

/// What was received and is not printed: a file, or members.
fn not_shown(reply: &Response<ReplyText>, is_json: bool) -> Option<String> {
    if !is_json {
        return Some("The file was not kept: --out FILE writes it".to_owned());
    }
    let places = unshown(without_padding(reply.body()), &reply.value().json).join(", ");
    (!places.is_empty())
        .then(|| format!("members not shown: {places}; --out FILE keeps the reply as it came"))
}

/// The error of a call, whose answer is kept first if there is one: it was paid for, and asking again is paid for again. Only what
/// a success of the provider's says is an answer; a refusal and what is not authentic are none.
fn kept_with(error: Error, id: &RequestId, file: Option<ReplyFile>, output: Output) -> Failure {
    let is_answer = |raw: &&RawResponse| {
        raw.status().is_success()
            && !raw.body().is_empty()
            && error.kind() != ErrorKind::Verification
            && error.outcome() != Outcome::Refused
    };
    match (error.raw_response().filter(is_answer), file) {
        (Some(raw), Some(file)) => match file.write(raw.body(), id, output) {
            Ok(written) => output.note(&format!("The reply as it came was kept: {written} bytes")),
            Err(failure) => return failure,
        },
        (Some(_), None) if error.kind() == ErrorKind::Decode => {
            output.note("The reply was not kept: --out FILE would have kept it as it came");
        }
        (_, _) => {}
    }
    error.into()
}

impl<P: Provider> ProviderCommands for ProviderOperations<P> {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn settings(&self) -> &'static [&'static str] {
        self.names
    }

    fn command(&self) -> clap::Command {
        clap::Command::new(P::NAME)
            .about(self.about)
            .subcommand_required(true)
            .arg_required_else_help(true)
            .subcommands(self.entries().map(|entry| self.parser(entry)))
    }

    fn run<'a>(
        &'a self,
        matches: &'a ArgMatches,
        clients: &'a Clients,
        output: Output,
    ) -> Running<'a> {
        Box::pin(self.call(matches, clients, output))
    }

    fn watch(&self, radar: DriftRadar) -> DriftRadar {
        let catalogues = self.catalogues.iter();
        catalogues.fold(radar, |radar, catalogue| radar.watch(catalogue))
    }

    fn document(&self) -> Result<Document, Failure> {
        Document::new(self.openapi, self.entries())
            .map_err(|error| Failure::configuration("openapi", error.to_string()))
    }

    #[cfg(test)]
    fn table(&self) -> Vec<String> {
        let row = |entry: &CatalogueEntry<P>| {
            let (operation, command) = (entry.operation(), self.command_of(entry).name);
            format!(
                "| {} | {} | `{}` | {} | {} | `kyc {} {command}` |",
                P::NAME,
                operation.name,
                operation.route,
                operation.mark.as_str(),
                operation.idempotency.as_str(),
                P::NAME
            )
        };
        self.entries().map(row).collect()
    }
}

/// A note on an operation that the provider's own pages do not state.
fn unconfirmed(mark: Mark) -> Option<String> {
    (!mark.is_confirmed()).then(|| {
        format!(
            "Unconfirmed: the provider's own pages do not state request and reply [{}]",
            mark.as_str()
        )
    })
}
