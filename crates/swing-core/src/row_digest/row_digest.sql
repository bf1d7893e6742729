-- A digest of the rows of some tables, kept up with every commit by implementations that know of it. It is outside
-- consensus, and nothing exports it.
--   rowDigests      one row for each table that is digested, in the order of `id`.
--     tableName     the table.
--     rowCount      how many rows it has.
--     lanes         the sum over them: 1024 numbers of 16 bits, little-endian.
--   rowDigestState  one row.
--     version       of this form.
--     kept          1 while the digests are those of the rows. Writers that do not know of them make it 0 without
--                   knowing: by the triggers named rowDigest_..., which those that keep the digests do not run.
--     witness       which commit the digests are of, in words.
CREATE TABLE IF NOT EXISTS rowDigests (
  id INTEGER PRIMARY KEY,
  tableName TEXT,
  rowCount INTEGER,
  lanes BLOB
);
CREATE TABLE IF NOT EXISTS rowDigestState (
  version INTEGER,
  kept INTEGER,
  witness TEXT
);
