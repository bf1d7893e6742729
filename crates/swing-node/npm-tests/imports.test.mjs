// Imports from any exporter, exports while the store goes on, and everything that can fail on the way.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { importSwingStore, initSwingStore, isSwingStore, makeSwingStoreExporter, openSwingStore } from 'swing-node';

import { all, inChild, noise, populate, rejectsWith, tempDir, turnsDuring } from './support.mjs';

const boom = Error('boom');
const fail = () => {
  throw boom;
};

/** What a populated store exports, all of it in memory. */
const exported = async t => {
  const dir = tempDir(t);
  const store = initSwingStore(dir);
  await populate(store);
  await store.hostStorage.close();
  const exporter = makeSwingStoreExporter(dir);
  const records = await all(exporter.getExportData());
  const names = await all(exporter.getArtifactNames());
  const artifacts = new Map();
  for (const name of names) artifacts.set(name, await all(exporter.getArtifact(name)));
  await exporter.close();
  const reading = openSwingStore(dir, { readonly: true });
  const dump = reading.debug.dump();
  await reading.hostStorage.close();
  return { dir, records, names, artifacts, dump };
};

/** A host's own exporter; `calls` counts what is closed. */
const hosts = ({ records, names, artifacts }, replaced = {}) => {
  const calls = { closed: 0 };
  return {
    calls,
    exporter: {
      getExportData: () => records,
      getArtifactNames: () => names,
      getArtifact: name => artifacts.get(name),
      close: async () => {
        calls.closed += 1;
      },
      ...replaced,
    },
  };
};

const generator = function* generator(items) {
  yield* items;
};
/** Item by item: what `yield*` does with `throw` is not the same in all releases of Node.js. */
const asyncGenerator = async function* asyncGenerator(items) {
  for (const item of items) yield item;
};
/** Made by hand: no prototype, no return, a new object each time. */
const byHand = items => ({
  [Symbol.asyncIterator]: () => {
    let at = 0;
    return {
      async next() {
        at += 1;
        return at <= items.length ? { done: false, value: items[at - 1] } : { done: true, value: undefined };
      },
    };
  },
});
const promises = items => items.map(async item => item);

const withoutHost = dump => {
  const { 'host.height': _height, 'local.c': _local, ...kvEntries } = dump.kvEntries;
  const { snapshots, transcripts, bundles } = dump;
  const sizes = Object.entries(snapshots).map(([vat, rows]) => [vat, rows.map(({ hash, inUse, snapPos }) => [hash, inUse, snapPos])]);
  return { kvEntries, sizes, transcripts: { v1: { 3: transcripts.v1[3] } }, bundles };
};

for (const [name, iterable] of Object.entries({ array: x => x, generator, asyncGenerator, byHand, promises, set: x => new Set(x) })) {
  test(`an import takes a host's own iterables: ${name}`, async t => {
    const source = await exported(t);
    const { calls, exporter } = hosts(source, {
      getExportData: () => iterable(source.records),
      getArtifactNames: () => iterable(source.names),
      getArtifact: artifact => iterable(source.artifacts.get(artifact)),
    });
    const { hostStorage, debug } = await importSwingStore(exporter);
    await hostStorage.commit();
    assert.equal(calls.closed, 1);
    assert.deepEqual(withoutHost(debug.dump()), withoutHost(source.dump));
  });
}

test('methods may answer promises of iterables, and artifacts come in chunks of any kind', async t => {
  const source = await exported(t);
  const bytes = name => Buffer.concat(source.artifacts.get(name));
  const kinds = [
    name => bytes(name),
    name => new Uint8Array(bytes(name)),
    name => Array.from(bytes(name), byte => Uint8Array.of(byte)),
    name => String(bytes(name)),
    name => [Buffer.alloc(0), bytes(name), Buffer.alloc(0)],
  ];
  for (const kind of kinds) {
    const { exporter } = hosts(source, {
      getExportData: async () => source.records,
      getArtifactNames: async () => source.names,
      getArtifact: async name => kind(name),
    });
    const { hostStorage, debug } = await importSwingStore(exporter);
    await hostStorage.commit();
    assert.deepEqual(withoutHost(debug.dump()), withoutHost(source.dump));
    await hostStorage.close();
  }
});

