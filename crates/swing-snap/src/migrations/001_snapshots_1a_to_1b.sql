-- From schema 1A to 1B: without the constraint that a snapshot in use has its bytes, which an import has to break
-- between the records and the artifacts. All rows keep every byte and their rowids.

ALTER TABLE snapshots RENAME TO snapshots_1a;

CREATE TABLE snapshots (
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

INSERT INTO snapshots (rowid, vatID, snapPos, inUse, hash, uncompressedSize, compressedSize, compressedSnapshot)
SELECT rowid, vatID, snapPos, inUse, hash, uncompressedSize, compressedSize, compressedSnapshot
FROM snapshots_1a ORDER BY rowid;

DROP TABLE snapshots_1a;
