//! Everything that the fuzzer found worth keeping, without the fuzzer.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "shown when a test fails: which input it was")]

use std::path::Path;

use fs_err as fs;
use swing_fuzz::{TARGETS, seeds};

fn fixtures() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

fn replay(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let mut inputs: Vec<_> =
        fs::read_dir(fixtures().join("fuzz").join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    assert!(inputs.len() > 10, "{name} has no corpus");
    for input in inputs {
        println!("{}", input.display());
        (target.run)(&fs::read(input).unwrap());
    }
}

/// Nothing holds of an input that is too short to be one, and everything of the fixtures.
fn seeds_hold(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    for length in 0..6 {
        (target.run)(&vec![0; length]);
        (target.run)(&vec![255; length]);
    }
    for (at, seed) in seeds::of(name, &fixtures()).unwrap().iter().enumerate().step_by(3) {
        println!("seed {at}");
        (target.run)(seed);
    }
}

macro_rules! replayed {
    ($($name:ident)+) => {
        $(
            mod $name {
                #[test]
                fn holds_of_its_corpus() {
                    super::replay(stringify!($name));
                }

                #[test]
                fn holds_of_the_fixtures() {
                    super::seeds_hold(stringify!($name));
                }
            }
        )+

        #[test]
        fn every_target_has_its_tests() {
            let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(names, [$(stringify!($name)),+]);
        }
    };
}

replayed! {
    artifact_name export_record manifest bundle_b0 bundle_b1 transcript_lines snapshot_stream archive_reader import_whole
    corrupt_database api_sequence
}
