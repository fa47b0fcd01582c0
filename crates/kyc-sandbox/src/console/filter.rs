//! Which rows are shown: words as in `provider:veriff status:>=400 is:unverified -person:deny after:10m`.

use std::collections::HashSet;

use jiff::{SpanRelativeTo, Timestamp};

use crate::state::{Happening, JourneyId, Provider, What};

/// The longest filter.
const LENGTH: usize = 300;

/// The commonest filters: what they are called, and what they are.
pub(super) const CHIPS: [(&str, &str); 6] = [
    ("Failed", "status:>=400"),
    ("Unverified", "is:unverified"),
    ("Retries", "is:retry"),
    ("Webhooks", "is:webhook"),
    ("Persons", "is:step"),
    ("Last 10 minutes", "after:10m"),
];

/// What a row must be, all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Filter {
    terms: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    is_negated: bool,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Provider(Provider),
    Status(Comparison, u16),
    Is(Is),
    Journey(JourneyId),
    /// In lower case.
    Person(String),
    Operation(String),
    After(i64),
    Before(i64),
    /// In lower case.
    Words(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    AtLeast,
    Above,
    AtMost,
    Below,
    /// The first digit is this.
    Class,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    Call,
    Webhook,
    Step,
    Change,
    Clock,
    Fault,
    Console,
    Unverified,
    Retry,
    Replay,
    Failed,
}

const IS: [(&str, Is); 11] = [
    ("call", Is::Call),
    ("webhook", Is::Webhook),
    ("step", Is::Step),
    ("change", Is::Change),
    ("clock", Is::Clock),
    ("fault", Is::Fault),
    ("console", Is::Console),
    ("unverified", Is::Unverified),
    ("retry", Is::Retry),
    ("replay", Is::Replay),
    ("failed", Is::Failed),
];

