//! The store against real sessions.

mod ahead;
mod digest;
mod model;
mod store;
mod substore;
mod walking;
