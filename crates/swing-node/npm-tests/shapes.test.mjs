// Everything that is handed out, held beside what the original hands out, under lockdown.
import assert from 'node:assert/strict';
import test from 'node:test';
import '@endo/init';
import * as reference from '@agoric/swing-store';
import * as u17 from 'swing-store-u17';
import * as ours from 'swing-node';

import { BUNDLE_ID, all, outcome, populate, tempDir } from './support.mjs';

const names = object => Reflect.ownKeys(object).sort();
const without = (listed, dropped) => listed.filter(name => !dropped.includes(name));

/** Properties with how they can be used. */
const shape = object =>
  Object.fromEntries(
    names(object).map(name => {
      const { enumerable, writable, configurable, value } = Reflect.getOwnPropertyDescriptor(object, name);
      return [name, { enumerable, writable, configurable, type: typeof value }];
    }),
  );

const isDeepFrozen = (value, seen = new Set()) => {
  if (Object(value) !== value || seen.has(value) || ArrayBuffer.isView(value)) return true;
  seen.add(value);
  return Object.isFrozen(value) && Reflect.ownKeys(value).every(name => isDeepFrozen(value[name], seen));
};

const pair = async () => {
  const stores = { theirs: reference.initSwingStore(null), mine: ours.initSwingStore(null) };
  await populate(stores.theirs);
  await populate(stores.mine);
  return stores;
};

test('the package has the names of the original, and openDatabase', () => {
  const theirs = new Set([...Object.keys(reference), ...Object.keys(u17)]);
  assert.deepEqual(without(Object.keys(ours).sort(), ['openDatabase']), [...theirs].sort());
  for (const name of theirs) assert.equal(typeof ours[name], typeof (reference[name] ?? u17[name]), name);
});

test('a store has the four parts of the original, frozen to the last', async () => {
  const { theirs, mine } = await pair();
  assert.deepEqual(shape(mine), shape(theirs));
  assert.ok(isDeepFrozen(mine));
});

test('the kernel end has the properties of the original', async () => {
  const { theirs, mine } = await pair();
  assert.deepEqual(shape(mine.kernelStorage), shape(theirs.kernelStorage));
  for (const part of ['kvStore', 'transcriptStore', 'snapStore', 'bundleStore']) {
    assert.deepEqual(shape(mine.kernelStorage[part]), shape(theirs.kernelStorage[part]), part);
  }
});

test('the host end has the properties of both releases of the original', async () => {
  const { theirs, mine } = await pair();
  const older = u17.initSwingStore(null);
  const expected = { ...shape(theirs.hostStorage), ...shape(older.hostStorage) };
  assert.deepEqual(shape(mine.hostStorage), expected);
  assert.deepEqual(shape(mine.hostStorage.kvStore), shape(theirs.hostStorage.kvStore));
});

test('debug and internal have what tools use', async () => {
  const { theirs, mine } = await pair();
  assert.deepEqual(without(names(mine.debug), ['diskUsage']), names(theirs.debug));
  assert.deepEqual(shape(mine.internal), shape(theirs.internal));
  assert.deepEqual(names(mine.internal.kvStore), names(theirs.internal.kvStore));
  for (const part of ['transcriptStore', 'snapStore', 'bundleStore']) {
    assert.deepEqual(names(mine.internal[part]), names(theirs.internal[part]), part);
  }
});

test('an exporter and an imported store have the properties of the original', async t => {
  const dirs = { theirs: tempDir(t), mine: tempDir(t) };
  const shapes = {};
  for (const [who, package_] of Object.entries({ theirs: reference, mine: ours })) {
    const store = package_.initSwingStore(dirs[who]);
    await populate(store);
    await store.hostStorage.close();
    const exporter = package_.makeSwingStoreExporter(dirs[who]);
    assert.ok(Object.isFrozen(exporter), who);
    shapes[who] = [shape(exporter)];
    const imported = await package_.importSwingStore(exporter);
    shapes[who].push(names(imported), without(names(imported.hostStorage), ['setExportCallback']));
  }
  assert.deepEqual(shapes.mine, shapes.theirs);
});

