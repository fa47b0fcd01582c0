//! A client's operations as data: their names, and calls from JSON to JSON.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::client::Client;
use super::downloaded::Downloaded;
use super::options::CallOptions;
use super::receive::IntoSink;
use super::sink::ContentSink;
use crate::error::{Error, ErrorKind, Outcome};
use crate::lint::Finding;
use crate::values::InvalidRequest;
use crate::wire::{Endpoint, Operation, Provider, Response, request_from_value};

/// A call whose request and reply are JSON.
pub type JsonCall<'c> = Pin<Box<dyn Future<Output = Result<Response<Value>, Error>> + Send + 'c>>;

/// A download whose request is JSON.
pub type JsonDownload<'c> =
    Pin<Box<dyn Future<Output = Result<Response<Downloaded>, Error>> + Send + 'c>>;

type Download<P> =
    for<'c> fn(&'c Client<P>, Value, CallOptions, &'c mut dyn ContentSink) -> JsonDownload<'c>;

/// A call whose request is JSON and whose reply is JSON text, its members in the order of the reply's type.
pub type TextCall<'c> =
    Pin<Box<dyn Future<Output = Result<Response<ReplyText>, Error>> + Send + 'c>>;

/// A reply as text.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplyText {
    /// The typed value, written as indented JSON.
    pub json: String,
    /// Why the value must not be taken at its word, see [`Endpoint::doubt`].
    pub doubt: Option<&'static str>,
}

/// Prints nothing of the reply, which is personal data.
impl fmt::Debug for ReplyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyText")
            .field("doubt", &self.doubt)
            .finish_non_exhaustive()
    }
}

/// What `Debug` prints of one call, in both forms.
#[cfg(feature = "testing")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    /// Of the request and of the response.
    pub values: String,
    /// Of the call, before it is awaited.
    pub call: String,
}

/// A call that is made for what it prints.
#[cfg(feature = "testing")]
pub type PrintingCall<'c> = Pin<Box<dyn Future<Output = Result<Printed, Error>> + Send + 'c>>;

/// One operation of a client: its declaration, and the operation itself with JSON in place of its types.
///
/// `operations!` makes one entry of each row. Commands, OpenAPI documents, fixtures and proofs are derived from a client's
/// `CATALOGUE`.
pub struct CatalogueEntry<P: Provider> {
    method: &'static str,
    documentation: &'static str,
    operation: Operation,
    read: fn(Value) -> Result<Value, InvalidRequest>,
    check: fn(&Client<P>, Value) -> Result<(), Error>,
    lint: fn(&Client<P>, Value) -> Result<Vec<Finding>, Error>,
    call: for<'c> fn(&'c Client<P>, Value, CallOptions) -> TextCall<'c>,
    download: Option<Download<P>>,
    #[cfg(feature = "testing")]
    print: for<'c> fn(&'c Client<P>, Value) -> PrintingCall<'c>,
    #[cfg(feature = "schema")]
    schemas: Option<Schemas>,
}

/// Generates the schemas of one operation's request and reply.
#[cfg(feature = "schema")]
#[derive(Clone, Copy)]
struct Schemas {
    request: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
    reply: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
}

impl<P: Provider> CatalogueEntry<P> {
    /// The entry of an endpoint that `method` of the client calls.
    pub const fn new<E>(method: &'static str, documentation: &'static str) -> Self
    where
        E: Endpoint<Provider = P, Output: Serialize + Send + Sync + fmt::Debug>
            + Serialize
            + DeserializeOwned
            + fmt::Debug,
    {
        Self {
            method,
            documentation,
            operation: E::OPERATION,
            read: read::<E>,
            check: check::<P, E>,
            lint: lint::<P, E>,
            call: call::<P, E>,
            // It is not even compiled for an operation that replies with JSON.
            download: const {
                if E::OPERATION.content_types.is_empty() {
                    None
                } else {
                    Some(download::<P, E>)
                }
            },
            #[cfg(feature = "testing")]
            print: print::<P, E>,
            #[cfg(feature = "schema")]
            schemas: None,
        }
    }

