//! Traces that cannot be replayed, and places where not to.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use fs_err as fs;

use crate::sandbox::Sandbox;

fn refused(trace: &[u8], words: &[&str]) {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("trace"), trace).unwrap();
    sandbox.run(&["replay", "trace", "store", "--json"]).refused(words);
}

#[test]
fn a_trace_that_is_not_there_creates_no_store() {
    let sandbox = Sandbox::new();
    sandbox.run(&["replay", "absent", "store"]).refused(&["absent", "check the path"]);
    assert!(!sandbox.path("store").exists());
}

#[test]
fn a_line_that_is_no_call_is_named() {
    for (line, words) in [
        (&b"kg"[..], &["trace line 3", "column 1"][..]),
        (b"", &["trace line 3"]),
        (b"[]", &["trace line 3", "empty"]),
        (b"[\"zz\"]", &["trace line 3", "unknown operation \"zz\""]),
        (b"[\"kg\"]", &["trace line 3", "more arguments"]),
        (b"[\"kg\",\"k\",null,1]", &["trace line 3", "more arguments than it takes"]),
        (b"[\"kg\",\"\xff\"]", &["trace line 3", "not UTF-8"]),
        (b"[\"kg\",\"\\ud800\",null]", &["trace line 3"]),
    ] {
        refused(&[b"[\"ho\",\"init\"]\n[\"kh\",\"k\",false]\n", line, b"\n"].concat(), words);
    }
}

#[test]
fn a_compressed_trace_that_was_cut_is_told_from_one_that_ended() {
    let mut trace = GzEncoder::new(Vec::new(), Compression::default());
    for number in 0..5000 {
        writeln!(trace, "[\"##\",{}]", number * 7919 % 5003).unwrap();
    }
    let trace = trace.finish().unwrap();
    refused(&trace[..trace.len() / 2], &["cannot read on after line", "of trace", "cut short"]);
}

#[test]
fn a_directory_with_something_in_it_is_left_alone() {
    let sandbox = Sandbox::with_store("worked-example");
    fs::write(sandbox.path("trace"), "[\"ho\",\"init\"]\n").unwrap();
    fs::write(sandbox.path("file"), "mine").unwrap();
    let before = sandbox.tree();
    sandbox.run(&["replay", "trace", "store"]).refused(&["store is not an empty directory", "nothing was erased"]);
    sandbox.run(&["replay", "trace", "file"]).refused(&["file is not an empty directory"]);
    assert_eq!(sandbox.tree(), before);
}

#[test]
fn blobs_that_are_missing_or_damaged_are_named() {
    let hash = "46bbc14d3b416b75c61952ebea24dfdf79295a8cb26107060d74d7bcc5a19a65";
    let sandbox = Sandbox::new();
    let trace = format!("[\"ho\",\"init\"]\n[\"ss\",\"v1\",4,\"{hash}\",null]\n");
    fs::write(sandbox.path("trace"), trace).unwrap();
    let file = format!("blobs/{hash}.gz");
    sandbox.run(&["replay", "trace", "a"]).refused(&["trace line 2", &file]);
    fs::create_dir(sandbox.path("blobs")).unwrap();
    fs::write(sandbox.path(&file), "not gzip").unwrap();
    sandbox.run(&["replay", "trace", "b"]).refused(&["trace line 2", &file]);
    let mut other = GzEncoder::new(Vec::new(), Compression::default());
    other.write_all(b"another heap").unwrap();
    fs::write(sandbox.path(&file), other.finish().unwrap()).unwrap();
    sandbox.run(&["replay", "trace", "c"]).refused(&[&file, "SHA-256", "damaged"]);

    fs::write(sandbox.path("trace"), "[\"ho\",\"init\"]\n[\"ss\",\"v1\",4,\"../secret\",null]\n").unwrap();
    sandbox.run(&["replay", "trace", "d"]).refused(&["trace line 2", "SHA-256"]);
}