test('records are whatever can be taken apart as a pair, later ones win, nothing is a deletion', async t => {
  const source = await exported(t);
  const extra = [
    ['kv.x', 'first'],
    ['kv.gone', 'y'],
    ['kv.gone', null],
    ['kv.gone2', 'y'],
    ['kv.gone2'],
    new Set(['kv.x', 'last']),
    Object.freeze(['kv.frozen', 'z']),
  ];
  const { exporter } = hosts(source, { getExportData: () => [...source.records, ...extra] });
  const { hostStorage } = await importSwingStore(exporter);
  await hostStorage.commit();
  const read = key => hostStorage.kvStore.get(key);
  assert.deepEqual(['x', 'gone', 'gone2', 'frozen'].map(read), ['last', undefined, undefined, 'z']);
});

const later = async function* later(items) {
  yield* items;
  await delay(1);
  fail();
};
const now = function* now(items) {
  yield* items;
  fail();
};
const closing = (items, closed) => ({
  [Symbol.asyncIterator]: () => ({
    at: 0,
    async next() {
      this.at += 1;
      return { done: this.at > items.length, value: items[this.at - 1] };
    },
    async return() {
      closed();
      return { done: true, value: undefined };
    },
  }),
});

/** Every place where an exporter can fail, as what replaces its methods. */
const FAILURES = {
  'getExportData throws': () => ({ getExportData: fail }),
  'getExportData rejects': () => ({ getExportData: async () => fail() }),
  'the first record': () => ({ getExportData: () => now([]) }),
  'between records': s => ({ getExportData: () => now(s.records.slice(0, 3)) }),
  'between records, later': s => ({ getExportData: () => later(s.records.slice(0, 3)) }),
  'after the last record': s => ({ getExportData: () => later(s.records) }),
  'a promised record': s => ({ getExportData: () => [...s.records, Promise.reject(boom)] }),
  'getArtifactNames throws': () => ({ getArtifactNames: fail }),
  'getArtifactNames rejects': () => ({ getArtifactNames: async () => fail() }),
  'between names': s => ({ getArtifactNames: () => later(s.names.slice(0, 1)) }),
  'after the last name': s => ({ getArtifactNames: () => now(s.names) }),
  'getArtifact throws': () => ({ getArtifact: fail }),
  'getArtifact rejects': () => ({ getArtifact: async () => fail() }),
  'the first chunk': () => ({ getArtifact: () => now([]) }),
  'in the middle of a stream': () => ({ getArtifact: () => later([Buffer.from('x')]) }),
  'at the end of a stream': s => ({ getArtifact: name => later(s.artifacts.get(name)) }),
  'close throws': () => ({ close: fail }),
  'close rejects': () => ({ close: async () => fail() }),
};

for (const [where, replace] of Object.entries(FAILURES)) {
  test(`an exporter's own error is that of the import, and the old store stays: ${where}`, async t => {
    const source = await exported(t);
    const dir = tempDir(t);
    const old = initSwingStore(dir);
    old.kernelStorage.kvStore.set('old', 'yes');
    await old.hostStorage.commit();
    await old.hostStorage.close();
    const { calls, exporter } = hosts(source, replace(source));
    await rejectsWith(importSwingStore(exporter, dir), boom);
    if (!where.startsWith('close')) assert.equal(calls.closed, 1);
    assert.equal(openSwingStore(dir).kernelStorage.kvStore.get('old'), 'yes');
    // Nothing of the attempt is left beside it.
    assert.deepEqual(fs.readdirSync(path.dirname(dir)).filter(name => name !== path.basename(dir) && name.includes(path.basename(dir))), []);
  });
}

const strange = [undefined, null, 7, 'text', {}, () => {}, Symbol('s'), [7], [null], [undefined], [[]], [[7, '7']], [['kv.x', 7]], [{}]];

test('garbage from an exporter is a rejection, whatever it is and wherever it comes from', async t => {
  const source = await exported(t);
  const attempts = [
    ...strange.map(value => ({ getExportData: () => value })),
    ...strange.filter(value => value !== 'text').map(value => ({ getArtifactNames: () => value })),
    ...strange.filter(value => value !== 'text').map(value => ({ getArtifact: () => value })),
    { getArtifactNames: () => ['kv.x'] },
    { getArtifactNames: () => ['snapshot.v9.9'] },
    { getArtifactNames: () => ['nonsense', ''] },
    { getArtifactNames: () => [...source.names, ...source.names] },
    { getArtifactNames: () => [] },
    { getExportData: () => [] , getArtifactNames: () => source.names },
    { getExportData: () => [['nonsense.x', 'y']] },
    { getExportData: () => [['kv.host.x', 'y']] },
    { getExportData: () => ({ [Symbol.asyncIterator]: () => ({}) }) },
    { getExportData: () => ({ [Symbol.asyncIterator]: () => ({ next: async () => undefined }) }) },
    { getExportData: () => ({ [Symbol.asyncIterator]: () => undefined }) },
    ...['getExportData', 'getArtifactNames', 'getArtifact', 'close'].map(name => ({ [name]: undefined })),
  ];
  for (const replaced of attempts) {
    const { exporter } = hosts(source, replaced);
    const [what] = Object.keys(replaced);
    const result = await importSwingStore(exporter).then(
      () => 'accepted',
      error => error,
    );
    assert.ok(result instanceof Error, `${what}: ${String(replaced[what])}: ${String(result)}`);
  }
  for (const exporter of [undefined, null, 7, 'x', {}, []]) {
    await assert.rejects(importSwingStore(exporter), Error);
  }
});

