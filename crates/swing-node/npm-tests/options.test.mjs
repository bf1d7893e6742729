// The options one by one, and single substores over a path or a handle.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import Database from 'better-sqlite3';
import {
  importSwingStore,
  initSwingStore,
  isSwingStore,
  makeBundleStore,
  makeKVStore,
  makeSnapStore,
  makeSnapStoreIO,
  makeSwingStoreExporter,
  makeTranscriptStore,
  openDatabase,
  openSwingStore,
} from 'swing-node';

import { BUNDLE, BUNDLE_ID, all, inChild, populate, tempDir } from './support.mjs';

test('serialized: a store in memory goes on from what another was', async () => {
  const first = initSwingStore(null);
  await populate(first);
  const serialized = first.debug.serialize();
  assert.ok(Buffer.isBuffer(serialized));
  for (const again of [initSwingStore(null, { serialized }), openSwingStore('', { serialized: undefined })]) {
    again.kernelStorage.kvStore.set('x', 'y');
    await again.hostStorage.commit();
  }
  const again = initSwingStore(null, { serialized });
  assert.deepEqual(again.debug.dump(), first.debug.dump());
  assert.throws(() => initSwingStore(null, { serialized: Buffer.from('no database at all') }), Error);
});

test('asFile: the path is that of the file', async t => {
  const dir = tempDir(t);
  const file = path.join(dir, 'other.sqlite');
  const store = initSwingStore(file, { asFile: true });
  await populate(store);
  assert.equal(store.internal.dirPath, null);
  assert.equal(store.internal.asFile, true);
  await store.hostStorage.close();
  assert.ok(fs.statSync(file).isFile());
  assert.equal(isSwingStore(dir), false);
  const again = openSwingStore(file, { asFile: true });
  assert.equal(again.kernelStorage.kvStore.get('kernel.a'), '1');
  await again.hostStorage.close();
  const fresh = initSwingStore(file, { asFile: true });
  assert.equal(fresh.kernelStorage.kvStore.get('kernel.a'), undefined);
});

test('initSwingStore makes a new store in place of the old one, openSwingStore a first one', async t => {
  const dir = path.join(tempDir(t), 'not', 'there', 'yet');
  const first = openSwingStore(dir);
  await populate(first);
  assert.ok(isSwingStore(dir));
  assert.equal(first.internal.dirPath, dir);
  await first.hostStorage.close();
  const second = initSwingStore(dir);
  assert.equal(second.kernelStorage.kvStore.has('kernel.a'), false);
});

test('readonly: everything can be read, nothing changed, and the file stays as it is', async t => {
  const dir = tempDir(t);
  const store = initSwingStore(dir);
  await populate(store);
  const dump = store.debug.dump();
  await store.hostStorage.close();
  const reading = openSwingStore(dir, { readonly: true });
  assert.deepEqual(reading.debug.dump(), dump);
  assert.equal(reading.kernelStorage.kvStore.get('kernel.a'), '1');
  assert.deepEqual([...reading.kernelStorage.transcriptStore.readSpan('v1')], ['loaded']);
  assert.equal(String(Buffer.concat(await all(reading.kernelStorage.snapStore.loadSnapshot('v1')))), 'a heap');
  for (const change of [
    () => reading.kernelStorage.kvStore.set('x', 'y'),
    () => reading.hostStorage.kvStore.delete('host.height'),
    () => reading.kernelStorage.transcriptStore.addItem('v1', 'x'),
    () => reading.kernelStorage.bundleStore.deleteBundle(BUNDLE_ID),
  ]) {
    assert.throws(change, { code: 'SWING_READ_ONLY', message: /read-?only/ }, String(change));
  }
  const saving = reading.kernelStorage.snapStore.saveSnapshot('v1', 9, []);
  await assert.rejects(saving, { code: 'SWING_READ_ONLY', message: /read-?only/ });
  await reading.hostStorage.close();
  assert.throws(() => openSwingStore(path.join(dir, 'nowhere'), { readonly: true }), Error);
  assert.equal(fs.existsSync(path.join(dir, 'nowhere')), false);
});

