// An importer: a store from any exporter, ours or a host's own object.
import { validateArtifactMode } from './exporter.js';
import { makeHandle } from './handle.js';
import { importer } from './native.js';
import { diskUsage, makeDebug, makeExports, nativeOptions } from './swingStore.js';
import { bytesOf, fail, harden, insistString, iteratorOf, pairsOf } from './util.js';

const RECORDS_AT_ONCE = 512;
/** An importer never reads much further than it has to. */
const BYTES_AT_ONCE = 64 << 10;

/** Something of the exporter's that is being read. Whatever happens, it is closed. */
const makeReader = () => {
  let iterator;
  let kind;
  const close = async () => {
    const open = iterator;
    iterator = undefined;
    kind = undefined;
    await open?.return?.();
  };
  return {
    close,
    /** Opens what `begin` answers, unless it is open. */
    async open(name, begin) {
      if (kind === name) return;
      await close();
      iterator = iteratorOf(await begin(), name);
      kind = name;
    },
    /** The next items, until they weigh enough; none at the end. */
    async take(enough, weigh) {
      const items = [];
      let weight = 0;
      while (iterator && weight < enough) {
        // eslint-disable-next-line no-await-in-loop
        const { done, value } = await iterator.next();
        if (done) {
          iterator = undefined;
          break;
        }
        // A sync iterator may yield promises.
        // eslint-disable-next-line no-await-in-loop
        const item = await value;
        items.push(item);
        weight += weigh(item);
      }
      return items;
    },
  };
};

/** Fulfils the wishes of the native importer until it has all it wants. */
const fulfil = async (exporter, native) => {
  const records = makeReader();
  const names = makeReader();
  const bytes = makeReader();
  const grant = (items, give) => (items.length > 0 ? give(items) : native.grantNothing());
  const giveBytes = async () => {
    const weigh = chunk => bytesOf(chunk, 'artifact chunk').length;
    const chunks = await bytes.take(BYTES_AT_ONCE, weigh);
    grant(chunks, () => native.grantBytes(chunks.map(chunk => bytesOf(chunk, 'artifact chunk'))));
  };
  const fulfilOne = async ([wish, name]) => {
    switch (wish) {
      case 'records':
        await records.open('export data', () => exporter.getExportData());
        grant(await records.take(RECORDS_AT_ONCE, () => 1), native.grantRecords);
        break;
      case 'names':
        await bytes.close();
        await names.open('artifact names', () => exporter.getArtifactNames());
        grant(await names.take(RECORDS_AT_ONCE, () => 1), native.grantNames);
        break;
      case 'artifact':
        await bytes.close();
        await bytes.open(`artifact ${name}`, () => exporter.getArtifact(name));
        await giveBytes();
        break;
      case 'bytes':
        await giveBytes();
        break;
      default:
        fail(`unknown wish ${wish}`);
    }
  };
  try {
    for (;;) {
      // eslint-disable-next-line no-await-in-loop
      const wish = await native.wish();
      if (wish[0] === 'done') return;
      try {
        // eslint-disable-next-line no-await-in-loop
        await fulfilOne(wish);
      } catch (error) {
        // The native side gives up and cleans up; what is told is the exporter's own error.
        native.grantNothing(String(error?.message ?? error));
        // eslint-disable-next-line no-await-in-loop
        await native.wish().catch(() => {});
        throw error;
      }
    }
  } finally {
    for (const reader of [records, names, bytes]) {
      // eslint-disable-next-line no-await-in-loop
      await reader.close().catch(() => {});
    }
  }
};

const importedStore = (native, path, options) => {
  const { store } = native;
  const exports = makeExports(native);
  let isInPlace = false;
  const kv = name => (...args) => (isInPlace ? native.hostKv : native.importedKv)[name](...args);
  const kvStore = Object.fromEntries(['has', 'get', 'getNextKey', 'set', 'delete'].map(name => [name, kv(name)]));

  const commit = async () => {
    if (!isInPlace) {
      await store.publish();
      isInPlace = true;
      if (options.exportCallback) exports.setExportCallback(options.exportCallback);
      return;
    }
    const batch = store.settleBlock();
    if (batch !== undefined && exports.isInstalled()) exports.handOver(pairsOf(batch));
    store.sealBlock();
  };
  const repairMetadata = async () => fail('a store that was just imported needs no repair: open it first');
  const hostStorage = {
    repairMetadata,
    kvStore,
    commit,
    close: async () => store.close(),
    diskUsage: () => diskUsage(store)[0],
    setExportCallback: exports.setExportCallback,
  };
  const handle = makeHandle(native, { file: path, asFile: options.asFile });
  return harden({ hostStorage, debug: makeDebug(native, handle) });
};

/**
 * Imports a store from an exporter, in place of what is in the directory, or in memory. Nothing is in place before the
 * returned host commits. The exporter is closed in any case.
 */
export const importSwingStore = async (exporter, dirPath = null, options = {}) => {
  if (dirPath) insistString(dirPath, 'dirPath');
  const { artifactMode = 'operational', ...storeOptions } = options;
  validateArtifactMode(artifactMode);
  const { exportCallback } = storeOptions;
  exportCallback === undefined || typeof exportCallback === 'function' || fail('export callback must be a function');

  const closeAnyway = () => Promise.resolve().then(() => exporter.close());
  let native;
  try {
    native = importer(dirPath || null, artifactMode, nativeOptions({ ...storeOptions, serialized: undefined }));
    await fulfil(exporter, native);
  } catch (error) {
    await closeAnyway().catch(() => {});
    throw error;
  }
  const store = native.imported();
  try {
    await exporter.close();
  } catch (error) {
    store.store.close();
    throw error;
  }
  return importedStore(store, dirPath, storeOptions);
};
harden(importSwingStore);