/** How a call answers, and of which kind its answer is. */
const answer = async (call, look = value => value) => {
  const { how, value, error } = await outcome(call);
  if (error) return { how, message: error.message };
  const kind = value === null ? 'null' : typeof value;
  return { how, kind, names: kind === 'object' ? names(value) : [], look: look(value) };
};
const sizes = ({ hash, uncompressedSize }) => ({ hash, uncompressedSize });

const CALLS = {
  'kernel has': s => s.kernelStorage.kvStore.has('kernel.a'),
  'kernel has, absent': s => s.kernelStorage.kvStore.has('x'),
  'kernel get': s => s.kernelStorage.kvStore.get('kernel.a'),
  'kernel get, absent': s => s.kernelStorage.kvStore.get('x'),
  'kernel getNextKey': s => s.kernelStorage.kvStore.getNextKey('kernel.a'),
  'kernel getNextKey, last': s => s.kernelStorage.kvStore.getNextKey('z'),
  'kernel set': s => s.kernelStorage.kvStore.set('x', 'y'),
  'kernel delete': s => s.kernelStorage.kvStore.delete('kernel.a'),
  'kernel delete, absent': s => s.kernelStorage.kvStore.delete('x'),
  'host get': s => s.hostStorage.kvStore.get('host.height'),
  'host reads the kernel': s => s.hostStorage.kvStore.get('kernel.a'),
  'host set': s => s.hostStorage.kvStore.set('host.x', 'y'),
  'host delete': s => s.hostStorage.kvStore.delete('host.height'),
  initTranscript: s => s.kernelStorage.transcriptStore.initTranscript('v2'),
  addItem: s => s.kernelStorage.transcriptStore.addItem('v1', 'x'),
  getCurrentSpanBounds: s => s.kernelStorage.transcriptStore.getCurrentSpanBounds('v1'),
  rolloverSpan: s => s.kernelStorage.transcriptStore.rolloverSpan('v1'),
  rolloverIncarnation: s => s.kernelStorage.transcriptStore.rolloverIncarnation('v1'),
  stopUsingTranscript: s => s.kernelStorage.transcriptStore.stopUsingTranscript('v1'),
  'stopUsingTranscript, no such vat': s => s.kernelStorage.transcriptStore.stopUsingTranscript('v9'),
  deleteVatTranscripts: s => s.kernelStorage.transcriptStore.deleteVatTranscripts('v1'),
  'deleteVatTranscripts, budget': s => s.kernelStorage.transcriptStore.deleteVatTranscripts('v1', 1),
  'deleteVatTranscripts, no such vat': s => s.kernelStorage.transcriptStore.deleteVatTranscripts('v9', 3),
  getSnapshotInfo: s => s.kernelStorage.snapStore.getSnapshotInfo('v1'),
  'getSnapshotInfo, none': s => s.kernelStorage.snapStore.getSnapshotInfo('v9'),
  stopUsingLastSnapshot: s => s.kernelStorage.snapStore.stopUsingLastSnapshot('v1'),
  deleteAllUnusedSnapshots: s => s.kernelStorage.snapStore.deleteAllUnusedSnapshots(),
  deleteVatSnapshots: s => s.kernelStorage.snapStore.deleteVatSnapshots('v1'),
  'deleteVatSnapshots, budget': s => s.kernelStorage.snapStore.deleteVatSnapshots('v1', 5),
  hasBundle: s => s.kernelStorage.bundleStore.hasBundle(BUNDLE_ID),
  'hasBundle, none': s => s.kernelStorage.bundleStore.hasBundle('b0-00'),
  getBundle: s => s.kernelStorage.bundleStore.getBundle(BUNDLE_ID),
  deleteBundle: s => s.kernelStorage.bundleStore.deleteBundle(BUNDLE_ID),
  'deleteBundle, none': s => s.kernelStorage.bundleStore.deleteBundle('b0-00'),
  startCrank: s => s.kernelStorage.startCrank(),
  getActivityhash: s => s.kernelStorage.getActivityhash(),
  emitCrankHashes: s => s.kernelStorage.emitCrankHashes(),
  commit: s => s.hostStorage.commit(),
  diskUsage: s => s.hostStorage.diskUsage(),
  close: s => s.hostStorage.close(),
  'internal get': s => s.internal.kvStore.get('host.height'),
  'internal hasHash': s => s.internal.snapStore.hasHash('v1', 'nonsense'),
  'internal deleteSnapshotByHash': s => s.internal.snapStore.deleteSnapshotByHash('v1', 'nonsense'),
};

