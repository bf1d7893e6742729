//! The host's height, as the chain keeps it: the key `host.height`, a decimal number, absent before the first block.

use std::path::Path;

use swing_core::Position;

use crate::error::Refusal;

/// The key.
pub(crate) const HOST_HEIGHT: &str = "host.height";

/// The number in its value; `None` if there is none. Heights have the range of positions: what JavaScript counts exactly.
pub(crate) fn read(store: &Path, value: Option<&str>) -> Result<Option<u64>, Refusal> {
    let Some(text) = value else { return Ok(None) };
    text.parse::<Position>()
        .map(|height| Some(height.get()))
        .map_err(|_| Refusal::NoHeight { store: store.to_owned(), text: text.to_owned() })
}

/// The same; 0 if there is none, as an export says of a store without one.
pub(crate) fn parse(store: &Path, value: Option<&str>) -> Result<u64, Refusal> {
    Ok(read(store, value)?.unwrap_or_default())
}
