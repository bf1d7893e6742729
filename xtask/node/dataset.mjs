// An export on disk, in the two dialects that the chain's own tools write.
//
// The JavaScript tool and the Go daemon agree on the idea (a manifest, a file of export data, one file an artifact) and
// differ in nearly every byte of it. Fixtures need both as they are written in the field.
import fs from 'node:fs';
import path from 'node:path';

const MANIFEST = 'export-manifest.json';
const DATA = 'export-data.jsonl';

const put = (dir, name, content) => fs.writeFileSync(path.join(dir, name), content);

/** Names the file of an artifact: JavaScript trusts the name, Go counts and cleans it, one hyphen a code point. */
const jsFileName = name => name;
const goFileName = (name, index) => `${index}-${name.replace(/[^-_.a-zA-Z0-9]/gu, '-')}`;

/** JSON text as Go's encoder writes it: what a browser could misread is escaped. */
const goJson = (value, indent) =>
  JSON.stringify(value, null, indent).replace(
    /[<>&\u2028\u2029]/g,
    char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

const byKeyBytes = ([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** The stream that the genesis hash is taken over, and that the Go dialect has as its data file. */
export const goDataText = data =>
  [...data]
    .sort(byKeyBytes)
    .map(([key, value]) => `${goJson(value === null ? [key] : [key, value])}\n`)
    .join('');

const writeArtifacts = (dir, artifacts, fileName) =>
  artifacts.map(([name, bytes], index) => {
    const file = fileName(name, index);
    put(dir, file, bytes);
    return [name, file];
  });

/**
 * Writes the JavaScript dialect into the existing folder `dir`.
 *
 * The manifest is created first and filled last, as the tool does it: an empty one marks an aborted export.
 */
export const writeJsDataset = (dir, { blockHeight, mode, data, artifacts }) => {
  fs.writeFileSync(path.join(dir, MANIFEST), '', { flag: 'wx' });
  put(dir, DATA, data.map(entry => `${JSON.stringify(entry)}\n`).join(''));
  const manifest = {
    blockHeight,
    artifactMode: mode,
    artifacts: writeArtifacts(dir, artifacts, jsFileName),
    data: DATA,
  };
  put(dir, MANIFEST, JSON.stringify(manifest, null, 2));
};

/** Writes the Go dialect into the existing folder `dir`. */
export const writeGoDataset = (dir, { blockHeight, data, artifacts }) => {
  put(dir, DATA, goDataText(data));
  const listed = writeArtifacts(dir, artifacts, goFileName);
  const manifest = {
    ...(blockHeight ? { blockHeight } : {}),
    data: DATA,
    artifacts: listed.length > 0 ? listed : null,
  };
  put(dir, MANIFEST, goJson(manifest, 2));
};

/** Reads a data set of either dialect: `{blockHeight, artifactMode, data, artifacts}`, absent fields undefined. */
export const readDataset = dir => {
  const { blockHeight, artifactMode, data, artifacts } = JSON.parse(
    fs.readFileSync(path.join(dir, MANIFEST), 'utf8'),
  );
  const lines = fs.readFileSync(path.join(dir, data), 'utf8').split('\n');
  return {
    blockHeight,
    artifactMode,
    data: lines.filter(line => line.trim() !== '').map(line => JSON.parse(line)),
    artifacts: (artifacts ?? []).map(([name, file]) => [name, fs.readFileSync(path.join(dir, file))]),
  };
};
