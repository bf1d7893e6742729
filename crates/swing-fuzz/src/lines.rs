//! The artifact of a span: items, each followed by a line feed.

use std::io::Read as _;

use swing_core::substore::{Limits, Offered, Substore as _};
use swing_core::{ArtifactMode, Digest, Incarnation, Position, Session, SpanRecord, VatId};
use swing_transcript::{TranscriptSubstore, extend, initial_hash};

use crate::session::with_session;
use crate::source::{After, Chunks};

/// An artifact is accepted if and only if it is as many lines of UTF-8 as its record says, each ended, within the limits,
/// which give the record's hash; and then it is exported as it came, and verifies.
///
/// No more is read than is needed and a buffer beyond it, also of a source that never ends. A source that fails, or is cut off,
/// is an error.
///
/// The input: how many lines the record counts, and from where; how the source gives them, and what comes after; limits; lines.
pub fn transcript_lines(data: &[u8]) {
    let [counts, source, after, limit, payload @ ..] = data else { return };
    with_session(|session| Case::new(*counts, *source, *after, *limit, payload).run(session));
}

/// How much is read in advance.
const BUFFER: u64 = 64 << 10;

struct Case<'d> {
    record: SpanRecord,
    how: u8,
    after: After,
    limits: Limits,
    payload: &'d [u8],
    /// Of the lines, by our own account.
    hash: Option<Digest>,
}

/// The hash of the lines, if they are what an artifact of so many items is made of.
pub(crate) fn hash_of_lines(payload: &[u8], items: u64) -> Option<Digest> {
    let (mut hash, mut found) = (initial_hash(), 0);
    for line in payload.split_inclusive(|byte| *byte == b'\n') {
        hash = extend(hash, std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?);
        found += 1;
    }
    (found == items).then_some(hash)
}

impl<'d> Case<'d> {
    fn new(counts: u8, how: u8, after: u8, limit: u8, payload: &'d [u8]) -> Self {
        let found = payload.split_inclusive(|byte| *byte == b'\n').count() as u64;
        let items = match counts & 7 {
            6 => found + 1,
            7 => found.saturating_sub(1),
            _ => found,
        };
        let start = if counts & 8 == 0 { u64::from(counts >> 4) } else { Position::MAX.get() - items };
        let position = |value| Position::new(value).unwrap_or(Position::MAX);
        // An empty span is known by its hash.
        let hash = hash_of_lines(payload, items);
        let right = hash.unwrap_or(if items == 0 { initial_hash() } else { Digest::of(payload) });
        let wrong = limit == u8::MAX && items > 0;
        let record = SpanRecord {
            vat: VatId::parse("v1").expect("a vat ID"),
            start: position(start),
            end: position(start + items),
            hash: if wrong { Digest::of(b"another") } else { right },
            is_current: counts & 16 == 0,
            incarnation: Incarnation::new(u64::from(after >> 4)).unwrap_or_default(),
        };
        let limits = match limit {
            0..128 | u8::MAX => Limits::default(),
            few => Limits { item: u64::from(few & 15) * 4, artifact: u64::from(few & 0x70) * 4 + 64, bundle: 0 },
        };
        let after = match after & 15 {
            13 => After::Failure,
            14 => After::Endless(b'x'),
            15 => After::Endless(b'\n'),
            _ => After::End,
        };
        let endless_and_unlimited = matches!(after, After::Endless(_)) && limits == Limits::default();
        let limits = if endless_and_unlimited { Limits { item: 1000, artifact: 10_000, bundle: 0 } } else { limits };
        Self { record, how, after, limits, payload, hash }
    }

    fn within_limits(&self) -> bool {
        let long = |line: &[u8]| line.len() as u64 > self.limits.item + u64::from(line.ends_with(b"\n"));
        let mut lines = self.payload.split_inclusive(|byte| *byte == b'\n');
        self.payload.len() as u64 <= self.limits.artifact && !lines.any(long)
    }

    fn run(&self, session: &mut Session) {
        let (key, name) = (self.record.key().to_string(), self.record.artifact().to_string());
        let mut import = TranscriptSubstore.import(ArtifactMode::Archival, self.limits);
        let mut source = Chunks::new(self.payload, self.how).then(self.after);
        let mut writer = session.write().expect("a writer");
        import.record(&mut writer, &key, Some(&self.record.to_json())).expect("a record");
        import.records_done(&mut writer).expect("records that agree");
        let taken = import.artifact(&mut writer, &name, &mut source);

        let right = self.after == After::End && self.hash == Some(self.record.hash) && self.within_limits();
        assert_eq!(taken.is_ok(), right, "{taken:?}");
        // A line that is too long is read to the limit, whatever it is.
        let needed = self.payload.len() as u64 + self.limits.item.min(1 << 20) + 1;
        assert!(source.taken <= needed + BUFFER, "{} bytes were read where {needed} say all", source.taken);
        if taken.is_err() {
            return;
        }
        assert_eq!(taken.ok(), Some(Offered::Taken));

        let records: Vec<_> =
            TranscriptSubstore.records(session.read()).map(|record| record.expect("a record")).collect();
        assert_eq!(records, [(key, self.record.to_json())]);
        let mut out = Vec::new();
        let mut artifact = TranscriptSubstore.artifact(session.read(), &name).expect("what was taken");
        artifact.read_to_end(&mut out).expect("what was verified");
        assert!(out == self.payload, "an artifact that is exported otherwise than it was imported");
        let found = TranscriptSubstore.verify(session.read(), &mut |finding| panic!("{finding:?}"));
        found.expect("rows that were imported can be read");
    }
}
