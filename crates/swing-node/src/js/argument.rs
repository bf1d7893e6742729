//! Reading what JavaScript gives.

use std::ptr::null_mut;
use std::slice;

use napi::sys;
use swing_core::session::SqlValue;

use super::text::TextBuffer;
use super::value::checked;
use crate::error::{Answer, Failure};

/// An argument, or a property of one, with the name it has in error messages.
#[derive(Clone, Copy)]
pub(crate) struct Argument<'c> {
    pub(super) env: sys::napi_env,
    pub(super) value: sys::napi_value,
    pub(super) what: &'c str,
}

impl<'c> Argument<'c> {
    fn kind(&self) -> Answer<sys::napi_valuetype> {
        let mut kind = 0;
        // SAFETY: the value is of the call under way.
        checked(unsafe { sys::napi_typeof(self.env, self.value, &raw mut kind) }, "look at an argument")?;
        Ok(kind)
    }

    fn refused<T>(&self, expected: &str) -> Answer<T> {
        Err(Failure::argument(format!("{} must be {expected}", self.what)))
    }

    /// Whether it is undefined or null.
    pub(crate) fn is_absent(&self) -> Answer<bool> {
        Ok(matches!(self.kind()?, sys::ValueType::napi_undefined | sys::ValueType::napi_null))
    }

    /// Whether it is the value `true`; anything but a boolean or nothing is refused.
    pub(crate) fn is_true(&self) -> Answer<bool> {
        match self.kind()? {
            sys::ValueType::napi_undefined | sys::ValueType::napi_null => Ok(false),
            sys::ValueType::napi_boolean => {
                let mut truth = false;
                // SAFETY: the value is a boolean of the call under way.
                let status = unsafe { sys::napi_get_value_bool(self.env, self.value, &raw mut truth) };
                checked(status, "read a boolean").map(|()| truth)
            }
            _ => self.refused("a boolean"),
        }
    }

