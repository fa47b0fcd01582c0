//! `kyc faults`: the faults of a running sandbox.

use serde_json::{Map, Value, json};

use super::read::{items, number, segment, text};
use super::running::Running;
use crate::arguments::{FaultOn, Faults, FaultsCommand};
use crate::failure::Failure;
use crate::output::Output;

impl FaultOn {
    fn body(&self) -> Result<Value, Failure> {
        let malformed = || {
            Failure::configuration(
                "PROVIDER=FAULT",
                "must be such as finpass=503, finpass=503:3 or veriff=delay:1500",
            )
        };
        let (provider, fault) = self.fault.split_once('=').ok_or_else(malformed)?;
        let number = |text: &str| text.parse::<u64>().map_err(|_| malformed());
        let mut body = Map::new();
        body.insert("provider".to_owned(), provider.into());
        let (what, count) = match fault.split_once(':') {
            Some(("delay", milliseconds)) => (("delay_ms", number(milliseconds)?), None),
            Some((status, count)) => (("status", number(status)?), Some(number(count)?)),
            None => (("status", number(fault)?), None),
        };
        body.insert(what.0.to_owned(), what.1.into());
        if let Some(count) = count {
            body.insert("first".to_owned(), count.into());
        }
        for (name, value) in [
            ("operation", self.operation.as_deref()),
            ("journey", self.journey.as_deref()),
        ] {
            body.insert(name.to_owned(), value.into());
        }
        body.insert("after_effect".to_owned(), self.after_effect.into());
        body.insert("gateway_page".to_owned(), self.gateway_page.into());
        if let Some(rate) = &self.rate {
            let percent = rate.trim_end_matches('%').parse::<u64>();
            let percent = percent
                .map_err(|_| Failure::configuration("--rate", "must be a share such as 10%"))?;
            body.insert("percent".to_owned(), percent.into());
        }
        body.insert("seed".to_owned(), json!(self.seed));
        Ok(Value::Object(body))
    }
}

pub(crate) async fn run(arguments: Faults, output: Output) -> Result<(), Failure> {
    const PATH: &str = "/sandbox/faults";
    let fault = match arguments.command {
        None => {
            let list = Running::find()?.get(PATH).await?;
            if output.json {
                return output.answer(&list, None);
            }
            let faults = items(&list, "faults");
            if faults.is_empty() {
                return output.text("no fault is on");
            }
            return faults
                .iter()
                .try_for_each(|fault| output.text(&words(fault)));
        }
        Some(FaultsCommand::On(on)) => {
            let body = on.body()?;
            Running::find()?.post(PATH, &body).await?
        }
        Some(FaultsCommand::Off { id }) => {
            let id = segment("id", &id)?;
            Running::find()?.delete(&format!("{PATH}/{id}")).await?
        }
    };
    if output.json {
        return output.answer(&fault, None);
    }
    match fault.get("provider") {
        Some(_) => output.text(&words(&fault)),
        None => output.text(&format!(
            "{} is off",
            text(&fault, "id").unwrap_or_default()
        )),
    }
}

/// A fault in one line.
fn words(fault: &Value) -> String {
    let text = |name: &str| text(fault, name);
    let what = match (number(fault, "status"), number(fault, "delay_ms")) {
        (Some(status), _) if fault.get("after_effect") == Some(&Value::Bool(true)) => {
            format!("{status}, after the effect")
        }
        (Some(status), _) => status.to_string(),
        (None, Some(delay)) => format!("{delay} ms late"),
        (None, None) => String::new(),
    };
    let left = match number(fault, "left") {
        Some(left) => format!("{left} left"),
        None => "until it is switched off".to_owned(),
    };
    let id = text("id").unwrap_or_default();
    format!(
        "{id}  {} {}  {what}  {left}  journey {}   off: kyc faults off {id}",
        text("provider").unwrap_or_default(),
        text("operation").unwrap_or("any operation"),
        text("journey").unwrap_or("any"),
    )
}
