// `node --import redirect.mjs`: whoever imports `@agoric/swing-store` gets the package in the folder $STORE_PACKAGE. With
// $STORE_WRONG there is a mistake in between, made on purpose (see `wrong.mjs`).

import { readFileSync } from 'node:fs';
import { register } from 'node:module';
import { pathToFileURL } from 'node:url';

const NAME = '@agoric/swing-store';
const wrong = new URL('wrong.mjs', import.meta.url).href;
const folder = process.env.STORE_PACKAGE;

/** The package's name for itself, and the place from which it has that name. */
const itself = () => {
  const manifest = pathToFileURL(`${folder}/package.json`);
  return { name: JSON.parse(readFileSync(manifest)).name, at: manifest.href };
};

const hooks = (name, own, detour) => `
  export const resolve = (specifier, context, next) => {
    if (specifier !== ${JSON.stringify(name)}) return next(specifier, context);
    const detour = ${JSON.stringify(detour)};
    if (detour && context.parentURL !== detour) return { url: detour, shortCircuit: true };
    const own = ${JSON.stringify(own)};
    return own ? next(own.name, { ...context, parentURL: own.at }) : next(specifier, context);
  };`;

const source = hooks(NAME, folder && itself(), process.env.STORE_WRONG && wrong);
register(`data:text/javascript,${encodeURIComponent(source)}`);
