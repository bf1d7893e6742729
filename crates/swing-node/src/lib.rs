//! The Node.js binding of a swing-store: convert in, call, convert out.
//!
//! It is the native half of a drop-in for `@agoric/swing-store`; the JavaScript half (`npm/`) gives it the original's
//! shapes: plain objects, iterators, streams, hardened results. It rests on one decision: native code never calls
//! JavaScript. A callback's batch, an archiver's bytes and an importer's wishes are handed out as values, JavaScript acts
//! on them and calls again; so a user's function may throw or call back into the store, and no lock is held meanwhile.
//!
//! It knows no SQL and decides nothing about contents. What may take long runs off the JavaScript thread: packing and
//! unpacking snapshots, exports, imports.

mod bundles;
mod calls;
mod cell;
mod dump;
mod error;
mod exporter;
mod importer;
mod joined;
mod js;
mod module;
mod open;
mod packing;
mod query;
mod snapshots;
mod store;
mod tools;
mod transcripts;
mod words;
