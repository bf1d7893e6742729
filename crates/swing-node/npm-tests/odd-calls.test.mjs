// Random calls with arguments of every kind, on the original and on ours, side by side: the same answers, the same refusals, the
// same exports. To play more: ODD_CALLS_SECONDS=60 ODD_CALLS_SEED=7 node --test odd-calls.test.mjs
import assert from 'node:assert/strict';
import test from 'node:test';
import { inspect } from 'node:util';
import '@endo/init';
import * as reference from '@agoric/swing-store';
import * as ours from 'swing-node';

import { BUNDLE, BUNDLE_ID } from './support.mjs';

const CALLS_IN_A_LIFE = 120;
const LIVES = 250;

/** Numbers from 0 up to `below`, the same for the same seed. */
const makeRandom = seed => {
  let state = seed >>> 0;
  return below => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
};

const TEXTS = ['a', 'kernel.x', 'local.y', 'host.z', 'host', 'host/', 'host.', '', 'é', '\u{1F600}', '\uFFFF', 'activityhash', '__proto__', 'x\0y'];
const ODD = [undefined, null, 0, 1, -1, 0.5, NaN, true, 7n, {}, ['a'], () => 'a', Object('a'), new Uint8Array(2), new Map(), new Date(0)];
const NUMBERS = [0, 1, 2, 3, 5, 10, -1, -0, 0.5, NaN, Infinity, 2 ** 53, undefined, null, '1', {}, true];
const ZIP = { moduleFormat: 'endoZipBase64', endoZipBase64: 'AAAA', endoZipBase64Sha512: 'ff00' };
const BUNDLES = [[BUNDLE_ID, BUNDLE], ['b1-ff00', ZIP], [BUNDLE_ID, ZIP], ['b1-ff01', ZIP], [BUNDLE_ID, { ...BUNDLE, source: '2' }], ['b0-', 7]];

/** Every call with how often it is made and how its arguments are. */
const CALLS = ({ text, vat, number, pick }) => ({
  'kernelStorage.kvStore.set': [12, () => [text(), text()]],
  'kernelStorage.kvStore.get': [6, () => [text()]],
  'kernelStorage.kvStore.has': [4, () => [text()]],
  'kernelStorage.kvStore.delete': [5, () => [text()]],
  'kernelStorage.kvStore.getNextKey': [4, () => [text()]],
  'hostStorage.kvStore.set': [6, () => [pick(['host.z', 'host.', text()]), text()]],
  'hostStorage.kvStore.get': [2, () => [text()]],
  'hostStorage.kvStore.has': [1, () => [text()]],
  'hostStorage.kvStore.delete': [2, () => [text()]],
  'hostStorage.kvStore.getNextKey': [2, () => [text()]],
  'hostStorage.commit': [3, () => []],
  'kernelStorage.startCrank': [4, () => []],
  'kernelStorage.establishCrankSavepoint': [4, () => [pick(['s', 't'])]],
  'kernelStorage.rollbackCrank': [2, () => [pick(['s', 't', 'u'])]],
  'kernelStorage.emitCrankHashes': [3, () => []],
  'kernelStorage.endCrank': [9, () => []],
  'kernelStorage.getActivityhash': [1, () => []],
  'kernelStorage.transcriptStore.initTranscript': [4, () => [vat()]],
  'kernelStorage.transcriptStore.addItem': [12, () => [vat(), text()]],
  'kernelStorage.transcriptStore.rolloverSpan': [3, () => [vat()]],
  'kernelStorage.transcriptStore.rolloverIncarnation': [1, () => [vat()]],
  'kernelStorage.transcriptStore.readSpan': [4, () => [vat(), number()]],
  'kernelStorage.transcriptStore.getCurrentSpanBounds': [2, () => [vat()]],
  'kernelStorage.transcriptStore.stopUsingTranscript': [1, () => [vat()]],
  'kernelStorage.transcriptStore.deleteVatTranscripts': [1, () => [vat(), number()]],
  'kernelStorage.snapStore.saveSnapshot': [4, () => [vat(), number(), [Buffer.from(pick(['one', 'two', '']))]]],
  'kernelStorage.snapStore.loadSnapshot': [2, () => [vat()]],
  'kernelStorage.snapStore.getSnapshotInfo': [2, () => [vat()]],
  'kernelStorage.snapStore.stopUsingLastSnapshot': [1, () => [vat()]],
  'kernelStorage.snapStore.deleteVatSnapshots': [1, () => [vat(), number()]],
  'kernelStorage.snapStore.deleteAllUnusedSnapshots': [1, () => []],
  'kernelStorage.bundleStore.addBundle': [3, () => pick(BUNDLES)],
  'kernelStorage.bundleStore.hasBundle': [2, () => [pick([BUNDLE_ID, 'b1-ff00', 'b1-ff01', text()])]],
  'kernelStorage.bundleStore.getBundle': [2, () => [pick([BUNDLE_ID, 'b1-ff00', text()])]],
  'kernelStorage.bundleStore.deleteBundle': [1, () => [pick([BUNDLE_ID, 'b1-ff00', text()])]],
  'internal.snapStore.hasHash': [1, () => [vat(), text()]],
  'internal.snapStore.listAllSnapshots': [1, () => []],
  'internal.transcriptStore.readFullVatTranscript': [1, () => [vat()]],
  'internal.bundleStore.getBundleIDs': [1, () => []],
  'debug.dump': [1, () => [pick([undefined, true, false])]],
});

