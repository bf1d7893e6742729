//! How long the calls take, on disk, with export data recorded: `cargo run --release --example transcript_speed`.
#![expect(clippy::print_stdout, reason = "it is a program that reports figures")]

use std::error::Error;
use std::hint::black_box;
use std::io::Read as _;
use std::time::Instant;

use swing_core::roles::TranscriptStore as _;
use swing_core::session::{Location, OpenOptions};
use swing_core::substore::{Limits, Substore as _};
use swing_core::{ArtifactMode, Budget, Position, Session, SessionError, VatId};
use swing_transcript::{Retention, TABLES, TranscriptOptions, TranscriptState, TranscriptSubstore};

type Outcome<T> = Result<T, Box<dyn Error>>;

const ROUNDS: usize = 15;
const BLOCKS: usize = 20;
const CRANKS: usize = 10;
const ITEMS: usize = 20;
const SPAN: usize = 200;

struct Store {
    session: Session,
    state: TranscriptState,
}

impl Store {
    fn open(dir: &std::path::Path, name: &str, keep: Retention) -> Outcome<Self> {
        let location = Location::File(dir.join(name).join("swingstore.sqlite"));
        let mut session = Session::open(location, &OpenOptions::default(), TABLES)?;
        session.record_exports()?;
        Ok(Self { session, state: TranscriptState::new(TranscriptOptions { keep, archive: None }) })
    }

    fn commit(&mut self) -> Outcome<()> {
        self.session.hand_over(|entries| {
            black_box(entries.len());
            Ok::<_, SessionError>(())
        })?;
        Ok(self.session.commit(&mut [&mut self.state])?)
    }
}

/// Microseconds of every round: the least is what the code costs, the median what the machine makes of it.
#[derive(Default)]
struct Figures(Vec<(&'static str, Vec<f64>)>);

impl Figures {
    fn add(&mut self, name: &'static str, start: Instant, count: usize) {
        let each = start.elapsed().as_secs_f64() * 1e6 / count as f64;
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, times)) => times.push(each),
            None => self.0.push((name, vec![each])),
        }
    }

    fn print(mut self) {
        for (name, times) in &mut self.0 {
            times.sort_by(f64::total_cmp);
            println!("{name:<48} least {:>9.2} µs, median {:>9.2} µs", times[0], times[times.len() / 2]);
        }
    }
}

