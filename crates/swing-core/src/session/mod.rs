//! One connection, one transaction, shared by all substores and held by nobody else.
//!
//! A block is one transaction: it begins with the first write and ends with [`Session::commit`], the only point at
//! which anything becomes durable. Reads go through a [`Reader`], writes through a [`Writer`], which exists only
//! inside a transaction, so "begin before you write" is a type and not a rule. Cranks inside a block are
//! [savepoints](Session::savepoint), which cost SQL only once something inside them writes SQL.
//!
//! A write that SQLite could not do *poisons* the session: on a full disk SQLite has already rolled the whole block
//! back by itself, and going on would commit the tail of it. A poisoned session refuses to write and to commit; it is
//! reopened, and what was committed is there.

mod checkpoints;
mod checks;
mod controls;
mod database;
mod digesting;
mod error;
mod exporting;
mod exports;
mod files;
mod lock;
mod log_name;
mod log_room;
mod log_writes;
mod open;
mod open_file;
mod own_locks;
mod paged;
mod part;
mod pool;
mod query;
mod read_only;
mod reader;
mod schema;
mod sole_use;
mod swap;
mod transaction;
mod wal_index;
mod writer;

pub use checks::has_store_header;
#[cfg(feature = "crash-controls")]
pub use controls::{checkpoint_after, checkpoint_in_step, ignore_poison, pin_nothing};
pub use error::{CommitError, OpenError, SessionError};
pub use exports::ExportEntry;
pub use files::{create_dir_durably, directory, real_path, remove_store_files, side_file, store_file, sync_dir};
pub use lock::{LockError, WriterLock};
pub use open::{Creation, Location, OpenOptions, SQLITE_OLDEST, check_replaceable};
pub use paged::paged;
pub use part::{Part, PartId};
pub use pool::{Pinned, Readers};
pub use query::{Query, QueryError, Rows};
pub use reader::{Reader, RowValue};
/// A value of a row, or a parameter of a [`Query`].
pub use rusqlite::types::Value as SqlValue;
pub use schema::{Digested, MARK_TABLES, PENDING_EXPORTS, Table};
pub use sole_use::{SoleUse, is_open_elsewhere};
pub use swap::SwapLock;
pub use transaction::Session;
pub use writer::{Ran, Scope, Writer};

#[cfg(test)]
mod tests;