for (const [name, call] of Object.entries(CALLS)) {
  test(`answers as the original does: ${name}`, async () => {
    const { theirs, mine } = await pair();
    // How well a snapshot compresses is no part of the contract.
    const look = value => (name === 'getSnapshotInfo' ? sizes(value) : value);
    assert.deepEqual(await answer(() => call(mine), look), await answer(() => call(theirs), look));
  });
}

test('a saved snapshot is described as by the original', async () => {
  const { theirs, mine } = await pair();
  const save = s => () => s.kernelStorage.snapStore.saveSnapshot('v1', 5, [Buffer.from('another heap')]);
  const [one, other] = [await answer(save(mine), sizes), await answer(save(theirs), sizes)];
  assert.deepEqual(one, other);
  assert.ok(Object.isFrozen(await save(mine)()));
  assert.equal((await save(mine)()).archiveWriteSeconds, undefined);
});

test('iterators of one store have the protocol of generators, and their ends', async () => {
  const { theirs, mine } = await pair();
  const iterators = {
    readSpan: s => s.kernelStorage.transcriptStore.readSpan('v1', 0),
    'readSpan, current': s => s.kernelStorage.transcriptStore.readSpan('v1'),
    readFullVatTranscript: s => s.internal.transcriptStore.readFullVatTranscript('v1'),
    listAllSnapshots: s => s.internal.snapStore.listAllSnapshots(),
    getBundleIDs: s => s.internal.bundleStore.getBundleIDs(),
  };
  for (const [name, begin] of Object.entries(iterators)) {
    const rows = s =>
      Array.from(begin(s), row => (typeof row === 'object' ? { ...row, compressedSize: 0 } : row));
    assert.deepEqual(rows(mine), rows(theirs), name);
    for (const s of [mine, theirs]) {
      const iterator = begin(s);
      assert.equal(iterator[Symbol.iterator](), iterator, name);
      assert.equal(typeof iterator.return, 'function', name);
      assert.equal(typeof iterator.throw, 'function', name);
      assert.equal(iterator.next().done, false, name);
      assert.equal(iterator.return('early').done, true, name);
      assert.deepEqual(iterator.next(), { done: true, value: undefined }, name);
      // Its end is its end.
      const whole = begin(s);
      Array.from(whole);
      assert.deepEqual(whole.next(), { done: true, value: undefined }, name);
      assert.throws(() => begin(s).throw(Error('from outside')), /^Error: from outside$/, name);
    }
  }
});

test('a span is looked for when it is asked for, a snapshot when it is read', async () => {
  const { theirs, mine } = await pair();
  for (const s of [theirs, mine]) {
    assert.throws(() => s.kernelStorage.transcriptStore.readSpan('v9'), /no current transcript for "v9"/);
    assert.throws(() => s.kernelStorage.transcriptStore.readSpan('v1', 77), /no transcript span for "v1" at 77/);
    const absent = s.kernelStorage.snapStore.loadSnapshot('v9');
    assert.equal(absent[Symbol.asyncIterator](), absent);
    await assert.rejects(absent.next(), /no snapshot available for vat "v9"/);
    const chunks = await all(s.kernelStorage.snapStore.loadSnapshot('v1'));
    assert.ok(chunks.every(chunk => Buffer.isBuffer(chunk)));
    assert.equal(Buffer.concat(chunks).toString(), 'a heap');
  }
});

