// A vat that does not live long: exports, imports, stores, and leaves in one of several ways.

import { Far } from '@endo/far';
import { makePromiseKit } from '@endo/promise-kit';

export const buildRootObject = (powers, _parameters, baggage) => {
  const luggage = [];
  return Far('guest', {
    greet: () => 'good day',
    give: name => Far(`gift ${name}`, { name: () => name }),
    take: thing => {
      luggage.push(thing);
    },
    settle: things => {
      for (let thing = 0; thing < things; thing += 1) {
        baggage.init(`thing ${thing}`, `number ${thing}, `.repeat(1 + (thing % 11)));
      }
    },
    stay: () => makePromiseKit().promise,
    leave: word => powers.exitVat(word),
    // What was written in the same crank must be gone again.
    storm: word => {
      baggage.init('unsaid', 'this never happened');
      powers.exitVatWithFailure(Error(word));
    },
  });
};
