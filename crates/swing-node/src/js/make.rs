//! Making values.

use std::ffi::{c_char, c_void};
use std::ptr::{null, null_mut};

use napi::sys;
use serde::Serialize;

use super::value::{Js, Value, checked};
use crate::error::{Answer, Failure, Kind};

/// The longest string of V8, in UTF-16 units.
const LONGEST_STRING: usize = (1 << 29) - 24;

/// So many bytes of pairs go into one text at most. In JSON a byte may take six characters.
const PAIRS_BYTES: usize = 8 << 20;

/// And so many for the punctuation around a pair.
const AROUND: usize = 8;

impl Js {
    pub(crate) fn undefined(self) -> Answer<Value> {
        let mut value = null_mut();
        // SAFETY: native code runs on the thread of this environment.
        checked(unsafe { sys::napi_get_undefined(self.0, &raw mut value) }, "give undefined")?;
        Ok(Value(value))
    }

    pub(crate) fn null(self) -> Answer<Value> {
        let mut value = null_mut();
        // SAFETY: native code runs on the thread of this environment.
        checked(unsafe { sys::napi_get_null(self.0, &raw mut value) }, "give null")?;
        Ok(Value(value))
    }

    pub(crate) fn boolean(self, truth: bool) -> Answer<Value> {
        let mut value = null_mut();
        // SAFETY: native code runs on the thread of this environment.
        checked(unsafe { sys::napi_get_boolean(self.0, truth, &raw mut value) }, "give a boolean")?;
        Ok(Value(value))
    }

    pub(crate) fn float(self, number: f64) -> Answer<Value> {
        let mut value = null_mut();
        // SAFETY: native code runs on the thread of this environment.
        checked(unsafe { sys::napi_create_double(self.0, number, &raw mut value) }, "make a number")?;
        Ok(Value(value))
    }

    /// A number that JavaScript holds exactly: all that are counted here are below 2^53.
    pub(crate) fn number(self, number: u64) -> Answer<Value> {
        #[expect(clippy::cast_precision_loss, reason = "positions and sizes are below 2^53")]
        self.float(number as f64)
    }

    pub(crate) fn string(self, text: &str) -> Answer<Value> {
        let mut value = null_mut();
        let (start, length) = (text.as_ptr().cast::<c_char>(), text.len().cast_signed());
        // SAFETY: start and length are those of a slice that Node copies before it returns.
        let status = unsafe {
            // ASCII is Latin-1 too, and half as much work.
            if text.is_ascii() {
                sys::napi_create_string_latin1(self.0, start, length, &raw mut value)
            } else {
                sys::napi_create_string_utf8(self.0, start, length, &raw mut value)
            }
        };
        if status != sys::Status::napi_ok && text.len() > LONGEST_STRING {
            let length = text.len();
            return Err(Failure::new(
                Kind::TOO_LONG,
                format!("a text of {length} bytes is longer than a string of JavaScript may be"),
            ));
        }
        checked(status, "make a string")?;
        Ok(Value(value))
    }

    /// A Buffer with a copy of these bytes.
    pub(crate) fn buffer(self, bytes: &[u8]) -> Answer<Value> {
        let mut value = null_mut();
        let start = bytes.as_ptr().cast::<c_void>();
        // SAFETY: Node copies the slice before it returns.
        let status = unsafe { sys::napi_create_buffer_copy(self.0, bytes.len(), start, null_mut(), &raw mut value) };
        checked(status, "make a Buffer")?;
        Ok(Value(value))
    }

    pub(crate) fn object(self) -> Answer<Value> {
        let mut value = null_mut();
        // SAFETY: native code runs on the thread of this environment.
        checked(unsafe { sys::napi_create_object(self.0, &raw mut value) }, "make an object")?;
        Ok(Value(value))
    }

    /// Gives `object` a property of its own, whatever the name means to its prototype.
    pub(crate) fn define(self, object: Value, name: &str, value: Value) -> Answer<()> {
        let descriptor = sys::napi_property_descriptor {
            utf8name: null(),
            name: self.string(name)?.0,
            method: None,
            getter: None,
            setter: None,
            value: value.0,
            attributes: sys::PropertyAttributes::writable
                | sys::PropertyAttributes::enumerable
                | sys::PropertyAttributes::configurable,
            data: null_mut(),
        };
        // SAFETY: object and value are of the call under way, and there is one descriptor.
        checked(unsafe { sys::napi_define_properties(self.0, object.0, 1, &raw const descriptor) }, "define a property")
    }

