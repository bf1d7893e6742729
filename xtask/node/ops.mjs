// The driver's operations: one small function each, from JSON arguments to a JSON result.
//
// The two-letter names are those of a recorded trace; here they carry whole values where a trace has digests. Calls on a
// closed store go to the reference all the same: what it says then is an answer too.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import tmp from 'tmp';
import { readDataset } from './dataset.mjs';
import { exportSummary, importInto, literalExporter } from './exporting.mjs';
import { contentHash, readRows } from './rows.mjs';

/** JSON has no undefined; an absent or null argument means it. */
const orUndefined = value => value ?? undefined;

const unbase64 = text => Buffer.from(text, 'base64');

/** The export callback, its batches kept until an answer takes them, failing when it is told to. */
const makeCallback = () => {
  let batches = [];
  let failures = 0;
  return {
    callback: pairs => {
      if (failures > 0) {
        failures -= 1;
        throw Error('the export callback failed on purpose');
      }
      batches.push(Array.from(pairs, ([key, value]) => [key, value ?? null]));
    },
    failNext: count => {
      failures = count;
    },
    take: () => {
      const taken = batches;
      batches = [];
      return taken;
    },
  };
};

async function* chunked(bytes, fault) {
  for (let at = 0; at < bytes.length; at += 1 << 16) yield bytes.subarray(at, at + (1 << 16));
  if (fault) throw Error(fault);
}

const storeDump = (store, includeHistorical) => {
  const { snapshots, ...rest } = store.debug.dump(includeHistorical);
  const withoutBlob = ({ compressedSnapshot, ...row }) => ({
    ...row,
    compressedSnapshot: contentHash(compressedSnapshot),
  });
  return {
    ...rest,
    snapshots: Object.fromEntries(
      Object.entries(snapshots).map(([vatID, rows]) => [vatID, rows.map(withoutBlob)]),
    ),
  };
};

/** Builds the table of operations over one version of the reference. */
export const makeOps = reference => {
  const exports = makeCallback();
  let store = null;
  let storeDir = null;
  let isOpen = false;

  const opened = () => store ?? (() => { throw Error('no store has been opened'); })();
  const kernel = () => opened().kernelStorage;
  const host = () => opened().hostStorage;
  const transcripts = () => kernel().transcriptStore;
  const snaps = () => kernel().snapStore;
  const bundles = () => kernel().bundleStore;

  const open = async (how, dir, { exportCallback, archiveDir, ...options } = {}) => {
    if (isOpen) await host().close();
    isOpen = false;
    const powers = { fs, path, tmp };
    const archive = archiveDir && {
      archiveSnapshot: reference.makeArchiveSnapshot(archiveDir, powers),
      archiveTranscript: reference.makeArchiveTranscript(archiveDir, powers),
    };
    const make = how === 'init' ? reference.initSwingStore : reference.openSwingStore;
    store = make(dir, {
      ...options,
      ...archive,
      ...(exportCallback ? { exportCallback: exports.callback } : {}),
    });
    storeDir = dir;
    isOpen = true;
  };

  const close = async () => {
    await host().close();
    isOpen = false;
  };

  const life = {
    ho: open,
    hx: close,
    hc: () => host().commit(),
    xf: (count = 1) => exports.failNext(count),
    du: () => host().diskUsage(),
    is: dir => reference.isSwingStore(dir),
  };

  const kv = {
    kg: key => kernel().kvStore.get(key),
    kh: key => kernel().kvStore.has(key),
    kn: key => kernel().kvStore.getNextKey(key),
    ks: (key, value) => kernel().kvStore.set(key, value),
    kd: key => kernel().kvStore.delete(key),
    hg: key => host().kvStore.get(key),
    hh: key => host().kvStore.has(key),
    hn: key => host().kvStore.getNextKey(key),
    hs: (key, value) => host().kvStore.set(key, value),
    hd: key => host().kvStore.delete(key),
  };

  const cranks = {
    'C<': () => kernel().startCrank(),
    'C>': () => kernel().endCrank(),
    Cs: name => kernel().establishCrankSavepoint(name),
    Cr: name => kernel().rollbackCrank(name),
    Ce: () => {
      const { crankhash, activityhash } = kernel().emitCrankHashes();
      return [crankhash, activityhash];
    },
    Ca: () => kernel().getActivityhash(),
  };

  const transcript = {
    ti: vat => transcripts().initTranscript(vat),
    ta: (vat, item) => transcripts().addItem(vat, item),
    tb: vat => transcripts().getCurrentSpanBounds(vat),
    tr: (vat, startPos) => [...transcripts().readSpan(vat, orUndefined(startPos))],
    to: vat => transcripts().rolloverSpan(vat),
    tn: vat => transcripts().rolloverIncarnation(vat),
    tx: vat => transcripts().stopUsingTranscript(vat),
    td: (vat, budget) => transcripts().deleteVatTranscripts(vat, orUndefined(budget)),
  };

  const snapshot = {
    ss: async (vat, position, base64, fault) => {
      const stream = chunked(unbase64(base64), fault);
      const { hash, uncompressedSize } = await snaps().saveSnapshot(vat, position, stream);
      return { hash, uncompressedSize };
    },
    sl: async vat => {
      const hash = createHash('sha256');
      let size = 0;
      for await (const chunk of snaps().loadSnapshot(vat)) {
        size += chunk.length;
        hash.update(chunk);
      }
      return [size, hash.digest('hex')];
    },
    si: vat => {
      const info = snaps().getSnapshotInfo(vat);
      if (info === undefined) return null;
      const { snapPos, hash, uncompressedSize } = info;
      return { snapPos, hash, uncompressedSize };
    },
    sx: vat => snaps().stopUsingLastSnapshot(vat),
    sd: (vat, budget) => snaps().deleteVatSnapshots(vat, orUndefined(budget)),
    su: () => snaps().deleteAllUnusedSnapshots(),
  };

  const bundle = {
    ba: (id, content) => bundles().addBundle(id, content),
    bh: id => bundles().hasBundle(id),
    bg: id => bundles().getBundle(id),
    bd: id => bundles().deleteBundle(id),
  };

  const literal = ({ data, artifacts = [], chunkSize }) =>
    literalExporter({
      data,
      artifacts: artifacts.map(([name, base64]) => [name, unbase64(base64)]),
      chunkSize,
    });

  const whole = {
    dump: includeHistorical => storeDump(opened(), orUndefined(includeHistorical)),
    rows: dir => readRows(dir ?? storeDir),
    export: (dir, mode, withData) => exportSummary(reference, dir, mode, withData),
    import: async (dir, artifactMode, target, importMode) => {
      const exporter = reference.makeSwingStoreExporter(dir, { artifactMode });
      const height = exporter.getHostKV('host.height');
      await importInto(reference, exporter, target, importMode, height);
    },
    importset: async (dir, target, importMode) => {
      const dataset = readDataset(dir);
      const exporter = literalExporter(dataset);
      await importInto(reference, exporter, target, importMode, dataset.blockHeight);
    },
    importdata: (content, target, importMode) =>
      importInto(reference, literal(content), target, importMode),
    repair: dir => host().repairMetadata(reference.makeSwingStoreExporter(dir)),
    repairdata: content => host().repairMetadata(literal(content)),
  };

  return {
    ops: { ...life, ...kv, ...cranks, ...transcript, ...snapshot, ...bundle, ...whole },
    takeExports: exports.take,
  };
};
