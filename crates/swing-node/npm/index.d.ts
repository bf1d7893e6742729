// The types that a user of @agoric/swing-store relies on, and those of what is new here.

/** Sync or async. */
export type AnyIterable<T> = Iterable<T> | AsyncIterable<T>;

export interface KVStore {
  has(this: void, key: string): boolean;
  get(this: void, key: string): string | undefined;
  /** The first key after `previousKey`, in the order of UTF-8 bytes. */
  getNextKey(this: void, previousKey: string): string | undefined;
  /** Nobody looks at `bypassHash`, here or in the original, whose type has it. */
  set(this: void, key: string, value: string, bypassHash?: boolean): void;
  delete(this: void, key: string): void;
}

export interface SpanBounds {
  startPos: number;
  endPos: number;
  /** SHA-256, hexadecimal. */
  hash: string;
  incarnation: number;
}

export interface Cleanup {
  /** Nothing of the vat is left. */
  done: boolean;
  /** Units removed by this call. */
  cleanups: number;
}

export interface TranscriptStore {
  initTranscript(this: void, vatID: string): void;
  /** Resolves to the incarnation. All that changes the store is done before the call returns. */
  rolloverSpan(this: void, vatID: string): Promise<number>;
  /** Resolves to the new incarnation. All that changes the store is done before the call returns. */
  rolloverIncarnation(this: void, vatID: string): Promise<number>;
  getCurrentSpanBounds(this: void, vatID: string): SpanBounds;
  addItem(this: void, vatID: string, item: string): void;
  readSpan(this: void, vatID: string, startPos?: number): IterableIterator<string>;
  stopUsingTranscript(this: void, vatID: string): Promise<void>;
  deleteVatTranscripts(this: void, vatID: string, budget?: number): Cleanup;
}

export interface SnapshotResult {
  /** SHA-256 of the raw bytes, hexadecimal. */
  hash: string;
  /** Bytes. */
  uncompressedSize: number;
  /** Bytes. Not consensus. */
  compressedSize: number;
  compressSeconds: number;
  dbSaveSeconds: number;
  archiveWriteSeconds?: number | undefined;
}

export interface SnapshotInfo {
  snapPos: number;
  hash: string;
  /** Bytes; null for a record that was never populated. */
  uncompressedSize: number;
  /** Bytes; null for a record that was never populated. */
  compressedSize: number;
}

export interface SnapStore {
  /** Rejects, or throws in a `for await`, at the end of the stream if the bytes are not those that were saved. */
  loadSnapshot(this: void, vatID: string): AsyncIterableIterator<Uint8Array>;
  saveSnapshot(
    this: void,
    vatID: string,
    snapPos: number,
    snapshotStream: AnyIterable<Uint8Array>,
  ): Promise<SnapshotResult>;
  /** Deletes rows without export records. */
  deleteAllUnusedSnapshots(this: void): void;
  deleteVatSnapshots(this: void, vatID: string, budget?: number): Cleanup;
  stopUsingLastSnapshot(this: void, vatID: string): void;
  getSnapshotInfo(this: void, vatID: string): SnapshotInfo | undefined;
}

export interface NestedEvaluateBundle {
  moduleFormat: 'nestedEvaluate';
  source: string;
  sourceMap?: string;
}

export interface EndoZipBase64Bundle {
  moduleFormat: 'endoZipBase64';
  endoZipBase64: string;
  endoZipBase64Sha512: string;
}

export type Bundle = NestedEvaluateBundle | EndoZipBase64Bundle;

export interface BundleStore {
  addBundle(this: void, bundleID: string, bundle: Bundle): void;
  hasBundle(this: void, bundleID: string): boolean;
  getBundle(this: void, bundleID: string): Bundle;
  deleteBundle(this: void, bundleID: string): void;
}

export interface SwingStoreKernelStorage {
  kvStore: KVStore;
  transcriptStore: TranscriptStore;
  snapStore: SnapStore;
  bundleStore: BundleStore;
  startCrank(this: void): void;
  establishCrankSavepoint(this: void, savepoint: string): void;
  rollbackCrank(this: void, savepoint: string): void;
  emitCrankHashes(this: void): { crankhash: string; activityhash: string };
  endCrank(this: void): void;
  getActivityhash(this: void): string;
}

/** A key of export data and its value; null takes it back. */
export type KVPair = readonly [key: string, value?: string | null | undefined];

