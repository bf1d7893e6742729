//! A store of transcripts and nothing else.

use std::io::Read as _;

use swing_core::roles::TranscriptStore as _;
use swing_core::session::{Location, OpenOptions};
use swing_core::substore::{Limits, Offered, Substore as _, SubstoreError};
use swing_core::{ArtifactMode, Position, Session, VatId};
use swing_transcript::{
    Retention, TABLES, TranscriptError, TranscriptOptions, TranscriptState, TranscriptSubstore, Transcripts,
};

pub(crate) type Batch = Vec<(String, Option<String>)>;

pub(crate) struct Store {
    pub(crate) session: Session,
    pub(crate) state: TranscriptState,
}

pub(crate) fn vat(text: &str) -> VatId {
    VatId::parse(text).unwrap()
}

pub(crate) fn at(position: u64) -> Position {
    Position::new(position).unwrap()
}

pub(crate) fn dropping() -> TranscriptOptions {
    TranscriptOptions { keep: Retention::Drop, archive: None }
}

impl Store {
    pub(crate) fn new(options: TranscriptOptions) -> Self {
        Self::from_image(None, options)
    }

    pub(crate) fn from_image(image: Option<Vec<u8>>, options: TranscriptOptions) -> Self {
        let open = OpenOptions { image, ..OpenOptions::default() };
        let mut session = Session::open(Location::Memory, &open, TABLES).unwrap();
        session.record_exports().unwrap();
        Self { session, state: TranscriptState::new(options) }
    }

    /// A store with the spans of `script`, committed: items of one letter each; `|` rolls the span over, `^` the
    /// incarnation, `.` stops.
    pub(crate) fn of(script: &[(&str, &str)]) -> Self {
        let mut store = Self::new(TranscriptOptions::default());
        for (name, script) in script {
            let vat = vat(name);
            store.view().init_transcript(&vat).unwrap();
            for step in script.chars() {
                match step {
                    '|' => drop(store.view().rollover_span(&vat).unwrap()),
                    '^' => drop(store.view().rollover_incarnation(&vat).unwrap()),
                    '.' => store.view().stop_using_transcript(&vat).unwrap(),
                    letter => store.view().add_item(&vat, &letter.to_string()).unwrap(),
                }
            }
        }
        store.commit();
        store
    }

