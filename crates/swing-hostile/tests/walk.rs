//! All hostile cases: each comes out as it is listed, within memory, and without reading on once the error is certain.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use swing_hostile::{LIMITS, Line, cases, run};

/// Memory that is in use now, and was at most.
static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, counting.
struct Counting;

fn took(bytes: usize) {
    MOST.fetch_max(NOW.fetch_add(bytes, Relaxed) + bytes, Relaxed);
}

// SAFETY: every call is the system allocator's own; counting touches no memory that it hands out.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Has SQLite count its memory, which it is compiled not to do, before it is used.
fn count_sqlites_memory() {
    // SAFETY: nobody has used SQLite in this process; the option takes one integer.
    let code = unsafe { rusqlite::ffi::sqlite3_config(rusqlite::ffi::SQLITE_CONFIG_MEMSTATUS, 1) };
    assert_eq!(code, rusqlite::ffi::SQLITE_OK);
}

/// What SQLite, which does not use the allocator above, had at most since it was last asked.
fn sqlite_most() -> usize {
    // SAFETY: it only reads and resets a counter.
    let most = unsafe { rusqlite::ffi::sqlite3_memory_highwater(1) };
    usize::try_from(most).unwrap()
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

fn lines() -> Vec<Line> {
    let text = fs_err::read_to_string(fixtures().join("hostile/cases.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn what_is_written_down_is_what_the_recipes_say() {
    let recipes = cases::all();
    let listed: Vec<_> = lines().into_iter().map(|line| line.case).collect();
    assert_eq!(listed, recipes, "run cargo xtask hostile");
    assert!(listed.len() >= 300, "{}", listed.len());
    let names: BTreeSet<_> = listed.iter().map(|case| &case.name).collect();
    assert_eq!(names.len(), listed.len(), "names are unique");
    for weakness in (1..=17).map(|number| format!("I{number}")).chain((1..=5).map(|number| format!("E{number}"))) {
        // Two are no matter of input: see the fixture's README.
        let elsewhere = ["I1", "I6", "I16"].contains(&weakness.as_str());
        assert!(elsewhere || listed.iter().any(|case| case.about == weakness), "{weakness}");
    }
}

#[test]
fn every_case_comes_out_as_listed_within_memory_and_without_reading_on() {
    const MEMORY: usize = 64 << 20;
    const CHUNK: u64 = 64 << 10;
    let largest = usize::try_from(LIMITS.item.max(LIMITS.bundle)).unwrap();
    let (mut wrong, mut seen) = (Vec::new(), 0);
    count_sqlites_memory();
    for line in lines() {
        let case = &line.case;
        let scratch = tempfile::tempdir().unwrap();
        sqlite_most();
        let before = NOW.load(Relaxed);
        MOST.store(before, Relaxed);
        let outcome = match catch_unwind(AssertUnwindSafe(|| run(&fixtures(), case, scratch.path()))) {
            Ok(outcome) => outcome.unwrap(),
            Err(_) => {
                wrong.push(format!("{}: panicked", case.name));
                continue;
            }
        };
        let sqlite = sqlite_most();
        seen = seen.max(sqlite);
        let memory = MOST.load(Relaxed) - before + sqlite;
        if outcome.verdict != line.ours {
            wrong.push(format!("{}: {:?}, not {:?}", case.name, outcome.verdict, line.ours));
        }
        if memory > MEMORY + largest {
            wrong.push(format!("{}: took {memory} bytes of memory", case.name));
        }
        if case.provable_at.is_some_and(|at| outcome.consumed > at + CHUNK) {
            wrong.push(format!("{}: read {} bytes, but {:?} would do", case.name, outcome.consumed, case.provable_at));
        }
    }
    assert!(seen > 0, "SQLite's memory was not counted");
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}
