// Standard input and output a line at a time, without the event loop.
//
// The driver answers thousands of calls a second, one line each. Node's streams cost a turn of the event loop per chunk;
// plain read and write calls do not. Answers are held back until there is nothing left to read (the peer may be
// waiting for them) or until they have grown to a chunk.
import fs from 'node:fs';

const CHUNK = 1 << 16;
const LF = 0x0a;

// A parent may hand us a non-blocking pipe; then EAGAIN means "a little later".
const napCell = new Int32Array(new SharedArrayBuffer(4));
const nap = Atomics.wait.bind(Atomics, napCell, 0, 0, 1);

const retrying = call => {
  for (;;) {
    try {
      return call();
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      nap();
    }
  }
};

/**
 * Reads `fd` line by line.
 *
 * `ready()` tells whether the next line is already here, `next()` blocks until there is one and gives it without its
 * line feed, or null at the end of the input. A last line without a line feed counts.
 */
export const lineReader = fd => {
  let held = Buffer.alloc(0);
  let ended = false;

  const ready = () => held.indexOf(LF) >= 0;

  const next = () => {
    const parts = [];
    for (;;) {
      const at = held.indexOf(LF);
      if (at >= 0) {
        const end = held.subarray(0, at);
        held = held.subarray(at + 1);
        return parts.length === 0 ? end.toString() : Buffer.concat([...parts, end]).toString();
      }
      if (held.length > 0) parts.push(held);
      held = Buffer.alloc(0);
      if (!ended) {
        const chunk = Buffer.allocUnsafe(CHUNK);
        let count = 0;
        try {
          count = retrying(() => fs.readSync(fd, chunk, 0, CHUNK, null));
        } catch (error) {
          if (error.code !== 'EOF') throw error;
        }
        ended = count === 0;
        held = chunk.subarray(0, count);
      }
      if (ended) return parts.length > 0 ? Buffer.concat(parts).toString() : null;
    }
  };

  return { ready, next };
};

/** Writes lines to `fd`, a chunk at a time; `flush()` sends what is held back. */
export const lineWriter = fd => {
  let held = [];
  let size = 0;

  const flush = () => {
    if (held.length === 0) return;
    let bytes = Buffer.from(held.join(''), 'utf8');
    held = [];
    size = 0;
    while (bytes.length > 0) {
      bytes = bytes.subarray(retrying(() => fs.writeSync(fd, bytes)));
    }
  };

  const write = line => {
    held.push(line, '\n');
    size += line.length;
    if (size >= CHUNK) flush();
  };

  return { write, flush };
};
