//! What one program of one call tells: the time of making its client, of its first call and of its second.

use std::fs;
use std::time::Instant;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The wall clock and the processor's at one moment.
struct Moment {
    wall: Instant,
    processor: u64,
}

impl Moment {
    fn now() -> Self {
        // The time that this process has run, in ns; a program of one thread is all that is measured.
        let text = fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
        let processor = text.split(' ').next().and_then(|ns| ns.parse().ok());
        Self {
            wall: Instant::now(),
            processor: processor.unwrap_or(0),
        }
    }
}

/// Moments between the steps.
pub struct Measure(Vec<Moment>);

impl Measure {
    pub fn start() -> Self {
        Self(vec![Moment::now()])
    }

    pub fn step(&mut self) {
        self.0.push(Moment::now());
    }

    /// A line with the wall time and the processor time of each step in ns.
    pub fn print(&self) {
        let steps = self.0.windows(2).filter_map(|pair| match pair {
            [from, to] => Some(format!(
                "{} {}",
                to.wall.duration_since(from.wall).as_nanos(),
                to.processor.saturating_sub(from.processor)
            )),
            _ => None,
        });
        println!("{}", steps.collect::<Vec<_>>().join(" "));
    }
}

/// The base URL, which is the only argument.
pub fn base_url() -> Result<String> {
    Ok(std::env::args().nth(1).ok_or("usage: PROGRAM BASE_URL")?)
}
