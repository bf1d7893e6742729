//! The table in docs/reliability.md, from what the engines wrote down.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use fs_err as fs;
use serde_json::Value;

use crate::shell::{root, target};

const BEGIN: &str = "<!-- begin: cargo xtask crash --record -->\n";
const END: &str = "<!-- end -->";
const ENGINES: [&str; 6] = ["power", "kill", "faults", "syscalls", "disk-full", "readers"];

/// Rewrites the table between the two marks. Runs of one engine with different seeds are added up.
pub(super) fn write() -> Result<()> {
    let mut table =
        String::from("| engine | asked for | seeds | what was tried | found wrong | controls, which must fail |\n");
    table.push_str("|---|---|---|---|---|---|\n");
    for engine in ENGINES {
        let reports = reports(engine)?;
        if !reports.is_empty() {
            writeln!(table, "{}", row(engine, &reports)).context("a line of the table")?;
        }
    }
    let path = root().join("docs/reliability.md");
    let text = fs::read_to_string(&path)?;
    let (before, rest) = text.split_once(BEGIN).context("docs/reliability.md has no mark where the table begins")?;
    let (_, after) = rest.split_once(END).context("docs/reliability.md has no mark where the table ends")?;
    fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}"))?;
    println!("docs/reliability.md has the figures of {}", target().join("crash").display());
    Ok(())
}

/// What runs of the engine have left: `ENGINE.json`, and `ENGINE-….json` of runs beside each other.
fn reports(engine: &str) -> Result<Vec<Value>> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(target().join("crash")) else { return Ok(found) };
    let mut names: Vec<_> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    names.sort();
    for path in names {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_its =
            name == format!("{engine}.json") || name.starts_with(&format!("{engine}-")) && name.ends_with(".json");
        if is_its {
            let report: Value = serde_json::from_str(&fs::read_to_string(&path)?)?;
            if report["engine"] == *engine {
                found.push(report);
            }
        }
    }
    Ok(found)
}

fn sum(reports: &[Value], pointer: &str) -> u64 {
    reports.iter().filter_map(|report| report.pointer(&format!("/counts{pointer}"))?.as_u64()).sum()
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group).into_owned());
    groups.collect::<Vec<_>>().join(",")
}

fn row(engine: &str, reports: &[Value]) -> String {
    let of = |pointer: &str| grouped(sum(reports, pointer));
    let bad = |pointers: &[&str]| grouped(pointers.iter().map(|pointer| sum(reports, pointer)).sum());
    let (tried, wrong) = match engine {
        "power" => (
            format!(
                "{} states, {} of them during a recovery and {} during an import",
                of("/states"),
                of("/during_recovery"),
                of("/during_import")
            ),
            bad(&["/lost", "/mixed", "/unusable"]),
        ),
        "kill" => (
            format!(
                "{} random kills ({} while opening, {} inside a commit), {} at system calls",
                of("/random/kills"),
                of("/random/while_opening"),
                of("/random/while_committing"),
                of("/points/kills")
            ),
            bad(&["/random/lost", "/random/mixed", "/random/unusable", "/random/archive_behind", "/points/bad"]),
        ),
        "faults" => (format!("{} runs with a failure", of("/runs")), bad(&["/wrong", "/unusable"])),
        "syscalls" => (
            format!(
                "{} acknowledgements, {} flushes, {} calls that failed",
                of("/acknowledgements"),
                of("/flushes"),
                of("/failed_calls")
            ),
            bad(&["/unflushed", "/wrong"]),
        ),
        "disk-full" => {
            (format!("{} runs, {} with something refused", of("/runs"), of("/refused")), bad(&["/wrong", "/unusable"]))
        }
        _ => (
            format!(
                "{} commits; {} exports by threads and {} by processes, of {} heights; longest log {} bytes, afterwards {}",
                of("/commits"),
                of("/by_threads"),
                of("/by_processes"),
                of("/heights"),
                of("/longest_log"),
                of("/log_afterwards")
            ),
            bad(&["/wrong", "/exports_failed", "/kernel_failed"]),
        ),
    };
    let mut asked: Vec<_> = reports.iter().map(|report| options(&report["asked"])).collect();
    asked.dedup();
    let seeds: Vec<_> = reports.iter().map(|report| report["seed"].to_string()).collect();
    format!(
        "| `{engine}` | {} | {} | {tried} | **{wrong}** | {} |",
        asked.join("; "),
        seeds.join(", "),
        controls(engine, &reports[0])
    )
}

fn options(asked: &Value) -> String {
    let options = asked.as_object().into_iter().flatten().map(|(name, value)| format!("`--{name} {value}`"));
    options.collect::<Vec<_>>().join(" ")
}

/// What the controls lost.
fn controls(engine: &str, report: &Value) -> String {
    if engine == "syscalls" {
        return format!("{} of the flushes are missed when taken out", report["counts"]["flushes_missed"]);
    }
    let Some(controls) = report["controls"].as_array() else { return String::new() };
    let shown = controls.iter().map(|control| {
        let counts = &control["counts"];
        let of = |name: &str| counts[name].as_u64().unwrap_or_default();
        let bad = of("lost") + of("mixed") + of("unusable") + of("wrong") + of("exports_failed") + of("archive_behind");
        let tried = of("states") + of("kills") + of("runs") + of("commits");
        format!("{} {bad} of {tried}", control["name"].as_str().unwrap_or_default())
    });
    shown.collect::<Vec<_>>().join("; ")
}
