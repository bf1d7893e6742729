//! Records, artifact names and gaps, read in pages so that no statement stays open and no export is held in memory.

use swing_core::session::{Reader, paged};
use swing_core::substore::{Gap, Names, Records, SubstoreError};
use swing_core::{ArtifactMode, ArtifactName, Digest, ExportKey, Position, SessionError, SnapshotRecord, VatId};

const PAGE: i64 = 1000;

/// The same rows, from the first on and from after one of them.
struct Pages {
    first: &'static str,
    next: &'static str,
}

macro_rules! pages_where {
    ($condition:literal) => {
        Pages {
            first: concat!(
                "SELECT vatID, snapPos, hash FROM snapshots WHERE ",
                $condition,
                " ORDER BY vatID, snapPos LIMIT ?1"
            ),
            next: concat!(
                "SELECT vatID, snapPos, hash FROM snapshots WHERE ",
                $condition,
                " AND (vatID, snapPos) > (?2, ?3) ORDER BY vatID, snapPos LIMIT ?1"
            ),
        }
    };
}

static IN_USE: Pages = pages_where!("inUse = 1");
static UNUSED: Pages = pages_where!("inUse IS NULL");
static POPULATED_IN_USE: Pages = pages_where!("inUse = 1 AND compressedSnapshot IS NOT NULL");
static POPULATED_UNUSED: Pages = pages_where!("inUse IS NULL AND compressedSnapshot IS NOT NULL");

struct Row {
    vat: VatId,
    position: Position,
    hash: Digest,
}

impl Row {
    fn name(&self) -> ArtifactName {
        ArtifactName::Snapshot { vat: self.vat.clone(), position: self.position }
    }

    fn record(&self, in_use: bool) -> (String, String) {
        let (vat, position, hash) = (self.vat.clone(), self.position, self.hash);
        let record = SnapshotRecord { vat, position, hash, in_use };
        (record.key().to_string(), record.to_json())
    }

    fn current(&self) -> (String, String) {
        (ExportKey::CurrentSnapshot(self.vat.clone()).to_string(), self.name().to_string())
    }
}

fn rows<'a>(db: Reader<'a>, pages: &'static Pages) -> impl Iterator<Item = Result<Row, SubstoreError>> + 'a {
    let mut last = None;
    paged(move || {
        let read = |row: &rusqlite::Row<'_>| Ok(Row { vat: row.get(0)?, position: row.get(1)?, hash: row.get(2)? });
        let page = match &last {
            None => db.all(pages.first, [PAGE], read),
            Some((vat, position)) => db.all(pages.next, (PAGE, vat, position), read),
        }?;
        if let Some(Row { vat, position, .. }) = page.last() {
            let now = (vat.clone(), *position);
            if last.as_ref().is_some_and(|last| now <= *last) {
                return Err(SessionError::OutOfOrder { table: "snapshots" }.into());
            }
            last = Some(now);
        }
        Ok(page)
    })
}

/// For each vat by ID the record in use and then its `.current`; after all those the others by vat and position.
pub(super) fn records(db: Reader<'_>) -> Records<'_> {
    let in_use = rows(db, &IN_USE).flat_map(|row| match row {
        Ok(row) => [Some(Ok(row.record(true))), Some(Ok(row.current()))],
        Err(error) => [Some(Err(error)), None],
    });
    let unused = rows(db, &UNUSED).map(|row| Ok(row?.record(false)));
    Box::new(in_use.flatten().chain(unused))
}

pub(super) fn artifact_names(db: Reader<'_>, mode: ArtifactMode) -> Names<'_> {
    let in_use = rows(db, &POPULATED_IN_USE);
    let unused = (mode == ArtifactMode::Debug).then(|| rows(db, &POPULATED_UNUSED));
    Box::new(in_use.chain(unused.into_iter().flatten()).map(|row| Ok(row?.name().to_string())))
}

pub(super) fn gaps(db: Reader<'_>, mode: ArtifactMode) -> Result<Vec<Gap>, SubstoreError> {
    const SQL: &str = "SELECT vatID, snapPos FROM snapshots WHERE inUse = 1 AND compressedSnapshot IS NULL
        ORDER BY vatID, snapPos";
    if mode == ArtifactMode::Debug {
        return Ok(Vec::new());
    }
    let unpopulated = db.all(SQL, [], |row| {
        let name = ArtifactName::Snapshot { vat: row.get(0)?, position: row.get(1)? };
        let reason = "the snapshot is in use but its bytes are not there".to_owned();
        Ok(Gap { what: name.to_string(), reason, in_short: None })
    })?;
    Ok(unpopulated)
}
