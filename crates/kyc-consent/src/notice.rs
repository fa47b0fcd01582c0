//! What a person is told before they consent.

use provider_core::{InvalidRequest, check_person_url};
use serde::{Deserialize, Serialize};

use crate::ids::{DataKind, Digest, Purpose};

/// The items that Rule 3 of the Digital Personal Data Protection Rules demands of a notice. All are fields, so a notice that
/// lacks one does not compile, and an empty one is refused. Whether the wording is sufficient is a question for counsel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeItems {
    /// The itemised description of the personal data, by kind.
    pub data: Vec<(DataKind, String)>,
    /// The specified purposes, each in words.
    pub purposes: Vec<(Purpose, String)>,
    /// The goods, services or uses that the processing enables.
    pub service: String,
    /// Where consent is withdrawn, as easily as it was given: an address on the web.
    pub withdraw: String,
    /// Where rights under the Act are exercised: an address on the web.
    pub rights: String,
    /// Where a complaint is made to the Data Protection Board: an address on the web.
    pub complain: String,
}

/// A notice, in one version and one language. It keeps the digest of the text that was shown, not the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    id: String,
    version: String,
    language: String,
    text: Digest,
    data: Vec<(DataKind, String)>,
    purposes: Vec<(Purpose, String)>,
    service: String,
    withdraw: String,
    rights: String,
    complain: String,
}

impl Notice {
    /// A notice whose full text, as it is shown, is `text`.
    ///
    /// # Errors
    ///
    /// An empty field, a language that is not a tag like `en` or `hi-IN`, an item without its words, one that is named
    /// twice, or a link that is no address for a person: `https`, or `http` to this machine. The error names the field.
    pub fn new(
        id: &str,
        version: &str,
        language: &str,
        text: &str,
        items: NoticeItems,
    ) -> Result<Self, InvalidRequest> {
        let NoticeItems {
            data,
            purposes,
            service,
            withdraw,
            rights,
            complain,
        } = items;
        for (field, value) in [
            ("notice.id", id),
            ("notice.version", version),
            ("notice.text", text),
            ("notice.service", &service),
        ] {
            required(field, value)?;
        }
        check_language(language)?;
        itemised("notice.data", &data)?;
        itemised("notice.purposes", &purposes)?;
        check_person_url("notice.withdraw", &withdraw)?;
        check_person_url("notice.rights", &rights)?;
        check_person_url("notice.complain", &complain)?;
        Ok(Self {
            id: id.to_owned(),
            version: version.to_owned(),
            language: language.to_owned(),
            text: Digest::of(text.as_bytes()),
            data,
            purposes,
            service,
            withdraw,
            rights,
            complain,
        })
    }

    /// Whether this is the text that was shown.
    pub fn is_text(&self, text: &str) -> bool {
        Digest::of(text.as_bytes()) == self.text
    }

    /// Its name in the application.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The version that was shown.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The language in which it was shown, as a tag.
    pub fn language(&self) -> &str {
        &self.language
    }

    /// SHA-256 of the text that was shown.
    pub fn text(&self) -> Digest {
        self.text
    }

    /// The kinds of data, each in words.
    pub fn data(&self) -> &[(DataKind, String)] {
        &self.data
    }

    /// The purposes, each in words.
    pub fn purposes(&self) -> &[(Purpose, String)] {
        &self.purposes
    }

    /// What the processing enables.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Where consent is withdrawn.
    pub fn withdraw(&self) -> &str {
        &self.withdraw
    }

    /// Where rights are exercised.
    pub fn rights(&self) -> &str {
        &self.rights
    }

    /// Where a complaint is made.
    pub fn complain(&self) -> &str {
        &self.complain
    }
}

pub(crate) fn required(field: &'static str, value: &str) -> Result<(), InvalidRequest> {
    match value.trim().is_empty() {
        true => Err(InvalidRequest::new(field, "must not be empty")),
        false => Ok(()),
    }
}

fn check_language(language: &str) -> Result<(), InvalidRequest> {
    let mut parts = language.split('-');
    let first = parts.next().unwrap_or_default();
    let letters = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase());
    let subtag = |text: &str| {
        (2..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    match (2..=3).contains(&first.len()) && letters(first) && parts.all(subtag) {
        true => Ok(()),
        false => Err(InvalidRequest::new(
            "notice.language",
            "must be a language tag such as `en` or `hi-IN`",
        )),
    }
}

fn itemised<T: PartialEq>(
    field: &'static str,
    items: &[(T, String)],
) -> Result<(), InvalidRequest> {
    if items.is_empty() {
        return Err(InvalidRequest::new(field, "must have at least one item"));
    }
    for (index, (item, words)) in items.iter().enumerate() {
        required(field, words)?;
        if items
            .iter()
            .skip(index.saturating_add(1))
            .any(|(other, _)| other == item)
        {
            return Err(InvalidRequest::new(field, "names an item twice"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn each_item_of_rule_3_is_required() {
        type Change = fn(&mut NoticeItems);
        let changes: [(&str, Change); 11] = [
            ("notice.data", |items| items.data.clear()),
            ("notice.data", |items| items.data[0].1.clear()),
            ("notice.data", |items| {
                items.data.push(items.data[0].clone())
            }),
            ("notice.purposes", |items| items.purposes.clear()),
            ("notice.purposes", |items| {
                items.purposes[0].1 = " ".to_owned()
            }),
            ("notice.service", |items| items.service.clear()),
            ("notice.withdraw", |items| items.withdraw.clear()),
            ("notice.withdraw", |items| {
                items.withdraw = "http://lender.example.test/w".to_owned()
            }),
            ("notice.rights", |items| items.rights.clear()),
            ("notice.complain", |items| items.complain.clear()),
            ("notice.complain", |items| {
                items.complain = "tel:+911".to_owned()
            }),
        ];
        for (field, change) in changes {
            let mut items = testing::items();
            change(&mut items);
            let error = Notice::new("loan", "3", "en", "text", items).unwrap_err();
            assert_eq!(error.field(), field);
        }
    }

    #[test]
    fn a_notice_has_a_name_a_version_a_language_and_a_text() {
        for (field, id, version, language, text) in [
            ("notice.id", "", "3", "en", "text"),
            ("notice.version", "loan", "", "en", "text"),
            ("notice.language", "loan", "3", "", "text"),
            ("notice.language", "loan", "3", "English", "text"),
            ("notice.language", "loan", "3", "EN", "text"),
            ("notice.language", "loan", "3", "en-", "text"),
            ("notice.text", "loan", "3", "en", ""),
        ] {
            let error = Notice::new(id, version, language, text, testing::items()).unwrap_err();
            assert_eq!(error.field(), field);
        }
        let notice = Notice::new("loan", "3", "hi-IN", "text", testing::items()).unwrap();
        assert!(notice.is_text("text") && !notice.is_text("text "));
    }
}
