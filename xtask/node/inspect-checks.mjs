// What a store must be for the reference to live with it: the checks behind inspect.mjs.
//
// Each check takes what it looks at and a `problem` function to complain to, and gives the facts it learned. None stops
// at the first complaint.
import { createHash } from 'node:crypto';
import path from 'node:path';
import { MODES, exportArtifacts, exportData, hostHeight, importInto } from './exporting.mjs';
import { heard, heapOf, item, openRig } from './fixture-rig.mjs';
import { contentHash, openForReading, sha256 } from './rows.mjs';

/** Storage classes by table and column; a column not listed may hold anything. */
const CLASSES = {
  kvStore: { key: ['text'], value: ['text'] },
  transcriptItems: { vatID: ['text'], position: ['integer'], item: ['text'], incarnation: ['integer'] },
  transcriptSpans: {
    vatID: ['text'],
    startPos: ['integer'],
    endPos: ['integer'],
    hash: ['text'],
    isCurrent: ['integer', 'null'],
    incarnation: ['integer'],
  },
  snapshots: {
    vatID: ['text'],
    snapPos: ['integer'],
    inUse: ['integer', 'null'],
    hash: ['text'],
    uncompressedSize: ['integer', 'null'],
    compressedSize: ['integer', 'null'],
    compressedSnapshot: ['blob', 'null'],
  },
  bundles: { bundleID: ['text'], bundle: ['text', 'blob', 'null'] },
  pendingExports: { key: ['text'], value: ['text', 'null'] },
};

const uniques = (db, table) =>
  db
    .prepare('SELECT name FROM pragma_index_list(?) WHERE "unique" = 1')
    .pluck()
    .all(table)
    .map(index => db.prepare('SELECT name FROM pragma_index_info(?) ORDER BY seqno').pluck().all(index).join())
    .sort()
    .join(' | ');

const columns = (db, table) =>
  JSON.stringify(db.prepare('SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(?)').raw().all(table));

/** The file is sound, and its tables are those that the reference makes, with values of the right kind. */
export const checkFile = (dir, freshDir, problem) => {
  const db = openForReading(dir);
  const fresh = openForReading(freshDir);
  try {
    const verdict = db.pragma('integrity_check', { simple: true });
    if (verdict !== 'ok') problem(`integrity_check: ${verdict}`);
    if (db.pragma('user_version', { simple: true }) !== 0) problem('user_version is not 0');
    const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all();
    const rows = {};
    for (const [table, classes] of Object.entries(CLASSES)) {
      if (!tables.includes(table)) {
        problem(`no table ${table}`);
        continue;
      }
      if (columns(db, table) !== columns(fresh, table)) problem(`${table} has other columns`);
      if (uniques(db, table) !== uniques(fresh, table)) problem(`${table} has other unique constraints`);
      for (const [column, allowed] of Object.entries(classes)) {
        const found = db.prepare(`SELECT DISTINCT typeof(${column}) FROM ${table}`).pluck().all();
        for (const type of found.filter(one => !allowed.includes(one))) {
          problem(`${table}.${column} holds ${type}`);
        }
      }
      rows[table] = db.prepare(`SELECT count(*) FROM ${table}`).pluck().get();
    }
    const snapshots = db.prepare("SELECT sql FROM sqlite_schema WHERE name = 'snapshots'").pluck().get() ?? '';
    return {
      rows,
      schema: /is\s+not\s+null\s+or\s+inUse\s+is\s+null/i.test(snapshots) ? '1A' : '1B',
      extraTables: tables.filter(table => !(table in CLASSES)),
    };
  } finally {
    db.close();
    fresh.close();
  }
};

const START = sha256('start of transcript span');
const spanHash = items => items.reduce((hash, one) => sha256(hash + sha256(one)), START);

