// `node --import without-builders.mjs`: the npm package of `@agoric/builders` lacks its main module, which is empty in its sources, and which the
// chain imports only to say that it needs the package.

import { register } from 'node:module';

const source = `export const resolve = (specifier, context, next) =>
  specifier === '@agoric/builders' ? { url: 'data:text/javascript,', shortCircuit: true } : next(specifier, context);`;
register(`data:text/javascript,${encodeURIComponent(source)}`);
