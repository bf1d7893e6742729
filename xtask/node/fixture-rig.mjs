// What every fixture is made with: a store driven block by block, and the files that are written about it afterwards.
import fs from 'node:fs';
import path from 'node:path';
import { goDataText, writeGoDataset, writeJsDataset } from './dataset.mjs';
import { MODES, exportArtifacts, exportData, hostHeight } from './exporting.mjs';
import { sha256 } from './rows.mjs';

/** Fails the whole run: a fixture that is not what it says is worse than none. */
export const insist = (condition, ...words) => {
  if (!condition) throw Error(words.join(' '));
};

/** A stand-in for a heap snapshot: text that is told by its label, `size` bytes long, and compresses. */
export const heapOf = (label, size = 200) =>
  Buffer.from(`${label} `.repeat(Math.ceil(size / (label.length + 1)))).subarray(0, size);

/** Transcript items as a kernel would write them. */
export const item = (type, ...rest) => JSON.stringify({ d: [type, ...rest] });
export const delivery = number => item('message', `o+${number}`, { methargs: { body: `call ${number}`, slots: [] } });

/**
 * A store under work. `block(work)` runs `work` in a crank and commits at the next height; `delivered` is what the
 * export callback was told so far, by key.
 */
export const openRig = (reference, dir, options, { init = true, height = 0 } = {}) => {
  const batches = [];
  const exportCallback = pairs => batches.push([...pairs].map(([key, value]) => [key, value ?? null]));
  const make = init ? reference.initSwingStore : reference.openSwingStore;
  const store = make(dir, { exportCallback, ...options });
  const { kernelStorage: kernel, hostStorage: host } = store;
  const { transcriptStore, snapStore } = kernel;
  let now = height;

  const crank = async work => {
    kernel.startCrank();
    kernel.establishCrankSavepoint('start');
    await work(kernel);
    kernel.emitCrankHashes();
    kernel.endCrank();
  };

  const block = async work => {
    now += 1;
    await crank(work);
    host.kvStore.set('host.height', `${now}`);
    await host.commit();
  };

  /** Adds `count` deliveries to a vat's current span. */
  const deliver = (vat, count) => {
    for (let n = 0; n < count; n += 1) {
      transcriptStore.addItem(vat, delivery(transcriptStore.getCurrentSpanBounds(vat).endPos));
    }
  };

  /** A vat's life begins: a transcript and the two items that every kernel writes first. */
  const createVat = vat => {
    transcriptStore.initTranscript(vat);
    transcriptStore.addItem(vat, item('initialize-worker', {}));
    transcriptStore.addItem(vat, item('startVat'));
  };

  const save = (vat, heap) => {
    const { endPos } = transcriptStore.getCurrentSpanBounds(vat);
    return snapStore.saveSnapshot(vat, endPos, [heap ?? heapOf(`heap of ${vat} at ${endPos}`)]);
  };

  /** What a kernel does at a snapshot: save it, note it in the transcript, begin a new span with its loading. */
  const snapshot = async (vat, heap) => {
    const { hash } = await save(vat, heap);
    transcriptStore.addItem(vat, item('save-snapshot', { hash }));
    await transcriptStore.rolloverSpan(vat);
    transcriptStore.addItem(vat, item('load-snapshot', { hash }));
  };

  /** What a kernel does at an upgrade: the old heap goes, a new incarnation starts afresh. */
  const upgrade = async vat => {
    transcriptStore.addItem(vat, item('shutdown-worker'));
    snapStore.stopUsingLastSnapshot(vat);
    await transcriptStore.rolloverIncarnation(vat);
    transcriptStore.addItem(vat, item('initialize-worker', {}));
    transcriptStore.addItem(vat, item('startVat'));
  };

  const terminate = async vat => {
    await transcriptStore.stopUsingTranscript(vat);
    snapStore.stopUsingLastSnapshot(vat);
  };

  return {
    ...{ store, kernel, host, transcriptStore, snapStore, batches },
    ...{ block, crank, createVat, deliver, save, snapshot, upgrade, terminate },
    height: () => now,
    close: () => host.close(),
  };
};

/** Export data as a host would have it that only listened to the callback, by key. */
export const heard = batches => {
  const known = new Map();
  for (const [key, value] of batches.flat()) {
    if (value === null) known.delete(key);
    else known.set(key, value);
  }
  return known;
};

const modeReport = async (reference, dir, mode) => {
  try {
    const artifacts = await exportArtifacts(reference, dir, mode);
    return artifacts.map(([name, bytes]) => [name, bytes.length, sha256(bytes)]);
  } catch (error) {
    return { error: error.message };
  }
};

/** What the reference exports from the store in `dir`: the content of `expected.json`. */
export const expectation = async (reference, dir) => {
  const data = await exportData(reference, dir);
  const height = await hostHeight(reference, dir);
  const artifacts = {};
  for (const mode of MODES) artifacts[mode] = await modeReport(reference, dir, mode);
  return {
    activityhash: new Map(data).get('kv.activityhash') ?? '',
    blockHeight: Number(height) || 0,
    exportDataHash: `sha256:${sha256(goDataText(data))}`,
    exportData: data,
    artifacts,
  };
};

/** JSON with one entry of a list a line, so that a change shows as a line; `depth` counts how far lists are opened. */
export const lineJson = (value, depth = 3, indent = '') => {
  const inner = `${indent}  `;
  const isList = Array.isArray(value);
  const parts =
    value === null || typeof value !== 'object' || depth === 0
      ? []
      : Object.entries(value).map(([key, child]) => {
          const text = lineJson(child, isList ? 0 : depth - 1, inner);
          return isList ? text : `${JSON.stringify(key)}: ${text}`;
        });
  if (parts.length === 0) return JSON.stringify(value);
  const [open, close] = isList ? '[]' : '{}';
  return `${open}\n${parts.map(part => `${inner}${part}`).join(',\n')}\n${indent}${close}`;
};

const WRITERS = { js: writeJsDataset, go: writeGoDataset };

/** Writes the data set of the store in `dir` to `to/dataset-DIALECT/MODE` and gives that folder. */
export const writeDataset = async (reference, dir, to, dialect, mode) => {
  const folder = path.join(to, `dataset-${dialect}`, mode);
  fs.mkdirSync(folder, { recursive: true });
  WRITERS[dialect](folder, {
    blockHeight: Number(await hostHeight(reference, dir)) || 0,
    mode,
    data: await exportData(reference, dir),
    artifacts: await exportArtifacts(reference, dir, mode),
  });
  return folder;
};
