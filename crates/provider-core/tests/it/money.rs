//! Amounts in replies and requests.

use provider_core::{Amount, Items, request_from_value};
use serde::Deserialize;
use serde_json::json;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    amount: Amount,
    #[serde(default, deserialize_with = "Amount::absent_if_empty")]
    balance: Option<Amount>,
}

#[test]
fn a_row_with_an_unreadable_amount_is_set_aside() {
    let json = r#"[{"amount":9007199254740993},{"amount":"1,000"},{"amount":"2","balance":""}]"#;
    let rows: Items<Row> = serde_json::from_str(json).unwrap();
    let amounts: Vec<_> = rows.iter().map(|row| row.amount.to_text()).collect();
    assert_eq!(amounts, ["9007199254740993", "2"]);
    assert_eq!(rows.unread().len(), 1);
    assert_eq!(rows[1].balance, None);
}

#[test]
fn a_request_names_the_member_and_the_rule() {
    let row: Row = request_from_value(json!({"amount": 12.5, "balance": "3"})).unwrap();
    assert_eq!(row.amount.to_text(), "12.5");
    for (member, value) in [
        ("amount", json!({"amount": "1,000"})),
        ("balance", json!({"amount": 1, "balance": true})),
    ] {
        let error = request_from_value::<Row>(value).unwrap_err();
        assert_eq!(error.field(), member);
        assert!(
            error.rule().starts_with("must be a decimal number"),
            "{error}"
        );
    }
}

#[test]
fn the_place_of_an_error_is_known() {
    let mut json = serde_json::Deserializer::from_str(r#"[{"amount":1},{"amount":{}}]"#);
    let error = serde_path_to_error::deserialize::<_, Vec<Row>>(&mut json).unwrap_err();
    assert_eq!(error.path().to_string(), "[1].amount");
}

/// Serde passes a flattened number on as a float; an error is better than a wrong amount.
#[test]
fn in_a_flattened_type_it_is_an_error_and_never_a_float() {
    #[derive(Debug, Deserialize)]
    struct Flat {
        #[serde(flatten)]
        row: Row,
    }
    for json in [r#"{"amount":9007199254740993}"#, r#"{"amount":"1"}"#] {
        let flat = serde_json::from_str::<Flat>(json);
        assert!(flat.map(|flat| flat.row.amount).is_err(), "{json}");
    }
}
