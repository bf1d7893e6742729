// What the original's substores have besides for export, import and repair. What only reads is here as it is there.
import { insistForm, validateArtifactMode } from './exporter.js';
import { fail, pairsOf } from './util.js';

const CHUNK = 256 << 10;

async function* chunksOf(bytes) {
  for (let at = 0; at < bytes.length; at += CHUNK) yield bytes.subarray(at, at + CHUNK);
}

/** The records and artifacts of one substore of an open store. `isCurrent` says which records are not history. */
export const toolsOf = ({ tools }, tag, isCurrent = () => true) => ({
  *getExportRecords(includeHistorical = true) {
    for (const [key, value] of pairsOf(tools.exportRecords(tag))) {
      if (includeHistorical || isCurrent(key, value)) yield [key, value];
    }
  },
  async *getArtifactNames(artifactMode = 'operational') {
    validateArtifactMode(artifactMode);
    yield* tools.artifactNames(tag, artifactMode);
  },
  /** Whether it is there is found out at once. */
  exportArtifact: name => {
    insistForm(name, tag);
    return chunksOf(tools.artifact(tag, name));
  },
  assertComplete: checkMode => {
    validateArtifactMode(checkMode);
    checkMode !== 'debug' || fail('nothing is ever missing in debug mode');
    tools.checkComplete(tag, checkMode);
  },
});

const elsewhere = (what, instead) => () => fail(`${what} is not offered: ${instead}`, 'SWING_STATE');

/** In place of what fills a store piece by piece. */
export const notImported = what => elsewhere(what, 'importSwingStore imports a store as a whole');
export const notPopulated = what => async () => notImported(what)();
export const notRepaired = what => elsewhere(what, 'hostStorage.repairMetadata repairs a store as a whole');