impl Filter {
    /// Reads a filter. Times count from `now_ms`.
    pub(super) fn parse(text: &str, now_ms: i64) -> Result<Self, String> {
        if text.len() > LENGTH {
            return Err(format!("The filter is longer than {LENGTH} characters."));
        }
        let terms = words(text).map(|word| term(&word, now_ms));
        Ok(Self {
            terms: terms.collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether it asks for repeated attempts, which only all rows together tell.
    pub(super) fn asks_for_retries(&self) -> bool {
        self.terms
            .iter()
            .any(|term| term.test == Test::Is(Is::Retry))
    }

    /// Whether a row is shown. `retries` are the calls that repeat an earlier attempt.
    pub(super) fn shows(
        &self,
        happening: &Happening,
        person: impl Fn(&Happening) -> Option<String>,
        retries: &HashSet<u64>,
    ) -> bool {
        let holds = |term: &Term| term.test.holds(happening, &person, retries) != term.is_negated;
        self.terms.iter().all(holds)
    }
}

impl Test {
    fn holds(
        &self,
        happening: &Happening,
        person: &impl Fn(&Happening) -> Option<String>,
        retries: &HashSet<u64>,
    ) -> bool {
        match self {
            Self::Provider(provider) => happening.what.provider() == Some(*provider),
            Self::Status(comparison, number) => {
                status(&happening.what).is_some_and(|status| comparison.holds(status, *number))
            }
            Self::Is(is) => is.holds(happening, retries),
            Self::Journey(journey) => happening.journey == Some(*journey),
            Self::Person(name) => person(happening)
                .is_some_and(|person| person.to_lowercase().split('+').any(|part| part == name)),
            Self::Operation(name) => operation(&happening.what) == Some(name),
            Self::After(ms) => happening.at_ms >= *ms,
            Self::Before(ms) => happening.at_ms < *ms,
            Self::Words(words) => {
                let has = |text: &str| text.to_lowercase().contains(words);
                let journey = happening.journey.map(|journey| journey.to_string());
                operation(&happening.what).is_some_and(has)
                    || has(told(&happening.what))
                    || happening.what.provider().is_some_and(|of| has(of.as_str()))
                    || journey.is_some_and(|journey| has(&journey))
            }
        }
    }
}

impl Is {
    fn holds(self, happening: &Happening, retries: &HashSet<u64>) -> bool {
        let call = match &happening.what {
            What::Call(call) => Some(call),
            _ => None,
        };
        match (self, &happening.what) {
            (Self::Call, What::Call(_))
            | (Self::Webhook, What::Webhook { .. })
            | (Self::Step, What::Step { .. })
            | (Self::Change, What::Change { .. })
            | (Self::Clock, What::Clock { .. })
            | (Self::Fault, What::Fault { .. })
            | (Self::Console, What::Console { .. }) => true,
            (Self::Unverified, _) => call.is_some_and(|call| call.is_unverified),
            (Self::Retry, What::Webhook { attempt, .. }) => *attempt > 1,
            (Self::Retry, _) => retries.contains(&happening.number),
            (Self::Replay, _) => call.is_some_and(|call| call.repeats.is_some()),
            (Self::Failed, What::Webhook { delivery, .. }) => !delivery.is_accepted(),
            (Self::Failed, _) => call.is_some_and(|call| !call.status.is_success()),
            _ => false,
        }
    }
}

impl Comparison {
    fn holds(self, status: u16, number: u16) -> bool {
        match self {
            Self::Equal => status == number,
            Self::AtLeast => status >= number,
            Self::Above => status > number,
            Self::AtMost => status <= number,
            Self::Below => status < number,
            Self::Class => status / 100 == number,
        }
    }
}

/// The calls that repeat an earlier attempt: a request id that was there before.
pub(super) fn retries<'h>(all: impl IntoIterator<Item = &'h Happening>) -> HashSet<u64> {
    let mut seen = HashSet::new();
    let mut found = HashSet::new();
    for happening in all {
        if let What::Call(call) = &happening.what
            && call.repeats.is_none()
            && let Some(id) = call.request_id
            && !seen.insert((call.provider, id))
        {
            found.insert(happening.number);
        }
    }
    found
}

/// The HTTP status of a call, or of the receiver of a webhook.
fn status(what: &What) -> Option<u16> {
    match what {
        What::Call(call) => Some(call.status.as_u16()),
        What::Webhook {
            delivery: crate::state::Delivery::Answered(status),
            ..
        } => Some(*status),
        _ => None,
    }
}

fn operation(what: &What) -> Option<&str> {
    match what {
        What::Call(call) => Some(call.operation),
        What::Webhook { event, .. } => Some(event),
        _ => None,
    }
}

fn told(what: &What) -> &str {
    match what {
        What::Call(call) => &call.changed,
        What::Step { words, .. }
        | What::Change { words, .. }
        | What::Clock { words }
        | What::Fault { words }
        | What::Console { words } => words,
        What::Webhook { .. } => "",
    }
}

/// The words of a filter; what stands in double quotes is one.
fn words(text: &str) -> impl Iterator<Item = String> {
    let mut words = Vec::new();
    let (mut word, mut quoted, mut begun) = (String::new(), false, false);
    for c in text.chars() {
        match c {
            '"' => (quoted, begun) = (!quoted, true),
            c if c.is_whitespace() && !quoted => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            c => {
                word.push(c);
                begun = true;
            }
        }
    }
    if begun {
        words.push(word);
    }
    words.into_iter().filter(|word| !word.is_empty())
}

fn term(word: &str, now_ms: i64) -> Result<Term, String> {
    let rest = word.strip_prefix(['-', '!']);
    let (is_negated, rest) = (rest.is_some(), rest.unwrap_or(word));
    let test = match rest.split_once(':') {
        Some((key, value)) => keyed(key, value, now_ms)?,
        None => Test::Words(rest.to_lowercase()),
    };
    Ok(Term { is_negated, test })
}

fn keyed(key: &str, value: &str, now_ms: i64) -> Result<Test, String> {
    let invalid = |rule: &str| Err(format!("`{key}:` {rule}."));
    Ok(match key {
        "provider" => match Provider::of(value) {
            Some(provider) => Test::Provider(provider),
            None => return invalid("is one of finpass, finpro, veriff and deepvue"),
        },
        "status" => match comparison(value) {
            Some((comparison, number)) => Test::Status(comparison, number),
            None => return invalid("is a status such as 404, 4xx or >=400"),
        },
        "is" => match IS.iter().find(|(name, _)| *name == value) {
            Some((_, is)) => Test::Is(*is),
            None => {
                let names = IS.map(|(name, _)| name).join(", ");
                return Err(format!("`is:` is one of {names}."));
            }
        },
        "journey" => match value.parse() {
            Ok(journey) => Test::Journey(journey),
            Err(_) => return invalid("is an id such as j_19"),
        },
        "person" => Test::Person(value.to_lowercase()),
        "operation" => Test::Operation(value.to_owned()),
        "after" | "before" => match time(value, now_ms) {
            Some(ms) if key == "after" => Test::After(ms),
            Some(ms) => Test::Before(ms),
            None => {
                return invalid("is a length such as 10m, or a time such as 2030-01-01T00:00:00Z");
            }
        },
        _ => {
            return Err(format!(
                "There is no `{key}:`. There are provider, status, is, journey, person, operation, after and before."
            ));
        }
    })
}

fn comparison(text: &str) -> Option<(Comparison, u16)> {
    if let Some(class) = text.strip_suffix("xx") {
        return Some((Comparison::Class, class.parse().ok()?));
    }
    let signs = [
        (">=", Comparison::AtLeast),
        ("<=", Comparison::AtMost),
        (">", Comparison::Above),
        ("<", Comparison::Below),
        ("=", Comparison::Equal),
    ];
    let mut signs = signs.into_iter();
    let found = signs.find_map(|(sign, comparison)| Some((comparison, text.strip_prefix(sign)?)));
    let (comparison, number) = found.unwrap_or((Comparison::Equal, text));
    Some((comparison, number.parse().ok()?))
}

/// A moment, or one that is so long ago.
fn time(text: &str, now_ms: i64) -> Option<i64> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.as_millisecond());
    }
    let span = text.parse::<jiff::Span>().ok()?;
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    let ms = i64::try_from(length.as_millis())
        .ok()
        .filter(|ms| *ms >= 0)?;
    Some(now_ms.saturating_sub(ms))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::state::{Call, Delivery, WebhookId};

    fn call(number: u64, provider: Provider, status: u16, request_id: Option<u64>) -> Happening {
        Happening {
            number,
            at_ms: 1_000_000,
            journey: Some(JourneyId::new(19)),
            what: What::Call(Call {
                provider,
                operation: "initialize",
                status: StatusCode::from_u16(status).unwrap(),
                changed: "Opened a session".into(),
                had_effect: true,
                reason: "",
                is_unverified: status == 401,
                repeats: None,
                request_id: request_id.and_then(std::num::NonZeroU64::new),
                took_us: 1,
            }),
        }
    }

    fn webhook(attempt: usize, delivery: Delivery) -> Happening {
        Happening {
            number: 9,
            at_ms: 2_000_000,
            journey: None,
            what: What::Webhook {
                id: "w_0001".parse::<WebhookId>().unwrap(),
                provider: Provider::Veriff,
                event: "decision.approved",
                attempt,
                delivery,
            },
        }
    }

    fn shows(filter: &str, happening: &Happening) -> bool {
        let filter = Filter::parse(filter, 1_600_000).unwrap();
        let person = |_: &Happening| Some("deny+webhook-twice".to_owned());
        filter.shows(happening, person, &HashSet::from([2]))
    }

    #[test]
    fn each_word_of_the_grammar_selects() {
        let finpass = call(1, Provider::Finpass, 200, None);
        let refused = call(2, Provider::Veriff, 401, None);
        for (filter, first, second) in [
            ("", true, true),
            ("provider:veriff", false, true),
            ("-provider:veriff", true, false),
            ("!provider:veriff", true, false),
            ("status:>=400", false, true),
            ("status:<400", true, false),
            ("status:4xx", false, true),
            ("status:401", false, true),
            ("status:>200", false, true),
            ("status:<=401", true, true),
            ("is:unverified", false, true),
            ("is:failed", false, true),
            ("is:retry", false, true),
            ("is:call", true, true),
            ("is:webhook", false, false),
            ("journey:j_19", true, true),
            ("journey:j_20", false, false),
            ("person:deny", true, true),
            ("person:approve", false, false),
            ("operation:initialize", true, true),
            ("after:10m", true, true),
            ("after:9m", false, false),
            ("before:1970-01-01T00:20:00Z", true, true),
            ("\"opened a\"", true, true),
            ("opened nothing", false, false),
            ("provider:veriff status:200", false, false),
        ] {
            let found = (shows(filter, &finpass), shows(filter, &refused));
            assert_eq!(found, (first, second), "{filter}");
        }
        assert!(shows("is:retry", &webhook(2, Delivery::Failed)));
        assert!(!shows("is:retry", &webhook(1, Delivery::Failed)));
        assert!(shows("is:failed", &webhook(1, Delivery::NotSent)));
        assert!(shows(
            "status:5xx is:webhook",
            &webhook(1, Delivery::Answered(500))
        ));
        assert!(shows("decision", &webhook(1, Delivery::Answered(500))));
    }

    #[test]
    fn what_is_no_filter_is_said_so() {
        for (filter, part) in [
            ("provider:acme", "finpass, finpro, veriff and deepvue"),
            ("status:bad", "404, 4xx or >=400"),
            ("is:odd", "unverified"),
            ("journey:19", "j_19"),
            ("after:soon", "10m"),
            ("after:-10m", "10m"),
            ("colour:red", "There is no `colour:`"),
            (&"x".repeat(301), "longer"),
        ] {
            let problem = Filter::parse(filter, 0).unwrap_err();
            assert!(problem.contains(part), "{filter}: {problem}");
        }
    }

    #[test]
    fn a_call_with_a_request_id_that_was_there_is_a_retry() {
        let all = [
            call(1, Provider::Finpass, 503, Some(7)),
            call(2, Provider::Veriff, 200, Some(7)),
            call(3, Provider::Finpass, 200, Some(7)),
            call(4, Provider::Finpass, 200, None),
            call(5, Provider::Finpass, 200, None),
        ];
        assert_eq!(retries(&all), HashSet::from([3]));
    }
}
