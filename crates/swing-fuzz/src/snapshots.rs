//! Snapshots: raw bytes into gzip, and any gzip into raw bytes.

use std::io::{self, Read, Write as _};

use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;
use swing_core::substore::{Limits, Substore as _};
use swing_core::{ArtifactMode, Digest, Position, SnapshotRecord, VatId};
use swing_snap::SnapSubstore;
use swing_snap::codec::{self, CodecError, Expected, Level, MEMBER_LEN, ReadAhead, SnapshotReader, compress};

use crate::session::with_session;
use crate::source::{After, Chunks};

/// What a decoder may make of a gzip here before it is stopped.
const MOST: u64 = 4 << 20;

/// A snapshot's bytes come back as they went, through our own reader and another's, whatever the level and however many threads
/// packed them; any gzip at all is read to the end if and only if another decoder reads it too, and gives the same bytes.
///
/// With another hash, another length or damage the reader fails, and what it has handed out by then is less than the whole: the
/// last byte is withheld. Nothing beyond the declared length is handed out. A limit stops a source that never ends.
/// Through an import: accepted if and only if the hash is the record's and the limit kept, and exported as it came.
///
/// The input: what is done with it, how the source gives it, level and damage, how often it is repeated; then the bytes.
pub fn snapshot_stream(data: &[u8]) {
    let [what, how, choice, times, payload @ ..] = data else { return };
    match what & 3 {
        0 => packed(&repeated(payload, *times), *how, *choice),
        1 => unpacked(payload, what >> 2),
        2 => damaged(payload, *how, *choice, what >> 2),
        _ => imported(payload, *how, *choice),
    }
}

/// Mostly as it is; now and then long enough for several members.
fn repeated(payload: &[u8], times: u8) -> Vec<u8> {
    let most = MEMBER_LEN + 4097;
    let times = if times >= 252 { most / payload.len().max(1) } else { 1 };
    payload.repeat(times.max(1))
}

fn level(choice: u8) -> Level {
    // The last ones take longer than everything else here.
    Level::new(choice % 10).unwrap_or(Level::DEFAULT)
}

fn packed(raw: &[u8], how: u8, choice: u8) {
    let limits = codec::Limits { workers: Some(usize::from(choice >> 6)), ..codec::Limits::default() };
    let packed = compress(&mut Chunks::new(raw, how), level(choice), limits).expect("a source that does not fail");
    assert_eq!((packed.hash, packed.raw_len), (Digest::of(raw), raw.len() as u64));
    assert!(other_decoder(&packed.gzip).is_ok_and(|out| out == raw), "another decoder reads something else");
    let expected = Expected { hash: packed.hash, raw_len: Some(packed.raw_len) };
    let ahead = [ReadAhead::Never, ReadAhead::Always][usize::from(raw.len() > MEMBER_LEN)];
    assert!(read(&packed.gzip, expected, ahead).is_ok_and(|out| out == raw));

    for (after, most) in [(After::Failure, None), (After::Endless(7), Some(raw.len() as u64))] {
        let mut source = Chunks::new(raw, how).then(after);
        let failed = compress(&mut source, Level::FASTEST, codec::Limits { max_raw_len: most, ..limits });
        match after {
            After::Failure => assert!(matches!(failed, Err(CodecError::Source { .. })), "{failed:?}"),
            _ => assert!(matches!(failed, Err(CodecError::TooLong { .. })), "{failed:?}"),
        }
        assert!(most.is_none_or(|most| source.taken <= most + 1), "read on after the limit");
    }
    let wrong = match how % 3 {
        0 => Expected { hash: Digest::of(b"another"), raw_len: Some(packed.raw_len) },
        1 => Expected { raw_len: Some(packed.raw_len + 1), ..expected },
        _ => Expected { raw_len: packed.raw_len.checked_sub(1).or(Some(1)), ..expected },
    };
    let given = read(&packed.gzip, wrong, ahead).expect_err("a reader that was told something else");
    assert!(given.is_empty() || given.len() < raw.len());
    assert!(wrong.raw_len.is_none_or(|most| given.len() as u64 <= most), "more than the record declares");
}

