//! What a kernel and its host call. No SQLite in the signatures: a host can run on another engine, and the
//! conformance suite (`swing_core::testing`) holds any engine to the same answers.
//!
//! Every method may fail with the implementation's own error. Unless a method says otherwise, a failed call has
//! changed nothing. What is written is seen by all later reads and durable after [`HostStorage::commit`].

use std::error::Error;
use std::io::Read;
use std::sync::Arc;

use crate::budget::{Budget, Cleanup};
use crate::digest::Digest;
use crate::ids::{BundleId, Incarnation, Position, VatId};

/// Ordered string keys and values.
pub trait KvStore {
    /// What can go wrong.
    type Error: Error + Send + Sync + 'static;

    /// The value of `key`, if it has one.
    fn get(&mut self, key: &str) -> Result<Option<Arc<str>>, Self::Error>;
    /// Whether `key` has a value.
    fn has(&mut self, key: &str) -> Result<bool, Self::Error>;
    /// The first key after `previous` in the order of UTF-8 bytes.
    fn get_next_key(&mut self, previous: &str) -> Result<Option<Arc<str>>, Self::Error>;
    /// Gives `key` a value.
    fn set(&mut self, key: &str, value: &str) -> Result<(), Self::Error>;
    /// Removes `key`; an absent one is no error.
    fn delete(&mut self, key: &str) -> Result<(), Self::Error>;
}

/// Where a span begins and ends, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpanBounds {
    /// The first item's position.
    pub start: Position,
    /// One past the last item's.
    pub end: Position,
    /// The cumulative hash over the items.
    pub hash: Digest,
    /// Which incarnation of the vat it belongs to.
    pub incarnation: Incarnation,
}

/// The items of a span, in order.
pub type Items<'a, E> = Box<dyn Iterator<Item = Result<String, E>> + 'a>;

/// Every delivery of every vat, in spans.
pub trait TranscriptStore {
    /// What can go wrong.
    type Error: Error + Send + Sync + 'static;

    /// Gives `vat` an empty current span from position 0, incarnation 0. An error if it has one there.
    fn init_transcript(&mut self, vat: &VatId) -> Result<(), Self::Error>;
    /// Appends to the current span. An item that contains a line feed is refused, since it could not be exported.
    fn add_item(&mut self, vat: &VatId, item: &str) -> Result<(), Self::Error>;
    /// Closes the current span and opens an empty one after it. Answers the incarnation. An error if it is empty.
    fn rollover_span(&mut self, vat: &VatId) -> Result<Incarnation, Self::Error>;
    /// The same, into the next incarnation, whose number it answers.
    fn rollover_incarnation(&mut self, vat: &VatId) -> Result<Incarnation, Self::Error>;
    /// The items of the span that starts at `start`, or of the current one. An unknown span is an error now; missing
    /// items, or items that do not give the span's hash, are one at the end.
    fn read_span(&mut self, vat: &VatId, start: Option<Position>) -> Result<Items<'_, Self::Error>, Self::Error>;
    /// The current span. An error if there is none.
    fn current_span_bounds(&mut self, vat: &VatId) -> Result<SpanBounds, Self::Error>;
    /// Closes the current span for good; without one nothing happens.
    fn stop_using_transcript(&mut self, vat: &VatId) -> Result<(), Self::Error>;
    /// Deletes spans, newest first, with their items and records.
    fn delete_vat_transcripts(&mut self, vat: &VatId, budget: Budget) -> Result<Cleanup, Self::Error>;
}

/// What [`SnapStore::save_snapshot`] did. Times are in seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct SnapshotSaved {
    /// SHA-256 of the raw bytes.
    pub hash: Digest,
    /// Raw bytes.
    pub uncompressed_size: u64,
    /// Stored bytes. Not consensus.
    pub compressed_size: u64,
    /// Time to read, hash and compress.
    pub compress_seconds: f64,
    /// Time to store.
    pub db_save_seconds: f64,
    /// Time to archive, if there is an archive.
    pub archive_write_seconds: Option<f64>,
}

/// What [`SnapStore::save_snapshot_behind`] did so far. Times are in seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct SnapshotTaken {
    /// SHA-256 of the raw bytes.
    pub hash: Digest,
    /// Raw bytes.
    pub uncompressed_size: u64,
    /// Time to read and hash, and to compress as far as that was waited for.
    pub compress_seconds: f64,
    /// Time to store.
    pub db_save_seconds: f64,
}

impl From<SnapshotSaved> for SnapshotTaken {
    fn from(saved: SnapshotSaved) -> Self {
        let SnapshotSaved { hash, uncompressed_size, compress_seconds, db_save_seconds, .. } = saved;
        Self { hash, uncompressed_size, compress_seconds, db_save_seconds }
    }
}

/// The snapshot in use of a vat. Sizes are absent for a record that was never populated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// The position of the item that saved it.
    pub position: Position,
    /// SHA-256 of the raw bytes.
    pub hash: Digest,
    /// Raw bytes.
    pub uncompressed_size: Option<u64>,
    /// Stored bytes.
    pub compressed_size: Option<u64>,
}

/// The raw bytes of a snapshot. An error of its hash comes at the end; dropping it early is fine.
pub type SnapshotBytes = Box<dyn Read + Send>;

/// Heap snapshots, at most one in use per vat.
pub trait SnapStore {
    /// What can go wrong.
    type Error: Error + Send + Sync + 'static;