/**
 * One batch, by key bytes, the last change of each key; never empty. If it throws, so does the call that flushed, and nothing is lost.
 * If it answers a promise, the next `commit` waits for that, and rejects if it does. (The original waits for none.) So what settles only
 * after the commit must not be answered, or the commit waits for ever.
 */
export type ExportCallback = (updates: [key: string, value: string | null][]) => void;

/** As much as a program may count on with either package; a store of this one has all of it. */
export interface SwingStoreHostStorage {
  kvStore: KVStore;
  /** Makes everything since the last commit durable, after the callback has had what is pending, and has kept what it promised. */
  commit(this: void): Promise<void>;
  /** Abandons what is not committed. */
  close(this: void): Promise<void>;
  /** The size of the database file in bytes; 0 in memory. */
  diskUsage?(this: void): number;
  repairMetadata(this: void, exporter: SwingStoreExporter): Promise<void>;
  /** As in 0.9.2-u17. */
  setExportCallback?(this: void, callback: ExportCallback): void;
}

export interface SnapshotRow {
  vatID: string;
  snapPos: number;
  inUse: 1 | null;
  hash: string;
  uncompressedSize: number | null;
  compressedSize: number | null;
}

export interface SwingStoreDebugDump {
  kvEntries: Record<string, string>;
  transcripts: Record<string, Record<number, string>>;
  snapshots: Record<string, { snapPos: number; hash: string; compressedSnapshot: Buffer | null; inUse: 0 | 1 }[]>;
  /** Stored bytes in base64. */
  bundles: Record<string, string | null>;
}

export interface SwingStoreDebugTools {
  dump(this: void, includeHistorical?: boolean): SwingStoreDebugDump;
  /** Of a store in memory only. */
  serialize(this: void): Buffer;
  /** Stands for the database where `make…Store` wants one; it is no better-sqlite3 object. */
  getDatabase(this: void): Database;
  /** Sizes in bytes, the log's included. */
  diskUsage(this: void): { database: number; wal: number };
}

/** What tools read of a part of an open store, changes since the last commit included. Not inside a crank that has savepoints. */
export interface SubstoreTools {
  /** In the order of an export; with `false` only those of current spans and snapshots in use. */
  getExportRecords(this: void, includeHistorical?: boolean): IterableIterator<[key: string, value: string]>;
  /** Default mode: operational. */
  getArtifactNames(this: void, artifactMode?: ArtifactMode): AsyncIterableIterator<string>;
  /** Throws if something is missing for an export in this mode. */
  assertComplete(this: void, checkMode: Exclude<ArtifactMode, 'debug'>): void;
}

export interface TranscriptStoreInternal extends TranscriptStore, SubstoreTools {
  /** Verified; all of it is in memory meanwhile. */
  exportSpan(this: void, name: string): AsyncIterableIterator<Uint8Array>;
  /** Throws: `importSwingStore` imports a store as a whole. */
  importTranscriptSpanRecord(this: void, ...args: unknown[]): never;
  /** Rejects: `importSwingStore` imports a store as a whole. */
  populateTranscriptSpan(this: void, ...args: unknown[]): Promise<never>;
  /** Throws: `hostStorage.repairMetadata` repairs a store as a whole. */
  repairTranscriptSpanRecord(this: void, ...args: unknown[]): never;
  readFullVatTranscript(
    this: void,
    vatID: string,
  ): IterableIterator<{ vatID: string; position: number; item: string }>;
}

export interface TranscriptStoreDebug {
  dumpTranscripts(this: void, includeHistorical?: boolean): SwingStoreDebugDump['transcripts'];
}

export interface SnapStoreInternal extends SnapStore, SubstoreTools {
  /** Verified; all of it is in memory meanwhile. */
  exportSnapshot(this: void, name: string): AsyncIterableIterator<Uint8Array>;
  /** Throws: `importSwingStore` imports a store as a whole. */
  importSnapshotRecord(this: void, ...args: unknown[]): never;
  /** Rejects: `importSwingStore` imports a store as a whole. */
  populateSnapshot(this: void, ...args: unknown[]): Promise<never>;
  /** Throws: `hostStorage.repairMetadata` repairs a store as a whole. */
  repairSnapshotRecord(this: void, ...args: unknown[]): never;
  hasHash(this: void, vatID: string, hash: string): boolean;
  listAllSnapshots(this: void): IterableIterator<SnapshotRow>;
  deleteSnapshotByHash(this: void, vatID: string, hash: string): void;
}

