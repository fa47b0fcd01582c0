//! A batch of the command that is ended and resumed, over and over, at a provider that fails in every way: its results
//! beside the provider's own list of whom it answered.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context as _, Result, ensure};
use fastrand::Rng;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::Settings;
use crate::process::program;

/// The rows of one batch.
const PEOPLE: u32 = 300;

/// How a run is ended. After the first two nobody waits for what is in flight.
const WAYS: [&[Signal]; 4] = [
    &[Signal::KILL],
    &[Signal::INT; 2],
    &[Signal::INT],
    &[Signal::TERM],
];

/// The address of a name server that says nothing.
const SILENT: &str = "127.53.53.53";

pub(crate) fn run(settings: &Settings) -> Result<()> {
    let mut rng = Rng::with_seed(settings.seed);
    let folder = tempfile::tempdir()?;
    let mut proof = Proof {
        kyc: program()?,
        silent: silent_resolver(folder.path())?,
        folder,
        runs: [0; 3],
        again: [0; 2],
    };
    let (ends, mut batches) = (if settings.short { 12 } else { 200 }, 0);
    while proof.runs[1] < ends {
        batches += 1;
        proof.batch(ends, &mut rng)?;
    }
    let ([runs, ends, silent], [again, window]) = (proof.runs, proof.again);
    println!(
        "  {batches} batches of {PEOPLE} rows: {runs} runs, {ends} ended by KILL, INT twice, INT or TERM, {silent} of these with a silent resolver\n  \
         0 lost, 0 of another person, every last word true; answered again {again}, allowed {window}: twice the concurrency of each run that did not wait"
    );
    Ok(())
}

struct Proof {
    kyc: PathBuf,
    /// What stands in place of `/etc/hosts` and `/etc/resolv.conf`, where this machine lets them be replaced.
    silent: Option<([PathBuf; 2], UdpSocket)>,
    folder: TempDir,
    /// Runs, those that were ended by a signal, those of them with a silent resolver.
    runs: [u32; 3],
    /// Answers that nobody kept, and how many there may be.
    again: [u64; 2],
}

impl Proof {
    /// Runs one batch to its end, with signals in between.
    fn batch(&mut self, ends: u32, rng: &mut Rng) -> Result<()> {
        let provider = Provider::start(rng.fork())?;
        let [input, out] =
            ["people.csv", "results.jsonl"].map(|name| self.folder.path().join(name));
        let rows: String = (0..PEOPLE).map(|person| mobile(person) + "\n").collect();
        fs::write(&input, format!("mobileNumber\n{rows}"))?;
        let mut window = 0;
        loop {
            let (before, written) = (provider.list().requests, rows_of(&out)?.len());
            let is_ended = self.runs[1] < ends;
            let silent = is_ended && self.silent.is_some() && rng.u32(..10) == 0;
            let concurrency = rng.u64(1..=32);
            let mut child = self.begin(&provider, [&input, &out], concurrency, silent, rng)?;
            let (way, after) = (WAYS[rng.usize(..WAYS.len())], rng.u64(..60));
            let until = Instant::now() + Duration::from_millis(after * 20);
            let is_time = || match silent {
                true => Instant::now() >= until,
                false => provider.list().requests >= before + after,
            };
            let ended = is_ended && end(&mut child, way, is_time)?;
            let output = child.wait_with_output()?;
            let asked = provider.requests() - before;
            let rows = rows_of(&out)?.len() - written;
            for (count, is_one) in self.runs.iter_mut().zip([true, ended, ended && silent]) {
                *count += u32::from(is_one);
            }
            let waits = !ended || way[0] != Signal::KILL && way.len() == 1;
            window += if waits { 0 } else { 2 * concurrency };
            ensure!(!silent || asked == 0, "asked without an address");
            if output.status.code().is_none() {
                // By the signal itself: before it is listened for, nothing has begun.
                let may = way[0] == Signal::KILL || (rows, asked) == (0, 0);
                ensure!(ended && may, "{way:?}: not a word");
                continue;
            }
            if output.stdout.is_empty() {
                // Before the batch begins there is nothing to sum up.
                let told = String::from_utf8_lossy(&output.stderr);
                let may = ended && (rows, asked) == (0, 0) && told.contains("nothing was sent");
                ensure!(may, "{way:?}: {rows} rows, {asked} requests: {told:?}");
                continue;
            }
            let summary = serde_json::from_slice(&output.stdout).context("not a summary")?;
            let is_true = is_true(&summary, rows, asked, waits);
            ensure!(is_true, "{way:?}: {rows} rows, {asked} requests: {summary}");
            let last = last_of_each(&out)?;
            // A row that failed by chance is asked again, as a user would do.
            let is_settled = |(person, row): (&u32, &Value)| {
                row["ask_again"] != true || always(*person).is_some()
            };
            // Where nothing is reached it gives up by itself, if no signal comes before.
            let gave_up = silent && summary["stopped"].is_string();
            if summary["interrupted"] == false && !gave_up {
                let all = last.len() == PEOPLE as usize;
                ensure!(all, "stopped before the last row: {summary}");
                if last.iter().all(is_settled) {
                    break;
                }
            }
        }
        let again = compare(&provider.list(), &last_of_each(&out)?)?;
        ensure!(again <= window, "{again} answered again, {window} allowed");
        self.again = [self.again[0] + again, self.again[1] + window];
        Ok(fs::remove_file(&out)?)
    }

