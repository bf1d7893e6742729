// The pages that go with the fixtures: one a fixture, and the list of them all.

const DIALECTS = { js: 'JavaScript', go: 'Go' };

const modeLine = ([mode, artifacts]) =>
  Array.isArray(artifacts)
    ? `| ${mode} | artifacts: ${artifacts.length}, bytes: ${artifacts.reduce((sum, [, size]) => sum + size, 0)} |`
    : `| ${mode} | refused: ${artifacts.error.replaceAll('|', '\\|')} |`;

const datasetLines = datasets =>
  datasets.map(
    ([dialect, mode]) =>
      `- \`dataset-${dialect}/${mode}/\`: the export on disk in ${mode} mode, export data included, ${DIALECTS[dialect]} dialect`,
  );

/** README.md of one fixture. */
export const page = ({ name, about, datasets }, facts, expected) =>
  [
    `# ${name}`,
    '',
    about,
    '',
    'Here:',
    '',
    '- `store/`: the store, closed cleanly, made by `@agoric/swing-store` 0.10.0',
    ...datasetLines(datasets),
    '- `expected.json`: what the reference exports from it',
    '',
    'True of it:',
    '',
    `- block height ${expected.blockHeight}, activityhash ${expected.activityhash ? `\`${expected.activityhash}\`` : 'empty'}`,
    `- ${expected.exportData.length} records of export data; their genesis hash is \`${expected.exportDataHash}\``,
    ...facts.map(fact => `- ${fact}`),
    '',
    '| mode | export |',
    '|---|---|',
    ...Object.entries(expected.artifacts).map(modeLine),
    '',
  ].join('\n');

/** README.md of the folder. */
export const indexPage = fixtures =>
  [
    '# Fixtures',
    '',
    'Small real stores, made by the reference implementation, so that tests here need neither it nor Node. `xtask/node/fixtures.mjs`',
    'writes them and checks what they claim; two runs give the same bytes. Do not edit them by hand, and open a copy: opening a store may write.',
    '',
    '| fixture | what it is |',
    '|---|---|',
    ...fixtures.map(({ name, short }) => `| [${name}](${name}/README.md) | ${short} |`),
    '',
    '`expected.json` is what the reference exports from the store:',
    '',
    '- `activityhash`: the kernel\'s, empty if there is none; `blockHeight`: `host.height` as a number, 0 if there is none',
    '- `exportData`: `[key, value]` pairs in the exporter\'s order',
    '- `exportDataHash`: the hash a genesis file would carry, over the data in key order as Go writes it',
    '- `artifacts`: for each mode either `[name, size, SHA-256]` in the exporter\'s order, or `{"error": message}` where the reference refuses',
    '- `callbackBatches` (worked-example): what the export callback got; `pendingExports` (pending-exports): the rows left behind',
    '',
    'Data sets lie in `dataset-DIALECT/MODE/`. Each was imported by the reference again, into a store with the same export data.',
    '',
  ].join('\n');
