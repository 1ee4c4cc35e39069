//! The table: each figure of ours beside PostgreSQL's, their ratio, the floor and whether it holds.

use std::fmt::Write as _;

use crate::figures::Figures;
use crate::question::QUESTIONS;
use crate::settings::Settings;

/// The smallest time that a question is held to, in milliseconds.
const PAGE_P99_MS: f64 = 10.0;

/// What was measured, of both sides.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    ours: &'a Figures,
    theirs: &'a Figures,
    text: String,
}

/// What a figure is held to.
#[derive(Clone, Copy, Debug)]
enum Floor {
    /// Ours is at least so many times theirs.
    Times(f64),
    /// Ours is at most this part of theirs: 1/n.
    Part(f64),
    /// Ours takes at most 1/n of their time.
    Faster(f64),
    /// Ours is at least this.
    AtLeast(f64),
    /// Ours is at most this.
    AtMost(f64),
    /// Ours is at most theirs, or the given limit if that is larger.
    NoSlower(f64),
    /// Shown only.
    None,
}

impl<'a> Report<'a> {
    /// The whole report in Markdown.
    pub(crate) fn write(settings: &Settings, ours: &'a Figures, theirs: &'a Figures) -> String {
        let mut report = Report { ours, theirs, text: String::new() };
        let machine = crate::machine::describe();
        let events = settings.events();
        let _ = write!(
            report.text,
            "{events} events on {machine}\n\nIndelible: {}. PostgreSQL: {}.\n\n\
             | figure | Indelible | PostgreSQL | ratio | floor | |\n\
             |---|---:|---:|---:|---|---|\n",
            ours.about, theirs.about
        );
        report.ingest();
        report.space();
        for size in settings.question_sizes() {
            report.questions(size);
        }
        report.tools();
        report.text
    }

    fn ingest(&mut self) {
        let copy = self.best(&["load.bare.rate", "load.words.rate"]);
        let load = self.ours.get("load.rate");
        self.row("batches of 1,000, events/s", load, copy, Floor::Times(4.0));
        let findable = self.ours.get("load.findable_rate");
        self.row("… until findable, events/s", findable, copy, Floor::Times(2.0));
        let with_words = self.theirs.get("load.words.rate");
        self.row("… PostgreSQL with its text index", findable, with_words, Floor::None);
        self.rows(
            Floor::None,
            [
                ("batch p50, ms", "load.p50_ms", "load.bare.p50_ms"),
                ("batch p99, ms", "load.p99_ms", "load.bare.p99_ms"),
            ],
        );
        let single = self.ours.get("singles.rate");
        let insert = self.best(&["singles.bare.rate", "singles.words.rate"]);
        let title = "single events, 64 connections, events/s";
        self.row(title, single, insert, Floor::Times(4.0));
        let findable = self.ours.get("singles.findable_rate");
        self.row("… until findable, single events/s", findable, insert, Floor::None);
        let with_words = self.theirs.get("singles.words.rate");
        self.row("… PostgreSQL with its text index", single, with_words, Floor::None);
        self.rows(
            Floor::None,
            [
                ("… p50, ms", "singles.p50_ms", "singles.bare.p50_ms"),
                ("… p99, ms", "singles.p99_ms", "singles.bare.p99_ms"),
            ],
        );
    }

    fn space(&mut self) {
        let (ours, theirs) =
            (self.ours.get("disk.bytes_per_event"), self.theirs.get("disk.words.bytes_per_event"));
        self.row("disk, bytes/event", ours, theirs, Floor::Part(7.0));
        let bare = self.theirs.get("disk.bare.bytes_per_event");
        self.row("… PostgreSQL without its text index", ours, bare, Floor::None);
        self.rows(
            Floor::AtMost(600.0),
            [
                ("peak memory, batches, MB", "load.peak_mb", "load.words.memory_mb"),
                ("peak memory, single events, MB", "singles.peak_mb", "singles.words.memory_mb"),
            ],
        );
    }

    fn questions(&mut self, events: u64) {
        for question in QUESTIONS {
            let name = question.figure(events);
            let equal = self.equal_answers(&name);
            let title = |what: &str| {
                let number = question.number;
                format!("{number} {}, {} M, {what}{equal}", question.name, millions(events))
            };
            let both = |figure: &str| {
                let name = format!("{name}.{figure}");
                (self.ours.get(&name), self.theirs.get(&name))
            };
            let (median, tail) = (both("p50_ms"), both("p99_ms"));
            let floor = if question.counts { Floor::Faster(5.0) } else { Floor::None };
            self.row(&title("p50 ms"), median.0, median.1, floor);
            self.row(&title("p99 ms"), tail.0, tail.1, Floor::NoSlower(PAGE_P99_MS));
        }
    }