fn unpacked(gzip: &[u8], choice: u8) {
    let expected = other_decoder(gzip);
    let known = expected.as_deref().unwrap_or_default();
    let ahead = if choice & 31 == 0 { ReadAhead::Always } else { ReadAhead::Never };
    let raw_len = if choice & 1 == 0 { None } else { Some(known.len() as u64) };
    let ours = read(gzip, Expected { hash: Digest::of(known), raw_len }, ahead);
    match (&ours, &expected) {
        (Ok(ours), Ok(_)) => assert!(ours == known, "another decoder reads something else"),
        (Err(given), Err(_)) => assert!(given.len() as u64 <= MOST),
        _ => panic!("ours: {:?}, another decoder: {expected:?}", ours.is_ok()),
    }
}

/// A gzip of several members with a byte changed, cut off, or something added.
fn damaged(payload: &[u8], how: u8, choice: u8, kind: u8) {
    let mut gzip = Vec::new();
    let part = payload.len().max(1).div_ceil(usize::from(how & 3) + 1);
    for part in payload.chunks(part) {
        gzip.extend(gzip_of(part));
    }
    if payload.is_empty() {
        gzip = gzip_of(b"");
    }
    let at = (usize::from(choice) * 257 + usize::from(how)) % gzip.len();
    match kind % 6 {
        0 => gzip[at] ^= 1 << (how & 7),
        1 => gzip.truncate(at),
        2 => gzip.push(choice),
        3 => gzip.extend(gzip_of(b"")),
        4 => gzip.insert(at, choice),
        _ => {}
    }
    unpacked(&gzip, how);
    // Whatever the damage, what is accepted under the hash of the bytes is the bytes.
    let expected = Expected { hash: Digest::of(payload), raw_len: None };
    match read(&gzip, expected, ReadAhead::Never) {
        Ok(out) => assert!(out == payload),
        Err(given) => assert!(kind % 6 != 5 && (given.is_empty() || given != payload)),
    }
}

pub(crate) fn gzip_of(raw: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(raw).and_then(|()| encoder.finish()).expect("writing to memory does not fail")
}

/// What a decoder that is not ours makes of it, at most [`MOST`] bytes.
pub(crate) fn other_decoder(gzip: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    MultiGzDecoder::new(gzip).take(MOST + 1).read_to_end(&mut out)?;
    if out.len() as u64 > MOST { Err(io::Error::other("too long")) } else { Ok(out) }
}

/// All bytes, or those that were handed out before the reader failed; and it goes on failing then.
fn read(gzip: &[u8], expected: Expected, ahead: ReadAhead) -> Result<Vec<u8>, Vec<u8>> {
    let mut reader = SnapshotReader::new(gzip.to_vec(), expected, ahead);
    let mut out = Vec::new();
    match (&mut reader).take(MOST + 1).read_to_end(&mut out) {
        Ok(_) if out.len() as u64 > MOST => Err(Vec::new()),
        Ok(_) => Ok(out),
        Err(error) => {
            assert!(CodecError::in_io(&error).is_some(), "{error}");
            assert!(reader.read(&mut [0; 8]).is_err(), "a reader that failed must not look finished");
            Err(out)
        }
    }
}

/// Through an import, under a record that may say something else.
fn imported(payload: &[u8], how: u8, choice: u8) {
    let hash = if choice & 7 == 7 { Digest::of(b"another") } else { Digest::of(payload) };
    let vat = VatId::parse("v1").expect("a vat ID");
    let record = SnapshotRecord { vat, position: Position::ZERO, hash, in_use: true };
    let (key, current) = (record.key().to_string(), "snapshot.v1.current");
    let artifact = match choice >> 4 {
        0 => (payload.len() as u64).saturating_sub(1),
        1 => payload.len() as u64,
        _ => 1 << 20,
    };
    let substore = SnapSubstore { level: Level::FASTEST };
    with_session(|session| {
        let mut import = substore.import(ArtifactMode::Operational, Limits { artifact, ..Limits::default() });
        let mut writer = session.write().expect("a writer");
        for (key, value) in [(key.as_str(), record.to_json()), (current, key.clone())] {
            import.record(&mut writer, key, Some(&value)).expect("a record");
        }
        import.records_done(&mut writer).expect("records that agree");
        let taken = import.artifact(&mut writer, &key, &mut Chunks::new(payload, how));
        let right = hash == Digest::of(payload) && payload.len() as u64 <= artifact;
        assert_eq!(taken.is_ok(), right, "{taken:?}");
        if right {
            let mut out = Vec::new();
            let mut bytes = substore.artifact(session.read(), &key).expect("what was taken");
            bytes.read_to_end(&mut out).expect("what was verified");
            assert!(out == payload, "a snapshot that is exported otherwise than it was imported");
        }
    });
}
