//! Writes a platform's file of any size, for measuring imports:
//! `cargo run --release --example platform_rows -- dnanexus 2000000 > rows.csv`.
//!
//! The rows are those of a busy platform: some hundred people, some thousand files, mostly reads, a
//! few refusals, parameters with quotes and commas in them. The same arguments give the same bytes.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use dialect::csv::write_cell;
use event::format_micros;

/// The first event's time: 2025-09-03T00:00:00Z.
const BEGIN_MICROS: i64 = 1_756_857_600_000_000;

/// Microseconds between two events: about twelve a second.
const STEP_MICROS: i64 = 83_000;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let platform = arguments.next().unwrap_or_default();
    let count = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1_000);
    let (header, row): (&str, fn(u64) -> Vec<String>) = match platform.as_str() {
        "dnanexus" => (DNANEXUS, dnanexus),
        "seqera" => (SEQERA, seqera),
        "tetrascience" => (TETRASCIENCE, tetrascience),
        _ => {
            let names = "dnanexus, seqera or tetrascience";
            // Nobody is left to tell when stderr is gone.
            let _ = writeln!(io::stderr(), "usage: platform_rows PLATFORM COUNT; {names}");
            return ExitCode::from(2);
        }
    };
    match write(count, header, row) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn write(count: u64, header: &str, row: fn(u64) -> Vec<String>) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    writeln!(out, "{header}")?;
    let mut line = Vec::new();
    for number in 0..count {
        line.clear();
        for (position, cell) in row(number).iter().enumerate() {
            if position > 0 {
                line.push(b',');
            }
            write_cell(&mut line, cell, false);
        }
        line.push(b'\n');
        out.write_all(&line)?;
    }
    out.flush()
}

/// Bits that look random and depend on the number alone (splitmix64).
fn mix(number: u64, salt: u64) -> u64 {
    let mut bits = number.wrapping_add(salt << 40).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

fn pick<'w>(words: &[&'w str], bits: u64) -> &'w str {
    let count = u64::try_from(words.len()).unwrap_or(1);
    usize::try_from(bits % count).ok().and_then(|at| words.get(at)).copied().unwrap_or_default()
}

fn micros(number: u64) -> i64 {
    BEGIN_MICROS + STEP_MICROS * i64::try_from(number).unwrap_or(0)
}

/// A time without the fraction.
fn seconds(number: u64) -> String {
    let text = format_micros(micros(number));
    format!("{}Z", text.split('.').next().unwrap_or_default())
}

fn id(class: &str, bits: u64) -> String {
    format!("{class}-J{:023x}", u128::from(mix(bits, 9)) << 24)
}

fn address(bits: u64) -> String {
    format!("203.0.{}.{}", bits % 113, bits / 113 % 254 + 1)
}

const DNANEXUS: &str = "Timestamp,IP Address,User Agent,Acting User ID,Action,Object ID,Object Name,\
                        Project ID,Project Name,Success Status,Info,Label,Auth Token";

fn dnanexus(number: u64) -> Vec<String> {
    const ACTIONS: [&str; 8] = [
        "file-describe",
        "file-download",
        "project-listFolder",
        "file-close",
        "file-describe",
        "project-describe",
        "job-new",
        "project-invite",
    ];
    const AGENTS: [&str; 3] = [
        "dxpy/0.413.0 (Linux-6.8.0-45-generic-x86_64-with-glibc2.39) Python/3.12.3",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko)",
        "dxjava/0.413.0 Linux java/21.0.4 [OpenJDK]/21.0.4+7",
    ];
    let user = mix(number, 1) % 300;
    let (object, project) = (mix(number, 2) % 40_000, mix(number, 3) % 60);
    let action = pick(&ACTIONS, mix(number, 4));
    let class = action.split('-').next().unwrap_or_default();
    let target = if class == "project" { project } else { object };
    vec![
        seconds(number),
        address(mix(user, 5)),
        pick(&AGENTS, user).to_owned(),
        format!("user-u{user}"),
        action.to_owned(),
        id(class, target),
        format!("sample {target}, lane {}.fastq.gz", target % 8),
        id("project", project),
        format!("Cohort {project}"),
        if mix(number, 6).is_multiple_of(40) { "No" } else { "Yes" }.to_owned(),
        format!("{{\"fields\":{{\"name\":true}},\"describe\":\"run \\\"{number}\\\"\"}}"),
        if user.is_multiple_of(3) { "ci-pipeline" } else { "" }.to_owned(),
        format!("{:04x}", user * 7),
    ]
}

const SEQERA: &str = "Type,Target,Principal,Status,Organization ID,Organization name,Workspace ID,\
                      Workspace name,Client IP,Creation date";

fn seqera(number: u64) -> Vec<String> {
    const TYPES: [&str; 5] = [
        "workflow_launched",
        "workflow_status_changed",
        "user_sign_in",
        "dataset_created",
        "participant_added",
    ];
    let user = mix(number, 1) % 300;
    let kind = pick(&TYPES, mix(number, 2));
    let workspace = mix(number, 3) % 40 + 9_000;
    let status = match kind {
        "workflow_status_changed" => "RUNNING".to_owned(),
        "user_sign_in" => "oidc".to_owned(),
        "participant_added" => workspace.to_string(),
        _ => String::new(),
    };
    vec![
        kind.to_owned(),
        format!("{:x}", mix(number, 4)),
        if kind == "workflow_status_changed" { "system".to_owned() } else { user.to_string() },
        status,
        "71".to_owned(),
        "acme".to_owned(),
        workspace.to_string(),
        format!("oncology {workspace}"),
        if kind == "workflow_status_changed" { String::new() } else { address(user) },
        seconds(number),
    ]
}

const TETRASCIENCE: &str = "id,org_slug,actor_id,actor_type,actor_name,actor_email,ip_address,host,\
                            auth_token_ending,entity_type,entity_id,action,before,after,\
                            change_reason,entity_schema_version,created_at,entity_name";

fn tetrascience(number: u64) -> Vec<String> {
    let user = mix(number, 1) % 300;
    let entity = mix(number, 2) % 5_000;
    let image = |status: &str| {
        format!(
            "{{\"id\": \"{entity}\", \"name\": \"pipeline {entity}\", \"status\": \"{status}\", \
             \"protocolVersion\": \"v2.3.{}\"}}",
            number % 10
        )
    };
    let time = format_micros(micros(number));
    let time = time.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.');
    vec![
        format!("{:08x}-7c1a-4b0e-8a8e-{:012x}", number, mix(number, 3) >> 16),
        "acme-qc".to_owned(),
        format!("{user:08x}-8b10-43b3-ac57-fe3ab86c05fd"),
        "user".to_owned(),
        format!("Person {user}"),
        format!("person.{user}@acme.example"),
        address(user),
        String::new(),
        format!("{:07x}", mix(user, 4) >> 36),
        "pipeline".to_owned(),
        format!("{entity:08x}-0d5e-4b2c-9a55-1a7f0f7f9c11"),
        "update".to_owned(),
        image("disabled"),
        image("enabled"),
        if number.is_multiple_of(4) {
            format!("CR-{}, signed off", number % 900)
        } else {
            String::new()
        },
        "1".to_owned(),
        format!("{}+00", time.replacen('T', " ", 1)),
        format!("pipeline {entity}"),
    ]
}
