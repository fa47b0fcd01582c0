//! `kyc consent`: the ledger of consents beside a file of journeys.

pub(crate) mod erase;
mod show;
mod verify;
mod withdraw;

use std::io::{self, Write as _};

use kyc_consent::{Class, LedgerError};

use crate::arguments::{ConsentCommand, ConsentExport};
use crate::failure::Failure;
use crate::files::temporary;
use crate::storage::ledger::{Ledger, failed};
use crate::storage::place::Place;
use crate::terminal::output::Output;

pub(crate) async fn run(command: ConsentCommand, output: Output) -> Result<u8, Failure> {
    match command {
        ConsentCommand::Show(arguments) => show::run(&arguments, output).map(|()| 0),
        ConsentCommand::Verify(arguments) => verify::run(&arguments, output),
        ConsentCommand::Export(arguments) => export(&arguments, output).map(|()| 0),
        ConsentCommand::Withdraw(arguments) => withdraw::run(&arguments, output).await.map(|()| 0),
    }
}

fn export(arguments: &ConsentExport, output: Output) -> Result<(), Failure> {
    const OUT: &str = "--out";
    let ledger = Ledger::to_read(&Place::of(&arguments.store)?)?;
    let Some(path) = &arguments.out else {
        let mut lines = Vec::new();
        let exported = ledger.0.export(arguments.bodies, &mut lines);
        exported.map_err(|error| failed(&error))?;
        return output
            .bytes(&lines)
            .map_err(|error| Failure::Unprinted(error.kind()));
    };
    let written = |error: &io::Error| Failure::file(OUT, "written", error);
    let mut file = temporary::beside(path).map_err(|error| written(&error))?;
    let exported = ledger.0.export(arguments.bodies, &mut file);
    let head = exported.map_err(|error| match error {
        LedgerError::Unwritten(kind) => written(&kind.into()),
        error => failed(&error),
    })?;
    let stored = file.flush().and_then(|()| file.as_file().sync_all());
    stored.map_err(|error| written(&error))?;
    let placed = file.persist_noclobber(path);
    placed.map_err(|error| written(&error.error))?;
    output.told(&verify::head_text(&head))
}

/// A class in words for people and machines.
const fn class_name(class: Class) -> &'static str {
    match class {
        Class::Ledger => "ledger",
        Class::Identity => "identity",
        Class::AccountData => "account_data",
        Class::Documents => "documents",
        Class::Evidence => "evidence",
        Class::Transient => "transient",
        _ => "a class that is not known here",
    }
}
