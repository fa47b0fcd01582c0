//! `kyc faults`: the faults of a running sandbox.

use kyc_sandbox::Sandbox;
use serde_json::{Map, Value, json};

use super::read::{items, number, segment, text};
use super::running::Running;
use crate::arguments::parse::length;
use crate::arguments::{FaultOn, Faults, FaultsCommand};
use crate::failure::Failure;
use crate::terminal::output::Output;

impl FaultOn {
    fn body(&self) -> Result<Value, Failure> {
        let malformed = || {
            Failure::configuration(
                "PROVIDER=FAULT",
                "must be such as finpass=503, finpass=503:3 or veriff=delay:1.5s",
            )
        };
        let (provider, fault) = self.fault.split_once('=').ok_or_else(malformed)?;
        let number = |text: &str| text.parse::<u64>().map_err(|_| malformed());
        let mut body = Map::new();
        body.insert("provider".to_owned(), provider.into());
        let (what, count) = match fault.split_once(':') {
            Some(("delay", late)) => (("delay_ms", delay(late).ok_or_else(malformed)?), None),
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

    /// What the sandbox refused, as the argument that it came from.
    fn refused(&self, failure: Failure) -> Failure {
        let Failure::RefusedBySandbox(refused) = &failure else {
            return failure;
        };
        let argument = match refused.field() {
            "operation" => {
                let provider = self.fault.split('=').next();
                let known = Sandbox::operations().into_iter();
                let known = known.filter(|known| provider == Some(known.provider.as_str()));
                let names: Vec<_> = known.map(|known| known.name).collect();
                let rule = format!("must be one of {}", names.join(", "));
                return Failure::configuration("--operation", rule);
            }
            "journey" => "--journey",
            "percent" => "--rate",
            "seed" => "--seed",
            "after_effect" => "--after-effect",
            "gateway_page" => "--gateway-page",
            "provider" | "status" | "first" | "delay_ms" | "body" => "PROVIDER=FAULT",
            _ => return failure,
        };
        failure.for_field(argument)
    }
}

/// How late an answer is, in milliseconds, which a number alone is here.
fn delay(text: &str) -> Option<u64> {
    text.parse().ok().or_else(|| {
        let length = length("PROVIDER=FAULT", text).ok()?;
        u64::try_from(length.as_millis()).ok()
    })
}

const PATH: &str = "/sandbox/faults";

pub(crate) async fn run(arguments: Faults, output: Output) -> Result<(), Failure> {
    let fault = match arguments.command {
        None | Some(FaultsCommand::List) => {
            let list = Running::find()?.get(PATH).await?;
            if output.json {
                return output.answer(&list, None);
            }
            let faults = items(&list, "faults");
            if faults.is_empty() {
                return output.told("no fault is on");
            }
            return faults
                .iter()
                .try_for_each(|fault| output.told(&words(fault)));
        }
        Some(FaultsCommand::On(on)) => {
            let body = on.body()?;
            let posted = Running::find()?.post(PATH, &body).await;
            posted.map_err(|failure| on.refused(failure))?
        }
        Some(FaultsCommand::Off { id }) if id == "all" => return all_off(output).await,
        Some(FaultsCommand::Off { id }) => {
            let id = segment("id", &id)?;
            Running::find()?.delete(&format!("{PATH}/{id}")).await?
        }
    };
    if output.json {
        return output.answer(&fault, None);
    }
    match fault.get("provider") {
        Some(_) => output.told(&words(&fault)),
        None => output.told(&is_off(&fault)),
    }
}

/// Switches every fault off that is on.
async fn all_off(output: Output) -> Result<(), Failure> {
    let sandbox = Running::find()?;
    let list = sandbox.get(PATH).await?;
    let faults = items(&list, "faults");
    for id in faults.iter().filter_map(|fault| text(fault, "id")) {
        let off = sandbox.delete(&format!("{PATH}/{id}")).await?;
        if !output.json {
            output.told(&is_off(&off))?;
        }
    }
    match faults {
        faults if output.json => output.answer(&json!({"off": faults}), None),
        [] => output.told("no fault was on"),
        _ => Ok(()),
    }
}

fn is_off(fault: &Value) -> String {
    format!("{} is off", text(fault, "id").unwrap_or_default())
}

/// A fault in one line.
fn words(fault: &Value) -> String {
    let text = |name: &str| text(fault, name);
    let is = |name: &str| fault.get(name) == Some(&Value::Bool(true));
    let what = match (number(fault, "status"), number(fault, "delay_ms")) {
        (Some(status), _) if is("after_effect") => {
            format!("{status}, after the effect")
        }
        (Some(status), _) => status.to_string(),
        (None, Some(delay)) => format!("{delay} ms late"),
        (None, None) => String::new(),
    };
    let page = match is("gateway_page") {
        true => ", as a gateway's page",
        false => "",
    };
    let rate = match (number(fault, "percent"), number(fault, "seed")) {
        (Some(percent), Some(seed)) => format!("  {percent} % of requests, seed {seed}"),
        _ => String::new(),
    };
    let left = match number(fault, "left") {
        Some(left) => format!("{left} left"),
        None => "until it is switched off".to_owned(),
    };
    let id = text("id").unwrap_or_default();
    format!(
        "{id}  {} {}  {what}{page}{rate}  {left}  journey {}   off: kyc faults off {id}",
        text("provider").unwrap_or_default(),
        text("operation").unwrap_or("any operation"),
        text("journey").unwrap_or("any"),
    )
}