test('traceFile: every change of a key is appended to it', async t => {
  const dir = tempDir(t);
  const traceFile = path.join(dir, 'trace');
  fs.writeFileSync(traceFile, 'before\n');
  const store = initSwingStore(null, { traceFile });
  store.kernelStorage.kvStore.set('a', '1 2');
  store.kernelStorage.kvStore.delete('a');
  store.hostStorage.kvStore.set('host.x', 'ü');
  await store.hostStorage.commit();
  await store.hostStorage.close();
  assert.equal(fs.readFileSync(traceFile, 'utf8'), 'before\nset a 1 2\ndel a\nset host.x ü\n');
  assert.throws(() => initSwingStore(null, { traceFile: dir }), Error);
});

test('keepSnapshots: what is not in use keeps its bytes', async () => {
  for (const keepSnapshots of [undefined, false, true]) {
    const store = initSwingStore(null, { keepSnapshots });
    await store.kernelStorage.snapStore.saveSnapshot('v1', 1, [Buffer.from('one')]);
    await store.kernelStorage.snapStore.saveSnapshot('v1', 2, [Buffer.from('two')]);
    store.kernelStorage.snapStore.stopUsingLastSnapshot('v1');
    const kept = store.debug.dump().snapshots.v1.map(({ compressedSnapshot }) => compressedSnapshot !== null);
    assert.deepEqual(kept, keepSnapshots ? [true, true] : [false, false]);
  }
});

test('keepTranscripts: what is not of the current span keeps its items', async () => {
  for (const keepTranscripts of [undefined, false, true]) {
    const store = initSwingStore(null, { keepTranscripts });
    const { transcriptStore } = store.kernelStorage;
    transcriptStore.initTranscript('v1');
    transcriptStore.addItem('v1', 'one');
    await transcriptStore.rolloverSpan('v1');
    const rows = Object.keys(store.debug.dump().transcripts.v1 ?? {});
    assert.deepEqual(rows, keepTranscripts === false ? [] : ['0']);
  }
});

test('unsafeFastMode: a store like any other, while nothing fails', async t => {
  const dir = tempDir(t);
  const store = initSwingStore(dir, { unsafeFastMode: true });
  await populate(store);
  const dump = store.debug.dump();
  await store.hostStorage.close();
  assert.deepEqual(openSwingStore(dir).debug.dump(), dump);
});

test('wrapKvStore: the tool sees every key, and what the kernel writes is hashed and exported all the same', async () => {
  const seen = [];
  const batches = [];
  const wrapKvStore = inner => ({
    ...inner,
    set: (key, value) => {
      seen.push(key);
      inner.set(key, value);
    },
    get: key => (key === 'secret' ? 'hidden' : inner.get(key)),
  });
  const wrapped = initSwingStore(null, { wrapKvStore, exportCallback: batch => batches.push(batch) });
  const plain = initSwingStore(null);
  for (const { kernelStorage, hostStorage } of [wrapped, plain]) {
    kernelStorage.startCrank();
    kernelStorage.kvStore.set('a', '1');
    kernelStorage.kvStore.set('local.b', '2');
    kernelStorage.kvStore.delete('c');
    kernelStorage.emitCrankHashes();
    kernelStorage.endCrank();
    hostStorage.kvStore.set('host.x', 'y');
    await hostStorage.commit();
  }
  assert.deepEqual(seen, ['a', 'local.b', 'activityhash', 'host.x']);
  assert.deepEqual(batches, [
    [['kv.a', '1'], ['kv.activityhash', plain.kernelStorage.getActivityhash()], ['kv.c', null]],
  ]);
  assert.equal(wrapped.kernelStorage.getActivityhash(), plain.kernelStorage.getActivityhash());
  assert.equal(wrapped.kernelStorage.kvStore.get('secret'), 'hidden');
  assert.throws(() => wrapped.kernelStorage.kvStore.set('host.x', 'y'), /refuses host keys/);
  assert.throws(() => wrapped.hostStorage.kvStore.set('a', 'y'), /requires host keys/);
});

test('the other wrappers: both ends and the tools have what the tool made', async () => {
  const marked = name => inner => ({ ...inner, [name]: () => `wrapped ${name}` });
  const store = initSwingStore(null, {
    wrapTranscriptStore: marked('getCurrentSpanBounds'),
    wrapSnapStore: marked('getSnapshotInfo'),
    wrapBundleStore: marked('hasBundle'),
  });
  for (const end of [store.kernelStorage, store.internal]) {
    assert.equal(end.transcriptStore.getCurrentSpanBounds('v1'), 'wrapped getCurrentSpanBounds');
    assert.equal(end.snapStore.getSnapshotInfo('v1'), 'wrapped getSnapshotInfo');
    assert.equal(end.bundleStore.hasBundle('b0-0'), 'wrapped hasBundle');
  }
});

