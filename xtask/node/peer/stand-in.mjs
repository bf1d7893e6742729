// `node --import stand-in.mjs`: the one module that the reference's tests miss is found here.

import { register } from 'node:module';

const missing = '@agoric/internal/tools/ava-assertions.js';
const ours = new URL('./array-is-like.mjs', import.meta.url).href;
const hooks = `export const resolve = async (specifier, context, next) =>
  specifier === ${JSON.stringify(missing)} ? { url: ${JSON.stringify(ours)}, shortCircuit: true } : next(specifier, context);`;

register(`data:text/javascript,${encodeURIComponent(hooks)}`);
