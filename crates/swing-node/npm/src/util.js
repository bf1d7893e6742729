// Small things that every part needs.
import { types } from 'node:util';

/** Whatever realm it comes from. */
export const { isUint8Array } = types;

/** A value as it is quoted in messages; what JSON cannot say, as the original quotes it. */
export const q = value => {
  try {
    const text = JSON.stringify(value);
    if (text !== undefined) return text;
  } catch {
    // It has a bigint in it, or itself.
  }
  return JSON.stringify(typeof value === 'bigint' ? `[${value}n]` : `[${String(value)}]`);
};

/** Throws, for use behind `||`. The code tells the kind of failure, as that of native errors does. */
export const fail = (message, code = 'SWING_ARGUMENT', Kind = Error) => {
  throw Object.assign(Kind(message), { code });
};

const freezeAll = (value, seen) => {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) return;
  seen.add(value);
  // The bytes of a Buffer cannot be frozen, and to walk over them takes for ever.
  if (ArrayBuffer.isView(value)) return;
  Object.freeze(value);
  for (const key of Reflect.ownKeys(value)) {
    const descriptor = Reflect.getOwnPropertyDescriptor(value, key);
    if ('value' in descriptor) freezeAll(descriptor.value, seen);
  }
};

/** Freezes everything that is reached from `value`, but for the bytes of Buffers. */
export const freeze = value => {
  freezeAll(value, new Set());
  return value;
};

/** Hardens where the realm can (SES), freezes elsewhere. */
export const harden = value => (typeof globalThis.harden === 'function' ? globalThis.harden(value) : freeze(value));

/** The members of `object` with these names, all of which it must have. */
export const pick = (object, names) =>
  Object.fromEntries(
    names.map(name => {
      Object.hasOwn(object, name) || fail(`specimen is missing path ${q([name])}`);
      return [name, object[name]];
    }),
  );

/**
 * To be called where a call begins that waits for another thread. An error that comes from there knows nothing of who called: what is
 * answered here waits for a promise, and rejects with an error that was made here and now, with the caller's frames.
 */
export const makeCallSite = () => {
  const site = Error();
  return promise =>
    promise.catch(({ message, code }) => {
      // The stack begins with the message, if nobody has looked at it yet.
      Object.defineProperty(site, 'message', { value: message, writable: true, enumerable: false, configurable: true });
      throw Object.assign(site, { code });
    });
};

export const insistString = (value, what) => {
  typeof value === 'string' || fail(`${what} must be a string`);
};

/** How the original says that a number is none of a transcript's. */
export const insistPosition = position => {
  typeof position === 'number' || fail('position must be a number');
  position >= 0 || fail('position must not be negative');
};

/** Units of a deletion: nothing for all of it. */
export const budgetUnits = budget => {
  if (budget === undefined || budget === Infinity) return undefined;
  (typeof budget === 'number' && budget >= 1 && Number.isSafeInteger(budget)) ||
    fail('budget must be undefined or positive');
  return budget;
};

/** The items of the batches that `next` answers; an empty batch is the end. */
export function* flatten(next) {
  for (let batch = next(); batch.length > 0; batch = next()) {
    // A third less for V8 to do than delegating to the array's own iterator.
    for (let at = 0; at < batch.length; at += 1) yield batch[at];
  }
}

/** What all async generators have, such as the method by which `await using` lets go of them where the platform has it. */
const AsyncIteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf(async function* none() {}.prototype));

/**
 * An async iterator over the items of batches. Written by hand, since an async generator costs three turns of the
 * queue for each item.
 *
 * @param {() => { next: () => Promise<unknown[] | undefined>, drop: () => void }} begin is called for the first item
 */
export const flattenAsync = begin => {
  let stream;
  let batch = [];
  let at = 0;
  let over = false;
  // Whoever asks for several items at once gets them in order.
  let turn = Promise.resolve();

  const end = () => {
    over = true;
    batch = [];
    at = 0;
    stream?.drop();
  };
  const refill = async () => {
    while (!over && at >= batch.length) {
      try {
        stream ??= begin();
        const next = await stream.next();
        if (next === undefined) {
          end();
        } else {
          batch = next;
          at = 0;
        }
      } catch (error) {
        end();
        throw error;
      }
    }
    if (over) return { done: true, value: undefined };
    at += 1;
    return { done: false, value: batch[at - 1] };
  };
  let waiting = 0;

  return harden({
    __proto__: AsyncIteratorPrototype,
    [Symbol.toStringTag]: 'AsyncGenerator',
    next() {
      if (waiting === 0 && at < batch.length) {
        at += 1;
        return Promise.resolve({ done: false, value: batch[at - 1] });
      }
      waiting += 1;
      const answer = turn.then(refill);
      turn = answer.then(
        () => {
          waiting -= 1;
        },
        () => {
          waiting -= 1;
        },
      );
      return answer;
    },
    // As with a generator, what was asked for before is answered before.
    async return(value) {
      if (waiting > 0) await turn;
      end();
      return { done: true, value: await value };
    },
    async throw(error) {
      if (waiting > 0) await turn;
      end();
      throw error;
    },
  });
};

/** The iterator of anything that can be iterated over, sync or async. A Uint8Array or string is one item. */
export const iteratorOf = (iterable, what) => {
  if (isUint8Array(iterable) || typeof iterable === 'string') return [iterable][Symbol.iterator]();
  const begin = iterable?.[Symbol.asyncIterator] ?? iterable?.[Symbol.iterator];
  typeof begin === 'function' || fail(`${what} must be iterable`);
  return Reflect.apply(begin, iterable, []);
};

/** A chunk of bytes as a Uint8Array. Strings are UTF-8, as in Node's streams. */
export const bytesOf = (chunk, what) => {
  if (isUint8Array(chunk)) return chunk;
  if (typeof chunk === 'string') return Buffer.from(chunk);
  return fail(`${what} must be a Uint8Array`, 'SWING_ARGUMENT', TypeError);
};

/** What native code wrote as JSON, or undefined. */
export const parsed = text => (text === undefined ? undefined : JSON.parse(text));

const pairsIn = text => {
  const flat = JSON.parse(text);
  const pairs = Array(flat.length / 2);
  for (let at = 0; at < pairs.length; at += 1) {
    pairs[at] = [flat[2 * at], flat[2 * at + 1]];
  }
  return pairs;
};

/** Pairs of what native code wrote in turn: keys and values. Where one text would be too long, there are several, and long pairs as they are. */
export const pairsOf = written => {
  if (typeof written === 'string') return pairsIn(written);
  const pairs = [];
  for (const piece of written) {
    if (typeof piece !== 'string') pairs.push(piece);
    else for (const pair of pairsIn(piece)) pairs.push(pair);
  }
  return pairs;
};

/** Everything in a store. */
export const dumpOf = (native, includeHistorical) => {
  const dump = native.store.dump(!!includeHistorical);
  for (const vatID of Object.keys(dump.snapshots)) {
    dump.snapshots[vatID] = Object.values(dump.snapshots[vatID]);
  }
  return dump;
};
