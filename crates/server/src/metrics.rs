//! Counters and gauges in the Prometheus text format, version 0.0.4.
//!
//! Nothing here is labelled with a trail, a token or anything else that clients choose: the number
//! of series is fixed, and the figures of one trail are on its status page.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use trail::Feed;

use crate::App;
use crate::problem::Code;

/// Upper bounds of the buckets of append times, in microseconds.
const BOUNDS_MICROS: [u64; 14] = [
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 10_000_000,
];

/// What is counted since the start.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    requests: AtomicU64,
    problems: ProblemCounts,
    recorded: AtomicU64,
    replayed: AtomicU64,
    append_bytes: AtomicU64,
    appends: Histogram,
    appends_waiting: AtomicU64,
    pub(crate) connections: AtomicU64,
}

#[derive(Debug)]
struct ProblemCounts([AtomicU64; Code::ALL.len()]);

impl Default for ProblemCounts {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

#[derive(Debug, Default)]
struct Histogram {
    /// One more than there are bounds: the last takes what is beyond.
    buckets: [AtomicU64; BOUNDS_MICROS.len() + 1],
    sum_micros: AtomicU64,
}

impl Histogram {
    fn observe(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let place = BOUNDS_MICROS.partition_point(|bound| *bound < micros);
        if let Some(bucket) = self.buckets.get(place) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_micros.fetch_add(micros, Ordering::Relaxed);
    }

    fn write(&self, out: &mut String, name: &str, help: &str) {
        header(out, name, help, "histogram");
        let mut count = 0;
        for (place, bucket) in self.buckets.iter().enumerate() {
            count += bucket.load(Ordering::Relaxed);
            let bound = BOUNDS_MICROS.get(place);
            let bound = bound.map_or_else(|| "+Inf".to_owned(), |micros| seconds(*micros));
            line(out, &format!("{name}_bucket{{le=\"{bound}\"}}"), count);
        }
        let sum = seconds(self.sum_micros.load(Ordering::Relaxed));
        line(out, &format!("{name}_sum"), sum);
        line(out, &format!("{name}_count"), count);
    }
}

/// Microseconds as seconds, without rounding.
fn seconds(micros: u64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl Metrics {
    pub(crate) fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn problem(&self, code: Code) {
        if let Some(count) = self.problems.0.get(code as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn append_begins(&self, bytes: usize) {
        self.append_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.appends_waiting.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn append_ends(&self, time: Duration) {
        self.appends_waiting.fetch_sub(1, Ordering::Relaxed);
        self.appends.observe(time);
    }

    pub(crate) fn events(&self, recorded: u64, replayed: u64) {
        self.recorded.fetch_add(recorded, Ordering::Relaxed);
        self.replayed.fetch_add(replayed, Ordering::Relaxed);
    }
}

fn header(out: &mut String, name: &str, help: &str, kind: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(out: &mut String, name: &str, value: impl std::fmt::Display) {
    let _ = writeln!(out, "{name} {value}");
}

/// All figures of an application as text.
pub(crate) fn render(app: &App) -> String {
    let metrics = app.metrics();
    let mut out = String::with_capacity(8 * 1024);
    let counters = [
        ("requests", "Requests answered.", &metrics.requests),
        ("events_recorded", "Events recorded.", &metrics.recorded),
        ("events_replayed", "Events that had been recorded before.", &metrics.replayed),
        ("append_bytes", "Bytes of append requests, decompressed.", &metrics.append_bytes),
    ];
    for (name, help, value) in counters {
        let name = format!("indelible_{name}_total");
        header(&mut out, &name, help, "counter");
        line(&mut out, &name, value.load(Ordering::Relaxed));
    }
    header(&mut out, "indelible_problems_total", "Refusals by code.", "counter");
    for (code, count) in Code::ALL.iter().zip(&metrics.problems.0) {
        let name = format!("indelible_problems_total{{code=\"{}\"}}", code.as_str());
        line(&mut out, &name, count.load(Ordering::Relaxed));
    }
    metrics.appends.write(
        &mut out,
        "indelible_append_seconds",
        "From a parsed append request to its durable answer: waiting, commit, fsync.",
    );
    gauges(&mut out, app);
    out
}

fn gauges(out: &mut String, app: &App) {
    let metrics = app.metrics();
    let (mut committed, mut published, mut projected, mut lag, mut stopped) = (0, 0, 0, 0, 0_u64);
    let open = app.instance().open_trails();
    for open in &open {
        let size = open.trail.committed_size();
        let seen = open.projection.projected_size();
        committed += size;
        published += open.trail.published().checkpoint.size().get();
        projected += seen;
        lag = lag.max(size.saturating_sub(seen));
        stopped += u64::from(open.trail.is_stopped());
    }
    let mut unsound = 0;
    let mut checked_at: Option<i64> = None;
    for record in app.instance().trails() {
        let Some(check) = app.instance().last_check(&record.slug) else { continue };
        unsound += u64::from(!check.checked.is_sound());
        let at = check.at_micros / 1_000_000;
        checked_at = Some(checked_at.map_or(at, |other| other.min(at)));
    }
    let ahead = app.instance().clock_ahead_micros().unwrap_or(0) / 1_000_000;
    let gauges = [
        ("connections", "Open connections.", metrics.connections.load(Ordering::Relaxed)),
        (
            "appends_waiting",
            "Append requests waiting for their durable answer.",
            metrics.appends_waiting.load(Ordering::Relaxed),
        ),
        ("trails", "Trails that exist.", app.instance().trails().len() as u64),
        ("trails_open", "Trails that are in use.", open.len() as u64),
        ("trails_stopped", "Trails that take no events until they are recovered.", stopped),
        ("events_committed", "Events in the trails that are in use.", committed),
        ("events_published", "Events that checkpoints cover.", published),
        ("events_projected", "Events that can be found.", projected),
        (
            "deposit_findings",
            "What the last run of the daily deposits found wrong.",
            app.instance().deposit_findings(),
        ),
        ("search_lag_events", "Events that cannot be found yet, in the trail with most.", lag),
        ("trails_unsound", "Trails whose last check found damage.", unsound),
        (
            "last_check_timestamp_seconds",
            "When the trail that was not checked for longest was; 0 before the first check.",
            u64::try_from(checked_at.unwrap_or(0)).unwrap_or(0),
        ),
        (
            "clock_ahead_seconds",
            "How far the clock leapt ahead while it is not believed and appends stop.",
            u64::try_from(ahead).unwrap_or(0),
        ),
    ];
    for (name, help, value) in gauges {
        let name = format!("indelible_{name}");
        header(out, &name, help, "gauge");
        line(out, &name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_up_to_each_bound() {
        let histogram = Histogram::default();
        for micros in [1, 250, 251, 20_000_000] {
            histogram.observe(Duration::from_micros(micros));
        }
        let mut out = String::new();
        histogram.write(&mut out, "h", "help");
        assert!(out.contains("h_bucket{le=\"0.00025\"} 2\n"), "{out}");
        assert!(out.contains("h_bucket{le=\"0.0005\"} 3\n"), "{out}");
        assert!(out.contains("h_bucket{le=\"10\"} 3\n"), "{out}");
        assert!(out.contains("h_bucket{le=\"+Inf\"} 4\n"), "{out}");
        assert!(out.contains("h_sum 20.000502\nh_count 4\n"), "{out}");
    }
}
