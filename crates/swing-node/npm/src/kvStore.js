// Key-value pairs: which section a key is of, and what becomes of the kernel's writes when a tool stands in between.
import { fail, insistString } from './util.js';

/**
 * The section of a key: `local.` and `host.` stay in the store, everything else is consensus.
 *
 * @param {string} key
 * @returns {'local' | 'host' | 'consensus'}
 */
export const getKeyType = key => {
  insistString(key, 'key');
  if (key.startsWith('local.')) return 'local';
  if (key.startsWith('host.')) return 'host';
  return 'consensus';
};

// The first key after all those that begin with `host.`: `/` comes after `.`.
const PAST_HOST = 'host/';

/**
 * The kernel's and the host's key-value stores over an object that a tool put in the place of ours. What the kernel changes is
 * hashed and exported wherever it went. What would be refused then is refused before that object hears of the change; and if that object
 * throws, nothing is hashed.
 */
export const overWrapped = (wrapped, cranks) => {
  const refuseHost = key => {
    const type = getKeyType(key);
    type !== 'host' || fail('kernelKVStore refuses host keys');
    return type;
  };
  /** Makes a change of the kernel's, and accounts for it if it is consensus. */
  const change = (type, make, account) => {
    if (type === 'local') {
      make();
      return;
    }
    cranks.beginAccounting();
    make();
    account();
  };
  const requireHost = key => {
    getKeyType(key) === 'host' || fail('hostKVStore requires host keys');
  };
  const kernel = {
    ...wrapped,
    has(key) {
      refuseHost(key);
      return wrapped.has(key);
    },
    get(key) {
      refuseHost(key);
      return wrapped.get(key);
    },
    getNextKey(previousKey) {
      insistString(previousKey, 'previousKey');
      refuseHost(previousKey);
      const next = wrapped.getNextKey(previousKey);
      if (next === undefined || !next.startsWith('host.')) return next;
      return wrapped.has(PAST_HOST) ? PAST_HOST : wrapped.getNextKey(PAST_HOST);
    },
    set(key, value) {
      const type = refuseHost(key);
      insistString(value, 'value');
      change(
        type,
        () => wrapped.set(key, value),
        () => cranks.accountSet(key, value),
      );
    },
    delete(key) {
      change(
        refuseHost(key),
        () => wrapped.delete(key),
        () => cranks.accountDelete(key),
      );
    },
  };
  const host = {
    ...wrapped,
    set(key, value) {
      requireHost(key);
      wrapped.set(key, value);
    },
    delete(key) {
      requireHost(key);
      wrapped.delete(key);
    },
  };
  const emitCrankHashes = () => {
    const hashes = JSON.parse(cranks.chainCrankHash(wrapped.get('activityhash') ?? ''));
    wrapped.set('activityhash', hashes.activityhash);
    return hashes;
  };
  const getActivityhash = () => wrapped.get('activityhash') || '';
  return { kernel, host, emitCrankHashes, getActivityhash };
};
