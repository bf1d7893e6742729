// Export callbacks and transcript archivers: their failures, and what they may do to the store meanwhile.
import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import fs from 'node:fs';
import path from 'node:path';
import { importSwingStore, initSwingStore, makeArchiveSnapshot, makeArchiveTranscript, makeSwingStoreExporter, openSwingStore } from 'swing-node';
import tmp from 'tmp';

import { BUNDLE, BUNDLE_ID, all, inChild, outcome, populate, rejectsWith, tempDir } from './support.mjs';

const boom = Error('boom');

/** A store whose callback does what it is told to, and what the callback was given. */
const watched = (path = null, how = 'exportCallback') => {
  const batches = [];
  const host = { act: () => {} };
  const callback = batch => {
    const result = host.act(batch);
    batches.push(batch);
    return result;
  };
  const store = initSwingStore(path, how === 'exportCallback' ? { exportCallback: callback } : {});
  if (how === 'setExportCallback') store.hostStorage.setExportCallback(callback);
  return { store, batches, host };
};

const crank = (store, work = () => {}) => {
  store.kernelStorage.startCrank();
  work(store.kernelStorage.kvStore);
  store.kernelStorage.endCrank();
};

for (const how of ['exportCallback', 'setExportCallback']) {
  test(`${how} is given pairs by key, the last change of each, at the end of a crank and of a block`, async () => {
    const { store, batches } = watched(null, how);
    crank(store, kv => {
      kv.set('b', '1');
      kv.set('a', '1');
      kv.set('b', '2');
      kv.set('local.x', '1');
      kv.delete('c');
    });
    assert.deepEqual(batches, [[['kv.a', '1'], ['kv.b', '2'], ['kv.c', null]]]);
    crank(store);
    store.kernelStorage.kvStore.set('d', '4');
    store.hostStorage.kvStore.set('host.x', '5');
    await store.hostStorage.commit();
    await store.hostStorage.commit();
    assert.deepEqual(batches.slice(1), [[['kv.d', '4']]]);
  });
}

test('a callback that throws at the end of a crank loses nothing: the crank can be ended again', async () => {
  const { store, batches, host } = watched();
  host.act = () => {
    throw boom;
  };
  store.kernelStorage.startCrank();
  store.kernelStorage.kvStore.set('a', '1');
  assert.throws(() => store.kernelStorage.endCrank(), boom);
  assert.throws(() => store.kernelStorage.startCrank(), /already in a crank/);
  host.act = () => {};
  store.kernelStorage.endCrank();
  assert.deepEqual(batches, [[['kv.a', '1']]]);
  await store.hostStorage.commit();
  assert.equal(batches.length, 1);
});

test('a callback that throws at a commit loses nothing: the next commit hands the batch over', async t => {
  const dir = tempDir(t);
  const { store, batches, host } = watched(dir);
  host.act = () => {
    throw boom;
  };
  store.kernelStorage.kvStore.set('a', '1');
  await rejectsWith(store.hostStorage.commit(), boom);
  const reading = makeSwingStoreExporter(dir);
  assert.deepEqual(await all(reading.getExportData()), []);
  await reading.close();
  store.kernelStorage.kvStore.set('b', '2');
  host.act = () => {};
  await store.hostStorage.commit();
  assert.deepEqual(batches, [[['kv.a', '1'], ['kv.b', '2']]]);
  await store.hostStorage.close();
  assert.equal(openSwingStore(dir).kernelStorage.kvStore.get('a'), '1');
});

test('a batch belongs to the callback, which may change it', async () => {
  const { store, host } = watched();
  host.act = batch => {
    batch[0][1] = 'forged';
    batch.length = 0;
  };
  store.kernelStorage.kvStore.set('a', '1');
  await store.hostStorage.commit();
  assert.equal(store.kernelStorage.kvStore.get('a'), '1');
});

