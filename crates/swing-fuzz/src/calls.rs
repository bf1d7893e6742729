//! Sequences of calls, on a store and on the model.

mod decode;
mod on_disk;

use arbitrary::Unstructured;
use swing_core::testing::suite::{Op, calls_get_the_models_answers};

use self::decode::{calls, options};
use self::on_disk::OnDisk;

/// A sequence of calls gets the same answers from a store on disk and from the model of `swing_core::testing`: every answer and
/// every batch of the export callback, and at each commit and reopening all records. There are cranks that are rolled back or
/// left open, callbacks that fail, streams that fail, rollovers of both kinds, deletions within a budget, snapshots, bundles of
/// both kinds, blocks that are abandoned; on a store that keeps a block in memory and on one that writes all of it to the open
/// transaction after every crank.
///
/// Whenever the store was reopened, and at the end, it must verify without a finding, and what it exports, imported again, must
/// be exported as the same records and artifacts.
///
/// The input: choices.
pub fn api_sequence(data: &[u8]) {
    let mut choices = Unstructured::new(data);
    let Ok((options, spill)) = options(&mut choices) else { return };
    let mut ops = calls(&mut choices);
    // Whatever has come before, it ends with a commit: inside a crank it is refused, by both.
    ops.extend([Op::EndCrank, Op::Commit, Op::Reopen]);
    let compare = if spill {
        calls_get_the_models_answers::<OnDisk<0, 64>>
    } else {
        calls_get_the_models_answers::<OnDisk<0x200_0000, 0x1_0000>>
    };
    if let Err(difference) = compare(options, &ops) {
        panic!("{difference}\n{options:?}\n{ops:#?}");
    }
}
