//! How a heap snapshot is packed, hashed and unpacked.
//!
//! A snapshot is known by the SHA-256 of its raw bytes and kept as gzip. This module knows both and nothing else: no vat, no
//! position, no database. It rests on one decision: what is written is a sequence of small gzip members, each a complete stream,
//! so that they can be made on several cores at once, each of which says how long it is, so that they can be taken apart at once too;
//! what is read is any gzip at all, whoever made it.
//!
//! - [`compress()`] reads a raw snapshot once and returns its hash, its length and its gzip. With [`Limits::max_raw_len`] it is also
//!   how an untrusted artifact is taken in: it stops one byte past the limit, and the caller compares the hash.
//! - [`compress_behind()`] returns before all is packed, and gives a [`Packing`] to wait for.
//! - [`SnapshotReader`] gives the raw bytes back through [`Read`](std::io::Read), and hands out the last of them only when the
//!   length and the hash are right.
//!
//! Memory is bounded on both sides: about 0.5 MiB for each member in flight here, 1.5 to 3 MiB for each reader, besides the gzip
//! itself. No thread outlives the call to `compress`, the packing or the reader that started it.
//!
//! ```
//! use std::io::Read;
//! use swing_snap::codec::{Expected, Level, Limits, ReadAhead, SnapshotReader, compress};
//!
//! let packed = compress(&mut &b"snapshot-bytes"[..], Level::DEFAULT, Limits::default())?;
//! assert_eq!(packed.raw_len, 14);
//!
//! let expected = Expected { hash: packed.hash, raw_len: Some(packed.raw_len) };
//! let mut raw = Vec::new();
//! SnapshotReader::new(packed.gzip, expected, ReadAhead::WhenItPays).read_to_end(&mut raw)?;
//! assert_eq!(raw, b"snapshot-bytes");
//! assert_eq!(expected.hash.to_string(), "7783d47a378f6c3ca8d1b29aa1b688ff6b14d26bd3bf8bae14785138db1eff0c");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod ahead;
mod apart;
mod board;
mod compress;
mod crew;
mod error;
mod inflate;
mod intake;
mod level;
mod member;
mod reader;
mod unpacker;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod testing;

pub use compress::{Compressed, Limits, Packing, compress, compress_behind};
pub use error::CodecError;
pub use level::Level;
pub use member::MEMBER_LEN;
pub use reader::{Expected, ReadAhead, SnapshotReader};
