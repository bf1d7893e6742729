// A store with a mistake in it, made on purpose: a run on it must be told from one without. Each kind is a mistake that only
// one of the comparisons can see.

import * as store from '@agoric/swing-store';

export * from '@agoric/swing-store';

const kind = process.env.STORE_WRONG;

/** The last digit of a text becomes the next one. */
const nudged = text => text.replace(/\d(?=\D*$)/, digit => `${(Number(digit) + 1) % 10}`);

/** One character of one value, at one time: consensus breaks. */
let sets = 0;
const wrongSet = kv => (key, value) => {
  sets += key === 'kernelStats' ? 1 : 0;
  return kv.set(key, key === 'kernelStats' && sets === 50 ? nudged(value) : value);
};

/** A key that is neither hashed nor exported: only the rows can tell. */
const wrongLocal = kv => (key, value) => kv.set(key, key === 'local.kernelStats' ? nudged(value) : value);

/** One batch in another order: only the export log can tell. */
let batches = 0;
const wrongBatch = (callback, batch) => {
  const pairs = Array.from(batch);
  batches += pairs.length > 1 ? 1 : 0;
  return callback(batches === 20 && pairs.length > 1 ? pairs.reverse() : batch);
};

const SETS = { set: wrongSet, local: wrongLocal };

const twisted = open => (directory, options = {}) => {
  const { exportCallback } = options;
  const made = open(directory, {
    ...options,
    exportCallback: kind === 'batch' && exportCallback ? batch => wrongBatch(exportCallback, batch) : exportCallback,
  });
  const { kvStore } = made.kernelStorage;
  const set = SETS[kind]?.(kvStore) ?? kvStore.set;
  return { ...made, kernelStorage: { ...made.kernelStorage, kvStore: { ...kvStore, set } } };
};

export const initSwingStore = twisted(store.initSwingStore);
export const openSwingStore = twisted(store.openSwingStore);

/** One record of an export: only the exports can tell, and what is imported from them. */
export const makeSwingStoreExporter = (...args) => {
  const exporter = store.makeSwingStoreExporter(...args);
  const getExportData = async function* data() {
    for await (const [key, value] of exporter.getExportData()) {
      yield [key, kind === 'export' && key === 'kv.kernelStats' ? nudged(value) : value];
    }
  };
  return { ...exporter, getExportData };
};
