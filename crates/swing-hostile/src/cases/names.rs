//! Artifacts under other names than their own.

use super::list::{BUNDLES, dataset};
use crate::case::{Bytes, Case, Edit};

const SPAN: &str = "transcript.v1.0.7";
const SNAPSHOT: &str = "snapshot.v1.20";
const BUNDLE: &str = "bundle.b0-3583ec9352d473e022e415e3d2be9fca50ab28526ff8b603479c0239921ea80b";

const WHY: &str = "a name is what its parts are written as, and nothing else: an alias could be offered twice";

pub(super) fn cases() -> Vec<Case> {
    let spans = [
        "transcript.v1..7",
        "transcript.v1.0x0.7",
        " transcript.v1.0.7",
        "transcript.v1.0.7 ",
        "transcript.v1. 0 .7",
        "transcript.v1.00.7",
        "transcript.v1.-0.7",
        "transcript.v1.+0.7",
        "transcript.v1.0e0.7",
        "transcript.v1.0e5.7",
        "transcript.v1.0.07",
        "transcript.v1.0.7.0",
        "transcript.v1.0.7.",
        "transcript.v1.0",
        "transcript.v1",
        "transcript.",
        "transcript",
        "transcript.v1.0.8",
        "transcript.v1.0.6",
        "transcript.v1.1.7",
        "transcript.v1.7.0",
        "transcript.V1.0.7",
        "transcript.v11.0.7",
        "transcript..0.7",
        "transcript./../../evil.0.7",
        "transcript.v1/.0.7",
        "transcript.v1\\.0.7",
        "transcript.v1.0.9007199254740991",
        "transcript.v1.0.9007199254740992",
        "transcript.v1.0.9007199254740993",
        "transcript.v1.0.18446744073709551615",
        "transcript.v1.0.99999999999999999999",
        "transcript.v1.0.1e300",
        "transcript.v1.0.7e0",
        "transcript.v1.NaN.7",
        "transcript.v1.0.Infinity",
        "transcript.v1.0.\u{ff17}",
        "transcript.v1\0.0.7",
        "transcript.v1\n.0.7",
        "Transcript.v1.0.7",
        "transcript.v1.0.7\n",
        "transcript.v1.0.0b111",
        "transcript.v1.0.0o7",
        "transcript.v1.0_0.7",
        "transcript.%76%31.0.7",
        "transcript-v1-0-7",
        "snapshot.v1.0.7",
        "unknown.v1.0.7",
        "kv.vat.names",
        "",
        ".",
        "..",
        "transcript.v1.current",
    ];
    let snapshots = [
        "snapshot.v1.020",
        "snapshot.v1.0x14",
        "snapshot.v1. 20",
        "snapshot.v1.20.0",
        "snapshot.v1.2e1",
        "snapshot.v1.20.5",
        "snapshot.v1.-20",
        "snapshot.v1.",
        "snapshot.v1",
        "snapshot.v1.current",
        "snapshot.v2.20",
        "snapshot.v1.21",
        "snapshot.v1.20\u{feff}",
        "snapshot..20",
        "snapshot.v1.9007199254740993",
    ];
    let bundles = [
        "bundle.B0-3583ec9352d473e022e415e3d2be9fca50ab28526ff8b603479c0239921ea80b",
        "bundle.b0-3583EC9352D473E022E415E3D2BE9FCA50AB28526FF8B603479C0239921EA80B",
        "bundle.b1-3583ec9352d473e022e415e3d2be9fca50ab28526ff8b603479c0239921ea80b",
        "bundle.b2-3583ec9352d473e022e415e3d2be9fca50ab28526ff8b603479c0239921ea80b",
        "bundle.3583ec9352d473e022e415e3d2be9fca50ab28526ff8b603479c0239921ea80b",
        "bundle.b0-3583ec9352d473e022e415e3d2be9fca50ab28526ff8b603479c0239921ea80",
        "bundle.b0-",
        "bundle.",
        "bundle.b0-x.y",
    ];
    let renamed = |about: &'static str, from: &'static str, to: &str| {
        dataset(about, format!("name {to:?}"), WHY, vec![Edit::Rename(from.to_owned(), to.to_owned())])
    };
    let mut cases: Vec<_> = spans.iter().map(|to| renamed("I8", SPAN, to)).collect();
    cases.extend(snapshots.iter().map(|to| renamed("I8", SNAPSHOT, to)));
    cases.extend(bundles.iter().map(|to| Case { base: BUNDLES.to_owned(), ..renamed("I8", BUNDLE, to) }));
    let (beginning, end) = ("transcript.".to_owned(), ".0.7".to_owned());
    let long = Edit::LongName(SPAN.to_owned(), beginning, Bytes::Times("v".to_owned(), 65_536), end);
    cases.push(dataset("I8", "a name of 64 KiB", WHY, vec![long]));
    for (about, name, to) in [
        ("I8", "an artifact under its name and under an alias", "transcript.v1.0.0x7"),
        ("I8", "an artifact twice under its name", SPAN),
        ("I8", "an artifact of no record", "transcript.v9.0.7"),
    ] {
        cases.push(dataset(
            about,
            name,
            "each artifact is offered once, under its name",
            vec![Edit::Copy(SPAN.to_owned(), to.to_owned())],
        ));
    }
    cases
}