    fn begin(
        &self,
        provider: &Provider,
        [input, out]: [&Path; 2],
        concurrency: u64,
        silent: bool,
        rng: &mut Rng,
    ) -> Result<Child> {
        let mut command = match (&self.silent, silent) {
            (Some((files, _)), true) => in_place_of(files, &self.kyc),
            _ => Command::new(&self.kyc),
        };
        let more = if rng.u32(..4) == 0 { " --in-order" } else { "" };
        let timeout = if silent { 1 } else { 60 };
        let arguments = format!(
            "finpro profile --json --resume --give-up-after 10 --timeout {timeout} --concurrency {concurrency}{more}"
        );
        let [input, out] =
            [("--batch", input), ("--out", out)].map(|(flag, file)| [Path::new(flag), file]);
        command
            .args(arguments.split(' '))
            .args(input)
            .args(out)
            .env_clear();
        command.env("FINPRO_BASE_URL", &provider.0);
        for name in "CLIENT_ID CLIENT_SECRET ORGANISATION_ID APP_IDENTIFIER".split(' ') {
            command.env(format!("FINPRO_{name}"), "of-this-proof");
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(Stdio::null());
        Ok(command.spawn()?)
    }
}

/// Sends the signals when it is time; `false` if the process has ended before.
fn end(child: &mut Child, way: &[Signal], is_time: impl Fn() -> bool) -> Result<bool> {
    while !is_time() {
        if child.try_wait()?.is_some() {
            return Ok(false);
        }
        thread::sleep(Duration::from_millis(1));
    }
    for (nth, signal) in way.iter().enumerate() {
        if child.try_wait()?.is_some() {
            return Ok(nth > 0);
        }
        kill_process(Pid::from_child(child), *signal)?;
        thread::sleep(Duration::from_millis(10));
    }
    Ok(true)
}

/// Whether what was told is what happened: nothing that was sent is denied, and what was not sent is neither a request nor
/// `unknown`, unless nobody waited for it.
fn is_true(summary: &Value, rows: usize, asked: u64, waits: bool) -> bool {
    let of = |name: &str| summary[name].as_u64().unwrap_or(u64::MAX);
    let (without_result, requests) = (of("without_result"), of("requests"));
    usize::try_from(of("rows")).is_ok_and(|told| told == rows)
        && (without_result == 0 || !waits)
        && (requests >= asked || without_result > 0)
        && match waits {
            true => requests.max(of("unknown")) <= asked,
            false => requests <= asked + of("unknown"),
        }
}

/// Compares the results with the provider's list. Returns the number of answers that nobody kept.
fn compare(list: &List, last: &BTreeMap<u32, Value>) -> Result<u64> {
    let mut again = 0;
    for (person, row) in last {
        let answered = list.answered.get(person).copied().unwrap_or_default();
        let is_right = match always(*person) {
            Some(_) => row["ask_again"] == true && answered == 0,
            None => row["txnid"] == name(*person) && answered > 0,
        };
        ensure!(is_right, "answered {answered} times: {row}");
        again += u64::from(answered).saturating_sub(1);
    }
    Ok(again)
}

/// The last row of each person, without the person's number.
fn last_of_each(out: &Path) -> Result<BTreeMap<u32, Value>> {
    let person = |row: &Value| u32::try_from(row["line"].as_u64()?).ok()?.checked_sub(2);
    let mut last = BTreeMap::new();
    for row in rows_of(out)? {
        let person = person(&row).context("not a line of the input")?;
        let is_told = row.to_string().contains(&mobile(person));
        ensure!(!is_told, "line {} holds the number", person + 2);
        last.insert(person, row);
    }
    Ok(last)
}

/// The whole rows of the results.
fn rows_of(out: &Path) -> Result<Vec<Value>> {
    let text = fs::read_to_string(out).unwrap_or_default();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let rows = whole.lines().skip(1).map(serde_json::from_str);
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What persons who are never answered always meet: one of the cases of [`serve`].
fn always(person: u32) -> Option<u32> {
    match person {
        7 | 67 | 68 | 127 => Some(0),
        11 => Some(4),
        23 => Some(6),
        _ => None,
    }
}

fn mobile(person: u32) -> String {
    format!("90000{person:05}")
}

/// FinPro's address, and whom it has answered.
struct Provider(String, Arc<Mutex<List>>);

#[derive(Default)]
struct List {
    rng: Rng,
    requests: u64,
    answered: BTreeMap<u32, u32>,
}

impl Provider {
    fn start(rng: Rng) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = format!("http://localhost:{}", listener.local_addr()?.port());
        let list = List {
            rng,
            ..List::default()
        };
        let list = Arc::new(Mutex::new(list));
        let serving = Arc::clone(&list);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let list = Arc::clone(&serving);
                thread::spawn(move || serve(&stream, &list));
            }
        });
        Ok(Self(address, list))
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.1.lock().unwrap()
    }

    /// The number of requests when none is under way any more.
    fn requests(&self) -> u64 {
        let mut idle = 0;
        while idle < 20 {
            thread::sleep(Duration::from_millis(5));
            let is_idle = Arc::strong_count(&self.1) == 2;
            idle = (idle + 1) * u32::from(is_idle);
        }
        self.list().requests
    }
}

