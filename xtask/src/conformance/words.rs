//! Keys, values, names and items: few, so that calls meet, and among them those that are easily got wrong.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::select;

use super::call::Blob;

/// 762 bytes were in use on a chain once.
fn long(bytes: usize) -> String {
    "long.".chars().chain(std::iter::repeat('k')).take(bytes).collect()
}

static KERNEL_KEYS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let keys = [
        "",
        "\0",
        "__proto__",
        "activityhash",
        "b",
        "b.",
        "b.1",
        "b.10",
        "b.2",
        "b.e\u{301}",
        "b.\u{e9}",
        // By UTF-16 units these two would be the other way round.
        "b.\u{ff5e}",
        "b.\u{1f600}",
        "b/",
        "hos",
        "host",
        "host-",
        "host.",
        "host.height",
        "host.\u{10ffff}",
        "host/",
        "host/1",
        "hosu",
        "local",
        "local.",
        "local.a",
        "local.\u{1f600}",
        "local/",
        "two\nlines",
        "\u{10ffff}",
    ];
    keys.into_iter().map(str::to_owned).chain([long(762), long(763), long(1000)]).collect()
});

pub(crate) fn kernel_key() -> impl Strategy<Value = String> {
    let common = select(vec!["b.1", "b.2", "b.10", "k", "local.a", "b.\u{1f600}"]).prop_map(str::to_owned);
    prop_oneof![2 => common, 1 => family_key(), 3 => select(KERNEL_KEYS.as_slice())]
}

/// How many keys there are in the family that is walked through.
pub(crate) const FAMILY: usize = 12;

/// Its keys, in order; the first is the prefix.
pub(crate) fn family(at: usize) -> String {
    if at == 0 { "w.".to_owned() } else { format!("w.{at:02}") }
}

pub(crate) fn family_key() -> impl Strategy<Value = String> {
    (0..=FAMILY).prop_map(family)
}

/// `host.height` is left to the end of blocks.
pub(crate) fn host_key() -> impl Strategy<Value = String> {
    let keys = vec!["host.", "host.a", "host.b", "host.\u{1f600}", "host", "b.1", "local.a", "host/", ""];
    select(keys).prop_map(str::to_owned)
}

pub(crate) fn value() -> impl Strategy<Value = String> {
    let odd = vec!["", "x", "two\nlines", "\u{e9}\u{1f600}\u{2028}", "\0", "<&>\"\\", "1", "null", " trailing "];
    prop_oneof![
        6 => select(odd).prop_map(str::to_owned),
        2 => (0..1000u32).prop_map(|number| number.to_string()),
        // Around the lengths at which ours takes another way.
        1 => select(vec![480usize, 500, 512, 600, 5000]).prop_map(|length| "v".repeat(length)),
    ]
}

/// Vats that calls are about: one or two, so that they meet.
pub(crate) fn vat() -> impl Strategy<Value = String> {
    let vats = vec![(10, "v1"), (4, "v2"), (1, "v3"), (1, "v10"), (1, "v \u{fc}\u{1f600}")];
    let vats: Vec<_> = vats.into_iter().flat_map(|(weight, vat)| vec![vat; weight]).collect();
    select(vats).prop_map(str::to_owned)
}

pub(crate) fn item() -> impl Strategy<Value = String> {
    let odd = vec!["", "{\"d\":[\"startVat\"]}", "\u{e9}\u{1f600}\u{2028}x", "\0", "\u{feff}bom", "\"\\\r|"];
    prop_oneof![
        20 => select(odd).prop_map(str::to_owned),
        20 => (0..1000u32).prop_map(|number| format!("{{\"d\":[\"deliver\",{number}]}}")),
        4 => select(vec![1000usize, 70_000]).prop_map(|length| "i".repeat(length)),
        1 => select(vec!["two\nlines", "\n"]).prop_map(str::to_owned),
        1 => select(vec!["trailing ", "carriage return\r", "\u{feff}", "\u{3000}"]).prop_map(str::to_owned),
    ]
}

/// Where a span might begin, or a snapshot be.
pub(crate) fn position() -> impl Strategy<Value = u64> {
    prop_oneof![
        20 => 0..12u64,
        1 => select(vec![255u64, 1 << 31, (1 << 32) + 5, (1 << 53) - 1]),
    ]
}

pub(crate) fn budget() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![
        3 => Just(None),
        6 => (1..4u64).prop_map(Some),
        1 => select(vec![0, 100, 1 << 40]).prop_map(Some),
    ]
}

pub(crate) fn blob() -> impl Strategy<Value = Blob> {
    let size = prop_oneof![8 => 0..300usize, 1 => select(vec![65_535usize, 65_536, 65_537, 200_000])];
    (size, 0..4u8).prop_map(|(size, salt)| Blob { size, salt })
}

pub(crate) fn savepoint() -> impl Strategy<Value = String> {
    let names = vec!["a", "a", "a", "b", "b", "", "it's; \"t0\" \u{1f600}"];
    select(names).prop_map(str::to_owned)
}