test('a wrapper that throws leaves nothing open', async t => {
  const dir = tempDir(t);
  for (const name of ['wrapKvStore', 'wrapTranscriptStore', 'wrapSnapStore', 'wrapBundleStore']) {
    const boom = Error(name);
    const wrapper = () => {
      throw boom;
    };
    assert.throws(() => openSwingStore(dir, { [name]: wrapper }), boom);
  }
  await openSwingStore(dir).hostStorage.close();
});

test('options that say no in another way are those of the original', async () => {
  for (const no of ['', 0, false, null, undefined, NaN]) {
    const store = initSwingStore(null, { serialized: no, traceFile: no });
    store.kernelStorage.kvStore.set('a', 'b');
    assert.equal(store.kernelStorage.kvStore.get('a'), 'b');
  }
  const empty = initSwingStore(null, { serialized: Buffer.alloc(0) });
  assert.equal(empty.kernelStorage.kvStore.has('a'), false);
  for (const none of [null, 0, '']) {
    for (const wrap of ['wrapKvStore', 'wrapTranscriptStore', 'wrapSnapStore', 'wrapBundleStore']) {
      assert.throws(() => initSwingStore(null, { [wrap]: none }), RegExp(`${wrap} is not a function`));
    }
  }
});

test('a store that is made anew is to be written', async t => {
  const dir = tempDir(t);
  const old = initSwingStore(dir);
  old.hostStorage.kvStore.set('host.old', '1');
  await old.hostStorage.commit();
  await old.hostStorage.close();
  assert.throws(() => initSwingStore(dir, { readonly: true }), { code: 'SWING_ARGUMENT', message: /cannot be read-only/ });
  const exporter = makeSwingStoreExporter(dir);
  await assert.rejects(importSwingStore(exporter, path.join(dir, 'new'), { readonly: true }), /cannot be read-only/);
  assert.equal(openSwingStore(dir, { readonly: true }).hostStorage.kvStore.get('host.old'), '1');
  assert.deepEqual(fs.readdirSync(dir).filter(name => !name.startsWith('swingstore.sqlite')), []);
});

test('no directory is no store, wherever the process is', async t => {
  const dir = tempDir(t);
  await initSwingStore(dir).hostStorage.close();
  const before = process.cwd();
  process.chdir(dir);
  try {
    assert.deepEqual([isSwingStore('.'), isSwingStore('')], [true, false]);
  } finally {
    process.chdir(before);
  }
});

test('a store that another process has open for writing is refused at once, with who has it', async t => {
  const dir = tempDir(t);
  const store = openSwingStore(dir);
  const source = `
    import { openSwingStore } from 'swing-node';
    try {
      openSwingStore(process.argv.at(-1));
    } catch ({ code, message }) {
      console.log(code, message);
    }
  `;
  assert.match(await inChild(source, [dir]), new RegExp(`^SWING_BUSY .*another writer \\(process ${process.pid};`));
  await store.hostStorage.close();
  await openSwingStore(dir).hostStorage.close();
});

const substores = db => {
  const told = [];
  const note = (key, value) => told.push([key, value]);
  return {
    told,
    kv: makeKVStore(db),
    transcripts: makeTranscriptStore(db, () => {}, note),
    snaps: makeSnapStore(db, () => {}, makeSnapStoreIO(), note),
    bundles: makeBundleStore(db, () => {}, note),
  };
};

const DATABASES = {
  'a path to a file': dir => path.join(dir, 'swingstore.sqlite'),
  'a path to a directory': dir => dir,
  'a handle that was opened for it': dir => openDatabase(dir),
};