test('a dump is that of the original', async () => {
  const { theirs, mine } = await pair();
  for (const historical of [undefined, true, false]) {
    const [one, other] = [mine.debug.dump(historical), theirs.debug.dump(historical)];
    const plain = ({ snapshots, ...rest }) => ({
      ...rest,
      snapshots: Object.entries(snapshots).map(([vat, rows]) => [
        vat,
        rows.map(({ compressedSnapshot, ...row }) => ({ ...row, bytes: Buffer.isBuffer(compressedSnapshot) })),
      ]),
    });
    assert.deepEqual(plain(one), plain(other));
    assert.deepEqual(Object.keys(one), Object.keys(other));
    assert.ok(isDeepFrozen(one));
  }
});

test('ends work when they are spread and taken apart, as plain functions', async () => {
  const store = { ...ours.initSwingStore(null) };
  const { startCrank, endCrank, establishCrankSavepoint, rollbackCrank, kvStore } = { ...store.kernelStorage };
  const { set, get, delete: del, getNextKey, has } = { ...kvStore };
  const { initTranscript, addItem, readSpan, rolloverSpan } = { ...store.kernelStorage.transcriptStore };
  const { saveSnapshot, loadSnapshot, getSnapshotInfo } = { ...store.kernelStorage.snapStore };
  const { commit, close, kvStore: host } = { ...store.hostStorage };
  startCrank();
  set('a', '1');
  establishCrankSavepoint('here');
  set('a', '2');
  rollbackCrank('here');
  assert.equal(Reflect.apply(get, 'no store at all', ['a']), '1');
  del('a');
  assert.equal(has('a'), false);
  assert.equal(getNextKey(''), undefined);
  initTranscript('v1');
  addItem('v1', 'one');
  await saveSnapshot('v1', 1, [Buffer.from('heap')]);
  await rolloverSpan('v1');
  assert.deepEqual([...readSpan('v1', 0)], ['one']);
  assert.equal(getSnapshotInfo('v1').snapPos, 1);
  assert.equal(Buffer.concat(await all(loadSnapshot('v1'))).toString(), 'heap');
  endCrank();
  const { set: hostSet } = host;
  hostSet('host.height', '3');
  await commit();
  await close();
});

test('a forged receiver changes nothing, and construction does no harm', () => {
  const one = ours.initSwingStore(null);
  const other = ours.initSwingStore(null);
  const { set, get } = one.kernelStorage.kvStore;
  for (const receiver of [undefined, null, 7, 'x', {}, other.kernelStorage.kvStore, new Proxy({}, {}), Symbol('s')]) {
    Reflect.apply(set, receiver, ['key', 'value']);
    assert.equal(Reflect.apply(get, receiver, ['key']), 'value');
  }
  assert.equal(other.kernelStorage.kvStore.get('key'), undefined);
  for (const end of [one.kernelStorage, one.hostStorage, one.debug]) {
    for (const call of Object.values(end).filter(value => typeof value === 'function')) {
      try {
        // eslint-disable-next-line no-new
        new call();
      } catch {
        // Whatever it says, the process goes on.
      }
    }
  }
});

test('a realm without harden gets frozen ends all the same', async () => {
  const { inChild } = await import('./support.mjs');
  const source = `
    import { initSwingStore } from 'swing-node';
    if (globalThis.harden) throw Error('this realm has harden');
    const frozen = value => Object(value) !== value || ArrayBuffer.isView(value) ||
      (Object.isFrozen(value) && Object.values(value).every(frozen));
    const store = initSwingStore(null);
    store.kernelStorage.transcriptStore.initTranscript('v1');
    await store.kernelStorage.snapStore.saveSnapshot('v1', 0, [Buffer.from('heap')]);
    console.log(frozen(store), frozen(store.debug.dump()));
  `;
  assert.equal(await inChild(source), 'true true');
});
