// `node --import ./redirect.mjs beside.mjs FOLDER`: a better-sqlite3 handle on the same file in the same process, as the kernel's own tests
// have it, opened and closed while the store goes on. It brings a copy of SQLite of its own, whose locks must not undo ours: every commit
// must be seen from elsewhere.

import '@endo/init';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { initSwingStore } from '@agoric/swing-store';
import sqlite3 from 'better-sqlite3';

const directory = join(process.argv[2], 'beside');
const file = join(directory, 'swingstore.sqlite');
const { kernelStorage, hostStorage } = initSwingStore(directory);

/** What another process reads. */
const fromElsewhere = () => {
  const script = `console.log(require('better-sqlite3')(process.argv[1], { readonly: true })
    .prepare("SELECT value FROM kvStore WHERE key = 'step'").pluck().get())`;
  return execFileSync(process.execPath, ['-e', script, file]).toString().trim();
};

const commit = async step => {
  kernelStorage.kvStore.set('step', step);
  kernelStorage.kvStore.set(`filler ${step}`, step.repeat(5000));
  await hostStorage.commit();
  const seen = fromElsewhere();
  if (seen !== step) {
    throw Error(`"${step}" was committed, but another process sees "${seen}"`);
  }
};

await commit('alone');
for (const round of ['first', 'second']) {
  const beside = sqlite3(file);
  await commit(`${round}, beside`);
  beside.prepare('SELECT count(*) FROM kvStore').get();
  await commit(`${round}, beside one that has read`);
  beside.close();
  await commit(`${round}, after it was closed`);
}
await hostStorage.close();
