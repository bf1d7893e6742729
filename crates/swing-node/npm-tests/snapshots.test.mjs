// Snapshots: streams of any kind in and out, archivers that fail, and the event loop meanwhile.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import test from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { initSwingStore } from 'swing-node';

import { all, inChild, noise, rejectsWith, turnsDuring } from './support.mjs';

const HEAP = Buffer.from('a heap, in three chunks or in one');
const sha256 = bytes => createHash('sha256').update(bytes).digest('hex');
const thirds = () => [HEAP.subarray(0, 9), HEAP.subarray(9, 10), HEAP.subarray(10)];

const loaded = async (store, vatID) => Buffer.concat(await all(store.kernelStorage.snapStore.loadSnapshot(vatID)));

/** An iterator made by hand, with only the members named. */
const byHand = (chunks, members = {}) => {
  const rest = [...chunks];
  const iterator = {
    [Symbol.asyncIterator]: () => iterator,
    next: async () => (rest.length > 0 ? { done: false, value: rest.shift() } : { done: true, value: undefined }),
    ...members,
  };
  return iterator;
};

const STREAMS = {
  'an array of Buffers': thirds,
  'an array of Uint8Arrays': () => thirds().map(chunk => new Uint8Array(chunk)),
  'views into one larger buffer': () => {
    const whole = new Uint8Array(Buffer.concat([Buffer.from('xx'), HEAP, Buffer.from('yy')]));
    return [whole.subarray(2, 5), whole.subarray(5, 2 + HEAP.length)];
  },
  'a Uint8Array by itself': () => new Uint8Array(HEAP),
  'strings': () => thirds().map(String),
  'promises of chunks': () => thirds().map(async chunk => chunk),
  'empty chunks between': () => [Buffer.alloc(0), ...thirds(), Buffer.alloc(0)],
  'a generator': () =>
    (function* chunks() {
      yield* thirds();
    })(),
  'an async generator': () =>
    (async function* chunks() {
      yield* thirds();
    })(),
  'a readable stream': () => Readable.from(thirds()),
  'a stream that is piped': () => Readable.from(thirds()).pipe(new PassThrough()),
  'an iterator without return': () => byHand(thirds()),
};

for (const [name, stream] of Object.entries(STREAMS)) {
  test(`a snapshot is saved from ${name}, and loaded`, async () => {
    const store = initSwingStore(null);
    const result = await store.kernelStorage.snapStore.saveSnapshot('v1', 3, stream());
    assert.equal(result.hash, sha256(HEAP));
    assert.equal(result.uncompressedSize, HEAP.length);
    assert.deepEqual(await loaded(store, 'v1'), HEAP);
  });
}

test('an empty stream is an empty snapshot', async () => {
  const store = initSwingStore(null);
  const { hash, uncompressedSize } = await store.kernelStorage.snapStore.saveSnapshot('v1', 3, []);
  assert.deepEqual([hash, uncompressedSize], [sha256(''), 0]);
  assert.equal((await loaded(store, 'v1')).length, 0);
});

test('chunks may be overwritten as soon as the next is asked for', async () => {
  const store = initSwingStore(null);
  const reused = Buffer.alloc(4);
  const stream = (function* chunks() {
    for (const text of ['aaaa', 'bbbb', 'cccc']) {
      reused.write(text);
      yield reused;
    }
  })();
  await store.kernelStorage.snapStore.saveSnapshot('v1', 3, stream);
  assert.equal(String(await loaded(store, 'v1')), 'aaaabbbbcccc');
});

test('a stream is closed after its end, once, and the save waits for it when all else is done', async () => {
  const store = initSwingStore(null);
  const events = [];
  let release;
  const stream = byHand(thirds(), {
    return: () =>
      new Promise(resolve => {
        events.push('closing');
        release = () => {
          events.push('closed');
          resolve({ done: true, value: undefined });
        };
      }),
  });
  const saving = store.kernelStorage.snapStore.saveSnapshot('v1', 3, stream).then(() => events.push('saved'));
  while (store.kernelStorage.snapStore.getSnapshotInfo('v1') === undefined) await delay(1);
  events.push('stored');
  await delay(5);
  release();
  await saving;
  assert.deepEqual(events, ['closing', 'stored', 'closed', 'saved']);
});

