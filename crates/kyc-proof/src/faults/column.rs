//! A column of the matrix: an operation of the catalogue, its exchange with planted values, and what can go wrong with it.

use std::fmt;
use std::sync::OnceLock;

use kyc_proof::catalogue::{Subject, operations, status_line};
use kyc_proof::companies::Headers;
use provider_core::testing::tolerance::{Mutation, pointers};
use provider_core::{ErrorKind, Idempotency, Operation, Outcome, Signs};
use serde_json::Value;

use super::case::{Expect, Repeat};
use crate::planted::{
    self, PlantedExchange, Printed, UNKNOWN_VALUE, VARIANT, VERIFF_SECRET, WRONG_VALUE, printed,
    texts, with,
};

/// The length of a request that is longer than what the sockets between can hold.
const LARGE: usize = 6 << 20;

/// Where a list of texts is read as ids, which are printed.
const READ_AS_IDS: [(&str, &str); 2] = [
    ("finpro decrypt-redirection", "/data/srcref"),
    ("finpro request-fi", "/data"),
];

/// An operation, as it is called and as it is answered.
pub(crate) struct Column {
    pub(crate) subject: Subject,
    pub(crate) exchange: PlantedExchange,
    /// Whether it stands for its idempotency class and kind of signature in the rows of transports.
    pub(crate) represents: bool,
    large: OnceLock<Option<Value>>,
}

/// Every operation of the catalogue.
pub(crate) fn all() -> Vec<Column> {
    let mut classes: Vec<(Idempotency, Signs)> = Vec::new();
    let column = |subject: Subject| {
        let class = (subject.operation.idempotency, subject.signs());
        let represents = !classes.contains(&class);
        classes.push(class);
        let (exchange, large) = (planted::plant(&subject), OnceLock::new());
        Column {
            subject,
            exchange,
            represents,
            large,
        }
    };
    operations().into_iter().map(column).collect()
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.subject.name())
    }
}

