//! `kyc erase`.

use kyc_consent::{ErasureOrder, ErasureReason, KeptBy, KeptClass, Term};
use kyc_facade::provider_core::{Clock as _, SystemClock};
use serde_json::{Value, json};

use super::class_name;
use super::ledger::{Ledger, failed};
use crate::arguments::Erase;
use crate::failure::Failure;
use crate::output::Output;

pub(crate) fn run(arguments: &Erase, output: Output) -> Result<(), Failure> {
    let ledger = Ledger::existing(&arguments.store.db)?;
    let subject = ledger.someone(&arguments.whose)?;
    let now = SystemClock.now();
    let state = ledger.0.state(subject).map_err(|error| failed(&error))?;
    let is_live = |row: &&kyc_consent::ReceiptRow| row.rule.is_none() && row.is_live(now);
    if state.receipts.iter().any(|row| is_live(&row)) {
        let rule = "has a live consent, under which journeys go on; `kyc consent withdraw` ends it";
        return Err(Failure::configuration("SUBJECT", rule));
    }
    let order = ErasureOrder {
        reason: ErasureReason::Request,
        classes: None,
        relationship_ended: None,
    };
    let erasure = match arguments.dry_run {
        true => ledger.0.would_erase(subject, &order),
        false => ledger.0.erase(subject, &order),
    };
    let erasure = erasure.map_err(|error| failed(&error))?;
    let erased: Vec<&str> = erasure
        .erased
        .iter()
        .map(|erased| class_name(erased.class))
        .collect();
    if output.json {
        let answer = json!({
            "subject": subject.to_string(),
            "dry_run": arguments.dry_run,
            "erased": erased,
            "kept": erasure.kept.iter().map(kept).collect::<Vec<_>>(),
            "unlinked": erasure.unlinked,
        });
        return output.answer(&answer, None);
    }
    let (erases, unlinks) = match arguments.dry_run {
        true => ("would erase", "the mobile number would lead"),
        false => ("erased", "the mobile number leads"),
    };
    for class in erased {
        output.told(&format!("{erases} {class}"))?;
    }
    for class in &erasure.kept {
        let until = class.until.map(|until| format!(", until {until}"));
        let (name, why) = (class_name(class.class), why(class));
        output.told(&format!("kept {name}: {why}{}", until.unwrap_or_default()))?;
    }
    output.told(&match erasure.unlinked {
        true => format!("{unlinks} to the person no more"),
        false => format!("{unlinks} to the person still"),
    })
}

fn kept(class: &KeptClass) -> Value {
    json!({ "class": class_name(class.class), "why": why(class), "until": class.until })
}

fn why(class: &KeptClass) -> String {
    match &class.by {
        KeptBy::Hold { reason, by, .. } => format!("held for {reason}, by {by}"),
        KeptBy::Term(Term::ConsentRecord) => "records of consent are kept for 7 years".to_owned(),
        KeptBy::Term(Term::Pmla) => {
            "records of identity are kept for 5 years after the relationship".to_owned()
        }
        KeptBy::LiveReceipt => "another consent is live".to_owned(),
        _ => "something that is not known here".to_owned(),
    }
}
