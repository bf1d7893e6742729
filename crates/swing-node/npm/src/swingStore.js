// A store with its two ends.
import fs from 'node:fs';
import path from 'node:path';

import { KERNEL_BUNDLES, bundlesOver } from './bundleStore.js';
import { makeHandle } from './handle.js';
import { overWrapped } from './kvStore.js';
import { isSwingStore as isStore, open } from './native.js';
import { nativeOf } from './natives.js';
import { KERNEL_SNAPSHOTS, snapshotsOver } from './snapStore.js';
import { KERNEL_TRANSCRIPTS, transcriptsOver } from './transcriptStore.js';
import { dumpOf, fail, freeze, harden, insistString, pairsOf, pick } from './util.js';

/** What the native side is told of the options. */
export const nativeOptions = ({
  asFile = false,
  serialized,
  unsafeFastMode = false,
  readonly = false,
  traceFile,
  keepSnapshots = false,
  keepTranscripts = true,
} = {}) => ({
  asFile: !!asFile,
  // Nothing, and an image of nothing, is an empty store.
  serialized: serialized?.length > 0 ? serialized : undefined,
  unsafeFastMode: !!unsafeFastMode,
  readonly: !!readonly,
  traceFile: traceFile || undefined,
  keepSnapshots: !!keepSnapshots,
  keepTranscripts: !!keepTranscripts,
});

/** Where a store is: null for one in memory. A file, unlike a directory, is not made with all above it. */
export const placeOf = (wanted, asFile) => {
  if (!wanted || (asFile && wanted === ':memory:')) return null;
  !asFile ||
    fs.existsSync(path.dirname(wanted)) ||
    // In the words of the original's database library.
    fail('Cannot open database because the directory does not exist', 'SWING_OPEN', TypeError);
  return wanted;
};

/** An image makes a store in memory. */
export const insistImage = (serialized, wanted) => {
  if (!serialized) return;
  Buffer.isBuffer(serialized) || fail('options.serialized must be Buffer');
  wanted === null || fail('options.serialized makes :memory: DB');
};

export const insistCallback = (callback, what) => {
  typeof callback === 'function' || fail(`${what} must be a function`);
};

/** Hands batches of export data to the host's callback. */
export const makeExports = native => {
  let callback;
  // A callback that goes on after it returned may fail when its batch is long gone; the commit then must not happen.
  let promised = Promise.resolve();
  let outstanding = 0;
  let failure;

  const setExportCallback = cb => {
    insistCallback(cb, 'callback');
    native.store.recordExports();
    callback = cb;
  };
  /** Gives a batch to the callback; if it throws, or if there is none, the batch stays queued. */
  const handOver = batch => {
    let taken = false;
    try {
      if (!callback) return;
      const result = callback(pairsOf(batch));
      taken = true;
      if (typeof result?.then === 'function') {
        outstanding += 1;
        promised = Promise.all([promised, result]).then(
          () => {},
          error => {
            failure ??= { error };
          },
        );
      }
    } finally {
      native.store.exportsTaken(taken);
    }
  };
  /** Waits for what a callback promised, if it promised anything. */
  const settled = async () => {
    await promised;
    outstanding = 0;
    if (failure) throw failure.error;
  };
  return {
    setExportCallback,
    handOver,
    settled,
    isInstalled: () => callback !== undefined,
    hasPromises: () => outstanding > 0 || failure !== undefined,
  };
};

/** The end of a crank, with the callback between the halves. */
const makeEndCrank =
  ({ cranks }, exports) =>
  () => {
    if (!exports.isInstalled()) {
      cranks.endCrank();
      return;
    }
    const batch = cranks.settleCrank();
    if (batch !== undefined) {
      exports.handOver(batch);
      cranks.leaveCrank();
    }
  };

/** The end of a block, with the callback between the halves. */
export const makeCommit =
  ({ store }, exports) =>
  async () => {
    if (exports.hasPromises()) await exports.settled();
    const batch = store.settleBlock();
    if (batch !== undefined) {
      exports.handOver(batch);
      if (exports.hasPromises()) await exports.settled();
    }
    store.sealBlock();
  };

const makeRepair = store => async exporter => {
  const metadata = [];
  try {
    for await (const [key, value] of exporter.getExportData()) {
      insistString(key, 'export-data key');
      if (key.split('.', 1)[0] !== 'kv') metadata.push([key, value]);
    }
    store.repair(metadata);
  } catch (error) {
    await Promise.resolve()
      .then(() => exporter.close())
      .catch(() => {});
    throw error;
  }
  await exporter.close();
};

