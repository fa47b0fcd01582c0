//! The location and content of fixtures.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Files, Problem};
use crate::pattern;

/// What every fixture says; the tests of its crate read the rest.
#[derive(Deserialize)]
struct Fixture {
    source: Source,
    response: Response,
    expected: Expected,
}

#[derive(Deserialize)]
struct Source {
    #[serde(rename = "kind")]
    _kind: Kind,
    reference: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Documented,
    Recorded,
}

#[derive(Deserialize)]
struct Response {
    status: u16,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Expected {
    Value(#[allow(dead_code, reason = "any is good")] Value),
    Error(#[allow(dead_code, reason = "any is good")] Value),
}

/// Each fixture is readable and where it belongs, and each operation has a success and an error.
pub(super) fn check(files: &Files) -> Vec<Problem> {
    let kebab = "[a-z0-9]+(?:-[a-z0-9]+)*";
    let place = pattern(&format!(r"^(fixtures/{kebab}/{kebab})/{kebab}\.json$"));
    let mut problems = Vec::new();
    let mut operations: BTreeMap<&str, [bool; 2]> = BTreeMap::new();
    for (path, text) in files {
        if !(path.starts_with("fixtures/") && path.ends_with(".json")) {
            continue;
        }
        let Some(operation) = place.captures(path).and_then(|place| place.get(1)) else {
            let what =
                "belongs at fixtures/<provider>/<operation>/<case>.json, names in kebab case";
            problems.push(Problem::of(path, what));
            continue;
        };
        // Webhooks have a form of their own, which the crates' tests read.
        if operation.as_str().ends_with("/webhooks") {
            continue;
        }
        let fixture: Fixture = match serde_json::from_str(text) {
            Ok(fixture) => fixture,
            Err(error) => {
                let what = format!("is not a fixture: {error}");
                problems.push(Problem::at(path, error.line(), what));
                continue;
            }
        };
        if fixture.source.reference.trim().is_empty() {
            problems.push(Problem::of(path, "`source.reference` must name the source"));
        }
        if !(100..600).contains(&fixture.response.status) {
            problems.push(Problem::of(
                path,
                "`response.status` must be an HTTP status",
            ));
        }
        let [value, error] = operations.entry(operation.as_str()).or_default();
        match fixture.expected {
            Expected::Value(_) => *value = true,
            Expected::Error(_) => *error = true,
        }
    }
    for (operation, found) in operations {
        let outcomes = found.into_iter().zip(["value", "error"]);
        problems.extend(outcomes.filter(|(found, _)| !found).map(|(_, what)| {
            Problem::of(operation, format!("has no case with `expected.{what}`"))
        }));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found in an operation with these two cases.
    fn found(first: &str, second: &str) -> Vec<String> {
        let files = [("a", first), ("b-2", second)];
        let files = files.map(|(case, text)| (format!("fixtures/c/d/{case}.json"), text.into()));
        check(&files.into())
            .iter()
            .map(Problem::to_string)
            .collect()
    }

    #[test]
    fn what_is_wrong_is_named() {
        let good = r#"{ "source": { "kind": "documented", "reference": "page 3" }, "response": { "status": 200 },
            "expected": { "value": null } }"#;
        let error = good.replace("value", "error");
        assert_eq!(found(good, &error), [""; 0]);
        assert_eq!(
            found(good, good),
            ["fixtures/c/d: has no case with `expected.error`"]
        );
        for (there, instead, what) in [
            ("documented", "guessed", "is not a fixture"),
            ("\"value\": null", "", "is not a fixture"),
            ("null", "null, \"error\": {}", "is not a fixture"),
            ("page 3", " ", "`source.reference` must"),
            ("200", "20", "`response.status` must"),
            ("{", "{\n nonsense", "is not a fixture"),
        ] {
            let bad = good.replacen(there, instead, 1);
            let found = found(&error, &bad).join("\n");
            assert!(
                found.contains("b-2.json:") && found.contains(what),
                "{instead}: {found}"
            );
        }
    }

    #[test]
    fn places_are_three_deep_and_kebab() {
        for path in ["a/b.json", "a/b/c/d.json", "a/b/C.json", "a/b_c/d.json"] {
            let files = [(format!("fixtures/{path}"), "{}".to_owned())];
            let problems = check(&files.into());
            assert!(
                problems
                    .iter()
                    .all(|problem| problem.what.starts_with("belongs"))
            );
            assert_eq!(problems.len(), 1, "{path}");
        }
    }
}
