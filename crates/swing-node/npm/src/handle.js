// Substores by themselves, over a database file or the store they belong to.
import fs from 'node:fs';
import path from 'node:path';

import { bundlesOver } from './bundleStore.js';
import { open } from './native.js';
import { snapshotsOver } from './snapStore.js';
import { transcriptsOver } from './transcriptStore.js';
import { fail, harden, pairsOf } from './util.js';

/** What the handles given out stand for. */
const natives = new WeakMap();
/** Handles over files, so that several substores of one file share its one transaction. */
const byFile = new Map();

/** An object that stands for the database of a store. */
export const makeHandle = (native, { file, asFile, autocommit = false }) => {
  const handle = harden({
    file: file ? (asFile ? path.resolve(file) : path.resolve(file, 'swingstore.sqlite')) : null,
    commit: () => {
      native.store.settleBlock();
      native.store.sealBlock();
    },
    close: () => native.store.close(),
  });
  natives.set(handle, { native, autocommit });
  return handle;
};

/**
 * Opens a database for single substores. Each write is committed at once, as it is in the original where nobody has
 * begun a transaction.
 *
 * @param {string} file  the database file, or the directory of a store
 * @param {{ readonly?: boolean }} [options]
 */
export const openDatabase = (file, { readonly = false } = {}) => {
  typeof file === 'string' || fail('database path must be a string');
  const isDirectory = fs.statSync(file, { throwIfNoEntry: false })?.isDirectory();
  const whole = path.resolve(isDirectory ? path.join(file, 'swingstore.sqlite') : file);
  const known = byFile.get(whole)?.deref();
  if (known) return known;
  const native = open(whole, { asFile: true, readonly, keepSnapshots: false, keepTranscripts: true });
  const handle = makeHandle(native, { file: whole, asFile: true, autocommit: true });
  const opened = harden({
    ...handle,
    close: () => {
      byFile.delete(whole);
      handle.close();
    },
  });
  natives.set(opened, natives.get(handle));
  byFile.set(whole, new WeakRef(opened));
  return opened;
};
harden(openDatabase);

const resolve = db => {
  const known = natives.get(typeof db === 'string' ? openDatabase(db) : db);
  return (
    known ??
    fail(
      'this store works on a database path or on a handle of this package (openDatabase, internal.db): ' +
        "a better-sqlite3 database has another copy of SQLite, and two of them on one file lose each other's locks",
    )
  );
};

/**
 * A substore whose changes are told of, one by one, after each call, and committed where nobody else does that.
 *
 * @param {object} substore
 * @param {string[]} changing  the names of the calls that change something
 */
const standalone = (substore, changing, { native, autocommit }, { ensureTxn = () => {}, noteExport }) => {
  if (noteExport) native.store.recordExports();
  const after = () => {
    if (noteExport) {
      for (const [key, value] of pairsOf(native.store.drainExports())) noteExport(key, value ?? undefined);
    }
    if (autocommit) {
      native.store.settleBlock();
      native.store.sealBlock();
    }
  };
  const wrap = call => (...args) => {
    ensureTxn();
    const result = call(...args);
    if (typeof result?.then === 'function') {
      // What there is to tell of was done before the call first waited, or by the end of it.
      after();
      return result.then(value => {
        after();
        return value;
      });
    }
    after();
    return result;
  };
  const wrapped = Object.fromEntries(changing.map(name => [name, wrap(substore[name])]));
  return harden({ ...substore, ...wrapped });
};

/** A key-value store by itself. Nothing is hashed or exported. */
export const makeKVStore = (db, ensureTxn = () => {}, trace = () => {}) => {
  const known = resolve(db);
  const { has, get, getNextKey, set, delete: del } = known.native.unguardedKv;
  const traced = {
    has,
    get,
    getNextKey,
    set: (key, value) => {
      set(key, value);
      trace('set', key, value);
    },
    delete: key => {
      del(key);
      trace('del', key);
    },
  };
  return standalone(traced, ['set', 'delete'], known, { ensureTxn });
};

/** A transcriptStore by itself. `keepTranscripts` is up to whoever opened the database. */
export const makeTranscriptStore = (db, ensureTxn, noteExport, { archiveTranscript } = {}) => {
  const known = resolve(db);
  const changing = [
    'initTranscript',
    'rolloverSpan',
    'rolloverIncarnation',
    'addItem',
    'stopUsingTranscript',
    'deleteVatTranscripts',
  ];
  return standalone(transcriptsOver(known.native, { archiveTranscript }), changing, known, { ensureTxn, noteExport });
};

/** A snapStore by itself. `keepSnapshots` is up to whoever opened the database. */
export const makeSnapStore = (db, ensureTxn, { measureSeconds } = {}, noteExport = undefined, options = {}) => {
  const known = resolve(db);
  const changing = [
    'saveSnapshot',
    'deleteAllUnusedSnapshots',
    'deleteVatSnapshots',
    'stopUsingLastSnapshot',
    'deleteSnapshotByHash',
  ];
  const { archiveSnapshot } = options;
  const snapshots = snapshotsOver(known.native, { archiveSnapshot, measureSeconds });
  return standalone(snapshots, changing, known, { ensureTxn, noteExport });
};

/** A bundleStore by itself. */
export const makeBundleStore = (db, ensureTxn, noteExport) => {
  const known = resolve(db);
  return standalone(bundlesOver(known.native), ['addBundle', 'deleteBundle'], known, { ensureTxn, noteExport });
};
