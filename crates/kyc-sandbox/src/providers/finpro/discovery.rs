//! What an organisation can choose from: aggregators, institutions, consent templates, and how well institutions work.
//!
//! Members and the words of an event are documented; errors, and what a filter without a match gets, are the sandbox's own
//! choice. The figures are invented.

use super::Finpro;
use super::body::invalid;
use super::fi_data::valid;
use super::request_consent::ACCOUNTS;
use crate::exchange::{Json, ReceivedRequest, Reply};
use crate::providers::aggregator::MY_CONSENTS;
use crate::state::bank::{BANKS, Bank};
use crate::state::iso;

const EVENTS: [&str; 8] = [
    "DISCOVERY",
    "LINKING-INIT",
    "LINKING-OTP",
    "CONSENT",
    "FI-REQUEST",
    "FI-FETCH",
    "FI-NOTIFICATION",
    "DELINKING",
];

const YEAR_MS: i64 = 365 * 24 * 60 * 60 * 1000;

/// Takes any body, because none is needed.
pub(super) fn aggregators(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    // Recorded replies lead nowhere.
    let is_recorded = finpro.simulation.ids.are_deterministic();
    let place = |id: &str, path: &str| match is_recorded {
        true => format!("https://{id}.example.test"),
        false => format!("{}{path}", request.origin()),
    };
    let row = |id: &String| {
        Json::Object(vec![
            ("name", format!("Invented {id}").into()),
            ("aaId", id.as_str().into()),
            ("webUrl", place(id, MY_CONSENTS).into()),
            ("apkUrl", format!("https://{id}.example.test/app").into()),
            (
                "logoUrl",
                format!("https://{id}.example.test/logo.png").into(),
            ),
            ("baseUrl", place(id, "").into()),
            ("status", "Active".into()),
        ])
    };
    let rows = finpro.settings.aggregators().iter().map(row).collect();
    finpro.success(vec![("data", Json::List(rows))])
}

pub(super) fn fips(finpro: &Finpro, _: &ReceivedRequest) -> Reply {
    let kinds = ACCOUNTS.map(|(kind, _)| kind.into());
    let fip = |bank: &Bank| {
        Json::Object(vec![
            ("fipId", bank.fip_id.into()),
            ("fipName", bank.name.into()),
            ("logoURL", "".into()),
            ("FiTypes", Json::List(kinds.clone().into())),
        ])
    };
    let fips = BANKS.iter().map(fip).collect();
    let data = Json::Object(vec![("fip_newlist", Json::List(fips))]);
    finpro.success(vec![("data", data)])
}

pub(super) fn products(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        let asked = body.text("productId")?.map(valid).transpose()?;
        let now_ms = finpro.simulation.clock.now_ms();
        let row = |product: &String| {
            Json::Object(vec![
                ("productName", "Invented product".into()),
                ("productCode", product.as_str().into()),
                ("productDescription", "Invented".into()),
                ("consentFrom", iso(now_ms).into()),
                ("consentTo", iso(now_ms.saturating_add(YEAR_MS)).into()),
                ("consentMode", "STORE".into()),
            ])
        };
        let products = finpro.settings.products().iter();
        let found = products.filter(|product| asked.is_none_or(|asked| asked == *product));
        Ok(finpro.success(vec![("data", Json::List(found.map(row).collect()))]))
    })
}

pub(super) fn health(finpro: &Finpro, request: &ReceivedRequest) -> Reply {
    finpro.flat(request, |body| {
        let (aggregators, asked_fips, events) = (
            body.texts("aaId")?,
            body.texts("fipIds")?,
            body.texts("eventTypes")?,
        );
        if aggregators.iter().any(|id| id.contains('@')) {
            return Err(invalid("aaId must not have an @"));
        }
        if !events.iter().all(|event| EVENTS.contains(event)) {
            return Err(invalid("eventTypes has an unknown one"));
        }
        let is_asked = |asked: &[&str], value: &str| asked.is_empty() || asked.contains(&value);
        let metric = |aggregator: &String| {
            let mut metric = vec![
                ("aaId", aggregator.as_str().into()),
                ("refreshRateInSec", 600_i64.into()),
                ("supported", true.into()),
            ];
            for (name, value) in [
                ("latencyP50", 650_i64),
                ("latencyP90", 720),
                ("latencyP95", 740),
                ("latencyP99", 800),
                ("latencyAvg", 680),
                ("latencyMax", 900),
                ("successRate", 99),
                ("timeoutRate", 1),
                ("accNotFoundRate", 0),
                ("serverErrorRate", 0),
            ] {
                metric.push((name, value.into()));
            }
            // Too little data.
            metric.push(("clientErrorRate", Json::Null));
            Json::Object(metric)
        };
        let known = finpro.settings.aggregators().iter();
        let metrics = known.filter(|id| is_asked(&aggregators, id)).map(metric);
        let metrics = Json::List(metrics.collect());
        let row = |fip: &str, event: &str| {
            Json::Object(vec![
                ("fipId", fip.into()),
                ("eventType", event.into()),
                ("aaWiseMetrics", metrics.clone()),
            ])
        };
        let fips = BANKS.iter().map(|bank| bank.fip_id);
        let rows = fips
            .filter(|fip| is_asked(&asked_fips, fip))
            .flat_map(|fip| {
                let asked = EVENTS.iter().filter(|event| is_asked(&events, event));
                asked.map(move |event| (fip, *event))
            })
            .map(|(fip, event)| row(fip, event))
            .collect();
        Ok(finpro.success(vec![("data", Json::List(rows))]))
    })
}
