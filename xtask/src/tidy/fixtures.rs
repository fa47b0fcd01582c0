//! The location and content of fixtures.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Files, Problem};

pub(super) fn check(files: &Files) -> Vec<Problem> {
    let fixtures: Vec<(&str, &str)> = files
        .iter()
        .filter(|(path, _)| path.starts_with("fixtures/") && path.ends_with(".json"))
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    let mut problems: Vec<Problem> = fixtures
        .iter()
        .flat_map(|(path, text)| one(path, text))
        .collect();
    problems.extend(outcomes(&fixtures));
    problems
}

fn one(path: &str, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    if place(path).is_none() {
        problems.push(Problem::of(
            path,
            "belongs at fixtures/<provider>/<operation>/<case>.json, names in kebab case",
        ));
    }
    let json: Value = match serde_json::from_str(text) {
        Ok(json) => json,
        Err(error) => {
            problems.push(Problem::at(
                path,
                error.line(),
                format!("is not JSON: {error}"),
            ));
            return problems;
        }
    };
    let string = |pointer: &str| {
        json.pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let status = json.pointer("/response/status").and_then(Value::as_u64);
    let expected =
        ["value", "error"].map(|what| json.pointer(&format!("/expected/{what}")).is_some());
    for (holds, what) in [
        (
            ["documented", "recorded"].contains(&string("/source/kind")),
            "`source.kind` must be `documented` or `recorded`",
        ),
        (
            !string("/source/reference").trim().is_empty(),
            "`source.reference` must name the source",
        ),
        (
            status.is_some_and(|status| (100..600).contains(&status)),
            "`response.status` must be an HTTP status",
        ),
        (
            expected.iter().filter(|found| **found).count() == 1,
            "needs one of `expected.value` and `expected.error`",
        ),
    ] {
        if !holds {
            problems.push(Problem::of(path, what));
        }
    }
    problems
}

/// Each operation has a success and an error.
fn outcomes(fixtures: &[(&str, &str)]) -> Vec<Problem> {
    let mut operations: BTreeMap<&str, (bool, bool)> = BTreeMap::new();
    for (path, text) in fixtures {
        let Some(operation) = place(path) else {
            continue;
        };
        let Ok(json) = serde_json::from_str::<Value>(text) else {
            continue;
        };
        let seen = operations.entry(operation).or_default();
        seen.0 |= json.pointer("/expected/value").is_some();
        seen.1 |= json.pointer("/expected/error").is_some();
    }
    let mut problems = Vec::new();
    for (operation, (success, error)) in operations {
        for (found, what) in [(success, "value"), (error, "error")] {
            if !found {
                problems.push(Problem::of(
                    operation,
                    format!("has no case with `expected.{what}`"),
                ));
            }
        }
    }
    problems
}

/// The directory of the operation, if the path is where a fixture belongs.
fn place(path: &str) -> Option<&str> {
    let (operation, case) = path.rsplit_once('/')?;
    let mut parts = operation.split('/');
    let good = parts.next() == Some("fixtures")
        && parts.next().is_some_and(is_kebab)
        && parts.next().is_some_and(is_kebab)
        && parts.next().is_none()
        && case.strip_suffix(".json").is_some_and(is_kebab);
    good.then_some(operation)
}

fn is_kebab(name: &str) -> bool {
    name.split('-').all(|part| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUCCESS: &str = r#"{ "source": { "kind": "documented", "reference": "page 3" }, "response": { "status": 200 },
        "expected": { "value": null } }"#;

    #[test]
    fn a_good_fixture_is_fine() {
        assert_eq!(
            one("fixtures/finpass/initiate-session/success.json", SUCCESS),
            []
        );
    }

    #[test]
    fn places_are_three_deep_and_kebab() {
        for path in [
            "fixtures/a/b.json",
            "fixtures/a/b/c/d.json",
            "fixtures/a/b/C.json",
            "fixtures/a/b_c/d.json",
        ] {
            assert_eq!(place(path), None, "{path}");
        }
        assert_eq!(place("fixtures/a/b-2/c.json"), Some("fixtures/a/b-2"));
    }

    #[test]
    fn everything_missing_is_named() {
        let text = r#"{ "source": { "kind": "guessed" }, "response": { "status": 20 } }"#;
        assert_eq!(one("fixtures/a/b/c.json", text).len(), 4);
        let broken = one("fixtures/a/b/c.json", "{\n nonsense");
        assert_eq!(
            broken
                .iter()
                .map(|problem| problem.line)
                .collect::<Vec<_>>(),
            [2]
        );
    }

    #[test]
    fn an_operation_needs_both_outcomes() {
        let failure = SUCCESS.replace("value", "error");
        let both = [
            ("fixtures/a/b/c.json", SUCCESS),
            ("fixtures/a/b/d.json", failure.as_str()),
        ];
        assert_eq!(outcomes(&both), []);
        assert_eq!(
            outcomes(&both[..1]),
            [Problem::of(
                "fixtures/a/b",
                "has no case with `expected.error`"
            )]
        );
    }
}
