// What is said of wrong arguments and wrong moments, held beside what the original says.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import test from 'node:test';
import '@endo/init';
import * as reference from '@agoric/swing-store';
import * as u17 from 'swing-store-u17';
import * as ours from 'swing-node';

import { BUNDLE, BUNDLE_ID, outcome, populate, tempDir } from './support.mjs';

const NOT_STRINGS = [undefined, null, 7, 7n, true, {}, [], Symbol('s'), () => 'key', Object('key')];
const show = value => (typeof value === 'bigint' ? `${value}n` : String(typeof value === 'symbol' ? 's' : JSON.stringify(value)));

/** The original hides some of what it quotes, as `(a string)`; and ours may add its own reason. */
const matches = (mine, theirs) => {
  const parts = theirs.replace(/"/g, '').split(/\(an? [a-z]+\)/);
  const escaped = parts.map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return RegExp(`^${escaped.join('.*')}`, 's').test(mine.replace(/"/g, ''));
};

/** Each error tells its kind. */
const CODE = /^SWING_(ARGUMENT|STATE|CLOSED|MISSING|MISMATCH|INCOMPLETE|READ_ONLY|CORRUPT)$/;

/** Both refuse, in the same way and with the same words. */
const bothRefuse = async (what, call, [theirs, mine]) => {
  const [expected, actual] = [await outcome(() => call(theirs)), await outcome(() => call(mine))];
  assert.ok(expected.error, `the original accepts ${what}`);
  assert.equal(actual.how, expected.how, `${what}: ${actual.error}`);
  assert.ok(matches(actual.error.message, expected.error.message), `${what}: ${actual.error.message}\n${expected.error.message}`);
  assert.ok(actual.error instanceof Error, what);
  assert.match(actual.error.code, CODE, what);
};

/** Only ours refuses: what the original does instead is said by the test's name. */
const oursRefuses = async (what, call, mine, words, how = 'throws') => {
  const actual = await outcome(() => call(mine));
  assert.equal(actual.how, how, `${what}: ${actual.error}`);
  assert.match(actual.error.message, words, what);
  assert.match(actual.error.code, CODE, what);
};

const pair = async () => {
  const stores = [reference.initSwingStore(null), ours.initSwingStore(null)];
  for (const store of stores) await populate(store);
  return stores;
};

const KEY_CALLS = {
  'kernel has': (s, key) => s.kernelStorage.kvStore.has(key),
  'kernel get': (s, key) => s.kernelStorage.kvStore.get(key),
  'kernel getNextKey': (s, key) => s.kernelStorage.kvStore.getNextKey(key),
  'kernel set': (s, key) => s.kernelStorage.kvStore.set(key, 'value'),
  'kernel set, value': (s, value) => s.kernelStorage.kvStore.set('key', value),
  'kernel delete': (s, key) => s.kernelStorage.kvStore.delete(key),
  'host has': (s, key) => s.hostStorage.kvStore.has(key),
  'host get': (s, key) => s.hostStorage.kvStore.get(key),
  'host getNextKey': (s, key) => s.hostStorage.kvStore.getNextKey(key),
  'host set': (s, key) => s.hostStorage.kvStore.set(key, 'value'),
  'host set, value': (s, value) => s.hostStorage.kvStore.set('host.key', value),
  'host delete': (s, key) => s.hostStorage.kvStore.delete(key),
  'internal get': (s, key) => s.internal.kvStore.get(key),
  'internal set': (s, key) => s.internal.kvStore.set(key, 'value'),
};

for (const [name, call] of Object.entries(KEY_CALLS)) {
  test(`only strings are taken, with the original's words: ${name}`, async () => {
    const stores = await pair();
    for (const wrong of NOT_STRINGS) await bothRefuse(`${name} of ${show(wrong)}`, s => call(s, wrong), stores);
  });
}

test('keys of the wrong section are refused with the words of the original', async () => {
  const stores = await pair();
  const calls = {
    'kernel set': s => s.kernelStorage.kvStore.set('host.x', 'y'),
    'kernel delete': s => s.kernelStorage.kvStore.delete('host.x'),
    'host set': s => s.hostStorage.kvStore.set('x', 'y'),
    'host set local': s => s.hostStorage.kvStore.set('local.x', 'y'),
    'host delete': s => s.hostStorage.kvStore.delete('hosty.x'),
  };
  for (const [name, call] of Object.entries(calls)) await bothRefuse(name, call, stores);
});

test('the kernel cannot read keys of the host either, which the original lets it', async () => {
  const [theirs, mine] = await pair();
  const words = /^kernelKVStore refuses host keys$/;
  for (const call of ['get', 'has', 'getNextKey']) {
    await oursRefuses(call, s => s.kernelStorage.kvStore[call]('host.height'), mine, words);
  }
  mine.internal.kvStore.set('host/', 'x');
  assert.equal(mine.kernelStorage.kvStore.getNextKey('bundle'), 'host/');
  assert.equal(theirs.kernelStorage.kvStore.get('host.height'), '1');
});

const REFUSED = {
  'startCrank in a crank': s => (s.kernelStorage.startCrank(), s.kernelStorage.startCrank()),
  'endCrank outside': s => s.kernelStorage.endCrank(),
  'establishCrankSavepoint outside': s => s.kernelStorage.establishCrankSavepoint('x'),
  'rollbackCrank outside': s => s.kernelStorage.rollbackCrank('x'),
  'rollbackCrank to nowhere': s => (s.kernelStorage.startCrank(), s.kernelStorage.rollbackCrank('x')),
  'getCurrentSpanBounds, no such vat': s => s.kernelStorage.transcriptStore.getCurrentSpanBounds('v9'),
  'addItem, no such vat': s => s.kernelStorage.transcriptStore.addItem('v9', 'x'),
  'rolloverSpan, no such vat': s => s.kernelStorage.transcriptStore.rolloverSpan('v9'),
  'rolloverIncarnation, no such vat': s => s.kernelStorage.transcriptStore.rolloverIncarnation('v9'),
  'readSpan, no such vat': s => s.kernelStorage.transcriptStore.readSpan('v9'),
  'readSpan, no such span': s => s.kernelStorage.transcriptStore.readSpan('v1', 2),
  'readSpan from a string': s => s.kernelStorage.transcriptStore.readSpan('v1', '0'),
  'readSpan from null': s => s.kernelStorage.transcriptStore.readSpan('v1', null),
  'readSpan from before the start': s => s.kernelStorage.transcriptStore.readSpan('v1', -1),
  'deleteVatTranscripts, budget 0': s => s.kernelStorage.transcriptStore.deleteVatTranscripts('v1', 0),
  'deleteVatTranscripts, budget NaN': s => s.kernelStorage.transcriptStore.deleteVatTranscripts('v1', NaN),
  'deleteVatTranscripts, negative budget': s => s.kernelStorage.transcriptStore.deleteVatTranscripts('v1', -1),
  'deleteVatSnapshots, budget 0': s => s.kernelStorage.snapStore.deleteVatSnapshots('v1', 0),
  'deleteVatSnapshots, budget null': s => s.kernelStorage.snapStore.deleteVatSnapshots('v1', null),
  'loadSnapshot, no such vat': s => s.kernelStorage.snapStore.loadSnapshot('v9').next(),
  'getBundle, none': s => s.kernelStorage.bundleStore.getBundle('b0-00'),
  'addBundle, no kind': s => s.kernelStorage.bundleStore.addBundle('b7-00', BUNDLE),
  'addBundle, wrong format b0': s => s.kernelStorage.bundleStore.addBundle(BUNDLE_ID, { moduleFormat: 'x' }),
  'addBundle, wrong format b1': s => s.kernelStorage.bundleStore.addBundle('b1-00', BUNDLE),
  'addBundle, wrong hash b0': s => s.kernelStorage.bundleStore.addBundle('b0-00', BUNDLE),
  'addBundle, wrong hash b1': s =>
    s.kernelStorage.bundleStore.addBundle('b1-00', { moduleFormat: 'endoZipBase64', endoZipBase64Sha512: 'ff' }),
};

for (const [name, call] of Object.entries(REFUSED)) {
  test(`is refused with the words of the original: ${name}`, async () => {
    await bothRefuse(name, call, await pair());
  });
}

test('the functions of the package refuse with the words of the original', async t => {
  const dir = tempDir(t);
  const both = [reference, ours];
  for (const wrong of [7, {}, true]) {
    await bothRefuse('initSwingStore', p => p.initSwingStore(wrong), both);
    await bothRefuse('openSwingStore', p => p.openSwingStore(wrong), both);
    await bothRefuse('isSwingStore', p => p.isSwingStore(wrong), both);
    await bothRefuse('makeSwingStoreExporter', p => p.makeSwingStoreExporter(wrong), both);
    await bothRefuse('importSwingStore', p => p.importSwingStore({}, wrong), both);
    await bothRefuse('getKeyType', p => p.getKeyType(wrong), both);
    await bothRefuse('bundleIDFromName', p => p.bundleIDFromName(wrong), both);
    await bothRefuse('exportCallback', p => p.initSwingStore(null, { exportCallback: wrong }), both);
  }
  await bothRefuse('openSwingStore()', p => p.openSwingStore(), both);
  await bothRefuse('isSwingStore()', p => p.isSwingStore(), both);
  await bothRefuse('bundleIDFromName, another kind', p => p.bundleIDFromName('snapshot.v1.2'), both);
  await bothRefuse('bundleIDFromName, too long', p => p.bundleIDFromName('bundle.b0-x.y'), both);
  await bothRefuse('serialized, no Buffer', p => p.initSwingStore(null, { serialized: new Uint8Array(4) }), both);
  const serialized = ours.initSwingStore(null).debug.serialize();
  await bothRefuse('serialized with a path', p => p.initSwingStore(dir, { serialized }), both);
  await bothRefuse('artifactMode', p => p.makeSwingStoreExporter(dir, { artifactMode: 'x' }), both);
  await bothRefuse('artifactMode of an import', p => p.importSwingStore({}, null, { artifactMode: 'x' }), both);
  const callbacks = [u17.initSwingStore(null), ours.initSwingStore(null)];
  for (const wrong of [undefined, null, 'x', {}]) {
    await bothRefuse('setExportCallback', s => s.hostStorage.setExportCallback(wrong), callbacks);
  }
});

test('exporters refuse with the words of the original', async t => {
  const dir = tempDir(t);
  const store = ours.initSwingStore(dir);
  await populate(store);
  await store.hostStorage.close();
  const exporters = [reference.makeSwingStoreExporter(dir), ours.makeSwingStoreExporter(dir)];
  for (const wrong of NOT_STRINGS) {
    await bothRefuse('getHostKV', e => e.getHostKV(wrong), exporters);
    await bothRefuse('getArtifact', e => e.getArtifact(wrong), exporters);
  }
  await bothRefuse('getHostKV of the kernel', e => e.getHostKV('kernel.a'), exporters);
  await bothRefuse('another kind', e => e.getArtifact('kv.x'), exporters);
  await bothRefuse('snapshot, no such', e => e.getArtifact('snapshot.v9.1'), exporters);
  await bothRefuse('snapshot, not a name', e => e.getArtifact('snapshot.v9'), exporters);
  await bothRefuse('span, no such', e => e.getArtifact('transcript.v9.0.1').next(), exporters);
  await bothRefuse('span, not a name', e => e.getArtifact('transcript.v1.0').next(), exporters);
  await bothRefuse('bundle, no such', e => e.getArtifact('bundle.b0-00').next(), exporters);
  await bothRefuse('bundle, not a name', e => e.getArtifact('bundle.b0-00.x').next(), exporters);
  for (const exporter of exporters) await exporter.close();
});

test('vat IDs that are no strings are refused, which the original writes as they are or hides', async () => {
  const mine = ours.initSwingStore(null);
  const { transcriptStore, snapStore } = mine.kernelStorage;
  for (const wrong of NOT_STRINGS) {
    const words = /^vatID must be a string/;
    for (const call of ['initTranscript', 'getCurrentSpanBounds', 'readSpan', 'deleteVatTranscripts']) {
      await oursRefuses(call, () => transcriptStore[call](wrong), mine, words);
    }
    await oursRefuses('addItem', () => transcriptStore.addItem(wrong, 'x'), mine, words);
    for (const call of ['rolloverSpan', 'rolloverIncarnation', 'stopUsingTranscript']) {
      await oursRefuses(call, () => transcriptStore[call](wrong), mine, words, 'rejects');
    }
    for (const call of ['deleteVatSnapshots', 'stopUsingLastSnapshot', 'getSnapshotInfo']) {
      await oursRefuses(call, () => snapStore[call](wrong), mine, words);
    }
    await oursRefuses('saveSnapshot', () => snapStore.saveSnapshot(wrong, 1, []), mine, words, 'rejects');
    await oursRefuses('loadSnapshot', () => snapStore.loadSnapshot(wrong).next(), mine, words, 'rejects');
  }
});

test('positions, items, streams and budgets of a wrong kind are refused before anything changes', async () => {
  const mine = ours.initSwingStore(null);
  await populate(mine);
  const before = mine.debug.dump();
  const { transcriptStore, snapStore } = mine.kernelStorage;
  for (const wrong of [undefined, null, 7, {}, Symbol('s')]) {
    await oursRefuses('addItem', () => transcriptStore.addItem('v1', wrong), mine, /^item must be a string/);
  }
  const archived = [];
  const archiving = ours.initSwingStore(null, { archiveSnapshot: async name => archived.push(name) });
  for (const wrong of [undefined, null, 'x', -1, 1.5, NaN, Infinity, 2 ** 53]) {
    for (const s of [mine, archiving]) {
      const save = () => s.kernelStorage.snapStore.saveSnapshot('v1', wrong, [Buffer.from('x')]);
      await oursRefuses(`position ${String(wrong)}`, save, s, /(snapPos|position) must/, 'rejects');
    }
  }
  assert.deepEqual(archived, []);
  for (const wrong of [undefined, null, 7, {}, [7], [{}], [new Uint16Array(2)], [null]]) {
    const save = () => snapStore.saveSnapshot('v1', 9, wrong);
    await oursRefuses(`stream ${show(wrong)}`, save, mine, /must be|not iterable/, 'rejects');
  }
  for (const wrong of [1.5, '3', {}]) {
    const remove = () => snapStore.deleteVatSnapshots('v1', wrong);
    await oursRefuses(`budget ${show(wrong)}`, remove, mine, /^budget must be undefined or positive/);
  }
  assert.deepEqual(mine.debug.dump(), before);
});

test('every call to what is closed says so, and none ends the process', async t => {
  for (const path of [null, tempDir(t)]) {
    const store = ours.initSwingStore(path);
    await populate(store);
    const span = store.kernelStorage.transcriptStore.readSpan('v1', 0);
    const rows = store.internal.transcriptStore.readFullVatTranscript('v1');
    await store.hostStorage.close();
    const { kernelStorage: kernel, hostStorage: host, debug, internal } = store;
    const kv = end => Object.entries({ has: ['x'], get: ['x'], getNextKey: ['x'], set: ['host.x', 'y'], delete: ['host.x'] }).map(
      ([name, args]) => () => end[name](...(end === kernel.kvStore ? args.map(arg => arg.replace('host.', '')) : args)),
    );
    const calls = [
      ...[kernel.kvStore, host.kvStore, internal.kvStore].flatMap(kv),
      ...['startCrank', 'emitCrankHashes', 'endCrank', 'getActivityhash'].map(name => () => kernel[name]()),
      () => kernel.establishCrankSavepoint('x'),
      () => kernel.rollbackCrank('x'),
      ...['initTranscript', 'rolloverSpan', 'rolloverIncarnation', 'getCurrentSpanBounds', 'readSpan', 'stopUsingTranscript', 'deleteVatTranscripts'].map(
        name => () => kernel.transcriptStore[name]('v1'),
      ),
      () => kernel.transcriptStore.addItem('v1', 'x'),
      () => kernel.snapStore.saveSnapshot('v1', 9, [Buffer.from('x')]),
      () => kernel.snapStore.loadSnapshot('v1').next(),
      ...['deleteVatSnapshots', 'stopUsingLastSnapshot', 'getSnapshotInfo', 'deleteAllUnusedSnapshots'].map(
        name => () => kernel.snapStore[name]('v1'),
      ),
      () => kernel.bundleStore.addBundle(BUNDLE_ID, BUNDLE),
      ...['hasBundle', 'getBundle', 'deleteBundle'].map(name => () => kernel.bundleStore[name](BUNDLE_ID)),
      () => host.commit(),
      () => host.close(),
      () => host.setExportCallback(() => {}),
      () => host.repairMetadata({ getExportData: () => [], close: async () => {} }),
      () => debug.dump(),
      () => (path === null ? debug.serialize() : host.close()),
      () => internal.snapStore.hasHash('v1', '00'.repeat(32)),
      () => internal.snapStore.deleteSnapshotByHash('v1', '00'.repeat(32)),
      () => internal.snapStore.listAllSnapshots().next(),
      () => internal.transcriptStore.readFullVatTranscript('v1').next(),
      () => internal.bundleStore.getBundleIDs().next(),
      () => span.next(),
      () => rows.next(),
    ];
    for (const call of calls) {
      const { error } = await outcome(call);
      assert.match(String(error?.message), /database connection is not open|db not initialized/, `${call}`);
    }
  }
});

test('every call to a closed exporter says so', async t => {
  const dir = tempDir(t);
  const store = ours.initSwingStore(dir);
  await populate(store);
  const exporter = ours.makeSwingStoreExporter(dir);
  const [records, names, bytes] = [exporter.getExportData(), exporter.getArtifactNames(), exporter.getArtifact('snapshot.v1.3')];
  await records.next();
  await exporter.close();
  const calls = [
    () => exporter.getHostKV('host.height'),
    () => exporter.getExportData().next(),
    () => exporter.getArtifactNames(),
    () => exporter.getArtifact('snapshot.v1.3'),
    () => exporter.getArtifact('transcript.v1.0.3').next(),
    () => exporter.close(),
    () => names.next(),
    () => bytes.next(),
  ];
  for (const call of calls) {
    const { error } = await outcome(call);
    assert.match(String(error?.message), /not open/, `${call}`);
  }
  // What was read already may still be looked at; then it is over too.
  await assert.rejects(async () => {
    for await (const record of records) assert.equal(record.length, 2);
  }, /not open/);
});

test('native functions take handles of their own kind and nothing else', t => {
  const require = createRequire(import.meta.resolve('swing-node'));
  const file = require.resolve(`../native/swing-node.${process.platform}-${process.arch}.node`);
  // Another module, as far as Node and this one know.
  const copy = path.join(tempDir(t), 'copy.node');
  fs.copyFileSync(file, copy);
  const [native, stranger] = [require(file), require(copy)];
  const options = { keepTranscripts: true };
  const [store, other] = [native.open(null, options), native.open(null, options)];
  native.transcripts.initTranscript(store, 'v1');
  native.transcripts.addItem(store, 'v1', 'item');
  const span = native.transcripts.readSpan(store, 'v1', 0);
  const refused = { code: 'SWING_ARGUMENT', message: 'this takes a handle of another kind' };
  const foreign = stranger.open(null, options);
  for (const wrong of [span, foreign, undefined, null, 1, 'store', {}, [], () => store, new Proxy({}, {})]) {
    assert.throws(() => native.unguardedKv.get(wrong, 'key'), refused);
    assert.throws(() => native.store.close(wrong), refused);
  }
  for (const wrong of [store, undefined, {}]) assert.throws(() => native.spans.nextItems(wrong), refused);
  native.unguardedKv.set(store, 'key', 'value');
  assert.deepEqual([store, other].map(handle => native.unguardedKv.get(handle, 'key')), ['value', undefined]);
  assert.deepEqual(native.spans.nextItems(span), ['item']);
});