    fn tools(&mut self) {
        for (title, name, floor) in [
            ("check, entries/s a core", "check.rate_per_core", Floor::AtLeast(400_000.0)),
            ("export CSV, rows/s", "export.rate", Floor::AtLeast(200_000.0)),
            ("rebuild of search, events/s", "rebuild.rate", Floor::AtLeast(60_000.0)),
            ("500 trails, p99 quiet, ms", "trails.quiet.p99_ms", Floor::None),
            ("500 trails, p99 beside a flood, ms", "trails.flooded.p99_ms", Floor::None),
            ("1 idle trail, MB", "trails.one.anonymous_mb", Floor::None),
            ("500 idle trails, MB", "trails.idle.anonymous_mb", Floor::None),
            ("1 idle trail, % of a core", "trails.one.core_per_cent", Floor::None),
            ("500 idle trails, % of a core", "trails.idle.core_per_cent", Floor::AtMost(1.0)),
        ] {
            self.row(title, self.ours.get(name), None, floor);
        }
        let quiet = self.ours.get("trails.quiet.p99_ms");
        let flooded = self.ours.get("trails.flooded.p99_ms");
        let ratio = quiet.zip(flooded).map(|(quiet, flooded)| flooded / quiet);
        self.row("p99 beside a flood, times quiet", ratio, None, Floor::AtMost(2.0));
    }

    /// A row for each title, with the names of our figure and theirs.
    fn rows<const N: usize>(&mut self, floor: Floor, rows: [(&str, &str, &str); N]) {
        for (title, ours, theirs) in rows {
            self.row(title, self.ours.get(ours), self.theirs.get(theirs), floor);
        }
    }

    fn best(&self, names: &[&str]) -> Option<f64> {
        names.iter().filter_map(|name| self.theirs.get(name)).reduce(f64::max)
    }

    /// A mark when both sides were asked and did not answer the same.
    fn equal_answers(&self, name: &str) -> &'static str {
        match (self.ours.answers.get(name), self.theirs.answers.get(name)) {
            (Some(ours), Some(theirs)) if ours.iter().zip(theirs).any(|(a, b)| a != b) => {
                " (ANSWERS DIFFER)"
            }
            _ => "",
        }
    }

    fn row(&mut self, title: &str, ours: Option<f64>, theirs: Option<f64>, floor: Floor) {
        let ratio = ours.zip(theirs).map_or(String::new(), |(ours, theirs)| {
            if ours >= theirs {
                format!("{:.2}", ours / theirs)
            } else {
                format!("1/{:.2}", theirs / ours)
            }
        });
        let held = match floor.holds(ours, theirs) {
            Some(true) => "pass",
            Some(false) => "**FAIL**",
            None => "",
        };
        let (ours, theirs) = (figure(ours), figure(theirs));
        let floor = floor.text();
        let _ = writeln!(self.text, "| {title} | {ours} | {theirs} | {ratio} | {floor} | {held} |");
    }
}

impl Floor {
    /// Whether it holds; nothing when that cannot be said.
    fn holds(self, ours: Option<f64>, theirs: Option<f64>) -> Option<bool> {
        let ours = ours?;
        match self {
            Self::Times(times) => Some(ours >= theirs? * times),
            Self::Part(part) | Self::Faster(part) => Some(ours * part <= theirs?),
            Self::AtLeast(least) => Some(ours >= least),
            Self::AtMost(most) => Some(ours <= most),
            Self::NoSlower(limit) => Some(ours <= theirs?.max(limit)),
            Self::None => None,
        }
    }

    fn text(self) -> String {
        match self {
            Self::Times(times) => format!("≥ {times}×"),
            Self::Part(part) => format!("≤ 1/{part}"),
            Self::Faster(times) => format!("{times}× faster"),
            Self::AtLeast(least) => format!("≥ {}", figure(Some(least))),
            Self::AtMost(most) => format!("≤ {}", figure(Some(most))),
            Self::NoSlower(limit) => format!("≤ max(theirs, {limit} ms)"),
            Self::None => String::new(),
        }
    }
}

fn millions(events: u64) -> String {
    format!("{}", crate::number::float(events) / 1e6)
}

/// A number with as many digits as it deserves.
fn figure(number: Option<f64>) -> String {
    match number {
        None => String::new(),
        Some(number) if number >= 10_000.0 => {
            format!("{:.0},{:03.0}", (number / 1e3).floor(), number % 1e3)
        }
        Some(number) if number >= 100.0 => format!("{number:.0}"),
        Some(number) if number >= 10.0 => format!("{number:.1}"),
        Some(number) => format!("{number:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floors_hold_at_their_edge_and_not_beyond() {
        let check = |floor: Floor, ours: f64, theirs: f64, expected: bool| {
            assert_eq!(floor.holds(Some(ours), Some(theirs)), Some(expected), "{floor:?} {ours}");
        };
        check(Floor::Times(4.0), 400.0, 100.0, true);
        check(Floor::Times(4.0), 399.0, 100.0, false);
        check(Floor::Part(7.0), 100.0, 700.0, true);
        check(Floor::Part(7.0), 101.0, 700.0, false);
        check(Floor::NoSlower(10.0), 10.0, 2.0, true);
        check(Floor::NoSlower(10.0), 10.1, 2.0, false);
        check(Floor::NoSlower(10.0), 30.0, 31.0, true);
        check(Floor::AtMost(2.0), 2.1, 0.0, false);
        assert_eq!(Floor::Times(4.0).holds(Some(1.0), None), None);
    }

    #[test]
    fn numbers_are_grouped_and_short() {
        let written = [0.123, 12.34, 345.6, 12_345.0, 1_200_004.0].map(|n| figure(Some(n)));
        assert_eq!(written, ["0.12", "12.3", "346", "12,345", "1200,004"]);
    }
}
