//! The matrix as it is printed, and as `FAULTS.md` publishes it.

use std::collections::BTreeMap;
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

    fn of<'l>(&'l self, column: &'l Column) -> impl Iterator<Item = &'l Cell<'m>> {
        let cells = self.cells.iter().map(|(cell, _)| cell);
        cells.filter(move |cell| std::ptr::eq(cell.column, column))
    }

    /// The expected results of a class: after one faulty exchange, and while they last.
    fn expected(&self, matrix: &Matrix, class: Idempotency) -> String {
        let mut texts: Vec<(String, Vec<String>)> = Vec::new();
        let columns = matrix.columns();
        for column in columns.filter(|column| column.operation().idempotency == class) {
            let Some(text) = self.of_column(column) else {
                continue;
            };
            match texts.iter_mut().find(|(other, _)| *other == text) {
                Some((_, names)) => names.push(column.to_string()),
                None => texts.push((text, vec![column.to_string()])),
            }
        }
        match &texts[..] {
            [] => "—".to_owned(),
            [(text, _)] => text.clone(),
            _ => {
                let texts = texts.iter();
                let texts = texts.map(|(text, names)| format!("{}: {text}", names.join(", ")));
                texts.collect::<Vec<_>>().join("<br>")
            }
        }
    }

    /// The expected results of an operation. Where they differ between variants, the rarer ones name them.
    fn of_column(&self, column: &Column) -> Option<String> {
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
        let mut by_text: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (name, texts) in by_variant {
            by_text.entry(texts.join("; ")).or_default().push(name);
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

    /// The case's note, and which operations have no such case.
    fn note(&self, matrix: &Matrix) -> String {
        let mut notes: Vec<String> = Vec::new();
        notes.extend((!self.case().note.is_empty()).then(|| self.case().note.to_owned()));
        let has_none = |(column, _): &&(Column, _)| {
            let tried = column.represents || self.row.level() == Level::Reply;
            tried && self.of(column).next().is_none()
        };
        let without: Vec<_> = matrix.0.iter().filter(has_none).collect();
        if let Some((_, rows)) = without.first() {
            let mut rows = rows.iter().filter(|row| row.number == self.row.number);
            let reason = rows.next().map_or("", |row| row.cases()[self.at].unless);
            let without: Vec<_> = without
                .iter()
                .map(|(column, _)| column.to_string())
                .collect();
            notes.push(format!("not {}: {reason}", without.join(", ")));
        }
        notes.join("; ")
    }
}

fn is_as_tabled((_, report): &(Cell<'_>, Report)) -> bool {
    report.violations.is_empty()
}

/// The matrix in numbers.
fn totals(matrix: &Matrix, run: &Run<'_>) -> String {
    let (columns, rows) = (matrix.0.len(), &matrix.0[0].1);
    let without = |wanted: fn(&Cases) -> bool| {
        let rows = rows.iter().filter(|row| wanted(&row.cases));
        rows.count()
    };
    let cases: usize = rows.iter().map(|row| row.cases().len()).sum();
    let as_tabled = run.cells.iter().filter(|cell| is_as_tabled(cell)).count();
    format!(
        "{} rows ({} not applicable, {} not provoked here), {cases} cases, {columns} operations, {} transports: \
         {} cells, {as_tabled} as tabled, {} not",
        rows.len(),
        without(|cases| matches!(cases, Cases::NotApplicable(_))),
        without(|cases| matches!(cases, Cases::NotProvoked(_))),
        TRANSPORTS.len(),
        run.cells.len(),
        run.cells.len() - as_tabled,
    )
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
    println!("  {}", totals(matrix, run));
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

The expected result of a cell is derived from the operation's idempotency. `transport/unknown ×3 e3` reads: the call fails with the
kind `transport` and the outcome `unknown` after three attempts, and the server has done three times what was asked. `a; b` is the
fault in one exchange only, and in every exchange. `a or b` is a race: either is right, and it has to fit what the server saw.
`a at /x /y, else b` names places of the reply, as JSON pointers: what a reply cannot do without is reviewed here.

In every cell besides: no panic (I1); it ends by its deadline (I2); an `Unsafe` operation is done at most once a request id, and
once if the reply was read (I3); no planted value in any error, `Debug`, log, span or panic, at TRACE, of any crate (I4); at most
four times the body limit of memory (I5, in the cells that run alone); no task, connection or descriptor left (I6); attempts and pauses
follow the policy (I7); nothing is sent to any other address or route (I8); kind, outcome, attempts and effects as tabled, and no
byte received where nothing was sent (I9); and the next call on the same client works (I10).
";

/// The table as Markdown: nothing in it depends on the machine or the moment.
pub(super) fn write(matrix: &Matrix, run: &Run<'_>) -> String {
    let mut text = format!("{INTRODUCTION}\n{}.\n\n", totals(matrix, run));
    for column in matrix.columns() {
        let (class, signs) = (column.operation().idempotency, column.subject.signs());
        let represents = if column.represents {
            ", represents its class"
        } else {
            ""
        };
        let _ = writeln!(
            text,
            "- {column}: `{class:?}`, signs `{signs:?}`{represents}"
        );
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
            let name = match line.case().name {
                "" => String::new(),
                name => format!(": {name}"),
            };
            let _ = writeln!(
                text,
                "| F{number} | {fault}{name} | {} | {}/{} | {} |",
                CLASSES
                    .map(|class| line.expected(matrix, class))
                    .join(" | "),
                line.cells.iter().filter(|cell| is_as_tabled(cell)).count(),
                line.cells.len(),
                line.note(matrix),
            );
        }
    }
    text
}
