//! Input that means harm, for every dialect.

mod support;

use std::io::{BufReader, Read};

use dialect::{ALL, Fault, ReadOptions};
use proptest::prelude::*;
use support::{REAL, bytes, gzip, import, import_with};

/// Samples of every dialect in every form; of the real dumps, the beginning.
fn samples() -> Vec<Vec<u8>> {
    [
        ("opencga", REAL[0]),
        ("opencga", REAL[3]),
        ("opencga", "composed.jsonl"),
        ("opencga", "clinical.json"),
        ("dnanexus", "audit.csv"),
        ("seqera", "v1-dashed-dates.csv"),
        ("seqera", "v1-iso-dates.csv"),
        ("seqera", "v2-page.json"),
        ("seqera", "v2-records.jsonl"),
        ("seqera", "v2.csv"),
        ("tetrascience", "audit-trail.csv"),
        ("tetrascience", "audit-trail-page.csv"),
        ("tetrascience", "audit-trail.json"),
        ("tetrascience", "system-log.csv"),
        ("tetrascience", "system-log.json"),
    ]
    .into_iter()
    .map(|(dialect, name)| {
        let mut bytes = bytes(dialect, name);
        bytes.truncate(8 * 1024);
        bytes
    })
    .collect()
}

/// Reads what may be anything; every event that comes out is a good one.
fn survives(bytes: &[u8]) {
    let options = ReadOptions { redact: vec!["/params/a".to_owned()], ..ReadOptions::default() };
    for dialect in ALL {
        let rows = import_with(dialect, bytes, &options);
        assert!(rows.len() <= bytes.len() + 1, "{}", dialect.name());
        let mapped: Vec<_> = rows.into_iter().filter_map(Result::ok).collect();
        for mapped in &mapped {
            assert!(!dialect_text(mapped).contains("eyJhbGciOiJIUzI1NiJ9.eyJ"));
        }
        for target in ALL {
            for format in target.formats() {
                support::export(target, format.name, &mapped);
            }
        }
    }
}

fn dialect_text(mapped: &dialect::Mapped) -> String {
    let native = mapped.native.as_ref().map(|json| json.as_str().to_owned());
    format!("{}{}", mapped.event.to_json(), native.unwrap_or_default())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        survives(&bytes);
        survives(&[b"\x1F\x8B".as_slice(), &bytes].concat());
        survives(&gzip(&bytes));
    }

    #[test]
    fn no_change_to_a_sample_makes_a_reader_panic(
        which in any::<prop::sample::Index>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..8),
    ) {
        let samples = samples();
        let mut bytes = which.get(&samples).clone();
        for (at, byte, how) in changes {
            if bytes.is_empty() { break; }
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => { bytes.remove(at); }
                _ => bytes.truncate(at),
            }
        }
        survives(&bytes);
    }
}

#[test]
fn a_bomb_is_refused_before_it_has_grown() {
    let mut best = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::copy(&mut std::io::repeat(b'\n').take(64 * 1024 * 1024), &mut best).unwrap();
    let bytes = best.finish().unwrap();
    for dialect in ALL {
        let rows = import(dialect, &bytes);
        assert_eq!(rows.last().unwrap().as_ref().unwrap_err().fault, Fault::Bomb);
    }
}

#[test]
fn more_bytes_than_are_allowed_end_the_reading_and_keep_what_came_before() {
    for (dialect, name) in [("opencga", REAL[0]), ("dnanexus", "audit.csv")] {
        let bytes = bytes(dialect, name);
        let options = ReadOptions { total_bytes_max: 1_000, ..ReadOptions::default() };
        let dialect = dialect::by_name(dialect).unwrap();
        let rows = import_with(dialect, &gzip(&bytes), &options);
        assert_eq!(rows.last().unwrap().as_ref().unwrap_err().fault, Fault::TooMuch);
    }
}

/// A line of that many bytes, without having it in memory.
fn long_line(start: &'static str, fill: u8, count: u64, end: &'static str) -> impl Read {
    start.as_bytes().chain(std::io::repeat(fill).take(count)).chain(end.as_bytes())
}

