//! Platforms' files in and out again, also when the process dies or the file means harm.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::shell::{Shell, opencga, peak_bytes, sample, with_trail};

/// The counts that an import prints.
fn counts(out: &str) -> Value {
    serde_json::from_str(out.lines().last().unwrap()).unwrap()
}

fn expected(recorded: u64, already: u64, rejected: u64) -> Value {
    let read = recorded + already + rejected;
    json!({"read": read, "recorded": recorded, "already": already, "rejected": rejected})
}

#[test]
fn every_sample_comes_in_once_and_goes_out_as_it_came() {
    for (dialect, file, records, format) in [
        ("dnanexus", "audit.csv", 5, "csv"),
        ("seqera", "v1-dashed-dates.csv", 0, "v1-csv"),
        ("seqera", "v1-iso-dates.csv", 0, "v1-csv"),
        ("seqera", "v2.csv", 0, "v2-csv"),
        ("seqera", "v2-records.jsonl", 0, "v2-jsonl"),
        ("tetrascience", "audit-trail.csv", 4, "audit-trail-csv"),
        ("tetrascience", "audit-trail-page.csv", 0, "audit-trail-csv-page"),
        ("tetrascience", "audit-trail.json", 4, "audit-trail-json"),
        ("tetrascience", "system-log.csv", 0, "system-log-csv"),
        ("tetrascience", "system-log.json", 0, "system-log-json"),
    ] {
        let (shell, _) = with_trail();
        let path = sample(&format!("{dialect}/{file}"));
        let import = ["import", dialect, &path, "--strict", "--trail", "lab"];
        let first = counts(&shell.done(&import));
        let recorded = first["recorded"].as_u64().unwrap();
        assert!(recorded > 0 && (records == 0 || recorded == records), "{file}: {first}");
        assert_eq!(counts(&shell.done(&import)), expected(0, recorded, 0), "{file}");
        let query = format!("source:{dialect}");
        let out = shell.done(&[
            "export",
            "--dialect",
            dialect,
            "--format",
            format,
            "--query",
            &query,
            "--trail",
            "lab",
        ]);
        let text = fs::read_to_string(&path).unwrap();
        if format.contains("csv") {
            assert_eq!(out, text, "{file}");
        } else {
            assert_eq!(records_in(&out), records_in(&text), "{file}");
        }
    }
}

/// The records of a page or of lines, whatever their layout.
fn records_in(text: &str) -> Vec<Value> {
    let Ok(page) = serde_json::from_str::<Value>(text) else {
        return text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    };
    let list = ["logs", "auditLogs"].iter().find_map(|name| page.get(name)?.as_array());
    list.cloned().unwrap_or_else(|| vec![page.clone()])
}

#[test]
fn real_dumps_survive_the_way_through_a_trail_and_back() {
    let (shell, _) = with_trail();
    let files = ["v3.0.0_opencga.json", "v3.0.0_test.json", "v3.1.0_opencga.json"].map(opencga);
    let first = shell.done(&[
        "import", "opencga", &files[0], &files[1], &files[2], "--strict", "--trail", "lab",
    ]);
    let lines: usize =
        files.iter().map(|file| fs::read_to_string(file).unwrap().lines().count()).sum();
    assert_eq!(counts(&first)["recorded"], lines);
    shell.done(&["trail", "create", "copy"]);
    let export = |trail: &str, format: &str| {
        let query = "source:opencga";
        let out = shell.done(&[
            "export",
            "--dialect",
            "opencga",
            "--format",
            format,
            "--query",
            query,
            "--trail",
            trail,
        ]);
        fs::write(shell.path("out.json"), &out).unwrap();
        out
    };
    for format in ["mongo", "extended-json", "rest"] {
        let out = export("lab", format);
        let back = counts(&shell.done(&["import", "opencga", "out.json", "--trail", "lab"]));
        assert_eq!(back, expected(0, lines as u64, 0), "{format} says nothing new");
        if format == "mongo" {
            shell.done(&["import", "opencga", "out.json", "--strict", "--trail", "copy"]);
            assert_eq!(export("copy", "mongo"), out);
        }
    }
}