    pub(crate) fn view(&mut self) -> Transcripts<'_> {
        self.state.bind(&mut self.session)
    }

    pub(crate) fn savepoint(&mut self, name: &str) {
        self.session.savepoint(name, &mut [&mut self.state]).unwrap();
    }

    pub(crate) fn rollback(&mut self, name: &str) {
        self.session.rollback_to(name, &mut [&mut self.state]).unwrap();
    }

    pub(crate) fn release(&mut self) {
        self.session.release(&mut [&mut self.state]).unwrap();
    }

    pub(crate) fn flush(&mut self) {
        self.session.flush(&mut [&mut self.state]).unwrap();
    }

    /// Commits and answers the changes of export data since the last time.
    pub(crate) fn commit(&mut self) -> Batch {
        let batch = self.hand_over();
        self.session.commit(&mut [&mut self.state]).unwrap();
        batch
    }

    pub(crate) fn hand_over(&mut self) -> Batch {
        let mut batch = Vec::new();
        let take = |entries: &[swing_core::ExportEntry]| {
            let pair =
                |entry: &swing_core::ExportEntry| (entry.key.to_string(), entry.value.as_deref().map(str::to_owned));
            batch.extend(entries.iter().map(pair));
            Ok::<_, swing_core::SessionError>(())
        };
        self.session.hand_over(take).unwrap();
        batch
    }

    pub(crate) fn add(&mut self, name: &str, items: &[&str]) {
        for item in items {
            self.view().add_item(&vat(name), item).unwrap();
        }
    }

    pub(crate) fn items(&mut self, name: &str, start: Option<u64>) -> Result<Vec<String>, TranscriptError> {
        let mut view = self.view();
        view.read_span(&vat(name), start.map(at))?.collect()
    }

    /// The spans of a vat: start, end, whether current, incarnation.
    pub(crate) fn spans(&mut self, name: &str) -> Vec<(u64, u64, bool, u64)> {
        let spans = self.view().spans(&vat(name)).unwrap();
        let plain =
            spans.iter().map(|span| (span.start.get(), span.end.get(), span.is_current, span.incarnation.get()));
        plain.collect()
    }

    /// Writes to the tables behind everybody's back, past their constraints, and commits.
    pub(crate) fn damage(&mut self, sql: &str) {
        let mut writer = self.session.write().unwrap();
        writer.run("PRAGMA ignore_check_constraints = ON", []).unwrap();
        writer.run(sql, []).unwrap();
        self.commit();
        self.state = TranscriptState::default();
    }

    pub(crate) fn records(&self) -> Vec<(String, String)> {
        TranscriptSubstore.records(self.session.read()).collect::<Result<_, _>>().unwrap()
    }

    pub(crate) fn names(&self, mode: ArtifactMode) -> Vec<String> {
        TranscriptSubstore.artifact_names(self.session.read(), mode).collect::<Result<_, _>>().unwrap()
    }

    pub(crate) fn artifact(&self, name: &str) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        let mut artifact = TranscriptSubstore.artifact(self.session.read(), name).map_err(|error| error.to_string())?;
        artifact.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        Ok(bytes)
    }

    /// What is missing: artifact and reason.
    pub(crate) fn gaps(&self, mode: ArtifactMode) -> Vec<(String, String)> {
        let gaps = TranscriptSubstore.gaps(self.session.read(), mode).unwrap();
        gaps.into_iter().map(|gap| (gap.what, gap.reason)).collect()
    }

    pub(crate) fn findings(&self) -> Vec<String> {
        let mut found = Vec::new();
        TranscriptSubstore
            .verify(self.session.read(), &mut |finding| found.push(format!("{}: {}", finding.what, finding.problem)))
            .unwrap();
        found
    }

    /// A new store from records and artifacts.
    pub(crate) fn import(
        mode: ArtifactMode,
        records: &[(String, Option<String>)],
        artifacts: &[(String, Vec<u8>)],
    ) -> Result<(Self, Vec<Offered>), SubstoreError> {
        let mut store = Self::new(TranscriptOptions::default());
        let mut import = TranscriptSubstore.import(mode, Limits::default());
        let mut db = store.session.write()?;
        for (key, value) in records {
            import.record(&mut db, key, value.as_deref())?;
        }
        import.records_done(&mut db)?;
        let mut offered = Vec::new();
        for (name, bytes) in artifacts {
            offered.push(import.artifact(&mut db, name, &mut &bytes[..])?);
        }
        store.commit();
        Ok((store, offered))
    }

    /// What another store needs to become this one.
    pub(crate) fn export(&self, mode: ArtifactMode) -> (Batch, Vec<(String, Vec<u8>)>) {
        let records = self.records().into_iter().map(|(key, value)| (key, Some(value))).collect();
        let named = |name: String| {
            let bytes = self.artifact(&name).unwrap();
            (name, bytes)
        };
        (records, self.names(mode).into_iter().map(named).collect())
    }
}

/// Which error it is.
pub(crate) fn kind(error: &TranscriptError) -> &'static str {
    match error {
        TranscriptError::NoCurrent { .. } => "no current",
        TranscriptError::NoSpan { .. } => "no span",
        TranscriptError::Exists { .. } => "exists",
        TranscriptError::EmptySpan { .. } => "empty span",
        TranscriptError::LineFeed { .. } => "line feed",
        TranscriptError::TooLong { .. } => "too long",
        TranscriptError::Exhausted { .. } => "exhausted",
        TranscriptError::Occupied { .. } => "occupied",
        TranscriptError::Backwards { .. } => "backwards",
        TranscriptError::Incomplete { .. } => "incomplete",
        TranscriptError::HashMismatch { .. } => "hash",
        TranscriptError::Archive { .. } => "archive",
        TranscriptError::Session(_) => "session",
    }
}
