// In place of @endo/bundle-source, for the kernel's own tests: each file of them has the same dozen sources bundled, which takes much longer
// than all else that it does. What was bundled once in a run is kept in $SUITE_BUNDLES (see `redirect.mjs`).

import bundleSource from '@endo/bundle-source';
import { createHash } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export * from '@endo/bundle-source';

/** Whether options are no more than their text. */
const isPlain = options => Object.values(Object(options)).every(value => Object(value) !== value);

const bundled = async (source, options, ...powers) => {
  if (powers.length > 0 || !isPlain(options)) {
    return bundleSource(source, options, ...powers);
  }
  const name = createHash('sha256').update(JSON.stringify([source, options])).digest('hex');
  const kept = join(process.env.SUITE_BUNDLES, name);
  try {
    // Frozen, as it comes from the bundler: all its members are strings.
    return Object.freeze(JSON.parse(readFileSync(kept, 'utf8')));
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  const bundle = await bundleSource(source, options);
  // Several processes run at a time: whoever finds the file finds all of it.
  const partial = `${kept}.${process.pid}`;
  writeFileSync(partial, JSON.stringify(bundle));
  renameSync(partial, kept);
  return bundle;
};
export default bundled;
