//! What the fuzzer has found, each with the input that showed it. The crate concerned has a test of its own as well.

use swing_fuzz::transcript_lines;

/// Records of spans that begin at 2^31 or later were read with a variable of 32 bits, and an export of them failed.
#[test]
fn a_span_at_the_last_position_is_exported_as_it_was_imported() {
    transcript_lines(b"\n\n\x03\x08");
    transcript_lines(b"\x08\0\0\0an item\n");
}
