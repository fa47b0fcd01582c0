//! `plot FILE.csv…` draws each table of figures as a picture beside it, `FILE.svg`, in the browser's own letters.
//!
//! A table begins with lines `# title: …`, `# note: …`, `# x: …`, `# y: …` and a heading; each row is
//! `x,series,median,lowest,highest`, both axes are logarithmic.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use plotters::prelude::*;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Told apart by people who see few colours, on white, which the picture brings: a page may be dark.
const COLOURS: [RGBColor; 4] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 135, 100),
    RGBColor(120, 60, 140),
];

fn main() -> Result<()> {
    for argument in std::env::args().skip(1) {
        let path = Path::new(&argument);
        let table = Table::parse(&fs::read_to_string(path)?)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        draw(&table, &path.with_extension("svg"))?;
    }
    Ok(())
}

/// One measurement, repeated.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Point {
    x: f64,
    median: f64,
    lowest: f64,
    highest: f64,
}

/// What is drawn.
#[derive(Debug, Default)]
struct Table {
    words: BTreeMap<String, String>,
    /// In the order in which they are first named.
    series: Vec<(String, Vec<Point>)>,
}

impl Table {
    fn parse(text: &str) -> Result<Self> {
        let mut table = Self::default();
        let mut rows = text.lines();
        for line in rows.by_ref() {
            let Some(comment) = line.strip_prefix("# ") else {
                break;
            };
            let (key, words) = comment.split_once(": ").ok_or("a comment without a key")?;
            table.words.insert(key.to_owned(), words.to_owned());
        }
        for row in rows {
            let fields: Vec<&str> = row.split(',').collect();
            let [x, name, median, lowest, highest] = *fields.as_slice() else {
                return Err(format!("not five fields: {row}").into());
            };
            let point = Point {
                x: x.parse()?,
                median: median.parse()?,
                lowest: lowest.parse()?,
                highest: highest.parse()?,
            };
            match table.series.iter_mut().find(|(known, _)| known == name) {
                Some((_, points)) => points.push(point),
                None => table.series.push((name.to_owned(), vec![point])),
            }
        }
        if table.series.is_empty() {
            return Err("no rows".into());
        }
        Ok(table)
    }

    fn word(&self, key: &str) -> Result<&str> {
        let word = self.words.get(key).map(String::as_str);
        word.ok_or_else(|| format!("no `{key}`").into())
    }

    fn points(&self) -> impl Iterator<Item = &Point> {
        self.series.iter().flat_map(|(_, points)| points)
    }
}

fn draw(table: &Table, to: &Path) -> Result<()> {
    let lowest = |of: fn(&Point) -> f64| table.points().map(of).fold(f64::INFINITY, f64::min);
    let highest = |of: fn(&Point) -> f64| table.points().map(of).fold(0.0, f64::max);
    let (left, right) = (lowest(|point| point.x), highest(|point| point.x));
    let (bottom, top) = (
        lowest(|point| point.lowest) / 1.3,
        highest(|point| point.highest) * 1.3,
    );
    let mut places: Vec<f64> = table.points().map(|point| point.x).collect();
    places.sort_unstable_by(f64::total_cmp);
    places.dedup();

    let area = SVGBackend::new(to, (860, 480)).into_drawing_area();
    area.fill(&WHITE)?;
    let area = area.margin(8, 0, 0, 0);
    let area = area.titled(table.word("title")?, ("sans-serif", 20))?;
    let area = area.titled(table.word("note")?, ("sans-serif", 12))?;
    let mut chart = ChartBuilder::on(&area)
        .margin(12)
        .margin_right(30)
        .x_label_area_size(48)
        .y_label_area_size(72)
        .build_cartesian_2d(
            (left..right).log_scale().with_key_points(places),
            (bottom..top)
                .log_scale()
                .with_key_points(ticks(bottom, top)),
        )?;
    chart
        .configure_mesh()
        .x_desc(table.word("x")?)
        .y_desc(table.word("y")?)
        .axis_desc_style(("sans-serif", 14))
        .label_style(("sans-serif", 13))
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.12))
        .x_label_formatter(&|x| short(*x))
        .y_label_formatter(&|y| short(*y))
        .draw()?;
    for ((name, points), colour) in table.series.iter().zip(COLOURS.iter().cycle()) {
        let line = points.iter().map(|point| (point.x, point.median));
        chart
            .draw_series(LineSeries::new(line, colour.stroke_width(2)))?
            .label(name)
            .legend(move |(x, y)| {
                PathElement::new([(x, y), (x.saturating_add(22), y)], colour.stroke_width(2))
            });
        // From the lowest to the highest of the rounds.
        let spread = points.iter().map(|point| {
            PathElement::new(
                [(point.x, point.lowest), (point.x, point.highest)],
                colour.mix(0.5).stroke_width(1),
            )
        });
        chart.draw_series(spread)?;
        let dots = points.iter();
        let dots = dots.map(|point| Circle::new((point.x, point.median), 3, colour.filled()));
        chart.draw_series(dots)?;
    }
    chart
        .configure_series_labels()
        .position(free_place(table, (left, right), (bottom, top)))
        .background_style(WHITE.mix(0.9))
        .border_style(BLACK.mix(0.3))
        .label_font(("sans-serif", 14))
        .draw()?;
    area.present()?;
    Ok(())
}

