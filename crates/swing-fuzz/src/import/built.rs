//! A dataset as a store makes it, and then something done to it.

use arbitrary::{Result, Unstructured};
use swing_bundle::{b0_id, b1_id};
use swing_core::{Digest, ExportKey, Incarnation, Position, SnapshotRecord, SpanRecord, VatId};
use swing_export::dataset::Dialect;

use super::offer::Offer;
use crate::lines::hash_of_lines;
use crate::source::After;
use crate::zips::sound_zip;

type Choices<'c, 'd> = &'c mut Unstructured<'d>;

#[derive(Default)]
struct Made {
    records: Vec<(String, Option<String>)>,
    artifacts: Vec<(String, Vec<u8>)>,
    truncated: bool,
}

impl Made {
    fn record(&mut self, key: impl ToString, value: impl Into<String>) {
        self.records.push((key.to_string(), Some(value.into())));
    }
}

pub(super) fn offer(data: &[u8], more: u8) -> Result<Offer> {
    let choices = &mut Unstructured::new(data);
    let mut made = Made::default();
    pairs(&mut made, choices)?;
    const VATS: [&str; 4] = ["v1", "v10", "v2", "é <&"];
    for vat in &VATS[..choices.int_in_range(0..=VATS.len())?] {
        let vat = VatId::parse(vat).map_err(|_| arbitrary::Error::IncorrectFormat)?;
        transcript(&mut made, &vat, choices)?;
        snapshots(&mut made, &vat, choices)?;
    }
    bundles(&mut made, choices)?;
    let (mut sound, mut odd) = (true, None);
    for _ in 0..more & 3 {
        sound &= !change(&mut made, &mut odd, choices)?;
    }
    let mut lines: Vec<u8> = Vec::new();
    let dialect = if more & 4 == 0 { Dialect::Js } else { Dialect::Go };
    for (key, value) in &made.records {
        lines.extend(dialect.record_line(key, value.as_deref()).into_bytes());
    }
    if more & 0x18 == 0x18 && !lines.is_empty() {
        sound = false;
        let at = choices.choose_index(lines.len())?;
        lines[at] = choices.arbitrary()?;
    }
    Ok(Offer {
        lines,
        artifacts: made.artifacts,
        how: more >> 5 << 2,
        odd,
        sound,
        truncated: made.truncated,
        ..Offer::default()
    })
}

fn pairs(made: &mut Made, choices: Choices<'_, '_>) -> Result<()> {
    const KEYS: [&str; 6] = ["a", "é", "\u{ff5e}", "\u{1f600}", "activityhash", "vat.names"];
    for key in &KEYS[..choices.int_in_range(0..=KEYS.len())?] {
        made.record(format!("kv.{key}"), choices.arbitrary::<&str>()?);
    }
    Ok(())
}

fn lines(items: u64, choices: Choices<'_, '_>) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    for _ in 0..items {
        content.extend(choices.arbitrary::<&str>()?.bytes().filter(|byte| *byte != b'\n'));
        content.push(b'\n');
    }
    Ok(content)
}

fn transcript(made: &mut Made, vat: &VatId, choices: Choices<'_, '_>) -> Result<()> {
    let position = |value: u64| Position::new(value).ok_or(arbitrary::Error::IncorrectFormat);
    let mut start = match choices.int_in_range(0..=7)? {
        0 => 1 << 31,
        1 => (1 << 53) - 32,
        2 => 9,
        _ => 0,
    };
    let mut incarnation = 0;
    let spans = choices.int_in_range(0..=4)?;
    made.truncated |= start > 0;
    for at in 0..spans {
        let last = at + 1 == spans;
        let is_current = last && choices.ratio(3, 4)?;
        // Only the last one may be empty.
        let items = choices.int_in_range(u64::from(!last)..=3)?;
        let content = lines(items, choices)?;
        let hash = hash_of_lines(&content, items).ok_or(arbitrary::Error::IncorrectFormat)?;
        let record = SpanRecord {
            vat: vat.clone(),
            start: position(start)?,
            end: position(start + items)?,
            hash,
            is_current,
            incarnation: Incarnation::new(incarnation).unwrap_or_default(),
        };
        made.record(record.key(), record.to_json());
        made.artifacts.push((record.artifact().to_string(), content));
        start += items;
        incarnation += u64::from(choices.ratio(1, 3)?);
    }
    Ok(())
}

fn snapshots(made: &mut Made, vat: &VatId, choices: Choices<'_, '_>) -> Result<()> {
    let count = choices.int_in_range(0..=3)?;
    let used = choices.int_in_range(0..=3)?;
    for at in 0..count {
        let content = choices.arbitrary::<&[u8]>()?.to_vec();
        let position = Position::new(at * 5).unwrap_or_default();
        let record = SnapshotRecord { vat: vat.clone(), position, hash: Digest::of(&content), in_use: at == used };
        made.record(record.key(), record.to_json());
        if record.in_use {
            made.record(ExportKey::CurrentSnapshot(vat.clone()), record.artifact().to_string());
        }
        made.artifacts.push((record.artifact().to_string(), content));
    }
    Ok(())
}

