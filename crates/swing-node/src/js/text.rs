//! Strings as V8 gives them: in UTF-16 units, which it copies faster than it makes UTF-8 of them.

/// Memory for longer strings is not kept for the next one.
const KEPT: usize = 1 << 20;

/// A buffer for the strings of calls.
#[derive(Default)]
pub(crate) struct TextBuffer {
    /// As Node wrote it.
    units: Vec<u16>,
    text: String,
}

impl TextBuffer {
    /// Room for at least so many units and the NUL that Node writes after them.
    pub(super) fn room(&mut self, units: usize) -> &mut [u16] {
        if self.units.len() <= units {
            self.units.resize(units + 1, 0);
        }
        &mut self.units
    }

    /// The first `length` units as text; halves of surrogate pairs become U+FFFD.
    pub(super) fn decode(&mut self, length: usize) -> &str {
        let units = &self.units[..length];
        self.text.clear();
        if units.iter().fold(0, |all, unit| all | unit) < 0x80 {
            let mut bytes = std::mem::take(&mut self.text).into_bytes();
            #[expect(clippy::cast_possible_truncation, reason = "all of them are ASCII")]
            bytes.extend(units.iter().map(|unit| *unit as u8));
            // SAFETY: bytes below 0x80 are ASCII, and there are no others.
            self.text = unsafe { String::from_utf8_unchecked(bytes) };
        } else {
            let characters = char::decode_utf16(units.iter().copied());
            self.text.extend(characters.map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER)));
        }
        if length > KEPT {
            self.units = Vec::new();
        }
        &self.text
    }

    /// The text that was decoded last.
    pub(super) fn into_text(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(buffer: &mut TextBuffer, units: &[u16]) -> String {
        buffer.room(units.len())[..units.len()].copy_from_slice(units);
        buffer.decode(units.len()).to_owned()
    }

    #[test]
    fn any_text_comes_out_as_it_was_also_after_a_longer_one() {
        let mut buffer = TextBuffer::default();
        for text in ["", "key", "a\0b", "äöü", "漢字🂡", &"x".repeat(1000), "short", "\u{7f}\u{80}\u{ffff}\u{10ffff}"]
        {
            assert_eq!(decoded(&mut buffer, &text.encode_utf16().collect::<Vec<_>>()), text);
        }
        assert_eq!(buffer.into_text(), "\u{7f}\u{80}\u{ffff}\u{10ffff}");
    }

    #[test]
    fn a_half_of_a_character_is_replaced_and_its_neighbours_stay() {
        let mut buffer = TextBuffer::default();
        let halves = [0xd800, 0x61, 0xdc00, 0xdc00, 0xd83c, 0xdca1, 0xd800];
        assert_eq!(decoded(&mut buffer, &halves), "\u{fffd}a\u{fffd}\u{fffd}🂡\u{fffd}");
    }
}
