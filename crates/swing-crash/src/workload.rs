//! What the stores under test are made to do: blocks as a kernel would make them, drawn from a seed.
//!
//! A block is a list of calls. It depends on the seed and the blocks before it, and on nothing that a store answers,
//! so that another process, or the model, makes the same one. The plan knows just enough of what it has asked for
//! (which vats there are and how far they have come) that its calls succeed.

use std::collections::BTreeMap;

use swing_core::roles::Bundle;
use swing_core::testing::suite::{End, KvOp, Op};
use swing_core::{Budget, BundleId, Digest, Position, VatId};

use crate::rng::Rng;

/// How large things are. Small ones make small files, which are quickly copied, read and compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) keys: u64,
    pub(crate) value: u64,
    pub(crate) item: u64,
    pub(crate) snapshot: u64,
    pub(crate) bundle: u64,
    pub(crate) cranks: u64,
}

impl Size {
    /// A handful of pages.
    pub(crate) const SMALL: Self = Self { keys: 24, value: 160, item: 80, snapshot: 1500, bundle: 900, cranks: 2 };
    /// Some hundred pages, with values and blobs over many of them.
    pub(crate) const LARGE: Self =
        Self { keys: 120, value: 3000, item: 1200, snapshot: 60_000, bundle: 30_000, cranks: 5 };
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Alive,
    /// Stopped; what it left behind is deleted a little per block.
    Ending,
}

#[derive(Debug, Clone)]
struct Vat {
    life: Life,
    end: u64,
    in_span: u64,
}

#[derive(Debug, Clone)]
struct World {
    vats: BTreeMap<u64, Vat>,
    next_vat: u64,
    bundles: Vec<BundleId>,
    next_bundle: u64,
}

/// The blocks of a seed, one after the other.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    seed: u64,
    size: Size,
    height: u64,
    world: World,
}

impl Plan {
    pub(crate) fn new(seed: u64, size: Size) -> Self {
        let world = World { vats: BTreeMap::new(), next_vat: 1, bundles: Vec::new(), next_bundle: 0 };
        Self { seed, size, height: 0, world }
    }

    /// The next block: its height and its calls, the commit not among them.
    pub(crate) fn next_block(&mut self) -> (u64, Vec<Op>) {
        self.height += 1;
        let mut block = Block {
            rng: Rng::derived(self.seed, self.height),
            size: self.size,
            world: self.world.clone(),
            ops: Vec::new(),
        };
        for _ in 0..=block.rng.below(self.size.cranks) {
            block.crank();
        }
        block.host_keys(self.height);
        self.world = block.world;
        (self.height, block.ops)
    }
}

struct Block {
    rng: Rng,
    size: Size,
    world: World,
    ops: Vec<Op>,
}

fn vat_id(number: u64) -> VatId {
    VatId::parse(&format!("v{number}")).expect("a letter and a number")
}

fn position(at: u64) -> Position {
    Position::new(at).expect("no plan comes that far")
}

impl Block {
    fn kernel(&mut self, op: KvOp) {
        self.ops.push(Op::Kv(End::Kernel, op));
    }

    /// Letters that do not compress to nothing.
    fn text(&mut self, most: u64) -> String {
        let length = self.rng.below(most + 1);
        (0..length.div_ceil(8)).map(|_| format!("{:08x}", self.rng.next() >> 32)).collect()
    }

    fn crank(&mut self) {
        let before = self.world.clone();
        self.ops.push(Op::StartCrank);
        self.ops.push(Op::EstablishCrankSavepoint("deliver".to_owned()));
        for _ in 0..=self.rng.below(3) {
            self.step();
        }
        if self.rng.chance(15) {
            self.ops.push(Op::RollbackCrank("deliver".to_owned()));
            self.world = before;
            let text = self.text(20);
            self.kernel(KvOp::Set("meter".to_owned(), text));
        }
        self.ops.push(Op::EmitCrankHashes);
        self.ops.push(Op::EndCrank);
    }

    fn step(&mut self) {
        match self.rng.below(100) {
            0..45 => self.write_keys(),
            45..70 => self.deliver(),
            70..82 => self.roll_over(),
            82..87 => self.new_vat(),
            87..93 => self.end_vat(),
            93..97 => self.bundle(),
            _ => self.ops.push(Op::PruneUnusedSnapshots),
        }
    }

    fn write_keys(&mut self) {
        for _ in 0..=self.rng.below(6) {
            let number = self.rng.below(self.size.keys);
            let section = if self.rng.chance(20) { "local." } else { "c." };
            let key = format!("{section}{number:04}");
            if self.rng.chance(20) {
                self.kernel(KvOp::Delete(key));
            } else {
                let value = self.text(self.size.value);
                self.kernel(KvOp::Set(key, value));
            }
        }
    }