impl Column {
    pub(crate) fn operation(&self) -> &'static Operation {
        self.subject.operation
    }

    /// The request, or one that is longer than what fits between two sockets; `None` if none is that long.
    pub(crate) fn input(&self, large: bool) -> Option<&Value> {
        match large {
            false => Some(&self.exchange.input),
            true => self.large.get_or_init(|| self.make_large()).as_ref(),
        }
    }

    /// The request with one text of it made as long as needed, if the operation takes that.
    fn make_large(&self) -> Option<Value> {
        let lengthened = |at: &String, by: usize| {
            let mut large = self.exchange.input.clone();
            let Value::String(text) = large.pointer_mut(at)? else {
                return None;
            };
            text.push_str(&"p".repeat(by));
            // The reply may repeat what was lengthened.
            let (status, reply) = (self.exchange.status, self.body().into_bytes());
            let reply = self.subject.reply(planted::SETTINGS, status, reply);
            let answer = self.subject.answer(planted::SETTINGS, large.clone(), reply);
            answer.is_ok().then_some(large)
        };
        // What stands in the path has no length of its own.
        let has_body = self.operation().route.method().has_body();
        let places = has_body.then(|| pointers(&self.exchange.input));
        // Most texts have a length, which a page of text exceeds at less expense.
        let mut places = places?;
        places.retain(|at| lengthened(at, LARGE >> 10).is_some());
        places.iter().find_map(|at| lengthened(at, LARGE))
    }

    /// The body of the correct reply.
    pub(crate) fn body(&self) -> String {
        self.exchange.reply.to_string()
    }

    /// The body of a documented refusal that repeats the input.
    pub(crate) fn refusal(&self) -> String {
        self.exchange.refusal.to_string()
    }

    /// The status line of a success.
    pub(crate) fn status(&self) -> String {
        status_line(self.exchange.status)
    }

    /// Whether the provider signs its replies.
    pub(crate) fn signs_replies(&self) -> bool {
        !self.vouched(b"").is_empty()
    }

    /// Whether a success says more than that it is one.
    pub(crate) fn replies_with_data(&self) -> bool {
        let members = self.exchange.reply.as_object();
        let mut values = members.into_iter().flat_map(|members| members.values());
        values.any(|value| value.is_object() || value.is_array())
    }

    /// The headers that vouch for this body; none if the provider signs nothing.
    pub(crate) fn vouched(&self, body: &[u8]) -> Headers {
        self.vouched_with(VERIFF_SECRET, body)
    }

    /// The same with another secret.
    pub(crate) fn vouched_with(&self, secret: &str, body: &[u8]) -> Headers {
        self.subject.signature(planted::SETTINGS, secret, body)
    }

    /// The result of this success body without any network, as the table publishes it. Whatever the body, it is a success,
    /// or it was done and is not read, or it is refused as another's.
    pub(crate) fn result_of(&self, body: &[u8]) -> Expect {
        let PlantedExchange { input, status, .. } = &self.exchange;
        let reply = self
            .subject
            .reply(planted::SETTINGS, *status, body.to_vec());
        let Err(error) = self.subject.answer(planted::SETTINGS, input.clone(), reply) else {
            return Expect::Understood;
        };
        match (error.kind(), error.outcome()) {
            (kind @ ErrorKind::Decode, outcome @ Outcome::Done)
            | (kind @ ErrorKind::Verification, outcome @ Outcome::Unknown) => {
                Expect::Fails(kind, outcome, Repeat::Never)
            }
            // Says no in spite of its status, in words that may be a gateway's, or is nothing of the provider's.
            (kind @ (ErrorKind::Api | ErrorKind::Unrecognized), outcome @ Outcome::Unknown) => {
                Expect::Fails(kind, outcome, Repeat::IfHarmless)
            }
            // Nothing that is tried here may say that nothing was done: no cell can measure this.
            (kind, outcome) => Expect::FailsAtLast(kind, outcome),
        }
    }

    /// The reply after a mutation of each of its places, by their JSON pointers.
    pub(crate) fn mutated(&self, mutation: Mutation) -> Vec<(String, String)> {
        let reply = &self.exchange.reply;
        let mutated = |at: String| Some((mutation.apply(reply, &at)?.to_string(), at));
        let mutated = pointers(reply).into_iter().filter_map(mutated);
        let named = |at: String| if at.is_empty() { "/".to_owned() } else { at };
        mutated.map(|(body, at)| (named(at), body)).collect()
    }

    /// The reply with other JSON, or what is none, in each of its places that `change` gives a text for: it gets the value
    /// and the name of the member.
    pub(crate) fn with_raw(
        &self,
        change: impl Fn(&Value, Option<&str>) -> Option<String>,
    ) -> Vec<(String, String)> {
        const MARK: &str = "@@ the place @@";
        let reply = &self.exchange.reply;
        let changed = |at: String| {
            let (above, last) = at.rsplit_once('/')?;
            let member = reply.pointer(above)?.is_object().then_some(last);
            let raw = change(reply.pointer(&at)?, member)?;
            let mut marked = reply.clone();
            *marked.pointer_mut(&at)? = MARK.into();
            let body = marked
                .to_string()
                .replace(&Value::from(MARK).to_string(), &raw);
            Some((at, body))
        };
        pointers(reply).into_iter().filter_map(changed).collect()
    }

    /// The correct reply, and others that have one thing wrong, of which many are read all the same.
    pub(crate) fn odd_bodies(&self) -> Vec<String> {
        // An id, a code or a time is printed, whatever it is.
        let mut masked =
            self.with_raw(|value, _| value.is_string().then(|| format!("\"{VARIANT}\"")));
        masked.retain(|(at, _)| printed(self.subject.provider, at, "") == Printed::Never);
        let wrong = format!("{{\"{WRONG_VALUE}\":[\"{WRONG_VALUE}\"]}}");
        let wrong = self.with_raw(|_, _| Some(wrong.clone()));
        let mut listed = self.with_raw(|value, _| Some(format!("[{value},\"{UNKNOWN_VALUE}\"]")));
        let name = self.subject.name();
        listed.retain(|(at, _)| !READ_AS_IDS.contains(&(name.as_str(), at.as_str())));
        let mutated = Mutation::ALL
            .into_iter()
            .flat_map(|mutation| self.mutated(mutation));
        let odd = masked.into_iter().chain(wrong).chain(listed).chain(mutated);
        let odd = odd.map(|(_, body)| body);
        [self.body()].into_iter().chain(odd).collect()
    }

    /// Correct replies to other requests: each has another text in the place of one that repeats the request's.
    pub(crate) fn others(&self) -> Vec<(String, String)> {
        let (input, reply) = (&self.exchange.input, &self.exchange.reply);
        let asked = texts(input);
        let repeated = texts(reply)
            .into_iter()
            .filter(|(_, text)| text.len() >= 8 && asked.iter().any(|(_, other)| other == text));
        let other = |text: &str| -> String {
            text.chars()
                .map(|character| match character {
                    '0'..='8' => char::from(character as u8 + 1),
                    'b'..='e' | 'p'..='w' => char::from(character as u8 + 1),
                    'B'..='E' | 'P'..='W' => char::from(character as u8 + 1),
                    other => other,
                })
                .collect()
        };
        let others = repeated.map(|(at, text)| (at, with(reply, &text, &other(&text)).to_string()));
        others.collect()
    }

    /// A correct reply that nobody asked for, recognised by one of its texts; as it is, where each repeats the request or is
    /// the only one that is understood.
    pub(crate) fn forged(&self) -> String {
        let reply = &self.exchange.reply;
        let forged = texts(reply)
            .into_iter()
            .map(|(_, text)| with(reply, &text, &format!("forged{text}")).to_string());
        let mut forged =
            forged.filter(|body| self.result_of(body.as_bytes()) == Expect::Understood);
        forged.next().unwrap_or_else(|| reply.to_string())
    }
}
