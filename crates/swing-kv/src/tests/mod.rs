//! The store against real sessions.

mod digest;
mod model;
mod store;
mod substore;
mod walking;
