// Every row of a store in a canonical form, read past the store's own code.
//
// Two stores that behave alike must also lie alike on disk. This reads the six tables with plain SQL and leaves out
// what two right implementations may differ in: the gzip bytes of a snapshot (their content is hashed instead) and how
// long they are.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import sqlite3 from 'better-sqlite3';

export const sha256 = bytes => createHash('sha256').update(bytes).digest('hex');

/** SHA-256 of what a gzip blob holds; null for no blob, a word for one that is broken. */
export const contentHash = blob => {
  if (blob === null) return null;
  try {
    return sha256(zlib.gunzipSync(blob));
  } catch (error) {
    return `broken gzip: ${error.message}`;
  }
};

const asIs = row => row;

/** Per table: its rows in key order, and how one becomes canonical. */
const TABLES = [
  ['kvStore', 'SELECT key, value FROM kvStore ORDER BY key', asIs],
  [
    'transcriptItems',
    'SELECT vatID, position, item, incarnation FROM transcriptItems ORDER BY vatID, position',
    asIs,
  ],
  [
    'transcriptSpans',
    `SELECT vatID, startPos, endPos, hash, isCurrent, incarnation FROM transcriptSpans
       ORDER BY vatID, startPos`,
    asIs,
  ],
  [
    'snapshots',
    `SELECT vatID, snapPos, inUse, hash, uncompressedSize, compressedSize, compressedSnapshot FROM snapshots
       ORDER BY vatID, snapPos`,
    ([vatID, snapPos, inUse, hash, size, gzipSize, blob]) => [
      vatID,
      snapPos,
      inUse,
      hash,
      size,
      gzipSize === null ? null : 'set',
      contentHash(blob),
    ],
  ],
  [
    // The storage class counts: the older bundle format lies there as text, the newer one as a blob.
    'bundles',
    'SELECT bundleID, typeof(bundle), bundle FROM bundles ORDER BY bundleID',
    ([bundleID, type, bundle]) => [
      bundleID,
      type,
      bundle === null ? null : Buffer.byteLength(bundle),
      bundle === null ? null : sha256(bundle),
    ],
  ],
  ['pendingExports', 'SELECT key, value FROM pendingExports ORDER BY key', asIs],
];

const WAL_VERSIONS_AT = 18;

/**
 * Opens the store in `dir` for reading and leaves no trace beside it.
 *
 * With a write-ahead log present (a writer is at work, or was killed) it is a read-only connection, which sees the last
 * commit. Without one a read-only connection would create a log and leave it behind, so an image in memory is read;
 * its header is set to the rollback journal because an image cannot be in WAL mode.
 */
export const openForReading = dir => {
  const file = path.join(dir, 'swingstore.sqlite');
  const wal = fs.statSync(`${file}-wal`, { throwIfNoEntry: false });
  if (wal && wal.size > 0) return sqlite3(file, { readonly: true, fileMustExist: true });
  const image = fs.readFileSync(file);
  if (image.length > WAL_VERSIONS_AT) image.fill(1, WAL_VERSIONS_AT, WAL_VERSIONS_AT + 2);
  return sqlite3(image);
};

/** All rows of the store in `dir`: arrays that begin with the table's name. */
export const readRows = dir => {
  const db = openForReading(dir);
  try {
    const present = new Set(
      db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all(),
    );
    const rows = [];
    for (const [table, sql, canonical] of TABLES) {
      if (!present.has(table)) {
        rows.push([table, 'no such table']);
        continue;
      }
      for (const row of db.prepare(sql).raw().iterate()) rows.push([table, ...canonical(row)]);
    }
    return rows;
  } finally {
    db.close();
  }
};
