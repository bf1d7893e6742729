//! Memory that JavaScript keeps alive without seeing it.
//!
//! Whoever makes stores and closes none leaves it to V8 to find out that nobody has them any more, and V8 looks the sooner the
//! more it knows to be held.

use napi::sys;

use super::value::Js;

/// So many bytes that V8 was told of; it is told when they go.
pub(crate) struct Weight {
    js: Js,
    bytes: i64,
}

impl Weight {
    pub(crate) fn of(js: Js, bytes: u32) -> Self {
        let bytes = i64::from(bytes);
        js.adjust_external_memory(bytes);
        Self { js, bytes }
    }
}

impl Drop for Weight {
    fn drop(&mut self) {
        self.js.adjust_external_memory(-self.bytes);
    }
}

impl Js {
    fn adjust_external_memory(self, change: i64) {
        let mut sum = 0;
        // SAFETY: weights are held by what a finalizer of this environment lets go of, or a call: both run on its thread while it is
        // there. A failure would mean that there is no environment.
        let _ = unsafe { sys::napi_adjust_external_memory(self.0, change, &raw mut sum) };
    }
}