test('an asynchronous callback is waited for by the commit, and its rejection is the commit’s', async () => {
  const { store, host } = watched();
  let done = false;
  host.act = async () => {
    await delay(10);
    done = true;
  };
  crank(store, kv => kv.set('a', '1'));
  await store.hostStorage.commit();
  assert.ok(done);
  host.act = async () => {
    throw boom;
  };
  crank(store, kv => kv.set('b', '1'));
  await delay(10);
  await rejectsWith(store.hostStorage.commit(), boom);
});

test('a callback may read the store, and is told that it cannot change it', async () => {
  const { store, host } = watched();
  await populate(store);
  const { kernelStorage: kernel, hostStorage, debug, internal } = store;
  const reads = {
    'kernel get': () => kernel.kvStore.get('new'),
    'kernel has': () => kernel.kvStore.has('new'),
    'kernel getNextKey': () => kernel.kvStore.getNextKey(''),
    'host get': () => hostStorage.kvStore.get('host.height'),
    'internal get': () => internal.kvStore.get('host.height'),
    getActivityhash: () => kernel.getActivityhash(),
    getCurrentSpanBounds: () => kernel.transcriptStore.getCurrentSpanBounds('v1'),
    readSpan: () => [...kernel.transcriptStore.readSpan('v1', 0)],
    readFullVatTranscript: () => [...internal.transcriptStore.readFullVatTranscript('v1')],
    getSnapshotInfo: () => kernel.snapStore.getSnapshotInfo('v1'),
    loadSnapshot: () => all(kernel.snapStore.loadSnapshot('v1')),
    hasHash: () => internal.snapStore.hasHash('v1', '00'.repeat(32)),
    listAllSnapshots: () => [...internal.snapStore.listAllSnapshots()],
    hasBundle: () => kernel.bundleStore.hasBundle(BUNDLE_ID),
    getBundle: () => kernel.bundleStore.getBundle(BUNDLE_ID),
    getBundleIDs: () => [...internal.bundleStore.getBundleIDs()],
    dump: () => debug.dump(),
    diskUsage: () => hostStorage.diskUsage(),
  };
  const changes = {
    'kernel set': () => kernel.kvStore.set('x', 'y'),
    'kernel delete': () => kernel.kvStore.delete('x'),
    'host set': () => hostStorage.kvStore.set('host.x', 'y'),
    'internal set': () => internal.kvStore.set('x', 'y'),
    startCrank: () => kernel.startCrank(),
    endCrank: () => kernel.endCrank(),
    establishCrankSavepoint: () => kernel.establishCrankSavepoint('x'),
    rollbackCrank: () => kernel.rollbackCrank('x'),
    emitCrankHashes: () => kernel.emitCrankHashes(),
    initTranscript: () => kernel.transcriptStore.initTranscript('v2'),
    addItem: () => kernel.transcriptStore.addItem('v1', 'x'),
    rolloverSpan: () => kernel.transcriptStore.rolloverSpan('v1'),
    rolloverIncarnation: () => kernel.transcriptStore.rolloverIncarnation('v1'),
    stopUsingTranscript: () => kernel.transcriptStore.stopUsingTranscript('v1'),
    deleteVatTranscripts: () => kernel.transcriptStore.deleteVatTranscripts('v1'),
    saveSnapshot: () => kernel.snapStore.saveSnapshot('v1', 9, [Buffer.from('x')]),
    stopUsingLastSnapshot: () => kernel.snapStore.stopUsingLastSnapshot('v1'),
    deleteVatSnapshots: () => kernel.snapStore.deleteVatSnapshots('v1'),
    deleteAllUnusedSnapshots: () => kernel.snapStore.deleteAllUnusedSnapshots(),
    deleteSnapshotByHash: () => internal.snapStore.deleteSnapshotByHash('v1', '00'.repeat(32)),
    addBundle: () => kernel.bundleStore.addBundle(BUNDLE_ID, BUNDLE),
    deleteBundle: () => kernel.bundleStore.deleteBundle(BUNDLE_ID),
    commit: () => hostStorage.commit(),
    close: () => hostStorage.close(),
    setExportCallback: () => hostStorage.setExportCallback(() => {}),
  };
  for (const when of ['endCrank', 'commit']) {
    const started = {};
    host.act = () => {
      for (const [name, call] of Object.entries({ ...reads, ...changes })) started[name] = outcome(call);
    };
    if (when === 'endCrank') kernel.startCrank();
    kernel.kvStore.set('new', when);
    const before = debug.dump();
    if (when === 'endCrank') kernel.endCrank();
    else await hostStorage.commit();
    for (const name of Object.keys(reads)) {
      const { error } = await started[name];
      assert.equal(error, undefined, `${when}: ${name}`);
    }
    for (const name of Object.keys(changes)) {
      const { error } = await started[name];
      assert.match(String(error?.message), /from inside its export callback/, `${when}: ${name}`);
    }
    assert.deepEqual(debug.dump(), before);
    assert.deepEqual((await started['kernel get']).value, when);
  }
  host.act = () => {};
  crank(store, kv => kv.set('after', '1'));
  await hostStorage.commit();
});

