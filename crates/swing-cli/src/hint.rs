//! What to do about an error: found by its type, wherever in the chain it is.

mod side_files;

use std::error::Error;
use std::io;

use swing_core::SessionError;
use swing_core::session::{CommitError, LockError, OpenError};
use swing_core::substore::SubstoreError;
use swing_export::dataset::{DatasetError, Mode};
use swing_export::{DiffError, ExportError, ImportError, RepairError, StagingError, VerifyError};
use swing_snap::migration::MigrationError;
use swing_store::StoreError;

use crate::error::Refusal;
use crate::export::Folder;

/// What can be done, most general first; nothing twice.
pub(crate) fn hints(error: &anyhow::Error) -> Vec<String> {
    let mut found = Vec::new();
    for cause in error.chain() {
        if let Some(hint) = hint(cause)
            && !found.contains(&hint)
        {
            found.push(hint);
        }
    }
    found
}

/// Tries the types that an error may be of.
macro_rules! of_types {
    ($error:expr, $($kind:ty => $hint:expr),+ $(,)?) => {
        $(if let Some(error) = $error.downcast_ref::<$kind>() { return $hint(error); })+
    };
}

fn hint(error: &(dyn Error + 'static)) -> Option<String> {
    of_types!(error,
        Refusal => refusal,
        StoreError => store,
        OpenError => open,
        LockError => lock,
        SessionError => session,
        CommitError => commit,
        ExportError => export,
        ImportError => import,
        StagingError => staging,
        RepairError => repair,
        VerifyError => verify,
        DiffError => diff,
        SubstoreError => substore,
        MigrationError => migration,
        DatasetError => dataset,
        io::Error => in_io,
    );
    None
}

const NOT_TO_WAIT: &str = "without --wait an import waits for as long as somebody has the old store open: import again";

fn say(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn refusal(error: &Refusal) -> Option<String> {
    match error {
        Refusal::OtherHeight { .. } => say("nothing was written; without --check-block-height any height will do"),
        Refusal::OtherDataset { .. } => say("nothing was changed: a store is repaired from a dataset of its own block"),
        Refusal::NoHeight { .. } => say("the host keeps its height there as a decimal number: see what wrote this one"),
        Refusal::InUse { .. } => say(
            "nothing was changed: stop the node first, or wait for what reads the store; stat, verify, diff and export need not",
        ),
        Refusal::InTheWay { .. } => say(NOT_TO_WAIT),
        Refusal::Later { dataset, .. } => Some(format!(
            "the blocks after {dataset} would be lost: name another directory, or say --replace if that is what you want"
        )),
        Refusal::NotReplaced(error) => open(error),
        Refusal::DanglingLink { .. } => {
            say("nothing was replaced: mount or make what it leads to, or remove the link, and import again")
        }
        Refusal::NotEmpty { .. } => say("nothing was erased: name a directory that is empty or does not exist yet"),
        Refusal::Damaged { .. } => say(
            "nothing was changed: `swing-store verify` tells more; --accept-rows makes the digest say what is there",
        ),
        Refusal::NewerDigest { .. } => {
            say("nothing was changed: a later release has written the store, and keeps its digest")
        }
        Refusal::TrustedStore { store, .. } => Some(format!(
            "`swing-store diff` compares two stores; or `swing-store export {} NEW --artifact-mode none` writes its export \
             data: then say --trusted NEW",
            store.display()
        )),
        Refusal::StoreFile { .. } => say("name the directory that it is in"),
        Refusal::BackFromNowhere { .. } => say("nothing was written: name the directory without .."),
        Refusal::HeightUnknown { .. } => say(
            "it may have blocks that would be lost: try again if it was in use, name another directory, or say --replace if it \
             may go",
        ),
        Refusal::InStore { .. } => say("nothing was written: name a directory of its own for the dataset"),
        Refusal::DamagedRows { .. } => say(
            "nothing was written: `swing-store verify` tells more; --artifact-mode debug exports the rows as they are; restore \
             the store from a dataset or a backup",
        ),
        Refusal::Unfinished { dataset, folder: Folder::New, .. } => Some(format!(
            "its empty manifest marks {} as unfinished: delete {0} before you export there again",
            dataset.display()
        )),
        Refusal::Unfinished { dataset, folder: Folder::WasEmpty, .. } => Some(format!(
            "its empty manifest marks {} as unfinished: the directory was there before, so export into another, or delete the \
             files that this export wrote into it",
            dataset.display()
        )),
        Refusal::BadTrace { .. } | Refusal::NoBlob { .. } => {
            say("a trace has one JSON array a line: [op, arguments, answer]")
        }
        Refusal::TraceEnds { .. } => say("the trace is damaged or was cut short: get it again"),
        Refusal::UnreadableBlob { .. } | Refusal::BadBlob { .. } => say("the blob is damaged: get it again"),
    }
}

/// Some errors stand for others and do not appear in the chain themselves.
fn store(error: &StoreError) -> Option<String> {
    match error {
        StoreError::Open(error) => open(error),
        StoreError::Session(error) => session(error),
        StoreError::Commit(error) => commit(error),
        StoreError::Export(error) => export(error),
        StoreError::Import(error) => import(error),
        StoreError::Publish(error) => staging(error),
        StoreError::Repair(error) => repair(error),
        StoreError::LostBlocks { .. } => {
            say("its write-ahead log was damaged or an older copy was put in place: restore the store from a dataset")
        }
        _ => None,
    }
}

fn open(error: &OpenError) -> Option<String> {
    match error {
        OpenError::Missing { .. } => {
            say("name the directory that holds swingstore.sqlite; a chain's node has it in data/agoric of its home")
        }
        OpenError::NewerFormat { .. } => say("the file was left alone: a later release has written it"),
        OpenError::NotADatabase { .. } | OpenError::Foreign { .. } => {
            say("the file was left alone: name another directory, or move the file away")
        }
        OpenError::Schema { .. } => say("it was made by something else, or by a release that is not known here"),
        OpenError::NoTable { .. } => say("an old release made it: start the node on it once, which adds the table"),
        OpenError::NotWal { .. } => {
            say("another program has it open in another mode, or it lies on a network file system")
        }
        OpenError::Locked(error) => lock(error),
        OpenError::Io { source, .. } => in_io(source),
        OpenError::Unrecovered { path } if side_files::forbidden(path).is_some() => {
            side_files::forbidden(path).map(|file| side_files::not_yours(&file))
        }
        OpenError::Unrecovered { .. } => {
            say("copy all files of the store to where they can be written, and read the copy")
        }
        OpenError::Sqlite { path, source } if side_files::has_no_room(source) => Some(side_files::make_room(path)),
        OpenError::Sqlite { path, source }
            if side_files::cannot_open(source) && side_files::forbidden(path).is_some() =>
        {
            side_files::forbidden(path).map(|file| side_files::not_yours(&file))
        }
        OpenError::Sqlite { .. } | OpenError::RowDigests { .. } | OpenError::Pool { .. } => {
            say("if the file is damaged, restore the store from a dataset or a backup; if it is locked, see who has it")
        }
        _ => None,
    }
}

fn lock(error: &LockError) -> Option<String> {
    match error {
        LockError::Held { .. } => say("stop that process first; stat, verify, diff and export need no lock"),
        LockError::HeldHere { .. } => None,
        LockError::Io { source } => in_io(source),
    }
}

fn session(error: &SessionError) -> Option<String> {
    match error {
        SessionError::Busy { .. } => say("wait until it is done, or stop it, and try again"),
        SessionError::Corrupt { .. } => {
            say("`swing-store verify` tells how far the damage goes; restore the store from a dataset or a backup")
        }
        SessionError::Full { .. } => say("nothing was changed: make room and try again"),
        _ => None,
    }
}

fn commit(error: &CommitError) -> Option<String> {
    match error {
        CommitError::NotCommitted(error) => session(error),
        CommitError::Unknown { .. } => say("`swing-store stat` tells at which height the store is"),
        CommitError::InCrank { .. } => None,
    }
}

fn export(error: &ExportError) -> Option<String> {
    match error {
        ExportError::Open(error) => open(error),
        ExportError::Incomplete { .. } => {
            say("a smaller --artifact-mode needs less; --artifact-mode debug takes whatever is there")
        }
        ExportError::Substore(error) => substore(error),
        _ => None,
    }
}

fn import(error: &ImportError) -> Option<String> {
    const ELSEWHERE: &str = "nothing was imported: get the dataset again, or from somebody else";
    match error {
        ImportError::Staging(error) => staging(error),
        ImportError::Session(error) => session(error),
        ImportError::Substore(SubstoreError::Session(error)) => session(error),
        ImportError::Incomplete { .. } => {
            say("nothing was imported: import with a smaller --artifact-mode, or get the whole dataset again")
        }
        ImportError::Empty => say("nothing was imported: an empty store has nothing to import, just start with one"),
        // The dataset says what is wrong with it.
        ImportError::Source { .. } => None,
        _ => say(ELSEWHERE),
    }
}

fn staging(error: &StagingError) -> Option<String> {
    match error {
        StagingError::Open(error) => open(error),
        StagingError::Session(error) => session(error),
        StagingError::Commit(error) => commit(error),
        StagingError::Witness(error) => substore(error),
        StagingError::OldStore { .. } => {
            say("`swing-store stat` tells more of the old store; or move its files away, and import again")
        }
        StagingError::Write { .. } => say("make room if the disk is full, and import again"),
        StagingError::TargetInUse { .. } => say(NOT_TO_WAIT),
        // Who objected says why.
        StagingError::Objected { .. } => None,
        StagingError::Io { source, .. } => in_io(source),
        StagingError::Unknown { .. } => say("`swing-store stat` tells at which height the store is"),
    }
}

fn repair(error: &RepairError) -> Option<String> {
    match error {
        RepairError::Substore(SubstoreError::Session(error)) | RepairError::Session(error) => session(error),
        RepairError::Source(_) => None,
        _ => {
            say("nothing was changed: the dataset is of another store, or the store is damaged (`swing-store verify`)")
        }
    }
}

fn verify(error: &VerifyError) -> Option<String> {
    match error {
        VerifyError::Substore(error) => substore(error),
        VerifyError::Session(error) => session(error),
        VerifyError::Trusted(_) => None,
        VerifyError::NothingTrusted => say("export again, or get it from somebody else"),
    }
}

fn diff(error: &DiffError) -> Option<String> {
    match error {
        // Their sources are in the chain.
        DiffError::Here(_) | DiffError::There(_) => None,
        DiffError::TakenBack { .. } => {
            say("name it as the second of the two: of that one the last word on a key counts")
        }
    }
}

fn substore(error: &SubstoreError) -> Option<String> {
    match error {
        SubstoreError::Session(error) => session(error),
        _ => say("`swing-store verify` lists everything that is wrong with the store"),
    }
}

fn migration(error: &MigrationError) -> Option<String> {
    match error {
        MigrationError::Session(error) => session(error),
        MigrationError::Foreign { kind, .. } => Some(format!("nothing was changed: drop that {kind}, and try again")),
        _ => say("nothing was changed"),
    }
}

fn dataset(error: &DatasetError) -> Option<String> {
    match error {
        DatasetError::ManifestExists { .. } => say("nothing was overwritten: name a directory that does not exist yet"),
        DatasetError::AbortedExport { .. } => say(
            "if no export is running, it never finished: export again, into a new directory; delete this one only if \
                 nothing but that export is in it",
        ),
        DatasetError::NoManifest { .. } => say("name the directory that holds export-manifest.json"),
        DatasetError::BadManifest { .. }
        | DatasetError::MissingFile { .. }
        | DatasetError::LeadsOutside { .. }
        | DatasetError::NotAFile { .. }
        | DatasetError::BadLine { .. } => {
            say("the dataset is damaged, was made to do harm, or has a line longer than any that is read: get it again")
        }
        DatasetError::NoBlockHeight { .. } => say("an importer needs to know the height: export again"),
        DatasetError::NoExportData { .. } => say("export again with --export-data-mode all"),
        DatasetError::NoArtifacts { listed: 0, .. } | DatasetError::TooFewArtifacts { has: Mode::NoArtifacts, .. } => {
            say(
                "the dataset has export data alone: export again, with --artifact-mode operational or more; of a store without any transcript, snapshot or bundle there is nothing that could be imported, neither here nor by the original",
            )
        }
        DatasetError::NoArtifacts { .. } => {
            say("without artifacts no store can be made: say --artifact-mode operational; none is for repair-metadata")
        }
        DatasetError::TooFewArtifacts { has, .. } => {
            Some(format!("import with --artifact-mode {has}, or export again with more"))
        }
        DatasetError::OtherBlockHeight { .. } => {
            say("nothing was imported; without --check-block-height any height will do")
        }
        DatasetError::Io { source, .. } => in_io(source),
        _ => None,
    }
}

/// An error of reading or writing may carry one of ours, or speak for itself.
fn in_io(error: &io::Error) -> Option<String> {
    if let Some(inner) = error.get_ref() {
        let inner: &(dyn Error + 'static) = inner;
        if let Some(found) = hint(inner) {
            return Some(found);
        }
    }
    match error.kind() {
        io::ErrorKind::NotFound => say("check the path"),
        io::ErrorKind::AlreadyExists => say("nothing was overwritten: name a directory that does not exist yet"),
        io::ErrorKind::NotADirectory => say("a file stands where a directory should be: check the path"),
        io::ErrorKind::PermissionDenied => say("run it as the user who owns the files"),
        io::ErrorKind::ReadOnlyFilesystem => say("that place is mounted read-only: choose another"),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => say("make room and try again"),
        _ => None,
    }
}
