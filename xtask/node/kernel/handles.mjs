// What a test that gives makeSnapStore a handle of better-sqlite3 gets in that one's place: the package's own handle, on a file of
// its own (see `redirect.mjs`).

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '@agoric/swing-store';

const directory = mkdtempSync(join(tmpdir(), 'handles-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
let count = 0;

const makeHandle = file => {
  if (file !== ':memory:') {
    throw Error(`only databases in memory have a stand-in, not ${file}`);
  }
  count += 1;
  return openDatabase(join(directory, `${count}.sqlite`));
};
export default makeHandle;
