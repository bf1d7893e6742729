// An exporter: one commit of a store, while the store goes on.
import { exporter } from './native.js';
import { fail, flattenAsync, harden, insistString, makeCallSite, pairsOf, q } from './util.js';

/** What names of artifacts look like, by their first part. */
const FORMS = harden({
  __proto__: null,
  snapshot: 'snapshot.{vatID}.{snapPos}',
  transcript: 'transcript.{vatID}.{startPos}.{endPos}',
  bundle: 'bundle.{bundleID}',
});
const MODES = ['operational', 'replay', 'archival', 'debug'];

export const validateArtifactMode = artifactMode => {
  MODES.includes(artifactMode) || fail(`invalid artifactMode ${q(artifactMode)}`);
};

/** That an artifact's name has the parts that those of its type have. */
export const insistForm = (name, type) => {
  insistString(name, 'artifact name');
  const [tag, ...parts] = name.split('.');
  const form = FORMS[type];
  (tag === type && parts.length === form.split('.').length - 1) ||
    fail(`expected artifact name of the form '${form}', saw ${q(name)}`);
};

/** An async iterator over what `begin` streams, and `show` makes a batch of. What fails later has the frames of whoever asked for it. */
const streamed = (begin, show) => {
  const here = makeCallSite();
  return flattenAsync(() => {
    let stream;
    const next = async () => {
      stream ??= begin();
      return stream.next();
    };
    return {
      next: async () => {
        const batch = await here(next());
        return batch && show(batch);
      },
      drop: () => stream?.drop(),
    };
  });
};

/**
 * An exporter of the last commit of the store in a directory. It only reads, and never holds the writer up.
 *
 * @param {string} dirPath
 * @param {{ artifactMode?: 'operational' | 'replay' | 'archival' | 'debug' }} [options]
 */
export const makeSwingStoreExporter = (dirPath, options = {}) => {
  insistString(dirPath, 'dirPath');
  const { artifactMode = 'operational' } = options;
  validateArtifactMode(artifactMode);
  const native = exporter(dirPath, artifactMode);

  return harden({
    getHostKV: key => {
      insistString(key, 'key');
      return native.getHostKV(key);
    },
    getExportData: () => streamed(native.records, pairsOf),
    getArtifactNames: () => {
      // Whether all are there is found out now, not when the first is asked for.
      const stream = native.names();
      return streamed(
        () => stream,
        names => names,
      );
    },
    getArtifact: name => {
      insistString(name, 'artifact name');
      const [type] = name.split('.', 1);
      type in FORMS || fail(`invalid type in artifact name ${q(name)}`);
      const begin = () => {
        insistForm(name, type);
        return native.artifact(name);
      };
      // Whether a snapshot is there is found out now; of the others, when the first chunk is asked for.
      const oneChunk = chunk => [chunk];
      if (type !== 'snapshot') return streamed(begin, oneChunk);
      const stream = begin();
      return streamed(() => stream, oneChunk);
    },
    close: async () => native.close(),
  });
};
harden(makeSwingStoreExporter);
