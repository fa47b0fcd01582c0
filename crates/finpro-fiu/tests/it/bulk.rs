//! Batches of consents: what is refused before it is sent, the form that is sent, what is believed, and the sandbox.

use finpro_fiu::{
    BulkConfig, BulkConsent, BulkStatus, ConfigId, ConsentId, ConsentsFile, GetAllFiData,
    GetBulkStatus, ListConsentsV3, ProductId, ReferenceId, RequestConsentV3, RetryEligible,
    ScheduleFiRequests, UploadFiRequests, UtcTime, Vua,
};
use kyc_sandbox::{FinproSettings, Sandbox, Settings};
use provider_core::serde_json::{Map, json};
use provider_core::testing::{ScriptedTransport, Step};
use provider_core::{ErrorKind, Outcome, VerificationError, request_from_json};

use crate::{answer, client, refused};

fn reference(text: &str) -> ReferenceId {
    ReferenceId::parse(text).unwrap()
}

fn consent(text: &str) -> BulkConsent {
    BulkConsent::new(ConsentId::parse(text).unwrap())
}

fn time(text: &str) -> UtcTime {
    UtcTime::parse(text).unwrap()
}

fn batch(consents: impl IntoIterator<Item = BulkConsent>) -> ScheduleFiRequests {
    ScheduleFiRequests::new(reference("batch-1"), consents)
}

fn file(text: &str) -> ConsentsFile {
    ConsentsFile::parse(text).unwrap()
}

#[test]
fn a_batch_that_breaks_a_rule_is_named_before_anything_is_sent() {
    let (early, late) = (time("2029-01-01T00:00:00Z"), time("2030-01-01T00:00:00Z"));
    assert_eq!(refused(&batch([])), "consents_list");
    let many = |count| (0..count).map(|index| consent(&format!("c-{index}")));
    assert_eq!(refused(&batch(many(10_001))), "consents_list");
    let most = client(ScriptedTransport::new([]));
    assert!(most.client().check(&batch(many(10_000))).is_ok());

    let long = "a".repeat(61);
    for text in ["abcd", &long, "a b c", "a.b.c", "é-é-é", "batch/1"] {
        let reference = || reference(text);
        let asked = [
            refused(&ScheduleFiRequests::new(reference(), [consent("c")])),
            refused(&UploadFiRequests::new(file("consentId\nc\n")).set_reference(reference())),
            refused(&GetBulkStatus::new(reference())),
        ];
        assert_eq!(asked, ["reference_id"; 3], "{text}");
    }
    let second = |row| refused(&batch([consent("c"), row]));
    assert_eq!(second(consent("c d")), "consents_list[1].consent_id");
    assert_eq!(
        second(consent("d").set_range(late, early)),
        "consents_list[1].fiDataRangeTo"
    );
    assert_eq!(
        refused(&batch([consent("c")]).set_range(late, early)),
        "fiDataRangeTo"
    );
    let upload = UploadFiRequests::new(file("consentId\nc\n")).set_range(late, early);
    assert_eq!(refused(&upload), "fiDataRangeTo");
    // A row's end before the batch's beginning.
    let half: ScheduleFiRequests = request_from_json(
        br#"{"reference_id":"batch-1","fiDataRangeFrom":"2030-01-01T00:00:00Z","consents_list":[{"consent_id":"c","fiDataRangeTo":"2029-01-01T00:00:00Z"}]}"#,
    )
    .unwrap();
    assert_eq!(refused(&half), "consents_list[0].fiDataRangeTo");

    let status = || GetBulkStatus::new(reference("batch-1"));
    let unknown = BulkStatus::from("DONE");
    assert_eq!(
        refused(&status().set_status([unknown])),
        "filters.status[0]"
    );
    let unknown = RetryEligible::from("yes");
    assert_eq!(
        refused(&status().set_retry_eligible(unknown)),
        "filters.retry_eligible"
    );
}

