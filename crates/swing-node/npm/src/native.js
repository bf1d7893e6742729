// The native half, which lies beside this half in the package, one file for each platform.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

if (import.meta.url === undefined) {
  throw Error('swing-node looks for its native module beside its own files: a bundler must leave it out (external)');
}
const require = createRequire(import.meta.url);
const platform = `${process.platform}-${process.arch}`;

const load = () => {
  const file = fileURLToPath(new URL(`../native/swing-node.${platform}.node`, import.meta.url));
  try {
    return require(file);
  } catch (cause) {
    const why = cause.code === 'MODULE_NOT_FOUND' ? `there is no ${file}` : `${file} cannot be loaded: ${cause.message}`;
    throw Error(`swing-node has no native module that runs on ${platform} (Node ${process.version}): ${why}`, { cause });
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
