// The native half, which lies beside this half in the package, one file for each platform.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const platform = `${process.platform}-${process.arch}`;

const load = () => {
  try {
    return require(`../native/swing-node.${platform}.node`);
  } catch (cause) {
    throw Error(`swing-node has no native module that runs on ${platform} (Node ${process.version})`, { cause });
  }
};

const native = load();
export const { open, exporter, importer, isSwingStore } = native;
/** These take the handle of a store first. */
export const { hostKv, unguardedKv, importedKv, cranks, store, transcripts, snapshots, bundles, tools, queries } = native;
/** Takes the handle that `transcripts.readSpan` answers. */
export const { nextItems } = native.spans;
/** These take the handle that `queries.ask` answers. */
export const { columns, nextRows } = native.answers;