#[test]
fn a_reference_is_given_once_and_under_one_name() {
    for (members, field) in [
        (
            r#""reference_id":"batch-1","reference_id":"batch-1""#,
            "reference_id",
        ),
        (
            r#""reference_id":"batch-1","tracking_id":"batch-1""#,
            "tracking_id",
        ),
        (r#""tracking_id":"batch-1""#, "tracking_id"),
    ] {
        let json = format!(r#"{{"file":"consentId\nc\n",{members}}}"#);
        let error = request_from_json::<UploadFiRequests>(json.as_bytes()).unwrap_err();
        assert_eq!(error.field(), field, "{members}");
    }
}

#[test]
fn a_file_that_breaks_a_rule_is_refused() {
    let row = "c-1\n";
    let head = "consentId\n";
    let most = format!(
        "{head}{}",
        row.repeat((ConsentsFile::MAX_BYTES - head.len()) / row.len())
    );
    assert!(ConsentsFile::parse(&most).is_ok());
    let large = format!("{most}{row}");
    for text in [
        &*large,
        "",
        "\u{feff}consentId\nc\n",
        "consent_id\nc\n",
        "c-1\nc-2\n",
        "[{\"consentId\":",
        "{]",
        "consentId",
        "consentId\n \r\n",
        "[ ]",
        "consentId\nc\0\n",
        "consentId,consentId\nc,d\n",
        "consentId,fiDataRangeFrm\nc,2030-01-01T00:00:00.000Z\n",
    ] {
        let error = ConsentsFile::parse(text).unwrap_err();
        assert_eq!(error.field(), "file", "{}", text.len());
        let error = ConsentsFile::of_bytes(text.as_bytes()).unwrap_err();
        assert_eq!(error.field(), "file");
    }
    assert_eq!(
        ConsentsFile::of_bytes(b"consentId\n\xff\n")
            .unwrap_err()
            .rule(),
        "must be UTF-8"
    );
    let reversed = "fiDataRangeTo,consentId,fiDataRangeFrom\n,a,\n\
                    2029-01-01T00:00:00.000Z,c,2030-01-01T00:00:00.000Z\n";
    let error = ConsentsFile::parse(reversed).unwrap_err();
    assert_eq!(error.field(), "file[2].fiDataRangeTo");
    for (text, field) in [
        ("consentId\nc,d\n", "file[1]"),
        ("consentId,configId\nc,d\ne\n", "file[2]"),
        ("consentId,configId\nc,\"d\n", "file[1]"),
        ("consentId,configId\nc,d\"\n", "file[1]"),
        ("consentId,configId\nc,\"d\"e\n", "file[1]"),
        ("consentId,\"configId\nc,d\n", "file"),
    ] {
        assert_eq!(
            ConsentsFile::parse(text).unwrap_err().field(),
            field,
            "{text}"
        );
    }
    for text in [
        "configId, \"consentId\" \r\n1,2",
        "consentId,configId\n\"c\",2030\n",
        "consentId,configId\n\"c \"\"d\"\", e\" , \"2030\"\n",
        " [{}]",
        "{}",
    ] {
        assert_eq!(
            format!("{:?}", file(text)),
            format!("ConsentsFile({} bytes)", text.len())
        );
    }
    assert_eq!(ConsentsFile::of_consents([]).unwrap_err().field(), "file");
    let error = ConsentsFile::of_consents(&[consent("c"), consent("c d")]).unwrap_err();
    assert_eq!(error.field(), "consents_list[1].consent_id");
}

#[tokio::test(start_paused = true)]
async fn a_file_is_sent_as_a_form_to_the_byte() {
    let (from, to) = (time("2029-01-01T00:00:00Z"), time("2030-01-01T00:00:00Z"));
    let rows = [
        consent("c-1").set_range(from, to),
        consent("c-2").set_config(ConfigId::parse("a,\"b\"").unwrap()),
    ];
    let config = BulkConfig::new(Map::from_iter([("retry".to_owned(), json!(true))]));
    let request = UploadFiRequests::new(ConsentsFile::of_consents(&rows).unwrap())
        .set_reference(reference("batch-1"))
        .set_global_config(config)
        .set_range(from, to)
        .set_config(ConfigId::parse("config-1").unwrap());
    let body = r#"{"ver":"1","data":{"reference_id":"batch-1"}}"#;
    let transport = ScriptedTransport::new([Step::respond(200, body)]);
    client(transport.clone())
        .upload_fi_requests(request)
        .await
        .unwrap();
    let sent = transport.only();
    assert_eq!(
        sent.headers["content-type"],
        "multipart/form-data; boundary=provider-core-0000000000000000"
    );
    assert_eq!(
        std::str::from_utf8(&sent.body).unwrap(),
        "--provider-core-0000000000000000\r\n\
         content-disposition: form-data; name=\"file\"; filename=\"consents.csv\"\r\n\
         content-type: text/csv\r\n\r\n\
         consentId,fiDataRangeFrom,fiDataRangeTo,configId\n\
         c-1,2029-01-01T00:00:00.000Z,2030-01-01T00:00:00.000Z,\n\
         c-2,,,\"a,\"\"b\"\"\"\n\r\n\
         --provider-core-0000000000000000\r\n\
         content-disposition: form-data; name=\"reference_id\"\r\n\r\nbatch-1\r\n\
         --provider-core-0000000000000000\r\n\
         content-disposition: form-data; name=\"global_config\"\r\n\
         content-type: application/json\r\n\r\n{\"retry\":true}\r\n\
         --provider-core-0000000000000000\r\n\
         content-disposition: form-data; name=\"fiDataRangeFrom\"\r\n\r\n2029-01-01T00:00:00.000Z\r\n\
         --provider-core-0000000000000000\r\n\
         content-disposition: form-data; name=\"fiDataRangeTo\"\r\n\r\n2030-01-01T00:00:00.000Z\r\n\
         --provider-core-0000000000000000\r\n\
         content-disposition: form-data; name=\"configId\"\r\n\r\nconfig-1\r\n\
         --provider-core-0000000000000000--\r\n"
    );
}

#[tokio::test(start_paused = true)]
async fn a_reply_about_another_batch_is_refused() {
    let body = r#"{"ver":"1","data":{"batch_status":"READY","reference_id":"batch-2"}}"#;
    let upload = UploadFiRequests::new(file("consentId\nc\n"));
    let schedule = answer(batch([consent("c")]), 200, body).await.unwrap_err();
    let named = upload.clone().set_reference(reference("batch-1"));
    let uploaded = answer(named, 200, body).await.unwrap_err();
    let status = GetBulkStatus::new(reference("batch-1"));
    let asked = answer(status, 200, body).await.unwrap_err();
    for error in [schedule, uploaded, asked] {
        let other = Some(&VerificationError::OtherRequest);
        assert_eq!(error.verification(), other);
    }
    assert!(answer(upload.clone(), 200, body).await.is_ok());
    let nameless = r#"{"ver":"1","data":{"batch_id":"b-1"}}"#;
    assert!(answer(batch([consent("c")]), 200, nameless).await.is_ok());
    let error = answer(upload, 200, nameless).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.outcome()),
        (ErrorKind::Decode, Outcome::Done)
    );
    assert!(error.settling().is_some());
    // Not members in their order.
    let list = r#"{"ver":"1","data":["batch-1","b-1"]}"#;
    let error = answer(batch([consent("c")]), 200, list).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
}

