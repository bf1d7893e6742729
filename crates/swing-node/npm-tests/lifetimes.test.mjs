// Handles that nobody closes, worker threads that come and go, and processes that end in the middle of something.
import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import fs from 'node:fs';
import { initSwingStore, makeSwingStoreExporter, openSwingStore } from 'swing-node';

import { inChild, populate, removeDir, tempDir } from './support.mjs';

/** What a child's program begins with. */
const PRELUDE = `
  import { setTimeout as delay } from 'node:timers/promises';
  import { importSwingStore, initSwingStore, makeSwingStoreExporter, openSwingStore } from 'swing-node';
  const dir = process.argv.at(-1);
  const chunk = Buffer.alloc(1 << 20, 'heap');
  const endless = async function* endless() {
    for (;;) {
      yield chunk;
      await new Promise(setImmediate);
    }
  };
  const turns = async count => {
    for (let at = 0; at < count; at += 1) await new Promise(setImmediate);
  };
`;

const filled = async t => {
  const dir = tempDir(t);
  const store = initSwingStore(dir);
  await populate(store, { items: 200 });
  await store.hostStorage.close();
  return dir;
};

test('a process ends by itself with everything left open', async t => {
  const dir = await filled(t);
  const source = `${PRELUDE}
    const store = openSwingStore(dir);
    store.kernelStorage.kvStore.set('x', 'y');
    const exporter = makeSwingStoreExporter(dir);
    await exporter.getExportData().next();
    await exporter.getArtifact('snapshot.v1.200').next();
    await store.kernelStorage.snapStore.loadSnapshot('v1').next();
    store.kernelStorage.transcriptStore.readSpan('v1', 0).next();
    const imported = await importSwingStore(makeSwingStoreExporter(dir));
    imported.hostStorage.kvStore.set('host.x', 'y');
    // An exporter that never answers, and a stream that never goes on.
    importSwingStore({ getExportData: () => new Promise(() => {}), close: async () => {} });
    importSwingStore({ getExportData: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) }) });
    store.kernelStorage.snapStore.saveSnapshot('v2', 1, { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) });
    console.log('the end');
  `;
  assert.equal(await inChild(source, [dir]), 'the end');
  assert.equal(openSwingStore(dir).kernelStorage.kvStore.get('x'), undefined);
});

test('a process may exit in the middle of anything', async t => {
  const works = [
    `openSwingStore(dir).kernelStorage.snapStore.saveSnapshot('v2', 1, endless());`,
    `importSwingStore(makeSwingStoreExporter(dir));`,
    `importSwingStore(makeSwingStoreExporter(dir)).then(({ hostStorage }) => hostStorage.commit());`,
    `(async () => { for (;;) for await (const record of makeSwingStoreExporter(dir).getExportData()); })();`,
    `(async () => { const s = openSwingStore(dir); for (;;) for await (const c of s.kernelStorage.snapStore.loadSnapshot('v1')); })();`,
  ];
  for (const work of works) {
    for (const count of [1, 30]) {
      const dir = await filled(t);
      const source = `${PRELUDE}
        ${work}
        await turns(${count});
        console.log('the end');
        process.exit(0);
      `;
      assert.equal(await inChild(source, [dir]), 'the end', work);
      const store = openSwingStore(dir);
      assert.equal(store.kernelStorage.kvStore.get('kernel.a'), '1');
      await store.hostStorage.close();
    }
  }
});

