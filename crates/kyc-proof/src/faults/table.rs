//! The matrix as it is printed, and as `FAULTS.md` publishes it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use provider_core::Idempotency;

use super::case::{Case, Cases, Level, Row};
use super::cell::{Cell, Report};
use super::column::Column;
use super::transports::TRANSPORTS;
use super::{Matrix, Run};
use crate::process::mebibytes;

/// The classes of operations, as columns of the published table.
const CLASSES: [Idempotency; 3] = [
    Idempotency::Unsafe,
    Idempotency::Repeatable,
    Idempotency::Safe,
];

/// One line: a case of a row, with all of its cells.
struct Line<'m> {
    row: &'m Row,
    /// The place of the case in the row.
    at: usize,
    cells: Vec<&'m (Cell<'m>, Report)>,
}

impl<'m> Line<'m> {
    /// The lines of a row.
    fn all(row: &'m Row, run: &'m Run<'m>) -> Vec<Self> {
        let line = |at: usize| {
            let of_case = |(cell, _): &&(Cell<'_>, Report)| {
                cell.row.number == row.number && std::ptr::eq(cell.case, &cell.row.cases()[at])
            };
            let cells = run.cells.iter().filter(of_case).collect();
            Self { row, at, cells }
        };
        (0..row.cases().len()).map(line).collect()
    }

    fn case(&self) -> &'m Case {
        &self.row.cases()[self.at]
    }

    fn name(&self) -> String {
        match (self.row.fault, self.case().name) {
            (fault, "") => fault.to_owned(),
            (fault, name) => format!("{fault}: {name}"),
        }
    }

    fn of<'l>(&'l self, column: &'l Column) -> impl Iterator<Item = &'l Cell<'m>> {
        let cells = self.cells.iter().map(|(cell, _)| cell);
        cells.filter(move |cell| std::ptr::eq(cell.column, column))
    }

    /// The expected results of this idempotency: after one faulty exchange, and while they last. Of operations whose replies
    /// are signed they stand apart where that makes a difference.
    fn expected(&self, matrix: &Matrix, idempotency: Idempotency) -> String {
        let of = |signed: bool| {
            let is = |column: &&Column| {
                column.operation().idempotency == idempotency && column.signs_replies() == signed
            };
            self.of_class(&matrix.columns().filter(is).collect::<Vec<_>>())
        };
        match (of(false), of(true)) {
            (Some(plain), Some(signed)) if plain != signed => {
                format!("{plain}<br>signed: {signed}")
            }
            (plain, signed) => plain.or(signed).unwrap_or_else(|| "—".to_owned()),
        }
    }

    /// What the operations of a class have in common, and then those that deviate, by name.
    fn of_class(&self, columns: &[&Column]) -> Option<String> {
        let mut texts: Vec<(String, Vec<String>)> = Vec::new();
        for column in columns {
            let Some(text) = self.of_column(column) else {
                continue;
            };
            match texts.iter_mut().find(|(other, _)| *other == text) {
                Some((_, names)) => names.push(column.to_string()),
                None => texts.push((text, vec![column.to_string()])),
            }
        }
        if self.is_by_place() {
            let results = columns.iter().flat_map(|column| self.by_variant(column));
            let results: BTreeSet<_> = results.map(|(_, text)| text).collect();
            let results: Vec<_> = results.into_iter().collect();
            return match &results[..] {
                [] => None,
                [text] => Some(text.clone()),
                _ => Some(format!("by place: {}", results.join(", "))),
            };
        }
        // The first of those that most have.
        texts.sort_by_key(|(_, names)| std::cmp::Reverse(names.len()));
        let mut texts = texts.into_iter();
        let (usual, _) = texts.next()?;
        let deviating = texts.map(|(text, names)| format!("<br>{}: {text}", names.join(", ")));
        Some(usual + &deviating.collect::<String>())
    }

    /// Whether the case is tried on each place of the reply, by its JSON pointer.
    fn is_by_place(&self) -> bool {
        let mut variants = self.cells.iter().map(|(cell, _)| cell.variant);
        variants.any(|variant| variant.name.starts_with('/'))
    }

    /// The expected results of an operation for each variant, after one faulty exchange, and while they last.
    fn by_variant(&self, column: &Column) -> Vec<(&'m str, String)> {
        let mut by_variant: Vec<(&str, Vec<String>)> = Vec::new();
        for cell in self.of(column) {
            let texts: Vec<_> = cell.expected.iter().map(ToString::to_string).collect();
            let text = texts.join(" or ");
            match by_variant.last_mut() {
                Some((name, texts)) if *name == cell.variant.name => {
                    texts.extend((texts.last() != Some(&text)).then_some(text));
                }
                _ => by_variant.push((&cell.variant.name, vec![text])),
            }
        }
        let joined = by_variant.into_iter();
        joined
            .map(|(name, texts)| (name, texts.join("; ")))
            .collect()
    }

    /// The expected results of an operation. Where they differ between variants, the rarer ones name them.
    fn of_column(&self, column: &Column) -> Option<String> {
        let mut by_text: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (name, text) in self.by_variant(column) {
            by_text.entry(text).or_default().push(name);
        }
        let mut groups: Vec<_> = by_text.into_iter().collect();
        // What is tolerated is the rest, if anything is.
        groups.sort_by_key(|(text, names)| (text.starts_with("ok"), names.len()));
        let (usual, _) = groups.pop()?;
        let rare = groups.iter();
        let rare: String = rare
            .map(|(text, names)| format!("{text} at {}, ", names.join(" ")))
            .collect();
        Some(match rare.is_empty() {
            true => usual,
            false => format!("{rare}else {usual}"),
        })
    }

    /// The case's note, and why operations have no such case.
    fn note(&self, matrix: &Matrix) -> String {
        let mut notes: Vec<String> = Vec::new();
        notes.extend((!self.case().note.is_empty()).then(|| self.case().note.to_owned()));
        let has_none = |(column, _): &&(Column, _)| {
            let tried = column.represents || self.row.level() == Level::Reply;
            tried && self.of(column).next().is_none()
        };
        let without = matrix.0.iter().filter(has_none);
        let mut rows = without.flat_map(|(_, rows)| rows);
        if let Some(row) = rows.find(|row| row.number == self.row.number) {
            let reason = row.cases()[self.at].unless;
            notes.push(format!("some have no such case: {reason}"));
        }
        notes.join("; ")
    }
}

