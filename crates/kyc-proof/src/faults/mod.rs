//! The fault matrix: every operation of the catalogue, whatever the peer, the network or the machine does.
//!
//! Rows are [faults](rows), columns are [operations](mod@column); each cell is one fault at one operation over one
//! [transport](transports), with its expected result derived from the operation's idempotency, and ten invariants that hold
//! in every cell. `FAULTS.md` is written by this proof.

mod case;
mod cell;
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
use std::thread;

use anyhow::{Result, ensure};
use tokio::runtime::{Builder, Runtime};

use self::case::{Level, Row};
use self::cell::{Cell, Report, World};
use self::observer::Metrics;
use self::transports::{Authorities, Kind, TRANSPORTS};
use crate::Settings;
use crate::planted::capture;
use crate::planted::search::{Search, Source};
use crate::planted::{self, PlantedExchange};
use crate::process::descriptors;

/// Cells that run at the same time.
const LANES: usize = 8;

/// How many file descriptors may come and go with the machinery itself.
const SPARE_DESCRIPTORS: usize = 2;

pub(crate) use self::cell::printed;
pub(crate) use self::column::Column;

pub(crate) fn run(settings: &Settings) -> Result<()> {
    let matrix = Matrix::new();
    let run = matrix.run_all(settings.seed)?;
    table::print(&matrix, &run);
    let violations = run.violations().len();
    ensure!(violations == 0, "not as tabled: {violations}");
    let written = table::write(&matrix, &run);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("FAULTS.md");
    if settings.short {
        ensure!(
            fs::read_to_string(&path).unwrap_or_default() == written,
            "FAULTS.md is not what was measured; `cargo xtask prove faults` writes it"
        );
    } else {
        fs::write(&path, written)?;
        println!("  wrote crates/kyc-proof/FAULTS.md");
    }
    Ok(())
}

/// The table, before anything is run: every operation with its rows.
pub(crate) struct Matrix(Vec<(Column, Vec<Row>)>);

/// The reports of all cells.
pub(crate) struct Run<'m> {
    /// In the order of the table.
    cells: Vec<(Cell<'m>, Report)>,
    /// Violations of no cell in particular.
    general: Vec<String>,
    /// Bytes of output that were searched outside the cells' own.
    searched: u64,
}

impl Matrix {
    /// The table of this workspace.
    pub(crate) fn new() -> Self {
        let columns = column::all().into_iter();
        let columns = columns.map(|column| {
            let rows = rows::all(&column);
            (column, rows)
        });
        Self(columns.collect())
    }

    pub(crate) fn columns(&self) -> impl Iterator<Item = &Column> {
        self.0.iter().map(|(column, _)| column)
    }

    /// The exchanges of its columns.
    pub(crate) fn exchanges(&self) -> impl Iterator<Item = &PlantedExchange> {
        self.columns().map(|column| &column.exchange)
    }

