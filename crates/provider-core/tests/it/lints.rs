//! What a client does with requests that look wrong.

use provider_core::lint::{Lints, OnFinding, Rule};
use provider_core::{ErrorKind, Masked, Mobile, Outcome, Pan};

use crate::toy::{REPLY, SafeOrder, Stage, Toy, UnsafeOrder, signed};
use crate::traces::Traces;

/// A mobile number that is doubtful in no way, a PAN of a company and not of a person.
fn doubtful() -> SafeOrder {
    SafeOrder {
        pan: Some(Pan::parse("AAACT0001Z").unwrap()),
        ..SafeOrder::new()
    }
}

fn wrong() -> SafeOrder {
    SafeOrder {
        mobile: Mobile::parse("5000000001").unwrap(),
        ..doubtful()
    }
}

fn with(lints: Lints) -> Stage {
    let steps = [signed(REPLY), signed(REPLY)];
    Stage::with(steps, Toy::default(), |builder| builder.lints(lints))
}

#[tokio::test(start_paused = true)]
async fn a_finding_is_a_warning_with_field_and_rule_and_without_the_value_and_the_request_is_sent()
{
    let traces = Traces::new();
    let stage = Stage::new([signed(REPLY)]);
    stage.client.call(wrong()).await.unwrap();
    let text = traces.text();
    let warnings: Vec<_> = text
        .lines()
        .filter(|line| line.trim().starts_with("WARN"))
        .collect();
    assert_eq!(warnings.len(), 2, "{text}");
    assert!(
        warnings[0]
            .contains(r#"provider="toy" operation="order" field="mobile" rule="mobile-range""#),
        "{text}"
    );
    assert!(
        warnings[1].contains(r#"field="pan" rule="pan-holder""#),
        "{text}"
    );
    assert!(
        !text.contains("5000000001") && !text.contains("AAACT"),
        "{text}"
    );
    assert_eq!(stage.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_is_refused_on_request_and_what_is_doubtful_too_if_all_is() {
    for (on_finding, order, field) in [
        (OnFinding::RefuseWrong, wrong(), Some("mobile")),
        (OnFinding::RefuseWrong, doubtful(), None),
        (OnFinding::RefuseAll, doubtful(), Some("pan")),
        (OnFinding::Ignore, wrong(), None),
    ] {
        let stage = with(Lints::new(on_finding));
        let checked = stage.client.check(&order).map_err(|error| error.kind());
        let result = stage.client.call(order).await;
        match (result, field) {
            (Ok(_), None) => assert_eq!((checked, stage.requests()), (Ok(()), 1)),
            (Err(error), Some(field)) => {
                assert_eq!(checked, Err(ErrorKind::InvalidRequest));
                assert_eq!(
                    (error.kind(), error.outcome()),
                    (ErrorKind::InvalidRequest, Outcome::NotSent)
                );
                assert_eq!(error.invalid_request().unwrap().field(), field);
                assert_eq!((error.attempts(), stage.requests()), (0, 0));
            }
            (result, field) => panic!("{field:?}: {result:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_whole_aadhaar_number_is_never_sent() {
    // Any number of this form with a right check digit; it is made here so that none stands in a file.
    let order = |last: u8| UnsafeOrder {
        consent_text: Masked::new(format!("I, holder of 2222 2222 222{last}, agree")),
        ..UnsafeOrder::new()
    };
    let all = Rule::ALL
        .iter()
        .fold(Lints::new(OnFinding::Ignore), |lints, rule| {
            lints.allow(*rule)
        });
    let stage = with(all);
    let refused = (0..10).filter(|last| stage.client.check(&order(*last)).is_err());
    let refused: Vec<_> = refused.collect();
    assert_eq!(refused.len(), 1);
    let error = stage.client.call(order(refused[0])).await.unwrap_err();
    assert_eq!(error.invalid_request().unwrap().field(), "consent_text");
    assert!(!format!("{error} {error:?}").contains("2222"));
    assert_eq!(stage.requests(), 0);
}

#[test]
fn findings_can_be_had_without_a_call() {
    let stage = with(Lints::new(OnFinding::Ignore).allow(Rule::PanHolder));
    let findings = stage.client.lint(&wrong());
    let printed: Vec<_> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(
        printed,
        ["mobile: must begin as India's mobile numbers do: with 6, 7, 8 or 9 (mobile-range)"]
    );
    assert_eq!(stage.requests(), 0);
}
