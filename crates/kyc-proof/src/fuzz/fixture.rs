//! The files that keep exchanges, and the comparison that tests of them rest on.

use provider_core::testing::{Fixture, differences};
use serde_json::Value;

use crate::parts::Parts;

/// A fixture, or two JSON values.
pub(crate) fn run(input: &[u8]) {
    if let Ok(fixture) = serde_json::from_slice::<Fixture>(input) {
        let written = serde_json::to_vec(&fixture).unwrap();
        let again: Fixture = serde_json::from_slice(&written).unwrap();
        assert_eq!(serde_json::to_vec(&again).unwrap(), written);
    }
    let mut parts = Parts::of(input);
    let [one, other] = [parts.bytes(), parts.bytes()].map(serde_json::from_slice::<Value>);
    if let (Ok(one), Ok(other)) = (one, other) {
        assert!(differences(&one, &one).is_empty());
        let found = differences(&one, &other);
        assert_eq!(found.is_empty(), one == other, "{found:?}");
        assert_eq!(differences(&other, &one).len(), found.len());
        assert!(found.iter().all(|line| line.starts_with('$')));
    }
}