/// The table in numbers, none of which another operation changes.
fn totals(matrix: &Matrix, run: &Run<'_>) -> String {
    let rows = &matrix.0[0].1;
    let without = |wanted: fn(&Cases) -> bool| {
        let rows = rows.iter().filter(|row| wanted(&row.cases));
        rows.count()
    };
    let cases: usize = rows.iter().map(|row| row.cases().len()).sum();
    format!(
        "{} rows ({} not applicable, {} not provoked here), {cases} cases, {} transports: {}",
        rows.len(),
        without(|cases| matches!(cases, Cases::NotApplicable(_))),
        without(|cases| matches!(cases, Cases::NotProvoked(_))),
        TRANSPORTS.len(),
        as_tabled(run.cells.iter()),
    )
}

fn as_tabled<'r>(cells: impl Iterator<Item = &'r (Cell<'r>, Report)>) -> String {
    match cells
        .filter(|(_, report)| !report.violations.is_empty())
        .count()
    {
        0 => "all".to_owned(),
        wrong => format!("{wrong} not"),
    }
}

/// The results of each operation by the places of its reply: what it cannot do without.
#[cfg(test)]
pub(super) fn places(matrix: &Matrix, run: &Run<'_>) -> Vec<(String, String)> {
    let lines = matrix.0[0].1.iter().flat_map(|row| Line::all(row, run));
    let lines: Vec<_> = lines.filter(Line::is_by_place).collect();
    let of = |column: &Column| {
        let line = |line: &Line<'_>| {
            let (number, name) = (line.row.number, line.name());
            Some(format!("F{number} {name}: {}", line.of_column(column)?))
        };
        let lines: Vec<_> = lines.iter().filter_map(line).collect();
        (column.to_string().replace(' ', "_"), lines.join("\n"))
    };
    matrix.columns().map(of).collect()
}

/// Prints what is not as tabled, and the figures. The table itself is published.
pub(super) fn print(matrix: &Matrix, run: &Run<'_>) {
    for (cell, text) in run.violations() {
        let name = cell.map_or_else(|| "all".to_owned(), Cell::name);
        println!("  NOT AS TABLED {name}: {text}");
    }
    let reports = || run.cells.iter().map(|(_, report)| report);
    let calls: u32 = reports().map(|report| report.calls).sum();
    let memory = reports().filter_map(|report| report.memory).max();
    println!(
        "  {} operations, {} cells; {} as tabled",
        matrix.0.len(),
        run.cells.len(),
        totals(matrix, run)
    );
    if let Some((cell, report)) = run.cells.iter().max_by_key(|(_, report)| report.overrun) {
        let late = report.overrun.as_secs_f64() * 1e3;
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
The table has what the operations of an idempotency have in common, with those apart whose replies are signed; an operation that
deviates is named.

The expected result of a cell is derived from the operation's idempotency. `transport/unknown ×3 e3` reads: the call fails with the
kind `transport` and the outcome `unknown` after three attempts, and the server has done three times what was asked. `a; b` is the
fault in one exchange only, and in every exchange. `a or b` is a race: either is right, and it has to fit what the server saw.
`a at x, else b` is a case in several forms. `by place: a, b` is one at each place of the reply: what each operation's reply cannot
do without is in `src/faults/snapshots`.

In every cell besides: no panic (I1); it ends by its deadline (I2); an `Unsafe` operation is done at most once a request id, and
once if the reply was read (I3); no planted value in any error, `Debug`, log, span or panic, at TRACE, of any crate (I4); at most
four times the body limit of memory (I5, in the cells that run alone); no task, connection or descriptor left (I6); attempts and pauses
follow the policy (I7); nothing is sent to any other address or route (I8); kind, outcome, attempts and effects as tabled, and no
byte received where nothing was sent (I9); and the next call on the same client works (I10).
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
    let classes = CLASSES.map(|class| format!("`{class:?}`")).join(" | ");
    let _ = writeln!(
        text,
        "\n| | fault | {classes} | as tabled | note |\n|---|---|---|---|---|---:|---|"
    );
    for row in &matrix.0[0].1 {
        let Row {
            number,
            fault,
            cases,
        } = row;
        let _ = match cases {
            Cases::NotApplicable(reason) => {
                writeln!(
                    text,
                    "| F{number} | {fault} | — | — | — | | not applicable: {reason} |"
                )
            }
            Cases::NotProvoked(reason) => {
                writeln!(
                    text,
                    "| F{number} | {fault} | | | | | not provoked here: {reason} |"
                )
            }
            Cases::Some(_) => Ok(()),
        };
        for line in Line::all(row, run) {
            let _ = writeln!(
                text,
                "| F{number} | {} | {} | {} | {} |",
                line.name(),
                CLASSES
                    .map(|class| line.expected(matrix, class))
                    .join(" | "),
                as_tabled(line.cells.iter().copied()),
                line.note(matrix),
            );
        }
    }
    text
}