/** Everything in the store can be read through the reference, and is what its records say. */
export const checkContent = async (rig, problem) => {
  const { kernel, transcriptStore, snapStore, store } = rig;
  const db = store.debug.getDatabase();
  const select = sql => db.prepare(sql).all();

  // The walk begins after the empty key, which is a key too.
  let keys = kernel.kvStore.has('') ? 1 : 0;
  for (let key = kernel.kvStore.getNextKey(''); key !== undefined; key = kernel.kvStore.getNextKey(key)) {
    if (!kernel.kvStore.has(key)) problem(`getNextKey gives ${key}, which is not there`);
    keys += 1;
  }
  const keyRows = db.prepare('SELECT count(*) FROM kvStore').pluck().get();
  if (keys !== keyRows) problem(`getNextKey walks ${keys} keys of ${keyRows}`);

  for (const { vatID, startPos, hash, isCurrent } of select('SELECT * FROM transcriptSpans')) {
    const name = `span ${vatID}@${startPos}`;
    try {
      const items = [...transcriptStore.readSpan(vatID, startPos)];
      if (spanHash(items) !== hash) problem(`${name}: its items have another hash`);
    } catch (error) {
      if (isCurrent) problem(`${name}: ${error.message}`);
    }
  }

  for (const { vatID, snapPos, hash, inUse, compressedSnapshot } of select('SELECT * FROM snapshots')) {
    const name = `snapshot ${vatID}@${snapPos}`;
    const content = contentHash(compressedSnapshot);
    if (content !== null && content !== hash) problem(`${name}: its bytes have another hash, ${content}`);
    if (inUse && content === hash) {
      const digest = createHash('sha256');
      for await (const chunk of snapStore.loadSnapshot(vatID)) digest.update(chunk);
      if (digest.digest('hex') !== hash) problem(`${name}: it loads as something else`);
    }
  }

  for (const { bundleID, type } of select('SELECT bundleID, typeof(bundle) AS type FROM bundles')) {
    if (type === (bundleID.startsWith('b0-') ? 'blob' : 'text')) problem(`bundle ${bundleID}: stored as ${type}`);
    try {
      kernel.bundleStore.getBundle(bundleID);
    } catch (error) {
      problem(`bundle ${bundleID}: ${error.message}`);
    }
  }
  return { keys, activityhash: kernel.getActivityhash() };
};

/** The reference exports the store in the modes that every store must support, and imports its own export. */
export const checkExports = async (reference, dir, scratch, problem) => {
  const modes = {};
  for (const mode of MODES) {
    try {
      modes[mode] = (await exportArtifacts(reference, dir, mode)).length;
    } catch (error) {
      modes[mode] = error.message;
      if (mode === 'operational' || mode === 'debug') problem(`${mode} export: ${error.message}`);
    }
  }
  const target = path.join(scratch, 'imported');
  try {
    const exporter = reference.makeSwingStoreExporter(dir, { artifactMode: 'operational' });
    await importInto(reference, exporter, target, 'operational');
    const [here, there] = [await exportData(reference, dir), await exportData(reference, target)];
    if (JSON.stringify(here) !== JSON.stringify(there)) problem('an import of its export exports something else');
  } catch (error) {
    problem(`import of its export: ${error.message}`);
  }
  return { modes };
};

/** A new vat begins, lives and takes a snapshot beside the ones that are there; every living vat gets one more item. */
const moreWork = async (rig, vatIDs) => {
  const probe = 'vProbe';
  await rig.block(async ({ kvStore }) => {
    kvStore.set('probe', 'was here');
    kvStore.delete('no such key');
    for (const vatID of vatIDs) rig.transcriptStore.addItem(vatID, item('probe'));
    if (!vatIDs.includes(probe)) rig.createVat(probe);
    await rig.snapshot(probe, heapOf('probe', 5000));
    rig.deliver(probe, 2);
    await rig.upgrade(probe);
  });
};

/** The reference can go on with the store: repair changes nothing, one more block commits, and the callback hears all. */
export const checkWork = async (reference, dir, problem) => {
  const before = await exportData(reference, dir);
  const height = Number(await hostHeight(reference, dir)) || 0;
  const rig = openRig(reference, dir, {}, { init: false, height });
  const facts = await checkContent(rig, problem);
  const living = rig.store.debug
    .getDatabase()
    .prepare('SELECT vatID FROM transcriptSpans WHERE isCurrent = 1')
    .pluck()
    .all();
  try {
    await rig.host.repairMetadata(reference.makeSwingStoreExporter(dir));
    await rig.host.commit();
    await moreWork(rig, living);
  } catch (error) {
    problem(`one more block: ${error.message}`);
  }
  await rig.close();
  const after = await exportData(reference, dir);
  const known = heard([before, ...rig.batches]);
  const sorted = entries => JSON.stringify([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
  if (sorted(known) !== sorted(after)) problem('the callback and the next export disagree');
  return facts;
};