    /// An object with these properties.
    pub(crate) fn record<const N: usize>(self, properties: [(&str, Answer<Value>); N]) -> Answer<Value> {
        let object = self.object()?;
        for (name, value) in properties {
            self.define(object, name, value?)?;
        }
        Ok(object)
    }

    /// An array of strings.
    pub(crate) fn strings<'t>(self, texts: impl ExactSizeIterator<Item = &'t str>) -> Answer<Value> {
        self.list(texts, Self::string)
    }

    /// An array of what `show` makes of each item.
    pub(crate) fn list<T>(
        self,
        items: impl IntoIterator<Item = T>,
        show: impl Fn(Self, T) -> Answer<Value>,
    ) -> Answer<Value> {
        let items = items.into_iter();
        let mut array = null_mut();
        // SAFETY: native code runs on the thread of this environment.
        let status = unsafe { sys::napi_create_array_with_length(self.0, items.size_hint().0, &raw mut array) };
        checked(status, "make an array")?;
        for (index, item) in (0..).zip(items) {
            // In a scope of its own: a long list would pile up handles.
            self.in_scope(|| {
                let element = show(self, item)?;
                // SAFETY: array and element are of the call under way.
                checked(unsafe { sys::napi_set_element(self.0, array, index, element.0) }, "fill an array")
            })?;
        }
        Ok(Value(array))
    }

    /// JSON text, for JavaScript to parse: one string is made here instead of a dozen values, and V8 makes those faster than anybody
    /// can through Node's interface.
    pub(crate) fn json(self, value: &impl Serialize) -> Answer<Value> {
        match serde_json::to_string(value) {
            Ok(text) => self.string(&text),
            Err(error) => Err(Failure::of(Kind::INTERNAL, &error)),
        }
    }

    /// Lets go of the handles that `work` leaves behind.
    pub(crate) fn in_scope(self, work: impl FnOnce() -> Answer<()>) -> Answer<()> {
        let mut scope = null_mut();
        // SAFETY: the scope is closed below, whatever comes of the work.
        checked(unsafe { sys::napi_open_handle_scope(self.0, &raw mut scope) }, "open a scope")?;
        let done = work();
        // SAFETY: this scope was opened last, and nothing that was made in it is used after it.
        let closed = unsafe { sys::napi_close_handle_scope(self.0, scope) };
        done.and(checked(closed, "close a scope"))
    }

    /// JSON text of keys and values in turn; a value that is not there is null. What would make too long a text is an array of such
    /// texts, and of long pairs as they are.
    pub(crate) fn pairs<'p>(self, pairs: impl Iterator<Item = (&'p str, Option<&'p str>)>) -> Answer<Value> {
        let (mut flat, mut bytes, mut pieces) = (Vec::new(), 0, Vec::new());
        for (key, value) in pairs {
            let weight = key.len() + value.map_or(0, str::len) + AROUND;
            if bytes + weight > PAIRS_BYTES && !flat.is_empty() {
                pieces.push(self.json(&flat)?);
                flat.clear();
                bytes = 0;
            }
            if weight > PAIRS_BYTES {
                let show = |js: Self, text: Option<&str>| text.map_or_else(|| js.null(), |text| js.string(text));
                pieces.push(self.list([Some(key), value], show)?);
            } else {
                flat.extend([Some(key), value]);
                bytes += weight;
            }
        }
        if pieces.is_empty() {
            return self.json(&flat);
        }
        if !flat.is_empty() {
            pieces.push(self.json(&flat)?);
        }
        self.list(pieces, |_, piece| Ok(piece))
    }

    /// An `Error` with a code.
    pub(crate) fn error(self, failure: &Failure) -> Answer<Value> {
        let (code, message) = (self.string(failure.kind.as_ref())?, self.string(&failure.message)?);
        let mut error = null_mut();
        // SAFETY: code and message are strings of the call under way.
        let status = unsafe { sys::napi_create_error(self.0, code.0, message.0, &raw mut error) };
        checked(status, "make an error")?;
        Ok(Value(error))
    }

    pub(super) fn throw(self, failure: &Failure) -> Answer<()> {
        let error = self.error(failure)?;
        // SAFETY: the error was made just now.
        checked(unsafe { sys::napi_throw(self.0, error.0) }, "throw an error")
    }
}
