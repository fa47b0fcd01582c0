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
use std::sync::{Arc, Mutex};
use std::thread;

use anyhow::{Result, ensure};
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
use provider_core::{ErrorKind, MetricsObserver};
use tokio::runtime::{Builder, Runtime};

use self::case::{Case, Stage};
use self::cell::{Cell, Report, World};
use self::transports::{Certificates, Kind, Roots, TRANSPORTS};
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

/// The table, before anything is run: every operation with its cases, which are the same ones in the same order for each.
pub(crate) struct Matrix(Vec<(Column, Vec<Case>)>);

/// The cells with their reports.
pub(crate) struct Run<'m> {
    /// In the order of the table.
    cells: Vec<Cell<'m>>,
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
            let cases = rows::all(&column);
            (column, cases)
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

    /// Every cell over these transports, in the order of the table. An operation that stands for no class runs over the first.
    fn cells(&self, kinds: &'static [Kind]) -> Vec<Cell<'_>> {
        let mut cells = Vec::new();
        for (column, cases) in &self.0 {
            let kinds = if column.represents {
                kinds
            } else {
                &kinds[..1]
            };
            for case in cases.iter().filter(|case| case.is_tried_on(column)) {
                for variant in &case.variants {
                    for once in case.hits(variant) {
                        cells.extend(kinds.iter().map(|kind| Cell {
                            case,
                            column,
                            kind,
                            variant,
                            once: *once,
                            report: Report::default(),
                        }));
                    }
                }
            }
        }
        cells
    }

    /// Runs every cell.
    pub(crate) fn run_all(&self, seed: u64) -> Result<Run<'_>> {
        let exporter = InMemoryMetricExporter::default();
        let meters = SdkMeterProvider::builder();
        let meters = meters.with_periodic_exporter(exporter.clone()).build();
        let (_servers, world) = self.world(seed, &meters)?;
        let mut cells = self.cells(TRANSPORTS);
        let before = descriptors()?;
        for (alone, lanes) in [(false, LANES), (true, 1)] {
            let cells = cells.iter_mut().filter(|cell| cell.case.alone == alone);
            let cells = Mutex::new(cells);
            let next = || cells.lock().unwrap().next();
            let lane = || std::iter::from_fn(next).for_each(|cell| cell.run(&world));
            thread::scope(|scope| (0..lanes).for_each(|_| drop(scope.spawn(lane))));
        }
        let left = descriptors()?.saturating_sub(before);
        let mut general = Vec::new();
        if left > SPARE_DESCRIPTORS {
            general.push(format!("I6: {left} file descriptors are left"));
        }
        for kind in TRANSPORTS {
            // This process has none.
            let made = (kind.make)(Roots::Platform, world.patience);
            if made.err().map(|error| error.kind()) != Some(ErrorKind::InvalidRequest) {
                general.push(format!("{} is made without root certificates", kind.name));
            }
        }
        let mut shared = capture::take_shared();
        meters.force_flush()?;
        shared.push_str(&format!("{:?}", exporter.get_finished_metrics()?));
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
    fn world(&self, seed: u64, meters: &SdkMeterProvider) -> Result<(Runtime, World)> {
        capture::install();
        let servers = server_threads()?;
        let world = World {
            servers: servers.handle().clone(),
            certificates: Certificates::new()?,
            search: Search::new(&planted::all(self.exchanges())),
            metrics: Arc::new(MetricsObserver::new(&meters.meter("kyc-proof"))),
            seed,
            patience: server::PATIENCE,
        };
        Ok((servers, world))
    }
}

/// The threads of servers: their own, so that a client's runtime holds nothing but the client's tasks.
fn server_threads() -> Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).enable_all();
    builder.on_thread_start(capture::ignore_this_thread);
    Ok(builder.build()?)
}

/// A server for each operation that refuses everything, in the documented form, and repeats what it was sent.
pub(crate) struct EchoingServers {
    servers: BTreeMap<String, server::Server>,
    _threads: Runtime,
}

impl EchoingServers {
    pub(crate) fn start(matrix: &Matrix) -> Result<Self> {
        let threads = server_threads()?;
        let mut servers = BTreeMap::new();
        for column in matrix.columns() {
            let answer = wire::Reply::new("400 Bad Request", column.refusal()).bytes();
            let route = column.operation().route;
            let starting = server::Server::start(Stage::Plain, None, route, answer);
            servers.insert(column.to_string(), threads.block_on(starting)?);
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

impl Run<'_> {
    /// What is wrong, with the cell it is wrong in.
    fn violations(&self) -> Vec<(Option<&Cell<'_>>, &str)> {
        let general = self.general.iter().map(|text| (None, text.as_str()));
        let cells = self.cells.iter().flat_map(|cell| {
            let texts = cell.report.violations.iter();
            texts.map(move |text| (Some(cell), text.as_str()))
        });
        general.chain(cells).collect()
    }

    /// How many bytes of output were searched.
    pub(crate) fn searched(&self) -> u64 {
        let cells = self.cells.iter().map(|cell| cell.report.searched);
        cells.sum::<u64>() + self.searched
    }

    /// How many lines each crate logged.
    pub(crate) fn lines_by_crate(&self) -> BTreeMap<&str, u64> {
        let mut by_crate = BTreeMap::new();
        for (target, lines) in self.cells.iter().flat_map(|cell| &cell.report.targets) {
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
    use std::sync::atomic::{AtomicBool, Ordering};
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
                make: |roots, connect| {
                    Ok(Arc::new(DefectiveTransport {
                        inner: (TRANSPORTS[0].make)(roots, connect)?,
                        defect: $defect,
                        used: AtomicBool::new(false),
                    }))
                },
            }),+]
        };
    }

    const DEFECTIVE: &[Kind] = defective![
        "panics" "sends twice" "logs headers" "logs the body" "takes memory" "leaves a task"
        "names another host" "says not sent" "works once"
    ];

    #[test]
    fn every_invariant_can_be_broken() {
        let mut matrix = Matrix::new();
        for (_, cases) in &mut matrix.0 {
            cases
                .retain(|case| case.fault == "chunks without an end" && case.name == "with an end");
            cases[0].alone = true;
        }
        let (_servers, mut world) = matrix.world(1, &SdkMeterProvider::default()).unwrap();
        world.patience = Duration::from_secs(1);
        for mut cell in matrix.cells(DEFECTIVE) {
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
            cell.run(&world);
            let found = &cell.report.violations;
            let broken = found.iter().any(|text| text.starts_with(invariant));
            assert!(broken, "{}: {found:?}", cell.name());
        }
    }

    #[test]
    fn the_published_table_is_what_the_rows_say() {
        let matrix = Matrix::new();
        for (operation, results) in table::by_operation(&matrix) {
            insta::assert_snapshot!(operation, results);
        }
        // As if every cell were as tabled.
        let mut run = Run {
            cells: matrix.cells(TRANSPORTS),
            general: Vec::new(),
            searched: 0,
        };
        let written = table::write(&matrix, &run);
        let published = include_str!("../../FAULTS.md");
        assert!(written == published, "`cargo xtask prove faults` writes it");
        run.cells[0].report.violations.push("I1".to_owned());
        let worse = table::write(&matrix, &run);
        assert!(worse.contains("| F1 name not found |") && worse != written);
        assert!(worse.contains(": 1 not as tabled."));
    }
}