    /// The entry of an endpoint whose request and reply have schemas.
    #[cfg(feature = "schema")]
    pub const fn with_schemas<E>(method: &'static str, documentation: &'static str) -> Self
    where
        E: Endpoint<
                Provider = P,
                Output: Serialize + Send + Sync + fmt::Debug + schemars::JsonSchema,
            > + Serialize
            + DeserializeOwned
            + fmt::Debug
            + schemars::JsonSchema,
    {
        let mut entry = Self::new::<E>(method, documentation);
        entry.schemas = Some(Schemas {
            request: schemars::SchemaGenerator::subschema_for::<E>,
            reply: schemars::SchemaGenerator::subschema_for::<E::Output>,
        });
        entry
    }

    /// The name of the client's method, `initialize`.
    pub const fn method(&self) -> &'static str {
        self.method
    }

    /// The documentation of the client's method, in Markdown.
    pub const fn documentation(&self) -> &'static str {
        self.documentation
    }

    /// The first paragraph of the documentation, as one line.
    pub fn summary(&self) -> String {
        let paragraph = self.documentation.trim().split("\n\n").next();
        let lines = paragraph.unwrap_or_default().lines().map(str::trim);
        lines.collect::<Vec<_>>().join(" ")
    }

    /// The operation's declaration.
    pub const fn operation(&self) -> &Operation {
        &self.operation
    }

    /// Reads a request and writes it again: the members that are kept, in the request's own form.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`], as [`request_from_value`] returns it.
    pub fn read(&self, request: Value) -> Result<Value, InvalidRequest> {
        (self.read)(request)
    }

    /// Reads a request and builds the HTTP request, and sends nothing.
    ///
    /// # Errors
    ///
    /// `InvalidRequest`, as the call itself would return it.
    pub fn check(&self, client: &Client<P>, request: Value) -> Result<(), Error> {
        (self.check)(client, request)
    }

    /// Reads a request and applies the client's lints, like [`Client::lint`].
    ///
    /// # Errors
    ///
    /// `InvalidRequest` for a request that is not in the operation's form.
    pub fn lint(&self, client: &Client<P>, request: Value) -> Result<Vec<Finding>, Error> {
        (self.lint)(client, request)
    }

    /// Calls the operation. The reply is the typed value written as JSON; its [`body`](Response::body) has the bytes that
    /// were received.
    ///
    /// # Errors
    ///
    /// Those of the typed call; `InvalidRequest` also for a request that is not in the operation's form.
    pub fn call<'c>(
        &self,
        client: &'c Client<P>,
        request: Value,
        options: CallOptions,
    ) -> JsonCall<'c> {
        let call = (self.call)(client, request, options);
        let operation = self.operation;
        Box::pin(async move {
            let response = call.await?;
            match serde_json::from_str(&response.value().json) {
                Ok(value) => Ok(response.map(|_| value)),
                Err(_) => Err(unwritten::<P, _>(&operation, response)),
            }
        })
    }

    /// Calls the operation. The reply is the typed value written as indented JSON text, its members in the order of the
    /// reply's type, which a [`Value`] does not keep.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub fn call_text<'c>(
        &self,
        client: &'c Client<P>,
        request: Value,
        options: CallOptions,
    ) -> TextCall<'c> {
        (self.call)(client, request, options)
    }

    /// Calls the operation and hands the file that it replies with to `sink`, like
    /// [`Call::download_into`](crate::Call::download_into).
    ///
    /// # Errors
    ///
    /// Those of the typed call; `InvalidRequest` also for an operation that replies with JSON.
    pub fn download<'c>(
        &self,
        client: &'c Client<P>,
        request: Value,
        options: CallOptions,
        sink: &'c mut dyn ContentSink,
    ) -> JsonDownload<'c> {
        match self.download {
            Some(download) => download(client, request, options, sink),
            None => {
                let error =
                    InvalidRequest::new("operation", "replies with JSON and not with a file");
                let error = Error::from(error).at(P::NAME, self.operation.name);
                Box::pin(std::future::ready(Err(error)))
            }
        }
    }

    /// Calls the operation with its own types, which JSON does not show, and returns what they print. A test searches it for
    /// what must not be printed.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    #[cfg(feature = "testing")]
    pub fn print<'c>(&self, client: &'c Client<P>, request: Value) -> PrintingCall<'c> {
        (self.print)(client, request)
    }

    /// The schema of the request, with the types that it refers to in `generator`; `None` if the crate was built without
    /// `schema`.
    #[cfg(feature = "schema")]
    pub fn request_schema(
        &self,
        generator: &mut schemars::SchemaGenerator,
    ) -> Option<schemars::Schema> {
        self.schemas.map(|schemas| (schemas.request)(generator))
    }

    /// The schema of the reply, with the types that it refers to in `generator`; `None` if the crate was built without
    /// `schema`.
    #[cfg(feature = "schema")]
    pub fn reply_schema(
        &self,
        generator: &mut schemars::SchemaGenerator,
    ) -> Option<schemars::Schema> {
        self.schemas.map(|schemas| (schemas.reply)(generator))
    }
}

