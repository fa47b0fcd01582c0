//! The fault matrix: every operation of the catalogue, whatever the peer, the network or the machine does.
//!
//! Rows are [faults](rows), columns are [operations](mod@column); each cell is one fault at one operation over one
//! [transport](transports), with its expected result derived from the operation's idempotency, and ten invariants that hold
//! in every cell. `FAULTS.md` is written by this proof.

mod case;
mod cell;
mod child;
mod column;
mod observer;
mod rows;
mod server;
mod table;
mod transports;
mod wire;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use tokio::runtime::{Builder, Handle};

use self::case::{Level, Row};
use self::cell::{Cell, Report, World};
use self::column::Column;
use self::observer::Metrics;
use self::transports::{Authorities, Kind, TRANSPORTS};
use crate::Settings;
use crate::failure::{Failure, Result};
use crate::planted::capture;
use crate::planted::search::{Search, Source};
use crate::planted::{self, PlantedExchange};
use crate::process::descriptors;

/// Cells that run at the same time.
const LANES: usize = 8;

/// When a cell that does not end, in spite of every limit inside it, is given up.
const HANG: Duration = Duration::from_secs(120);

/// How many file descriptors may come and go with the machinery itself.
const SPARE_DESCRIPTORS: usize = 2;

pub(crate) use self::cell::printed;

pub(crate) fn run(settings: &Settings) -> Result<()> {
    let matrix = Matrix::new();
    if let Ok(index) = std::env::var(child::CELL) {
        return matrix.run_one(index.parse()?, settings.seed);
    }
    let run = matrix.run_all(settings.seed)?;
    table::print(&matrix, &run);
    let written = table::write(&matrix, &run);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("FAULTS.md");
    if settings.short {
        let committed = fs::read_to_string(&path).unwrap_or_default();
        if committed != written && run.violations().is_empty() {
            return Err(Failure::new(
                "FAULTS.md is not what was measured; `cargo xtask prove faults` writes it",
            ));
        }
    } else if run.violations().is_empty() {
        fs::write(&path, written)?;
        println!("  wrote crates/kyc-proof/FAULTS.md");
    }
    run.judge()
}

/// The table, before anything is run.
pub(crate) struct Matrix {
    rows: Vec<Row>,
    columns: Vec<Column>,
}

/// The reports of all cells.
pub(crate) struct Run {
    /// By the number of the cell.
    reports: BTreeMap<usize, Report>,
    /// Violations of no cell in particular.
    general: Vec<String>,
    /// Bytes of output that were searched outside the cells' own.
    searched: u64,
}

impl Matrix {
    /// The table of this workspace.
    pub(crate) fn new() -> Self {
        let (rows, columns) = (rows::all(), column::all());
        Self { rows, columns }
    }

