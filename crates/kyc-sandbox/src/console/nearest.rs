//! Which operation was probably meant by a call that none matches, and what differs. Pure.

use http::Method;

use crate::exchange::Operation;
use crate::state::{Message, Provider};

/// The operation that was probably meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Nearest {
    pub(super) operation: Operation,
    /// What differs, in words; nothing for a request as it should be.
    pub(super) differences: Vec<String>,
}

/// The nearest of these operations.
pub(super) fn nearest(
    operations: &[Operation],
    provider: Provider,
    method: &Method,
    target: &str,
    request: Message<'_>,
) -> Option<Nearest> {
    let path = target.split('?').next().unwrap_or_default();
    let of_provider = operations.iter().filter(|known| known.provider == provider);
    let operation = of_provider
        .min_by_key(|known| distance(known, method, path))?
        .clone();
    let mut differences = Vec::new();
    if operation.method != *method {
        differences.push(format!("The method is {method}, not {}.", operation.method));
    }
    let wanted: Vec<&str> = operation.path.split('/').skip(1).collect();
    let sent: Vec<&str> = path.split('/').skip(1).take(20).collect();
    let is_shown = |segment: &str| {
        segment.len() <= 40
            && !segment.chars().any(|c| c.is_ascii_digit())
            && segment.chars().all(|c| c.is_ascii_graphic())
    };
    for step in aligned(&wanted, &sent).1 {
        match step {
            Step::Same => {}
            Step::Other(wanted, sent) if is_shown(sent) => {
                differences.push(format!(
                    "The path has `{sent}` where `{wanted}` is expected."
                ));
            }
            Step::Other(wanted, _) | Step::Missing(wanted) => {
                differences.push(format!("The path lacks `{wanted}`."));
            }
            Step::Extra(sent) if is_shown(sent) => {
                differences.push(format!("The path has `{sent}` in addition."));
            }
            Step::Extra(_) => differences.push("The path has a part in addition.".to_owned()),
        }
    }
    for (name, _) in credentials(provider) {
        // Its page says that a new session needs no signature.
        let is_optional = *name == "x-hmac-signature" && operation.path == "/v1/sessions";
        match request.headers().filter(|(found, _)| found == name).count() {
            0 if !is_optional => differences.push(format!("The header `{name}` is missing.")),
            0 | 1 => {}
            _ => differences.push(format!("The header `{name}` is sent more than once.")),
        }
    }
    let takes_json = operation.method != Method::GET
        && operation.method != Method::DELETE
        && !operation.name.starts_with("upload");
    let content_type = request.header("content-type").unwrap_or_default();
    if takes_json && !content_type.starts_with("application/json") {
        differences.push("The content type is not application/json.".to_owned());
    }
    Some(Nearest {
        operation,
        differences,
    })
}

/// The headers that tell who calls, each with the variable that stands for its value in a shell.
pub(super) fn credentials(provider: Provider) -> &'static [(&'static str, &'static str)] {
    match provider {
        Provider::Finpass => &[
            ("x-api-key", "FINPASS_API_KEY"),
            ("x-api-secret", "FINPASS_API_SECRET"),
        ],
        Provider::Finpro => &[
            ("client_id", "FINPRO_CLIENT_ID"),
            ("client_secret", "FINPRO_CLIENT_SECRET"),
            ("organisationid", "FINPRO_ORGANISATION_ID"),
            ("appidentifier", "FINPRO_APP_IDENTIFIER"),
        ],
        Provider::Veriff => &[
            ("x-auth-client", "VERIFF_API_KEY"),
            ("x-hmac-signature", "SIGNATURE"),
        ],
        Provider::Deepvue => &[
            ("x-api-key", "DEEPVUE_CLIENT_SECRET"),
            ("client-id", "DEEPVUE_CLIENT_ID"),
        ],
    }
}

fn segment_matches(wanted: &str, sent: &str) -> bool {
    wanted == sent || (wanted.starts_with('{') && !sent.is_empty())
}

/// How far a request is from an operation: a wrong method is less than a wrong word.
fn distance(operation: &Operation, method: &Method, path: &str) -> usize {
    let wanted: Vec<&str> = operation.path.split('/').skip(1).collect();
    let sent: Vec<&str> = path.split('/').skip(1).take(20).collect();
    let (sum, _) = aligned(&wanted, &sent);
    sum.saturating_add(match operation.method == *method {
        true => 0,
        false => 2,
    })
}

