//! How long a dialect's reader takes for a row, on one core:
//! `cargo run --release --example read_speed -- dnanexus < rows.csv`.

use std::io::{self, BufReader, Write};
use std::process::ExitCode;
use std::time::Instant;

use dialect::ReadOptions;

fn main() -> ExitCode {
    let name = std::env::args().nth(1).unwrap_or_default();
    let Some(dialect) = dialect::by_name(&name) else { return ExitCode::from(2) };
    let input = Box::new(BufReader::with_capacity(1 << 17, io::stdin()));
    let begin = Instant::now();
    let Ok(rows) = dialect.reader(input, &ReadOptions::default()) else { return ExitCode::FAILURE };
    let (mut good, mut bad, mut kept) = (0_u32, 0_u32, 0_u32);
    for row in rows {
        match row.result {
            Ok(mapped) => {
                good += 1;
                kept += u32::from(mapped.native.is_some());
            }
            Err(_) => bad += 1,
        }
    }
    let micros = begin.elapsed().as_secs_f64() * 1e6 / f64::from((good + bad).max(1));
    let text =
        format!("{good} events, {kept} beside their record, {bad} rejected, {micros:.2} us a row");
    // Nobody is left to tell when stdout is gone.
    let _ = writeln!(io::stdout(), "{text}");
    ExitCode::SUCCESS
}