for (const [name, database] of Object.entries(DATABASES)) {
  test(`single substores work over ${name}, and each write is there for good`, async t => {
    const dir = tempDir(t);
    await initSwingStore(dir).hostStorage.close();
    const { told, kv, transcripts, snaps, bundles } = substores(database(dir));
    kv.set('host.any', '1');
    kv.set('kernel.too', '2');
    kv.delete('kernel.too');
    transcripts.initTranscript('v1');
    transcripts.addItem('v1', 'one');
    await snaps.saveSnapshot('v1', 1, [Buffer.from('heap')]);
    await transcripts.rolloverSpan('v1');
    bundles.addBundle(BUNDLE_ID, BUNDLE);
    bundles.deleteBundle(BUNDLE_ID);
    assert.deepEqual(
      told.map(([key, value]) => [key, typeof value]),
      [
        ['transcript.v1.current', 'string'],
        ['transcript.v1.current', 'string'],
        ['snapshot.v1.1', 'string'],
        ['snapshot.v1.current', 'string'],
        ['transcript.v1.0', 'string'],
        ['transcript.v1.current', 'string'],
        [`bundle.${BUNDLE_ID}`, 'string'],
        [`bundle.${BUNDLE_ID}`, 'undefined'],
      ],
    );
    const reading = openSwingStore(dir, { readonly: true });
    assert.deepEqual(reading.debug.dump().kvEntries, { 'host.any': '1' });
    assert.equal(reading.kernelStorage.snapStore.getSnapshotInfo('v1').snapPos, 1);
    assert.equal(kv.get('host.any'), '1');
    openDatabase(dir).close();
    assert.throws(() => kv.get('host.any'), /not open/);
    await openSwingStore(dir).hostStorage.close();
  });
}

test('single substores over the handle of a store are part of its block', async t => {
  const dir = tempDir(t);
  const store = initSwingStore(dir);
  assert.equal(store.debug.getDatabase(), store.internal.db);
  const { kv, transcripts } = substores(store.internal.db);
  kv.set('x', 'y');
  transcripts.initTranscript('v1');
  assert.equal(store.kernelStorage.kvStore.get('x'), 'y');
  const outside = openSwingStore(dir, { readonly: true });
  assert.equal(outside.kernelStorage.kvStore.get('x'), undefined);
  await store.hostStorage.commit();
  await store.hostStorage.close();
  assert.equal(openSwingStore(dir).kernelStorage.transcriptStore.getCurrentSpanBounds('v1').endPos, 0);
});

test('a database of better-sqlite3 in a file is refused, with what to use instead', t => {
  const db = new Database(path.join(tempDir(t), 'x.sqlite'));
  for (const make of [makeKVStore, makeTranscriptStore, makeSnapStore, makeBundleStore]) {
    for (const wrong of [db, undefined, null, 7, {}, new Proxy({}, {})]) {
      assert.throws(() => make(wrong, () => {}, () => {}), /database path or on a handle of this package/);
    }
  }
});

test('in place of a database of better-sqlite3 in memory there is one of ours, the same for each of its kind', async () => {
  const db = new Database(':memory:');
  const nothing = () => {};
  makeKVStore(db).set('a', '1');
  assert.equal(makeKVStore(db).get('a'), '1');
  assert.equal(makeKVStore(new Database(':memory:')).get('a'), undefined);
  const transcripts = makeTranscriptStore(db, nothing, nothing, { keepTranscripts: false });
  transcripts.initTranscript('v1');
  assert.equal(makeTranscriptStore(db, nothing, nothing, { keepTranscripts: false }).getCurrentSpanBounds('v1').endPos, 0);
  assert.throws(() => makeTranscriptStore(db, nothing, nothing, { keepTranscripts: true }), /open with keepTranscripts: false/);
  const snaps = makeSnapStore(db, nothing, makeSnapStoreIO(), nothing, { keepSnapshots: true });
  await snaps.saveSnapshot('v1', 1, [Buffer.from('heap')]);
  assert.equal(makeSnapStore(db, nothing).getSnapshotInfo('v1').snapPos, 1);
  const noted = [];
  makeBundleStore(db, nothing, (...note) => noted.push(note)).addBundle(BUNDLE_ID, BUNDLE);
  assert.deepEqual(noted, [[`bundle.${BUNDLE_ID}`, BUNDLE_ID]]);
  // Nothing of it is in the object itself, and what is in there would not be seen.
  assert.deepEqual(db.prepare('SELECT * FROM sqlite_schema').all(), []);
  const used = new Database(':memory:');
  used.exec('CREATE TABLE mine (x); CREATE TABLE bundles (bundleID)');
  makeKVStore(used);
  assert.throws(() => makeBundleStore(used, nothing), { code: 'SWING_ARGUMENT', message: /a table "bundles" already/ });
  used.exec('CREATE TABLE transcriptSpans (vatID)');
  assert.throws(() => makeTranscriptStore(used, nothing), { code: 'SWING_ARGUMENT', message: /a table "transcriptSpans" already/ });
});

