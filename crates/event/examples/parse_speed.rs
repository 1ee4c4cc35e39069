//! Nanoseconds per event of parsing, drafting and writing, for events of about 690 bytes.
//!
//! `cargo run --release -p event --example parse_speed`. Prints the best of several rounds, because
//! noise on a shared machine only ever adds. The budget of the design is 1,800 ns to parse and 1,100
//! ns to write the canonical form (`Draft::new` and `Stamp::write` together).

use std::hint::black_box;
use std::io::Write as _;
use std::time::Instant;

use event::{Draft, Entry, Event, Items, Received, Shape, Stamp};

const EVENTS: usize = 1_000;
const ROUNDS: usize = 60;

fn main() -> std::io::Result<()> {
    let texts: Vec<String> = (0..EVENTS).map(text).collect();
    let array = format!("[{}]", texts.join(","));
    let bytes: usize = texts.iter().map(String::len).sum();
    let events: Vec<Event<'_>> = texts.iter().filter_map(|text| Event::parse(text).ok()).collect();
    let mut salts = || [7; 32];
    let drafts: Vec<Draft> =
        events.iter().filter_map(|event| Draft::new(event, None, &mut salts).ok()).collect();
    let received = Received { via: "api".into(), ..Received::default() };
    let stamp = Stamp::new(1_795_248_000_000_000, "pipeline", &received);
    let entries: Vec<String> = drafts
        .iter()
        .map(|draft| {
            let mut out = Vec::new();
            stamp.write(draft, &mut out);
            String::from_utf8(out).unwrap_or_default()
        })
        .collect();

    let mut out = std::io::stdout().lock();
    writeln!(out, "{} events of {} bytes; ns per event", drafts.len(), bytes / EVENTS)?;
    let mut buffer = Vec::with_capacity(2 * bytes);
    let mut report = |name: &str, body: &mut dyn FnMut()| {
        let best = (0..ROUNDS).map(|_| time(body)).min().unwrap_or_default();
        writeln!(out, "{name:<24}{:>7}", best / EVENTS as u128)
    };
    report("Event::parse", &mut || {
        for text in &texts {
            let _ = black_box(Event::parse(black_box(text)));
        }
    })?;
    report("Items over an array", &mut || {
        let _ = black_box(Items::new(black_box(&array), Shape::Array).flatten().count());
    })?;
    report("Draft::new", &mut || {
        for event in &events {
            let _ = black_box(Draft::new(black_box(event), None, &mut || [7; 32]));
        }
    })?;
    report("Stamp::write", &mut || {
        buffer.clear();
        for draft in &drafts {
            black_box(stamp.write(black_box(draft), &mut buffer));
        }
    })?;
    report("Entry::parse", &mut || {
        for entry in &entries {
            let _ = black_box(Entry::parse(black_box(entry)));
        }
    })
}

fn time(body: &mut dyn FnMut()) -> u128 {
    let start = Instant::now();
    body();
    start.elapsed().as_nanos()
}

/// An update of a sample, as a laboratory platform would send it.
fn text(number: usize) -> String {
    let second = number % 60;
    let minute = number / 60 % 60;
    let reason = if number.is_multiple_of(5) {
        r#""reason":{"text":"Corrected after the second reading \"B\"\nby the analyst"},"#
    } else {
        ""
    };
    format!(
        r#"{{"id":"{number:032x}","occurred_at":"2026-11-21T08:{minute:02}:{second:02}.123456Z","source":{{"system":"lims"}},"actor":{{"type":"user","id":"ana.silva","name":"Ana Silva","email":"ana.silva@north.example"}},"client":{{"ip":"10.7.3.{second}","user_agent":"Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0"}},"action":"sample.update","target":{{"type":"sample","id":"S-{number}"}},"scope":{{"organization":{{"id":"north"}},"project":{{"id":"prj-07"}}}},"outcome":{{"status":"success"}},"operation":"{number:016x}",{reason}"params":{{"limit":25,"text":"plate reader lot calibrated weight corrected vial"}},"before":{{"status":"received","version":3,"size":{number}}},"after":{{"status":"approved","version":4,"size":{second}}}}}"#
    )
}
