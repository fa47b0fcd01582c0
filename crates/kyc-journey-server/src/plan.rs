//! A plan that somebody wrote.

use kyc_journey::{
    AccountsPlan, CalendarUnit, DocumentsPlan, Frequency, Plan, Provider, VerificationPlan,
};
use provider_core::capability::AggregatorId;
use provider_core::jiff::SignedDuration;
use provider_core::{InvalidRequest, request_from_value};
use serde_json::Value;

/// Reads a plan that somebody wrote: unlike in one that is stored, a member that is not known is a slip of the pen.
///
/// # Errors
///
/// The first member that breaks a rule or is not known, by its path, and the rule; never a value.
pub fn plan_from_value(given: Value) -> Result<Plan, InvalidRequest> {
    let plan: Plan = request_from_value(given.clone())?;
    let known = serde_json::to_value(whole()).unwrap_or_default();
    if let Some(unknown) = unknown("", &given, &known) {
        return Err(InvalidRequest::new(unknown, "is not a member of a plan"));
    }
    plan.check()?;
    Ok(plan)
}

/// A plan that has every member; a test compares it with the schema.
fn whole() -> Plan {
    let life = Some(SignedDuration::from_hours(24));
    let every = Frequency {
        count: 1,
        unit: CalendarUnit::Day,
    };
    let accounts = AccountsPlan::new(Provider::FinPro)
        .set_default_aggregator(AggregatorId::parse("onemoney").ok())
        .set_every(Some(every))
        .set_sessions_a_month(Some(1))
        .set_data_life(life);
    Plan::new()
        .set_documents(Some(DocumentsPlan::new([]).set_data_life(life)))
        .set_accounts(Some(accounts))
        .set_verification(Some(VerificationPlan::new()))
}

/// The path of the first member that only one of them has.
fn unknown(path: &str, given: &Value, known: &Value) -> Option<String> {
    let (Value::Object(given), Value::Object(known)) = (given, known) else {
        return None;
    };
    given.iter().find_map(|(name, value)| {
        let path = match path {
            "" => name.clone(),
            path => format!("{path}.{name}"),
        };
        match known.get(name) {
            Some(found) => unknown(&path, value, found),
            None => Some(path),
        }
    })
}