    /// Stores a snapshot and makes it the one in use.
    fn save_snapshot(
        &mut self,
        vat: &VatId,
        position: Position,
        source: &mut dyn Read,
    ) -> Result<SnapshotSaved, Self::Error>;
    /// As [`SnapStore::save_snapshot`], for who need not know the compressed size: it returns when the source is read and hashed,
    /// and a store that can goes on compressing meanwhile. Every other call answers as if it were done, if need be by waiting for
    /// it, and so does the commit. Whoever has nothing to go on with on other threads does it all at once, as here.
    fn save_snapshot_behind(
        &mut self,
        vat: &VatId,
        position: Position,
        source: &mut dyn Read,
    ) -> Result<SnapshotTaken, Self::Error> {
        self.save_snapshot(vat, position, source).map(SnapshotTaken::from)
    }
    /// The snapshot in use. An error if there is none.
    fn load_snapshot(&mut self, vat: &VatId) -> Result<SnapshotBytes, Self::Error>;
    /// Keeps the record of the one in use but uses it no more; without one nothing happens.
    fn stop_using_last_snapshot(&mut self, vat: &VatId) -> Result<(), Self::Error>;
    /// What is known of the one in use.
    fn snapshot_info(&mut self, vat: &VatId) -> Result<Option<SnapshotInfo>, Self::Error>;
    /// Deletes snapshots, newest first, with their records.
    fn delete_vat_snapshots(&mut self, vat: &VatId, budget: Budget) -> Result<Cleanup, Self::Error>;
    /// Deletes every snapshot that is not in use, **without** export records, as the original does: a store cloned
    /// from its export data has records that this one lost. Prefer [`SnapStore::prune_unused_snapshots`].
    fn delete_all_unused_snapshots(&mut self) -> Result<(), Self::Error>;
    /// Drops the bytes of every snapshot that is not in use and keeps the records. Answers how many it dropped.
    fn prune_unused_snapshots(&mut self) -> Result<u64, Self::Error>;
}

/// A code bundle as the kernel hands it over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bundle {
    /// `b0-`: the JSON text of the bundle, whose SHA-256 is its ID.
    NestedEvaluate(String),
    /// `b1-`: a zip archive, named by the SHA-512 of its compartment map.
    EndoZip {
        /// The bundle's own claim of that hash, in hex.
        sha512: String,
        /// The archive.
        zip: Vec<u8>,
    },
}

/// Code bundles by content hash.
pub trait BundleStore {
    /// What can go wrong.
    type Error: Error + Send + Sync + 'static;

    /// Stores a bundle. An error if its format or hash is not what the ID says, or if the ID is there already.
    fn add_bundle(&mut self, id: &BundleId, bundle: &Bundle) -> Result<(), Self::Error>;
    /// Whether the bundle is there with its content.
    fn has_bundle(&mut self, id: &BundleId) -> Result<bool, Self::Error>;
    /// The bundle. An error if it is not there.
    fn get_bundle(&mut self, id: &BundleId) -> Result<Bundle, Self::Error>;
    /// Removes the bundle; an absent one is no error.
    fn delete_bundle(&mut self, id: &BundleId) -> Result<(), Self::Error>;
}

/// The two hashes of a crank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrankHashes {
    /// Over the consensus changes of the crank.
    pub crankhash: Digest,
    /// Over all crankhashes so far.
    pub activityhash: Digest,
}

/// The kernel's end of a store. It has no commit, no close and no host keys.
pub trait KernelStorage {
    /// What can go wrong.
    type Error: Error + Send + Sync + 'static;
    /// The kernel's key-value store: everything but `host.*`.
    type Kv<'a>: KvStore
    where
        Self: 'a;
    /// The transcripts.
    type Transcripts<'a>: TranscriptStore
    where
        Self: 'a;
    /// The snapshots.
    type Snapshots<'a>: SnapStore
    where
        Self: 'a;
    /// The bundles.
    type Bundles<'a>: BundleStore
    where
        Self: 'a;

    /// The kernel's key-value store.
    fn kv(&mut self) -> Self::Kv<'_>;
    /// The transcripts.
    fn transcripts(&mut self) -> Self::Transcripts<'_>;
    /// The snapshots.
    fn snapshots(&mut self) -> Self::Snapshots<'_>;
    /// The bundles.
    fn bundles(&mut self) -> Self::Bundles<'_>;

    /// Begins a crank and resets the crankhash. An error inside one.
    fn start_crank(&mut self) -> Result<(), Self::Error>;
    /// Establishes a point to roll back to. An error outside a crank.
    fn establish_crank_savepoint(&mut self, name: &str) -> Result<(), Self::Error>;
    /// Rolls everything but the crankhash back to the first savepoint called `name` and forgets it and all later ones.
    fn rollback_crank(&mut self, name: &str) -> Result<(), Self::Error>;
    /// Ends the hashing of a crank, or of what was written outside one.
    fn emit_crank_hashes(&mut self) -> Result<CrankHashes, Self::Error>;
    /// Ends the crank: savepoints are released and changes of export data handed to the host. Commits nothing. When the
    /// host's callback fails nothing is lost: the crank is still open, without its savepoints, and can be ended again.
    fn end_crank(&mut self) -> Result<(), Self::Error>;
    /// The hash over all cranks so far; empty before the first.
    fn activityhash(&mut self) -> Result<String, Self::Error>;
}

/// The host's end of a store.
pub trait HostStorage {
    /// What can go wrong.
    type Error: Error + Send + Sync + 'static;
    /// The host's key-value store: it reads everything and writes `host.*`.
    type Kv<'a>: KvStore
    where
        Self: 'a;

    /// The host's key-value store.
    fn kv(&mut self) -> Self::Kv<'_>;
    /// Makes everything since the last commit durable, after handing over what export data is left. The only commit
    /// point there is. When it fails because the host's callback failed, nothing is committed and nothing lost. An error
    /// inside a crank.
    fn commit(&mut self) -> Result<(), Self::Error>;
}