test('what is collected lets go of its files, threads and locks', async t => {
  const dir = await filled(t);
  const source = `${PRELUDE}
    import fs from 'node:fs';
    const collected = async () => {
      for (let at = 0; at < 20; at += 1) {
        globalThis.gc();
        await delay(5);
      }
    };
    const count = name => fs.readdirSync('/proc/self/' + name).length;
    const linux = fs.existsSync('/proc/self/task');
    const round = async () => {
      const store = openSwingStore(dir);
      store.kernelStorage.kvStore.set('x', 'y');
      const exporter = makeSwingStoreExporter(dir);
      await exporter.getExportData().next();
      for await (const piece of store.kernelStorage.snapStore.loadSnapshot('v1')) break;
      store.kernelStorage.transcriptStore.readSpan('v1', 0).next();
      store.kernelStorage.snapStore.saveSnapshot('v2', 1, { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) });
      importSwingStore({ getExportData: () => new Promise(() => {}) });
      await turns(3);
    };
    await round();
    await collected();
    const before = linux && [count('task'), count('fd')];
    for (let at = 0; at < 10; at += 1) {
      // The one before must have let go of the lock of the only writer.
      await round();
      await collected();
    }
    const after = linux && [count('task'), count('fd')];
    console.log(!linux || (after[0] <= before[0] && after[1] <= before[1]) ? 'ok' : before + ' ' + after);
  `;
  assert.equal(await inChild(source, [dir], ['--expose-gc']), 'ok');
});

test('functions outlive the objects they came on', async () => {
  const source = `${PRELUDE}
    const { get, set } = initSwingStore(null).kernelStorage.kvStore;
    const { addItem, initTranscript, readSpan } = initSwingStore(null).kernelStorage.transcriptStore;
    initTranscript('v1');
    for (let at = 0; at < 1000; at += 1) addItem('v1', 'item ' + at);
    const reading = readSpan('v1');
    reading.next();
    for (let at = 0; at < 10; at += 1) {
      globalThis.gc();
      await delay(1);
    }
    set('x', 'y');
    console.log(get('x'), [...reading].length);
  `;
  assert.equal(await inChild(source, [], ['--expose-gc']), 'y 999');
});

/** Runs a program in a worker thread, and answers what it says last. */
const inWorker = (source, dir) =>
  new Promise((resolve, reject) => {
    const url = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
    const worker = new Worker(url, { workerData: dir });
    let said;
    worker.on('message', message => {
      said = message;
    });
    worker.on('error', reject);
    worker.on('exit', code => (code === 0 ? resolve(said) : reject(Error(`a worker ended with ${code}`))));
  });

/** A data URL cannot name packages, so a worker is told where ours is. */
const WORKER = `
  import { parentPort, workerData as dir } from 'node:worker_threads';
  import { importSwingStore, initSwingStore, makeSwingStoreExporter, openSwingStore } from '${import.meta.resolve('swing-node')}';
  const chunk = Buffer.alloc(1 << 20, 'heap');
  const endless = async function* endless() {
    for (;;) {
      yield chunk;
      await new Promise(setImmediate);
    }
  };
`;

test('worker threads open, use and close stores, one after another and side by side', async t => {
  const dirs = await Promise.all([filled(t), filled(t), filled(t)]);
  const source = `${WORKER}
    for (let at = 0; at < 3; at += 1) {
      const store = openSwingStore(dir);
      const { kvStore, snapStore } = store.kernelStorage;
      kvStore.set('count', String(Number(kvStore.get('count') ?? 0) + 1));
      await snapStore.saveSnapshot('v2', at, [Buffer.from('heap')]);
      await store.hostStorage.commit();
      const imported = await importSwingStore(makeSwingStoreExporter(dir));
      await imported.hostStorage.commit();
      parentPort.postMessage(imported.hostStorage.kvStore.get('count'));
      await store.hostStorage.close();
    }
  `;
  for (let round = 1; round <= 2; round += 1) {
    const said = await Promise.all(dirs.map(dir => inWorker(source, dir)));
    assert.deepEqual(said, Array(3).fill(String(3 * round)));
  }
});

