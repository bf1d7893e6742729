// What tools of the chain stand on, above all cosmic-swingset's tools/inquisitor.mjs: the exact methods of the substores, an overlay over
// a read-only store, and what the substores say for an export, beside the original.
import assert from 'node:assert/strict';
import test from 'node:test';
import '@endo/init';
import Database from 'better-sqlite3';
import * as original from '@agoric/swing-store';
import * as ours from 'swing-node';

import { BUNDLE, BUNDLE_ID, all, inTurn, outcome, populate, tempDir } from './support.mjs';

const WRAPPERS = ['wrapTranscriptStore', 'wrapSnapStore', 'wrapBundleStore'];

/** What each package gives the wrappers, by the wrappers' names. */
const given = open => {
  const stores = {};
  const options = WRAPPERS.map(name => [name, store => (stores[name] = store)]);
  const store = open(Object.fromEntries(options));
  return { store, stores };
};

const sameStores = async t => {
  const dir = tempDir(t);
  const store = ours.initSwingStore(dir, { keepSnapshots: true });
  await populate(store);
  const { snapStore, transcriptStore } = store.kernelStorage;
  await snapStore.saveSnapshot('v1', 5, [Buffer.from('another heap')]);
  await transcriptStore.rolloverIncarnation('v1');
  transcriptStore.initTranscript('v2');
  transcriptStore.addItem('v2', 'ü');
  await store.hostStorage.commit();
  await store.hostStorage.close();
  return [ours, original].map(({ openSwingStore }) => given(options => openSwingStore(dir, { readonly: true, ...options })));
};

test('wrappers and tools are given exactly the methods of the original', () => {
  const [mine, theirs] = [ours, original].map(({ initSwingStore }) => given(options => initSwingStore(null, options)));
  for (const name of WRAPPERS) {
    assert.deepEqual(Object.keys(mine.stores[name]).sort(), Object.keys(theirs.stores[name]).sort(), name);
    assert.ok(Object.values(mine.stores[name]).every(method => typeof method === 'function'), name);
  }
  for (const name of ['transcriptStore', 'snapStore', 'bundleStore', 'kvStore']) {
    assert.deepEqual(Object.keys(mine.store.internal[name]).sort(), Object.keys(theirs.store.internal[name]).sort(), name);
  }
});

test('records, names and artifacts of the substores are those of the original', async t => {
  const [mine, theirs] = await sameStores(t);
  const questions = [];
  for (const name of WRAPPERS) {
    for (const history of [undefined, true, false]) questions.push([name, s => [...s.getExportRecords(history)]]);
    for (const mode of ['operational', 'replay', 'archival', 'debug']) {
      questions.push([name, s => all(s.getArtifactNames(mode))]);
      questions.push([name, s => s.assertComplete(mode)]);
    }
  }
  const [transcripts, snaps, bundles] = WRAPPERS;
  const bytes = async chunks => String(Buffer.concat(await all(chunks)));
  questions.push(
    [transcripts, s => bytes(s.exportSpan('transcript.v1.0.3'))],
    [transcripts, s => bytes(s.exportSpan('transcript.v2.0.1'))],
    [transcripts, s => bytes(s.exportSpan('transcript.v3.0.1'))],
    [transcripts, s => bytes(s.exportSpan('transcript.v1.0'))],
    [snaps, s => bytes(s.exportSnapshot('snapshot.v1.5'))],
    [snaps, s => bytes(s.exportSnapshot('snapshot.v1'))],
    [bundles, s => bytes(s.exportBundle(`bundle.${BUNDLE_ID}`))],
    [bundles, s => bytes(s.exportBundle('bundle.b0-00'))],
    [bundles, s => bytes(s.exportBundle('snapshot.v1.5'))],
  );
  for (const [name, ask] of questions) {
    const [here, there] = await Promise.all([mine, theirs].map(({ stores }) => outcome(() => ask(stores[name]))));
    const what = `${name} ${ask}`;
    assert.deepEqual([here.how, here.value], [there.how, there.value], what);
    if (here.error && !/debug/.test(here.error.message)) assert.equal(here.error.message, there.error.message, what);
  }
});

test('records and artifacts are those of the block that is under way', async () => {
  const store = ours.initSwingStore(null);
  const { kernelStorage, internal } = store;
  kernelStorage.transcriptStore.initTranscript('v1');
  kernelStorage.transcriptStore.addItem('v1', 'x'.repeat(300_000));
  const [[key, value]] = [...internal.transcriptStore.getExportRecords()];
  assert.deepEqual([key, JSON.parse(value).endPos], ['transcript.v1.current', 1]);
  const chunks = await all(internal.transcriptStore.exportSpan('transcript.v1.0.1'));
  assert.deepEqual(chunks.map(({ length }) => length), [256 << 10, 300_001 - (256 << 10)]);
  kernelStorage.startCrank();
  kernelStorage.establishCrankSavepoint('s');
  assert.throws(() => [...internal.transcriptStore.getExportRecords()], { code: 'SWING_STATE', message: /inside a crank: end it first/ });
});

