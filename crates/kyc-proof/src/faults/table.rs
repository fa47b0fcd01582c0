//! The matrix as it is printed, and as `FAULTS.md` publishes it.

#[cfg(test)]
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::case::{Case, Variant};
use super::cell::Cell;
use super::column::Column;
use super::transports::TRANSPORTS;
use super::{Matrix, Run};
use crate::process::mebibytes;

/// A case, as it is for each operation that is tried on it.
type Line<'m> = Vec<(&'m Column, &'m Case)>;

fn lines(matrix: &Matrix) -> impl Iterator<Item = Line<'_>> {
    let number = matrix.0.first().map_or(0, |(_, cases)| cases.len());
    (0..number).map(|at| {
        let of_each = matrix.0.iter().map(|(column, cases)| (column, &cases[at]));
        let tried = of_each.filter(|(column, case)| case.is_tried_on(column));
        tried.collect()
    })
}

/// The expected result of a variant, or several, of which any is right.
fn result(case: &Case, variant: &Variant) -> String {
    let results = case.expect(variant);
    let results: Vec<_> = results.iter().map(ToString::to_string).collect();
    results.join(" or ")
}

/// The results of a case, of the operations whose replies are signed or of the others.
fn results(line: &Line<'_>, signed: bool) -> BTreeSet<String> {
    let cases = line
        .iter()
        .filter(|(column, _)| column.signs_replies() == signed);
    let of_case = |(_, case): &(&Column, &'_ Case)| -> Vec<String> {
        let variants = case.variants.iter();
        variants.map(|variant| result(case, variant)).collect()
    };
    cases.flat_map(of_case).collect()
}

/// The results of a case. Those of operations whose replies are signed stand apart where they are others.
fn joined(line: &Line<'_>) -> String {
    let of = |signed| Vec::from_iter(results(line, signed)).join("; ");
    match (of(false), of(true)) {
        (plain, signed) if plain == signed || signed.is_empty() => plain,
        (plain, signed) if plain.is_empty() => signed,
        (plain, signed) => format!("{plain}<br>signed: {signed}"),
    }
}

/// The case's note, and why operations have no such case.
fn note(line: &Line<'_>) -> String {
    let without = line.iter().find(|(_, case)| case.variants.is_empty());
    let reason = without.map(|(_, case)| format!("some have no such case: {}", case.unless));
    let notes = line.first().map(|(_, case)| case.note.to_owned());
    let notes: Vec<_> = notes.filter(|note| !note.is_empty()).into_iter().collect();
    [notes, reason.into_iter().collect()].concat().join("; ")
}

fn as_tabled<'r>(mut cells: impl Iterator<Item = &'r Cell<'r>>) -> String {
    let wrong = |cell: &&Cell<'_>| !cell.report.violations.is_empty();
    match cells.by_ref().filter(wrong).count() {
        0 => "all".to_owned(),
        wrong => format!("{wrong} not"),
    }
}

/// The table in numbers, none of which another operation changes.
fn totals(matrix: &Matrix, run: &Run<'_>) -> String {
    let cases = &matrix.0[0].1;
    let rows: BTreeSet<_> = cases.iter().map(|case| case.number).collect();
    format!(
        "{} rows, {} cases, {} transports: {}",
        rows.len(),
        cases.len(),
        TRANSPORTS.len(),
        as_tabled(run.cells.iter()),
    )
}

/// The results of each operation where they are not the same for all of its kind or at all places of its reply: what it cannot
/// do without.
#[cfg(test)]
pub(super) fn by_operation(matrix: &Matrix) -> Vec<(String, String)> {
    let lines: Vec<_> = lines(matrix).collect();
    let differ = |line: &&Line<'_>| {
        [true, false]
            .iter()
            .any(|signed| results(line, *signed).len() > 1)
    };
    let lines: Vec<_> = lines.iter().filter(differ).collect();
    let of = |column: &Column| {
        let cases = lines.iter().flat_map(|line| line.iter());
        let cases = cases.filter(|(other, _)| std::ptr::eq(*other, column));
        let texts = cases.filter_map(|(_, case)| {
            let mut by_result: BTreeMap<String, Vec<&str>> = BTreeMap::new();
            for variant in &case.variants {
                let names = by_result.entry(result(case, variant)).or_default();
                names.push(&variant.name);
            }
            let mut groups: Vec<_> = by_result.into_iter().collect();
            // What is tolerated is the rest, if anything is.
            groups.sort_by_key(|(text, names)| (text == "ok", names.len()));
            let (rest, _) = groups.pop()?;
            let at = groups
                .iter()
                .map(|(text, names)| format!("{text} at {}; ", names.join(" ")));
            let at: String = at.collect();
            let rest = if at.is_empty() {
                rest
            } else {
                format!("else {rest}")
            };
            Some(format!("{}: {at}{rest}", case.title()))
        });
        let texts: Vec<_> = texts.collect();
        (column.to_string().replace(' ', "_"), texts.join("\n"))
    };
    matrix.columns().map(of).collect()
}

