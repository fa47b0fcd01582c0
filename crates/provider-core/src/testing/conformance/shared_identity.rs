//! The suite of shared identity records.

use std::sync::Arc;

use super::setup::{Does, Setup, options, prints_nothing};
use crate::call::CallOptions;
use crate::capability::{SessionAccess, SharedIdentity};
use crate::values::Masked;

/// An identity record is read of the session that was granted, without the person's whole number, and as often as one likes.
///
/// The access to `session` and to `other`, another one, is complete at the peer, and their persons have a name in the record.
pub async fn shared_identity(
    setup: &Setup<dyn SharedIdentity>,
    session: SessionAccess,
    other: SessionAccess,
) {
    let identity = setup.client();
    assert!(!identity.provider_name().is_empty());
    identity
        .check_identity(&session)
        .expect("an access that can be sent");
    let read = |access: &SessionAccess| {
        let access = access.clone();
        async move |identity: Arc<dyn SharedIdentity>, options: CallOptions| {
            identity.read_identity(access.clone(), options).await
        }
    };
    let record = read(&session)(Arc::clone(&identity), options()).await;
    let record = record.expect("the record is read");
    let again = read(&session)(identity, options()).await;
    assert_eq!(again.expect("a read may be repeated"), record);

    let text = |text: &Option<Masked>| text.as_ref().map_or("", Masked::expose).to_owned();
    assert!(!text(&record.name).is_empty(), "the person has a name");
    let number = text(&record.masked_number);
    let digits = number.chars().filter(|char| char.is_numeric()).count();
    assert!(digits <= 4, "no more than the last digits of the number");
    let photo = record.photo.as_ref();
    if let Some(photo) = photo {
        photo.bytes(&photo.format).expect("a whole picture");
    }
    let address = record.address.clone().unwrap_or_default();
    let personal = [
        text(&record.name),
        text(&record.date_of_birth),
        number,
        text(&address.care_of),
        text(&address.street),
        text(&address.town),
        photo.map_or("", |photo| photo.original.expose()).to_owned(),
    ];
    let personal = personal.each_ref().map(String::as_str);
    prints_nothing(&personal, &format!("{record:?}"));
    setup
        .every_failure(Does::Read, &personal, read(&session))
        .await;
    setup.another_reply(read(&other), read(&session)).await;

    let aimless = SessionAccess {
        purpose: " ".to_owned(),
        ..session.clone()
    };
    let elsewhere = SessionAccess {
        session: session.session.clone().set_provider(Some("another")),
        ..session.clone()
    };
    for wrong in [aimless, elsewhere] {
        setup
            .nothing_is_sent(
                |identity| identity.provider_name(),
                Some(&|identity| identity.check_identity(&wrong)),
                read(&wrong),
            )
            .await;
    }
}
