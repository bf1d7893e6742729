//! `swing-store replay` on the recorded kernel that is committed. The whole of it is replayed by `cargo xtask tour`.

use std::io::{BufRead as _, BufReader};

use flate2::read::GzDecoder;
use fs_err as fs;
use serde_json::Value;

use crate::sandbox::{Run, Sandbox, fixtures};

/// Three blocks with cranks, upgrades of state, snapshots and bundles in them.
const LINES: usize = 27_000;

/// The first lines of the recorded kernel.
fn recorded() -> Vec<String> {
    let trace = fs::File::open(fixtures().join("trace/trace.jsonl.gz")).unwrap();
    let lines: Vec<_> = BufReader::new(GzDecoder::new(trace)).lines().take(LINES).map(Result::unwrap).collect();
    assert_eq!(lines.len(), LINES);
    lines
}

fn replayed(sandbox: &Sandbox, lines: &[String], args: &[&str]) -> Run {
    fs::write(sandbox.path("trace"), lines.join("\n")).unwrap();
    let blobs = fixtures().join("trace/blobs");
    sandbox.run(&[&["replay", "trace", "store", "--blobs", blobs.to_str().unwrap()], args].concat())
}

#[test]
fn a_real_kernel_gets_the_answers_it_got_from_the_original() {
    let sandbox = Sandbox::new();
    let lines = recorded();
    let run = replayed(&sandbox, &lines, &["--json"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run:?}");
    let done = run.json();
    let of = |letters: &str| lines.iter().filter(|line| line.starts_with(&format!("[\"{letters}\""))).count();
    assert_eq!(done["mismatches"], 0);
    assert_eq!(done["calls"], LINES - of("xe") - of("##"));
    assert_eq!(done["blocks"], of("hc"));
    let hashes = lines.iter().rfind(|line| line.starts_with("[\"Ce\"")).unwrap();
    let hashes: Value = serde_json::from_str(hashes).unwrap();
    assert_eq!(done["activityhash"], hashes[1][1]);
    for letters in
        ["ho", "kg", "kh", "kn", "ks", "kd", "C<", "C>", "Cs", "Ce", "ti", "ta", "tb", "tr", "to", "ss", "ba"]
    {
        let op = &done["per_op"][letters];
        assert_eq!(op["count"], of(letters), "{letters}");
        let mean = op["total_us"].as_f64().unwrap() / op["count"].as_f64().unwrap();
        assert!((op["mean_us"].as_f64().unwrap() - mean).abs() < 0.01, "{letters}: {op}");
    }
    let seconds = |field: &str| done[field].as_f64().unwrap();
    assert!(seconds("store_seconds") > seconds("store_seconds_without_blobs"));
    assert!(seconds("store_seconds_without_blobs") > 0.0);
    // What was not committed is gone, what was is sound.
    assert_eq!(sandbox.run(&["verify", "store"]).code, 0);
}

#[test]
fn every_answer_that_differs_is_counted_and_the_first_are_shown() {
    let mut lines = recorded();
    lines.truncate(18_248);
    let change = |lines: &mut Vec<String>, letters: &str, from: &str, to: &str| {
        let found = |line: &String| line.starts_with(&format!("[\"{letters}\"")) && line.contains(from);
        let at = lines.iter().position(found).unwrap_or_else(|| panic!("no {letters} with {from}"));
        lines[at] = lines[at].replacen(from, to, 1);
        at + 1
    };
    let mut changed = vec![
        change(&mut lines, "kh", "false", "true"),
        change(&mut lines, "kn", "\"vat.name.bank\"]", "null]"),
        change(&mut lines, "Ce", "\"b11f02c6", "\"00000000"),
        change(&mut lines, "xe", "150", "151"),
        change(&mut lines, "tb", "\"endPos\":1", "\"endPos\":2"),
        change(&mut lines, "ss", "uncompressedSize\":", "uncompressedSize\":1"),
    ];
    // A batch that was recorded and does not come, and one that comes unrecorded.
    let at = lines.iter().rposition(|line| line.starts_with("[\"xe\"")).unwrap();
    lines.remove(at);
    changed.push(at);
    lines.push("[\"xe\",1,\"00\"]".to_owned());
    changed.push(lines.len());
    changed.sort_unstable();

    let sandbox = Sandbox::new();
    let run = replayed(&sandbox, &lines, &["--json"]);
    assert_eq!((run.code, &run.json()["mismatches"]), (1, &changed.len().into()), "{run:?}");
    let shown: Vec<usize> = run.stderr.lines().map(|line| line.split(' ').nth(1).unwrap().parse().unwrap()).collect();
    assert_eq!(shown, changed, "{}", run.stderr);
    assert!(run.stderr.contains(" kh: expected true, got false\n"), "{}", run.stderr);
    assert!(run.stderr.contains("got no call of the export callback"), "{}", run.stderr);

    let people = Sandbox::new();
    let run = replayed(&people, &lines, &[]);
    assert_eq!(run.code, 1);
    assert!(run.stdout.contains(": 8 not as recorded\n"), "{}", run.stdout);
    // Without checking, only what fails is wrong.
    let unchecked = Sandbox::new();
    let run = replayed(&unchecked, &lines, &["--no-check"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run:?}");
    assert!(run.stdout.contains("answers not compared"), "{}", run.stdout);
}

#[test]
fn people_get_a_rate_and_a_table() {
    let sandbox = Sandbox::new();
    let run = replayed(&sandbox, &recorded()[..5000], &[]);
    assert_eq!(run.code, 0, "{run:?}");
    for words in [
        " blocks: every answer, hash and export batch as recorded\n",
        "  activityhash  ",
        " calls per second\n",
        "mean µs",
    ] {
        assert!(run.stdout.contains(words), "no {words:?} in\n{}", run.stdout);
    }
}

#[cfg(unix)]
#[test]
fn a_store_that_fails_ends_the_replay_with_the_cause() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("trace"), recorded()[..20].join("\n")).unwrap();
    fs_err::os::unix::fs::symlink("/nowhere/agoric", sandbox.path("link")).unwrap();
    sandbox.run(&["replay", "trace", "link"]).refused(&["the store failed at trace line 1", "directory `link`"]);

    // No file may become larger, which is as good as a full disk.
    fs::write(sandbox.path("trace"), recorded().join("\n")).unwrap();
    let blobs = fixtures().join("trace/blobs");
    let args = ["replay", "trace", "store", "--blobs", blobs.to_str().unwrap()];
    let run = sandbox.run_with_small_files(1000, &args);
    run.refused(&["the store failed at trace line "]);
    assert!(!run.stderr.contains("expected"), "{run:?}");
}