/// The place for the names of the series that hides least of them.
fn free_place(table: &Table, x: (f64, f64), y: (f64, f64)) -> SeriesLabelPosition {
    const WIDTH: f64 = 0.32;
    const HEIGHT: f64 = 0.24;
    /// Its left and lower edges, where the picture goes from 0 to 1.
    const PLACES: [(SeriesLabelPosition, f64, f64); 6] = [
        (SeriesLabelPosition::UpperLeft, 0.0, 1.0 - HEIGHT),
        (SeriesLabelPosition::UpperRight, 1.0 - WIDTH, 1.0 - HEIGHT),
        (SeriesLabelPosition::MiddleLeft, 0.0, (1.0 - HEIGHT) / 2.0),
        (
            SeriesLabelPosition::MiddleRight,
            1.0 - WIDTH,
            (1.0 - HEIGHT) / 2.0,
        ),
        (SeriesLabelPosition::LowerLeft, 0.0, 0.0),
        (SeriesLabelPosition::LowerRight, 1.0 - WIDTH, 0.0),
    ];
    let share = |value: f64, (from, to): (f64, f64)| (value / from).ln() / (to / from).ln();
    let place = |point: &Point| (share(point.x, x), share(point.median, y));
    let lines = table
        .series
        .iter()
        .flat_map(|(_, points)| points.windows(2));
    let along: Vec<(f64, f64)> = lines
        .flat_map(|ends| match ends {
            [one, other] => {
                let (one, other) = (place(one), place(other));
                let at = |part: i32| f64::from(part) / 20.0;
                let between = |from: f64, to: f64, part| from + (to - from) * at(part);
                (0..=20)
                    .map(|part| (between(one.0, other.0, part), between(one.1, other.1, part)))
                    .collect()
            }
            _ => Vec::new(),
        })
        .collect();
    let hidden = |left: f64, bottom: f64| {
        let within = |(x, y): &&(f64, f64)| {
            (left..=left + WIDTH).contains(x) && (bottom..=bottom + HEIGHT).contains(y)
        };
        along.iter().filter(within).count()
    };
    let places = PLACES.into_iter();
    places
        .min_by_key(|(_, left, bottom)| hidden(*left, *bottom))
        .map_or(SeriesLabelPosition::UpperLeft, |(position, _, _)| position)
}

/// Round numbers between two others: 1, 2 and 5 times the powers of ten, and more where that are few.
fn ticks(bottom: f64, top: f64) -> Vec<f64> {
    let digits: &[f64] = match top / bottom {
        narrow if narrow < 12.0 => &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0],
        _ => &[1.0, 2.0, 5.0],
    };
    (-3..12)
        .flat_map(|power| digits.iter().map(move |digit| digit * 10_f64.powi(power)))
        .filter(|tick| (bottom..=top).contains(tick))
        .collect()
}

/// A number as one writes it on an axis.
fn short(number: f64) -> String {
    let (number, unit) = match number {
        large if large >= 1_048_576.0 && large % 1_048_576.0 == 0.0 => (large / 1_048_576.0, " Mi"),
        large if large > 1024.0 && large % 1024.0 == 0.0 => (large / 1024.0, " Ki"),
        large if large >= 1e6 => (large / 1e6, " M"),
        large if large >= 1e4 => (large / 1e3, " k"),
        small => (small, ""),
    };
    let text = format!("{number:.1}");
    format!("{}{unit}", text.strip_suffix(".0").unwrap_or(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read() {
        let table =
            Table::parse("# title: T\nx,a,b,c,d\n1,ours,2,1,3\n1,other,5,4,6\n2,ours,3,2,4\n");
        let table = table.unwrap();
        assert_eq!(table.word("title").unwrap(), "T");
        assert!(table.word("x").is_err());
        let (name, points) = table.series.first().unwrap();
        assert_eq!((name.as_str(), points.len()), ("ours", 2));
        assert!(Table::parse("x\n1,ours,2\n").is_err());
        assert!(Table::parse("x\n").is_err());
    }

    #[test]
    fn the_names_hide_no_line() {
        let place = |rows: &str| {
            let table = Table::parse(&format!("# title: T\nx,a,b,c,d\n{rows}")).unwrap();
            format!("{:?}", free_place(&table, (1.0, 100.0), (1.0, 100.0)))
        };
        assert_eq!(place("1,low,2,2,2\n100,low,2,2,2\n"), "UpperLeft");
        assert_eq!(place("1,falls,90,9,9\n100,falls,2,2,2\n"), "UpperRight");
        assert_eq!(place("1,high,90,9,9\n100,high,90,9,9\n"), "MiddleLeft");
    }

    #[test]
    fn axes_have_round_numbers() {
        assert_eq!(ticks(3.0, 60.0), [5.0, 10.0, 20.0, 50.0]);
        assert_eq!(ticks(15.0, 40.0), [15.0, 20.0, 30.0, 40.0]);
        assert_eq!(short(1_250_000.0), "1.2 M");
        assert_eq!(short(50_000.0), "50 k");
        assert_eq!(short(64.0), "64");
        assert_eq!(
            (short(65_536.0), short(1_048_576.0)),
            ("64 Ki".into(), "1 Mi".into())
        );
    }
}
