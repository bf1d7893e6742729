// A host as a chain is one: opens a store, runs the kernel block by block, commits, and writes down all that can be seen.

import { makeSwingsetController } from '@agoric/swingset-vat';
import { makeSwingStoreExporter, openSwingStore } from '@agoric/swing-store';
import { readExport } from './exporting.mjs';
import { plain } from './log.mjs';
import { calls, chores } from './schedule.mjs';

const MOST_CRANKS = 80;
const INTERVAL = 30;

/** More vats than workers, so that they are paged in and out. */
const ONLINE = 4;

export const configuration = vats => {
  const bundle = name => ({ bundle: vats[name] });
  const named = names => Object.fromEntries(names.map(name => [name, bundle(name)]));
  return {
    bootstrap: 'conductor',
    defaultManagerType: 'xsnap',
    defaultReapInterval: 25,
    snapshotInitial: 3,
    snapshotInterval: INTERVAL,
    vats: named(['conductor', 'ledger', 'bulletin']),
    bundles: named(['mill', 'house-one', 'house-two', 'guest']),
  };
};

/** Stops after so many cranks; deletes of terminated vats only so much. Counts. */
const makePolicy = (cranks, cleanups) => {
  const seen = { cranks: 0, failed: 0, vats: 0, cleanups: 0, computrons: 0n };
  const goesOn = () => seen.cranks + seen.vats < cranks;
  const policy = {
    vatCreated: () => {
      seen.vats += 1;
      return goesOn();
    },
    crankComplete: ({ computrons = 0n }) => {
      seen.cranks += 1;
      seen.computrons += computrons;
      return goesOn();
    },
    crankFailed: () => {
      seen.cranks += 1;
      seen.failed += 1;
      return goesOn();
    },
    emptyCrank: goesOn,
    allowCleanup: () => {
      const left = cleanups - seen.cleanups;
      return left > 0 && { default: left, snapshots: 1, transcripts: 1 };
    },
    didCleanup: ({ cleanups: { total } }) => {
      seen.cleanups += total;
      return goesOn();
    },
  };
  return { policy: harden(policy), seen: () => ({ ...seen, computrons: `${seen.computrons}` }) };
};

/**
 * @param {object} powers
 * @param {string} powers.directory the store's
 * @param {object} powers.bundles of the kernel
 * @param {number} powers.blocks how many the whole life has
 * @param {{ write: (line: unknown) => void }} powers.log for what happened in each block
 * @param {{ write: (line: unknown) => void }} powers.exports for every batch of the callback
 */
export const makeHost = ({ directory, bundles, blocks, log, exports }) => {
  const options = { keepTranscripts: true, exportCallback: batch => exports.write(plain(batch)) };
  let store;
  let controller;
  let pinned;

  const start = async (opened = openSwingStore(directory, options)) => {
    store = opened;
    const workers = { warehousePolicy: { maxVatsOnline: ONLINE }, env: {} };
    controller = await makeSwingsetController(store.kernelStorage, {}, { kernelBundle: bundles.kernel, ...workers });
    return controller;
  };
  const stop = async () => {
    await controller.shutdown();
    await store.hostStorage.close();
  };

  /** Everything that was asked for is done, as far as the policy lets it. */
  const run = async (block, requests, { cleanups, most = MOST_CRANKS }) => {
    exports.write({ block });
    store.hostStorage.kvStore.set('host.height', `${block}`);
    const results = requests.map(([method, ...args]) => controller.queueToVatRoot('conductor', method, args, 'ignore'));
    const { policy, seen } = makePolicy(most, cleanups);
    const ran = await controller.run(policy);
    const statuses = results.map(result => controller.kpStatus(result));
    const rejected = requests.find((_, at) => statuses[at] === 'rejected');
    if (rejected) {
      throw Error(`block ${block}: ${JSON.stringify(rejected)} was rejected, so this run does not show what it should`);
    }
    const activityhash = controller.getActivityhash();
    exports.write({ committing: block });
    await store.hostStorage.commit();
    const height = store.hostStorage.kvStore.get('host.height');
    log.write({ block, ran, ...seen(), statuses, height, activityhash });
  };

  /** A block of the schedule. */
  const block = async number => {
    const { cleanups, snapshotAll, otherInterval, restart, pin } = chores(number, blocks);
    if (otherInterval) {
      controller.changeKernelOptions({ snapshotInterval: INTERVAL + 10 });
    }
    if (snapshotAll) {
      controller.reapAllVats();
      await controller.run(makePolicy(MOST_CRANKS, 0).policy);
      log.write({ block: number, snapshots: await controller.snapshotAllVats() });
    }
    await run(number, calls(number, blocks), { cleanups });
    if (pinned) {
      log.write({ block: number, pinned: await readExport(pinned) });
      await pinned.close();
      pinned = undefined;
    }
    if (pin) {
      pinned = makeSwingStoreExporter(directory, { artifactMode: 'operational' });
    }
    if (restart) {
      await stop();
      await start();
    }
  };

  return { options, start, stop, run, block };
};
