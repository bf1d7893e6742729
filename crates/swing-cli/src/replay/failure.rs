//! Calls that fail because nothing can be done with the store any more, and not because they were wrong.

use std::error::Error;

use rusqlite::ErrorCode;
use swing_core::SessionError;
use swing_core::session::{CommitError, OpenError};
use swing_store::StoreError;

/// Whether the store cannot be opened, read or written, so that no later answer says anything about it.
pub(super) fn is_the_stores(error: &anyhow::Error) -> bool {
    error.chain().any(is_one)
}

fn is_one(error: &(dyn Error + 'static)) -> bool {
    if let Some(error) = error.downcast_ref::<StoreError>() {
        return match error {
            StoreError::Open(_) => true,
            StoreError::Session(error) => session(error),
            StoreError::Commit(error) => commit(error),
            _ => false,
        };
    }
    error.downcast_ref::<SessionError>().is_some_and(session)
        || error.downcast_ref::<CommitError>().is_some_and(commit)
        || error.is::<OpenError>()
        // Of an error that says what another one says, only what that one stands on is in the chain.
        || error.downcast_ref::<rusqlite::Error>().is_some_and(|error| error.sqlite_error_code() != Some(ErrorCode::ConstraintViolation))
}

fn session(error: &SessionError) -> bool {
    match error {
        SessionError::Poisoned { .. }
        | SessionError::ReadOnly
        | SessionError::Busy { .. }
        | SessionError::Corrupt { .. }
        | SessionError::Full { .. }
        | SessionError::Directory { .. }
        | SessionError::WrittenMeanwhile { .. }
        | SessionError::OutOfOrder { .. } => true,
        SessionError::Sql { .. } => !error.is_constraint(),
        _ => false,
    }
}

fn commit(error: &CommitError) -> bool {
    match error {
        CommitError::InCrank { .. } => false,
        CommitError::NotCommitted(error) => session(error),
        CommitError::Unknown { .. } => true,
    }
}
