//! Datasets that are damaged, or made to do harm: refused with the culprit's name, and the target is as it was.

use fs_err as fs;

use crate::sandbox::Sandbox;

/// Imports what `spoil` makes of a good dataset, over a store that must survive.
fn refused(spoil: impl Fn(&Sandbox), words: &[&str]) {
    let sandbox = Sandbox::with_store("worked-example");
    sandbox.dataset("archival", "js", "archival", "dataset");
    fs::write(sandbox.path("secret"), "not yours").unwrap();
    spoil(&sandbox);
    let before = sandbox.tree();
    sandbox.run(&["import", "dataset", "store", "--replace"]).refused(words);
    assert_eq!(sandbox.tree(), before, "{words:?}");
    sandbox.run(&["import", "dataset", "fresh", "--json"]).refused(words);
    assert!(!sandbox.path("fresh/swingstore.sqlite").exists(), "{words:?}");
}

fn edit(sandbox: &Sandbox, file: &str, change: impl FnOnce(String) -> String) {
    let path = sandbox.path("dataset").join(file);
    let before = fs::read_to_string(&path).unwrap();
    let after = change(before.clone());
    assert_ne!(after, before, "{file}");
    fs::write(path, after).unwrap();
}

fn manifest(sandbox: &Sandbox, from: &str, to: &str) {
    edit(sandbox, "export-manifest.json", |text| text.replacen(from, to, 1));
}

#[test]
fn no_dataset_or_half_a_one() {
    let clear = |sandbox: &Sandbox| fs::remove_dir_all(sandbox.path("dataset")).unwrap();
    refused(clear, &["dataset/export-manifest.json", "missing", "name the directory"]);
    let remove = |sandbox: &Sandbox| fs::remove_file(sandbox.path("dataset/export-manifest.json")).unwrap();
    refused(remove, &["dataset/export-manifest.json", "missing"]);
    let abort = |sandbox: &Sandbox| fs::write(sandbox.path("dataset/export-manifest.json"), "").unwrap();
    refused(abort, &["dataset/export-manifest.json", "aborted", "export again"]);
    let remove = |sandbox: &Sandbox| fs::remove_file(sandbox.path("dataset/transcript.v2.0.9")).unwrap();
    refused(remove, &["dataset/transcript.v2.0.9", "missing"]);
}

#[test]
fn manifests_that_are_none_or_not_enough() {
    let broken = |sandbox: &Sandbox| fs::write(sandbox.path("dataset/export-manifest.json"), "{\"a\":").unwrap();
    refused(broken, &["dataset/export-manifest.json", "not JSON"]);
    refused(|s| manifest(s, "\"blockHeight\": 5", "\"blockHeight\": \"5\""), &["manifest", "line 2"]);
    refused(|s| manifest(s, "  \"blockHeight\": 5,\n", ""), &["export-manifest.json", "no blockHeight"]);
    refused(|s| manifest(s, ",\n  \"data\": \"export-data.jsonl\"", ""), &["no export data", "--export-data-mode all"]);
    refused(|s| manifest(s, "\"archival\"", "\"none\""), &["no artifacts"]);
    refused(|s| manifest(s, "\"archival\"", "\"everything\""), &["everything"]);
}

#[test]
fn files_outside_the_dataset_are_not_read() {
    for (name, word) in [("../secret", ".."), ("/etc/hostname", "absolute"), ("..", ".."), ("sub/../../secret", "..")] {
        let escape = |s: &Sandbox| manifest(s, "\"export-data.jsonl\"", &format!("{name:?}"));
        refused(escape, &["export-manifest.json", word]);
        let file = "\"transcript.v2.0.9\"\n";
        refused(|s| manifest(s, file, &format!("{name:?}\n")), &["export-manifest.json", word]);
    }
}