/**
 * What ours refuses and the original does not, or in other words: by the call, and by what either says ("ok" for an answer). The
 * tests beside this one tell why. Afterwards the two may hold different things, unless the call only reads: then the life is over.
 */
const DIFFERENT = [
  [/commit$/, /^ok/, /inside a crank/],
  [/^kernelStorage\.kvStore/, /./, /kernelKVStore refuses host keys/],
  [/^kernelStorage\.kvStore\.getNextKey/, /^ok "host\./, /^ok/],
  [/initTranscript$/, /UNIQUE constraint/, /has a transcript already/],
  [/rollover(Span|Incarnation)$/, /UNIQUE constraint/, /is empty and cannot be rolled over/],
  [/addBundle$/, /UNIQUE constraint/, /in the store already/],
  [/addBundle$/, /undefined/, /module format undefined/],
  [/./, /./, /must be a string|must be an integer|(must be|not) undefined or positive/],
];

const READS = /\.(get\w*|has\w*|readSpan|loadSnapshot|hasHash)$/;

/** An answer as text. Times and the sizes of what was compressed may differ. */
const shown = value =>
  JSON.stringify(value, (name, part) => {
    if (/Seconds$|^compressedSize$/.test(name)) return undefined;
    if (name === 'compressedSnapshot') return part && 'bytes';
    if (part?.type === 'Buffer') return Buffer.from(part.data).toString('hex');
    return part === undefined ? 'undefined' : part;
  });

const outcome = async call => {
  let how = 'returns';
  try {
    let value = call();
    if (value instanceof Promise) {
      how = 'promises';
      value = await value;
    }
    if (value?.[Symbol.asyncIterator]) {
      how = 'iterates later';
      const chunks = [];
      for await (const chunk of value) chunks.push(chunk);
      value = Buffer.concat(chunks).toString('hex');
    } else if (typeof value?.next === 'function') {
      how = 'iterates';
      value = [...value];
    }
    return { how, said: `ok ${shown(value)}` };
  } catch (error) {
    return { how, said: error.message };
  }
};

/** Text that was quoted, whether as in JavaScript or as in Rust. */
const unquoted = said =>
  said
    .replace(/"/g, '')
    .replace(/\\u\{?([0-9a-f]{1,5})\}?/g, (_, hex) => String.fromCodePoint(Number.parseInt(hex, 16)))
    .replace(/\\0/g, '\0');

/** The original hides some of what it quotes, as `(a string)`; and ours may add its own reason. */
const saysTheSame = (theirs, mine) => {
  if (theirs.startsWith('ok ') || mine.startsWith('ok ')) return theirs === mine;
  const [known] = unquoted(theirs).split(/\(an? [a-z]+\)/);
  return unquoted(mine).startsWith(known);
};

const play = async seed => {
  const random = makeRandom(seed);
  const pick = items => items[random(items.length)];
  const odd = usual => (random(30) === 0 ? pick(ODD) : usual);
  const arrange = CALLS({
    pick,
    text: () => odd(pick(TEXTS)),
    vat: () => odd(pick(['v1', 'v2', 'v1', 'v3'])),
    number: () => (random(10) ? random(9) : pick(NUMBERS)),
  });
  const often = Object.entries(arrange).flatMap(([name, [weight]]) => Array(weight).fill(name));
  const batches = [[], []];
  const [keepSnapshots, keepTranscripts, tells] = [random(2) === 0, random(2) === 0, random(2) === 0];
  const stores = [reference, ours].map(({ initSwingStore }, at) => {
    const exportCallback = tells ? batch => void batches[at].push(shown(batch)) : undefined;
    return initSwingStore(null, { keepSnapshots, keepTranscripts, exportCallback });
  });
  const log = [];
  for (let calls = 1; calls <= CALLS_IN_A_LIFE; calls += 1) {
    const name = pick(often);
    const given = arrange[name][1]();
    log.push(`${name}(${given.map(argument => (typeof argument === 'string' ? JSON.stringify(argument) : inspect(argument))).join(', ')})`);
    const answers = [];
    for (const store of stores) {
      const call = name.split('.').reduce((part, member) => part[member], store);
      answers.push(await outcome(() => call(...given)));
    }
    const [theirs, mine] = answers;
    const isKnown = DIFFERENT.some(([call, one, other]) => call.test(name) && one.test(theirs.said) && other.test(mine.said));
    if (isKnown && READS.test(name)) continue;
    if (isKnown) return calls;
    const where = `seed ${seed}:\n${log.slice(-8).join('\n')}\n`;
    assert.ok(saysTheSame(theirs.said, mine.said), `${where}the original: ${theirs.said}\nours:         ${mine.said}`);
    assert.equal(mine.how, theirs.how, where);
    assert.deepEqual(batches[1], batches[0], where);
  }
  return CALLS_IN_A_LIFE;
};

test('random calls with arguments of every kind are answered, or refused, as by the original', async () => {
  const { ODD_CALLS_SEED: first = '1', ODD_CALLS_SECONDS: seconds } = process.env;
  const end = Date.now() + 1000 * Number(seconds);
  let calls = 0;
  let seed = Number(first);
  for (let lives = 0; seconds ? Date.now() < end : lives < LIVES; lives += 1) {
    calls += await play(seed);
    seed += 1;
  }
  if (!seconds) assert.ok(calls > 2500, `only ${calls} calls: too many lives end early`);
});
