// Queries of a tool's own, with the names and answers of better-sqlite3, on which the original's `db` stands.
import { fail, flatten, freeze, harden } from './util.js';

const refuse = what => () =>
  fail(`${what} is not possible here: this object answers queries (prepare, pragma), and a store is changed with its own calls`);

/** A bare object, whose properties are names of parameters. */
const isNamed = value => {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
};

const insistScalar = value => {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  value === null ||
    value === undefined ||
    ['number', 'bigint', 'string'].includes(typeof value) ||
    fail('SQLite3 can only bind numbers, strings, bigints, buffers, and null', 'SWING_ARGUMENT', TypeError);
  return value;
};

/** The value of each parameter: of those without a name in the order given, of others by the properties of one object. */
const bind = (names, args) => {
  const given = [];
  let named;
  for (const arg of args) {
    if (Array.isArray(arg)) {
      for (let at = 0; at < arg.length; at += 1) given.push(arg[at]);
    } else if (isNamed(arg)) {
      named === undefined ||
        fail('You cannot specify named parameters in two different objects', 'SWING_ARGUMENT', TypeError);
      named = arg;
    } else {
      given.push(arg);
    }
  }
  let taken = 0;
  const bound = names.map(name => {
    if (name !== null) {
      named !== undefined || fail('Missing named parameters', 'SWING_ARGUMENT', RangeError);
      Object.hasOwn(named, name) || fail(`Missing named parameter "${name}"`, 'SWING_ARGUMENT', RangeError);
      return insistScalar(named[name]);
    }
    taken += 1;
    taken <= given.length || fail('Too few parameter values were provided', 'SWING_ARGUMENT', RangeError);
    return insistScalar(given[taken - 1]);
  });
  taken === given.length || fail('Too many parameter values were provided', 'SWING_ARGUMENT', RangeError);
  return bound;
};

/** How the values of a row are shown. */
const SHAPES = harden({
  flat: (values, columns) => {
    const row = {};
    for (let at = 0; at < columns.length; at += 1) {
      // One may be called `__proto__`.
      Object.defineProperty(row, columns[at], { value: values[at], writable: true, enumerable: true, configurable: true });
    }
    return row;
  },
  pluck: values => values[0],
  raw: values => values,
});

const makeStatement = (queries, sql) => {
  const names = JSON.parse(queries.parameters(sql));
  let shape = 'flat';

  /** Asks, and answers what tells of the rows, batch by batch. The whole answer is there then. */
  const ask = (args, most) => {
    const { columns, nextRows } = queries.ask(sql, bind(names, args), most);
    columns.length > 0 || fail('This statement does not return data. Use run() instead', 'SWING_ARGUMENT', TypeError);
    const show = SHAPES[shape];
    return () => {
      const flat = nextRows();
      const rows = Array(flat.length / columns.length);
      for (let at = 0; at < rows.length; at += 1) {
        rows[at] = show(flat.slice(at * columns.length, (at + 1) * columns.length), columns);
      }
      return rows;
    };
  };
  const inShape = name => (toggle = true) => {
    if (toggle) shape = name;
    else if (shape === name) shape = 'flat';
    return statement;
  };
  const statement = freeze({
    source: sql,
    reader: true,
    readonly: true,
    pluck: inShape('pluck'),
    raw: inShape('raw'),
    get: (...args) => ask(args, 1)()[0],
    all: (...args) => {
      const next = ask(args);
      const rows = [];
      for (let batch = next(); batch.length > 0; batch = next()) {
        for (let at = 0; at < batch.length; at += 1) rows.push(batch[at]);
      }
      return rows;
    },
    iterate: (...args) => flatten(ask(args)),
    run: () => fail('This statement returns data. Use get(), all(), or iterate() instead', 'SWING_ARGUMENT', TypeError),
  });
  return statement;
};

/** What a tool asks a database with. */
export const queriesOver = ({ queries }) => {
  const prepare = sql => {
    typeof sql === 'string' || fail('Expected first argument to be a string', 'SWING_ARGUMENT', TypeError);
    return makeStatement(queries, sql);
  };
  return {
    prepare,
    pragma: (source, options) => {
      const { simple = false } = options ?? {};
      typeof source === 'string' || fail('Expected first argument to be a string', 'SWING_ARGUMENT', TypeError);
      const statement = prepare(`PRAGMA ${source}`);
      return simple ? statement.pluck().get() : statement.all();
    },
    exec: refuse('exec'),
    transaction: refuse('transaction'),
  };
};
