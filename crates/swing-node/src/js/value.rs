//! A value, and where values are made.

use napi::sys;

use crate::error::{Answer, Failure, Kind};

/// Where values are made: JavaScript's thread, while native code runs there.
#[derive(Clone, Copy)]
pub(crate) struct Js(pub(super) sys::napi_env);

/// A JavaScript value, good until the call it belongs to returns.
#[derive(Clone, Copy)]
pub(crate) struct Value(pub(super) sys::napi_value);

impl Value {
    /// For what napi's own types take.
    pub(crate) fn raw(self) -> sys::napi_value {
        self.0
    }
}

impl Js {
    pub(crate) fn of(env: &napi::Env) -> Self {
        Self(env.raw())
    }
}

pub(super) fn checked(status: sys::napi_status, what: &str) -> Answer<()> {
    if status == sys::Status::napi_ok {
        Ok(())
    } else {
        Err(Failure::new(Kind::INTERNAL, format!("Node could not {what} (status {status})")))
    }
}
