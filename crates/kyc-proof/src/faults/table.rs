//! The matrix as it is printed, and as `FAULTS.md` publishes it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use provider_core::Idempotency;

use super::case::{Case, Cases, Hits, Level, Row};
use super::cell::{Cell, Report};
use super::column::{Column, Size};
use super::transports::TRANSPORTS;
use super::{Matrix, Run};

/// The classes of operations, as columns of the published table.
const CLASSES: [Idempotency; 3] = [
    Idempotency::Unsafe,
    Idempotency::Repeatable,
    Idempotency::Safe,
];

/// One line: a case of a row, with all of its cells.
struct Line<'m> {
    row: &'m Row,
    case: &'m Case,
    cells: Vec<(&'m Cell<'m>, &'m Report)>,
}

impl Line<'_> {
    fn fault(&self) -> String {
        match self.case.name {
            "" => self.row.fault.to_owned(),
            name => format!("{}: {name}", self.row.fault),
        }
    }

    /// The expected results of a class: after one faulty exchange, and while they last.
    fn expected(&self, class: Idempotency) -> String {
        let mut texts: Vec<(String, Vec<String>)> = Vec::new();
        for column in self.columns(class) {
            let text = self.of_column(column);
            match texts.iter_mut().find(|(other, _)| *other == text) {
                Some((_, names)) => names.push(column.to_string()),
                None => texts.push((text, vec![column.to_string()])),
            }
        }
        let several = texts.len() > 1;
        let text = |(text, names): (String, Vec<String>)| match several {
            true => format!("{}: {text}", names.join(", ")),
            false => text,
        };
        let texts: Vec<_> = texts.into_iter().map(text).collect();
        match texts.is_empty() {
            true => "—".to_owned(),
            false => texts.join("<br>"),
        }
    }

    fn columns(&self, class: Idempotency) -> Vec<&Column> {
        let columns = self.cells.iter().map(|(cell, _)| cell.column);
        let mut columns: Vec<_> = columns
            .filter(|column| column.operation().idempotency == class)
            .collect();
        columns.dedup_by(|one, other| std::ptr::eq(*one, *other));
        columns
    }

    /// The expected results of an operation. Where they differ between variants, the rarer ones name them.
    fn of_column(&self, column: &Column) -> String {
        let mut hits: BTreeMap<usize, BTreeMap<bool, String>> = BTreeMap::new();
        let mut names: BTreeMap<usize, &str> = BTreeMap::new();
        for (cell, _) in &self.cells {
            if std::ptr::eq(cell.column, column) {
                let texts: Vec<_> = cell.expected.iter().map(ToString::to_string).collect();
                let of_variant = hits.entry(cell.variant).or_default();
                of_variant.insert(cell.hits == Hits::Always, texts.join(" or "));
                names.insert(cell.variant, &cell.variant_name);
            }
        }
        let mut by_text: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (variant, texts) in hits {
            let mut texts: Vec<_> = texts.into_values().collect();
            texts.dedup();
            by_text
                .entry(texts.join("; "))
                .or_default()
                .push(names[&variant]);
        }
        let mut groups: Vec<_> = by_text.into_iter().collect();
        // What is tolerated is the rest, if anything is.
        groups.sort_by_key(|(text, names)| (text.starts_with("ok"), names.len()));
        let Some((usual, _)) = groups.pop() else {
            return "—".to_owned();
        };
        let rare = groups
            .into_iter()
            .map(|(text, names)| format!("{text} at {}", names.join(" ")));
        let rare: Vec<_> = rare.collect();
        match rare.is_empty() {
            true => usual,
            false => format!("{}, else {usual}", rare.join(", ")),
        }
    }

    fn as_tabled(&self) -> usize {
        let well = |(_, report): &&(&Cell<'_>, &Report)| report.violations.is_empty();
        self.cells.iter().filter(well).count()
    }

    /// The case's note, and which operations have no such case.
    fn note(&self, matrix: &Matrix) -> String {
        let mut notes = Vec::new();
        if !self.case.note.is_empty() {
            notes.push(self.case.note.to_owned());
        }
        let has_none = |column: &&Column| {
            let here = |(cell, _): &(&Cell<'_>, &Report)| std::ptr::eq(cell.column, *column);
            let tried = column.represents || self.row.level() == Level::Reply;
            tried && !self.cells.iter().any(here)
        };
        let without: Vec<_> = matrix
            .columns
            .iter()
            .filter(has_none)
            .map(Column::to_string)
            .collect();
        if !without.is_empty() {
            let reason = match self.case.size {
                Size::Large => "no request is that long",
                Size::Usual => self.case.unless,
            };
            notes.push(format!("not {}: {reason}", without.join(", ")));
        }
        notes.join("; ")
    }
}

/// What a number of cells comes to in the summary.
struct Totals {
    rows: usize,
    not_applicable: usize,
    not_provoked: usize,
    cases: usize,
    cells: usize,
    as_tabled: usize,
}

impl Totals {
    fn of(matrix: &Matrix, run: &Run) -> Self {
        let count = |wanted: fn(&Cases) -> bool| {
            matrix.rows.iter().filter(|row| wanted(&row.cases)).count()
        };
        let well = |report: &&Report| report.violations.is_empty();
        let cases = matrix.rows.iter().map(|row| row.cases().len());
        Self {
            rows: matrix.rows.len(),
            not_applicable: count(|cases| matches!(cases, Cases::NotApplicable(_))),
            not_provoked: count(|cases| matches!(cases, Cases::NotProvoked(_))),
            cases: cases.sum(),
            cells: run.reports.len(),
            as_tabled: run.reports.values().filter(well).count(),
        }
    }

    fn sentence(&self, matrix: &Matrix) -> String {
        let Self {
            rows,
            not_applicable,
            not_provoked,
            cases,
            cells,
            as_tabled,
        } = self;
        format!(
            "{rows} rows ({not_applicable} not applicable, {not_provoked} not provoked here), {cases} cases, {} \
             operations, {} transports: {cells} cells, {as_tabled} as tabled, {} not",
            matrix.columns.len(),
            TRANSPORTS.len(),
            cells - as_tabled,
        )
    }
}

/// Prints what is not as tabled, and the figures. The table itself is published.
pub(super) fn print(matrix: &Matrix, run: &Run) {
    let cells = matrix.cells();
    for (index, text) in run.violations() {
        let cell = index.and_then(|index| cells.get(index));
        let name = cell.map_or_else(|| "all".to_owned(), Cell::name);
        println!("  NOT AS TABLED {name}: {text}");
    }
    let reports = run.reports.values();
    let calls: u32 = reports.clone().map(|report| report.calls).sum();
    let latest = run.reports.iter().max_by_key(|(_, report)| report.overrun);
    let memory = reports.clone().filter_map(|report| report.memory).max();
    println!("  {}", Totals::of(matrix, run).sentence(matrix));
    if let Some((index, report)) = latest {
        println!(
            "  {:.0} ms after its deadline ended the latest call, {}",
            report.overrun.as_secs_f64() * 1e3,
            cells[*index].name()
        );
    }
    println!(
        "  {calls} calls; at most {:.1} MiB of memory taken; {:.1} MiB of output searched",
        mebibytes(memory.unwrap_or_default()),
        mebibytes(run.searched()),
    );
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn lines<'m>(
    row: &'m Row,
    cases: &'m [Case],
    cells: &'m [Cell<'m>],
    run: &'m Run,
) -> Vec<Line<'m>> {
    let of_case = |case: &'m Case| {
        let cells = cells.iter().filter(|cell| std::ptr::eq(cell.case, case));
        let reported = cells.filter_map(|cell| Some((cell, run.reports.get(&cell.index)?)));
        Line {
            row,
            case,
            cells: reported.collect(),
        }
    };
    cases.iter().map(of_case).collect()
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
pub(super) fn write(matrix: &Matrix, run: &Run) -> String {
    let cells = matrix.cells();
    let mut text = INTRODUCTION.to_owned();
    let _ = writeln!(text, "\n{}.\n", Totals::of(matrix, run).sentence(matrix));
    for column in &matrix.columns {
        let (operation, signs) = (column.operation(), column.subject.signs());
        let class = operation.idempotency;
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
    let header: Vec<String> = CLASSES.iter().map(|class| format!("`{class:?}`")).collect();
    let _ = writeln!(
        text,
        "\n| | fault | {} | as tabled | note |\n|---|---|---|---|---|---:|---|",
        header.join(" | ")
    );
    for row in &matrix.rows {
        let cases = match &row.cases {
            Cases::Some(cases) => cases,
            Cases::NotApplicable(reason) => {
                let _ = writeln!(
                    text,
                    "| F{} | {} | — | — | — | | not applicable: {reason} |",
                    row.number, row.fault
                );
                continue;
            }
            Cases::NotProvoked(reason) => {
                let _ = writeln!(
                    text,
                    "| F{} | {} | | | | | not provoked here: {reason} |",
                    row.number, row.fault
                );
                continue;
            }
        };
        for line in lines(row, cases, &cells, run) {
            let _ = writeln!(
                text,
                "| F{} | {} | {} | {}/{} | {} |",
                row.number,
                line.fault(),
                CLASSES.map(|class| line.expected(class)).join(" | "),
                line.as_tabled(),
                line.cells.len(),
                line.note(matrix),
            );
        }
    }
    text
}
