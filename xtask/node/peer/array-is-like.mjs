// The reference's tests import one assertion from a folder that its npm package leaves out. This stands in for it.

/** Passes if there are as many things as patterns, and each thing has what its pattern names. */
export const arrayIsLike = (t, things, patterns, message) => {
  t.is(things.length, patterns.length, message);
  for (const [at, pattern] of patterns.entries()) {
    t.like(things[at], pattern, message);
  }
};