test('what fills or repairs a store piece by piece says what to use instead', async () => {
  const { internal } = ours.initSwingStore(null);
  const { transcriptStore, snapStore, bundleStore } = internal;
  for (const { importTranscriptSpanRecord: record, populateTranscriptSpan: populateIt } of [transcriptStore]) {
    assert.throws(() => record('transcript.v1.current', '{}'), { code: 'SWING_STATE', message: /importSwingStore/ });
    await assert.rejects(populateIt('transcript.v1.0.1', []), { code: 'SWING_STATE', message: /importSwingStore/ });
  }
  assert.throws(() => snapStore.importSnapshotRecord('snapshot.v1.1', '{}'), /importSnapshotRecord is not offered: importSwingStore/);
  await assert.rejects(snapStore.populateSnapshot('snapshot.v1.1', []), /populateSnapshot is not offered: importSwingStore/);
  for (const repair of [transcriptStore.repairTranscriptSpanRecord, snapStore.repairSnapshotRecord, bundleStore.repairBundleRecord]) {
    assert.throws(() => repair('x', 'y'), { code: 'SWING_STATE', message: /hostStorage.repairMetadata/ });
  }
});

test('a bundle comes in two halves, into a store or into an overlay in memory', async () => {
  const noted = [];
  const store = ours.initSwingStore(null);
  const overlay = ours.makeBundleStore(new Database(':memory:'), () => {}, (...note) => noted.push(note));
  const artifact = Buffer.from(JSON.stringify(BUNDLE));
  const name = `bundle.${BUNDLE_ID}`;
  for (const bundles of [store.internal.bundleStore, overlay]) {
    assert.throws(() => bundles.importBundleRecord(name, 'b0-00'), { code: 'SWING_ARGUMENT' });
    assert.throws(() => bundles.importBundleRecord('bundle.x', 'x'), { code: 'SWING_ARGUMENT' });
    await assert.rejects(bundles.importBundle(name, async () => artifact), { code: 'SWING_MISSING', message: /not found/ });
    bundles.importBundleRecord(name, BUNDLE_ID);
    assert.throws(() => bundles.importBundleRecord(name, BUNDLE_ID), { code: 'SWING_STATE' });
    assert.deepEqual([bundles.hasBundle(BUNDLE_ID), [...bundles.getBundleIDs()]], [false, [BUNDLE_ID]]);
    assert.throws(() => bundles.assertComplete('operational'), { code: 'SWING_INCOMPLETE', message: `missing bundles for: ${BUNDLE_ID}` });
    await assert.rejects(bundles.importBundle(name, () => Buffer.from('{}')), Error);
    await bundles.importBundle(name, async () => artifact);
    bundles.assertComplete('operational');
    assert.deepEqual(bundles.getBundle(BUNDLE_ID), BUNDLE);
    assert.deepEqual(Buffer.concat(await all(bundles.exportBundle(name))), artifact);
  }
  assert.deepEqual(noted, []);
  await store.hostStorage.commit();
});

test('an overlay over a read-only store, as inquisitor makes one, runs a kernel; the file stays as it is', async t => {
  const dir = tempDir(t);
  const store = ours.initSwingStore(dir);
  await populate(store);
  const before = store.debug.dump();
  await store.hostStorage.close();
  const life = [
    ['startCrank', k => k.startCrank()],
    ['savepoint', k => k.establishCrankSavepoint('start')],
    ['set', k => k.kvStore.set('kernel.z', 'x')],
    ['addItem', k => k.transcriptStore.addItem('v1', 'overlaid')],
    ['readSpan', k => [...k.transcriptStore.readSpan('v1')]],
    ['addBundle', k => k.bundleStore.addBundle('b1-00', { moduleFormat: 'endoZipBase64', endoZipBase64: '', endoZipBase64Sha512: '00' })],
    ['getBundle', k => k.bundleStore.getBundle('b1-00')],
    ['getBundle below', k => k.bundleStore.getBundle(BUNDLE_ID)],
    ['emitCrankHashes', k => k.emitCrankHashes()],
    ['endCrank', k => k.endCrank()],
    ['commit', (_, h) => h.commit()],
  ];
  const open = ({ openSwingStore, makeBundleStore }) => {
    const pairs = new Map();
    const items = [];
    return openSwingStore(dir, {
      readonly: true,
      wrapKvStore: base => ({ ...base, get: key => pairs.get(key) ?? base.get(key), set: (key, value) => void pairs.set(key, value) }),
      wrapTranscriptStore: base => ({
        ...base,
        addItem: (_vatID, item) => void items.push(item),
        *readSpan(vatID) {
          yield* base.readSpan(vatID);
          yield* items;
        },
      }),
      wrapBundleStore: base => {
        const overlay = makeBundleStore(new Database(':memory:'), () => {}, () => {});
        return {
          ...base,
          addBundle: overlay.addBundle,
          getBundle: id => (overlay.hasBundle(id) ? overlay : base).getBundle(id),
        };
      },
    });
  };
  const stores = [ours, original].map(open);
  const [mine, theirs] = await inTurn(stores, life);
  assert.deepEqual(mine, theirs);
  const [{ internal, hostStorage }] = stores;
  // The overlay is not what a query sees, no more than in the original; and nothing is put off that it could miss inside a crank.
  for (const { kernelStorage } of stores) {
    kernelStorage.startCrank();
    kernelStorage.establishCrankSavepoint('start');
  }
  assert.equal(internal.db.prepare("SELECT count(*) FROM kvStore WHERE key = 'kernel.z'").pluck().get(), 0);
  assert.deepEqual([...internal.bundleStore.getExportRecords()], [[`bundle.${BUNDLE_ID}`, BUNDLE_ID]]);
  for (const { hostStorage: host } of stores) await host.close();
  await assert.rejects(async () => hostStorage.close(), { code: 'SWING_CLOSED' });
  assert.deepEqual(ours.openSwingStore(dir).debug.dump(), before);
});
