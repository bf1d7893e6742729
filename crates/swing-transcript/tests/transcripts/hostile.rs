//! Artifacts that are not what their record vouches for. The honest one is `a`, `b`, a LF each.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use swing_core::ArtifactMode;
use swing_core::substore::{Limits, Offered, Substore as _, SubstoreError};
use swing_transcript::TranscriptSubstore;

use crate::common::Store;

const NAME: &str = "transcript.v1.0.2";

fn offer(source: &mut dyn Read, limits: Limits) -> Result<Offered, SubstoreError> {
    offer_to("ab", NAME, source, limits)
}

fn offer_to(script: &str, name: &str, source: &mut dyn Read, limits: Limits) -> Result<Offered, SubstoreError> {
    let records = Store::of(&[("v1", script)]).records();
    let mut store = Store::new(Default::default());
    let mut import = TranscriptSubstore.import(ArtifactMode::Operational, limits);
    let mut db = store.session.write().unwrap();
    for (key, value) in &records {
        import.record(&mut db, key, Some(value)).unwrap();
    }
    import.records_done(&mut db).unwrap();
    import.artifact(&mut db, name, source)
}

#[test]
fn only_the_exact_bytes_are_taken() {
    let offer = |bytes: &[u8]| offer(&mut &bytes[..], Limits::default());
    assert_eq!(offer(b"a\nb\n").unwrap(), Offered::Taken);
    for (bytes, why) in [
        (&b""[..], "it is not complete (0 of 2 items)"),
        (b"a\n", "it is not complete (1 of 2 items)"),
        (b"a\nb", "its last line does not end with a line feed"),
        (b"a", "its last line does not end with a line feed"),
        (b"a\nb\n\n", "it goes on after the last item, at 2"),
        (b"a\nb\n\0", "it goes on after the last item, at 2"),
        (b"a\nb\nc\n", "it goes on after the last item, at 2"),
        (b"b\na\n", "its hash is "),
        (b"a \nb\n", "its hash is "),
        (b"a\r\nb\r\n", "its hash is "),
        (b"a\nb\t\n", "its hash is "),
        (b"\xef\xbb\xbfa\nb\n", "its hash is "),
        ("a\u{2028}\nb\n".as_bytes(), "its hash is "),
        ("a\u{a0}\nb\n".as_bytes(), "its hash is "),
        (b"\na\nb\n", "it goes on after the last item, at 2"),
        (b"a\n\nb\n", "it goes on after the last item, at 2"),
        (b"a\n\xff\n", "it is not UTF-8"),
        (b"a\n\xed\xa0\x80\n", "it is not UTF-8"),
        (b"a\nb\xc3\n", "it is not UTF-8"),
        (b"a\0\nb\n", "its hash is "),
        (b"\x1f\x8b\x08\0\n\n", "it is not UTF-8"),
    ] {
        let error = offer(bytes).unwrap_err().to_string();
        assert!(error.starts_with(&format!("artifact {NAME:?}: {why}")), "{bytes:?}: {error}");
    }
    // One that does not begin with the vat.
    let error = offer_to("x|ab", "transcript.v1.1.3", &mut &b"a\n"[..], Limits::default()).unwrap_err();
    assert_eq!(error.to_string(), r#"artifact "transcript.v1.1.3": it is not complete (1 of 2 items)"#);
}

#[test]
fn a_replacement_character_is_not_the_byte_it_replaces() {
    let mut store = Store::of(&[("v1", "")]);
    store.add("v1", &["\u{fffd}"]);
    store.commit();
    let (records, _) = store.export(ArtifactMode::Operational);
    let take = |bytes: &[u8]| {
        let artifact = ("transcript.v1.0.1".to_owned(), bytes.to_vec());
        Store::import(ArtifactMode::Operational, &records, &[artifact]).is_ok()
    };
    assert!(take("\u{fffd}\n".as_bytes()));
    assert!(!take(b"\xff\n"));
}

#[test]
fn an_empty_span_has_an_empty_artifact() {
    for (script, name) in [("a|", "transcript.v1.1.1"), ("", "transcript.v1.0.0")] {
        assert_eq!(offer_to(script, name, &mut io::empty(), Limits::default()).unwrap(), Offered::Taken);
        for bytes in [&b"\n"[..], b"a\n", b"\0"] {
            let error = offer_to(script, name, &mut &bytes[..], Limits::default()).unwrap_err();
            assert!(error.to_string().contains("it goes on after the last item"), "{error}");
        }
    }
}

/// Endless bytes, counted.
struct Endless {
    pattern: &'static [u8],
    read: Rc<Cell<u64>>,
}

impl Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut at = usize::try_from(self.read.get()).unwrap() % self.pattern.len();
        for byte in out.iter_mut() {
            *byte = self.pattern[at];
            at = (at + 1) % self.pattern.len();
        }
        self.read.set(self.read.get() + out.len() as u64);
        Ok(out.len())
    }
}