/// Rows of a DNAnexus file; two of them are equal to the letter.
fn rows(count: usize) -> String {
    let header = "Timestamp,IP Address,User Agent,Acting User ID,Action,Object ID,Object Name,\
                  Project ID,Project Name,Success Status,Info,Label,Auth Token\n";
    let mut text = header.to_owned();
    for number in 0..count {
        let (minute, second) = (number / 60 % 60, number % 60);
        let same = if number > 0 && number == count / 2 { number - 1 } else { number };
        writeln!(
            text,
            "2025-09-03T07:{minute:02}:{second:02}Z,203.0.113.24,dxpy,user-{},file-close,file-{same},\
             \"a, {same}\",project-1,WES,Yes,\"{{\"\"n\"\":{same}}}\",,9xQz",
            same % 7
        )
        .unwrap();
    }
    text
}

#[test]
fn a_killed_import_that_is_run_again_loses_and_doubles_nothing() {
    const ROWS: usize = 30_000;
    let (shell, vkey) = with_trail();
    let text = rows(ROWS);
    fs::write(shell.path("rows.csv"), &text).unwrap();
    let import = ["import", "dnanexus", "rows.csv", "--trail", "lab"];
    let mut killed = 0;
    for round in 0..12_u64 {
        let mut child = shell.command(&import).stdout(Stdio::null()).spawn().unwrap();
        // Spread over start, parsing, commits and publications, whatever the machine's speed.
        std::thread::sleep(Duration::from_millis(40 + round * 77 % 900));
        killed += u64::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(killed > 2, "the machine was too quick for this test");
    let last = counts(&shell.done(&import));
    assert_eq!(last["read"], ROWS);
    assert_eq!(last["rejected"], 0);
    let query = "source:dnanexus";
    let out = shell.done(&["export", "--dialect", "dnanexus", "--query", query, "--trail", "lab"]);
    assert!(out == text, "every row is there once, in its order");
    assert_eq!(counts(&shell.done(&import)), expected(0, ROWS as u64, 0));
    shell.done(&["check"]);
    shell.done(&["verify", "--vkey", &vkey, "data/trails/lab"]);
}

#[test]
fn a_server_that_is_killed_in_an_import_goes_on_where_it_was() {
    const ROWS: usize = 20_000;
    let (shell, _) = with_trail();
    let token = shell.done(&["token", "create", "--trail", "lab", "--scope", "append,read"]);
    let bearer = format!("Bearer {}", token.trim());
    let text = rows(ROWS);
    let send = |address: &str| {
        let url =
            format!("http://{address}/api/v1/trails/lab/import?dialect=dnanexus&file=rows.csv");
        ureq::post(&url).header("Authorization", &bearer).send(text.as_str())
    };
    for round in 0..4_u64 {
        let (mut server, address) = serve(&shell);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // It is killed while it answers, or before, or has just finished.
                drop(send(&address));
            });
            std::thread::sleep(Duration::from_millis(150 + round * 400));
            server.kill().unwrap();
            server.wait().unwrap();
        });
    }
    let (mut server, address) = serve(&shell);
    let report: Value =
        serde_json::from_str(&send(&address).unwrap().body_mut().read_to_string().unwrap())
            .unwrap();
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(report["counts"]["read"], ROWS);
    assert_eq!(report["counts"]["rejected"], 0);
    let query = "source:dnanexus";
    let out = shell.done(&["export", "--dialect", "dnanexus", "--query", query, "--trail", "lab"]);
    assert!(out == text, "every row is there once, in its order");
    shell.done(&["check"]);
}

