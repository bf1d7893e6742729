// Makes the bundles in this directory. They are committed; run this only to make others.
//
//   mkdir scratch && cd scratch && npm init -y && npm i @endo/init @endo/bundle-source@4.3.2
//   cp .../tests/data/make.mjs . && node make.mjs packages.zip && node make.mjs tiny.zip
//
// packages-3.4.zip is packages.zip made with @endo/bundle-source@3.4.0 @endo/compartment-mapper@1.2.2, the releases of
// the time of swing-store 0.9.2-u17. The file's name says which of the two sets of sources below is bundled; they are
// written to the folder fixture-sources, since a bundle may hold a path in a message.
import '@endo/init';
import bundleSource from '@endo/bundle-source';
import fs from 'node:fs';
import path from 'node:path';

const json = JSON.stringify;

const sources = {
  // One module of every kind: ESM, CommonJS, JSON; a dependency by its main module and one by a path; a dependency
  // that is not there (a "deferred error").
  packages: {
    'package.json': json({ name: 'app', version: '1.0.0', type: 'module', dependencies: { dep: '*', old: '*', '@scope/util': '*' } }),
    'index.js': `
      import { add } from './lib/add.js';
      import { greet } from 'dep';
      import old from 'old';
      import { twice } from '@scope/util/src/twice.js';
      import facts from './lib/facts.json';
      export const start = () => greet(\`\${add(twice(1), old.three)} \${facts.colour}\`);`,
    'lib/add.js': 'export const add = (a, b) => a + b; // ünïcödé',
    'lib/facts.json': json({ colour: 'blue' }),
    'node_modules/dep/package.json': json({ name: 'dep', version: '2.0.0', type: 'module', exports: { '.': './main.js' } }),
    'node_modules/dep/main.js': 'export const greet = who => `hello ${who}`;',
    'node_modules/old/package.json': json({ name: 'old', version: '3.0.0', main: 'index.js' }),
    'node_modules/old/index.js': "exports.three = require('./numbers.js').three; if (false) require('nowhere');",
    'node_modules/old/numbers.js': 'exports.three = 3;',
    'node_modules/@scope/util/package.json': json({ name: '@scope/util', version: '0.1.0', type: 'module' }),
    'node_modules/@scope/util/src/twice.js': 'export const twice = n => n * 2;',
  },
  // The least a bundle can be.
  tiny: {
    'package.json': json({ name: 'tiny', version: '1.0.0', type: 'module' }),
    'index.js': 'export const answer = 42;',
  },
};

const out = process.argv[2];
const dir = path.resolve('fixture-sources');
fs.rmSync(dir, { recursive: true, force: true });
for (const [name, text] of Object.entries(sources[path.basename(out).match(/^[a-z]+/)[0]])) {
  fs.mkdirSync(path.dirname(`${dir}/${name}`), { recursive: true });
  fs.writeFileSync(`${dir}/${name}`, text);
}
const { endoZipBase64, endoZipBase64Sha512 } = await bundleSource(`${dir}/index.js`, { format: 'endoZipBase64' });
fs.writeFileSync(out, Buffer.from(endoZipBase64, 'base64'));
console.log(out, `b1-${endoZipBase64Sha512}`);