test('what a callback is refused does not end the process when it hears of it', async () => {
  const source = `
    import { initSwingStore } from 'swing-node';
    const store = initSwingStore(null, { exportCallback: () => store.kernelStorage.kvStore.set('x', 'y') });
    store.kernelStorage.startCrank();
    store.kernelStorage.kvStore.set('a', '1');
    try {
      store.kernelStorage.endCrank();
    } catch (error) {
      console.log(error.code, store.kernelStorage.kvStore.get('a'));
    }
  `;
  assert.equal(await inChild(source), 'SWING_STATE 1');
});

test('what was pending as a store was closed is handed over by the next one', async t => {
  const dir = tempDir(t);
  const { store, host } = watched(dir);
  await store.hostStorage.commit();
  host.act = () => {
    throw boom;
  };
  store.kernelStorage.kvStore.set('a', '1');
  await rejectsWith(store.hostStorage.commit(), boom);
  await store.hostStorage.close();
  const batches = [];
  const again = openSwingStore(dir, { exportCallback: batch => batches.push(batch) });
  assert.equal(again.kernelStorage.kvStore.get('a'), undefined);
  await again.hostStorage.commit();
  assert.deepEqual(batches, []);
});

test('an imported store tells its callback of what changes after it is in place', async t => {
  const [from, to] = [tempDir(t), tempDir(t)];
  const source = initSwingStore(from);
  await populate(source);
  for (const how of ['exportCallback', 'setExportCallback']) {
    const batches = [];
    const take = batch => void batches.push(batch);
    const options = how === 'exportCallback' ? { exportCallback: take } : {};
    const { hostStorage } = await importSwingStore(makeSwingStoreExporter(from), to, options);
    if (how === 'setExportCallback') hostStorage.setExportCallback(take);
    await hostStorage.commit();
    await hostStorage.commit();
    assert.deepEqual(batches, [], how);
    await hostStorage.close();
  }
});

test('a span archiver is given the items of a span before they are gone', async () => {
  const archived = [];
  const store = initSwingStore(null, {
    keepTranscripts: false,
    archiveTranscript: async (name, entries) => archived.push([name, ...entries.map(String)]),
  });
  const { transcriptStore } = store.kernelStorage;
  transcriptStore.initTranscript('v1');
  transcriptStore.addItem('v1', 'one');
  transcriptStore.addItem('v1', 'two');
  await transcriptStore.rolloverSpan('v1');
  transcriptStore.addItem('v1', 'three');
  await transcriptStore.rolloverIncarnation('v1');
  await transcriptStore.stopUsingTranscript('v1');
  assert.deepEqual(archived, [
    ['transcript.v1.0.2', 'one\n', 'two\n'],
    ['transcript.v1.2.3', 'three\n'],
    ['transcript.v1.3.3'],
  ]);
});

