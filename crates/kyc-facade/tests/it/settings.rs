//! Providers by their settings, over one transport and with the same observers.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use kyc_facade::consent_hmac::Veriff;
use kyc_facade::deepvue_digilocker::Deepvue;
use kyc_facade::finpass::Finpass;
use kyc_facade::finpro_profile::Finpro;
use kyc_facade::provider_core::{
    CallEvent, CallObserver, ClientDefaults, InvalidRequest, Settings,
};
use kyc_facade::{Kyc, KycBuilder, SkipReason};
use kyc_sandbox::credentials::*;
use kyc_sandbox::{Sandbox, SandboxTransport};

use crate::sandbox::applicant;

/// The variables of all four, as a service has them.
fn variables() -> Vec<(&'static str, String)> {
    let urls = SandboxTransport::base_urls();
    let own = |text: &str| text.to_owned();
    vec![
        ("VERIFF_BASE_URL", urls.veriff.clone()),
        ("VERIFF_API_KEY", own(VERIFF_API_KEY)),
        (
            "VERIFF_SHARED_SECRET",
            format!("{VERIFF_SHARED_SECRET},an-older-one"),
        ),
        ("DEEPVUE_BASE_URL", urls.deepvue.clone()),
        ("DEEPVUE_CLIENT_ID", own(DEEPVUE_CLIENT_ID)),
        ("DEEPVUE_CLIENT_SECRET", own(DEEPVUE_CLIENT_SECRET)),
        ("FINPRO_BASE_URL", urls.finpro.clone()),
        ("FINPRO_CLIENT_ID", own(FINPRO_CLIENT_ID)),
        ("FINPRO_CLIENT_SECRET", own(FINPRO_CLIENT_SECRET)),
        ("FINPRO_ORGANISATION_ID", own(FINPRO_ORGANISATION_ID)),
        ("FINPRO_APP_IDENTIFIER", own(FINPRO_APP_IDENTIFIER)),
        ("FINPASS_BASE_URL", urls.finpass.clone()),
        ("FINPASS_API_KEY", own(FINPASS_API_KEY)),
        ("FINPASS_API_SECRET", own(FINPASS_API_SECRET)),
    ]
}

#[derive(Debug, Default)]
struct Seen(Mutex<BTreeSet<&'static str>>);

impl CallObserver for Seen {
    fn observe(&self, event: &CallEvent<'_>) {
        self.0.lock().unwrap().insert(event.provider);
    }
}

fn builder(sandbox: &Sandbox) -> KycBuilder {
    let defaults = ClientDefaults::new().transport(Arc::new(sandbox.transport()));
    Kyc::builder().client_defaults(defaults)
}

#[tokio::test(start_paused = true)]
async fn all_four_come_from_their_settings_with_one_transport_and_several_observers() {
    let sandbox = Sandbox::default();
    let (first, second) = (Arc::new(Seen::default()), Arc::new(Seen::default()));
    let defaults = ClientDefaults::new()
        .transport(Arc::new(sandbox.transport()))
        .observer(first.clone())
        .observer(second.clone());
    let kyc = Kyc::builder()
        .client_defaults(defaults)
        .providers_from(&Settings::of(variables()))
        .unwrap()
        .build();
    let report = kyc.onboard(applicant("9000000001")).await;
    assert!(report.is_complete(), "{report:?}");
    for seen in [first, second] {
        let seen = seen.0.lock().unwrap();
        assert_eq!(
            Vec::from_iter(&*seen),
            [&"deepvue", &"finpass", &"finpro", &"veriff"]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_without_settings_is_left_out() {
    let sandbox = Sandbox::default();
    let finpass = variables()
        .into_iter()
        .filter(|(name, _)| name.starts_with("FINPASS"));
    let kyc = builder(&sandbox).providers_from(&Settings::of(finpass));
    let report = kyc.unwrap().build().onboard(applicant("9000000001")).await;
    assert_eq!(report.consent.skipped(), Some(SkipReason::NoProvider));
    assert!(report.aggregator_consent.value().is_some() && report.is_complete());
}

#[test]
fn what_is_missing_or_wrong_is_named_and_no_value_is() {
    type Read = fn(&Settings) -> Result<(), InvalidRequest>;
    let providers: [(&[&'static str], usize, Read); 4] = [
        (Veriff::SETTINGS, 3, |from| {
            Veriff::from_settings(from).map(drop)
        }),
        (Deepvue::SETTINGS, 2, |from| {
            Deepvue::from_settings(from).map(drop)
        }),
        (Finpro::SETTINGS, 5, |from| {
            Finpro::from_settings(from).map(drop)
        }),
        (Finpass::SETTINGS, 2, |from| {
            Finpass::from_settings(from).map(drop)
        }),
    ];
    let names: BTreeSet<_> = providers
        .iter()
        .flat_map(|(names, ..)| names.iter())
        .collect();
    let documented = variables();
    assert_eq!(names, documented.iter().map(|(name, _)| name).collect());
    for (names, required, read) in providers {
        let error = read(&Settings::of::<&str, &str>([])).unwrap_err();
        assert_eq!(error.field().split(", ").count(), required, "{error}");
        for wrong in names {
            let with = |value: &str| {
                let mut variables = variables();
                variables.retain(|(name, _)| name != wrong);
                variables.push((wrong, value.to_owned()));
                read(&Settings::of(variables))
            };
            let error = with("http://CANARY.example.test\n").unwrap_err();
            assert_eq!(error.field(), *wrong);
            assert!(!error.to_string().contains("CANARY"), "{error}");
            if wrong.ends_with("_BASE_URL") {
                let error = with("http://kyc.example.test").unwrap_err();
                assert_eq!(
                    (error.field(), error.rule().contains("https")),
                    (*wrong, true)
                );
            }
        }
    }
    let none = builder(&Sandbox::default()).providers_from(&Settings::of::<&str, &str>([]));
    let error = none.unwrap_err();
    assert!(
        error.to_string().contains("no provider is configured"),
        "{error}"
    );
}

/// A test cannot set variables without unsafe code, and this process has none of them.
#[test]
fn the_environment_is_where_settings_are_read_by_default() {
    for error in [
        Veriff::from_environment().unwrap_err(),
        Deepvue::from_environment().unwrap_err(),
        Finpro::from_environment().unwrap_err(),
        Finpass::from_environment().unwrap_err(),
    ] {
        assert!(
            error.rule().starts_with("not set in the environment"),
            "{error}"
        );
    }
    let error = Kyc::from_environment().unwrap_err();
    assert!(
        error.to_string().contains("no provider is configured"),
        "{error}"
    );
}
