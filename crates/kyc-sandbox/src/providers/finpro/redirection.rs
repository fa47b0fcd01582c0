//! Web redirection: to the aggregator, and what a return means.
//!
//! Members, rules and codes are documented; their HTTP status is a setting. The aggregator is this sandbox's pages, or what a
//! person's script says; what the parameters of a return hold is the sandbox's own choice.

use super::Finpro;
use super::body::invalid;
use super::customers::{FI, Returned};
use crate::exchange::{Json, ReceivedRequest, Reply};
use crate::providers::address::is_return_address;

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
        let return_url = body.text("redirectUrl")?;
        if return_url.is_some_and(|url| !is_return_address(url)) {
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
        if let Some(url) = return_url {
            finpro.return_to(&handles, url);
        }
        let url = finpro.redirection(request, "webRedirectionURL", &handles);
        let reply = finpro.success(vec![
            ("message", "Encrypted".into()),
            ("data", Json::Object(vec![url])),
        ]);
        Ok(reply.of_journey(consents.first().and_then(|consent| consent.journey)))
    })
}

pub(super) fn decrypt(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        let parameters = body.object("webRedirectionURL")?;
        let (ecres, resdate, fi) = (
            parameters.required("ecres")?,
            parameters.required("resdate")?,
            parameters.required("fi")?,
        );
        let ids = &finpro.simulation.ids;
        let known = finpro.returns.get(ecres);
        let code = ecres.parse().ok().or(*finpro.settings.journey_code());
        let returned = match (known, code) {
            (Some(known), _) if known.resdate == resdate && fi == FI => known,
            (None, Some(code)) => {
                let txnid = ids.uuid().to_string();
                let sessionid = ids.uuid().to_string();
                Returned {
                    handles: vec![ids.uuid().to_string()],
                    code,
                    userid: "9000000001@onemoney".to_owned(),
                    redirect: finpro.settings.return_url().clone(),
                    resdate: resdate.to_owned(),
                    ids: [txnid, sessionid],
                }
            }
            _ => return Err(invalid("this is no return from this sandbox's aggregator")),
        };
        let [txnid, sessionid] = returned.ids;
        let mut handles = returned.handles.into_iter();
        let srcref = match (handles.next(), handles.len()) {
            (Some(one), 0) => Json::Text(one),
            (first, _) => Json::List(first.into_iter().chain(handles).map(Json::Text).collect()),
        };
        let status = if returned.code == 0 { "S" } else { "F" };
        let data = Json::Object(vec![
            ("status", status.into()),
            ("errorcode", returned.code.to_string().into()),
            ("txnid", txnid.into()),
            ("sessionid", sessionid.into()),
            ("srcref", srcref),
            ("userid", returned.userid.into()),
            ("redirect", returned.redirect.into()),
        ]);
        Ok(finpro.success(vec![("message", "Decrypted".into()), ("data", data)]))
    })
}
