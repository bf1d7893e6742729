// What several of the tests need.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** Removes a directory. A thread of a worker that was terminated may let go of its store, and of the files beside it, a moment later. */
export const removeDir = async dir => {
  for (let tries = 100; ; tries -= 1) {
    try {
      fs.rmSync(dir, { recursive: true, force: true });
      return;
    } catch (error) {
      if (error.code !== 'ENOTEMPTY' || tries === 0) throw error;
      await setTimeout(20);
    }
  }
};

/** A directory that is gone after the test. */
export const tempDir = t => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'swing-node-'));
  t.after(() => removeDir(dir));
  return dir;
};

/** Everything of an iterable, sync or async. */
export const all = async iterable => {
  const items = [];
  for await (const item of iterable) items.push(item);
  return items;
};

/** What became of a call: how it answered, and with what. */
export const outcome = async call => {
  let answer;
  try {
    answer = call();
  } catch (error) {
    return { how: 'throws', error };
  }
  if (!(answer instanceof Promise)) return { how: 'returns', value: answer };
  try {
    return { how: 'resolves', value: await answer };
  } catch (error) {
    return { how: 'rejects', error };
  }
};

/** What each step of a life comes to on each of these stores: the answer, or what was said instead, up to our own words in brackets. */
export const inTurn = (stores, life) =>
  Promise.all(
    stores.map(async ({ kernelStorage, hostStorage }) => {
      const lived = [];
      for (const [what, step] of life) {
        const { how, value, error } = await outcome(() => step(kernelStorage, hostStorage));
        lived.push([what, error ? `${how} ${error.message.replace(/ \(.*\)$/, '').replaceAll('""', '"')}` : value]);
      }
      return lived;
    }),
  );

/** Bytes that compress about as well as a heap does, the same for the same seed. */
export const noise = (length, seed = 1) => {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let at = 0; at < length; at += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes.writeUInt32LE(at % 64 < 32 ? state : seed, Math.min(at, length - 4));
  }
  return bytes;
};

/** A block with something of everything: keys, two spans, a snapshot, a bundle. The store is committed. */
export const populate = async ({ kernelStorage, hostStorage }, { items = 3 } = {}) => {
  const { kvStore, transcriptStore, snapStore, bundleStore } = kernelStorage;
  kernelStorage.startCrank();
  kvStore.set('kernel.a', '1');
  kvStore.set('kernel.b', '2');
  kvStore.set('local.c', '3');
  transcriptStore.initTranscript('v1');
  for (let at = 0; at < items; at += 1) transcriptStore.addItem('v1', `item ${at}`);
  await snapStore.saveSnapshot('v1', items, [Buffer.from('a heap')]);
  await transcriptStore.rolloverSpan('v1');
  transcriptStore.addItem('v1', 'loaded');
  bundleStore.addBundle(BUNDLE_ID, BUNDLE);
  kernelStorage.emitCrankHashes();
  kernelStorage.endCrank();
  hostStorage.kvStore.set('host.height', '1');
  await hostStorage.commit();
};

export const BUNDLE = { moduleFormat: 'nestedEvaluate', source: '1+1', sourceMap: '//m' };
export const BUNDLE_ID = 'b0-206e25f8fcb6f920cf1642e06ef7c956d85cd52331cf2afca02a809799ba301e';

/** Runs a program in a process of its own, which must end by itself and well. Answers what it printed. */
export const inChild = (source, args = [], flags = []) =>
  new Promise((resolve, reject) => {
    const all = [...flags, '--input-type=module', '--eval', source, '--', ...args];
    execFile(process.execPath, all, { cwd: fileURLToPath(new URL('.', import.meta.url)), timeout: 300_000 }, (error, stdout, stderr) => {
      if (error) reject(Error(`a child ended with ${error.signal ?? error.code}: ${stderr}\n${stdout}`));
      else resolve(stdout.trim());
    });
  });

/** How many turns the event loop takes while `work` is under way. */
export const turnsDuring = async work => {
  let turns = 0;
  let over = false;
  const turn = () => {
    turns += 1;
    if (!over) setImmediate(turn);
  };
  setImmediate(turn);
  try {
    return { result: await work(), turns };
  } finally {
    over = true;
  }
};

/** That a promise is rejected with this very error. */
export const rejectsWith = async (promise, error) => {
  const seen = await promise.then(
    () => assert.fail('it was not rejected'),
    reason => reason,
  );
  assert.equal(seen, error);
};
