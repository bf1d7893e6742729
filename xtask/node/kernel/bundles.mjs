// `node bundles.mjs FILE`: the kernel's and our vats' code, bundled once for all runs.

import '@endo/init';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildKernelBundles } from '@agoric/swingset-vat';
import bundleSource from '@endo/bundle-source';

const NAMES = ['conductor', 'ledger', 'bulletin', 'mill', 'house-one', 'house-two', 'guest'];

const vats = {};
for (const name of NAMES) {
  vats[name] = await bundleSource(fileURLToPath(new URL(`vats/${name}.js`, import.meta.url)));
}
writeFileSync(process.argv[2], JSON.stringify({ kernel: await buildKernelBundles(), vats }));
