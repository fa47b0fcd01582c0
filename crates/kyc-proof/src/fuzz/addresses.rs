//! Addresses: what is configured, and what an operation's path makes of it.

use kyc_proof::made_up;
use provider_core::{BaseUrl, PathId, Segment};
use url::Url;

use crate::parts::Parts;

/// An address and an id.
pub(crate) fn run(input: &[u8]) {
    let mut parts = Parts::of(input);
    let (Some(text), Some(id)) = (parts.text(), parts.text()) else {
        return;
    };
    let base = match BaseUrl::parse("BASE_URL", text) {
        Ok(base) => base,
        Err(error) => {
            // Its words are of a fixed list, and the input is not among them.
            assert_eq!(error.field(), "BASE_URL");
            assert!(error.rule().starts_with("must "));
            return;
        }
    };
    let written = base.to_string();
    assert_eq!(BaseUrl::parse("BASE_URL", &written).unwrap(), base);

    let id = PathId::parse("id", id)
        .unwrap_or_else(|_| PathId::parse("id", made_up::VERIFF_SESSION).unwrap());
    let path = [
        Segment::Literal("/v1/sessions/"),
        Segment::Id(&id),
        Segment::Literal("/consents"),
    ];
    let joined = base.join(&path).unwrap();
    assert_eq!(
        joined.to_string(),
        format!("{written}/v1/sessions/{}/consents", id.as_str())
    );
    assert!(joined.query().is_none());

    // What reqwest parses it with. An address that is none to this parser is refused before anything is sent.
    let (Ok(base), Ok(url)) = (Url::parse(&written), Url::parse(&joined.to_string())) else {
        return;
    };
    assert_eq!(url.origin(), base.origin());
    assert_eq!((url.query(), url.fragment()), (None, None));
    assert_eq!((url.username(), url.password()), ("", None));
    let segments: Vec<&str> = url.path_segments().unwrap().collect();
    let own = ["v1", "sessions", id.as_str(), "consents"];
    let prefix = written.split_once("://").unwrap().1.split('/').skip(1);
    assert!(segments.ends_with(&own), "{segments:?}");
    assert_eq!(segments.len(), prefix.count() + own.len(), "{segments:?}");
}
