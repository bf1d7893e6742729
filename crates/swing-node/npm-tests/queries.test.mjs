// Queries of a tool's own, as better-sqlite3 answers them: the original's `db` is one of its objects.
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import vm from 'node:vm';
import '@endo/init';
import BetterSqlite3 from 'better-sqlite3';
import { initSwingStore as initOriginal } from '@agoric/swing-store';
import { initSwingStore, openDatabase, openSwingStore } from 'swing-node';

import { outcome, populate, tempDir } from './support.mjs';

/** A store of each, with the same in it. */
const both = async () => {
  const stores = [initSwingStore(null), initOriginal(null)];
  for (const store of stores) await populate(store);
  return stores;
};

/** What each of two databases makes of a question. */
const compared = async (stores, ask) => {
  const [ours, theirs] = await Promise.all(stores.map(({ internal }) => outcome(() => ask(internal.db))));
  return { ours, theirs };
};

test('the answers are those of better-sqlite3', async () => {
  const stores = await both();
  const questions = [
    db => db.prepare('SELECT value FROM kvStore WHERE key = ?').pluck().get('kernel.a'),
    db => db.prepare('SELECT value FROM kvStore WHERE key = ?').pluck().get('nothing'),
    db => db.prepare('SELECT key, value FROM kvStore ORDER BY key').all(),
    db => db.prepare('SELECT key, value FROM kvStore ORDER BY key').raw().all(),
    db => db.prepare('SELECT key, value FROM kvStore ORDER BY key').raw().raw(false).get(),
    db => db.prepare('SELECT key FROM kvStore ORDER BY key').pluck().pluck(false).get(),
    db => [...db.prepare('SELECT * FROM transcriptItems ORDER BY position').iterate()],
    db => db.prepare('SELECT key FROM kvStore WHERE key >= :a AND key < :b AND :none IS NULL').all({ a: 'k', b: 'l', none: null }),
    db => db.prepare('SELECT $a AS a, @b AS b, ? AS c, ?').get({ a: 1, b: 2.5 }, [undefined, 'x']),
    db => db.prepare('SELECT ?, typeof(?1)').raw().get({ 1: 7 }),
    db => db.prepare('SELECT ?, typeof(?), ?, ?').raw().get(7, 7, 7n, Buffer.from('ab')),
    db => db.prepare('SELECT 1 AS a, 2 AS a, 3 AS __proto__').raw().get(),
    db => db.prepare('SELECT bundle FROM bundles').pluck().get(),
    db => db.prepare("SELECT x'0102', NULL, 9007199254740993, 1e300, 'ü'").raw().get(),
    db => db.prepare("SELECT json_each.value FROM kvStore, json_each('[1,\"a\"]') WHERE kvStore.key = 'kernel.a'").pluck().all(),
    db => db.prepare("WITH t AS (SELECT 1 UNION SELECT 2) SELECT * FROM t -- ;\n;").pluck().all(),
    db => db.prepare("SELECT name FROM sqlite_schema WHERE name = 'kvStore'").all(),
    db => db.pragma('table_info(kvStore)'),
    db => db.pragma('user_version'),
    db => db.pragma('user_version', { simple: true }),
  ];
  for (const ask of questions) {
    const { ours, theirs } = await compared(stores, ask);
    assert.deepEqual(ours, theirs, String(ask));
    assert.equal(ours.how, 'returns', String(ask));
  }
});

test('what is no question of better-sqlite3 is none here, in the same words', async () => {
  const stores = await both();
  const questions = [
    db => db.prepare(7),
    db => db.pragma(7),
    db => db.prepare('SELECT ?').get(),
    db => db.prepare('SELECT ?').get(1, 2),
    db => db.prepare('SELECT :a').get(),
    db => db.prepare('SELECT :a').get({ b: 1 }),
    db => db.prepare('SELECT :a').get({ a: 1 }, { a: 2 }),
    db => db.prepare('SELECT ?').get(true),
    db => db.prepare('SELECT ?').get(Symbol('x')),
    db => db.prepare('SELECT 1; SELECT 2'),
  ];
  for (const ask of questions) {
    const { ours, theirs } = await compared(stores, ask);
    assert.deepEqual([ours.how, theirs.how], ['throws', 'throws'], String(ask));
    assert.equal(ours.error.message.toLowerCase(), theirs.error.message.toLowerCase(), String(ask));
    assert.ok(ours.error.code === 'SWING_ARGUMENT' && ours.error instanceof Error, String(ask));
  }
  for (const wrong of ['SELECT nothing FROM kvStore', 'SELECT * FROM nothing']) {
    const { ours, theirs } = await compared(stores, db => db.prepare(wrong));
    assert.ok(ours.error.message.startsWith(theirs.error.message), ours.error.message);
  }
});