test('errors that cannot even be printed come out as they are', async t => {
  const source = await exported(t);
  const hostile = [
    undefined,
    null,
    Symbol('s'),
    Object.create(null),
    {
      get message() {
        throw Error('another');
      },
    },
    { message: Symbol('s') },
  ];
  for (const error of hostile) {
    const { exporter } = hosts(source, {
      getArtifact: () => {
        throw error;
      },
    });
    await rejectsWith(importSwingStore(exporter), error);
  }
});

test('what is read half-way is closed when an import fails', async t => {
  const source = await exported(t);
  let closed = 0;
  const count = () => {
    closed += 1;
  };
  const wrong = source.names.map(name => [name, [Buffer.from('wrong'), Buffer.alloc(100_000)]]);
  const { calls, exporter } = hosts(source, {
    getArtifactNames: () => closing([...source.names, ...Array(2000).fill('x')], count),
    getArtifact: name => closing(new Map(wrong).get(name), count),
  });
  await assert.rejects(importSwingStore(exporter), Error);
  assert.equal(calls.closed, 1);
  assert.ok(closed >= 1);
  const failing = hosts(source, {
    getExportData: () => ({
      [Symbol.asyncIterator]: () => ({ next: async () => fail(), return: async () => count() }),
    }),
  });
  closed = 0;
  await rejectsWith(importSwingStore(failing.exporter), boom);
  assert.equal(closed, 0, 'one that threw is not closed');
});

test('an import replaces a store when it is committed, not before', async t => {
  const source = await exported(t);
  const dir = tempDir(t);
  const old = initSwingStore(dir);
  old.kernelStorage.kvStore.set('old', 'yes');
  await old.hostStorage.commit();
  await old.hostStorage.close();
  const given = await importSwingStore(hosts(source).exporter, dir);
  const reading = openSwingStore(dir, { readonly: true });
  assert.equal(reading.kernelStorage.kvStore.get('old'), 'yes');
  await reading.hostStorage.close();
  await given.hostStorage.close();
  assert.equal(openSwingStore(dir).kernelStorage.kvStore.get('old'), 'yes');
});

test('an imported store takes keys of the host before and after its commit', async t => {
  const source = await exported(t);
  const dir = tempDir(t);
  const { hostStorage } = await importSwingStore(hosts(source).exporter, dir);
  const { kvStore } = hostStorage;
  assert.equal(kvStore.get('kernel.a'), '1');
  assert.equal(kvStore.getNextKey('kernel.a'), 'kernel.b');
  assert.throws(() => kvStore.set('kernel.a', '2'), /hostKVStore requires host keys/);
  assert.throws(() => kvStore.set('host.x', 7), /value must be a string/);
  kvStore.set('host.height', '17');
  kvStore.set('host.gone', '17');
  kvStore.delete('host.gone');
  const committing = hostStorage.commit();
  assert.throws(() => kvStore.get('host.height'), /in place/);
  await committing;
  assert.equal(kvStore.get('host.height'), '17');
  assert.equal(kvStore.has('host.gone'), false);
  kvStore.set('host.height', '18');
  await hostStorage.commit();
  await hostStorage.close();
  const again = openSwingStore(dir);
  assert.equal(again.hostStorage.kvStore.get('host.height'), '18');
  assert.equal(again.kernelStorage.kvStore.get('kernel.a'), '1');
});

