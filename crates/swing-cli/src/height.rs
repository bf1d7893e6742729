//! The host's height, as the chain keeps it: the key `host.height`, a decimal number, absent before the first block.

use std::path::Path;

use swing_core::Position;

use crate::error::Refusal;

/// The key.
pub(crate) const HOST_HEIGHT: &str = "host.height";

/// The number in its value; 0 if there is none. Heights have the range of positions: what JavaScript counts exactly.
pub(crate) fn parse(store: &Path, value: Option<&str>) -> Result<u64, Refusal> {
    let Some(text) = value else { return Ok(0) };
    text.parse::<Position>()
        .map(Position::get)
        .map_err(|_| Refusal::NoHeight { store: store.to_owned(), text: text.to_owned() })
}
