// `node rows.mjs STORE`: what the store's tables hold, as hashes that depend neither on the file's layout nor on how a
// snapshot was compressed. A process of its own, since two copies of SQLite in one lose each other's locks.

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import sqlite3 from 'better-sqlite3';
import { sha256 } from './log.mjs';

/** Every table of the format with all its columns, those of the key first. */
const TABLES = {
  kvStore: [['key'], ['value']],
  transcriptItems: [['vatID', 'position'], ['item', 'incarnation']],
  transcriptSpans: [['vatID', 'startPos'], ['endPos', 'hash', 'isCurrent', 'incarnation']],
  snapshots: [['vatID', 'snapPos'], ['inUse', 'hash', 'uncompressedSize', 'compressedSize', 'compressedSnapshot']],
  bundles: [['bundleID'], ['bundle']],
  pendingExports: [['key'], ['value']],
};

/** What a compressor is free to choose is left out: how many bytes they are, not that they are as many as the row says. */
const uncompressed = ({ compressedSize: size, compressedSnapshot: blob, ...row }) => ({
  ...row,
  size: size === null || blob === null ? size !== null : Number(size) === blob.length,
  blob: blob && sha256(gunzipSync(blob)),
});

/** 1, 1.0, '1' and a blob are different things in a database. */
const cell = (_name, value) => {
  if (typeof value === 'bigint') {
    return { integer: `${value}` };
  }
  return value?.type === 'Buffer' ? { blob: sha256(Buffer.from(value.data)) } : value;
};

const db = sqlite3(join(process.argv[2], 'swingstore.sqlite'), { readonly: true });
const answer = {};
for (const [table, [key, rest]] of Object.entries(TABLES)) {
  const select = db.prepare(`SELECT ${[...key, ...rest].join(', ')} FROM ${table} ORDER BY ${key.join(', ')}`);
  const hash = createHash('sha256');
  let rows = 0;
  for (const row of select.safeIntegers().iterate()) {
    hash.update(`${JSON.stringify(table === 'snapshots' ? uncompressed(row) : row, cell)}\n`);
    rows += 1;
  }
  answer[table] = { rows, hash: hash.digest('hex') };
}
answer.integrity = db.pragma('integrity_check', { simple: true });
db.close();
console.log(JSON.stringify(answer));