const WORKS = {
  saveSnapshot: `const s = openSwingStore(dir); parentPort.postMessage('go'); await s.kernelStorage.snapStore.saveSnapshot('v2', 1, endless());`,
  'saveSnapshot of one large chunk': `const s = openSwingStore(dir); const big = Buffer.alloc(64 << 20, 'x'); parentPort.postMessage('go'); for (let at = 0; ; at += 1) await s.kernelStorage.snapStore.saveSnapshot('v2', at, [big]);`,
  loadSnapshot: `const s = openSwingStore(dir); parentPort.postMessage('go'); for (;;) for await (const c of s.kernelStorage.snapStore.loadSnapshot('v1'));`,
  export: `parentPort.postMessage('go'); for (;;) { const e = makeSwingStoreExporter(dir); for await (const r of e.getExportData()); for await (const c of e.getArtifact('snapshot.v1.200')); }`,
  import: `parentPort.postMessage('go'); for (;;) await importSwingStore(makeSwingStoreExporter(dir));`,
  'import that is committed': `parentPort.postMessage('go'); for (;;) { const { hostStorage } = await importSwingStore(makeSwingStoreExporter(dir), dir + '-copy'); await hostStorage.commit(); await hostStorage.close(); }`,
  'import from what never answers': `parentPort.postMessage('go'); await importSwingStore({ getExportData: () => new Promise(() => setInterval(() => {}, 1000)) });`,
};

for (const [name, work] of Object.entries(WORKS)) {
  test(`a worker thread may be terminated in the middle of ${name}`, async t => {
    const dir = await filled(t);
    t.after(() => removeDir(`${dir}-copy`));
    for (const after of [0, 3, 10, 30]) {
      const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(`${WORKER}${work}`)}`), { workerData: dir });
      const failed = new Promise((_, reject) => worker.on('error', reject));
      await Promise.race([failed, new Promise(resolve => worker.once('message', resolve))]);
      await Promise.race([failed, delay(after)]);
      await worker.terminate();
      failed.catch(() => {});
    }
    // Nothing of it holds the store.
    const store = openSwingStore(dir);
    assert.equal(store.kernelStorage.kvStore.get('kernel.a'), '1');
    await store.hostStorage.close();
  });
}

test('workers that are terminated take no native code away from threads that still run it', async t => {
  const dir = await filled(t);
  // Here only workers load the module, so it could be unloaded with the last of them.
  const source = `
    import { Worker } from 'node:worker_threads';
    import { setTimeout as delay } from 'node:timers/promises';
    const [program, dir] = process.argv.slice(-2);
    for (let at = 0; at < 6; at += 1) {
      const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(program)), { workerData: dir });
      await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
      await delay(at * 2);
      await worker.terminate();
    }
    await delay(100);
    console.log('the end');
  `;
  for (const work of [WORKS.saveSnapshot, WORKS.export, WORKS.import]) {
    assert.equal(await inChild(source, [`${WORKER}${work}`, dir]), 'the end');
  }
});

test('under lockdown in a worker thread and a child everything works as without', async t => {
  const body = `
    const store = openSwingStore(dir);
    store.kernelStorage.startCrank();
    store.kernelStorage.kvStore.set('locked', 'down');
    await store.kernelStorage.snapStore.saveSnapshot('v2', 1, [new Uint8Array(9)]);
    await store.kernelStorage.transcriptStore.rolloverSpan('v1');
    for await (const piece of store.kernelStorage.snapStore.loadSnapshot('v2')) piece.fill(1);
    store.kernelStorage.endCrank();
    await store.hostStorage.commit();
    const { hostStorage } = await importSwingStore(makeSwingStoreExporter(dir));
    await hostStorage.commit();
    const said = [Object.isFrozen(Array.prototype), hostStorage.kvStore.get('locked')].join();
    await store.hostStorage.close();
  `;
  const child = `import '@endo/init'; ${PRELUDE} ${body} console.log(said);`;
  assert.equal(await inChild(child, [await filled(t)]), 'true,down');
  const worker = `import '${import.meta.resolve('@endo/init')}'; ${WORKER} ${body} parentPort.postMessage(said);`;
  assert.equal(await inWorker(worker, await filled(t)), 'true,down');
});
