//! Where the two are meant to differ, each with its reason. `docs/compatibility.md` says the same to users.
//!
//! Some differences cannot be met by any call here, since the calls are made so that they are not: vat IDs that are no
//! names, vats called like members of every JavaScript object (the reference's dump breaks on them), budgets that are
//! no whole numbers, bundles of the newer kind whose content is not what their ID says (we refuse to export them),
//! loading a snapshot in part, and rows in `pendingExports` from before (`duel.rs` has them handed over first).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use swing_core::ArtifactMode;

use super::answer::{Answer, Batch};
use super::call::{Call, End};

struct Refusal {
    concerns: fn(&Call) -> bool,
    we_say: &'static str,
    #[expect(dead_code, reason = "for who reads this")]
    why: &'static str,
}

/// Calls that we refuse and the reference takes. It is not asked then, so that both go on from the same state.
const REFUSED_BY_US_ALONE: &[Refusal] = &[
    Refusal {
        concerns: |call| matches!(call, Call::Commit),
        we_say: "inside a crank",
        why: "it commits half a crank, and COMMIT takes the savepoints away that endCrank then fails to release",
    },
    Refusal {
        concerns: |call| {
            matches!(call, Call::Get(End::Kernel, _) | Call::Has(End::Kernel, _) | Call::NextKey(End::Kernel, _))
        },
        we_say: "cannot use host keys",
        why: "its documents say that the kernel cannot reach them; its code keeps only writes from them",
    },
    Refusal {
        concerns: |call| matches!(call, Call::RolloverSpan(_) | Call::RolloverIncarnation(_)),
        we_say: "is empty and cannot be rolled over",
        why: "it throws half-way and leaves the vat without a current span",
    },
    Refusal {
        concerns: |call| matches!(call, Call::AddItem(..)),
        we_say: "contains a line feed",
        why: "the span could be exported and never imported",
    },
    Refusal {
        concerns: |call| matches!(call, Call::SaveBroken(..)),
        we_say: "could not be taken in",
        why: "the stream's error comes out of its event loop and ends the process",
    },
];

pub(crate) fn refused_by_us_alone(call: &Call, ours: &Answer) -> bool {
    let Err(message) = &ours.outcome else { return false };
    REFUSED_BY_US_ALONE.iter().any(|refusal| (refusal.concerns)(call) && message.contains(refusal.we_say))
}

/// The kernel's `getNextKey` steps over the host's keys here, and there it does not. The call that goes on from one.
pub(crate) fn step_over_host_key(call: &Call, theirs: &Answer) -> Option<Call> {
    match (call, &theirs.outcome) {
        (Call::NextKey(End::Kernel, _), Ok(Value::String(key))) if key.starts_with("host.") => {
            Some(Call::NextKey(End::Kernel, key.clone()))
        }
        _ => None,
    }
}

/// Changes of export data that the callback refused. Ours are handed over with the next ones; the reference lost them.
#[derive(Default)]
pub(crate) struct Owed(BTreeMap<String, Option<String>>);

impl Owed {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// They were abandoned with everything else that was not committed.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// What the reference's batches would be if it had lost nothing.
    pub(crate) fn expected(&mut self, ours: &Answer, theirs: Vec<Batch>) -> Vec<Batch> {
        if let Some(refused) = &ours.refused {
            self.0 = refused.iter().cloned().collect();
        } else if !self.is_empty() && !ours.exports.is_empty() {
            let mut all = std::mem::take(&mut self.0);
            all.extend(theirs.into_iter().flatten());
            return vec![all.into_iter().collect()];
        }
        theirs
    }
}

/// We refuse an import of nothing: it is far more likely a mistake than an empty store.
pub(crate) fn nothing_to_import(export: &Value) -> bool {
    export["data"].as_array().is_some_and(Vec::is_empty)
}

/// An artifact of a vat without a current span: in replay mode the reference throws, and we have no use for it.
pub(crate) fn terminated_in_replay(export: &Value, taken: ArtifactMode) -> bool {
    let strings =
        |name: &str| export[name].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>();
    let keys = export["data"].as_array().into_iter().flatten().filter_map(|record| record[0].as_str());
    let living: BTreeSet<_> =
        keys.filter_map(|key| key.strip_prefix("transcript.")?.strip_suffix(".current")).collect();
    let spans = strings("names").into_iter().filter_map(|name| name.strip_prefix("transcript.")?.split('.').next());
    taken == ArtifactMode::Replay && spans.into_iter().any(|vat| !living.contains(vat))
}

/// The reference trims the lines of what it imports, so an item that ends in white space has another hash then.
pub(crate) fn trimmed_on_import(rows: &Value) -> bool {
    rows.as_array()
        .into_iter()
        .flatten()
        .any(|row| row[0] == "transcriptItems" && row[3].as_str().is_some_and(|item| item.ends_with(is_white_space)))
}

/// White space as JavaScript has it.
fn is_white_space(c: char) -> bool {
    matches!(c, '\t' | '\u{b}' | '\u{c}' | '\r' | '\n' | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}')
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}' | '\u{feff}')
}