/** The sizes of the database file and of its log. */
export const diskUsage = store => JSON.parse(store.diskUsage());

/** What a tool looks into a store with. */
export const makeDebug = (native, handle) => ({
  serialize: () => native.store.serialize(),
  dump: (includeHistorical = true) => freeze(dumpOf(native, includeHistorical)),
  getDatabase: () => handle,
  diskUsage: () => {
    const [database, wal] = diskUsage(native.store);
    return harden({ database, wal });
  },
});

const makeSwingStore = (dirPath, fresh, options) => {
  const {
    asFile = false,
    serialized,
    archiveSnapshot,
    archiveTranscript,
    exportCallback,
    wrapKvStore,
    wrapTranscriptStore = x => x,
    wrapSnapStore = x => x,
    wrapBundleStore = x => x,
  } = options;
  insistImage(serialized, dirPath);
  if (exportCallback !== undefined) insistCallback(exportCallback, 'export callback');

  const place = placeOf(dirPath, asFile);
  const native = nativeOf(open(place, { ...nativeOptions(options), fresh }));
  const { cranks, store } = native;
  try {
    const exports = makeExports(native);
    if (exportCallback) exports.setExportCallback(exportCallback);

    const kvStore = wrapKvStore !== undefined ? wrapKvStore(native.unguardedKv) : native.unguardedKv;
    const kv = wrapKvStore !== undefined
      ? overWrapped(kvStore, cranks)
      : {
          kernel: native.kernelKv,
          host: native.hostKv,
          emitCrankHashes: () => JSON.parse(cranks.emitCrankHashes()),
          getActivityhash: cranks.getActivityhash,
        };
    const { dumpTranscripts: _t, ...transcripts } = wrapTranscriptStore(transcriptsOver(native, { archiveTranscript }));
    const { dumpSnapshots: _s, ...snapshots } = wrapSnapStore(snapshotsOver(native, { archiveSnapshot }));
    const { dumpBundles: _b, ...bundles } = wrapBundleStore(bundlesOver(native));

    const handle = makeHandle(native, { file: place, asFile, exports });
    const internal = {
      dirPath: asFile ? null : dirPath,
      asFile,
      db: handle,
      kvStore,
      snapStore: snapshots,
      transcriptStore: transcripts,
      bundleStore: bundles,
    };
    const kernelStorage = {
      kvStore: kv.kernel,
      transcriptStore: pick(transcripts, KERNEL_TRANSCRIPTS),
      snapStore: pick(snapshots, KERNEL_SNAPSHOTS),
      bundleStore: pick(bundles, KERNEL_BUNDLES),
      startCrank: cranks.startCrank,
      establishCrankSavepoint: cranks.establishCrankSavepoint,
      rollbackCrank: cranks.rollbackCrank,
      emitCrankHashes: kv.emitCrankHashes,
      endCrank: makeEndCrank(native, exports),
      getActivityhash: kv.getActivityhash,
    };
    const hostStorage = {
      repairMetadata: makeRepair(store),
      kvStore: kv.host,
      commit: makeCommit(native, exports),
      close: async () => store.close(),
      diskUsage: () => diskUsage(store)[0],
      setExportCallback: exports.setExportCallback,
    };
    return harden({ kernelStorage, hostStorage, debug: makeDebug(native, handle), internal });
  } catch (error) {
    // A tool's wrapper has thrown: nobody else could close what is open.
    store.close();
    throw error;
  }
};

/** Creates an empty store in a directory, in place of the one that is there, or in memory. */
export const initSwingStore = (dirPath = null, options = {}) => {
  if (dirPath) insistString(dirPath, 'path');
  return makeSwingStore(dirPath, true, options);
};

/** Opens the store in a directory; creates an empty one if there is none. */
export const openSwingStore = (dirPath, options = {}) => {
  insistString(dirPath, 'path');
  return makeSwingStore(dirPath, false, options);
};

/** Whether there is a store in a directory. */
export const isSwingStore = dirPath => {
  insistString(dirPath, 'dirPath');
  // No directory, and not the one we are in.
  return dirPath !== '' && isStore(dirPath);
};
harden([initSwingStore, openSwingStore, isSwingStore]);
