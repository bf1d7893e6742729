// What the reference exports, gathered into plain values, and the reverse: plain values as an exporter.
//
// `reference` here is the module namespace of the reference, whichever version was asked for.
import { sha256 } from './rows.mjs';

export const MODES = ['operational', 'replay', 'archival', 'debug'];

const gather = async chunks => {
  const parts = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
};

const pairs = async entries => {
  const list = [];
  for await (const [key, value] of entries) list.push([key, value]);
  return list;
};

/** Runs `work` with an exporter on the store in `dir` and closes it whatever happens. */
export const withExporter = async (reference, dir, artifactMode, work) => {
  const exporter = reference.makeSwingStoreExporter(dir, { artifactMode });
  try {
    return await work(exporter);
  } finally {
    await exporter.close();
  }
};

/** The full export data of the store in `dir`, in the exporter's order. */
export const exportData = (reference, dir) =>
  withExporter(reference, dir, 'debug', exporter => pairs(exporter.getExportData()));

/** `host.height` of the store in `dir`, or undefined. */
export const hostHeight = (reference, dir) =>
  withExporter(reference, dir, 'debug', async exporter => exporter.getHostKV('host.height'));

/** The artifacts of the store in `dir` for a mode, as `[name, bytes]` in the exporter's order. */
export const exportArtifacts = (reference, dir, mode) =>
  withExporter(reference, dir, mode, async exporter => {
    const list = [];
    for await (const name of exporter.getArtifactNames()) {
      list.push([name, await gather(exporter.getArtifact(name))]);
    }
    return list;
  });

/** One export as the driver answers it: names, digests, and the data if asked for. */
export const exportSummary = async (reference, dir, mode, withData) => {
  const artifacts = await exportArtifacts(reference, dir, mode);
  return {
    ...(withData ? { data: await exportData(reference, dir) } : {}),
    names: artifacts.map(([name]) => name),
    artifacts: Object.fromEntries(
      artifacts.map(([name, bytes]) => [name, [bytes.length, sha256(bytes)]]),
    ),
  };
};

/**
 * An exporter over given values: `data` as pairs, `artifacts` as `[name, bytes]`.
 *
 * Nothing is checked or put in order, so that a wrong export can be made too. Bytes come in chunks of `chunkSize`.
 */
export const literalExporter = ({ data, artifacts = [], chunkSize = 1 << 16 }) => {
  const byName = new Map(artifacts);
  return {
    getHostKV: () => undefined,
    async *getExportData() {
      yield* data;
    },
    async *getArtifactNames() {
      for (const [name] of artifacts) yield name;
    },
    async *getArtifact(name) {
      const bytes = byName.get(name);
      if (bytes === undefined) throw Error(`no artifact ${name}`);
      for (let at = 0; at < bytes.length; at += chunkSize) yield bytes.subarray(at, at + chunkSize);
    },
    async close() {},
  };
};

/**
 * Imports from `exporter` into `target`, sets `host.height` if one is given, commits and closes.
 *
 * The reference closes the exporter when the import succeeds and leaves it open when it does not; here it is closed.
 */
export const importInto = async (reference, exporter, target, artifactMode, height) => {
  try {
    const { hostStorage } = await reference.importSwingStore(exporter, target, { artifactMode });
    if (height !== undefined) hostStorage.kvStore.set('host.height', `${height}`);
    await hostStorage.commit();
    await hostStorage.close();
  } catch (error) {
    await exporter.close().catch(() => {});
    throw error;
  }
};
