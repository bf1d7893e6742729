// Fixtures about the lives of vats: how spans and snapshots come, go, and are kept or not.
import { delivery, heapOf, insist, item, openRig } from './fixture-rig.mjs';
import { sha256 } from './rows.mjs';

const keepAll = { keepTranscripts: true, keepSnapshots: true };
const keepNone = { keepTranscripts: false, keepSnapshots: false };

const workedExample = {
  name: 'worked-example',
  short: 'the example that the specification works through',
  about: `The example that the specification works through by hand: one crank, one vat, one snapshot, one bundle.
The store was opened with an export callback and otherwise default options, so the closed span kept its items.`,
  datasets: [
    ['js', 'operational'],
    ['js', 'archival'],
    ['go', 'operational'],
    ['go', 'archival'],
  ],
  async build({ reference, dir }) {
    const { kernel, host, transcriptStore, snapStore, batches, close } = openRig(reference, dir, {});
    kernel.startCrank();
    kernel.establishCrankSavepoint('start');
    kernel.kvStore.set('vat.names', '["alice"]');
    transcriptStore.initTranscript('v1');
    transcriptStore.addItem('v1', '{"d":["initialize-worker",{}]}');
    transcriptStore.addItem('v1', '{"d":["startVat"]}');
    const saved = await snapStore.saveSnapshot('v1', 2, [Buffer.from('snapshot-bytes')]);
    transcriptStore.addItem('v1', '{"d":["save-snapshot"]}');
    const before = transcriptStore.getCurrentSpanBounds('v1');
    await transcriptStore.rolloverSpan('v1');
    transcriptStore.addItem('v1', '{"d":["load-snapshot"]}');
    const after = transcriptStore.getCurrentSpanBounds('v1');
    const bundleID = 'b0-206e25f8fcb6f920cf1642e06ef7c956d85cd52331cf2afca02a809799ba301e';
    const bundle = { moduleFormat: 'nestedEvaluate', source: '1+1', sourceMap: '//m' };
    kernel.bundleStore.addBundle(bundleID, bundle);
    const { crankhash, activityhash } = kernel.emitCrankHashes();
    kernel.endCrank();
    host.kvStore.set('host.height', '17');
    await host.commit();
    await close();

    const promised = {
      crankhash: [crankhash, 'f232a9dc0f53713e007a3169f4237620ec33c47aaa11fd675fcfdd0ec33b1830'],
      activityhash: [activityhash, '794b989a714f87c3386b259979e4c92193dc209736985a3f7ac58f5a9d0c8d51'],
      'snapshot hash': [saved.hash, '7783d47a378f6c3ca8d1b29aa1b688ff6b14d26bd3bf8bae14785138db1eff0c'],
      'span 0..3': [before.hash, 'd561b4931977e3833c5a8567f95a1cf559505013963ed7a7020090bfdcb585c0'],
      'span 3..4': [after.hash, '61cf6be48f4787ed0e075c28a03ceb259e3b836bd7d7efb012eb0734a7dd4a12'],
    };
    for (const [what, [got, wanted]] of Object.entries(promised)) {
      insist(got === wanted, what, 'is', got, 'but should be', wanted);
    }
    insist(batches.length === 1, 'the callback should have been called once, not', batches.length);
    return {
      facts: Object.entries(promised).map(([what, [hash]]) => `${what}: \`${hash}\``),
      batches,
      extra: { callbackBatches: batches },
    };
  },
};

const pruned = {
  name: 'pruned',
  short: 'a validator that keeps no history, and vats from when it did',
  about: `What a validator that keeps no history has after a while. Heights 1 to 4 ran with \`keepTranscripts: true\`, all later
ones with \`keepTranscripts: false\`; \`keepSnapshots\` was false throughout. A rollover drops the items of the span it closes and
of no older one, so three kinds of vat are left: \`v1\`, \`v2\` and \`v3\` have only their current span's items, \`v7\` has its older
spans but misses one in the middle, and \`v8\` was never rolled over without keeping, so all of it is there.`,
  datasets: [
    ['js', 'operational'],
    ['js', 'debug'],
  ],
  async build({ reference, dir }) {
    const early = openRig(reference, dir, { keepTranscripts: true, keepSnapshots: false });
    for (const vat of ['v7', 'v8']) {
      await early.block(() => early.createVat(vat));
      await early.block(async () => {
        early.deliver(vat, 3);
        await early.snapshot(vat);
        early.deliver(vat, 2);
        if (vat === 'v8') await early.upgrade(vat);
      });
    }
    await early.close();

    const late = openRig(reference, dir, keepNone, { init: false, height: early.height() });
    for (const vat of ['v1', 'v2', 'v3']) {
      await late.block(() => late.createVat(vat));
      await late.block(async () => {
        late.deliver(vat, 5);
        await late.snapshot(vat);
        late.deliver(vat, 4);
        if (vat === 'v3') await late.upgrade(vat);
        await late.snapshot(vat);
        late.deliver(vat, 1);
      });
    }
    await late.block(async () => {
      await late.snapshot('v7');
      late.deliver('v7', 1);
    });
    await late.close();
    return {
      batches: [...early.batches, ...late.batches],
      facts: [
        'replay and archival exports are refused; operational works; debug gives whatever is complete',
        'no unused snapshot has a blob; its record is there, with the sizes it had',
      ],
    };
  },
};

