// A vat of which there are several: works with virtual objects, waits for news, imports and drops what others export.

import { E, Far } from '@endo/far';
import { defineVirtualExoClass, makeScalarBigMapStore, makeScalarBigSetStore } from '@agoric/vat-data';

export const buildRootObject = (_powers, { number, bulletin }, baggage) => {
  const ground = makeScalarBigMapStore('ground', { durable: true });
  const heard = makeScalarBigSetStore('heard', { durable: true });
  baggage.init('ground', ground);
  baggage.init('heard', heard);
  const bench = makeScalarBigMapStore('bench');
  let runs = 0;

  const makeSack = defineVirtualExoClass('sack', undefined, (from, weight) => ({ from, weight }), {
    weigh() {
      return this.state.weight;
    },
  });

  return Far('mill', {
    number: () => number,
    grind: async (voucherP, account, memo) => {
      const voucher = await voucherP;
      const total = await E(account).pay(voucher, memo);
      runs += 1;
      ground.init(`run ${runs}`, harden({ total, memo }));
      if (ground.has(`run ${runs - 60}`)) {
        ground.delete(`run ${runs - 60}`);
      }
      const place = `place ${runs % 12}`;
      const sack = makeSack(account, memo.length);
      if (bench.has(place)) {
        bench.set(place, sack);
      } else {
        bench.init(place, sack);
      }
      return sack.weigh();
    },
    listen: async (topic, times) => {
      for (let heardOf = 0; heardOf < times; heardOf += 1) {
        const news = await E(bulletin).next(topic);
        const mark = `${topic} ${news.number % 9}`;
        if (!heard.has(mark)) {
          heard.add(mark);
        }
      }
    },
    // Imports them, calls each once, and lets them go.
    visit: async guests => {
      const answers = await Promise.all(guests.map(guest => E(guest).greet(number)));
      return answers.join(' ');
    },
  });
};