#[tokio::test(start_paused = true)]
async fn the_sandbox_takes_batches_once_and_tells_each_row() {
    let finpro = FinproSettings::default().with_pending_polls(1);
    let sandbox = Sandbox::new(
        Settings::default()
            .with_finpro(finpro)
            .with_body_limit(ConsentsFile::MAX_BYTES + 64 * 1024),
    );
    let client = client(sandbox.transport());
    let product = ProductId::parse("LOAN-1").unwrap();
    let vua = Vua::parse("9000000001@onemoney").unwrap();
    let asked = client.request_consent_v3(RequestConsentV3::new(product, vua));
    let handle = asked.await.unwrap().into_value().data.consent_handle;
    let listed = client.list_consents_v3(ListConsentsV3::Handles(vec![handle]));
    let id = listed.await.unwrap().value().data[0].consent_id.clone();
    let id = id.unwrap();

    let rows = || [BulkConsent::new(id.clone()), consent("unknown")];
    let scheduled = client.schedule_fi_requests(batch(rows())).await.unwrap();
    assert_eq!(scheduled.value().data.total_records, Some(2));
    let again = client
        .schedule_fi_requests(batch(rows()))
        .await
        .unwrap_err();
    assert_eq!(again.outcome(), Outcome::Refused);

    let status = || GetBulkStatus::new(reference("batch-1"));
    let tell = async |request| client.bulk_status(request).await.unwrap().into_value().data;
    assert_eq!(tell(status()).await.batch_status, BulkStatus::InProgress);
    let done = tell(status().set_include_balances(true)).await;
    assert_eq!(done.batch_status, BulkStatus::Completed);
    let summary = done.summary.unwrap();
    assert_eq!((summary.completed, summary.failed), (Some(1), Some(1)));
    let accounts = done.records[0].account_details.as_ref().unwrap();
    assert!(accounts[0].section("balance").is_some());
    assert_eq!(
        done.records[1].retry_eligible,
        Some(RetryEligible::WithModifications)
    );
    assert!(done.records[1].error.is_some());
    let failed = tell(status().set_status([BulkStatus::Failed])).await;
    assert_eq!(failed.records.len(), 1);
    let paged = tell(status().set_page(2, 1).set_search("")).await;
    assert_eq!((paged.records.len(), paged.records[0].id), (1, Some(2)));
    let page = paged.pagination.unwrap();
    assert_eq!((page.has_next, page.has_prev), (Some(false), Some(true)));
    // The data of the batch is there.
    let data = client.get_all_fi_data(GetAllFiData::of_consent(id.clone()));
    assert_eq!(data.await.unwrap().value().data.len(), 2);

    let csv = ConsentsFile::of_consents(&rows()).unwrap();
    let json = file(&format!(r#"[{{"consentId":"{}"}}]"#, id.as_str()));
    for (file, count) in [(csv, 2), (json, 1)] {
        let uploaded = client.upload_fi_requests(UploadFiRequests::new(file)).await;
        let made = uploaded.unwrap().into_value().data.reference_id.unwrap();
        let progress = tell(GetBulkStatus::new(made)).await;
        assert_eq!(progress.summary.unwrap().total, Some(count));
    }
    let named = UploadFiRequests::new(file("consentId\nc\n")).set_reference(reference("batch-1"));
    let again = client.upload_fi_requests(named).await.unwrap_err();
    assert_eq!(again.outcome(), Outcome::Refused);

    let unknown = client.bulk_status(GetBulkStatus::new(reference("other")));
    let error = unknown.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Api);
    assert_eq!(error.status().unwrap(), 404);
}
