//! Lines of export data, and the texts of records.

use std::io::{BufReader, Read};

use arbitrary::Unstructured;
use swing_core::{Digest, ExportKey, Incarnation, Position, SnapshotRecord, SpanRecord, VatId};
use swing_export::dataset::{Dialect, ExportDataReader, ExportDataWriter, Record, genesis_hash};

use crate::source::Chunks;

const MOST_BYTES_OF_A_LINE: usize = 4096;

/// Export data and the texts of its records.
///
/// - A text that is taken for the record of a span or of a snapshot is written again as it is. One that was made by us from
///   fields is taken, and after a change of one byte only if the change is a record too.
/// - Lines: what is read and written again is the line itself, but for what the original reads too: JSON's white space between
///   its tokens, other escapes of the same characters, `[key]` for `[key,null]`, no line feed after the last one. An independent
///   few lines put the input into that form, and the text must be that form. In Go's dialect it reads back as the same records
///   and hashes as the genesis file says.
/// - No more of a line is held than the limit allows, and not more read than a buffer beyond it.
///
/// The input: one byte for how much a read gives at a time, then the text.
pub fn export_record(data: &[u8]) {
    let Some((&chunk, data)) = data.split_first() else { return };
    if let Ok(text) = std::str::from_utf8(data) {
        record_text(text);
    }
    lines(chunk, data);
    let _ = fields(&mut Unstructured::new(data));
}

fn record_text(text: &str) {
    if let Ok(span) = SpanRecord::parse(text) {
        assert_eq!(span.to_json(), text);
        assert!(span.start <= span.end);
        let key = span.key().to_string();
        assert_eq!(key.parse::<ExportKey>(), Ok(span.key()));
        assert_eq!(span.artifact().to_string().parse(), Ok(span.artifact()));
    }
    if let Ok(snapshot) = SnapshotRecord::parse(text) {
        assert_eq!(snapshot.to_json(), text);
        assert_eq!(snapshot.key().to_string().parse(), Ok(snapshot.key()));
        assert_eq!(snapshot.key().to_string(), snapshot.artifact().to_string());
    }
}

/// Records from fields, and the same with one byte changed.
fn fields(choices: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let Ok(vat) = VatId::parse(choices.arbitrary::<&str>()?) else { return Ok(()) };
    let numbers =
        [choices.arbitrary::<u64>()?, choices.arbitrary::<u64>()?, choices.arbitrary::<u64>()?].map(|n| n >> 11);
    let position = |value: u64| Position::new(value).unwrap_or_default();
    let (a, b) = (position(numbers[0]), position(numbers[1]));
    let incarnation = Incarnation::new(numbers[2]).unwrap_or_default();
    let (hash, flag) = (Digest::of(&choices.arbitrary::<[u8; 4]>()?), choices.arbitrary()?);
    let (start, end) = (a.min(b), a.max(b));
    let span = SpanRecord { vat: vat.clone(), start, end, hash, is_current: flag, incarnation };
    assert_eq!(SpanRecord::parse(&span.to_json()).ok().as_ref(), Some(&span));
    let snapshot = SnapshotRecord { vat, position: a, hash, in_use: flag };
    assert_eq!(SnapshotRecord::parse(&snapshot.to_json()).ok().as_ref(), Some(&snapshot));
    for text in [span.to_json(), snapshot.to_json()] {
        let mut bytes = text.into_bytes();
        let at = choices.choose_index(bytes.len())?;
        bytes[at] = choices.arbitrary()?;
        if let Ok(changed) = std::str::from_utf8(&bytes) {
            record_text(changed);
        }
    }
    Ok(())
}

fn read(source: impl Read) -> (Vec<Record>, bool) {
    let reader =
        ExportDataReader::new("fuzz", BufReader::with_capacity(64, source)).max_line_bytes(MOST_BYTES_OF_A_LINE);
    let (mut records, mut failed) = (Vec::new(), false);
    for record in reader {
        match record {
            Ok(record) => records.push(record),
            Err(_) => failed = true,
        }
    }
    (records, failed)
}

fn written(dialect: Dialect, records: &[Record]) -> Option<String> {
    let mut writer = ExportDataWriter::new(dialect, "fuzz", Vec::new());
    for (key, value) in records {
        writer.write(key, value.as_deref()).ok()?;
    }
    let (bytes, summary) = writer.finish().ok()?;
    assert_eq!((summary.records, summary.bytes), (records.len() as u64, bytes.len() as u64));
    if dialect == Dialect::Go {
        let expected = genesis_hash(records.iter().cloned().map(Ok::<_, std::convert::Infallible>));
        assert_eq!(summary.genesis_hash, expected.ok());
    }
    String::from_utf8(bytes).ok()
}

fn lines(chunk: u8, data: &[u8]) {
    let mut source = Chunks::new(data, chunk);
    let (records, failed) = read(&mut source);
    let accepted = accepted(data);
    let expected: Vec<&str> = accepted.iter().map_while(|line| line.as_deref()).collect();
    assert_eq!(failed, expected.len() < accepted.len(), "whether every line is accepted");
    assert_eq!(records.len(), expected.len(), "how many lines are read before the first that is not");
    let js = written(Dialect::Js, &records).expect("what was read can be written");
    assert_eq!(js, expected.concat());
    assert_eq!(read(js.as_bytes()), (records.clone(), false));
    let mut sorted = records;
    sorted.sort();
    sorted.dedup_by(|a, b| a.0 == b.0);
    let go = written(Dialect::Go, &sorted).expect("what is in order can be written");
    // An escape is longer than what it stands for.
    if go.lines().all(|line| line.len() <= MOST_BYTES_OF_A_LINE) {
        assert_eq!(read(go.as_bytes()), (sorted, false));
    }
}

/// Every line as JavaScript would write it, `None` for one that is not accepted.
fn accepted(data: &[u8]) -> Vec<Option<String>> {
    data.split_inclusive(|byte| *byte == b'\n')
        .map(|line| {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            if line.len() > MOST_BYTES_OF_A_LINE {
                return None;
            }
            let values: Vec<serde_json::Value> = serde_json::from_slice(line).ok()?;
            let text = |value: &serde_json::Value| value.as_str().and_then(|text| serde_json::to_string(text).ok());
            let key = text(values.first()?).filter(|key| key != "\"\"")?;
            let value = match &values[1..] {
                [] | [serde_json::Value::Null] => "null".to_owned(),
                [value] => text(value)?,
                _ => return None,
            };
            Some(format!("[{key},{value}]\n"))
        })
        .collect()
}
