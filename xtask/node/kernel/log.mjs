// What a run leaves to be compared: lines of JSON, flushed as they are written.

import { createHash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';

export const sha256 = bytes => createHash('sha256').update(bytes).digest('hex');

/** A file of JSON lines. */
export const makeLog = path => {
  const file = openSync(path, 'w');
  return {
    write: line => void writeSync(file, `${JSON.stringify(line)}\n`),
    close: () => closeSync(file),
  };
};

/** A batch as the callback gets it; JSON has no word for undefined and would hide what kind of thing it is. */
export const plain = batch => ({
  array: Array.isArray(batch),
  pairs: Array.from(batch, pair => Array.from(pair, part => (part === undefined ? { not: 'defined' } : part))),
});
