// `node --import ./redirect.mjs life.mjs FOLDER BLOCKS BUNDLES`: a kernel's life from nothing, in FOLDER/store, with what happened in
// FOLDER/blocks.jsonl and every export batch in FOLDER/exports.jsonl.

import '@endo/init';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { initSwingStore } from '@agoric/swing-store';
import { initializeSwingset } from '@agoric/swingset-vat';
import { configuration, makeHost } from './host.mjs';
import { makeLog } from './log.mjs';
import { setUp } from './schedule.mjs';

const [folder, blocks, bundlesFile] = process.argv.slice(2);
const { kernel, vats } = JSON.parse(readFileSync(bundlesFile));
const directory = join(folder, 'store');
const [log, exports] = [makeLog(join(folder, 'blocks.jsonl')), makeLog(join(folder, 'exports.jsonl'))];
const host = makeHost({ directory, bundles: kernel, blocks: Number(blocks), log, exports });

const store = initSwingStore(directory, host.options);
const { kernel: _, ...kernelBundles } = kernel;
await initializeSwingset(configuration(vats), [], store.kernelStorage, { kernelBundles });
await store.hostStorage.commit();

const controller = await host.start(store);
controller.pinVatRoot('conductor');
const unlimited = { cleanups: 0, most: Infinity };
await host.run(-1, [], unlimited);
await host.run(0, setUp, unlimited);
for (let block = 1; block <= Number(blocks); block += 1) {
  await host.block(block);
}
await host.stop();
log.close();
exports.close();
