// What a user of the original finds here under the same names, and `openDatabase`, which the original has no need of.
export { initSwingStore, openSwingStore, isSwingStore } from './swingStore.js';
export { makeSwingStoreExporter } from './exporter.js';
export { importSwingStore } from './importer.js';
export { makeArchiveSnapshot, makeArchiveTranscript } from './archiver.js';
export { getKeyType } from './kvStore.js';
export { bundleIDFromName } from './bundleStore.js';
export { makeSnapStoreIO } from './snapStore.js';
export { makeBundleStore, makeKVStore, makeSnapStore, makeTranscriptStore, openDatabase } from './handle.js';
