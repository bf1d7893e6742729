// Archivers: closed spans and new snapshots as gzip files, complete and durable from the moment they have their name.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

import { bytesOf, fail, harden, isUint8Array, q } from './util.js';

/** Chunks that a stream of Node's can be given: at any other it throws where nobody can catch it. */
async function* checked(chunks) {
  for await (const chunk of chunks) yield bytesOf(chunk, 'archived chunk');
}

/** Makes a name durable, where the powers given reach that far. */
const flushDirectory = (fs, dirPath) => {
  if (!fs.openSync || !fs.fsyncSync || !fs.closeSync) return;
  const fd = fs.openSync(dirPath, 'r');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
};

const makeArchive = (dirPath, { fs, path, tmp }, transforms) => {
  fs.mkdirSync(dirPath, { recursive: true });
  return async (name, data) => {
    // A vat ID becomes part of the name; it must not lead out of the directory.
    (typeof name === 'string' && !/[/\\\0]/.test(name)) || fail(`archive name ${q(name)} must be that of a file`);
    // Before there is a file that would have to be closed.
    const chunks = Readable.from(checked(isUint8Array(data) ? [data] : Readable.from(data)));
    const {
      name: tmpName,
      fd,
      removeCallback,
    } = tmp.fileSync({ tmpdir: dirPath, prefix: name, postfix: '.gz.tmp', detachDescriptor: true });
    try {
      await pipeline(chunks, ...transforms(), fs.createWriteStream('', { fd, flush: true }));
      fs.renameSync(tmpName, path.join(dirPath, `${name}.gz`));
      flushDirectory(fs, dirPath);
    } finally {
      removeCallback();
    }
  };
};

/** An archiver for the `archiveSnapshot` option: what it is given is compressed already. */
export const makeArchiveSnapshot = (dirPath, powers) => makeArchive(dirPath, powers, () => []);

/** An archiver for the `archiveTranscript` option. */
export const makeArchiveTranscript = (dirPath, powers) => makeArchive(dirPath, powers, () => [createGzip()]);
harden([makeArchiveSnapshot, makeArchiveTranscript]);
