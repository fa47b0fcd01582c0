//! What is stored can be read again.

use kyc_journey::{CorrelationToken, Journey, JourneyId};

#[test]
fn a_journey_of_a_newer_schema_is_refused_and_unknown_members_are_not() {
    let journey = Journey::new(JourneyId::from_bits(1));
    let stored = serde_json::to_string(&journey).unwrap();
    assert_eq!(serde_json::from_str::<Journey>(&stored).unwrap(), journey);
    let schema = format!("\"schema\":{}", Journey::SCHEMA);
    assert!(stored.contains(&schema), "{stored}");
    let extended = stored.replacen('{', "{\"later\":true,", 1);
    assert_eq!(serde_json::from_str::<Journey>(&extended).unwrap(), journey);
    for schema_of in [0, Journey::SCHEMA + 1] {
        let other = stored.replace(&schema, &format!("\"schema\":{schema_of}"));
        assert!(serde_json::from_str::<Journey>(&other).is_err(), "{other}");
    }
}

#[test]
fn a_token_is_stored_and_not_printed() {
    let token = CorrelationToken::from_bits(0x0123_4567_89ab_cdef);
    let stored = serde_json::to_string(&token).unwrap();
    assert_eq!(
        serde_json::from_str::<CorrelationToken>(&stored).unwrap(),
        token
    );
    assert_eq!(format!("{token:?}"), "CorrelationToken(***)");
    for text in [
        "",
        "0123",
        "0123456789ABCDEF0123456789ABCDEF",
        "+123456789abcdef0123456789abcdef",
    ] {
        assert!(CorrelationToken::parse(text).is_err(), "{text}");
    }
}
