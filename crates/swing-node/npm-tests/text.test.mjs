// Keys, values and items that are easily got wrong, held beside the original.
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import '@endo/init';
import Database from 'better-sqlite3';
import * as reference from '@agoric/swing-store';
import * as ours from 'swing-node';

import { all, tempDir } from './support.mjs';

const TEXTS = {
  empty: '',
  'two bytes each': 'äöü',
  'three bytes each': '漢字',
  'four bytes each': '🂡🂢',
  'as composed and decomposed': 'é é',
  'NUL in the middle': 'a\0b',
  'NUL alone': '\0',
  'NUL at the end': 'a\0',
  'every control character': String.fromCharCode(...Array(32).keys()),
  quotes: `"'\`\\`,
  'the replacement character': '\uFFFD',
  'a non-character': '\uFFFF\u{10FFFF}',
  'a byte order mark': '\uFEFFa',
  '__proto__': '__proto__',
  'constructor': 'constructor',
  'a number': '17',
  '255 bytes': 'x'.repeat(255),
  '256 bytes': 'x'.repeat(256),
  '762 bytes': 'x'.repeat(762),
  '763 bytes': 'x'.repeat(763),
  '2000 bytes': 'x'.repeat(2000),
  'long and not ASCII, by a byte': `${'x'.repeat(251)}🂡`,
  'long and not ASCII, by two': `${'x'.repeat(252)}🂡`,
  'long and not ASCII, by three': `${'x'.repeat(253)}🂡`,
  'long and not ASCII, by four': `${'x'.repeat(254)}🂡`,
  '1 MB': 'x'.repeat(1 << 20),
  '1 MB, not ASCII': 'ü'.repeat(1 << 19),
};

/** Halves of characters, which have no UTF-8 at all. */
const HALVES = { high: 'a\uD83Cb', low: 'a\uDCA1b', 'the wrong way round': '\uDCA1\uD83C' };

const crank = (store, work) => {
  store.kernelStorage.startCrank();
  work(store.kernelStorage);
  const hashes = store.kernelStorage.emitCrankHashes();
  store.kernelStorage.endCrank();
  return hashes;
};

for (const [name, text] of Object.entries(TEXTS)) {
  test(`a key and a value are what they are in the original: ${name}`, async () => {
    const results = [];
    for (const { initSwingStore } of [reference, ours]) {
      const batches = [];
      const store = initSwingStore(null, { exportCallback: batch => batches.push(...batch) });
      const hashes = crank(store, ({ kvStore }) => {
        kvStore.set(text, 'value');
        kvStore.set('key', text);
      });
      const { kvStore } = store.kernelStorage;
      store.hostStorage.kvStore.set(`host.${text}`, text);
      await store.hostStorage.commit();
      results.push([
        hashes,
        batches,
        kvStore.get(text),
        kvStore.get('key'),
        kvStore.has(text),
        kvStore.getNextKey(''),
        kvStore.getNextKey('key'),
        store.hostStorage.kvStore.get(`host.${text}`),
        store.debug.dump().kvEntries,
      ]);
      kvStore.delete(text);
      results.at(-1).push(kvStore.has(text));
    }
    const [theirs, mine] = results;
    assert.deepEqual(mine, theirs);
  });
}

test('keys are in the order of their UTF-8 bytes, as in the original', () => {
  const keys = ['a', 'A', 'z', 'ä', '￿', '🂡', 'a\0', 'aa', 'ab', 'local.', 'locam', 'i', 'bundle', '漢'];
  const orders = [reference, ours].map(({ initSwingStore }) => {
    const { kvStore } = initSwingStore(null).kernelStorage;
    for (const key of keys) kvStore.set(key, 'x');
    const order = [];
    for (let key = kvStore.getNextKey(''); key !== undefined; key = kvStore.getNextKey(key)) order.push(key);
    return order;
  });
  assert.equal(orders[1].length, keys.length);
  assert.deepEqual(orders[1], orders[0]);
});

for (const [name, text] of Object.entries(HALVES)) {
  test(`half a character becomes U+FFFD, where the original stores text that is none: ${name}`, () => {
    const [theirs, mine] = [reference, ours].map(({ initSwingStore }) => {
      const store = initSwingStore(null);
      const hashes = crank(store, ({ kvStore }) => kvStore.set('key', text));
      return { hashes, value: store.kernelStorage.kvStore.get('key') };
    });
    // What is hashed is the same.
    assert.deepEqual(mine.hashes, theirs.hashes);
    assert.equal(mine.value, text.toWellFormed?.() ?? mine.value);
    assert.notEqual(theirs.value, text);
  });
}

for (const [name, text] of Object.entries(TEXTS).filter(([what]) => what !== 'every control character')) {
  test(`a transcript item is what it is in the original: ${name}`, async () => {
    const [theirs, mine] = [reference, ours].map(({ initSwingStore }) => {
      const { transcriptStore } = initSwingStore(null).kernelStorage;
      transcriptStore.initTranscript('v1');
      transcriptStore.addItem('v1', text);
      transcriptStore.addItem('v1', `{"text":${JSON.stringify(text)}}`);
      return [transcriptStore.getCurrentSpanBounds('v1'), [...transcriptStore.readSpan('v1')]];
    });
    assert.deepEqual(mine, theirs);
  });
}