#[test]
fn a_line_of_hundreds_of_megabytes_is_one_rejection() {
    let row = "2025-09-03T07:58:11Z,,,,file-close,,,,,Yes,{},,\n";
    let log = "\n{\"id\":\"1\",\"action\":\"A\",\"date\":5}\n";
    for (name, start, end) in [("dnanexus", "2025,\"", row), ("opencga", "{\"a\":\"", log)] {
        let end: &'static str =
            if name == "dnanexus" { Box::leak(format!("\n{row}").into_boxed_str()) } else { end };
        let input = BufReader::new(long_line(start, b'x', 128 * 1024 * 1024, end));
        let dialect = dialect::by_name(name).unwrap();
        let head: Box<dyn std::io::BufRead + Send> = if name == "dnanexus" {
            Box::new(row.as_bytes().chain(input))
        } else {
            Box::new(input)
        };
        let rows: Vec<_> =
            dialect.reader(head, &ReadOptions::default()).unwrap().take(10).collect();
        let faults: Vec<_> = rows.iter().filter_map(|row| row.result.as_ref().err()).collect();
        assert_eq!(faults.len(), 1, "{name}");
        assert_eq!(faults[0].fault, Fault::TooLarge);
        assert!(rows.last().unwrap().result.is_ok(), "{name}: the next line is read");
    }
}

/// Fails after some bytes, as a broken connection does.
struct Broken(usize);

impl Read for Broken {
    fn read(&mut self, space: &mut [u8]) -> std::io::Result<usize> {
        if self.0 == 0 {
            return Err(std::io::Error::other("the line broke"));
        }
        let count = space.len().min(self.0);
        space.iter_mut().take(count).for_each(|byte| *byte = b'\n');
        self.0 -= count;
        Ok(count)
    }
}

#[test]
fn an_input_that_fails_says_so_once_and_ends() {
    for dialect in ALL {
        let input = Box::new(BufReader::new(Broken(10_000)));
        let faults: Vec<_> = match dialect.reader(input, &ReadOptions::default()) {
            Ok(rows) => rows.take(10).map(|row| row.result.unwrap_err().fault).collect(),
            Err(rejection) => vec![rejection.fault],
        };
        assert_eq!(faults, [Fault::Read], "{}", dialect.name());
    }
}

#[test]
fn what_the_caller_adds_has_to_fit_an_event() {
    for bad in ["", "a\nb", &"x".repeat(1_025)] {
        let added = Some(bad.to_owned());
        for options in [
            ReadOptions { organization: added.clone(), ..ReadOptions::default() },
            ReadOptions { instance: added.clone(), ..ReadOptions::default() },
            ReadOptions { region: added.clone(), ..ReadOptions::default() },
        ] {
            for dialect in ALL {
                let rows = import_with(dialect, b"{}", &options);
                assert_eq!(rows[0].as_ref().unwrap_err().fault, Fault::Value, "{bad:?}");
            }
        }
    }
}

#[test]
fn every_dialect_has_a_name_a_catalogue_and_a_format() {
    let mut names: Vec<_> = ALL.iter().map(|dialect| dialect.name()).collect();
    let sorted = {
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted
    };
    assert_eq!(names, sorted);
    names.dedup();
    assert_eq!(names.len(), ALL.len());
    for dialect in ALL {
        assert!(!dialect.formats().is_empty());
        assert!(!dialect.catalogue().verbs.is_empty());
        let found = dialect::by_name(&dialect.name().to_uppercase()).unwrap();
        assert_eq!(found.name(), dialect.name());
        let system = dialect::by_system(dialect.catalogue().system).unwrap();
        assert_eq!(system.name(), dialect.name());
        for alias in dialect.aliases() {
            assert_eq!(dialect::by_name(alias).unwrap().name(), dialect.name());
        }
        for verb in dialect.catalogue().verbs {
            assert!(!dialect.catalogue().meaning(verb.action).is_guess());
        }
    }
    assert!(dialect::by_name("nobody").is_none());
}
