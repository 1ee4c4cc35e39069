//! The histogram over the matched time, drawn here: each bar is a link that zooms in.

use std::fmt::Write as _;

use super::text::{self, Html, grouped};

/// What is drawn.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bars {
    /// One per bucket, oldest first.
    pub(crate) bars: Vec<Bar>,
    /// The names of the parts that a bar is stacked of, from the bottom up.
    pub(crate) parts: Vec<String>,
}

/// One bucket.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bar {
    /// How many of each part.
    pub(crate) counts: Vec<u64>,
    /// When, for a person.
    pub(crate) title: String,
    /// Where a click leads.
    pub(crate) href: String,
    /// The bucket's bounds in microseconds, for zooming over several.
    pub(crate) bounds: (i64, i64),
}

const WIDTH: usize = 1_000;
const HEIGHT: usize = 96;
const AXIS: usize = 18;
const PLOT: usize = HEIGHT - AXIS;

impl Bars {
    /// The class by which a part is painted.
    pub(crate) fn class(part: &str) -> String {
        let word: String =
            part.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
        format!("part-{word}")
    }

    /// How many events all bars show together.
    pub(crate) fn total(&self) -> u64 {
        self.bars.iter().flat_map(|bar| &bar.counts).sum()
    }

    /// The highest bar.
    pub(crate) fn peak(&self) -> u64 {
        self.bars.iter().map(|bar| bar.counts.iter().sum::<u64>()).max().unwrap_or(0)
    }

    /// The drawing; empty when there is nothing to draw.
    pub(crate) fn svg(&self) -> Html {
        let peak = self.peak();
        if peak == 0 || self.bars.is_empty() {
            return Html::default();
        }
        let mut out = String::with_capacity(self.bars.len() * 300);
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "<svg class=\"histogram\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\" \
             role=\"group\" aria-label=\"{} events over time, at most {} in one bar\">",
            grouped(self.total()),
            grouped(peak)
        );
        let _ = write!(
            out,
            "<line class=\"base\" x1=\"0\" y1=\"{PLOT}\" x2=\"{WIDTH}\" y2=\"{PLOT}\"/>"
        );
        for (at, bar) in self.bars.iter().enumerate() {
            self.draw(&mut out, at, bar, peak);
        }
        out.push_str("</svg>");
        Html::trusted(out)
    }

    fn draw(&self, out: &mut String, at: usize, bar: &Bar, peak: u64) {
        let (left, right) = (at * WIDTH / self.bars.len(), (at + 1) * WIDTH / self.bars.len());
        let gap = usize::from(right - left > 4);
        let width = (right - left).saturating_sub(gap).max(1);
        let total: u64 = bar.counts.iter().sum();
        let mut title = String::new();
        for c in text::plain(&bar.title).chars() {
            text::push(&mut title, c);
        }
        let (from, to) = bar.bounds;
        let _ = write!(
            out,
            "<a href=\"{}\" aria-label=\"{title}: {} events\" data-from=\"{from}\" data-to=\"{to}\">\
             <rect class=\"hit\" x=\"{left}\" y=\"0\" width=\"{}\" height=\"{PLOT}\"/>",
            escaped(&bar.href),
            grouped(total),
            right - left,
        );
        let mut top = PLOT;
        for (part, count) in self.parts.iter().zip(&bar.counts) {
            let height = scaled(*count, peak, PLOT - 2);
            if height == 0 {
                continue;
            }
            top = top.saturating_sub(height);
            let class = Self::class(part);
            let _ = write!(
                out,
                "<rect class=\"{class}\" x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\"/>"
            );
        }
        let parts: Vec<String> = self
            .parts
            .iter()
            .zip(&bar.counts)
            .filter(|(_, count)| **count > 0)
            .map(|(part, count)| format!("{} {}", grouped(*count), escaped(&text::plain(part))))
            .collect();
        let _ = write!(out, "<title>{title}: {}</title></a>", parts.join(", "));
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        text::push(&mut out, c);
    }
    out
}

/// A share of a height, at least one where there is anything.
fn scaled(count: u64, peak: u64, height: usize) -> usize {
    if count == 0 || peak == 0 {
        return 0;
    }
    let share = u128::from(count) * (height as u128) / u128::from(peak);
    usize::try_from(share).unwrap_or(height).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(counts: &[u64]) -> Bar {
        Bar {
            counts: counts.to_vec(),
            title: "21 Nov <b>".to_owned(),
            href: "/t/lab?q=a&b".to_owned(),
            bounds: (1, 2),
        }
    }

    #[test]
    fn bars_are_stacked_links_with_their_numbers_in_words() {
        let bars = Bars {
            bars: vec![bar(&[9, 1]), bar(&[0, 0])],
            parts: vec!["success".to_owned(), "failure".to_owned()],
        };
        let svg = bars.svg();
        let svg = svg.as_str();
        assert!(svg.contains("href=\"/t/lab?q=a&amp;b\""));
        assert!(svg.contains("21 Nov &lt;b&gt;: 9 success, 1 failure"));
        assert!(svg.contains("10 events over time"));
        assert_eq!(svg.matches("<rect class=\"part-").count(), 2);
        assert!(!svg.contains("style="), "the content security policy forbids it");
    }

    #[test]
    fn nothing_matched_draws_nothing() {
        assert!(Bars { bars: vec![bar(&[0])], parts: vec!["a".to_owned()] }.svg().is_empty());
        assert!(Bars::default().svg().is_empty());
    }

    #[test]
    fn one_event_beside_millions_is_still_seen() {
        assert_eq!(scaled(1, 5_000_000, 76), 1);
        assert_eq!(scaled(5_000_000, 5_000_000, 76), 76);
    }
}