test('an item with a line feed is refused, which the original takes and cannot import', () => {
  const store = ours.initSwingStore(null);
  store.kernelStorage.transcriptStore.initTranscript('v1');
  assert.throws(() => store.kernelStorage.transcriptStore.addItem('v1', 'a\nb'), /line feed/);
});

const itemsOfAllLengths = [
  ...Array.from({ length: 300 }, (_, i) => `${i}${'x'.repeat((i * i) % 3000)}`),
  '',
  '漢'.repeat(50_000),
  'x'.repeat(300_000),
  '',
  ...Object.values(TEXTS).filter(text => !text.includes('\n')),
];
// Only the original takes these.
const withLineFeeds = [...itemsOfAllLengths.slice(0, 290), 'a\nb', '\n', 'c', '\n\n', ...itemsOfAllLengths.slice(290)];
for (const [name, items] of Object.entries({ 'of all lengths': itemsOfAllLengths, 'with line feeds': withLineFeeds })) {
  test(`items of a span that the original has written are the same here, also the second time: ${name}`, async t => {
    const dir = tempDir(t);
    const theirs = reference.initSwingStore(dir);
    theirs.kernelStorage.transcriptStore.initTranscript('v1');
    for (const item of items) theirs.kernelStorage.transcriptStore.addItem('v1', item);
    await theirs.hostStorage.commit();
    await theirs.hostStorage.close();
    const mine = ours.openSwingStore(dir);
    for (const _ of ['read and hashed', 'known']) {
      assert.deepEqual([...mine.kernelStorage.transcriptStore.readSpan('v1', 0)], items);
    }
    await mine.hostStorage.close();
  });
}

test('odd texts go through an export and an import', async t => {
  const dir = tempDir(t);
  const store = ours.initSwingStore(dir);
  const { kvStore, transcriptStore } = store.kernelStorage;
  transcriptStore.initTranscript('v1');
  for (const text of Object.values(TEXTS)) {
    kvStore.set(`key.${text}`, text);
    transcriptStore.addItem('v1', `{"text":${JSON.stringify(text)}}`);
  }
  await store.hostStorage.commit();
  const dump = store.debug.dump();
  await store.hostStorage.close();
  for (const importing of [ours, reference]) {
    const imported = await importing.importSwingStore(ours.makeSwingStoreExporter(dir));
    assert.deepEqual(imported.debug.dump(), dump);
  }
  const [mine, theirs] = [ours, reference].map(({ makeSwingStoreExporter }) => makeSwingStoreExporter(dir));
  assert.deepEqual(await all(mine.getExportData()), await all(theirs.getExportData()));
  assert.deepEqual(await all(mine.getArtifactNames()), await all(theirs.getArtifactNames()));
});

test('names of prototypes are keys like any other in a dump', async () => {
  const store = ours.initSwingStore(null);
  for (const key of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) store.kernelStorage.kvStore.set(key, key);
  const { kvEntries } = store.debug.dump();
  assert.deepEqual(Object.keys(kvEntries).sort(), ['__proto__', 'constructor', 'hasOwnProperty', 'toString']);
  assert.equal(Object.getPrototypeOf(kvEntries), Object.prototype);
  assert.equal({}.polluted, undefined);
  for (const vatID of ['__proto__', 'constructor']) {
    store.kernelStorage.transcriptStore.initTranscript(vatID);
    store.kernelStorage.transcriptStore.addItem(vatID, 'polluted');
    await store.kernelStorage.snapStore.saveSnapshot(vatID, 1, [Buffer.from('heap')]);
    const dump = store.debug.dump();
    assert.equal(Object.getOwnPropertyDescriptor(dump.transcripts, vatID).value[0], 'polluted');
    assert.equal(Object.getOwnPropertyDescriptor(dump.snapshots, vatID).value.length, 1);
  }
  assert.equal({}[0], undefined);
});

test('a file of ours is a file of the original, and the other way round', async t => {
  for (const [first, second] of [[ours, reference], [reference, ours]]) {
    const dir = tempDir(t);
    const store = first.initSwingStore(dir);
    for (const text of Object.values(TEXTS)) store.kernelStorage.kvStore.set(`key.${text}`, text);
    await store.hostStorage.commit();
    const dump = store.debug.dump();
    await store.hostStorage.close();
    assert.equal(Object.keys(dump.kvEntries).length, Object.keys(TEXTS).length);
    const again = second.openSwingStore(dir);
    assert.deepEqual(again.debug.dump(), dump);
    await again.hostStorage.close();
  }
});

test('a value that is no text is damage, and says so', async t => {
  const dir = tempDir(t);
  const store = ours.initSwingStore(dir);
  store.kernelStorage.kvStore.set('sound', 'yes');
  await store.hostStorage.commit();
  await store.hostStorage.close();
  const db = new Database(path.join(dir, 'swingstore.sqlite'));
  db.prepare('INSERT INTO kvStore (key, value) VALUES (?, ?)').run('damaged', Buffer.from([0xff, 0xfe]));
  db.close();
  const again = ours.openSwingStore(dir);
  const damage = { code: 'SWING_CORRUPT', message: /the value of key "damaged" cannot be read/ };
  for (const name of ['get', 'has']) {
    assert.throws(() => again.kernelStorage.kvStore[name]('damaged'), damage, name);
  }
  assert.equal(again.kernelStorage.kvStore.get('sound'), 'yes');
  await again.hostStorage.close();
});
