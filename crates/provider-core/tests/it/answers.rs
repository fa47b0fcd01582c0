//! The details of responses and errors.

use std::time::Duration;

use provider_core::testing::Step;
use provider_core::{
    Authenticity, CallOptions, CircuitBreaker, Error, ErrorKind, Idempotency, Outcome, RequestId,
    RetryPolicy, TransportErrorKind,
};

use crate::toy::{REPLY, SIGNATURE, SafeOrder, Stage, UnsafeOrder, signed, signed_with_status};

#[tokio::test(start_paused = true)]
async fn a_response_keeps_its_exchange_when_its_value_is_mapped() {
    let stage = Stage::new([
        Step::Fail(TransportErrorKind::Connect),
        signed_with_status(201, REPLY),
    ]);
    let id = RequestId::parse("order-7").unwrap();
    let options = CallOptions::new().with_request_id(id);
    let answer = stage.client.call(SafeOrder::new()).with_options(options);
    let answer = answer.await.unwrap();
    assert!(answer.elapsed() > Duration::ZERO);
    let elapsed = answer.elapsed();
    let answer = answer.map(|_| "another value");
    assert_eq!(*answer.value(), "another value");
    let printed = format!("{answer:?}");
    assert!(
        printed.starts_with("Response { status: 201, request_id: RequestId(order-7), attempts: 2")
    );
    assert_eq!(answer.status(), 201);
    assert_eq!(answer.authenticity(), Authenticity::Signed);
    assert_eq!(answer.request_id().as_str(), "order-7");
    assert_eq!(answer.attempts(), 2);
    assert_eq!(answer.elapsed(), elapsed);
    assert!(answer.headers().contains_key(SIGNATURE));
}

#[tokio::test(start_paused = true)]
async fn an_error_has_the_idempotency_of_its_operation() {
    let stage = Stage::new([signed("{}"), signed("{}")]);
    let error = stage.client.call(SafeOrder::new()).await.unwrap_err();
    assert_eq!(error.idempotency(), Some(Idempotency::Safe));
    let error = stage.client.call(UnsafeOrder::new()).await.unwrap_err();
    assert_eq!(error.idempotency(), Some(Idempotency::Unsafe));
    let of_no_call = Error::new(ErrorKind::Connect, Outcome::NotSent);
    assert_eq!(of_no_call.idempotency(), None);
}

#[test]
fn unset_options_have_the_standard_values() {
    assert_eq!(RetryPolicy::default(), RetryPolicy::standard());
    assert_eq!(CircuitBreaker::default(), CircuitBreaker::standard());
}