/// Prints what is not as tabled, and the figures. The table itself is published.
pub(super) fn print(matrix: &Matrix, run: &Run<'_>) {
    for (cell, text) in run.violations() {
        let name = cell.map_or_else(|| "all".to_owned(), Cell::name);
        println!("  NOT AS TABLED {name}: {text}");
    }
    let calls: u32 = run.cells.iter().map(|cell| cell.report.calls).sum();
    let memory = run.cells.iter().map(|cell| cell.report.memory).max();
    println!(
        "  {} operations, {} cells; {} as tabled",
        matrix.0.len(),
        run.cells.len(),
        totals(matrix, run)
    );
    if let Some(cell) = run.cells.iter().max_by_key(|cell| cell.report.overrun) {
        let late = cell.report.overrun.as_secs_f64() * 1e3;
        println!(
            "  {late:.0} ms after its deadline ended the latest call, {}",
            cell.name()
        );
    }
    println!(
        "  {calls} calls; at most {} of memory taken; {} of output searched",
        mebibytes(memory.unwrap_or_default()),
        mebibytes(run.searched()),
    );
}

const INTRODUCTION: &str = "\
# The fault matrix

Written by `cargo xtask prove faults`; do not edit. `--short` fails if it is not what is measured.

Each row is a fault; each cell is that fault at one operation over one transport, against a server that speaks bytes. Operations
come from the catalogues of the clients, and their requests and replies from the fixtures. Rows that the core and the transport
decide about run for one operation of each class (idempotency and what is signed) over every transport; rows that a provider's
crate decides about run for every operation over the first transport, and for those of the classes over every other one too.

A result is that of one exchange: `transport/unknown` is the kind and the outcome of its error, and *done* says whether the server
has done what was asked. What an exchange comes to decides about the call, and each cell checks all of it:

- Nothing more: one attempt, and that is what the call comes to.
- *(repeated)*: three attempts while the fault lasts, and as many effects where it was done; another cell has the fault in one exchange
  only, and the call succeeds at the second attempt.
- *(repeated unless `Unsafe`)*: so for `Safe` and `Repeatable` operations, and one attempt for `Unsafe` ones.
- *(after a repeat)*: a later attempt failed in another way than an earlier one, and the outcome is the worse of them.
- `a or b` is a race: either is right, and it has to fit what the server saw. `a; b` is a case in several forms: which operation gives
  which, and at which place of its reply, is in `src/faults/snapshots`.

In every cell besides: no panic (I1); it ends by its deadline (I2); an `Unsafe` operation is done at most once a request id, and
once if the reply was read (I3); no planted value in any error, `Debug`, log, span or panic, at TRACE, of any crate (I4); at most
four times the body limit of memory (I5, in the cells that run alone); no task, connection or descriptor left (I6); attempts and pauses
follow the policy (I7); nothing is sent to any other address or route (I8); kind, outcome, attempts and effects as tabled, and no
byte received where nothing was sent (I9); and the next call on the same client works (I10).

In every cell the variables of the environment name a proxy, which nobody may contact, the machine has no root certificates, which a
transport that needs them says when it is built, and the wall clock jumps by an hour at each reading.

Not here, because it cannot happen to these operations: a stream of pages; a signed time, which no provider has; a journal (nothing is
kept on disk); fork() after the first use (no unsafe code). Not provoked: a monotonic clock that jumps, while sockets are real.
Elsewhere: HTTP/2, resolvers that hang and addresses that drop everything are in the tests of the transports, forms of `Retry-After` in
those of the core, rotated keys in those of consent-hmac, more forged signatures in `prove forgeries`, outages in `prove outage`.
";

/// The table as Markdown: nothing in it depends on the machine or the moment.
pub(super) fn write(matrix: &Matrix, run: &Run<'_>) -> String {
    let mut text = format!("{INTRODUCTION}\n{} as tabled.\n\n", totals(matrix, run));
    for column in matrix.columns().filter(|column| column.represents) {
        let (class, signs) = (column.operation().idempotency, column.subject.signs());
        let _ = writeln!(text, "- class: `{class:?}`, signs `{signs:?}`");
    }
    for kind in TRANSPORTS {
        let _ = writeln!(text, "- over {}", kind.name);
    }
    text.push_str("\n| fault | done | result | as tabled | note |\n|---|---|---|---:|---|\n");
    for line in lines(matrix) {
        let (_, first) = line[0];
        let done = line.iter().any(|(_, case)| case.is_done());
        let is_of =
            |cell: &&Cell<'_>| (cell.case.number, cell.case.name) == (first.number, first.name);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            first.title(),
            if done { "yes" } else { "no" },
            joined(&line),
            as_tabled(run.cells.iter().filter(is_of)),
            note(&line),
        );
    }
    text
}
