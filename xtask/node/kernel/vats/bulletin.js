// News by topic: the last of each is stored, and whoever waits for the next is told.

import { Far } from '@endo/far';
import { makePromiseKit } from '@endo/promise-kit';
import { makeScalarBigMapStore } from '@agoric/vat-data';

export const buildRootObject = (_powers, _parameters, baggage) => {
  const board = makeScalarBigMapStore('board', { durable: true });
  baggage.init('board', board);
  const awaited = new Map();

  return Far('bulletin', {
    next: topic => {
      if (!awaited.has(topic)) {
        awaited.set(topic, makePromiseKit());
      }
      return awaited.get(topic).promise;
    },
    pin: (topic, number, text) => {
      const news = harden({ topic, number, text });
      const place = `${topic}/${number % 16}`;
      if (board.has(place)) {
        board.set(place, news);
      } else {
        board.init(place, news);
      }
      awaited.get(topic)?.resolve(news);
      awaited.delete(topic);
    },
  });
};
