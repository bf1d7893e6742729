-- The kernel's and the host's state: strings under string keys.
--   key    any text; its beginning says whose it is (`local.`, `host.`, or else consensus). BINARY collation: the order
--          of the keys is that of their UTF-8 bytes, which is what getNextKey, exports and hence consensus rely on.
--   value  any text, never NULL although the column would allow it: an absent key has no row.
-- The primary key is an index beside the rowid table. WITHOUT ROWID would spare it, but then other implementations
-- could not share the file.
CREATE TABLE IF NOT EXISTS kvStore (
  key TEXT,
  value TEXT,
  PRIMARY KEY (key)
);
