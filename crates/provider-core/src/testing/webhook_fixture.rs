//! Webhooks on file, byte for byte as they are delivered.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fixture::{Source, SourceKind};
use super::recorder::{Mode, file};
use super::scripted::Sent;

/// A webhook as it is delivered, and what it is read as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookFixture {
    /// Where it comes from.
    pub source: Source,
    /// The headers that say whose it is: a vector for its signature.
    pub headers: BTreeMap<String, String>,
    /// The body, byte for byte.
    pub body: String,
    /// What a receiver reads in it, in the words of the crate that does.
    pub event: Value,
    /// The name of the file.
    #[serde(skip)]
    pub case: String,
}

impl WebhookFixture {
    /// Every webhook of a directory, in the order of their names.
    ///
    /// # Panics
    ///
    /// The directory has none, or a file is not in this form.
    pub fn all(directory: impl AsRef<Path>) -> Vec<Self> {
        let directory = directory.as_ref();
        let files = fs::read_dir(directory).expect("a directory of webhooks");
        let mut all: Vec<Self> = files
            .map(|file| {
                let path = file.expect("a file").path();
                let text = fs::read_to_string(&path).expect("a readable file");
                let fixture: Self = serde_json::from_str(&text)
                    .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                let case = path.file_stem().expect("a name").to_string_lossy();
                Self {
                    case: case.into_owned(),
                    ..fixture
                }
            })
            .collect();
        assert!(!all.is_empty(), "{} has no webhooks", directory.display());
        all.sort_by(|one, other| one.case.cmp(&other.case));
        all
    }

    /// The headers as a receiver gets them.
    ///
    /// # Panics
    ///
    /// One is not a header.
    pub fn headers(&self) -> HeaderMap {
        let header = |(name, value): (&String, &String)| {
            let name = name.parse().expect("the name of a header");
            (
                name,
                value
                    .parse::<http::HeaderValue>()
                    .expect("a header's value"),
            )
        };
        self.headers.iter().map(header).collect()
    }

    /// Compares what was delivered, and what it is read as, with `directory/case.json`, or writes that file. Of the headers those
    /// are kept that `names` names.
    ///
    /// # Panics
    ///
    /// The file differs.
    pub fn finish(
        mode: Mode,
        directory: impl AsRef<Path>,
        case: &str,
        delivered: &Sent,
        names: &[&str],
        event: Value,
    ) {
        let kept = names
            .iter()
            .filter(|name| delivered.headers.contains_key(**name))
            .map(|name| ((*name).to_owned(), delivered.header(name).to_owned()));
        let fixture = Self {
            source: Source {
                kind: SourceKind::Recorded,
                reference: "cargo xtask fixtures, from the sandbox with fixed ids".to_owned(),
            },
            headers: kept.collect(),
            body: String::from_utf8(delivered.body.to_vec()).expect("a body that is text"),
            event,
            case: case.to_owned(),
        };
        file(mode, directory.as_ref(), case, &fixture);
    }
}
