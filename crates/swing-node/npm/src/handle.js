// Substores by themselves, over a database file or the store they belong to.
import fs from 'node:fs';
import path from 'node:path';

import { bundlesOver } from './bundleStore.js';
import { open } from './native.js';
import { nativeOf } from './natives.js';
import { queriesOver } from './query.js';
import { snapshotsOver } from './snapStore.js';
import { transcriptsOver } from './transcriptStore.js';
import { fail, harden, pairsOf, q } from './util.js';

/** What the handles given out stand for. */
const natives = new WeakMap();
/** Handles over files, so that several substores of one file share its one transaction. */
const byFile = new Map();

/** A commit of all there is. Exports that nobody takes stay queued. */
const commitNow = ({ store }, exports) => {
  const batch = store.settleBlock();
  if (batch !== undefined) {
    if (exports) exports.handOver(batch);
    else store.exportsTaken(false);
  }
  store.sealBlock();
};

/** An object that stands for the database of a store; `exports` is its host's callback. */
export const makeHandle = (native, { file, asFile, exports }) => {
  const handle = harden({
    file: file ? (asFile ? path.resolve(file) : path.resolve(file, 'swingstore.sqlite')) : null,
    commit: () => commitNow(native, exports),
    ...queriesOver(native),
    close: () => native.store.close(),
  });
  natives.set(handle, { native, exports });
  return handle;
};

/** What is wanted of a database must be what it was opened with. */
const insistOptions = (opened, wanted) => {
  for (const [name, value] of Object.entries(wanted)) {
    value === undefined ||
      !!value === opened[name] ||
      fail(`the database is open with ${name}: ${opened[name]}; say so where it is opened (openDatabase)`);
  }
};

/**
 * Opens a database for single substores. Each write is committed at once, as it is in the original where nobody has
 * begun a transaction. Whoever opens it again meanwhile gets the same handle.
 *
 * @param {string} file  the database file, or the directory of a store
 * @param {{ readonly?: boolean, keepSnapshots?: boolean, keepTranscripts?: boolean }} [options]
 */
export const openDatabase = (file, options = {}) => {
  const { readonly = false, keepSnapshots = false, keepTranscripts = true } = options;
  typeof file === 'string' || fail('database path must be a string');
  const isDirectory = fs.statSync(file, { throwIfNoEntry: false })?.isDirectory();
  const whole = path.resolve(isDirectory ? path.join(file, 'swingstore.sqlite') : file);
  const known = byFile.get(whole)?.deref();
  if (known) {
    insistOptions(natives.get(known).opened, options);
    return known;
  }
  const opening = { readonly: !!readonly, keepSnapshots: !!keepSnapshots, keepTranscripts: !!keepTranscripts };
  const native = nativeOf(open(whole, { asFile: true, ...opening }));
  const handle = makeHandle(native, { file: whole, asFile: true });
  const shared = harden({
    ...handle,
    close: () => {
      // Closed twice, another may have it open by now.
      if (byFile.get(whole)?.deref() === shared) byFile.delete(whole);
      handle.close();
    },
  });
  // Whoever has a substore has the handle too, so that the next one finds it.
  natives.set(shared, { native, opened: opening, autocommit: true, shared });
  byFile.set(whole, new WeakRef(shared));
  return shared;
};
harden(openDatabase);

/** Databases of better-sqlite3 that are in memory, and our own that stand in for them, one for each kind of substore. */
const inMemory = new WeakMap();

/**
 * A database in memory in place of better-sqlite3's, which nobody else can have open. All that a substore would find there is what
 * the original's has put there.
 *
 * @param {object} db  better-sqlite3's
 * @param {string[]} tables  what the substore keeps
 */
const standIn = (db, tables, wanted) => {
  const standIns = inMemory.get(db) ?? new Map();
  inMemory.set(db, standIns);
  const made = standIns.get(tables[0]);
  if (made) return made;
  for (const table of tables) {
    db.prepare('SELECT count(*) FROM sqlite_schema WHERE name = ?').pluck().get(table) === 0 ||
      fail(`the better-sqlite3 database in memory has a table ${q(table)} already, which would not be seen here`);
  }
  const { keepSnapshots = false, keepTranscripts = true } = wanted;
  const opened = { keepSnapshots: !!keepSnapshots, keepTranscripts: !!keepTranscripts };
  const known = { native: nativeOf(open(null, opened)), opened, autocommit: true };
  standIns.set(tables[0], known);
  return known;
};

/** What an argument of a `make…Store` stands for, of the substore that keeps these tables. */
const resolve = (db, tables, wanted = {}) => {
  const handle = typeof db === 'string' ? openDatabase(db, wanted) : db;
  const isInMemory = !natives.has(handle) && db?.memory === true && typeof db.prepare === 'function';
  const known = isInMemory ? standIn(db, tables, wanted) : natives.get(handle);
  if (known?.opened) insistOptions(known.opened, wanted);
  return (
    known ??
    fail(
      'this store works on a database path or on a handle of this package (openDatabase, internal.db), or in memory: ' +
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
const standalone = (substore, changing, known, { ensureTxn = () => {}, noteExport }) => {
  const { native, exports } = known;
  if (noteExport) {
    // A change is told of once, and then it is gone.
    !exports?.isInstalled() || fail('noteExport cannot be had beside the export callback of the same store', 'SWING_STATE');
    native.store.recordExports();
  }
  const after = () => {
    if (noteExport) {
      for (const [key, value] of pairsOf(native.store.drainExports())) noteExport(key, value ?? undefined);
    }
    if (known.autocommit) commitNow(native);
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
  const known = resolve(db, ['kvStore']);
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

/** A transcriptStore by itself. */
export const makeTranscriptStore = (db, ensureTxn, noteExport, { keepTranscripts, archiveTranscript } = {}) => {
  const known = resolve(db, ['transcriptItems', 'transcriptSpans'], { keepTranscripts });
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

/** A snapStore by itself. */
export const makeSnapStore = (db, ensureTxn, { measureSeconds } = {}, noteExport = undefined, options = {}) => {
  const { keepSnapshots, archiveSnapshot } = options;
  const known = resolve(db, ['snapshots'], { keepSnapshots });
  const changing = [
    'saveSnapshot',
    'deleteAllUnusedSnapshots',
    'deleteVatSnapshots',
    'stopUsingLastSnapshot',
    'deleteSnapshotByHash',
  ];
  const snapshots = snapshotsOver(known.native, { archiveSnapshot, measureSeconds });
  return standalone(snapshots, changing, known, { ensureTxn, noteExport });
};

/** A bundleStore by itself. */
export const makeBundleStore = (db, ensureTxn, noteExport) => {
  const known = resolve(db, ['bundles']);
  const changing = ['addBundle', 'deleteBundle', 'importBundleRecord', 'importBundle'];
  return standalone(bundlesOver(known.native), changing, known, { ensureTxn, noteExport });
};