export interface SnapStoreDebug
  extends Pick<SnapStoreInternal, 'hasHash' | 'listAllSnapshots' | 'deleteSnapshotByHash'> {
  dumpSnapshots(this: void, includeHistorical?: boolean): SwingStoreDebugDump['snapshots'];
}

export interface BundleStoreInternal extends BundleStore, SubstoreTools {
  /** Verified; all of it is in memory meanwhile. */
  exportBundle(this: void, name: string): AsyncIterableIterator<Uint8Array>;
  /** Adds the record of a bundle whose content `importBundle` brings. Neither is exported. */
  importBundleRecord(this: void, key: string, value: string): void;
  importBundle(this: void, name: string, dataProvider: () => Promise<Uint8Array> | Uint8Array): Promise<void>;
  /** Throws: `hostStorage.repairMetadata` repairs a store as a whole. */
  repairBundleRecord(this: void, ...args: unknown[]): never;
  getBundleIDs(this: void): IterableIterator<string>;
}

export interface BundleStoreDebug {
  dumpBundles(this: void): SwingStoreDebugDump['bundles'];
}

export interface SwingStoreInternal {
  dirPath: string | null;
  asFile: boolean;
  db: Database;
  /** Every section, neither hashed nor exported. */
  kvStore: KVStore;
  transcriptStore: TranscriptStoreInternal;
  snapStore: SnapStoreInternal;
  bundleStore: BundleStoreInternal;
}

export interface SwingStore {
  kernelStorage: SwingStoreKernelStorage;
  hostStorage: SwingStoreHostStorage;
  debug: SwingStoreDebugTools;
  internal: SwingStoreInternal;
}

/** What this package's stores are. */
export interface WholeSwingStore extends SwingStore {
  hostStorage: Required<SwingStoreHostStorage>;
}

export type Replacer<T> = (original: T) => T;

export interface SwingStoreOptions {
  /** The path is that of the database file, not of its directory. */
  asFile?: boolean;
  /** What `debug.serialize()` made, to begin with; only in memory. */
  serialized?: Buffer;
  /** No journal on disk and no flushing: a crash destroys the file. */
  unsafeFastMode?: boolean;
  readonly?: boolean;
  /** Every change of a key is appended to this file. */
  traceFile?: string;
  /** Keep the bytes of snapshots that are not in use. Default false. */
  keepSnapshots?: boolean;
  /** Keep the items of closed spans. Default true. */
  keepTranscripts?: boolean;
  /** Takes the gzip bytes of every new snapshot, before it is stored. */
  archiveSnapshot?: (name: string, compressedData: Buffer) => Promise<void>;
  /** Takes the items of every span that is closed, each with its line feed. */
  archiveTranscript?: (name: string, entries: Uint8Array[]) => Promise<void>;
  exportCallback?: ExportCallback;
  wrapKvStore?: Replacer<KVStore>;
  wrapTranscriptStore?: Replacer<TranscriptStoreInternal & TranscriptStoreDebug>;
  wrapSnapStore?: Replacer<SnapStoreInternal & SnapStoreDebug>;
  wrapBundleStore?: Replacer<BundleStoreInternal & BundleStoreDebug>;
}

export function initSwingStore(path?: string | null, options?: SwingStoreOptions): WholeSwingStore;
export function openSwingStore(path: string, options?: SwingStoreOptions): WholeSwingStore;
export function isSwingStore(dirPath: string): boolean;

export type ArtifactMode = 'operational' | 'replay' | 'archival' | 'debug';

export interface SwingStoreExporter {
  getHostKV(key: string): string | undefined;
  getExportData(): AnyIterable<KVPair>;
  /** Throws at once if the store does not have all that the mode promises. */
  getArtifactNames(): AnyIterable<string>;
  getArtifact(name: string): AnyIterable<Uint8Array>;
  close(): Promise<void>;
}

export interface ExportSwingStoreOptions {
  artifactMode?: ArtifactMode;
}

export function makeSwingStoreExporter(dirPath: string, options?: ExportSwingStoreOptions): SwingStoreExporter;

export interface ImportSwingStoreOptions extends Omit<SwingStoreOptions, 'serialized'> {
  artifactMode?: ArtifactMode;
  /** How long each commit of the import waits for those who have the store open that it replaces. Default 5000. */
  patienceMs?: number;
}

/**
 * Nothing is in place before `hostStorage.commit()`. While a commit is rejected with `SWING_BUSY`, since somebody has the
 * store open that is to be replaced, the import is still there: commit again, or close it to give it up. So it is after any
 * other rejection that left both stores whole; one that is lost says so when it is committed again.
 */