    /// The exchanges of its columns.
    pub(crate) fn exchanges(&self) -> impl Iterator<Item = &PlantedExchange> {
        self.columns.iter().map(|column| &column.exchange)
    }

    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Every cell, in the order of the table.
    fn cells(&self) -> Vec<Cell<'_>> {
        self.cells_over(TRANSPORTS)
    }

    fn cells_over(&self, kinds: &'static [Kind]) -> Vec<Cell<'_>> {
        let place = case::Place {
            port: 1,
            bystander: 1,
        };
        let mut cells = Vec::new();
        let cases = self
            .rows
            .iter()
            .flat_map(|row| row.cases().iter().map(move |case| (row, case)));
        for (row, case) in cases {
            for column in &self.columns {
                let kinds = match (column.represents, row.level()) {
                    (true, _) => kinds,
                    (false, Level::Reply) => &kinds[..1],
                    (false, Level::Transport) => continue,
                };
                for (variant_at, variant) in case.variants(column, place).into_iter().enumerate() {
                    for hits in case.all_hits(column, &variant) {
                        cells.extend(kinds.iter().map(|kind| Cell {
                            index: 0,
                            row,
                            case,
                            column,
                            kind,
                            variant: variant_at,
                            variant_name: variant.name.clone(),
                            hits,
                            expected: case.expected(column, &variant, hits),
                        }));
                    }
                }
            }
        }
        for (index, cell) in cells.iter_mut().enumerate() {
            cell.index = index;
        }
        cells
    }

    /// Runs one cell, for the process that started this one.
    fn run_one(&self, index: usize, seed: u64) -> Result<()> {
        capture::install();
        let cells = self.cells();
        let cell = cells.get(index).ok_or(Failure::new("no such cell"))?;
        self.with_world(seed, true, |world| {
            let report = cell::run(cell, world);
            println!("{}{}", child::REPORT, serde_json::to_string(&report)?);
            Ok(())
        })
    }

    /// Runs every cell.
    pub(crate) fn run_all(&self, seed: u64) -> Result<Run> {
        capture::install();
        self.with_world(seed, false, |world| {
            let cells = self.cells();
            let before = descriptors()?;
            let (alone, together): (Vec<_>, Vec<_>) =
                cells.iter().partition(|cell| cell.case.alone);
            let mut reports = run_in_lanes(&together, world, LANES)?;
            reports.append(&mut run_in_lanes(&alone, world, 1)?);
            let left = descriptors()?.saturating_sub(before);
            let mut general = Vec::new();
            if left > SPARE_DESCRIPTORS {
                general.push(format!("I6: {left} file descriptors are left"));
            }
            let mut shared = capture::take_shared();
            shared.push_str(&world.recorded.text()?);
            for leak in world.search.leaks(shared.as_bytes(), Source::Anything) {
                general.push(format!(
                    "I4: {}, {}, on another thread",
                    leak.what, leak.form
                ));
            }
            Ok(Run {
                reports,
                general,
                searched: shared.len() as u64,
            })
        })
    }

    fn with_world<T>(
        &self,
        seed: u64,
        in_child: bool,
        work: impl FnOnce(&mut World) -> Result<T>,
    ) -> Result<T> {
        // The servers have threads of their own, so that a client's runtime holds nothing but the client's tasks.
        let servers = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .on_thread_start(capture::ignore_this_thread)
            .build()?;
        let handle: Handle = servers.handle().clone();
        let recorded = Metrics::new();
        let mut world = World {
            servers: handle,
            authorities: Authorities::new()?,
            search: Search::new(&planted::all(self.exchanges())),
            metrics: recorded.observer(),
            recorded,
            seed,
            patience: server::PATIENCE,
            in_child,
        };
        let result = work(&mut world);
        servers.shutdown_background();
        result
    }
}

/// A server for each operation that refuses everything, in the documented form, and repeats what it was sent.
pub(crate) struct EchoingServers {
    _runtime: tokio::runtime::Runtime,
    servers: Vec<(String, server::Server)>,
}

impl EchoingServers {
    pub(crate) fn start() -> Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .on_thread_start(capture::ignore_this_thread)
            .build()?;
        let mut servers = Vec::new();
        for column in column::all() {
            let answer = wire::answer("400 Bad Request", &[], column.refusal());
            let route = column.operation().route;
            let starting = server::Server::start(server::Listening::Open, None, route, answer);
            servers.push((column.to_string(), runtime.block_on(starting)?));
        }
        Ok(Self {
            _runtime: runtime,
            servers,
        })
    }

    /// The port of an operation's server, by `finpass initialize`.
    pub(crate) fn port(&self, operation: &str) -> u16 {
        let server = self.servers.iter().find(|(name, _)| name == operation);
        server.map_or(1, |(_, server)| server.port())
    }
}