/// Takes one request and answers it, or not. It is listed before anybody can read the answer.
fn serve(mut stream: &TcpStream, list: &Mutex<List>) -> Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line)? > 2 {
        if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = text.trim().parse()?;
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body: Value = serde_json::from_slice(&body)?;
    let mobile = body["mobileNumber"].as_str().context("no number")?;
    let person = mobile[5..].parse()?;
    let mut rng = {
        let mut list = list.lock().unwrap();
        list.requests += 1;
        list.rng.fork()
    };
    thread::sleep(Duration::from_millis(rng.u64(..20)));
    let case = always(person).unwrap_or_else(|| rng.u32(..100));
    let answer = format!(
        r#"{{"ver":"1.0.0","txnid":"{}","data":[{{"aaId":"finvu","registrationStatus":true,"status":"of_{mobile}"}}]}}"#,
        name(person)
    );
    let (head, body) = match case {
        0..4 => ("503 Service Unavailable", "{}"),
        4..6 => ("429 Too Many Requests\r\nretry-after: 1", "{}"),
        // A gateway in the provider's place.
        6..9 => ("200 OK", "<html>We are back soon.</html>"),
        _ => ("200 OK", &*answer),
    };
    let head = format!("HTTP/1.1 {head}\r\nconnection: close");
    let mut reply = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    match case {
        ..9 => {}
        9..13 => reply.truncate(rng.usize(..150)),
        _ => *list.lock().unwrap().answered.entry(person).or_default() += 1,
    }
    Ok(stream.write_all(reply.as_bytes())?)
}

/// What only this person's answer holds, without a digit.
fn name(person: u32) -> String {
    let mut rng = Rng::with_seed(person.into());
    (0..20).map(|_| rng.lowercase()).collect()
}

/// A name server that never answers, and the files that lead to it alone; `None` where a program cannot be given files of
/// its own.
fn silent_resolver(folder: &Path) -> Result<Option<([PathBuf; 2], UdpSocket)>> {
    let files = ["hosts", "resolv.conf"].map(|name| folder.join(name));
    fs::write(&files[0], "")?;
    fs::write(&files[1], format!("nameserver {SILENT}\n"))?;
    let tried = in_place_of(&files, Path::new("true"))
        .stderr(Stdio::null())
        .status();
    match UdpSocket::bind((SILENT, 53)) {
        Ok(socket) if tried.is_ok_and(|status| status.success()) => Ok(Some((files, socket))),
        _ => {
            println!("  without a silent resolver: that takes root, and mounts of its own");
            Ok(None)
        }
    }
}

/// A program for which these files are in the place of the system's.
fn in_place_of(files: &[PathBuf; 2], program: &Path) -> Command {
    let script = r#"mount --bind "$0" /etc/hosts && mount --bind "$1" /etc/resolv.conf && shift && exec "$@""#;
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-c", script])
        .args(files)
        .arg(program);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_told_and_what_was_not_is_unknown_only_if_nobody_waited() {
        let told = |requests: u64, unknown: u64, without_result: u64| serde_json::json!({"rows": 2, "requests": requests, "unknown": unknown, "without_result": without_result});
        for (summary, asked, [if_waited, if_not]) in [
            (told(2, 0, 0), 2, [true, true]),
            (told(2, 2, 0), 2, [true, true]),
            (told(1, 0, 0), 2, [false, false]),
            (told(1, 0, 1), 2, [false, true]),
            (told(3, 1, 0), 2, [false, true]),
            (told(3, 0, 0), 2, [false, false]),
            (told(0, 1, 0), 0, [false, true]),
        ] {
            let is_true = [true, false].map(|waits| is_true(&summary, 2, asked, waits));
            assert_eq!(is_true, [if_waited, if_not], "{summary}");
        }
        assert!(!is_true(&told(2, 0, 0), 1, 2, true));
    }
}
