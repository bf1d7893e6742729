// Snapshots: streams in and out, packed and unpacked on other threads.
import { performance } from 'node:perf_hooks';

import { notImported, notPopulated, notRepaired, toolsOf } from './substoreTools.js';
import { budgetUnits, bytesOf, dumpOf, fail, harden, insistString, iteratorOf, makeCallSite, parsed } from './util.js';

/** Times an action: its result, and how many seconds it took. */
const makeMeasureSeconds = now => async action => {
  const start = now();
  const result = await action();
  return harden({ result, duration: (now() - start) / 1000 });
};

/** What a snapStore needs of the world. */
export const makeSnapStoreIO = () => ({ measureSeconds: makeMeasureSeconds(performance.now.bind(performance)) });

/** Gives all of `stream` to `packer`, and answers what it was. The stream is closed in any case. `here` is who wants it. */
const packAll = async (packer, stream, here) => {
  const iterator = iteratorOf(stream, 'snapshot stream');
  // The kernel hands over one half of a stream whose other half feeds a worker, and neither ends before both are closed: so the
  // iterator is closed also after its end, and nobody waits for that until there is nothing else left to do.
  const close = async () => {
    await iterator.return?.();
  };
  let closing;
  try {
    for (;;) {
      // eslint-disable-next-line no-await-in-loop
      const { done, value } = await iterator.next();
      if (done) break;
      // A sync iterator may yield promises.
      // eslint-disable-next-line no-await-in-loop
      if (!packer.push(bytesOf(await value, 'snapshot chunk'))) {
        // eslint-disable-next-line no-await-in-loop
        await here(packer.room());
      }
    }
    closing = close();
    closing.catch(() => {});
    return { ...JSON.parse(await here(packer.finish())), closing };
  } catch (error) {
    packer.abandon();
    await (closing ?? close()).catch(() => {});
    throw error;
  }
};

/** The snapStore of the original, with what tools use beside what a kernel does. */
export const snapshotsOver = (native, { archiveSnapshot, measureSeconds } = {}) => {
  const { snapshots } = native;
  const measure = measureSeconds ?? makeSnapStoreIO().measureSeconds;

  const saveSnapshot = async (vatID, snapPos, snapshotStream) => {
    const here = makeCallSite();
    insistString(vatID, 'vatID');
    // Before anything is packed or archived.
    (Number.isSafeInteger(snapPos) && snapPos >= 0) || fail('snapPos must be an integer from 0 to 2^53 - 1');
    const packer = snapshots.pack();
    const { duration: compressSeconds, result } = await measure(() => packAll(packer, snapshotStream, here));
    const { closing, hash, uncompressedSize, compressedSize } = result;

    // An archive is ahead of the store, never behind: if it fails, nothing has changed.
    let archiveWriteSeconds;
    if (archiveSnapshot) {
      ({ duration: archiveWriteSeconds } = await measure(() =>
        archiveSnapshot(`snapshot.${vatID}.${snapPos}`, packer.gzip()),
      ));
    }
    const { duration: dbSaveSeconds } = await measure(() => packer.store(vatID, snapPos));
    await closing;
    // In the original's order: it is written into logs as it is.
    return harden({ hash, uncompressedSize, compressSeconds, dbSaveSeconds, archiveWriteSeconds, compressedSize });
  };

  const loadSnapshot = async function* loadSnapshot(vatID) {
    const here = makeCallSite();
    const read = snapshots.loadSnapshot(vatID);
    // One chunk ahead of the reader, who hears of a failure when it asks for that chunk, or never.
    const readAhead = () => {
      const chunk = here(read());
      chunk.catch(() => {});
      return chunk;
    };
    let ahead = readAhead();
    for (let chunk = await ahead; chunk !== undefined; chunk = await ahead) {
      ahead = readAhead();
      yield chunk;
    }
  };

  const isCurrent = (key, value) => key.endsWith('.current') || JSON.parse(value).inUse;
  const { exportArtifact: exportSnapshot, ...tools } = toolsOf(native, 'snapshot', isCurrent);
  return harden({
    saveSnapshot,
    loadSnapshot,
    deleteAllUnusedSnapshots: snapshots.deleteAllUnusedSnapshots,
    deleteVatSnapshots: (vatID, budget = Infinity) =>
      JSON.parse(snapshots.deleteVatSnapshots(vatID, budgetUnits(budget))),
    stopUsingLastSnapshot: snapshots.stopUsingLastSnapshot,
    getSnapshotInfo: vatID => parsed(snapshots.getSnapshotInfo(vatID)),
    hasHash: snapshots.hasHash,
    *listAllSnapshots() {
      yield* JSON.parse(snapshots.listAllSnapshots());
    },
    deleteSnapshotByHash: snapshots.deleteSnapshotByHash,
    exportSnapshot,
    ...tools,
    importSnapshotRecord: notImported('importSnapshotRecord'),
    populateSnapshot: notPopulated('populateSnapshot'),
    repairSnapshotRecord: notRepaired('repairSnapshotRecord'),
    dumpSnapshots: (includeHistorical = true) => dumpOf(native, includeHistorical).snapshots,
  });
};

export const KERNEL_SNAPSHOTS = harden([
  'loadSnapshot',
  'saveSnapshot',
  'deleteAllUnusedSnapshots',
  'deleteVatSnapshots',
  'stopUsingLastSnapshot',
  'getSnapshotInfo',
]);
