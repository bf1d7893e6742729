-- Heap snapshots of vats. The columns, constraints and their order are those of the other implementations of the store.
-- Comments stay out of the statement, because SQLite keeps its text in every file.
--
-- vatID: whose heap.
-- snapPos: the position of the transcript item that saved it.
-- inUse: NULL: not in use. Never 0, or UNIQUE would allow one unused snapshot per vat.
-- hash: SHA-256 of the raw bytes, in hex; consensus has seen it.
-- uncompressedSize: of the raw bytes; NULL: this store never had them.
-- compressedSize: of the gzip below, also after that is dropped.
-- compressedSnapshot: any gzip of the raw bytes; NULL: dropped, or not imported yet.
CREATE TABLE IF NOT EXISTS snapshots (
  vatID TEXT,
  snapPos INTEGER,
  inUse INTEGER CHECK(inUse = 1),
  hash TEXT,
  uncompressedSize INTEGER,
  compressedSize INTEGER,
  compressedSnapshot BLOB,
  PRIMARY KEY (vatID, snapPos),
  UNIQUE (vatID, inUse)
);