test('a span archiver that throws leaves the span open; one that rejects later is heard of', async () => {
  for (const call of ['rolloverSpan', 'rolloverIncarnation', 'stopUsingTranscript']) {
    let act = () => {
      throw boom;
    };
    const store = initSwingStore(null, { archiveTranscript: () => act() });
    const { transcriptStore } = store.kernelStorage;
    transcriptStore.initTranscript('v1');
    transcriptStore.addItem('v1', 'one');
    const before = store.debug.dump();
    await rejectsWith(transcriptStore[call]('v1'), boom);
    assert.deepEqual(store.debug.dump(), before, call);
    assert.equal(transcriptStore.getCurrentSpanBounds('v1').endPos, 1, call);
    act = async () => {
      await delay(5);
      throw boom;
    };
    await rejectsWith(transcriptStore[call]('v1'), boom);
  }
});

test('a span that its archiver changes is not closed: what is archived is what was closed', async () => {
  const changes = {
    addItem: ({ addItem }) => addItem('v1', 'two'),
    rolloverSpan: ({ rolloverSpan }) => void rolloverSpan('v1').catch(() => {}),
    stopUsingTranscript: ({ stopUsingTranscript }) => void stopUsingTranscript('v1').catch(() => {}),
    deleteVatTranscripts: ({ deleteVatTranscripts }) => deleteVatTranscripts('v1'),
  };
  for (const [name, change] of Object.entries(changes)) {
    let entered = false;
    const store = initSwingStore(null, {
      archiveTranscript: async () => {
        if (entered) return;
        entered = true;
        change(store.kernelStorage.transcriptStore);
      },
    });
    const { transcriptStore } = store.kernelStorage;
    transcriptStore.initTranscript('v1');
    transcriptStore.addItem('v1', 'one');
    await assert.rejects(transcriptStore.rolloverSpan('v1'), /changed by its archiver|no current transcript/, name);
  }
});

test('all that changes at the end of a span has changed before the call returns', () => {
  const store = initSwingStore(null, { archiveTranscript: () => new Promise(() => {}) });
  const { transcriptStore } = store.kernelStorage;
  transcriptStore.initTranscript('v1');
  transcriptStore.addItem('v1', 'one');
  void transcriptStore.rolloverSpan('v1');
  assert.deepEqual(transcriptStore.getCurrentSpanBounds('v1').startPos, 1);
  transcriptStore.addItem('v1', 'two');
  void transcriptStore.rolloverIncarnation('v1');
  assert.deepEqual(transcriptStore.getCurrentSpanBounds('v1').incarnation, 1);
});

test('the archivers of the package write whole files or none', async t => {
  const dir = path.join(tempDir(t), 'deep', 'er');
  const powers = { fs, path, tmp };
  const [snapshots, spans] = [makeArchiveSnapshot(dir, powers), makeArchiveTranscript(dir, powers)];
  const store = initSwingStore(null, { archiveSnapshot: snapshots, archiveTranscript: spans });
  await populate(store);
  assert.deepEqual(fs.readdirSync(dir).sort(), ['snapshot.v1.3.gz', 'transcript.v1.0.3.gz']);
  const read = name => String(gunzipSync(fs.readFileSync(path.join(dir, name))));
  assert.equal(read('snapshot.v1.3.gz'), 'a heap');
  assert.equal(read('transcript.v1.0.3.gz'), 'item 0\nitem 1\nitem 2\n');
  const failing = async function* failing() {
    yield Buffer.from('x');
    throw boom;
  };
  for (const archive of [snapshots, spans]) {
    await rejectsWith(archive('other', failing()), boom);
    await assert.rejects(archive('../other', []), /must be that of a file/);
    // What a stream of Node's would throw at nobody in particular, so that the process ended.
    for (const chunk of [7, {}, null, new Uint16Array(1)]) await assert.rejects(archive('other', [chunk]), TypeError);
    await assert.rejects(archive('other', 7), TypeError);
  }
  assert.equal(fs.readdirSync(dir).length, 2);
});