fn run_in_lanes(
    cells: &[&Cell<'_>],
    world: &World,
    lanes: usize,
) -> Result<BTreeMap<usize, Report>> {
    let next = AtomicUsize::new(0);
    let running = Mutex::new(BTreeMap::new());
    let mut reports = BTreeMap::new();
    std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        for lane in 0..lanes {
            let (sender, next, running) = (sender.clone(), &next, &running);
            scope.spawn(move || {
                while let Some(cell) = cells.get(next.fetch_add(1, Ordering::Relaxed)) {
                    running.lock().unwrap().insert(lane, cell.name());
                    let report = cell::run(cell, world);
                    running.lock().unwrap().remove(&lane);
                    if sender.send((cell.index, report)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        loop {
            match receiver.recv_timeout(HANG) {
                Ok((index, report)) => reports.insert(index, report),
                Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(()),
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    // Its thread cannot be ended, so the process is.
                    let running = running.lock().unwrap();
                    eprintln!("error: I2: these cells do not end: {running:#?}");
                    std::process::exit(1);
                }
            };
        }
    })
    .map(|()| reports)
}

impl Run {
    /// What is wrong, with the cell it is wrong in.
    fn violations(&self) -> Vec<(Option<usize>, &str)> {
        let general = self.general.iter().map(|text| (None, text.as_str()));
        let cells = self.reports.iter().flat_map(|(index, report)| {
            let texts = report.violations.iter();
            texts.map(|text| (Some(*index), text.as_str()))
        });
        general.chain(cells).collect()
    }

    /// How many bytes of output were searched.
    pub(crate) fn searched(&self) -> u64 {
        let cells: u64 = self.reports.values().map(|report| report.searched).sum();
        cells + self.searched
    }

    /// How many lines each target logged.
    pub(crate) fn targets(&self) -> BTreeMap<&str, u64> {
        let mut targets = BTreeMap::new();
        for report in self.reports.values() {
            for (target, lines) in &report.targets {
                *targets.entry(target.as_str()).or_insert(0) += lines;
            }
        }
        targets
    }

    /// How many cells ran.
    pub(crate) fn cells(&self) -> usize {
        self.reports.len()
    }

    /// Planted values that were printed, a line each.
    pub(crate) fn leaks(&self) -> Vec<&str> {
        let texts = self.violations().into_iter().map(|(_, text)| text);
        texts.filter(|text| text.starts_with("I4")).collect()
    }

    fn judge(&self) -> Result<()> {
        match self.violations().len() {
            0 => Ok(()),
            1 => Err(Failure::new("one thing is not as tabled")),
            many => Err(Failure::new(format!("{many} things are not as tabled"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use provider_core::http::{HeaderValue, Request};
    use provider_core::{
        Body, ExchangeLimits, Idempotency, RawResponse, Transport, TransportError,
        TransportErrorKind, async_trait,
    };

    use super::case::Cases;
    use super::*;

    /// A defect of a transport, each against another invariant.
    #[derive(Debug, Clone, Copy)]
    enum Defect {
        Panics,
        SendsTwice,
        LogsHeaders,
        LogsBody,
        TakesMemory,
        LeavesATask,
        NamesAnotherHost,
        SaysNotSent,
        WorksOnce,
    }

    struct DefectiveTransport {
        inner: Arc<dyn Transport>,
        defect: Defect,
        used: AtomicBool,
    }

    impl fmt::Debug for DefectiveTransport {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("DefectiveTransport")
        }
    }

    #[async_trait]
    impl Transport for DefectiveTransport {
        async fn send(
            &self,
            mut request: Request<Body>,
            limits: ExchangeLimits,
        ) -> Result<RawResponse, TransportError> {
            match self.defect {
                Defect::Panics => panic!("a defect"),
                Defect::SendsTwice => {
                    self.inner.send(request.clone(), limits).await?;
                }
                Defect::LogsHeaders => {
                    for value in request.headers().values() {
                        tracing::trace!(value = ?value.as_bytes(), "header");
                    }
                }
                Defect::LogsBody => log::debug!("{:?}", request.body().bytes()),
                Defect::TakesMemory => drop(std::hint::black_box(vec![1_u8; 100 << 20])),
                Defect::LeavesATask => drop(tokio::spawn(std::future::pending::<()>())),
                Defect::NamesAnotherHost => {
                    let host = HeaderValue::from_static("elsewhere.example.test");
                    request.headers_mut().insert("host", host);
                }
                Defect::SaysNotSent => {
                    self.inner.send(request, limits).await?;
                    return Err(TransportError::new(TransportErrorKind::Connect));
                }
                Defect::WorksOnce if self.used.swap(true, Ordering::Relaxed) => {
                    return Err(TransportError::new(TransportErrorKind::Interrupted));
                }
                Defect::WorksOnce => {}
            }
            self.inner.send(request, limits).await
        }
    }

    macro_rules! defective {
        ($($defect:ident),+) => {
            &[$(Kind {
                name: stringify!($defect),
                make: |wanted| {
                    Ok(Arc::new(DefectiveTransport {
                        inner: (TRANSPORTS[0].make)(wanted)?,
                        defect: Defect::$defect,
                        used: AtomicBool::new(false),
                    }))
                },
            }),+]
        };
    }

    const DEFECTIVE: &[Kind] = defective![
        Panics,
        SendsTwice,
        LogsHeaders,
        LogsBody,
        TakesMemory,
        LeavesATask,
        NamesAnotherHost,
        SaysNotSent,
        WorksOnce
    ];

    #[test]
    fn every_invariant_can_be_broken() {
        capture::install();
        let matrix = Matrix::new();
        let rows = rows::all().into_iter();
        let mut row = rows.into_iter().find(|row| row.number == 28).unwrap();
        assert_eq!(row.fault, "slow and alive");
        if let Cases::Some(cases) = &mut row.cases {
            cases[0].alone = true;
        }
        let matrix = Matrix {
            rows: vec![row],
            ..matrix
        };
        matrix
            .with_world(1, false, |world| {
                world.patience = Duration::from_secs(1);
                for cell in matrix.cells_over(DEFECTIVE) {
                    let has_body = cell.column.operation().route.method().has_body();
                    if cell.kind.name == "LogsBody" && !has_body {
                        continue;
                    }
                    // A read may be done twice, so it is the number of requests that is wrong.
                    let is_unsafe = cell.column.operation().idempotency == Idempotency::Unsafe;
                    let invariant = match cell.kind.name {
                        "Panics" => "I1",
                        "SendsTwice" if is_unsafe => "I3",
                        "SendsTwice" => "I7",
                        "LogsHeaders" | "LogsBody" => "I4",
                        "TakesMemory" => "I5",
                        "LeavesATask" => "I6",
                        "NamesAnotherHost" => "I8",
                        "SaysNotSent" => "I9",
                        "WorksOnce" => "I10",
                        other => panic!("{other}"),
                    };
                    let report = cell::run(&cell, world);
                    let broken = |text: &String| text.starts_with(&format!("{invariant}:"));
                    assert!(
                        report.violations.iter().any(broken),
                        "{}: {:?}",
                        cell.name(),
                        report.violations
                    );
                }
                Ok(())
            })
            .unwrap();
    }

    #[test]
    fn the_published_table_is_what_the_rows_say() {
        let matrix = Matrix::new();
        let well = |cell: &Cell<'_>| (cell.index, Report::default());
        let mut run = Run {
            reports: matrix.cells().iter().map(well).collect(),
            general: Vec::new(),
            searched: 0,
        };
        let written = table::write(&matrix, &run);
        let published = include_str!("../../FAULTS.md");
        assert!(written == published, "`cargo xtask prove faults` writes it");
        run.reports
            .get_mut(&0)
            .unwrap()
            .violations
            .push("I1".to_owned());
        let worse = table::write(&matrix, &run);
        assert!(worse.contains("| F1 | name not found |") && worse != written);
        assert!(worse.contains(", 1 not."));
    }
}