test('calls to an import that is being put in place wait until it is', async t => {
  const source = await exported(t);
  const dir = tempDir(t);
  const { hostStorage } = await importSwingStore(hosts(source).exporter, dir);
  const both = [hostStorage.commit(), hostStorage.commit()];
  assert.throws(() => hostStorage.kvStore.set('host.x', '1'), /being put in place/);
  await Promise.all(both);
  await hostStorage.close();
  const other = await importSwingStore(hosts(source).exporter, dir);
  const ends = [other.hostStorage.commit(), other.hostStorage.close()];
  await Promise.all(ends);
  await assert.rejects(other.hostStorage.close(), /not initialized/);
  // Nothing waits where nothing is under way.
  const third = await importSwingStore(hosts(source).exporter, dir);
  third.hostStorage.close();
  await openSwingStore(dir).hostStorage.close();
});

test('an import that is given up takes the directories with it that it made', async t => {
  const source = await exported(t);
  const dir = tempDir(t);
  const given = await importSwingStore(hosts(source).exporter, path.join(dir, 'a/b'));
  await given.hostStorage.close();
  const failing = { ...hosts(source).exporter, getArtifactNames: () => assert.fail('no names') };
  await assert.rejects(importSwingStore(failing, path.join(dir, 'a/b')), /no names/);
  assert.deepEqual(fs.readdirSync(dir), []);
});

test('an imported store that is closed says so', async t => {
  const source = await exported(t);
  for (const committed of [true, false]) {
    const { hostStorage, debug } = await importSwingStore(hosts(source).exporter);
    if (committed) await hostStorage.commit();
    await hostStorage.close();
    const words = /not open|not initialized|given up|no import/;
    for (const call of [() => hostStorage.kvStore.get('x'), () => hostStorage.kvStore.set('host.x', 'y'), () => debug.dump()]) {
      assert.throws(call, words);
    }
    await assert.rejects(hostStorage.commit(), words);
    await assert.rejects(hostStorage.close(), words);
  }
});

test('exporters are independent of the store and of each other, and may be left half-way', async t => {
  const dir = tempDir(t);
  const store = initSwingStore(dir);
  await populate(store, { items: 2000 });
  const { kvStore } = store.kernelStorage;
  for (let at = 0; at < 5000; at += 1) kvStore.set(`many.${at}`, `${at}`);
  await store.hostStorage.commit();
  const first = makeSwingStoreExporter(dir);
  kvStore.set('kernel.a', 'changed');
  store.hostStorage.kvStore.set('host.height', '2');
  await store.hostStorage.commit();
  const second = makeSwingStoreExporter(dir);
  assert.deepEqual([first.getHostKV('host.height'), second.getHostKV('host.height')], ['1', '2']);
  const [one, other] = [first.getExportData(), second.getExportData()];
  const seen = [];
  for (let at = 0; at < 100; at += 1) seen.push((await one.next()).value, (await other.next()).value);
  assert.equal(seen.filter(([key]) => key === 'kv.kernel.a').map(([, value]) => value).join(), '1,changed');
  assert.deepEqual(await one.return('left'), { done: true, value: 'left' });
  assert.deepEqual(await one.next(), { done: true, value: undefined });
  await assert.rejects(other.throw(boom), /boom/);
  assert.deepEqual(await other.next(), { done: true, value: undefined });
  // Asked for all at once, items come in their order.
  const eager = first.getExportData();
  const items = await Promise.all(Array.from({ length: 6000 }, () => eager.next()));
  assert.deepEqual(items.filter(({ done }) => !done).map(({ value }) => value), await all(first.getExportData()));
  assert.equal(items.at(-1).done, true);
  // Also where one is asked for as soon as another is there, with more of them under way.
  const jumping = first.getExportData();
  const underWay = [jumping.next(), jumping.next(), jumping.next()];
  const late = underWay[0].then(() => jumping.next());
  assert.deepEqual(await Promise.all([...underWay, late]), items.slice(0, 4));
  for await (const chunk of first.getArtifact('transcript.v1.0.2000')) {
    assert.ok(Buffer.isBuffer(chunk));
    break;
  }
  await first.close();
  await second.close();
});

test('an export is read as from a generator, also when more is asked for than has come', async t => {
  const { dir, records } = await exported(t);
  const exporter = makeSwingStoreExporter(dir);
  const done = value => ({ done: true, value });
  const item = at => ({ done: false, value: records[at] });
  const asGenerator = async end => {
    const asked = [exporter.getExportData(), asyncGenerator(records)].map(reading =>
      Promise.allSettled([reading.next(), reading.next(), end(reading), reading.next(), end(reading)]),
    );
    const [mine, theirs] = await Promise.all(asked);
    assert.deepEqual(mine, theirs);
    return mine.map(({ value, reason }) => value ?? reason);
  };
  assert.deepEqual(await asGenerator(reading => reading.return(7)), [item(0), item(1), done(7), done(undefined), done(7)]);
  assert.deepEqual(await asGenerator(reading => reading.return(Promise.resolve(7))), [item(0), item(1), done(7), done(undefined), done(7)]);
  assert.deepEqual(await asGenerator(reading => reading.throw(boom)), [item(0), item(1), boom, done(undefined), boom]);
  await exporter.close();
});