    fn alive(&mut self) -> Option<u64> {
        let alive: Vec<_> =
            self.world.vats.iter().filter(|(_, vat)| vat.life == Life::Alive).map(|(number, _)| *number).collect();
        (!alive.is_empty()).then(|| alive[self.rng.index(alive.len())])
    }

    fn item(&mut self, number: u64, text: String) {
        self.ops.push(Op::AddItem(vat_id(number), text));
        let vat = self.world.vats.get_mut(&number).expect("the caller has found it");
        vat.end += 1;
        vat.in_span += 1;
    }

    fn deliver(&mut self) {
        let Some(number) = self.alive() else { return self.new_vat() };
        for _ in 0..=self.rng.below(3) {
            let text = self.text(self.size.item);
            self.item(number, format!("{{\"d\":[\"message\",\"{text}\"]}}"));
        }
    }

    fn roll_over(&mut self) {
        let Some(number) = self.alive() else { return self.new_vat() };
        if self.rng.chance(20) {
            self.item(number, "{\"d\":[\"shutdown-worker\"]}".to_owned());
            self.ops.push(Op::StopUsingLastSnapshot(vat_id(number)));
            self.ops.push(Op::RolloverIncarnation(vat_id(number)));
        } else {
            let at = self.world.vats[&number].end;
            let mut bytes = self.text(self.size.snapshot).into_bytes();
            bytes.extend_from_slice(&at.to_le_bytes());
            self.ops.push(Op::SaveSnapshot(vat_id(number), position(at), bytes));
            self.item(number, "{\"d\":[\"save-snapshot\"]}".to_owned());
            self.ops.push(Op::RolloverSpan(vat_id(number)));
        }
        self.world.vats.get_mut(&number).expect("it is alive").in_span = 0;
        self.item(number, "{\"d\":[\"load-snapshot\"]}".to_owned());
    }

    fn new_vat(&mut self) {
        if self.world.vats.len() >= 5 {
            return self.write_keys();
        }
        let number = self.world.next_vat;
        self.world.next_vat += 1;
        self.world.vats.insert(number, Vat { life: Life::Alive, end: 0, in_span: 0 });
        self.ops.push(Op::InitTranscript(vat_id(number)));
        self.item(number, "{\"d\":[\"initialize-worker\",{}]}".to_owned());
    }

    /// Stops a vat, or deletes a little of one that was stopped.
    fn end_vat(&mut self) {
        let ending = self.world.vats.iter().find(|(_, vat)| vat.life == Life::Ending).map(|(number, _)| *number);
        if let Some(number) = ending {
            // Whether anything is left the plan does not know, so it deletes a little and then all.
            let budget = Budget::at_most(1 + self.rng.below(2)).expect("it is positive");
            self.ops.push(Op::DeleteVatSnapshots(vat_id(number), budget));
            self.ops.push(Op::DeleteVatTranscripts(vat_id(number), budget));
            if self.rng.chance(50) {
                self.ops.push(Op::DeleteVatSnapshots(vat_id(number), Budget::Unlimited));
                self.ops.push(Op::DeleteVatTranscripts(vat_id(number), Budget::Unlimited));
                self.world.vats.remove(&number);
            }
        } else if let Some(number) = self.alive() {
            self.ops.push(Op::StopUsingLastSnapshot(vat_id(number)));
            self.ops.push(Op::StopUsingTranscript(vat_id(number)));
            self.world.vats.get_mut(&number).expect("it is alive").life = Life::Ending;
        }
    }

    fn bundle(&mut self) {
        if self.world.bundles.len() >= 3 {
            let id = self.world.bundles.remove(0);
            return self.ops.push(Op::DeleteBundle(id));
        }
        let number = self.world.next_bundle;
        self.world.next_bundle += 1;
        let source = self.text(self.size.bundle);
        let text = format!(r#"{{"moduleFormat":"nestedEvaluate","source":"{number} {source}","sourceMap":"//m"}}"#);
        let id = format!("b0-{}", Digest::of(text.as_bytes()));
        let id = BundleId::parse(&id).expect("a hash in hex");
        self.world.bundles.push(id.clone());
        self.ops.push(Op::AddBundle(id, Bundle::NestedEvaluate(text)));
    }

    fn host_keys(&mut self, height: u64) {
        let set = |key: &str, value: String| Op::Kv(End::Host, KvOp::Set(key.to_owned(), value));
        self.ops.push(set("host.height", height.to_string()));
        let note = self.text(30);
        self.ops.push(set("host.note", note));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_blocks() {
        let blocks = |seed| {
            let mut plan = Plan::new(seed, Size::SMALL);
            (0..50).map(|_| plan.next_block()).collect::<Vec<_>>()
        };
        assert_eq!(blocks(1), blocks(1));
        assert_ne!(blocks(1), blocks(2));
    }
}