/// A server on a free port, and its address.
fn serve(shell: &Shell) -> (Child, String) {
    let mut command = shell.command(&["serve", "--listen", "127.0.0.1:0"]);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("http://") {
        line.clear();
        assert!(errors.read_line(&mut line).unwrap() > 0, "the server said nothing");
    }
    let address = line.trim().rsplit("http://").next().unwrap().to_owned();
    // Somebody has to read on, or the server's log has no place to go.
    std::thread::spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
    (child, address)
}

fn begin(shell: &Shell, arguments: &[&str]) -> Child {
    let mut command = shell.command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The last event of the trail.
fn last_event(shell: &Shell) -> Value {
    let lines = shell.done(&["export", "--trail", "lab"]);
    serde_json::from_str(lines.lines().last().unwrap()).unwrap()
}

#[test]
fn a_record_that_is_rejected_fails_the_command_and_not_the_others() {
    let (shell, _) = with_trail();
    let good = rows(3);
    fs::write(shell.path("some.csv"), format!("{good}not,a,row\n")).unwrap();
    let output = shell.run(&["import", "dnanexus", "some.csv", "--trail", "lab"]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("1 of 4 records were rejected"), "{errors}");
    let last: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(last, expected(3, 0, 1));
}

#[test]
fn an_interrupted_import_keeps_what_it_has_and_is_recorded() {
    let (shell, _) = with_trail();
    let mut child = begin(&shell, &["import", "dnanexus", "-", "--trail", "lab"]);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(rows(5_000).as_bytes()).unwrap();
    stdin.flush().unwrap();
    // The first batch is committed while the input stays open.
    std::thread::sleep(Duration::from_secs(3));
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("told to stop"));
    let recorded = counts(&String::from_utf8(output.stdout).unwrap())["recorded"].clone();
    let note = last_event(&shell);
    assert_eq!(note["action"], "import");
    assert_eq!(note["outcome"]["name"], "stopped");
    assert_eq!(note["params"]["complete"], false);
    assert_eq!(note["params"]["counts"]["recorded"], recorded);
}

#[test]
fn what_is_to_be_left_out_is_left_out_with_and_without_a_server() {
    let (shell, _) = with_trail();
    fs::write(shell.path("a.csv"), rows(1)).unwrap();
    fs::write(shell.path("b.csv"), rows(2)).unwrap();
    let import = |file| ["import", "dnanexus", file, "--redact", "/params/n", "--trail", "lab"];
    assert_eq!(counts(&shell.done(&import("a.csv"))), expected(1, 0, 0));
    let server = shell.serve(&[]);
    assert_eq!(counts(&shell.done(&import("b.csv"))), expected(1, 1, 0));
    server.stop();
    let found = shell.done(&["search", "source:dnanexus", "--trail", "lab", "-o", "json"]);
    assert_eq!(found.lines().count(), 2);
    for line in found.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["redacted"], json!(["/params/n"]), "{event}");
        assert!(event["params"].get("n").is_none(), "{event}");
    }
}

#[test]
fn strict_stops_at_the_first_bad_row_and_says_so() {
    let (shell, _) = with_trail();
    let text = rows(3).replace("2025-09-03T07:00:01Z", "yesterday");
    fs::write(shell.path("bad.csv"), &text).unwrap();
    let errors = shell.fails(1, &["import", "dnanexus", "bad.csv", "--strict", "--trail", "lab"]);
    assert!(errors.contains("bad.csv:3: `Timestamp`"), "{errors}");
    let note = last_event(&shell);
    assert_eq!(note["target"]["name"], "bad.csv");
    assert_eq!(note["outcome"]["name"], "strict");
    assert_eq!(note["params"]["counts"], expected(1, 0, 1));
    let lenient = shell.run(&["import", "dnanexus", "bad.csv", "--trail", "lab"]);
    assert_eq!(lenient.status.code(), Some(1), "the others came in, and one did not");
    assert_eq!(counts(&String::from_utf8(lenient.stdout).unwrap()), expected(1, 1, 1));
}

