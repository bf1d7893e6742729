// A program that uses everything in index.d.ts. It is never run: types.test.mjs lets the compiler look at it.
import * as fs from 'fs';
import * as path from 'path';
import {
  bundleIDFromName,
  getKeyType,
  importSwingStore,
  initSwingStore,
  isSwingStore,
  makeArchiveSnapshot,
  makeArchiveTranscript,
  makeBundleStore,
  makeKVStore,
  makeSnapStore,
  makeSnapStoreIO,
  makeSwingStoreExporter,
  makeTranscriptStore,
  openDatabase,
  openSwingStore,
} from 'swing-node';
import type {
  AnyIterable,
  ArtifactMode,
  BundleStore,
  ExportSwingStoreOptions,
  ImportSwingStoreOptions,
  KVPair,
  KVStore,
  SnapStore,
  SnapStoreDebug,
  SnapshotInfo,
  SnapshotResult,
  Statement,
  SwingStore,
  SwingStoreExporter,
  SwingStoreHostStorage,
  SwingStoreKernelStorage,
  TranscriptStore,
  WholeSwingStore,
} from 'swing-node';

declare const tmp: { fileSync(options: object): { name: string; fd: number; removeCallback: () => void } };

async function collect<T>(items: AnyIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const withKernel = async ({ kvStore, snapStore, transcriptStore, bundleStore, ...cranks }: SwingStoreKernelStorage) => {
  const kv: KVStore = kvStore;
  const { has, get, set } = kv;
  cranks.startCrank();
  cranks.establishCrankSavepoint('deliver');
  if (has('a')) set('b', get('a') ?? '');
  const next: string | undefined = kv.getNextKey('a');
  if (next !== undefined) kv.delete(next);
  cranks.rollbackCrank('deliver');
  const transcripts: TranscriptStore = transcriptStore;
  transcripts.initTranscript('v1');
  transcripts.addItem('v1', 'item');
  const [item]: string[] = [...transcripts.readSpan('v1'), ...transcripts.readSpan('v1', 0)];
  const { startPos, endPos, hash, incarnation } = transcripts.getCurrentSpanBounds('v1');
  const sum: number = startPos + endPos + incarnation + (await transcripts.rolloverSpan('v1'));
  await transcripts.rolloverIncarnation('v1');
  await transcripts.stopUsingTranscript('v1');
  const { done, cleanups }: { done: boolean; cleanups: number } = transcripts.deleteVatTranscripts('v1', 5);
  const snaps: SnapStore = snapStore;
  const saved: SnapshotResult = await snaps.saveSnapshot('v1', 1, [Buffer.from('heap')]);
  const info: SnapshotInfo | undefined = snaps.getSnapshotInfo('v1');
  const loaded: Uint8Array[] = await collect(snaps.loadSnapshot('v1'));
  snaps.stopUsingLastSnapshot('v1');
  snaps.deleteAllUnusedSnapshots();
  snaps.deleteVatSnapshots('v1');
  const bundles: BundleStore = bundleStore;
  bundles.addBundle('b0-00', { moduleFormat: 'nestedEvaluate', source: '1+1' });
  const bundle = bundles.getBundle('b0-00');
  const text: string = bundle.moduleFormat === 'endoZipBase64' ? bundle.endoZipBase64 : bundle.source;
  if (bundles.hasBundle('b0-00')) bundles.deleteBundle('b0-00');
  const { crankhash, activityhash } = cranks.emitCrankHashes();
  cranks.endCrank();
  const same: boolean = activityhash === cranks.getActivityhash();
  return { item, hash, sum, done, cleanups, saved, info, loaded, text, crankhash, same };
};

const withHost = async (host: WholeSwingStore['hostStorage'], exporter: SwingStoreExporter) => {
  host.kvStore.set('host.height', '1');
  host.setExportCallback(updates => updates.map(([key, value]: [string, string | null]) => `${key}${value ?? ''}`));
  await host.commit();
  const bytes: number = host.diskUsage();
  await host.repairMetadata(exporter);
  await host.close();
  return bytes;
};

const withTools = ({ debug, internal }: SwingStore) => {
  const { kvEntries, transcripts, snapshots, bundles } = debug.dump(false);
  const { database, wal } = debug.diskUsage();
  const all: number = database + wal + debug.serialize().length;
  const texts: (string | null | undefined)[] = [kvEntries.a, transcripts.v1?.[0], bundles['b0-00']];
  const inUse: (0 | 1)[] = (snapshots.v1 ?? []).map(snapshot => snapshot.inUse);
  const rows = [...internal.snapStore.listAllSnapshots()].map(({ vatID, hash }) => internal.snapStore.hasHash(vatID, hash));
  internal.snapStore.deleteSnapshotByHash('v1', '00');
  const items = [...internal.transcriptStore.readFullVatTranscript('v1')].map(({ position, item }) => `${position}${item}`);
  const records: [string, string][] = [...internal.transcriptStore.getExportRecords(false), ...internal.snapStore.getExportRecords()];
  const artifacts = { names: internal.bundleStore.getArtifactNames('debug'), span: internal.transcriptStore.exportSpan('transcript.v1.0.1') };
  internal.bundleStore.assertComplete('archival');
  internal.bundleStore.importBundleRecord('bundle.b0-00', 'b0-00');
  const imported: Promise<void> = internal.bundleStore.importBundle('bundle.b0-00', async () => Buffer.from('x'));
  const statement: Statement = internal.db.prepare('SELECT value FROM kvStore WHERE key = :key').pluck();
  const value: string = statement.get({ key: 'a' });
  const pairs: { key: string }[] = [...internal.db.prepare('SELECT * FROM kvStore').iterate()];
  const version: number = internal.db.pragma('user_version', { simple: true });
  const where: string | null = internal.dirPath ?? internal.db.file ?? debug.getDatabase().file;
  void { records, artifacts, imported, value, pairs, version };
  return { all, texts, inUse, rows, items, where, ids: [...internal.bundleStore.getBundleIDs()], asFile: internal.asFile };
};

const internalOf = ({ internal }: SwingStore) => internal;

const substores = () => {
  const db = openDatabase('x.sqlite', { readonly: false, keepSnapshots: true, keepTranscripts: true });
  const note = (key: string, value: string | undefined) => void [key, value];
  makeKVStore(db, () => {}, (...traced: string[]) => void traced).set('a', 'b');
  const snaps = makeSnapStore('x.sqlite', () => {}, makeSnapStoreIO(), note, { keepSnapshots: true });
  const tools: SnapStoreDebug = snaps;
  const transcripts = makeTranscriptStore(db, () => {}, note, { keepTranscripts: true });
  const bundles = makeBundleStore(db, () => {}, note);
  const dumped = [tools.dumpSnapshots(), transcripts.dumpTranscripts(false), bundles.dumpBundles()];
  db.commit();
  db.close();
  return dumped;
};

const program = async () => {
  const powers = { fs, path, tmp };
  const store = initSwingStore(null, {
    asFile: false,
    unsafeFastMode: false,
    readonly: false,
    traceFile: 'trace',
    keepSnapshots: true,
    keepTranscripts: false,
    archiveSnapshot: makeArchiveSnapshot('archive', powers),
    archiveTranscript: makeArchiveTranscript('archive', powers),
    exportCallback: async updates => void updates.length,
    wrapKvStore: kv => ({ ...kv, get: key => kv.get(key) }),
    wrapTranscriptStore: transcripts => ({ ...transcripts }),
    wrapSnapStore: snaps => snaps,
    wrapBundleStore: bundles => bundles,
  });
  await withKernel(store.kernelStorage);
  withTools(store);
  const image: Buffer = store.debug.serialize();
  initSwingStore(null, { serialized: image });
  const mode: ArtifactMode = 'replay';
  const exporting: ExportSwingStoreOptions = { artifactMode: mode };
  const exporter = makeSwingStoreExporter('dir', exporting);
  const height: string | undefined = exporter.getHostKV('host.height');
  const records: KVPair[] = await collect(exporter.getExportData());
  const chunks: Uint8Array[] = await collect(exporter.getArtifact((await collect(exporter.getArtifactNames()))[0] ?? ''));
  const importing: ImportSwingStoreOptions = { artifactMode: mode, patienceMs: 100, keepSnapshots: true };
  const { hostStorage, debug } = await importSwingStore(exporter, 'dir', importing);
  await withHost(hostStorage, {
    getHostKV: () => undefined,
    getExportData: () => [['kv.a', 'b'], ['kv.c', null], ['kv.d']],
    getArtifactNames: () => ['bundle.b0-00'],
    getArtifact: () => [Buffer.from('x')],
    close: async () => {},
  });
  const section: 'local' | 'host' | 'consensus' = getKeyType(bundleIDFromName('bundle.b0-00'));
  return { height, records, chunks, debug, section, open: isSwingStore('dir') && openSwingStore('dir') };
};

// A host as tests make one, for programs written against the original's types.
const pairs = new Map<string, string>();
const mockHost: SwingStoreHostStorage = {
  kvStore: {
    has: key => pairs.has(key),
    get: key => pairs.get(key),
    getNextKey: () => undefined,
    set: (key, value) => void pairs.set(key, value),
    delete: key => void pairs.delete(key),
  },
  commit: async () => {},
  close: async () => {},
  repairMetadata: async () => {},
};
// As the original declares it.
mockHost.kvStore.set('a', 'b', true);
// Also for a program that takes the original's type, which has `diskUsage` only maybe.
const asOriginal: SwingStore = initSwingStore(null);
const size: number | undefined = asOriginal.hostStorage.diskUsage?.();

// What must not compile.
// @ts-expect-error somebody else's host may not say how much it has
mockHost.diskUsage();
// @ts-expect-error nothing is ever missing in that mode
internalOf(initSwingStore()).bundleStore.assertComplete('debug');
// @ts-expect-error a value is a string
makeKVStore('x').set('a', 7);
// @ts-expect-error there is no such mode
makeSwingStoreExporter('dir', { artifactMode: 'all' });
// @ts-expect-error a path, or null, is asked for
openSwingStore(null);
// @ts-expect-error there may be no value
makeKVStore('x').get('a').length;

export { program, size, substores };
