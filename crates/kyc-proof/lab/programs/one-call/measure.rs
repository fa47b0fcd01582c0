//! What one program of one call tells: how long it took to make its client, for its first call and for its second.

use std::time::Instant;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Moments between the steps.
pub struct Measure(Vec<Instant>);

impl Measure {
    pub fn start() -> Self {
        Self(vec![Instant::now()])
    }

    pub fn step(&mut self) {
        self.0.push(Instant::now());
    }

    /// A line with the time of each step in ns.
    pub fn print(&self) {
        let steps = self.0.windows(2).filter_map(|pair| match pair {
            [from, to] => Some(to.duration_since(*from).as_nanos().to_string()),
            _ => None,
        });
        println!("{}", steps.collect::<Vec<_>>().join(" "));
    }
}

/// The base URL, which is the only argument.
pub fn base_url() -> Result<String> {
    Ok(std::env::args().nth(1).ok_or("usage: PROGRAM BASE_URL")?)
}