#[cfg(unix)]
#[test]
fn links_that_lead_out_of_the_dataset_are_not_followed() {
    for file in ["export-data.jsonl", "transcript.v2.0.9"] {
        let link = |sandbox: &Sandbox| {
            let path = sandbox.path("dataset").join(file);
            fs::remove_file(&path).unwrap();
            fs_err::os::unix::fs::symlink(sandbox.path("secret"), path).unwrap();
        };
        refused(link, &[&format!("dataset/{file}"), "leads out"]);
    }
}

#[test]
fn artifacts_that_are_not_what_their_records_say() {
    let flip = |text: String| text.replacen("\"d\"", "\"e\"", 1);
    refused(|s| edit(s, "transcript.v2.0.9", flip), &["transcript.v2.0.9", "get the dataset again"]);
    refused(|s| edit(s, "transcript.v2.0.9", |text| text + "{}\n"), &["transcript.v2.0.9"]);
    refused(|s| edit(s, "transcript.v2.0.9", |text| text.trim_end().to_owned()), &["transcript.v2.0.9"]);
    refused(|s| edit(s, "transcript.v2.0.9", |text| text.replacen('\n', " \n", 1)), &["transcript.v2.0.9"]);
    refused(|s| fs::write(s.path("dataset/transcript.v2.0.9"), b"\xff\n").unwrap(), &["transcript.v2.0.9"]);
    refused(|s| fs::write(s.path("dataset/snapshot.v1.20"), "not the heap").unwrap(), &["snapshot.v1.20"]);
    let bundle = "bundle.b0-41bf37cd3f5b9f26b077366851ecc07fbd0a0784f49e332abc3fc9e9130e5864";
    refused(|s| edit(s, bundle, |text| format!("{text} ")), &[bundle]);
}

#[test]
fn artifacts_that_no_record_vouches_for() {
    let rename = |from: &'static str, to: &'static str| {
        move |s: &Sandbox| manifest(s, &format!("      {from:?},\n"), &format!("      {to:?},\n"))
    };
    refused(rename("transcript.v2.0.9", "transcript.v3.0.9"), &["transcript.v3.0.9"]);
    refused(rename("transcript.v2.0.9", "transcript.v2.0x0.9"), &["transcript.v2.0x0.9"]);
    refused(rename("snapshot.v1.20", "snapshot.v1.21"), &["snapshot.v1.21"]);
    refused(rename("snapshot.v1.20", "image.v1.20"), &["image.v1.20"]);
}

#[test]
fn export_data_that_is_not() {
    let data = |change: fn(String) -> String| move |s: &Sandbox| edit(s, "export-data.jsonl", change);
    refused(data(|text| format!("{text}[\"kv.a\"\n")), &["export-data.jsonl", "line 27"]);
    refused(data(|text| format!("\n{text}")), &["export-data.jsonl", "line 1"]);
    refused(data(|text| format!("{text}[\"kv.host.height\",\"99\"]\n")), &["kv.host.height"]);
    refused(data(|text| format!("{text}[\"gold.v1\",\"99\"]\n")), &["gold.v1"]);
    refused(data(|text| format!("{text}[\"snapshot.v1.current\",\"snapshot.v1.6\"]\n")), &["snapshot.v1"]);
    refused(data(|_| "\u{feff}[\"kv.a\",\"1\"]\n".to_owned()), &["export-data.jsonl", "line 1"]);
    refused(|s| fs::write(s.path("dataset/export-data.jsonl"), "").unwrap(), &["empty"]);
    refused(|s| fs::write(s.path("dataset/export-data.jsonl"), b"[\"kv.\xff\",\"1\"]\n").unwrap(), &["not UTF-8"]);
}

#[test]
fn a_mode_that_the_artifacts_do_not_cover() {
    // The manifest claims more than there is.
    let claim = |sandbox: &Sandbox| {
        fs::remove_dir_all(sandbox.path("dataset")).unwrap();
        sandbox.dataset("archival", "js", "operational", "dataset");
        manifest(sandbox, "\"operational\"", "\"archival\"");
    };
    refused(claim, &["not complete for archival mode", "transcript.v1.0.7", "smaller --artifact-mode"]);
}
