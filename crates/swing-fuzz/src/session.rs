//! A session that is used over and over, each time from nothing: opening one costs more than most inputs do.

use std::cell::RefCell;

use swing_core::Session;

thread_local! {
    static SESSION: RefCell<Option<Session>> = const { RefCell::new(None) };
}

/// Lends a session on empty tables of a whole store. What was done is rolled back afterwards.
///
/// # Panics
/// When there is no memory for one, or it has lost its transaction.
pub(crate) fn with_session(work: impl FnOnce(&mut Session)) {
    // Taken out meanwhile: after a panic the next one gets another.
    let session = SESSION.take();
    let mut session =
        session.unwrap_or_else(|| Session::in_memory(&swing_store::tables()).expect("a session in memory"));
    session.savepoint("nothing", &mut []).expect("a savepoint");
    work(&mut session);
    session.rollback_to("nothing", &mut []).expect("a session that has not lost its transaction");
    SESSION.set(Some(session));
}