/// What became of a part of a path.
#[derive(Debug, Clone, Copy)]
enum Step<'p> {
    Same,
    Other(&'p str, &'p str),
    Missing(&'p str),
    Extra(&'p str),
}

/// The cheapest way from one path to another, and what it costs.
fn aligned<'p>(wanted: &[&'p str], sent: &[&'p str]) -> (usize, Vec<Step<'p>>) {
    const GAP: usize = 7;
    // By how many parts of what was sent are behind: the ways to each are extended part by part.
    let mut ways: Vec<(usize, Vec<Step<'p>>)> = vec![(0, Vec::new())];
    for part in sent {
        let (sum, mut steps) = ways.last().cloned().unwrap_or_default();
        steps.push(Step::Extra(part));
        ways.push((sum.saturating_add(GAP), steps));
    }
    for wanted in wanted {
        let mut next: Vec<(usize, Vec<Step<'p>>)> = Vec::with_capacity(ways.len());
        for (place, above) in ways.iter().enumerate() {
            let with = |(sum, steps): &(usize, Vec<Step<'p>>), cost: usize, step| {
                let mut steps = steps.clone();
                steps.push(step);
                (sum.saturating_add(cost), steps)
            };
            let mut best = with(above, GAP, Step::Missing(wanted));
            if let Some(before) = place.checked_sub(1)
                && let (Some(diagonal), Some(part)) = (ways.get(before), sent.get(before))
            {
                let other = match segment_matches(wanted, part) {
                    true if wanted.starts_with('{') => with(diagonal, 1, Step::Same),
                    true => with(diagonal, 0, Step::Same),
                    false => {
                        let cost = edits(wanted, part).min(10).saturating_add(2);
                        with(diagonal, cost, Step::Other(wanted, part))
                    }
                };
                if other.0 < best.0 {
                    best = other;
                }
                if let Some(left) = next.last()
                    && left.0.saturating_add(GAP) < best.0
                {
                    best = with(left, GAP, Step::Extra(part));
                }
            }
            next.push(best);
        }
        ways = next;
    }
    ways.pop().unwrap_or_default()
}

/// How many letters are inserted, deleted or replaced. Of what was sent only the beginning is compared.
fn edits(wanted: &str, sent: &str) -> usize {
    let sent: String = sent.chars().take(60).collect();
    strsim::levenshtein(wanted, &sent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sandbox;

    fn found(provider: Provider, method: &str, target: &str, head: &str) -> (String, Vec<String>) {
        let request = Message {
            head: head.as_bytes(),
            body: b"",
            length: 0,
        };
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let nearest = nearest(&Sandbox::operations(), provider, &method, target, request).unwrap();
        (nearest.operation.name.to_owned(), nearest.differences)
    }

    #[test]
    fn the_operation_that_was_meant_is_found_and_what_differs_is_said() {
        let head = "x-api-key: a\nx-api-secret: b\ncontent-type: application/json\n";
        let path = "/api/v1/services/account-aggregator/init";
        assert_eq!(
            found(Provider::Finpass, "GET", path, head),
            (
                "initialize".to_owned(),
                vec!["The method is GET, not POST.".to_owned()]
            )
        );
        let (name, differences) = found(
            Provider::Finpass,
            "POST",
            "/api/v1/services/account-agregator/initialise",
            "x-api-key: a\nx-api-key: a\n",
        );
        assert_eq!(name, "initialize");
        assert_eq!(
            differences,
            [
                "The path has `account-agregator` where `account-aggregator` is expected.",
                "The path has `initialise` where `init` is expected.",
                "The header `x-api-key` is sent more than once.",
                "The header `x-api-secret` is missing.",
                "The content type is not application/json.",
            ]
        );
        let (name, differences) = found(
            Provider::Veriff,
            "GET",
            "/sessions/0f4f5c92-6d3a-4b43-8f9e-0a8a6f3e1c11/decision",
            "x-auth-client: a\nx-hmac-signature: b\n",
        );
        assert!(
            name == "decision" || name == "submit-session",
            "{name} {differences:?}"
        );
        let (_, differences) = found(Provider::Finpro, "POST", "/9000000001", "");
        assert!(!differences.join(" ").contains("9000000001"));
    }

    #[test]
    fn letters_are_counted() {
        for (from, to, count) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("abc", "adc", 1),
            ("abc", "", 3),
            ("init", "initialise", 6),
        ] {
            assert_eq!(edits(from, to), count, "{from} {to}");
        }
    }
}