const archival = {
  name: 'archival',
  short: 'nothing was ever dropped; incarnations, and names and positions that sort unlike each other',
  about: `Nothing was ever dropped: \`keepTranscripts\` and \`keepSnapshots\` are true. The vats are \`v1\`, \`v2\` and \`v10\`, which sort as
text (\`v1\`, \`v10\`, \`v2\`); \`v2\` has snapshots and spans at one, two and three digits, which sort as numbers. \`v1\` was
upgraded twice and is in incarnation 2, which has two spans; \`v10\` was upgraded right after a snapshot.`,
  datasets: [
    ['js', 'operational'],
    ['js', 'replay'],
    ['js', 'archival'],
    ['js', 'debug'],
    ['go', 'archival'],
  ],
  async build({ reference, dir }) {
    const rig = openRig(reference, dir, keepAll);
    const bundle = { moduleFormat: 'nestedEvaluate', source: '(() => "boot")', sourceMap: '' };
    await rig.block(({ kvStore, bundleStore }) => {
      kvStore.set('vat.names', '["bootstrap","bank","board"]');
      kvStore.set('local.cache', 'not exported');
      bundleStore.addBundle(`b0-${sha256(JSON.stringify(bundle))}`, bundle);
      for (const vat of ['v1', 'v2', 'v10']) rig.createVat(vat);
    });
    await rig.block(async ({ kvStore }) => {
      for (const count of [6, 1, 85, 3]) {
        rig.deliver('v2', count);
        await rig.snapshot('v2');
      }
      kvStore.set('v2.options', '{"managerType":"xsnap"}');
      rig.deliver('v2', 2);
    });
    await rig.block(async () => {
      rig.deliver('v1', 4);
      await rig.snapshot('v1');
      rig.deliver('v1', 2);
      await rig.upgrade('v1');
      rig.deliver('v1', 1);
    });
    await rig.block(async ({ kvStore }) => {
      await rig.upgrade('v1');
      rig.deliver('v1', 3);
      await rig.snapshot('v1', heapOf('a longer heap', 6_000));
      rig.deliver('v1', 1);
      await rig.snapshot('v10');
      await rig.upgrade('v10');
      kvStore.set('kernel.gone', 'soon');
    });
    await rig.block(({ kvStore }) => {
      kvStore.delete('kernel.gone');
      rig.deliver('v10', 1);
    });
    await rig.close();
    return { batches: rig.batches };
  },
};

/** Two vats that live and die beside a third that stays: the start of the next three fixtures. */
const threeVats = async (reference, dir, options) => {
  const rig = openRig(reference, dir, options);
  await rig.block(({ kvStore }) => {
    for (const vat of ['v1', 'v2', 'v3']) {
      kvStore.set(`${vat}.options`, '{}');
      rig.createVat(vat);
      rig.deliver(vat, 2);
    }
  });
  for (let round = 0; round < 4; round += 1) {
    await rig.block(async ({ kvStore }) => {
      kvStore.set('crankNumber', `${round}`);
      await rig.snapshot('v2');
      rig.deliver('v2', 3);
      if (round < 2) await rig.snapshot('v3');
    });
  }
  return rig;
};

const terminated = {
  name: 'terminated',
  short: 'vats stopped, nothing deleted yet',
  about: `\`v2\` was terminated: \`stopUsingTranscript\` and \`stopUsingLastSnapshot\`, and nothing deleted yet. \`v4\` was terminated
without ever having had a snapshot. \`v1\` and \`v3\` live on. Everything is kept. Both calls were made twice; the second time
they do nothing.`,
  datasets: [
    ['js', 'archival'],
    ['js', 'debug'],
  ],
  async build({ reference, dir }) {
    const rig = await threeVats(reference, dir, keepAll);
    await rig.block(async () => {
      rig.createVat('v4');
      rig.deliver('v4', 1);
    });
    await rig.block(async () => {
      for (const vat of ['v2', 'v2', 'v4', 'v4']) await rig.terminate(vat);
    });
    await rig.close();
    return {
      batches: rig.batches,
      facts: ['`v2` and `v4` have records but no artifacts, except in debug mode'],
    };
  },
};

