// An importer: a store from any exporter, ours or a host's own object.
import path from 'node:path';
import { performance } from 'node:perf_hooks';

import { validateArtifactMode } from './exporter.js';
import { makeHandle } from './handle.js';
import { importer } from './native.js';
import { nativeOf } from './natives.js';
import {
  diskUsage,
  insistCallback,
  insistImage,
  makeCommit,
  makeDebug,
  makeExports,
  nativeOptions,
  placeOf,
} from './swingStore.js';
import { bytesOf, fail, harden, insistString, iteratorOf, makeCallSite } from './util.js';

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
    /** The next items as `accept` takes them, until they weigh enough; none at the end. */
    async take(enough, accept, weigh = () => 1) {
      const items = [];
      let weight = 0;
      while (iterator && weight < enough) {
        const reading = iterator;
        // One that ends, or throws, is not closed.
        iterator = undefined;
        // eslint-disable-next-line no-await-in-loop
        const { done, value } = await reading.next();
        if (done) break;
        iterator = reading;
        // A sync iterator may yield promises.
        // eslint-disable-next-line no-await-in-loop
        const item = accept(await value);
        items.push(item);
        weight += weigh(item);
      }
      return items;
    },
  };
};

/** A record of export data as a plain pair; whatever can be taken apart as one will do. */
const recordOf = ([key, value]) => [key, value];

/** What an error says, if it can be asked at all. */
const wordsOf = error => {
  try {
    return String(error?.message ?? error);
  } catch {
    return 'the exporter failed';
  }
};

/** Fulfils the wishes of the native importer until it has all it wants. `here` is who imports. */
const fulfil = async (exporter, native, here) => {
  const records = makeReader();
  const names = makeReader();
  const bytes = makeReader();
  const grant = (items, give) => (items.length > 0 ? give(items) : native.grantNothing());
  const giveBytes = async () => {
    // Empty chunks weigh something too, so that any number of them may come.
    const accept = chunk => bytesOf(chunk, 'artifact chunk');
    grant(await bytes.take(BYTES_AT_ONCE, accept, chunk => 1 + chunk.length), native.grantBytes);
  };
  const fulfilOne = async ([wish, name]) => {
    switch (wish) {
      case 'records':
        await records.open('export data', () => exporter.getExportData());
        grant(await records.take(RECORDS_AT_ONCE, recordOf), native.grantRecords);
        break;
      case 'names':
        await bytes.close();
        await names.open('artifact names', () => exporter.getArtifactNames());
        grant(await names.take(RECORDS_AT_ONCE, name => name), native.grantNames);
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
        fail(`unknown wish ${wish}`, 'SWING_INTERNAL');
    }
  };
  try {
    for (;;) {
      // eslint-disable-next-line no-await-in-loop
      const wish = await here(native.wish());
      if (wish[0] === 'done') return;
      try {
        // eslint-disable-next-line no-await-in-loop
        await fulfilOne(wish);
      } catch (error) {
        // The native side gives up and cleans up; what is told is the exporter's own error.
        native.grantNothing(wordsOf(error));
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

/** The longest one attempt waits by itself: between two the process may end, or the import be given up. */
const ATTEMPT_MS = 100;

const importedStore = (native, place, patienceMs, options) => {
  const { store } = native;
  const exports = makeExports(native);
  const commitBlock = makeCommit(native, exports);
  let isInPlace = false;
  let isClosing = false;
  let publishing;
  let callback = options.exportCallback;
  const kv = name => (...args) => (isInPlace ? native.hostKv : native.importedKv)[name](...args);
  const kvStore = Object.fromEntries(['has', 'get', 'getNextKey', 'set', 'delete'].map(name => [name, kv(name)]));

  const setExportCallback = cb => {
    if (isInPlace) {
      exports.setExportCallback(cb);
    } else {
      insistCallback(cb, 'callback');
      callback = cb;
    }
  };
  const publish = async here => {
    const until = performance.now() + patienceMs;
    for (;;) {
      try {
        // eslint-disable-next-line no-await-in-loop
        await here(store.publish());
        break;
      } catch (error) {
        if (error.code !== 'SWING_BUSY' || isClosing || performance.now() >= until) throw error;
      }
    }
    isInPlace = true;
    // What was imported is no news to whoever it came from.
    if (callback) exports.setExportCallback(callback);
  };
  const commitOrPublish = async here => {
    if (isInPlace) {
      await commitBlock();
    } else if (publishing) {
      // If it fails, its own caller hears why.
      await publishing.catch(() => {});
      await commitOrPublish(here);
    } else {
      publishing = publish(here);
      try {
        await publishing;
      } finally {
        publishing = undefined;
      }
    }
  };
  const commit = () => (isInPlace ? commitBlock() : commitOrPublish(makeCallSite()));
  const close = async () => {
    isClosing = true;
    if (publishing) await publishing.catch(() => {});
    store.close();
  };
  const repairMetadata = async () => fail('a store that was just imported needs no repair: open it first', 'SWING_STATE');
  const hostStorage = {
    repairMetadata,
    kvStore,
    commit,
    close,
    diskUsage: () => diskUsage(store)[0],
    setExportCallback,
  };
  const handle = makeHandle(native, { file: place, asFile: options.asFile, exports });
  return harden({ hostStorage, debug: makeDebug(native, handle) });
};

/**
 * Imports a store from an exporter, in place of what is in the directory, or in memory. Nothing is in place before the
 * returned host commits; a commit that is rejected because somebody reads the old store can be made again. The exporter
 * is closed in any case.
 */
export const importSwingStore = async (exporter, dirPath = null, options = {}) => {
  const here = makeCallSite();
  if (dirPath) insistString(dirPath, 'dirPath');
  const { artifactMode = 'operational', patienceMs = 5000, ...storeOptions } = options;
  validateArtifactMode(artifactMode);
  insistImage(storeOptions.serialized, dirPath);
  !(storeOptions.serialized?.length > 0) || fail('an import begins with nothing: options.serialized cannot be had');
  if (storeOptions.exportCallback !== undefined) insistCallback(storeOptions.exportCallback, 'export callback');

  const closeAnyway = () => Promise.resolve().then(() => exporter.close());
  let native;
  let place;
  try {
    const wanted = placeOf(dirPath, storeOptions.asFile);
    // Wherever the process is when the import is complete.
    place = wanted && path.resolve(wanted);
    native = importer(wanted, artifactMode, {
      ...nativeOptions({ ...storeOptions, serialized: undefined }),
      // What is no number of milliseconds is refused there.
      patienceMs: Number.isFinite(patienceMs) ? Math.min(patienceMs, ATTEMPT_MS) : patienceMs,
    });
    await fulfil(exporter, native, here);
  } catch (error) {
    await closeAnyway().catch(() => {});
    throw error;
  }
  const store = nativeOf(native.imported());
  try {
    await exporter.close();
  } catch (error) {
    store.store.close();
    throw error;
  }
  return importedStore(store, place, patienceMs, storeOptions);
};
harden(importSwingStore);
