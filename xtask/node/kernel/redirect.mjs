// `node --import redirect.mjs`: whoever imports `@agoric/swing-store` gets the package in the folder $STORE_PACKAGE. With
// $STORE_WRONG there is a mistake in between, made on purpose (see `wrong.mjs`).
//
// Two detours are for the kernel's own tests. Modules whose addresses end with one of $SUITE_HANDLES, a JSON list, get handles of the
// package when they ask better-sqlite3 for one (see `handles.mjs`); with $SUITE_BUNDLES nothing is bundled twice (see `bundling.mjs`).

import { readFileSync } from 'node:fs';
import { register } from 'node:module';
import { pathToFileURL } from 'node:url';

const NAME = '@agoric/swing-store';
const beside = name => new URL(name, import.meta.url).href;
const { STORE_PACKAGE: folder, STORE_WRONG: wrong, SUITE_BUNDLES: bundles, SUITE_HANDLES: handles } = process.env;

/** The package's name for itself, and the place from which it has that name. */
const itself = () => {
  const manifest = pathToFileURL(`${folder}/package.json`);
  return { name: JSON.parse(readFileSync(manifest)).name, at: manifest.href };
};

/** What is imported, which module it is instead, and for whom; that module itself gets what it asks for. */
const detours = [
  wrong && { what: NAME, url: beside('wrong.mjs') },
  handles && { what: 'better-sqlite3', url: beside('handles.mjs'), ends: JSON.parse(handles) },
  bundles && { what: '@endo/bundle-source', url: beside('bundling.mjs') },
].filter(Boolean);

const source = `
  const detours = ${JSON.stringify(detours)};
  const own = ${JSON.stringify(folder && itself())};
  export const resolve = (specifier, context, next) => {
    const { parentURL = '' } = context;
    const detour = detours.find(({ what, url, ends = [''] }) =>
      what === specifier && url !== parentURL && ends.some(end => parentURL.endsWith(end)));
    if (detour) return { url: detour.url, shortCircuit: true };
    if (own && specifier === ${JSON.stringify(NAME)}) return next(own.name, { ...context, parentURL: own.at });
    return next(specifier, context);
  };`;
register(`data:text/javascript,${encodeURIComponent(source)}`);
