// A read-only store under an overlay in memory, beside the original: a kernel runs on it, and nothing reaches the file.
import assert from 'node:assert/strict';
import test from 'node:test';
import '@endo/init';
import * as original from '@agoric/swing-store';
import * as ours from 'swing-node';

import { inTurn, populate, tempDir } from './support.mjs';

/** What a tool puts before the key-value store. */
const overlay = base => {
  const over = new Map();
  return {
    ...base,
    has: key => (over.has(key) ? over.get(key) !== null : base.has(key)),
    get: key => (over.has(key) ? over.get(key) ?? undefined : base.get(key)),
    set: (key, value) => void over.set(key, value),
    delete: key => void over.set(key, null),
  };
};

/** The same store, opened read-only by both. */
const bothReading = async (t, options) => {
  const dir = tempDir(t);
  const store = ours.initSwingStore(dir);
  await populate(store);
  await store.hostStorage.close();
  return [ours, original].map(({ openSwingStore }) => openSwingStore(dir, { readonly: true, ...options }));
};

const LIFE = [
  ['startCrank', k => k.startCrank()],
  ['establishCrankSavepoint', k => k.establishCrankSavepoint('one')],
  ['set', k => k.kvStore.set('kernel.a', 'new')],
  ['get', k => k.kvStore.get('kernel.a')],
  ['set local', k => k.kvStore.set('local.x', 'new')],
  ['establish another', k => k.establishCrankSavepoint('two')],
  ['delete', k => k.kvStore.delete('kernel.b')],
  ['has', k => k.kvStore.has('kernel.b')],
  ['rollback', k => k.rollbackCrank('two')],
  ['rollback again', k => k.rollbackCrank('two')],
  ['what went to the overlay stays', k => k.kvStore.has('kernel.b')],
  ['emitCrankHashes', k => k.emitCrankHashes()],
  ['getActivityhash', k => k.getActivityhash()],
  ['emit again', k => k.emitCrankHashes()],
  ['host set', (_, h) => h.kvStore.set('host.x', 'new')],
  ['host get', (_, h) => h.kvStore.get('host.x')],
  ['endCrank', k => k.endCrank()],
  ['endCrank again', k => k.endCrank()],
  ['commit', (_, h) => h.commit()],
  ['another crank', k => k.startCrank()],
  ['with the same savepoint', k => k.establishCrankSavepoint('one')],
  ['rolled back', k => k.rollbackCrank('one')],
  ['and no hash of it', k => k.emitCrankHashes()],
  ['to its end', k => k.endCrank()],
  ['addItem', k => k.transcriptStore.addItem('v1', 'x')],
  ['commit again', (_, h) => h.commit()],
];

test('a kernel runs on a read-only store whose keys are overlaid, with the same hashes', async t => {
  const stores = await bothReading(t, { wrapKvStore: overlay });
  const [mine, theirs] = await inTurn(stores, LIFE);
  assert.deepEqual(mine, theirs);
  assert.equal(mine.find(([what]) => what === 'addItem')[1], 'throws attempt to write a readonly database');
});

test('from its first savepoint to its commit a read-only store is that of one commit', async t => {
  for (const { openSwingStore } of [ours, original]) {
    const dir = tempDir(t);
    const writer = ours.initSwingStore(dir);
    await populate(writer);
    const { kernelStorage, hostStorage } = openSwingStore(dir, { readonly: true, wrapKvStore: overlay });
    const seen = [];
    const goOn = async value => {
      seen.push(kernelStorage.kvStore.get('kernel.a'));
      writer.kernelStorage.kvStore.set('kernel.a', value);
      await writer.hostStorage.commit();
      seen.push(kernelStorage.kvStore.get('kernel.a'));
    };
    await goOn('2');
    kernelStorage.startCrank();
    kernelStorage.establishCrankSavepoint('s');
    seen.push(kernelStorage.kvStore.get('kernel.a'));
    await goOn('3');
    kernelStorage.endCrank();
    await goOn('4');
    await hostStorage.commit();
    await goOn('5');
    assert.deepEqual(seen, ['1', '2', '2', '2', '2', '2', '2', '4', '5']);
    await hostStorage.close();
    await writer.hostStorage.close();
  }
});

test('without an overlay the same is refused, in the same words', async t => {
  const stores = await bothReading(t, {});
  const [mine, theirs] = await inTurn(stores, LIFE);
  // Its crankhash is used up although nothing came of it.
  assert.deepEqual(mine, theirs);
  assert.equal(mine.find(([what]) => what === 'set')[1], 'throws attempt to write a readonly database');
});

test('an overlay that hands changes on to a read-only store is refused them, and nothing is hashed', async t => {
  const [mine] = await bothReading(t, { wrapKvStore: base => ({ ...base }) });
  const [plain] = await bothReading(t, { wrapKvStore: overlay });
  for (const { kernelStorage } of [mine, plain]) kernelStorage.startCrank();
  assert.throws(() => mine.kernelStorage.kvStore.set('a', 'b'), { code: 'SWING_READ_ONLY' });
  assert.throws(() => mine.kernelStorage.kvStore.delete('a'), { code: 'SWING_READ_ONLY' });
  assert.throws(() => mine.kernelStorage.emitCrankHashes(), { code: 'SWING_READ_ONLY' });
  assert.equal(mine.kernelStorage.getActivityhash(), plain.kernelStorage.getActivityhash());
});

test('a change that is refused does not reach the overlay first', async t => {
  const dir = tempDir(t);
  await populate(ours.initSwingStore(dir));
  const asked = [];
  const wrapKvStore = base => ({
    ...base,
    set: (...change) => void asked.push(change),
    delete: (...change) => void asked.push(change),
  });
  // Whoever has a callback wants to hear of changes, which a read-only store cannot keep for him.
  const reading = ours.openSwingStore(dir, { readonly: true, wrapKvStore, exportCallback: () => {} });
  const { kvStore } = reading.kernelStorage;
  assert.throws(() => kvStore.set('a', 'b'), { code: 'SWING_READ_ONLY' });
  assert.throws(() => kvStore.delete('a'), { code: 'SWING_READ_ONLY' });
  assert.throws(() => kvStore.set('host.a', 'b'), /refuses host keys/);
  assert.throws(() => kvStore.set('a', 7), /value must be a string/);
  assert.deepEqual(asked, []);
  kvStore.set('local.a', 'b');
  assert.deepEqual(asked, [['local.a', 'b']]);
  await reading.hostStorage.close();
  assert.throws(() => kvStore.set('a', 'b'), { code: 'SWING_CLOSED' });
  assert.deepEqual(asked, [['local.a', 'b']]);
});

test('a change that the overlay refuses is neither hashed nor exported', async () => {
  const boom = Error('no');
  const refusing = base => ({
    ...base,
    set: (key, value) => {
      if (key === 'a') throw boom;
      base.set(key, value);
    },
  });
  const batches = [];
  const store = ours.initSwingStore(null, { wrapKvStore: refusing, exportCallback: batch => batches.push(batch) });
  const plain = ours.initSwingStore(null);
  for (const { kernelStorage } of [store, plain]) {
    kernelStorage.startCrank();
    kernelStorage.kvStore.set('b', '1');
  }
  assert.throws(() => store.kernelStorage.kvStore.set('a', '1'), boom);
  const hashes = [store, plain].map(({ kernelStorage }) => kernelStorage.emitCrankHashes());
  assert.deepEqual(hashes[0], hashes[1]);
  store.kernelStorage.endCrank();
  assert.deepEqual(batches, [[['kv.activityhash', hashes[0].activityhash], ['kv.b', '1']]]);
});