test('what a single substore wants kept must be what its database was opened with', t => {
  const dir = tempDir(t);
  const db = openDatabase(path.join(dir, 'x.sqlite'), { keepSnapshots: true });
  makeSnapStore(db, () => {}, makeSnapStoreIO(), () => {}, { keepSnapshots: true });
  assert.throws(() => makeSnapStore(db, () => {}, {}, () => {}, { keepSnapshots: false }), /open with keepSnapshots: true/);
  assert.throws(() => makeTranscriptStore(db, () => {}, () => {}, { keepTranscripts: false }), /open with keepTranscripts/);
  assert.throws(() => openDatabase(path.join(dir, 'x.sqlite'), { readonly: true }), /open with readonly: false/);
  assert.equal(openDatabase(path.join(dir, 'x.sqlite')), db);
});

test('noteExport is refused where the host has a callback, which would miss what it is told', () => {
  const store = initSwingStore(null, { exportCallback: () => {} });
  assert.throws(() => makeBundleStore(store.internal.db, () => {}, () => {}), /beside the export callback/);
  makeBundleStore(store.internal.db, () => {});
});

test('what one substore exports and does not tell of stays queued for the next that does', async t => {
  const db = openDatabase(path.join(tempDir(t), 'x.sqlite'));
  const told = [];
  const bundles = makeBundleStore(db, () => {}, key => told.push(key));
  const transcripts = makeTranscriptStore(db);
  transcripts.initTranscript('v1');
  transcripts.addItem('v1', 'one');
  assert.deepEqual(told, []);
  bundles.addBundle(BUNDLE_ID, BUNDLE);
  assert.ok(told.includes('transcript.v1.current') && told.includes(`bundle.${BUNDLE_ID}`), String(told));
});

test('a commit through the handle hands exports over, and what nobody takes stays queued', async t => {
  const batches = [];
  const store = initSwingStore(null, { exportCallback: batch => batches.push(batch) });
  store.kernelStorage.kvStore.set('a', '1');
  store.internal.db.commit();
  assert.deepEqual(batches, [[['kv.a', '1']]]);
  store.kernelStorage.kvStore.set('b', '2');
  await store.hostStorage.commit();
  assert.equal(batches.length, 2);

  const dir = tempDir(t);
  await initSwingStore(dir).hostStorage.close();
  const db = new Database(path.join(dir, 'swingstore.sqlite'));
  db.prepare('INSERT INTO pendingExports VALUES (?, ?)').run('kv.left', 'over');
  db.close();
  const silent = openSwingStore(dir);
  silent.kernelStorage.kvStore.set('c', '3');
  silent.internal.db.commit();
  silent.kernelStorage.kvStore.set('d', '4');
  await silent.hostStorage.commit();
  silent.kernelStorage.kvStore.set('e', '5');
  await silent.hostStorage.commit();
  await silent.hostStorage.close();
  const later = [];
  const again = openSwingStore(dir, { exportCallback: batch => later.push(...batch) });
  again.kernelStorage.kvStore.set('f', '6');
  await again.hostStorage.commit();
  assert.deepEqual(later, [['kv.f', '6'], ['kv.left', 'over']]);
});

test('an import takes the options of the store that it makes', async t => {
  const [from, to] = [tempDir(t), tempDir(t)];
  const store = initSwingStore(from);
  await populate(store);
  await store.hostStorage.close();
  const exporter = makeSwingStoreExporter(from, { artifactMode: 'archival' });
  const file = path.join(to, 'other.sqlite');
  const { hostStorage } = await importSwingStore(exporter, file, { artifactMode: 'archival', asFile: true });
  await hostStorage.commit();
  await hostStorage.close();
  const again = openSwingStore(file, { asFile: true });
  assert.deepEqual([...again.kernelStorage.transcriptStore.readSpan('v1', 0)], ['item 0', 'item 1', 'item 2']);
});