impl<P: Provider> fmt::Debug for CatalogueEntry<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CatalogueEntry")
            .field("provider", &P::NAME)
            .field("method", &self.method)
            .field("operation", &self.operation)
            .finish_non_exhaustive()
    }
}

fn read<E: Serialize + DeserializeOwned>(request: Value) -> Result<Value, InvalidRequest> {
    serde_json::to_value(request_from_value::<E>(request)?)
        .map_err(|_| InvalidRequest::new("request", "cannot be written as JSON"))
}

fn check<P, E>(client: &Client<P>, request: Value) -> Result<(), Error>
where
    P: Provider,
    E: Endpoint<Provider = P> + DeserializeOwned,
{
    client.check(&endpoint::<E>(request)?)
}

fn lint<P, E>(client: &Client<P>, request: Value) -> Result<Vec<Finding>, Error>
where
    P: Provider,
    E: Endpoint<Provider = P> + DeserializeOwned,
{
    Ok(client.lint(&endpoint::<E>(request)?))
}

fn call<P, E>(client: &Client<P>, request: Value, options: CallOptions) -> TextCall<'_>
where
    P: Provider,
    E: Endpoint<Provider = P, Output: Serialize + Sync> + DeserializeOwned,
{
    Box::pin(async move {
        let response = client.run(&endpoint::<E>(request)?, &options).await?;
        match serde_json::to_string_pretty(response.value()) {
            Ok(json) => Ok(response.map(|value| ReplyText {
                json,
                doubt: E::doubt(&value),
            })),
            Err(_) => Err(unwritten::<P, _>(&E::OPERATION, response)),
        }
    })
}

/// The call succeeded and its typed reply cannot be written as JSON, which a struct of texts and numbers always can. The
/// error keeps the bytes.
fn unwritten<P: Provider, T>(operation: &Operation, response: Response<T>) -> Error {
    let error = Error::new(ErrorKind::Decode, Outcome::Done)
        .with_source("the typed reply cannot be written as JSON");
    response.but(error, P::NAME, operation)
}

fn download<'c, P, E>(
    client: &'c Client<P>,
    request: Value,
    options: CallOptions,
    sink: &'c mut dyn ContentSink,
) -> JsonDownload<'c>
where
    P: Provider,
    E: Endpoint<Provider = P> + DeserializeOwned,
{
    Box::pin(async move {
        let mut receiver = IntoSink::new(sink);
        client
            .run_into(&endpoint::<E>(request)?, &options, &mut receiver)
            .await
    })
}

#[cfg(feature = "testing")]
fn print<P, E>(client: &Client<P>, request: Value) -> PrintingCall<'_>
where
    P: Provider,
    E: Endpoint<Provider = P, Output: fmt::Debug> + DeserializeOwned + fmt::Debug,
{
    Box::pin(async move {
        let request = endpoint::<E>(request)?;
        let mut values = format!("{request:?}\n{request:#?}\n");
        let call = client.call(request);
        let printed = format!("{call:?}\n{call:#?}");
        let response = call.await?;
        values.push_str(&format!("{response:?}\n{response:#?}"));
        Ok(Printed {
            values,
            call: printed,
        })
    })
}

fn endpoint<E: Endpoint + DeserializeOwned>(request: Value) -> Result<E, Error> {
    request_from_value(request)
        .map_err(|error| Error::from(error).at(E::Provider::NAME, E::OPERATION.name))
}
