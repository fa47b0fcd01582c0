//! The ids of recorded exchanges, and the ones that stand in their place when the calls are made anew.

use std::collections::BTreeMap;

use serde_json::Value;

use super::tolerance::pointers;

/// No shorter text is looked for inside another one.
const LENGTH_OF_AN_ID: usize = 16;

/// What earlier calls replied when they were recorded, with what they reply now.
#[derive(Debug, Clone, Default)]
pub struct GivenOut(BTreeMap<String, String>);

impl GivenOut {
    /// Takes note of a recorded reply and of the one to the same call now: each text of the first one stands for the text in the same
    /// place of the second.
    pub fn note(&mut self, recorded: &Value, now: &Value) {
        for at in pointers(recorded) {
            let text = |reply: &Value| reply.pointer(&at)?.as_str().map(str::to_owned);
            if let (Some(recorded), Some(now)) = (text(recorded), text(now))
                && recorded != now
            {
                self.0.entry(recorded).or_insert(now);
            }
        }
    }

    /// A text of a recorded request, as it is now: another one if it was given out, or if an id is in it that was.
    pub fn now(&self, text: &str) -> String {
        if let Some(now) = self.0.get(text) {
            return now.clone();
        }
        let mut ids = self.0.iter();
        let id = ids.find(|(id, _)| id.len() >= LENGTH_OF_AN_ID && text.contains(id.as_str()));
        id.map_or_else(|| text.to_owned(), |(id, now)| text.replace(id, now))
    }

    /// A recorded request, as it is now.
    #[must_use]
    pub fn fill(&self, request: &Value) -> Value {
        let mut filled = request.clone();
        for at in pointers(request) {
            if let Some(Value::String(text)) = filled.pointer_mut(&at) {
                *text = self.now(text);
            }
        }
        filled
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_id_that_was_given_out_is_the_one_that_is_given_out_now() {
        let mut given = GivenOut::default();
        let reply = |id: &str| json!({"data": [{"id": id}], "status": "success", "count": 1});
        given.note(&reply("00000000-0000-0001"), &reply("00000000-0000-0002"));
        given.note(&json!({"id": "short"}), &json!({"id": "brief"}));
        let request = |id: &str, short: &str| json!({"id": id, "file": format!("{id},x\n"), "of": [short, "success", "shorter"]});
        assert_eq!(
            given.fill(&request("00000000-0000-0001", "short")),
            request("00000000-0000-0002", "brief")
        );
    }
}