    /// A string, read into `buffer`. Halves of surrogate pairs become U+FFFD, as everywhere in Node.
    pub(crate) fn text<'b>(&self, buffer: &'b mut TextBuffer) -> Answer<&'b str> {
        const USUAL: usize = 255;
        let room = buffer.room(USUAL);
        let mut length = self.read_text(room)?;
        if length + 1 >= room.len() {
            // It is as long as there is room for, or longer.
            let mut whole = 0;
            // SAFETY: without a buffer Node only measures the string, which the first read proved this value to be.
            let measured =
                unsafe { sys::napi_get_value_string_utf16(self.env, self.value, null_mut(), 0, &raw mut whole) };
            checked(measured, "measure a string")?;
            if whole > length {
                length = self.read_text(buffer.room(whole))?;
            }
        }
        Ok(buffer.decode(length))
    }

    /// Reads as many units of the string as there is room for, but one.
    fn read_text(&self, room: &mut [u16]) -> Answer<usize> {
        let mut length = 0;
        let start = room.as_mut_ptr();
        // SAFETY: the value is of the call under way; the buffer has room for as many units as Node is told.
        match unsafe { sys::napi_get_value_string_utf16(self.env, self.value, start, room.len(), &raw mut length) } {
            sys::Status::napi_string_expected => self.refused("a string"),
            status => checked(status, "read a string").map(|()| length),
        }
    }

    /// A string of its own.
    pub(crate) fn string(&self) -> Answer<String> {
        let mut buffer = TextBuffer::default();
        self.text(&mut buffer)?;
        Ok(buffer.into_text())
    }

    /// An integer from 0 to 2^53 − 1, as all positions and counts are.
    pub(crate) fn integer(&self) -> Answer<u64> {
        const PAST_THE_LAST: f64 = 9_007_199_254_740_992.0;
        let mut number = 0.0;
        // SAFETY: the value is of the call under way.
        match unsafe { sys::napi_get_value_double(self.env, self.value, &raw mut number) } {
            sys::Status::napi_number_expected => return self.refused("a number"),
            status => checked(status, "read a number")?,
        }
        if number < 0.0 {
            return Err(Failure::argument(format!("{} must not be negative", self.what)));
        }
        if number.fract() != 0.0 || number.is_nan() || number >= PAST_THE_LAST {
            return self.refused("an integer below 2^53");
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was looked at just now")]
        Ok(number as u64)
    }

    /// The bytes of a Uint8Array (a Buffer is one). JavaScript cannot change them before the call returns.
    pub(crate) fn bytes(&self) -> Answer<&'c [u8]> {
        let mut is_typed = false;
        // SAFETY: the value is of the call under way.
        let status = unsafe { sys::napi_is_typedarray(self.env, self.value, &raw mut is_typed) };
        checked(status, "look at bytes")?;
        if !is_typed {
            return self.refused("a Uint8Array");
        }
        let (mut kind, mut length, mut data) = (0, 0, null_mut());
        // SAFETY: the value is a typed array of the call under way.
        let status = unsafe {
            sys::napi_get_typedarray_info(
                self.env,
                self.value,
                &raw mut kind,
                &raw mut length,
                &raw mut data,
                null_mut(),
                null_mut(),
            )
        };
        checked(status, "read bytes")?;
        if kind != sys::TypedarrayType::uint8_array {
            return self.refused("a Uint8Array");
        }
        if length == 0 || data.is_null() {
            return Ok(&[]);
        }
        // SAFETY: Node's array has `length` bytes at `data` and cannot be detached or written while native code runs on its thread;
        // the result lives no longer than the call.
        Ok(unsafe { slice::from_raw_parts(data.cast::<u8>(), length) })
    }

    /// A value that a database takes: a number, a bigint of 64 bits, a string, bytes, or nothing. Numbers are doubles, as they are
    /// in JavaScript, and to the original's database library.
    pub(crate) fn scalar(&self) -> Answer<SqlValue> {
        match self.kind()? {
            sys::ValueType::napi_undefined | sys::ValueType::napi_null => Ok(SqlValue::Null),
            sys::ValueType::napi_number => {
                let mut number = 0.0;
                // SAFETY: the value is a number of the call under way.
                let status = unsafe { sys::napi_get_value_double(self.env, self.value, &raw mut number) };
                checked(status, "read a number").map(|()| SqlValue::Real(number))
            }
            sys::ValueType::napi_bigint => {
                let (mut number, mut is_whole) = (0, false);
                // SAFETY: the value is a bigint of the call under way.
                let status = unsafe {
                    sys::napi_get_value_bigint_int64(self.env, self.value, &raw mut number, &raw mut is_whole)
                };
                checked(status, "read a bigint")?;
                if is_whole { Ok(SqlValue::Integer(number)) } else { self.refused("a bigint of 64 bits") }
            }
            sys::ValueType::napi_string => self.string().map(SqlValue::Text),
            _ => self.bytes().map(|bytes| SqlValue::Blob(bytes.to_vec())),
        }
    }

    /// A property of an object; undefined if it has none of that name.
    pub(crate) fn property(&self, name: &'static std::ffi::CStr) -> Answer<Argument<'c>> {
        let mut value = null_mut();
        // SAFETY: the value is of the call under way and the name ends with NUL.
        let status = unsafe { sys::napi_get_named_property(self.env, self.value, name.as_ptr(), &raw mut value) };
        checked(status, "read a property")?;
        Ok(Argument { env: self.env, value, what: name.to_str().unwrap_or("property") })
    }

    /// The elements of an array.
    pub(crate) fn elements(&self) -> Answer<impl ExactSizeIterator<Item = Answer<Argument<'c>>> + use<'c>> {
        let mut length = 0;
        // SAFETY: the value is of the call under way.
        match unsafe { sys::napi_get_array_length(self.env, self.value, &raw mut length) } {
            sys::Status::napi_array_expected => return self.refused("an array"),
            status => checked(status, "measure an array")?,
        }
        let Self { env, value: array, what } = *self;
        Ok((0..length).map(move |index| {
            let mut value = null_mut();
            // SAFETY: the array is of the call under way.
            checked(unsafe { sys::napi_get_element(env, array, index, &raw mut value) }, "read an array")?;
            Ok(Argument { env, value, what })
        }))
    }

    /// The same value with another name.
    pub(crate) fn named(self, what: &'c str) -> Self {
        Self { what, ..self }
    }
}