test('a child exports one commit while its parent commits on', async t => {
  const dir = tempDir(t);
  const store = initSwingStore(dir);
  await populate(store, { items: 500 });
  const { kvStore } = store.kernelStorage;
  for (let at = 0; at < 20_000; at += 1) kvStore.set(`many.${at}`, '0');
  await store.hostStorage.commit();
  const source = `
    import { createHash } from 'node:crypto';
    import { makeSwingStoreExporter } from 'swing-node';
    const exporter = makeSwingStoreExporter(process.argv.at(-1));
    const heights = new Set();
    let count = 0;
    for await (const [key, value] of exporter.getExportData()) {
      if (key.startsWith('kv.many.')) {
        heights.add(value);
        count += 1;
        if (count % 2000 === 0) await new Promise(resolve => setTimeout(resolve, 10));
      }
    }
    for await (const name of exporter.getArtifactNames()) for await (const chunk of exporter.getArtifact(name));
    await exporter.close();
    console.log(count, heights.size);
  `;
  let over = false;
  const child = inChild(source, [dir]).finally(() => {
    over = true;
  });
  let commits = 0;
  while (!over) {
    commits += 1;
    for (let at = 0; at < 20_000; at += 97) kvStore.set(`many.${at}`, `${commits}`);
    for (let at = 0; at < 20_000; at += 1000) kvStore.set(`many.${at}`, `${commits}`);
    await store.hostStorage.commit();
    await delay(5);
  }
  const [count, heights] = (await child).split(' ').map(Number);
  assert.equal(count, 20_000);
  assert.ok(heights <= 3 && commits > 3, `${heights} heights, ${commits} commits`);
});

test('the event loop turns while a large store is exported and imported', async t => {
  const [from, to] = [tempDir(t), tempDir(t)];
  const store = initSwingStore(from);
  const { transcriptStore, snapStore, kvStore } = store.kernelStorage;
  for (let vat = 1; vat <= 4; vat += 1) {
    transcriptStore.initTranscript(`v${vat}`);
    for (let at = 0; at < 2000; at += 1) transcriptStore.addItem(`v${vat}`, `${'x'.repeat(1000)} ${at}`);
    await snapStore.saveSnapshot(`v${vat}`, 1000, [noise(16 << 20, vat)]);
  }
  for (let at = 0; at < 20_000; at += 1) kvStore.set(`many.${at}`, 'value');
  await store.hostStorage.commit();
  await store.hostStorage.close();
  const { result, turns } = await turnsDuring(() => importSwingStore(makeSwingStoreExporter(from), to));
  assert.ok(turns > 100, `${turns} turns`);
  const committing = await turnsDuring(() => result.hostStorage.commit());
  assert.ok(committing.turns > 0, `${committing.turns} turns`);
  await result.hostStorage.close();
  assert.ok(isSwingStore(to));
});

test('metadata is repaired from any exporter, and one that fails is closed', async t => {
  const source = await exported(t);
  const store = openSwingStore(source.dir);
  for (const iterable of [x => x, generator, asyncGenerator, byHand, promises]) {
    const { calls, exporter } = hosts(source, { getExportData: () => iterable(source.records) });
    await store.hostStorage.repairMetadata(exporter);
    assert.equal(calls.closed, 1);
  }
  for (const replaced of [{ getExportData: fail }, { getExportData: () => later(source.records) }]) {
    const { calls, exporter } = hosts(source, replaced);
    await rejectsWith(store.hostStorage.repairMetadata(exporter), boom);
    assert.equal(calls.closed, 1);
    const both = hosts(source, { ...replaced, close: () => assert.fail('a later failure') });
    await rejectsWith(store.hostStorage.repairMetadata(both.exporter), boom);
  }
  const wrong = hosts(source, { getExportData: () => [['nonsense.x', 'y']] });
  await assert.rejects(store.hostStorage.repairMetadata(wrong.exporter), /unknown export-data type in key "nonsense.x"/);
});