test('a stream that fails anywhere is closed, its error comes out, and the old snapshot stays', async () => {
  const boom = Error('boom');
  const fail = () => {
    throw boom;
  };
  let closed = 0;
  const closing = { return: async () => ((closed += 1), { done: true, value: undefined }) };
  const failing = {
    'at the first chunk': [() => byHand([], { next: fail, ...closing }), 1],
    'with a rejection': [() => byHand([], { next: async () => fail(), ...closing }), 1],
    'in the middle': [
      () => {
        let at = 0;
        return byHand([], { next: async () => ((at += 1) < 3 ? { done: false, value: HEAP } : fail()), ...closing });
      },
      1,
    ],
    'at its beginning': [() => ({ [Symbol.asyncIterator]: fail }), 0],
    'and again as it is closed': [() => byHand([], { next: fail, return: () => Promise.reject(Error('later')) }), 0],
    'and throws as it is closed': [() => byHand([], { next: fail, return: () => assert.fail('later') }), 0],
    'as a generator': [
      () =>
        (function* chunks() {
          yield HEAP;
          fail();
        })(),
      0,
    ],
    'as a stream': [
      () =>
        new Readable({
          read() {
            this.destroy(boom);
          },
        }),
      0,
    ],
  };
  const store = initSwingStore(null);
  await store.kernelStorage.snapStore.saveSnapshot('v1', 3, thirds());
  const before = store.debug.dump();
  for (const [name, [stream, closes]] of Object.entries(failing)) {
    closed = 0;
    await rejectsWith(store.kernelStorage.snapStore.saveSnapshot('v1', 4, stream()), boom);
    assert.equal(closed, closes, name);
  }
  assert.deepEqual(store.debug.dump(), before);
});

test('chunks that are no bytes are refused, and the stream is closed', async () => {
  const store = initSwingStore(null);
  for (const chunk of [7, null, {}, [1, 2], new Uint16Array(2), new DataView(new ArrayBuffer(2)), new ArrayBuffer(2)]) {
    let closed = 0;
    const stream = byHand([HEAP, chunk], { return: async () => ((closed += 1), { done: true }) });
    await assert.rejects(store.kernelStorage.snapStore.saveSnapshot('v1', 1, stream), /must be a Uint8Array/);
    assert.equal(closed, 1);
  }
  await assert.rejects(
    store.kernelStorage.snapStore.saveSnapshot('v1', 1, byHand([], { next: async () => undefined })),
    TypeError,
  );
  assert.equal(store.kernelStorage.snapStore.getSnapshotInfo('v1'), undefined);
});

test('a reader that leaves early ends the reading, and may come again', async () => {
  const store = initSwingStore(null);
  const heap = noise(3 << 20);
  await store.kernelStorage.snapStore.saveSnapshot('v1', 3, [heap]);
  for await (const chunk of store.kernelStorage.snapStore.loadSnapshot('v1')) {
    assert.ok(chunk.length > 0);
    break;
  }
  const reading = store.kernelStorage.snapStore.loadSnapshot('v1');
  assert.equal((await reading.return('left')).value, 'left');
  assert.deepEqual(await reading.next(), { done: true, value: undefined });
  assert.equal(sha256(await loaded(store, 'v1')), sha256(heap));
});

test('a snapshot goes on being read after its store is closed or has another', async () => {
  const store = initSwingStore(null);
  const heap = noise(3 << 20);
  await store.kernelStorage.snapStore.saveSnapshot('v1', 3, [heap]);
  const reading = store.kernelStorage.snapStore.loadSnapshot('v1');
  const { value: first } = await reading.next();
  await store.kernelStorage.snapStore.saveSnapshot('v1', 4, thirds());
  await store.hostStorage.close();
  assert.equal(sha256(Buffer.concat([first, ...(await all(reading))])), sha256(heap));
});

test('a damaged snapshot is an error for a slow reader too, and no unhandled rejection', async t => {
  const { tempDir } = await import('./support.mjs');
  const dir = tempDir(t);
  // The process would end at an unhandled rejection.
  const source = `
    import { setTimeout as delay } from 'node:timers/promises';
    import Database from 'better-sqlite3';
    import { gzipSync } from 'node:zlib';
    import { initSwingStore, openSwingStore } from 'swing-node';
    const dir = process.argv.at(-1);
    const store = initSwingStore(dir);
    await store.kernelStorage.snapStore.saveSnapshot('v1', 1, ['heap'.repeat(1e6)]);
    await store.hostStorage.commit();
    await store.hostStorage.close();
    const db = new Database(dir + '/swingstore.sqlite');
    db.prepare('UPDATE snapshots SET compressedSnapshot = ?').run(gzipSync('help'.repeat(1e6)));
    db.close();
    const again = openSwingStore(dir);
    const reading = again.kernelStorage.snapStore.loadSnapshot('v1');
    const first = await reading.next();
    await delay(50);
    try {
      for await (const chunk of again.kernelStorage.snapStore.loadSnapshot('v1')) await delay(chunk.length > 0 ? 5 : 0);
    } catch (error) {
      console.log(first.value.length > 0, error.message);
    }
  `;
  const hash = text => sha256(text.repeat(1e6));
  assert.equal(await inChild(source, [dir]), `true actual hash "${hash('help')}" !== expected "${hash('heap')}"`);
});

