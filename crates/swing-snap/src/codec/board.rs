//! What threads that share work know of it, and how one waits for what another does.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A state that several threads look at, change, and wait for changes of.
#[derive(Default)]
pub(super) struct Board<T> {
    state: Mutex<T>,
    changed: Condvar,
}

impl<T> Board<T> {
    pub(super) fn new(state: T) -> Self {
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    pub(super) fn look(&self) -> MutexGuard<'_, T> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of the state until somebody has told of a change.
    pub(super) fn wait<'a>(&self, state: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells one of those that wait.
    pub(super) fn tell_one(&self) {
        self.changed.notify_one();
    }

    /// Tells all of them.
    pub(super) fn tell(&self) {
        self.changed.notify_all();
    }
}
