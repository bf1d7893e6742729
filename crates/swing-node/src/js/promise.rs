//! Work on another thread, and the promise of what comes of it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use napi::bindgen_prelude::{ToNapiValue, TypeName, Unknown};
use napi::{Env, JsValue as _, Task, ValueType, sys};

use super::value::{Js, Value};
use crate::error::{Answer, Failure, Kind};

/// What is done on the other thread.
type Work<T> = Box<dyn FnOnce() -> Answer<T> + Send>;

/// How the outcome is shown to JavaScript, back on its thread.
type Show<T> = Box<dyn FnOnce(Js, T) -> Answer<Value> + Send>;

struct Job<T> {
    work: Option<Work<T>>,
    show: Option<Show<T>>,
}

/// A value on its way through napi.
pub(crate) struct Shown(sys::napi_value);

impl TypeName for Shown {
    fn type_name() -> &'static str {
        "any"
    }

    fn value_type() -> ValueType {
        ValueType::Unknown
    }
}

impl ToNapiValue for Shown {
    unsafe fn to_napi_value(_env: sys::napi_env, shown: Self) -> napi::Result<sys::napi_value> {
        Ok(shown.0)
    }
}

impl<T: Send + 'static> Task for Job<T> {
    type Output = Answer<T>;
    type JsValue = Shown;

    fn compute(&mut self) -> napi::Result<Answer<T>> {
        let Some(work) = self.work.take() else { return Ok(Err(bug())) };
        Ok(catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(bug())))
    }

    fn resolve(&mut self, env: Env, output: Answer<T>) -> napi::Result<Shown> {
        let js = Js::of(&env);
        let show = self.show.take();
        let shown = output.and_then(|outcome| match show {
            Some(show) => show(js, outcome),
            None => Err(bug()),
        });
        match shown {
            Ok(value) => Ok(Shown(value.0)),
            Err(failure) => {
                let error = js.error(&failure).map_err(|failure| napi::Error::from_reason(failure.message))?;
                // SAFETY: the error was made just now in this environment. Given as it is, it keeps its code.
                Err(unsafe { Unknown::from_raw_unchecked(env.raw(), error.0) }.into())
            }
        }
    }
}

fn bug() -> Failure {
    Failure::new(Kind::INTERNAL, "the store failed unexpectedly: a bug")
}

impl Js {
    /// A promise of what `show` makes of the outcome of `work`, which is done on a thread of Node's pool.
    pub(crate) fn promise<T: Send + 'static>(
        self,
        work: impl FnOnce() -> Answer<T> + Send + 'static,
        show: impl FnOnce(Self, T) -> Answer<Value> + Send + 'static,
    ) -> Answer<Value> {
        let job = Job { work: Some(Box::new(work)), show: Some(Box::new(show)) };
        let promise = Env::from_raw(self.0).spawn(job)?.promise_object();
        Ok(Value(promise.raw()))
    }
}