    /// Every cell over these transports, in the order of the table.
    fn cells(&self, kinds: &'static [Kind]) -> Vec<Cell<'_>> {
        let mut cells = Vec::new();
        for (column, rows) in &self.0 {
            for row in rows {
                let kinds = match (column.represents, row.level()) {
                    (true, _) => kinds,
                    (false, Level::Reply) => &kinds[..1],
                    (false, Level::Transport) => continue,
                };
                let cases = row.cases().iter();
                let variants =
                    cases.flat_map(|case| case.variants.iter().map(move |variant| (case, variant)));
                for (case, variant) in variants {
                    for hits in case.all_hits(variant) {
                        cells.extend(kinds.iter().map(|kind| Cell {
                            index: 0,
                            row,
                            case,
                            column,
                            kind,
                            variant,
                            hits: *hits,
                            expected: case.expected(column, variant, *hits),
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

    /// Runs every cell.
    pub(crate) fn run_all(&self, seed: u64) -> Result<Run<'_>> {
        let (_servers, world) = self.world(seed)?;
        let cells = self.cells(TRANSPORTS);
        let before = descriptors()?;
        let (alone, together): (Vec<_>, Vec<_>) =
            cells.into_iter().partition(|cell| cell.case.alone);
        let mut cells = run_in_lanes(together, &world, LANES);
        cells.append(&mut run_in_lanes(alone, &world, 1));
        cells.sort_by_key(|(cell, _)| cell.index);
        let left = descriptors()?.saturating_sub(before);
        let mut general = Vec::new();
        if left > SPARE_DESCRIPTORS {
            general.push(format!("I6: {left} file descriptors are left"));
        }
        let mut shared = capture::take_shared();
        shared.push_str(&world.recorded.text()?);
        for leak in world.search.leaks(shared.as_bytes(), Source::Anything) {
            let (what, form) = (leak.what, leak.form);
            general.push(format!("I4: {what}, {form}, on another thread"));
        }
        Ok(Run {
            cells,
            general,
            searched: shared.len() as u64,
        })
    }

    /// What all cells share, with the threads of its servers.
    fn world(&self, seed: u64) -> Result<(Threads, World)> {
        capture::install();
        let servers = Threads::start()?;
        let recorded = Metrics::new();
        let world = World {
            servers: servers.0.handle().clone(),
            authorities: Authorities::new()?,
            search: Search::new(&planted::all(self.exchanges())),
            metrics: recorded.observer(),
            recorded,
            seed,
            patience: server::PATIENCE,
        };
        Ok((servers, world))
    }
}

/// The threads of servers: their own, so that a client's runtime holds nothing but the client's tasks.
struct Threads(Runtime);

impl Threads {
    fn start() -> Result<Self> {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(2).enable_all();
        builder.on_thread_start(capture::ignore_this_thread);
        Ok(Self(builder.build()?))
    }
}

/// A server for each operation that refuses everything, in the documented form, and repeats what it was sent.
pub(crate) struct EchoingServers {
    servers: BTreeMap<String, server::Server>,
    _threads: Threads,
}

impl EchoingServers {
    pub(crate) fn start(matrix: &Matrix) -> Result<Self> {
        let threads = Threads::start()?;
        let mut servers = BTreeMap::new();
        for column in matrix.columns() {
            let answer = wire::answer("400 Bad Request", &[], column.refusal());
            let route = column.operation().route;
            let starting = server::Server::start(case::Stage::Plain, None, route, answer);
            servers.insert(column.to_string(), threads.0.block_on(starting)?);
        }
        Ok(Self {
            servers,
            _threads: threads,
        })
    }

    /// The port of an operation's server, by `finpass initialize`.
    pub(crate) fn port(&self, operation: &str) -> u16 {
        self.servers[operation].port()
    }
}

fn run_in_lanes<'m>(cells: Vec<Cell<'m>>, world: &World, lanes: usize) -> Vec<(Cell<'m>, Report)> {
    let next = AtomicUsize::new(0);
    let lane = || {
        let cells = std::iter::from_fn(|| cells.get(next.fetch_add(1, Ordering::Relaxed)));
        cells
            .map(|cell| (cell.index, cell::run(cell, world)))
            .collect::<Vec<_>>()
    };
    let mut reports: BTreeMap<usize, Report> = thread::scope(|scope| {
        let lanes: Vec<_> = (0..lanes).map(|_| scope.spawn(lane)).collect();
        lanes
            .into_iter()
            .flat_map(|lane| lane.join().unwrap())
            .collect()
    });
    let with_report = |cell: Cell<'m>| {
        let report = reports.remove(&cell.index).unwrap();
        (cell, report)
    };
    cells.into_iter().map(with_report).collect()
}

impl Run<'_> {
    /// What is wrong, with the cell it is wrong in.
    fn violations(&self) -> Vec<(Option<&Cell<'_>>, &str)> {
        let general = self.general.iter().map(|text| (None, text.as_str()));
        let cells = self.cells.iter().flat_map(|(cell, report)| {
            let texts = report.violations.iter();
            texts.map(move |text| (Some(cell), text.as_str()))
        });
        general.chain(cells).collect()
    }

    /// How many bytes of output were searched.
    pub(crate) fn searched(&self) -> u64 {
        let cells: u64 = self.cells.iter().map(|(_, report)| report.searched).sum();
        cells + self.searched
    }

    /// How many lines each crate logged.
    pub(crate) fn lines_by_crate(&self) -> BTreeMap<&str, u64> {
        let mut by_crate = BTreeMap::new();
        for (target, lines) in self.cells.iter().flat_map(|(_, report)| &report.targets) {
            let name = target.split("::").next().unwrap_or_default();
            *by_crate.entry(name).or_insert(0) += lines;
        }
        by_crate
    }

    /// How many cells ran.
    pub(crate) fn cells(&self) -> usize {
        self.cells.len()
    }

    /// Planted values that were printed, a line each.
    pub(crate) fn leaks(&self) -> Vec<String> {
        let texts = self.violations().into_iter();
        let leaks = texts.filter(|(_, text)| text.starts_with("I4"));
        leaks.map(|(_, text)| text.to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    use std::time::Duration;

    use provider_core::http::{HeaderValue, Request};
    use provider_core::{
        Body, ExchangeLimits, Idempotency, RawResponse, Transport, TransportError,
        TransportErrorKind, async_trait,
    };

    use super::*;

    /// A transport with a defect, by the name of its kind.
    #[derive(Debug)]
    struct DefectiveTransport {
        inner: Arc<dyn Transport>,
        defect: &'static str,
        used: AtomicBool,
    }

    #[async_trait]
    impl Transport for DefectiveTransport {
        async fn send(
            &self,
            mut request: Request<Body>,
            limits: ExchangeLimits,
        ) -> Result<RawResponse, TransportError> {
            let again = self.used.swap(true, Ordering::Relaxed);
            match self.defect {
                "panics" => panic!("a defect"),
                "sends twice" => drop(self.inner.send(request.clone(), limits).await?),
                "logs headers" => {
                    for value in request.headers().values() {
                        tracing::trace!(value = ?value.as_bytes(), "header");
                    }
                }
                "logs the body" => log::debug!("{:?}", request.body().bytes()),
                "takes memory" => drop(std::hint::black_box(vec![1_u8; 100 << 20])),
                "leaves a task" => drop(tokio::spawn(std::future::pending::<()>())),
                "names another host" => {
                    let host = HeaderValue::from_static("elsewhere.example.test");
                    request.headers_mut().insert("host", host);
                }
                "says not sent" => {
                    self.inner.send(request, limits).await?;
                    return Err(TransportError::new(TransportErrorKind::Connect));
                }
                "works once" if again => {
                    return Err(TransportError::new(TransportErrorKind::Interrupted));
                }
                _ => {}
            }
            self.inner.send(request, limits).await
        }
    }

    macro_rules! defective {
        ($($defect:literal)+) => {
            &[$(Kind {
                name: $defect,
                make: |wanted| {
                    Ok(Arc::new(DefectiveTransport {
                        inner: (TRANSPORTS[0].make)(wanted)?,
                        defect: $defect,
                        used: AtomicBool::new(false),
                    }))
                },
            }),+]
        };
    }

    impl Matrix {
        /// As if every cell were as tabled.
        fn as_tabled(&self) -> Run<'_> {
            let cells = self.cells(TRANSPORTS).into_iter();
            Run {
                cells: cells.map(|cell| (cell, Report::default())).collect(),
                general: Vec::new(),
                searched: 0,
            }
        }
    }

    const DEFECTIVE: &[Kind] = defective![
        "panics" "sends twice" "logs headers" "logs the body" "takes memory" "leaves a task"
        "names another host" "says not sent" "works once"
    ];

    #[test]
    fn every_invariant_can_be_broken() {
        let mut matrix = Matrix::new();
        for (_, rows) in &mut matrix.0 {
            rows.retain(|row| row.fault == "slow and alive");
            let [
                Row {
                    cases: case::Cases::Some(cases),
                    ..
                },
            ] = &mut rows[..]
            else {
                panic!("one row");
            };
            cases[0].alone = true;
        }
        let (_servers, mut world) = matrix.world(1).unwrap();
        world.patience = Duration::from_secs(1);
        for cell in matrix.cells(DEFECTIVE) {
            let operation = cell.column.operation();
            // A read may be done twice, so it is the number of requests that is wrong.
            let is_unsafe = operation.idempotency == Idempotency::Unsafe;
            let invariant = match cell.kind.name {
                "panics" => "I1:",
                "sends twice" if is_unsafe => "I3:",
                "sends twice" => "I7:",
                "logs the body" if !operation.route.method().has_body() => continue,
                "logs headers" | "logs the body" => "I4:",
                "takes memory" => "I5:",
                "leaves a task" => "I6:",
                "names another host" => "I8:",
                "says not sent" => "I9:",
                _ => "I10:",
            };
            let found = cell::run(&cell, &world).violations;
            let broken = found.iter().any(|text| text.starts_with(invariant));
            assert!(broken, "{}: {found:?}", cell.name());
        }
    }

    #[test]
    fn the_published_table_is_what_the_rows_say() {
        let matrix = Matrix::new();
        let mut run = matrix.as_tabled();
        for (operation, places) in table::places(&matrix, &run) {
            insta::assert_snapshot!(operation, places);
        }
        let written = table::write(&matrix, &run);
        let published = include_str!("../../FAULTS.md");
        assert!(written == published, "`cargo xtask prove faults` writes it");
        run.cells[0].1.violations.push("I1".to_owned());
        let worse = table::write(&matrix, &run);
        assert!(worse.contains("| F1 | name not found |") && worse != written);
        assert!(worse.contains(": 1 not as tabled."));
        let other = run.cells[0].0.expected.clone();
        let of_one = |cell: &Cell<'_>| {
            cell.row.number == 39 && cell.column.to_string() == "finpass refresh-data"
        };
        let cells = run.cells.iter_mut().filter(|(cell, _)| of_one(cell));
        cells.for_each(|(cell, _)| cell.expected.clone_from(&other));
        let deviating = "<br>finpass refresh-data: connect/not_sent ×3 e0<br>";
        assert!(table::write(&matrix, &run).contains(deviating));
    }
}