export function importSwingStore(
  exporter: SwingStoreExporter,
  dirPath?: string | null,
  options?: ImportSwingStoreOptions,
): Promise<Pick<WholeSwingStore, 'hostStorage' | 'debug'>>;

export interface ArchivePowers {
  fs: Pick<typeof import('fs'), 'createWriteStream' | 'mkdirSync' | 'renameSync'>;
  path: Pick<typeof import('path'), 'join'>;
  tmp: { fileSync(options: object): { name: string; fd: number; removeCallback: () => void } };
}

export function makeArchiveSnapshot(
  dirPath: string,
  powers: ArchivePowers,
): (name: string, gzData: Uint8Array | AnyIterable<Uint8Array>) => Promise<void>;
export function makeArchiveTranscript(
  dirPath: string,
  powers: ArchivePowers,
): (spanName: string, entries: AnyIterable<Uint8Array>) => Promise<void>;

export function getKeyType(key: string): 'local' | 'host' | 'consensus';
export function bundleIDFromName(name: string): string;

export type MeasureSeconds = <T>(action: () => T | Promise<T>) => Promise<{ result: T; duration: number }>;
export function makeSnapStoreIO(): { measureSeconds: MeasureSeconds };

/** A value of a row. */
export type SQLValue = number | string | Buffer | null;

/** A query, as better-sqlite3 has it. Parameters are values, arrays of values, and one object of named ones. */
export interface Statement {
  source: string;
  reader: true;
  readonly: true;
  /** Rows are the values of the first column from now on. */
  pluck(this: void, toggle?: boolean): Statement;
  /** Rows are arrays from now on. */
  raw(this: void, toggle?: boolean): Statement;
  get(this: void, ...parameters: unknown[]): any;
  all(this: void, ...parameters: unknown[]): any[];
  /** The whole answer is taken into memory, outside of JavaScript's, when it begins; the store may be changed meanwhile. */
  iterate(this: void, ...parameters: unknown[]): IterableIterator<any>;
  /** Throws: a query is not run but asked. */
  run(this: void, ...parameters: unknown[]): never;
}

/** Stands for an open database. */
export interface Database {
  file: string | null;
  commit(): void;
  close(): void;
  /**
   * A query, and nothing else. It sees changes since the last commit; so it cannot be asked inside a crank that has savepoints, but of a
   * read-only store.
   */
  prepare(this: void, sql: string): Statement;
  /** A pragma that only reads. */
  pragma(this: void, source: string, options?: { simple?: boolean }): any;
  /** Throws: a store is changed with its own calls. */
  exec(this: void, ...args: unknown[]): never;
  /** Throws: a store is changed with its own calls. */
  transaction(this: void, ...args: unknown[]): never;
}

/** A database in memory of better-sqlite3: one of ours is used in its place, and nothing is seen in it. */
export interface ForeignDatabase {
  readonly memory: boolean;
  prepare(sql: string): { pluck(): { get(...parameters: unknown[]): unknown } };
}

/** Opens a database file, or the one of a store's directory, for single substores. Each of their writes is committed at once. */
export function openDatabase(
  file: string,
  options?: Pick<SwingStoreOptions, 'readonly' | 'keepSnapshots' | 'keepTranscripts'>,
): Database;

export type NoteExport = (key: string, value: string | undefined) => void;

export function makeKVStore(
  db: string | Database | ForeignDatabase,
  ensureTxn?: () => void,
  trace?: (...args: string[]) => void,
): KVStore;
export function makeTranscriptStore(
  db: string | Database | ForeignDatabase,
  ensureTxn?: () => void,
  noteExport?: NoteExport,
  options?: Pick<SwingStoreOptions, 'keepTranscripts' | 'archiveTranscript'>,
): TranscriptStoreInternal & TranscriptStoreDebug;
export function makeSnapStore(
  db: string | Database | ForeignDatabase,
  ensureTxn?: () => void,
  io?: { measureSeconds?: MeasureSeconds },
  noteExport?: NoteExport,
  options?: Pick<SwingStoreOptions, 'keepSnapshots' | 'archiveSnapshot'>,
): SnapStoreInternal & SnapStoreDebug;
export function makeBundleStore(
  db: string | Database | ForeignDatabase,
  ensureTxn?: () => void,
  noteExport?: NoteExport,
): BundleStoreInternal & BundleStoreDebug;
