//! Web redirection: to the aggregator, and what a return means.
//!
//! Members, rules and codes are documented; their HTTP status is a setting. There is no aggregator to return from: the end of
//! a journey is the sandbox's own choice.

use super::Finpro;
use super::body::invalid;
use crate::exchange::{Json, ReceivedRequest, Reply};

pub(super) fn encrypt(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        let handles = body.texts("consentHandle")?;
        if handles.is_empty() || handles.contains(&"") {
            return Err(("FP0021", "missingConsentInfo"));
        }
        let is_v4 =
            |handle: &&str| uuid::Uuid::try_parse(handle).is_ok_and(|id| id.get_version_num() == 4);
        if !handles.iter().all(is_v4) {
            return Err(invalid("consentHandle is not valid"));
        }
        if body
            .text("redirectUrl")?
            .is_some_and(|url| !url.contains("://"))
        {
            return Err(invalid("redirectUrl is not valid"));
        }
        body.text("pan")?;
        let consents = finpro
            .consents
            .filter(|consent| handles.contains(&consent.handle.as_str()));
        if consents.len() < handles.len() {
            return Err(("FP0024", "invalid_consent_handle"));
        }
        let mut users = consents.iter().map(|consent| consent.user().0);
        let first = users.next();
        if users.any(|user| Some(user) != first) {
            return Err(("FP0024", "InvalidRequest"));
        }
        let known = |aggregator: &str| {
            finpro
                .settings
                .aggregators()
                .iter()
                .any(|known| known == aggregator)
        };
        if !consents.iter().all(|consent| known(consent.user().1)) {
            return Err(("FP0029", "InvalidAA"));
        }
        Ok(finpro.success(vec![
            ("message", "Encrypted".into()),
            (
                "data",
                Json::Object(vec![finpro.redirection("webRedirectionURL", &handles)]),
            ),
        ]))
    })
}

pub(super) fn decrypt(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        let parameters = body.object("webRedirectionURL")?;
        let (ecres, _, _) = (
            parameters.required("ecres")?,
            parameters.required("resdate")?,
            parameters.required("fi")?,
        );
        let code = ecres.parse().unwrap_or(*finpro.settings.journey_code());
        let text = |text: &str| Json::Text(text.to_owned());
        let data = Json::Object(vec![
            ("status", if code == 0 { text("S") } else { text("F") }),
            ("errorcode", code.to_string().into()),
            ("txnid", finpro.simulation.ids.uuid().to_string().into()),
            ("sessionid", finpro.simulation.ids.uuid().to_string().into()),
            ("srcref", finpro.simulation.ids.uuid().to_string().into()),
            ("userid", text("9000000001@onemoney")),
            ("redirect", text("https://lender.example.test/done")),
        ]);
        Ok(finpro.success(vec![("message", "Decrypted".into()), ("data", data)]))
    })
}
