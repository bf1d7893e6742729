// A recorded kernel, replayed as fast as it goes: answers are not compared here, the conformance runs do that.
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { now } from './bench-data.mjs';

// So many calls have their texts at hand: few enough for the nearest cache, enough for the clock not to count.
const AT_HAND = 64;
// Reads a call's texts, so that the store need not fetch them from far away: a kernel has made them just before.
const takeInHand = ([, a, b]) => {
  let sum = 0;
  for (const text of [a, b]) {
    if (typeof text === 'string') for (let i = 0; i < text.length; i += 64) sum += text.charCodeAt(i);
  }
  return sum;
};

const budget = b => (b === null ? undefined : b);

export const makeTraceWork = ({ initSwingStore, openSwingStore }) => {
  const trace = async ({ trace: file, blobs, dir }) => {
    const blob = name => zlib.gunzipSync(fs.readFileSync(path.join(blobs, `${name}.gz`)));
    const text = zlib.gunzipSync(fs.readFileSync(file)).toString();
    let from = 0;
    // The calls of one block.
    const nextBlock = () => {
      const calls = [];
      while (from < text.length) {
        const end = text.indexOf('\n', from);
        const call = JSON.parse(text.slice(from, end));
        from = end + 1;
        if (call[0] !== 'xe' && call[0] !== '##') calls.push(call);
        if (call[0] === 'hc') break;
      }
      return calls;
    };
    let pairs = 0;
    const exportCallback = updates => {
      pairs += updates.length;
    };
    let store;
    let kernel;
    let kv;
    let spans;
    let snaps;
    let hostKV;
    let body = 0;
    let commit = 0;
    let blocks = 0;
    let done = 0;
    // Told with the figures, so that no compiler leaves the reading out.
    let inHand = 0;
    let since;
    // Whatever is not a block's body stops its clock: opening, committing, and the ones that move snapshots and bundles.
    const aside = async (work, prepare = () => {}) => {
      body += now() - since;
      const prepared = prepare();
      const start = now();
      await work(prepared);
      const took = now() - start;
      since = now();
      return took;
    };
    for (let calls = nextBlock(); calls.length > 0; calls = nextBlock()) {
      since = now();
      for (let at = 0; at < calls.length; at += 1) {
        if (at % AT_HAND === 0) {
          body += now() - since;
          inHand += calls.slice(at, at + AT_HAND).reduce((sum, call) => sum + takeInHand(call), 0);
          since = now();
        }
        const call = calls[at];
        const [op, a, b] = call;
        done += 1;
        switch (op) {
          case 'kg': kv.get(a); break;
          case 'kh': kv.has(a); break;
          case 'ks': kv.set(a, b); break;
          case 'kd': kv.delete(a); break;
          case 'kn': kv.getNextKey(a); break;
          case 'hg': hostKV.get(a); break;
          case 'hh': hostKV.has(a); break;
          case 'hn': hostKV.getNextKey(a); break;
          case 'hs': hostKV.set(a, b); break;
          case 'hd': hostKV.delete(a); break;
          case 'C<': kernel.startCrank(); break;
          case 'C>': kernel.endCrank(); break;
          case 'Cs': kernel.establishCrankSavepoint(a); break;
          case 'Cr': kernel.rollbackCrank(a); break;
          case 'Ce': kernel.emitCrankHashes(); break;
          case 'Ca': kernel.getActivityhash(); break;
          case 'ti': spans.initTranscript(a); break;
          case 'ta': spans.addItem(a, b); break;
          case 'tb': spans.getCurrentSpanBounds(a); break;
          case 'tr': for (const _ of spans.readSpan(a, budget(b))); break;
          case 'to': await spans.rolloverSpan(a); break;
          case 'tn': await spans.rolloverIncarnation(a); break;
          case 'tx': await spans.stopUsingTranscript(a); break;
          case 'td': spans.deleteVatTranscripts(a, budget(b)); break;
          case 'sd': snaps.deleteVatSnapshots(a, budget(b)); break;
          case 'sx': snaps.stopUsingLastSnapshot(a); break;
          case 'si': snaps.getSnapshotInfo(a); break;
          case 'su': snaps.deleteAllUnusedSnapshots(); break;
          case 'bh': kernel.bundleStore.hasBundle(a); break;
          case 'bd': kernel.bundleStore.deleteBundle(a); break;
          case 'bg': await aside(() => kernel.bundleStore.getBundle(a)); break;
          case 'ba':
            await aside(
              bundle => kernel.bundleStore.addBundle(a, bundle),
              () => JSON.parse(blob(b)),
            );
            break;
          case 'sl': await aside(async () => { for await (const _ of snaps.loadSnapshot(a)); }); break;
          case 'ss':
            await aside(
              raw => snaps.saveSnapshot(a, b, (async function* once() { yield raw; })()),
              () => blob(call[3]),
            );
            break;
          case 'hc':
            commit += await aside(() => store.hostStorage.commit());
            blocks += 1;
            break;
          case 'hx': await aside(() => store.hostStorage.close()); break;
          case 'ho':
            await aside(() => {
              const options = { ...b };
              if (options.exportCallback) options.exportCallback = exportCallback;
              store = (a === 'init' ? initSwingStore : openSwingStore)(dir, options);
              kernel = store.kernelStorage;
              kv = kernel.kvStore;
              spans = kernel.transcriptStore;
              snaps = kernel.snapStore;
              hostKV = store.hostStorage.kvStore;
            });
            break;
          default: throw Error(`unknown call ${op}`);
        }
      }
      body += now() - since;
    }
    const each = ms => (ms * 1e6) / blocks;
    return { body: each(body), total: each(body + commit), commit: each(commit), blocks, calls: done, pairs, inHand };
  };
  return { trace };
};
