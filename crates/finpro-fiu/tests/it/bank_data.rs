//! Bank data of the sandbox, read through the types of ReBIT's deposits.

use std::time::Duration;

use finpro_fiu::rebit::{DepositAccount, DepositTransaction, Direction};
use finpro_fiu::{
    ConsentId, FiuClient, GetAllFiData, ListConsentsV3, ProductId, RequestConsentV3, RequestFi, Vua,
};
use kyc_sandbox::settings::{AccountBody, DepositVersion};
use kyc_sandbox::{FinproSettings, Sandbox, Settings};
use provider_core::lenient::Read;

use crate::client;

/// Longer than a person takes at an aggregator, or data to arrive.
const MINUTE: Duration = Duration::from_secs(60);

/// The data of a scripted person.
async fn accounts(sandbox: &Sandbox, mobile: &str) -> Vec<DepositAccount> {
    let client: FiuClient = client(sandbox.transport());
    let product = ProductId::parse("LOAN-1").unwrap();
    let vua = Vua::parse(&format!("{mobile}@onemoney")).unwrap();
    let asked = client.request_consent_v3(RequestConsentV3::new(product, vua));
    let handle = asked.await.unwrap().into_value().data.consent_handle;
    sandbox.advance(MINUTE).await;
    let listed = client.list_consents_v3(ListConsentsV3::Handles(vec![handle]));
    let listed = listed.await.unwrap().into_value().data;
    let consent: ConsentId = listed[0].consent_id.clone().unwrap();
    client
        .request_fi(RequestFi::new(consent.clone()))
        .await
        .unwrap();
    sandbox.advance(MINUTE).await;
    let all = client.get_all_fi_data(GetAllFiData::of_consent(consent));
    let all = all.await.unwrap().into_value().data;
    let accounts = all.iter().map(|account| account.read_as());
    accounts.collect::<Result<_, _>>().unwrap()
}

/// When it was, in milliseconds, and what it added, in hundredths of a rupee.
fn row(row: &DepositTransaction) -> (i64, i128) {
    let at = row.timestamp.value().unwrap().moment().unwrap();
    let amount = row.amount.value().unwrap().decimal();
    assert!(amount.scale() <= 2);
    let mut amount = amount;
    amount.rescale(2);
    let paise = match row.direction.value() {
        Some(Direction::Credit) => amount.mantissa(),
        Some(Direction::Debit) => amount.mantissa().saturating_neg(),
        other => panic!("{other:?}"),
    };
    (at.timestamp.as_millisecond(), paise)
}

#[tokio::test(start_paused = true)]
async fn every_row_of_every_form_is_read() {
    for archetype in [0, 8, 15, 16, 19] {
        let mut first = None;
        for (body, version) in [
            (AccountBody::AsDocumented, DepositVersion::One),
            (AccountBody::AsDocumented, DepositVersion::Two),
            (AccountBody::Rebit, DepositVersion::One),
            (AccountBody::Rebit, DepositVersion::Two),
        ] {
            let finpro = FinproSettings::default()
                .with_account_body(body)
                .with_deposit_version(version);
            let settings = Settings::default()
                .with_deterministic_ids(true)
                .with_finpro(finpro);
            let sandbox = Sandbox::new(settings);
            let accounts = accounts(&sandbox, &format!("90010000{archetype:02}")).await;
            assert_eq!(accounts.len(), if archetype == 8 { 3 } else { 1 });
            let mut all = Vec::new();
            for account in accounts {
                let summary = account.summary.as_ref().unwrap();
                for read in [
                    &summary.current_balance,
                    &summary.current_od_limit,
                    &summary.drawing_limit,
                ] {
                    assert!(read.value().is_some());
                }
                assert!(summary.opening_date.value().unwrap().date().is_some());
                assert_eq!(account.holders().len(), if archetype == 16 { 2 } else { 1 });
                let rows = &account.transactions.rows;
                assert_eq!(rows.unread_count(), 0);
                let balances = rows
                    .iter()
                    .filter(|row| row.balance.value().is_some())
                    .count();
                let absent = rows
                    .iter()
                    .filter(|row| matches!(row.balance, Read::Absent))
                    .count();
                assert_eq!(
                    (balances + absent, absent > 0),
                    (rows.len(), archetype == 19)
                );
                let assumed = rows
                    .iter()
                    .filter_map(|row| row.timestamp.value()?.moment());
                assert!(
                    assumed
                        .into_iter()
                        .all(|at| at.offset_assumed == (archetype == 19))
                );
                all.push(rows.iter().map(row).collect::<Vec<_>>());
            }
            let first = first.get_or_insert_with(|| all.clone());
            assert_eq!(first, &all, "{archetype} as {body:?}, {version:?}");
        }
    }
}
