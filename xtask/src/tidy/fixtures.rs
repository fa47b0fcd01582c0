//! The location of fixtures, and that each operation has a success and an error. What is in them, the tests of its crate read.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Files, Problem};
use crate::pattern;

/// Each fixture is where it belongs and names its source, and each operation has a success and an error.
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
        let fixture: Value = serde_json::from_str(text).unwrap_or_default();
        let at = |pointer| fixture.pointer(pointer);
        let reference = at("/source/reference").and_then(Value::as_str);
        if reference.is_none_or(|reference| reference.trim().is_empty()) {
            problems.push(Problem::of(path, "`source.reference` must name the source"));
        }
        let [value, error] = operations.entry(operation.as_str()).or_default();
        *value |= at("/expected/value").is_some();
        *error |= at("/expected/error").is_some();
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
        let good = r#"{ "source": { "reference": "page 3" }, "expected": { "value": null } }"#;
        let error = good.replace("value", "error");
        assert_eq!(found(good, &error), [""; 0]);
        assert_eq!(
            found(good, good),
            ["fixtures/c/d: has no case with `expected.error`"]
        );
        for bad in [&good.replace("page 3", " "), "no JSON"] {
            let found = found(&error, bad).join("\n");
            assert!(
                found.contains("b-2.json: `source.reference` must"),
                "{found}"
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
