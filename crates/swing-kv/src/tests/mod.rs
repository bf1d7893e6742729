//! The store against real sessions.

mod model;
mod store;
mod substore;
mod walking;
