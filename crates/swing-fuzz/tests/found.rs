//! What the fuzzer has found, each with the input that showed it. The crate concerned has a test of its own as well.

use swing_fuzz::{corrupt_database, manifest, transcript_lines};

/// Records of spans that begin at 2^31 or later were read with a variable of 32 bits, and an export of them failed.
#[test]
fn a_span_at_the_last_position_is_exported_as_it_was_imported() {
    transcript_lines(b"\n\n\x03\x08");
    transcript_lines(b"\x08\0\0\0an item\n");
}

/// A b-tree that was damaged answered an earlier key after a later one, and whoever walked over the keys went round in circles.
#[test]
fn a_walk_over_the_keys_of_a_damaged_table_goes_forward_or_ends() {
    let input = b";fffffffffffff5fff$ffffffffffffffffffffffffffffffffff\xfffffffffffffffffff\xbe\x020";
    corrupt_database(input);
}

/// `data` that is empty stands for none, and was a sign of JavaScript all the same, by its place.
#[test]
fn an_empty_name_of_the_data_tells_no_dialect() {
    manifest(br#"{"artifacts": [["a", "a"]], "data": ""}"#);
}

/// Of an index without entries SQLite's check does not look at the page, so the store verified; a kernel could not write to it.
#[test]
fn an_empty_index_whose_page_is_of_another_kind_is_damage() {
    corrupt_database(b"\x1e&\0\xeaow&\xeaow\x92\x0a\x92&\0\xeaow&\xeaow\x92\x0a\x92.}\0\x0a.}\0\x0a");
}
