//! Bundles: texts that hash to their ID in more than one way, and archives of which only a part is bound.

use super::list::{BUNDLES, dataset, hex, text};
use crate::case::{Bytes, Case, Edit};

const B0: &str = "bundle.b0-3583ec9352d473e022e415e3d2be9fca50ab28526ff8b603479c0239921ea80b";
const NO_MAP: &str = "bundle.b0-3d5f4163a576d74dc5a10a5d12eab39398c90c286d4988bbc2dfcb27c93a466d";
const B1: &str = "bundle.b1-8f23fc2b8e5dc87d6faa8b9e1f1475204522e84caeba2992862cd423dd5723f69be6ffd48eff6274a62e03cf32bf8fa3387bef511b0309de18a60e1f1227daf9";

/// All artifacts of the fixture together.
const HONEST: u64 = 3521;

fn edit(about: &str, name: impl Into<String>, why: &str, edits: Vec<Edit>) -> Case {
    Case { base: BUNDLES.to_owned(), mode: "operational".to_owned(), ..dataset(about, name, why, edits) }
}

pub(super) fn cases() -> Vec<Case> {
    let canonical = "a bundle's text is what its ID is the hash of, and not what it can be read as";
    let mut cases = Vec::new();
    let b0 = || B0.to_owned();
    for (name, bytes) in [
        ("a space after a bundle", text(" ")),
        ("a line feed after a bundle", text("\n")),
        ("a byte order mark after a bundle", hex("efbbbf")),
        ("a second text after a bundle", text("{}")),
        ("a NUL after a bundle", hex("00")),
    ] {
        cases.push(edit("I9", name, canonical, vec![Edit::Append(b0(), bytes)]));
    }
    for (name, bytes) in [
        ("a space before a bundle", text(" ")),
        ("a byte order mark before a bundle", hex("efbbbf")),
        ("a line feed before a bundle", text("\n")),
    ] {
        cases.push(edit("I9", name, canonical, vec![Edit::Prepend(b0(), bytes)]));
    }
    for (name, from, to) in [
        ("an extra member", "{\"moduleFormat\"", "{\"extra\":1,\"moduleFormat\""),
        ("a member twice", "{\"moduleFormat\"", "{\"moduleFormat\":\"x\",\"moduleFormat\""),
        ("__proto__ as a member", "{\"moduleFormat\"", "{\"__proto__\":{\"a\":1},\"moduleFormat\""),
        ("white space between members", "\":\"", "\" : \""),
        ("an escape where none is needed", "moduleFormat", "module\\u0046ormat"),
        ("another module format", "nestedEvaluate", "getExport"),
        ("an unknown module format", "nestedEvaluate", "whatever"),
        ("a module format in another letter case", "nestedEvaluate", "NestedEvaluate"),
        ("a source that is a number", "\"source\":\"", "\"source\":1,\"x\":\""),
        ("a lone surrogate", "nestedEvaluate", "\\ud800nestedEvaluate"),
    ] {
        cases.push(edit("I9", name, canonical, vec![Edit::Replace(b0(), text(from), text(to))]));
    }
    for (name, whole) in [
        ("an empty bundle", text("")),
        ("a bundle that is null", text("null")),
        ("a bundle that is a list", text("[]")),
        ("a bundle that is a number", text("1")),
        ("a bundle that is no JSON", text("{")),
        ("a bundle without members", text("{}")),
        ("a bundle without a source", text("{\"moduleFormat\":\"nestedEvaluate\"}")),
        ("a bundle that is not UTF-8", hex("7b22ff227d")),
        ("a bundle nested deeply", Bytes::Times("[".to_owned(), 100_000)),
        ("a bundle of objects nested deeply", Bytes::Times("{\"a\":".to_owned(), 100_000)),
        ("a zip in place of a text", hex("504b0506000000000000000000000000000000000000")),
    ] {
        cases.push(edit("I9", name, canonical, vec![Edit::Artifact(b0(), whole)]));
    }
    cases.push(edit(
        "I9",
        "a null source map where there is none",
        canonical,
        vec![Edit::Replace(NO_MAP.to_owned(), text("\"}"), text("\",\"sourceMap\":null}"))],
    ));
    for (name, of) in [("b0", B0), ("b1", B1)] {
        let endless = edit(
            "I4",
            format!("a {name} bundle without end"),
            "a bundle has a limit",
            vec![Edit::Artifact(of.to_owned(), Bytes::Times(" ".to_owned(), 1 << 40))],
        );
        cases.push(Case { provable_at: Some(HONEST + (1 << 20) + 1), ..endless });
        let spaces = edit(
            "I9",
            format!("a {name} bundle and 64 MiB of spaces"),
            canonical,
            vec![Edit::Append(of.to_owned(), Bytes::Times(" ".to_owned(), 64 << 20))],
        );
        cases.push(Case { provable_at: Some(HONEST + (1 << 20) + 1), ..spaces });
        let unknown = format!("bundle.{name}-{}", "0".repeat(if name == "b0" { 64 } else { 128 }));
        let unwanted = vec![Edit::Artifact(unknown, Bytes::Times("x".to_owned(), 1 << 40))];
        cases.push(Case {
            provable_at: Some(HONEST),
            ..edit("I4", format!("a {name} bundle of no record"), "what no record vouches for is not read", unwanted)
        });
        cases.push(edit(
            "I2",
            format!("a source that fails in a {name} bundle"),
            "an error of the source is the import's",
            vec![Edit::Fails(of.to_owned(), 7)],
        ));
    }
    cases.extend(zips());
    cases
}

fn zips() -> Vec<Case> {
    let bound = "every module's hash is in the compartment map, whose hash is the ID";
    let mut cases = Vec::new();
    let b1 = || B1.to_owned();
    for (name, edits) in [
        ("junk before a zip", vec![Edit::Prepend(b1(), text("junk"))]),
        ("junk after a zip", vec![Edit::Append(b1(), text("junk"))]),
        ("a zip cut short", vec![Edit::Cut(b1(), 1)]),
        ("a zip without its directory", vec![Edit::Cut(b1(), 200)]),
        ("an empty zip", vec![Edit::Artifact(b1(), hex("504b0506000000000000000000000000000000000000"))]),
        ("no zip at all", vec![Edit::Artifact(b1(), text("not a zip"))]),
        ("a text in place of a zip", vec![Edit::Artifact(b1(), text("{\"moduleFormat\":\"endoZipBase64\"}"))]),
        ("another time of a file in a zip", vec![Edit::Flip(b1(), 85)]),
        ("another date of a file in a zip", vec![Edit::Flip(b1(), 100)]),
        (
            "a file of a zip renamed",
            vec![Edit::Replace(b1(), text("compartment-map.json"), text("compartment-mop.json"))],
        ),
        ("a zip without signatures", vec![Edit::Replace(b1(), hex("504b0102"), hex("504b0103"))]),
    ] {
        cases.push(edit("I10", name, bound, edits));
    }
    for at in 0..36_u64 {
        // Spread over headers, names, content and directory.
        let bit = at * 613 + (at % 8);
        cases.push(edit("I10", format!("bit {bit} of a zip"), bound, vec![Edit::Flip(b1(), bit)]));
    }
    cases
}