test('nothing but queries is answered, and nothing is changed', async t => {
  const dir = tempDir(t);
  const store = initSwingStore(dir);
  await populate(store);
  const before = store.debug.dump();
  const { db } = store.internal;
  const refused = [
    () => db.prepare("INSERT INTO kvStore VALUES ('x', 'y')"),
    () => db.prepare('DELETE FROM kvStore RETURNING key'),
    () => db.prepare('WITH t AS (SELECT 1) DELETE FROM kvStore RETURNING key'),
    () => db.prepare('BEGIN IMMEDIATE TRANSACTION'),
    () => db.prepare('COMMIT'),
    () => db.prepare('SELECT 1; PRAGMA synchronous=off'),
    () => db.prepare('PRAGMA synchronous=off'),
    () => db.pragma('synchronous=off'),
    () => db.pragma('journal_mode = delete'),
    () => db.pragma('wal_checkpoint'),
    () => db.prepare('SELECT 1').run(),
    () => db.exec('DELETE FROM kvStore'),
    () => db.transaction(() => {}),
  ];
  for (const change of refused) assert.throws(change, { code: 'SWING_ARGUMENT' }, String(change));
  assert.throws(refused[0], /only queries are answered .*, not "INSERT INTO kvStore/);
  assert.throws(refused[11], /a store is changed with its own calls/);
  assert.equal(db.pragma('synchronous', { simple: true }), 2);
  assert.equal(db.pragma('journal_mode', { simple: true }), 'wal');
  assert.deepEqual(store.debug.dump(), before);
  await store.hostStorage.close();
  assert.throws(() => db.prepare('SELECT 1'), { code: 'SWING_CLOSED' });
});

test('a query sees what the block has changed, and the block goes on as it would have', async () => {
  const [asked, other] = [[], []];
  const stores = [asked, other].map(batches => initSwingStore(null, { exportCallback: batch => batches.push(batch) }));
  const hashes = [];
  const wants = {};
  for (const [at, { kernelStorage, hostStorage, internal }] of stores.entries()) {
    const { kvStore, transcriptStore } = kernelStorage;
    const look = () => {
      const seen = sql => internal.db.prepare(sql).pluck().all();
      return at > 0
        ? wants
        : [seen('SELECT value FROM kvStore ORDER BY key'), seen('SELECT item FROM transcriptItems'), seen('SELECT endPos FROM transcriptSpans')];
    };
    kvStore.set('before', '0');
    look();
    kernelStorage.startCrank();
    kvStore.set('a', '1');
    transcriptStore.initTranscript('v1');
    transcriptStore.addItem('v1', 'one');
    // Without savepoints there is nothing that could be rolled back.
    const inside = look();
    if (at === 0) assert.deepEqual(inside, [['1', '0'], ['one'], [1]]);
    kernelStorage.establishCrankSavepoint('s');
    kvStore.set('a', '2');
    transcriptStore.addItem('v1', 'two');
    if (at === 0) {
      const { db } = internal;
      assert.throws(() => db.prepare('SELECT 1').get(), { code: 'SWING_STATE', message: /inside a crank: end it first/ });
    }
    kernelStorage.rollbackCrank('s');
    transcriptStore.addItem('v1', 'three');
    hashes.push(kernelStorage.emitCrankHashes());
    kernelStorage.endCrank();
    const after = look();
    if (at === 0) assert.deepEqual(after, [['1', hashes[0].activityhash, '0'], ['one', 'three'], [2]]);
    await hostStorage.commit();
  }
  assert.deepEqual(asked, other);
  assert.deepEqual(hashes[0], hashes[1]);
  assert.deepEqual(stores[0].debug.dump(), stores[1].debug.dump());
});

test('a query begins no block, and sees the last commit or its own', async t => {
  const file = path.join(tempDir(t), 'x.sqlite');
  const store = openSwingStore(file, { asFile: true });
  const count = store.internal.db.prepare('SELECT count(*) FROM kvStore').pluck();
  const reading = openDatabase(file, { readonly: true });
  const counted = reading.prepare('SELECT count(*) FROM kvStore').pluck();
  assert.deepEqual([count.get(), counted.get()], [0, 0]);
  const other = new BetterSqlite3(file);
  other.exec('BEGIN IMMEDIATE; ROLLBACK');
  other.close();
  store.hostStorage.kvStore.set('host.x', 'y');
  assert.deepEqual([count.get(), counted.get()], [1, 0]);
  await store.hostStorage.commit();
  assert.deepEqual([count.get(), counted.get()], [1, 1]);
  reading.close();
  assert.throws(() => counted.get(), { code: 'SWING_CLOSED' });
});

test('an answer of many rows comes whole, whatever becomes of the store meanwhile', async () => {
  const store = initSwingStore(null);
  const { kvStore } = store.kernelStorage;
  for (let at = 0; at < 1000; at += 1) kvStore.set(`key${String(at).padStart(4, '0')}`, 'x'.repeat(at));
  const statement = store.internal.db.prepare('SELECT key, value FROM kvStore ORDER BY key');
  const iterator = statement.iterate();
  assert.equal(iterator.next().value.key, 'key0000');
  for (let at = 0; at < 1000; at += 1) kvStore.delete(`key${String(at).padStart(4, '0')}`);
  const rest = [...iterator];
  assert.deepEqual([rest.length, rest[998]], [999, { key: 'key0999', value: 'x'.repeat(999) }]);
  assert.deepEqual(statement.all(), []);
});

test('a store asks its own callback nothing that the callback could not ask itself', async () => {
  const seen = [];
  const store = initSwingStore(null, {
    exportCallback: () => seen.push(store.internal.db.prepare('SELECT key FROM kvStore').pluck().all()),
  });
  store.kernelStorage.startCrank();
  store.kernelStorage.kvStore.set('a', '1');
  store.kernelStorage.endCrank();
  store.kernelStorage.kvStore.set('b', '1');
  await store.hostStorage.commit();
  assert.deepEqual(seen, [['a'], ['a', 'b']]);
});

test('what is bound may be any view of bytes, also of another realm', () => {
  const { db } = initSwingStore(null).internal;
  const hex = value => db.prepare('SELECT hex(?)').pluck().get(value);
  assert.equal(hex(new Uint8Array([1, 2])), '0102');
  assert.equal(hex(new (vm.runInNewContext('Uint8Array'))([1, 2])), '0102');
  assert.equal(hex(new DataView(new ArrayBuffer(4), 1, 2)), '0000');
  assert.throws(() => db.prepare('SELECT ?').get(Array(400_000).fill(1)), { message: 'Too many parameter values were provided' });
  assert.equal(db.pragma('page_size', null)[0].page_size, 4096);
  assert.throws(() => db.pragma('table_infoé(1)'), TypeError);
});

test('an answer that memory should not hold is an error, and no end of the process', () => {
  const { db } = initSwingStore(null).internal;
  const endless = db.prepare(
    'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x, zeroblob(1000000) FROM c',
  );
  assert.throws(() => endless.iterate().next(), { code: 'SWING_ARGUMENT', message: /more than 256 MiB/ });
  assert.equal(endless.get().x, 1);
});

test('a function that writes does not', async () => {
  const { kernelStorage, hostStorage, internal } = initSwingStore(null);
  for (let i = 0; i < 500; i += 1) kernelStorage.kvStore.set(`k${i}`, 'v');
  await hostStorage.commit();
  assert.throws(() => internal.db.prepare('SELECT * FROM pragma_optimize(0x10002)').all(), { code: 'SWING_ARGUMENT' });
  assert.equal(internal.db.prepare("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'sqlite_stat%'").pluck().get(), 0);
});

test('a handle that is closed twice is not another that was opened meanwhile', t => {
  const file = path.join(tempDir(t), 'db');
  const first = openDatabase(file);
  first.close();
  const second = openDatabase(file);
  assert.throws(() => first.close(), { code: 'SWING_CLOSED' });
  assert.equal(openDatabase(file), second);
  second.close();
});