const halfDeleted = {
  name: 'half-deleted',
  short: 'deletion under a budget, stopped in the middle',
  about: `Deletion under a budget, stopped in the middle. \`v2\` was terminated; then two of its five spans and two of its four
snapshots were deleted, newest first. \`v3\` was not stopped beforehand: one unit of budget took its current span, so it has
closed spans, no current one, and a snapshot still in use. Everything is kept otherwise.`,
  datasets: [['js', 'debug']],
  async build({ reference, dir }) {
    const rig = await threeVats(reference, dir, keepAll);
    const { transcriptStore, snapStore } = rig;
    await rig.block(() => rig.terminate('v2'));
    const results = [];
    await rig.block(() => {
      results.push(transcriptStore.deleteVatTranscripts('v2', 2), snapStore.deleteVatSnapshots('v2', 2));
      results.push(transcriptStore.deleteVatTranscripts('v3', 1));
    });
    await rig.close();
    insist(results.every(({ done }) => !done), 'a deletion finished:', JSON.stringify(results));
    return {
      batches: rig.batches,
      facts: [`the three calls answered ${results.map(result => `\`${JSON.stringify(result)}\``).join(', ')}`],
    };
  },
};

const fullyDeleted = {
  name: 'fully-deleted',
  short: 'deletion under a budget, done',
  about: `\`v2\` was terminated and deleted in slices of two until both calls said done; \`v3\` was deleted at once, without having been
stopped; \`v9\` never existed and was deleted too, which still exports a null for \`snapshot.v9.current\`. Only \`v1\` is left.`,
  datasets: [['js', 'archival']],
  async build({ reference, dir }) {
    const rig = await threeVats(reference, dir, keepAll);
    const { transcriptStore, snapStore } = rig;
    await rig.block(() => rig.terminate('v2'));
    const slices = [];
    for (let done = false; !done; ) {
      await rig.block(() => {
        const snapshots = snapStore.deleteVatSnapshots('v2', 2);
        const spans = transcriptStore.deleteVatTranscripts('v2', 2);
        slices.push(`snapshots ${JSON.stringify(snapshots)}, spans ${JSON.stringify(spans)}`);
        done = snapshots.done && spans.done;
      });
    }
    await rig.block(() => {
      for (const vat of ['v3', 'v9']) {
        snapStore.deleteVatSnapshots(vat);
        transcriptStore.deleteVatTranscripts(vat);
      }
    });
    await rig.close();
    insist(rig.batches.flat().some(([key]) => key === 'snapshot.v9.current'), 'no null for v9');
    return { batches: rig.batches, facts: slices.map((slice, n) => `slice ${n + 1}: \`${slice}\``) };
  },
};

const noSnapshotsRecord = {
  name: 'no-snapshots-record',
  short: 'the records of unused snapshots are gone',
  about: `\`deleteAllUnusedSnapshots\` was called on a store that kept its snapshots. It deletes rows, hashes and all, and tells the
export callback nothing: a host that only listened still has the records that this store can no longer export.`,
  datasets: [['js', 'operational']],
  async build({ reference, dir }) {
    const rig = await threeVats(reference, dir, keepAll);
    await rig.block(({ snapStore }) => snapStore.deleteAllUnusedSnapshots());
    await rig.close();
    return { batches: rig.batches, staleKeys: key => /^snapshot\.v[23]\.\d+$/.test(key) };
  },
};

const rolloverStop = {
  name: 'rollover-stop',
  short: 'empty spans: a closed one and two current ones',
  about: `\`v2\` was stopped right after a rollover, before anything was added: its last span is closed and empty. \`v3\` was committed
right after a rollover: its current span is empty. \`v1\` has just been created and has an empty span at 0. All are legal.`,
  datasets: [
    ['js', 'operational'],
    ['js', 'debug'],
  ],
  async build({ reference, dir }) {
    const rig = openRig(reference, dir, keepAll);
    const { transcriptStore } = rig;
    const roll = async vat => {
      await rig.save(vat);
      transcriptStore.addItem(vat, item('save-snapshot'));
      await transcriptStore.rolloverSpan(vat);
    };
    await rig.block(async () => {
      transcriptStore.initTranscript('v1');
      for (const vat of ['v2', 'v3']) {
        rig.createVat(vat);
        transcriptStore.addItem(vat, delivery(2));
        await roll(vat);
      }
      await rig.terminate('v2');
    });
    await rig.close();
    return { batches: rig.batches };
  },
};

export const fixtures = [
  workedExample,
  pruned,
  archival,
  terminated,
  halfDeleted,
  fullyDeleted,
  noSnapshotsRecord,
  rolloverStop,
];
