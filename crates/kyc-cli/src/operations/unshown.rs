//! What a reply has and its printed form has not: members that nobody knows, and values that could not be read.

use std::collections::BTreeSet;

use kyc_facade::provider_core::printable_member;
use serde_json::Value;

/// How many places are named; whoever writes more of them is told by their number.
const MOST: usize = 20;

/// The places in the reply that are not printed, by name and never with a value, in order; a list's items have one place together.
pub(super) fn unshown(body: &[u8], printed: &str) -> Vec<String> {
    let (Ok(body), Ok(printed)) = (serde_json::from_slice(body), serde_json::from_str(printed))
    else {
        return Vec::new();
    };
    let mut places = BTreeSet::new();
    compare("", &body, &printed, &mut places);
    let mut places: Vec<_> = places.into_iter().collect();
    let more = places.len().saturating_sub(MOST);
    places.truncate(MOST);
    if more > 0 {
        places.push(format!("{more} more"));
    }
    places
}

fn compare(path: &str, body: &Value, printed: &Value, places: &mut BTreeSet<String>) {
    match (body, printed) {
        (Value::Object(members), Value::Object(shown)) => {
            for (name, value) in members {
                let name_of = |name| match path {
                    "" => printable_member(name).to_owned(),
                    path => format!("{path}.{}", printable_member(name)),
                };
                match shown.get(name) {
                    Some(shown) => compare(&name_of(name), value, shown, places),
                    // Under another of its names.
                    None if shown
                        .iter()
                        .any(|(of, shown)| shown == value && !members.contains_key(of)) => {}
                    None if says_nothing(value) => {}
                    None => {
                        places.insert(name_of(name));
                    }
                }
            }
        }
        (Value::Array(items), Value::Array(shown)) => {
            let path = format!("{path}[]");
            // An item that could not be read costs itself; which one it was is not told.
            if items.len() != shown.len() {
                places.insert(path);
                return;
            }
            for (item, shown) in items.iter().zip(shown) {
                compare(&path, item, shown, places);
            }
        }
        // One, where there may be many.
        (Value::Object(_), Value::Array(shown)) => match shown.first() {
            Some(shown) => compare(path, body, shown, places),
            None => {
                places.insert(path.to_owned());
            }
        },
        (body, Value::Null) if !says_nothing(body) => {
            places.insert(path.to_owned());
        }
        _ => {}
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.values().all(says_nothing),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_printed_is_named_by_its_place() {
        let body = json!({
            "id": "CANARY", "new": "CANARY", "9000000001": 1, "identifier": 7, "empty": [], "null": null,
            "list": [{"a": 1, "b": "CANARY"}, {"a": 2}], "unread": [1, 2], "one": {"a": 1, "c": 2}, "lost": "CANARY",
        });
        let printed = json!({
            "id": "CANARY", "ident": 7, "list": [{"a": 1}, {"a": 2}], "unread": [1], "one": [{"a": 1}], "lost": null,
        });
        let found = unshown(body.to_string().as_bytes(), &printed.to_string());
        assert_eq!(found, ["*", "list[].b", "lost", "new", "one.c", "unread[]"]);
        assert_eq!(unshown(b"<html>", "{}"), [""; 0]);
        let many: Value = ('a'..='z')
            .map(|name| (name.to_string(), json!(1)))
            .collect();
        let found = unshown(many.to_string().as_bytes(), "{}");
        assert_eq!((found.len(), &*found[MOST]), (MOST + 1, "6 more"));
    }
}
