//! Aggregators, institutions, templates and health: what is refused before it is sent, what is believed, and the sandbox.

use finpro_fiu::{
    AggregatorStatus, FipEventType, FipId, GetFipHealth, ListAggregators, ListFips, ListProducts,
    ProductId,
};
use kyc_sandbox::Sandbox;
use provider_core::ErrorKind;
use provider_core::testing::{ScriptedTransport, Step};

use crate::{answer, client, refused};

fn product(text: &str) -> ProductId {
    ProductId::parse(text).unwrap()
}

#[test]
fn a_member_that_breaks_a_rule_is_named_before_anything_is_sent() {
    let products = |text| refused(&ListProducts::new().set_product(product(text)));
    assert_eq!(products("a b"), "productId");
    for (ids, field) in [
        (&["onemoney", "a@finvu"][..], "aaId[1]"),
        (&[""], "aaId[0]"),
        (&[" "], "aaId[0]"),
    ] {
        let health = GetFipHealth::new().set_aggregators(ids.iter().copied());
        assert_eq!(refused(&health), field, "{ids:?}");
    }
    let health = GetFipHealth::new().set_event_types([FipEventType::from("OTHER")]);
    assert_eq!(refused(&health), "eventTypes[0]");
}

#[test]
fn a_request_without_members_is_an_object() {
    fn check<R: serde::de::DeserializeOwned + serde::Serialize>() {
        let read = |json: &str| serde_json::from_str::<R>(json);
        assert_eq!(
            serde_json::to_string(&read("{}").ok().unwrap()).unwrap(),
            "{}"
        );
        for json in ["[]", r#""CANARY""#] {
            let error = read(json).err().unwrap().to_string();
            assert_eq!(error, "request: must be an object");
        }
        assert!(read(r#"{"id":"CANARY"}"#).is_err());
    }

    check::<ListAggregators>();
    check::<ListFips>();
}

#[tokio::test(start_paused = true)]
async fn the_list_of_institutions_is_a_get_with_the_type_that_its_page_requires() {
    let body = r#"{"ver":"1","data":{"fip_newlist":[]}}"#;
    let transport = ScriptedTransport::new([Step::respond(200, body)]);
    client(transport.clone())
        .list_fips(ListFips::new())
        .await
        .unwrap();
    let sent = transport.only();
    assert_eq!((sent.method.as_str(), sent.body.len()), ("GET", 0));
    assert!(sent.uri.path().ends_with("/list/fips"));
    assert_eq!(sent.headers["content-type"], "application/json");
}

#[tokio::test(start_paused = true)]
async fn a_row_without_its_id_is_set_aside_and_a_success_without_the_list_is_none() {
    let body = r#"{"ver":"1","data":[{"aaId":"a"},{"name":"b"},7]}"#;
    let found = answer(ListAggregators::new(), 200, body).await.unwrap();
    assert_eq!((found.data.len(), found.data.unread_count()), (1, 2));
    let body = r#"{"ver":"1","data":{"fip_newlist":{"fipId":"one"}}}"#;
    let found = answer(ListFips::new(), 200, body).await.unwrap().data;
    assert_eq!(found.fip_newlist[0].fip_id.as_str(), "one");
    for (body, kind) in [
        (r#"{"ver":"1","data":{}}"#, ErrorKind::Decode),
        (r#"{"ver":"1","data":[]}"#, ErrorKind::Decode),
        // One member does not vouch for it.
        (r#"{"ver":"1"}"#, ErrorKind::Unrecognized),
    ] {
        let error = answer(ListFips::new(), 200, body).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn another_template_than_the_one_that_was_asked_for_is_refused() {
    let body = r#"{"ver":"1","status":"success","data":[{"productCode":"LOAN-2"}]}"#;
    let asked = ListProducts::new().set_product(product("LOAN-1"));
    let error = answer(asked, 200, body).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Verification);
    assert!(answer(ListProducts::new(), 200, body).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_figure_is_read_as_a_number_or_text_and_is_none_otherwise() {
    for (json, read) in [
        ("98.5", Some(98.5)),
        ("98", Some(98.0)),
        (r#""98.5""#, Some(98.5)),
        ("null", None),
        (r#""""#, None),
        (r#""NaN""#, None),
        ("1e999", None),
        ("[1]", None),
    ] {
        let metric = format!(r#"{{"aaId":"a","successRate":{json}}}"#);
        let row = format!(r#"{{"fipId":"f","aaWiseMetrics":{metric}}}"#);
        let body = format!(r#"{{"ver":"1","data":[{row}]}}"#);
        let found = answer(GetFipHealth::new(), 200, &body).await.unwrap().data;
        assert_eq!(found[0].aa_wise_metrics[0].success_rate, read, "{json}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_sandbox_tells_what_can_be_chosen() {
    let client = client(Sandbox::default().transport());
    let aggregators = client.list_aggregators(ListAggregators::new()).await;
    let aggregators = aggregators.unwrap().into_value().data;
    assert_eq!(aggregators.len(), 3);
    assert_eq!(aggregators[0].status, Some(AggregatorStatus::Active));
    let fips = client.list_fips(ListFips::new()).await.unwrap();
    let fips = fips.into_value().data.fip_newlist;
    assert_eq!(fips.len(), 3);
    let fip = fips[0].fip_id.clone();

    for (asked, found) in [("LOAN-1", 1), ("LOAN-2", 0)] {
        let request = ListProducts::new().set_product(product(asked));
        let products = client.list_products(request).await.unwrap();
        assert_eq!(products.value().data.len(), found, "{asked}");
    }
    let products = client.list_products(ListProducts::new()).await.unwrap();
    assert_eq!(products.value().data[0].product_code, product("LOAN-1"));

    let all = client.fip_health(GetFipHealth::new()).await.unwrap();
    assert_eq!(
        all.value().data.len(),
        24,
        "eight steps of three institutions"
    );
    let request = GetFipHealth::new()
        .set_aggregators([&*aggregators[1].aa_id])
        .set_fips([fip])
        .set_event_types([FipEventType::FiFetch]);
    let some = client.fip_health(request).await.unwrap().into_value().data;
    assert_eq!((some.len(), some[0].aa_wise_metrics.len()), (1, 1));
    let metric = &some[0].aa_wise_metrics[0];
    assert_eq!(metric.aa_id.as_deref(), Some(&*aggregators[1].aa_id));
    assert!(metric.client_error_rate.is_none());
    let other = GetFipHealth::new().set_fips([FipId::parse("other").unwrap()]);
    let none = client.fip_health(other).await.unwrap();
    assert!(none.value().data.is_empty());
}
