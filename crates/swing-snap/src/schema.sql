-- Heap snapshots of vats. The columns, constraints and their order are those of the other implementations of the store.
CREATE TABLE IF NOT EXISTS snapshots (
  vatID TEXT,                       -- whose heap
  snapPos INTEGER,                  -- the position of the transcript item that saved it
  inUse INTEGER CHECK(inUse = 1),   -- NULL: not in use. Never 0, or UNIQUE would allow one unused snapshot per vat
  hash TEXT,                        -- SHA-256 of the raw bytes, in hex; consensus has seen it
  uncompressedSize INTEGER,         -- of the raw bytes; NULL: this store never had them
  compressedSize INTEGER,           -- of the gzip below, also after it is dropped
  compressedSnapshot BLOB,          -- any gzip of the raw bytes; NULL: dropped, or not imported yet
  PRIMARY KEY (vatID, snapPos),
  UNIQUE (vatID, inUse)
);
