//! What every dialect's reader must do with any bytes.

use dialect::{Dialect, Losses, Mapped, ReadOptions, Recorded, WriteOptions};

/// A token that stands in no event: whoever finds it in one found a leak.
const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJvIn0.x";

/// Reads bytes, and writes what they were in every form of the same dialect.
pub fn check(dialect: &dyn Dialect, bytes: &[u8]) {
    let options = ReadOptions { total_bytes_max: 1 << 24, ..ReadOptions::default() };
    let Ok(rows) = dialect.reader(Box::new(bytes), &options) else { return };
    let mapped: Vec<Mapped> = rows.filter_map(|row| row.result.ok()).collect();
    for Mapped { event, native } in &mapped {
        event.check().expect("a reader hands out good events only");
        assert!(event.id.is_some());
        let native = native.as_ref().map_or("", event::Json::as_str);
        assert!(!event.to_json().contains(TOKEN) && !native.contains(TOKEN));
    }
    for format in dialect.formats() {
        let options = WriteOptions { format: Some(format.name.to_owned()), ..Default::default() };
        let mut writer = dialect.writer(&options).expect("a format that is listed is written");
        let (mut out, mut losses) = (Vec::new(), Losses::default());
        writer.begin(&mut out).expect("memory does not fail");
        for (index, Mapped { event, native }) in (0..).zip(&mapped) {
            let recorded = Recorded { index, recorded_at_micros: 0, event, native: native.as_ref() };
            writer.write(&recorded, &mut out, &mut losses).expect("memory does not fail");
        }
        writer.end(&mut out).expect("memory does not fail");
    }
}