fn bundles(made: &mut Made, choices: Choices<'_, '_>) -> Result<()> {
    for at in 0..choices.int_in_range(0..=2)? {
        let source = serde_json::to_string(choices.arbitrary::<&str>()?).unwrap_or_default();
        let (id, content) = if at == 0 {
            let text = format!(r#"{{"moduleFormat":"nestedEvaluate","source":{source}}}"#);
            (b0_id(&text), text.into_bytes())
        } else {
            let zip = sound_zip(&[("main.js", &format!(r#"{{"imports":[],"x":{source}}}"#))]);
            (b1_id(&zip).map_err(|_| arbitrary::Error::IncorrectFormat)?, zip)
        };
        made.record(format!("bundle.{id}"), id.as_str());
        made.artifacts.push((format!("bundle.{id}"), content));
    }
    Ok(())
}

/// Changes something; says whether it might be refused for it.
fn change(made: &mut Made, odd: &mut Option<(usize, After)>, choices: Choices<'_, '_>) -> Result<bool> {
    let Made { records, artifacts, .. } = made;
    if records.is_empty() || artifacts.is_empty() {
        return Ok(false);
    }
    let (a, b) = (choices.choose_index(artifacts.len())?, choices.choose_index(artifacts.len())?);
    let (r, s) = (choices.choose_index(records.len())?, choices.choose_index(records.len())?);
    match choices.int_in_range(0..=23)? {
        // What need not be in any order.
        0 | 1 => artifacts.swap(a, b),
        2 => {
            records.swap(r, s);
            // The last word on a key may be another now.
            return Ok(records.iter().any(|(_, value)| value.is_none()));
        }
        3 => {
            // The last word counts, and it is the same, unless it was taken back once.
            let again = records[r].clone();
            let taken_back = again.1.is_none();
            records.push(again);
            return Ok(taken_back);
        }
        4 => {
            let again = records[r].clone();
            records.insert(0, (again.0, None));
        }
        change => {
            match change {
                5 => drop(artifacts.remove(a)),
                6 => artifacts.push(artifacts[a].clone()),
                7 => {
                    let content = artifacts[b].1.clone();
                    artifacts[a].1 = content;
                }
                8 => artifacts[a].0 = choices.arbitrary::<&str>()?.to_owned(),
                9 => artifacts[a].1.push(choices.arbitrary()?),
                10 => drop(artifacts[a].1.pop()),
                11 => {
                    let content = &mut artifacts[a].1;
                    if !content.is_empty() {
                        let at = choices.choose_index(content.len())?;
                        content[at] = choices.arbitrary()?;
                    }
                }
                12 => drop(records.remove(r)),
                13 => records[r].1 = None,
                14 => records[r].1 = records[s].1.clone(),
                15 => records[r].0 = choices.arbitrary::<&str>()?.to_owned(),
                16 => *odd = Some((a, After::Failure)),
                17 => *odd = Some((a, After::Endless(b'\n'))),
                18 | 19 => without(made, r),
                _ => retold(made, r, choices)?,
            }
            return Ok(true);
        }
    }
    Ok(false)
}

/// Takes a record away with what it vouches for.
fn without(made: &mut Made, at: usize) {
    let (_, value) = made.records.remove(at);
    let name = value.as_deref().and_then(|text| {
        let span = SpanRecord::parse(text).map(|record| record.artifact());
        span.or_else(|_| SnapshotRecord::parse(text).map(|record| record.artifact())).ok()
    });
    if let Some(name) = name {
        made.artifacts.retain(|(offered, _)| *offered != name.to_string());
    }
}

/// Lets a record say something else, with its key and the name of its artifact in agreement.
fn retold(made: &mut Made, at: usize, choices: Choices<'_, '_>) -> Result<()> {
    let Some(text) = made.records[at].1.clone() else { return Ok(()) };
    let near = |value: u64, choices: Choices<'_, '_>| Ok((value + choices.int_in_range(0..=4_u64)?).saturating_sub(2));
    let position = |value: u64| Position::new(value).unwrap_or(Position::MAX);
    let (before, after, key, text) = if let Ok(mut span) = SpanRecord::parse(&text) {
        let before = span.artifact();
        match choices.int_in_range(0..=4)? {
            0 => span.start = position(near(span.start.get(), choices)?),
            1 => span.end = position(near(span.end.get(), choices)?),
            2 => span.incarnation = Incarnation::new(near(span.incarnation.get(), choices)?).unwrap_or_default(),
            3 => span.is_current = !span.is_current,
            _ => {
                let by = choices.int_in_range(0..=9)?;
                (span.start, span.end) = (position(span.start.get() + by), position(span.end.get() + by));
            }
        }
        (before, span.artifact(), span.key(), span.to_json())
    } else if let Ok(mut snapshot) = SnapshotRecord::parse(&text) {
        let before = snapshot.artifact();
        match choices.int_in_range(0..=1)? {
            0 => snapshot.in_use = !snapshot.in_use,
            _ => snapshot.position = position(near(snapshot.position.get(), choices)?),
        }
        (before, snapshot.artifact(), snapshot.key(), snapshot.to_json())
    } else {
        return Ok(());
    };
    made.records[at] = (key.to_string(), Some(text));
    for (name, _) in made.artifacts.iter_mut().filter(|(name, _)| *name == before.to_string()) {
        *name = after.to_string();
    }
    Ok(())
}