#[test]
fn hostile_files_are_told_from_records_and_harm_nothing() {
    let (shell, _) = with_trail();
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    bomb.write_all(&vec![0; 64 * 1024 * 1024]).unwrap();
    let nested = format!("{{\"logs\":[{}1{}]}}", "[".repeat(5_000), "]".repeat(5_000));
    // One row as Windows would write it: the other comes in.
    let mut latin1 = rows(2).into_bytes();
    let place = latin1.windows(3).position(|bytes| bytes == b"WES").unwrap();
    latin1[place] = 0xC9;
    let files: [(&str, &str, Vec<u8>, &str); 7] = [
        ("binary", "dnanexus", (0..=255).cycle().take(100_000).collect(), "13 columns"),
        ("elf", "tetrascience", b"\x7fELF\x02\x01\x01\0\0\0\n\0\0".to_vec(), "header"),
        ("utf16.csv", "seqera", b"\xFF\xFET\0y\0p\0e\0".to_vec(), "UTF-16"),
        ("latin1.csv", "dnanexus", latin1, "latin1.csv:2: a row is not UTF-8"),
        ("bomb.gz", "dnanexus", bomb.finish().unwrap(), "1000 times"),
        ("cut.gz", "dnanexus", b"\x1f\x8b\x08\0\0\0\0\0\0\x03abc".to_vec(), "damaged"),
        ("deep.json", "tetrascience", nested.into_bytes(), "deep"),
    ];
    for (name, dialect, bytes, expected) in &files {
        fs::write(shell.path(name), bytes).unwrap();
        let output = shell.run(&["import", dialect, name, "--trail", "lab"]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains(expected), "{name}: {errors}");
        assert!(errors.lines().count() < 2_000 && !errors.contains("panicked"), "{name}: {errors}");
    }
    // One stray quote spoils its own row and no other.
    let stray = rows(3).replace("\"a, 2\"", "\"a, 2");
    fs::write(shell.path("stray.csv"), stray).unwrap();
    let stray = shell.run(&["import", "dnanexus", "stray.csv", "--trail", "lab"]);
    assert_eq!(stray.status.code(), Some(1));
    let stray = counts(&String::from_utf8(stray.stdout).unwrap());
    assert_eq!(stray["rejected"], 1, "{stray}");
    // Formulas are data.
    let formula = rows(1).replace("project-1,WES", "project-1,=1+1");
    fs::write(shell.path("formula.csv"), &formula).unwrap();
    shell.done(&["import", "dnanexus", "formula.csv", "--trail", "lab"]);
    let export =
        ["export", "--trail", "lab", "--dialect", "dnanexus", "--query", "source:dnanexus"];
    assert!(shell.done(&export).contains(",=1+1,"));
    let guarded = [&export[..], &["--formula-guard"]].concat();
    assert!(shell.done(&guarded).contains(",'=1+1,"));
    shell.done(&["check"]);
}

#[test]
fn a_line_of_a_gigabyte_is_one_rejection_in_little_memory() {
    const PIECE: usize = 1 << 20;
    const MEMORY_MAX: u64 = 400 << 20;
    let (shell, _) = with_trail();
    let mut child = begin(&shell, &["import", "dnanexus", "-", "--trail", "lab"]);
    let mut stdin = child.stdin.take().unwrap();
    let good = rows(1);
    let row = good.lines().last().unwrap();
    stdin.write_all(good.as_bytes()).unwrap();
    stdin.write_all(b"2025-09-03T07:00:00Z,\"").unwrap();
    let piece = vec![b'x'; PIECE];
    for _ in 0..1024 {
        stdin.write_all(&piece).unwrap();
    }
    stdin.write_all(format!("\n{row}\n").as_bytes()).unwrap();
    let peak = peak_bytes(child.id());
    assert!(peak < MEMORY_MAX, "{peak} bytes");
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("8 MiB"), "{errors}");
    assert_eq!(counts(&String::from_utf8(output.stdout).unwrap()), expected(2, 0, 1));
}
