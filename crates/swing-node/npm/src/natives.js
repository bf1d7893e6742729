// What can be done with a store, as functions that need no store any more.
//
// Native functions are made once, when the module is loaded, and take the handle of a store first: to make and to harden one for
// each store takes ten times as long as an arrow function. Nobody but these arrow functions has the handle.
import {
  bundles,
  columns,
  cranks,
  hostKv,
  importedKv,
  nextItems,
  nextRows,
  queries,
  snapshots,
  store as whole,
  tools,
  transcripts,
  unguardedKv,
} from './native.js';

// What a kernel calls often has code of its own, which V8 then knows to call this one native function.
const { addItem } = transcripts;

const pairsOf = (store, { has, get, getNextKey, set, delete: del }) => ({
  has: key => has(store, key),
  get: key => get(store, key),
  getNextKey: previousKey => getNextKey(store, previousKey),
  set: (key, value) => set(store, key, value),
  delete: key => del(store, key),
});

/** All of it, by the parts of a store. */
export const nativeOf = store => ({
  // But what it calls most is native, and bound to the store: a tenth of a read.
  kernelKv: whole.kernelKv(store),
  hostKv: pairsOf(store, hostKv),
  unguardedKv: pairsOf(store, unguardedKv),
  importedKv: pairsOf(store, importedKv),
  cranks: {
    startCrank: () => cranks.startCrank(store),
    establishCrankSavepoint: savepoint => cranks.establishCrankSavepoint(store, savepoint),
    rollbackCrank: savepoint => cranks.rollbackCrank(store, savepoint),
    emitCrankHashes: () => cranks.emitCrankHashes(store),
    endCrank: () => cranks.endCrank(store),
    getActivityhash: () => cranks.getActivityhash(store),
    settleCrank: () => cranks.settleCrank(store),
    leaveCrank: () => cranks.leaveCrank(store),
    beginAccounting: () => cranks.beginAccounting(store),
    accountSet: (key, value) => cranks.accountSet(store, key, value),
    accountDelete: key => cranks.accountDelete(store, key),
    chainCrankHash: activityhash => cranks.chainCrankHash(store, activityhash),
  },
  store: {
    recordExports: () => whole.recordExports(store),
    exportsTaken: taken => whole.exportsTaken(store, taken),
    drainExports: () => whole.drainExports(store),
    settleBlock: () => whole.settleBlock(store),
    sealBlock: () => whole.sealBlock(store),
    publish: () => whole.publish(store),
    close: () => whole.close(store),
    diskUsage: () => whole.diskUsage(store),
    serialize: () => whole.serialize(store),
    dump: includeHistorical => whole.dump(store, includeHistorical),
    repair: pairs => whole.repair(store, pairs),
  },
  transcripts: {
    initTranscript: vatID => transcripts.initTranscript(store, vatID),
    addItem: (vatID, item) => addItem(store, vatID, item),
    getCurrentSpanBounds: vatID => transcripts.getCurrentSpanBounds(store, vatID),
    rolloverSpan: vatID => transcripts.rolloverSpan(store, vatID),
    rolloverIncarnation: vatID => transcripts.rolloverIncarnation(store, vatID),
    stopUsingTranscript: vatID => transcripts.stopUsingTranscript(store, vatID),
    deleteVatTranscripts: (vatID, budget) => transcripts.deleteVatTranscripts(store, vatID, budget),
    readSpan: (vatID, startPos) => {
      const reading = transcripts.readSpan(store, vatID, startPos);
      return () => nextItems(reading);
    },
    readFullVatTranscript: vatID => transcripts.readFullVatTranscript(store, vatID),
  },
  snapshots: {
    pack: () => snapshots.pack(store),
    loadSnapshot: vatID => snapshots.loadSnapshot(store, vatID),
    stopUsingLastSnapshot: vatID => snapshots.stopUsingLastSnapshot(store, vatID),
    getSnapshotInfo: vatID => snapshots.getSnapshotInfo(store, vatID),
    deleteVatSnapshots: (vatID, budget) => snapshots.deleteVatSnapshots(store, vatID, budget),
    deleteAllUnusedSnapshots: () => snapshots.deleteAllUnusedSnapshots(store),
    hasHash: (vatID, hash) => snapshots.hasHash(store, vatID, hash),
    listAllSnapshots: () => snapshots.listAllSnapshots(store),
    deleteSnapshotByHash: (vatID, hash) => snapshots.deleteSnapshotByHash(store, vatID, hash),
  },
  bundles: {
    addText: (bundleID, json) => bundles.addText(store, bundleID, json),
    addZip: (bundleID, sha512, base64) => bundles.addZip(store, bundleID, sha512, base64),
    hasBundle: bundleID => bundles.hasBundle(store, bundleID),
    getContent: bundleID => bundles.getContent(store, bundleID),
    deleteBundle: bundleID => bundles.deleteBundle(store, bundleID),
    getBundleIDs: () => bundles.getBundleIDs(store),
    addRecord: bundleID => bundles.addRecord(store, bundleID),
    populate: (bundleID, artifact) => bundles.populate(store, bundleID, artifact),
  },
  tools: {
    exportRecords: tag => tools.exportRecords(store, tag),
    artifactNames: (tag, artifactMode) => tools.artifactNames(store, tag, artifactMode),
    artifact: (tag, name) => tools.artifact(store, tag, name),
    checkComplete: (tag, artifactMode) => tools.checkComplete(store, tag, artifactMode),
  },
  queries: {
    parameters: sql => queries.parameters(store, sql),
    ask: (sql, parameters, most) => {
      const answer = queries.ask(store, sql, parameters, most);
      return { columns: columns(answer), nextRows: () => nextRows(answer) };
    },
  },
});