fn main() -> Outcome<()> {
    let vat = VatId::parse("v9")?;
    let item = format!(r#"{{"d":["message",{{"body":"{}"}}]}}"#, "x".repeat(1980));
    let mut figures = Figures::default();
    for _ in 0..ROUNDS {
        let dir = tempfile::tempdir()?;
        adding(dir.path(), &vat, &item, &mut figures)?;
        rolling_over(dir.path(), &vat, &item, Retention::Keep, &mut figures)?;
        rolling_over(dir.path(), &vat, &item, Retention::Drop, &mut figures)?;
        let mut store = reading(dir.path(), &vat, &item, &mut figures)?;
        tools(&mut store, dir.path(), &mut figures)?;
        deleting(&mut store, &vat, &mut figures)?;
    }
    figures.print();
    Ok(())
}

fn adding(dir: &std::path::Path, vat: &VatId, item: &str, figures: &mut Figures) -> Outcome<()> {
    let mut store = Store::open(dir, "add", Retention::Keep)?;
    store.state.bind(&mut store.session).init_transcript(vat)?;
    store.commit()?;
    let count = BLOCKS * CRANKS * ITEMS;
    let (whole, mut calls, mut flush) = (Instant::now(), std::time::Duration::ZERO, std::time::Duration::ZERO);
    for _ in 0..BLOCKS {
        for _ in 0..CRANKS {
            store.session.savepoint("start", &mut [&mut store.state])?;
            let start = Instant::now();
            for _ in 0..ITEMS {
                store.state.bind(&mut store.session).add_item(vat, item)?;
            }
            calls += start.elapsed();
            store.session.release(&mut [&mut store.state])?;
        }
        let start = Instant::now();
        store.session.flush(&mut [&mut store.state])?;
        flush += start.elapsed();
        store.commit()?;
    }
    figures.add("addItem 2 KB with its share of the commit", whole, count);
    if let Some(start) = Instant::now().checked_sub(calls) {
        figures.add("addItem 2 KB, the call", start, count);
    }
    if let Some(start) = Instant::now().checked_sub(flush) {
        figures.add("  of which writing to SQLite, not to disk", start, count);
    }
    let start = Instant::now();
    for _ in 0..count {
        black_box(swing_transcript::extend(swing_transcript::initial_hash(), black_box(item)));
    }
    figures.add("  of which hashing", start, count);
    Ok(())
}

fn rolling_over(dir: &std::path::Path, vat: &VatId, item: &str, keep: Retention, figures: &mut Figures) -> Outcome<()> {
    let (folder, name) = match keep {
        Retention::Keep => ("roll", "rolloverSpan after 1 item"),
        Retention::Drop => ("prune", "rolloverSpan after 1 item, pruning"),
    };
    let mut store = Store::open(dir, folder, keep)?;
    store.state.bind(&mut store.session).init_transcript(vat)?;
    let mut calls = std::time::Duration::ZERO;
    for _ in 0..BLOCKS * CRANKS {
        store.session.savepoint("start", &mut [&mut store.state])?;
        store.state.bind(&mut store.session).add_item(vat, item)?;
        let start = Instant::now();
        store.state.bind(&mut store.session).rollover_span(vat)?;
        calls += start.elapsed();
        store.session.release(&mut [&mut store.state])?;
    }
    store.commit()?;
    if let Some(start) = Instant::now().checked_sub(calls) {
        figures.add(name, start, BLOCKS * CRANKS);
    }
    Ok(())
}

fn reading(dir: &std::path::Path, vat: &VatId, item: &str, figures: &mut Figures) -> Outcome<Store> {
    let mut store = Store::open(dir, "read", Retention::Keep)?;
    store.state.bind(&mut store.session).init_transcript(vat)?;
    for span in 0..BLOCKS {
        if span > 0 {
            store.state.bind(&mut store.session).rollover_span(vat)?;
        }
        for _ in 0..SPAN {
            store.state.bind(&mut store.session).add_item(vat, item)?;
        }
        if span == BLOCKS - 2 {
            store.commit()?;
        }
    }
    let read = |store: &mut Store, span: usize| -> Outcome<()> {
        let start = Position::new((span * SPAN) as u64).ok_or("position")?;
        for item in store.state.bind(&mut store.session).read_span(vat, Some(start))? {
            black_box(item?);
        }
        Ok(())
    };
    for _ in 0..2 {
        let start = Instant::now();
        for span in 0..BLOCKS - 1 {
            read(&mut store, span)?;
        }
        figures.add("readSpan 200 x 2 KB, verified", start, BLOCKS - 1);
    }
    let start = Instant::now();
    for _ in 0..BLOCKS {
        read(&mut store, BLOCKS - 1)?;
    }
    figures.add("readSpan 200 x 2 KB, not written yet", start, BLOCKS);
    let start = Instant::now();
    let full = store.state.bind(&mut store.session).full_transcript(vat)?.map(black_box).count();
    figures.add("full transcript, per 200 x 2 KB, not verified", start, full / SPAN);
    store.commit()?;
    Ok(store)
}

fn tools(store: &mut Store, dir: &std::path::Path, figures: &mut Figures) -> Outcome<()> {
    let db = store.session.read();
    let mut artifacts = Vec::new();
    for name in TranscriptSubstore.artifact_names(db, ArtifactMode::Archival) {
        let (name, mut bytes) = (name?, Vec::new());
        TranscriptSubstore.artifact(db, &name)?.read_to_end(&mut bytes)?;
        artifacts.push((name, bytes));
    }
    let start = Instant::now();
    for (name, _) in &artifacts {
        std::io::copy(&mut TranscriptSubstore.artifact(db, name)?, &mut std::io::sink())?;
    }
    figures.add("artifact of 200 x 2 KB, verified", start, artifacts.len());
    let start = Instant::now();
    TranscriptSubstore.verify(db, &mut |finding| println!("{finding:?}"))?;
    figures.add("verify, per 200 x 2 KB", start, artifacts.len());
    let start = Instant::now();
    let records = TranscriptSubstore.records(db).collect::<Result<Vec<_>, _>>()?;
    figures.add("record", start, records.len());
    let location = Location::File(dir.join("import").join("swingstore.sqlite"));
    let mut copy = Session::open(location, &OpenOptions { unsafe_fast: true, ..OpenOptions::default() }, TABLES)?;
    let start = Instant::now();
    let mut import = TranscriptSubstore.import(ArtifactMode::Archival, Limits::default());
    let mut writer = copy.write()?;
    for (key, value) in &records {
        import.record(&mut writer, key, Some(value))?;
    }
    import.records_done(&mut writer)?;
    for (name, bytes) in &artifacts {
        import.artifact(&mut writer, name, &mut &bytes[..])?;
    }
    copy.commit(&mut [])?;
    figures.add("import of 200 x 2 KB", start, artifacts.len());
    Ok(())
}

fn deleting(store: &mut Store, vat: &VatId, figures: &mut Figures) -> Outcome<()> {
    let budget = Budget::at_most(5).ok_or("budget")?;
    let (start, mut calls) = (Instant::now(), 0);
    loop {
        calls += 1;
        let done = store.state.bind(&mut store.session).delete_vat_transcripts(vat, budget)?.done;
        store.commit()?;
        if done {
            break;
        }
    }
    figures.add("deleteVatTranscripts, budget 5, with commit", start, calls);
    Ok(())
}