fn endless(pattern: &'static [u8], limits: Limits) -> (String, u64) {
    let read = Rc::new(Cell::new(0));
    let error = offer(&mut Endless { pattern, read: read.clone() }, limits).unwrap_err();
    (error.to_string(), read.get())
}

#[test]
fn no_more_than_a_chunk_is_read_beyond_the_need() {
    const CHUNK: u64 = 64 * 1024;
    let (error, read) = endless(b"a\nb\n", Limits::default());
    assert!(error.contains("it goes on after the last item"), "{error}");
    assert!(read <= CHUNK, "{read}");
    let limits = Limits { item: 1_000_000, ..Limits::default() };
    let (error, read) = endless(b"a", limits);
    assert!(error.contains("an item is longer than 1000000 bytes"), "{error}");
    assert!(read <= 1_000_000 + CHUNK, "{read}");
    let limits = Limits { artifact: 200_000, ..Limits::default() };
    let (error, read) = endless(b"a", limits);
    assert!(error.contains("it is longer than 200000 bytes"), "{error}");
    assert!(read <= 200_000 + CHUNK, "{read}");
}

#[test]
fn limits_hold_for_the_honest_too_and_may_be_any_number() {
    let offer = |item, artifact| {
        let limits = Limits { item, artifact, bundle: 0 };
        offer(&mut &b"a\nb\n"[..], limits).map_err(|error| error.to_string())
    };
    assert_eq!(offer(1, 4), Ok(Offered::Taken));
    assert_eq!(offer(u64::MAX, u64::MAX), Ok(Offered::Taken));
    assert!(offer(0, 4).unwrap_err().contains("an item is longer than 0 bytes"));
    assert!(offer(1, 3).unwrap_err().contains("it is longer than 3 bytes"));
    assert!(offer(1, 2).unwrap_err().contains("it is longer than 2 bytes"));
    assert!(offer(0, 0).unwrap_err().contains("it is longer than 0 bytes"));
}

/// Honest bytes, one at a time, interrupted before each, then maybe broken off.
struct Dribble(Vec<u8>, bool, Option<io::ErrorKind>);

impl Read for Dribble {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        match (self.1, self.0.first().copied(), self.2) {
            (true, ..) => Err(io::ErrorKind::Interrupted.into()),
            (_, Some(byte), _) => {
                self.0.remove(0);
                out[0] = byte;
                Ok(1)
            }
            (_, None, Some(kind)) => Err(kind.into()),
            (_, None, None) => Ok(0),
        }
    }
}

#[test]
fn a_source_may_dribble_and_be_interrupted() {
    let mut source = Dribble(b"a\nb\n".to_vec(), false, None);
    assert_eq!(offer(&mut source, Limits::default()).unwrap(), Offered::Taken);
}

#[test]
fn a_source_that_breaks_off_is_an_error_wherever_it_does() {
    for length in 0..=4 {
        let mut source = Dribble(b"a\nb\n"[..length].to_vec(), false, Some(io::ErrorKind::ConnectionReset));
        let error = offer(&mut source, Limits::default()).unwrap_err();
        assert!(matches!(error, SubstoreError::Io { name, .. } if name == NAME), "{length}");
    }
}