test('an archiver is given what is stored, before it is stored', async () => {
  const seen = [];
  const store = initSwingStore(null, {
    archiveSnapshot: async (name, gzip) => {
      seen.push(name, Buffer.isBuffer(gzip), String(gunzipSync(gzip)));
      seen.push(store.kernelStorage.snapStore.getSnapshotInfo('v1'));
    },
  });
  const { archiveWriteSeconds } = await store.kernelStorage.snapStore.saveSnapshot('v1', 3, thirds());
  assert.deepEqual(seen, ['snapshot.v1.3', true, String(HEAP), undefined]);
  assert.equal(typeof archiveWriteSeconds, 'number');
});

test('an archiver that throws or rejects leaves the old snapshot in use', async () => {
  const boom = Error('boom');
  const archivers = {
    throws: () => {
      throw boom;
    },
    rejects: async () => {
      throw boom;
    },
    'rejects later': async () => {
      await delay(5);
      throw boom;
    },
  };
  for (const [name, archiveSnapshot] of Object.entries(archivers)) {
    const store = initSwingStore(null, { archiveSnapshot });
    await rejectsWith(store.kernelStorage.snapStore.saveSnapshot('v1', 3, thirds()), boom);
    assert.equal(store.kernelStorage.snapStore.getSnapshotInfo('v1'), undefined, name);
  }
});

test('an archiver may change its bytes without changing what is stored', async () => {
  const store = initSwingStore(null, { archiveSnapshot: async (_name, gzip) => void gzip.fill(0) });
  await store.kernelStorage.snapStore.saveSnapshot('v1', 3, thirds());
  assert.deepEqual(await loaded(store, 'v1'), HEAP);
});

test('snapshots of several vats are saved at once', async () => {
  const store = initSwingStore(null);
  const heaps = Array.from({ length: 9 }, (_, seed) => noise(300_000 + seed, seed + 1));
  const saved = await Promise.all(
    heaps.map((heap, at) => store.kernelStorage.snapStore.saveSnapshot(`v${at}`, 1, [heap])),
  );
  assert.deepEqual(saved.map(({ hash }) => hash), heaps.map(sha256));
  const back = await Promise.all(heaps.map((_, at) => loaded(store, `v${at}`)));
  assert.deepEqual(back.map(sha256), heaps.map(sha256));
});

test('a store that is closed while a snapshot is packed refuses it in the end', async () => {
  const store = initSwingStore(null);
  const stream = (async function* chunks() {
    yield HEAP;
    await store.hostStorage.close();
    yield HEAP;
  })();
  await assert.rejects(store.kernelStorage.snapStore.saveSnapshot('v1', 1, stream), /db not initialized/);
});

test('the store is used while a snapshot is packed, and both are whole', async () => {
  const store = initSwingStore(null);
  const { kvStore, snapStore, transcriptStore } = store.kernelStorage;
  transcriptStore.initTranscript('v1');
  const saving = snapStore.saveSnapshot('v1', 1, [noise(8 << 20)]);
  let over = false;
  saving.finally(() => {
    over = true;
  });
  let writes = 0;
  while (!over) {
    kvStore.set(`key.${writes}`, 'value');
    transcriptStore.addItem('v1', `item ${writes}`);
    writes += 1;
    await new Promise(setImmediate);
  }
  await saving;
  assert.ok(writes > 10, `${writes} writes`);
  assert.equal(transcriptStore.getCurrentSpanBounds('v1').endPos, writes);
});

test('the event loop turns while 100 MB are saved and loaded', async () => {
  const store = initSwingStore(null);
  const chunk = noise(1 << 20);
  const heap = function* heap() {
    for (let at = 0; at < 100; at += 1) yield chunk;
  };
  const { snapStore } = store.kernelStorage;
  const saving = await turnsDuring(() => snapStore.saveSnapshot('v1', 1, heap()));
  assert.equal(saving.result.uncompressedSize, 100 << 20);
  assert.ok(saving.turns > 100, `${saving.turns} turns`);
  const loading = await turnsDuring(async () => {
    let bytes = 0;
    for await (const part of snapStore.loadSnapshot('v1')) bytes += part.length;
    return bytes;
  });
  assert.equal(loading.result, 100 << 20);
  assert.ok(loading.turns > 100, `${loading.turns} turns`);
  // In one chunk too: nothing on the way is all of it at once on this thread.
  const one = await turnsDuring(() => snapStore.saveSnapshot('v1', 2, [noise(64 << 20)]));
  assert.ok(one.turns > 100, `${one.turns} turns`);
});
