/**
 * The tables, as a list of migrations: `PRAGMA user_version` counts those applied. A released
 * migration is never edited; a change is a new element.
 *
 * Text is compared byte by byte (SQLite's default BINARY collation): ids never fold case.
 * Times are milliseconds of the store's clock, except `started_at` and `finished_at` of a run, which
 * are the times of its events, as shown.
 *
 * A row in `blobs` says that the content exists: `bytes` holds small values, NULL means that the blob
 * store has them. What keeps a blob alive are rows in `artifacts`, `run_pins`, `entry_pins`,
 * `task_artifacts` and `task_pins`.
 */
export const MIGRATIONS: readonly string[] = [
  `
CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES ('fence', 0);

-- Outlives its runs: numbers are never given twice, even after gc.
CREATE TABLE pipelines (
  n INTEGER PRIMARY KEY, project TEXT NOT NULL, name TEXT NOT NULL,
  last_number INTEGER NOT NULL, last_version INTEGER NOT NULL,
  UNIQUE (project, name)
) STRICT;

-- AUTOINCREMENT: n is the order of creation, also after the newest run was deleted.
CREATE TABLE runs (
  n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
  pipeline INTEGER NOT NULL, number INTEGER NOT NULL, version TEXT NOT NULL,
  source TEXT NOT NULL, parent TEXT,
  created_at INTEGER NOT NULL, started_at TEXT, finished_at TEXT,
  status TEXT NOT NULL, epoch INTEGER NOT NULL, owner TEXT NOT NULL,
  lease_ms INTEGER NOT NULL, lease_until INTEGER NOT NULL,
  last_seq INTEGER NOT NULL, stop_requested TEXT
) STRICT;
CREATE UNIQUE INDEX runs_by_number ON runs (pipeline, number);
-- Those that go on are few among many, and looked for often.
CREATE INDEX runs_open ON runs (n) WHERE status IN ('queued', 'running');

CREATE TABLE events (
  run INTEGER NOT NULL, seq INTEGER NOT NULL, type TEXT NOT NULL, step TEXT, body TEXT NOT NULL,
  PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX events_by_type ON events (run, type, seq);
CREATE INDEX events_by_step ON events (run, step, type, seq);

CREATE TABLE blobs (hash TEXT PRIMARY KEY, size INTEGER NOT NULL, bytes BLOB) STRICT;

-- record is NULL when the step's step.end holds the same one.
CREATE TABLE artifacts (
  run INTEGER NOT NULL, step TEXT NOT NULL, name TEXT NOT NULL, position INTEGER NOT NULL,
  hash TEXT NOT NULL, record TEXT,
  PRIMARY KEY (run, step, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX artifacts_by_hash ON artifacts (hash);

CREATE TABLE run_pins (run INTEGER NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (run, hash)) STRICT, WITHOUT ROWID;
CREATE INDEX run_pins_by_hash ON run_pins (hash);

CREATE TABLE run_documents (run INTEGER NOT NULL, name TEXT NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (run, name)) STRICT;

-- The state of execution of every task. A step that its run executes itself has NULL from kind on,
-- but for its times. run and step are NULL of a task of its own; of a run's controller step is.
-- place is the order of arrival in queues, first_attempt the one of the last enqueueing; lost lists
-- attempts that were lost or handed back; outputs counts the rows of the latest attempt's output.
CREATE TABLE tasks (
  id TEXT PRIMARY KEY, run INTEGER, step TEXT, attempt INTEGER NOT NULL,
  fence INTEGER NOT NULL, epoch INTEGER NOT NULL, status TEXT NOT NULL, executor TEXT,
  lease_until INTEGER NOT NULL, error TEXT, started_at INTEGER, finished_at INTEGER,
  kind TEXT, queue TEXT, priority INTEGER, place INTEGER, queued_at INTEGER, agent TEXT, identity TEXT,
  first_attempt INTEGER, lost TEXT, stop TEXT, outputs INTEGER
) STRICT;
CREATE INDEX tasks_by_run ON tasks (run, status);
-- Partial: steps that their run executes itself are in none of them.
CREATE INDEX tasks_waiting ON tasks (queue, priority DESC, place) WHERE status = 'queued';
CREATE INDEX tasks_held ON tasks (queue) WHERE status = 'running' AND kind IS NOT NULL;

-- What a record adds to a task. n is the order of creation.
CREATE TABLE task_records (
  n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
  project TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, tags TEXT NOT NULL, comment TEXT NOT NULL,
  parent TEXT, script TEXT, parameters TEXT NOT NULL, configurations TEXT NOT NULL, progress REAL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX task_records_by_name ON task_records (project, name);

-- 'spec': what to execute; 'ending': what the latest attempt left beside its artifacts. Apart from
-- tasks, so that a heartbeat rewrites a short row.
CREATE TABLE task_documents (task TEXT NOT NULL, name TEXT NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (task, name)) STRICT;
CREATE TABLE task_output (
  task TEXT NOT NULL, attempt INTEGER NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (task, attempt, seq)
) STRICT, WITHOUT ROWID;
-- Of the latest attempt.
CREATE TABLE task_artifacts (
  task TEXT NOT NULL, name TEXT NOT NULL, position INTEGER NOT NULL, hash TEXT NOT NULL, record TEXT NOT NULL,
  PRIMARY KEY (task, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE task_pins (task TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (task, hash)) STRICT, WITHOUT ROWID;

CREATE TABLE agents (
  id TEXT PRIMARY KEY, identity TEXT NOT NULL, queues TEXT NOT NULL, concurrency INTEGER NOT NULL,
  version TEXT NOT NULL, running TEXT NOT NULL, draining INTEGER NOT NULL, lease_ms INTEGER NOT NULL,
  lease_until INTEGER NOT NULL, started_at INTEGER NOT NULL, seen_at INTEGER NOT NULL
) STRICT;
-- taken: the fence of the job that was last taken from it, 0 when none was.
CREATE TABLE queues (name TEXT PRIMARY KEY, created INTEGER NOT NULL, taken INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- run is the id of the run that executed it; the entry outlives that run.
CREATE TABLE cache_entries (
  n INTEGER PRIMARY KEY AUTOINCREMENT, fingerprint TEXT NOT NULL UNIQUE,
  project TEXT NOT NULL, pipeline TEXT NOT NULL, step TEXT NOT NULL,
  run TEXT NOT NULL, task TEXT NOT NULL, artifacts TEXT NOT NULL, reports TEXT NOT NULL,
  duration_ms REAL NOT NULL, created_at INTEGER NOT NULL, last_used_at INTEGER NOT NULL
) STRICT;
CREATE INDEX cache_entries_by_step ON cache_entries (project, pipeline, step, created_at);
CREATE TABLE entry_pins (entry INTEGER NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (entry, hash)) STRICT, WITHOUT ROWID;
CREATE INDEX entry_pins_by_hash ON entry_pins (hash);

-- Single flight.
CREATE TABLE flights (
  fingerprint TEXT PRIMARY KEY, run TEXT NOT NULL, step TEXT NOT NULL, owner TEXT NOT NULL, lease_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX flights_by_run ON flights (run);

-- What fingerprints were made of, once a fingerprint. A long list of dependencies is shared by many:
-- it is in shared_parts, and belongs into parts at shared_at.
CREATE TABLE preimages (
  n INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE, parts TEXT NOT NULL, shared TEXT, shared_at INTEGER NOT NULL
) STRICT;
CREATE TABLE shared_parts (hash TEXT PRIMARY KEY, parts TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE step_preimages (
  pipeline INTEGER NOT NULL, step TEXT NOT NULL, run INTEGER NOT NULL, preimage INTEGER NOT NULL,
  PRIMARY KEY (pipeline, step, run)
) STRICT, WITHOUT ROWID;
`,
  `
-- What a job needs: JSON with its keys in order, so that equal needs are equal texts.
ALTER TABLE tasks ADD COLUMN resources TEXT NOT NULL DEFAULT '{}';
-- By kind and needs first: of ten thousand that an agent cannot take, it looks at one.
DROP INDEX tasks_waiting;
CREATE INDEX tasks_waiting ON tasks (queue, kind, resources, priority DESC, place) WHERE status = 'queued';

ALTER TABLE agents ADD COLUMN resources TEXT NOT NULL DEFAULT '{}';

-- NULL: not limited. begun counts what was begun while there was a rate.
ALTER TABLE queues ADD COLUMN concurrency INTEGER;
ALTER TABLE queues ADD COLUMN rate_max INTEGER;
ALTER TABLE queues ADD COLUMN rate_per_ms INTEGER;
ALTER TABLE queues ADD COLUMN begun INTEGER NOT NULL DEFAULT 0;
-- When the latest rate_max jobs of a queue with a rate were begun: n is what begun was then.
CREATE TABLE queue_begun (queue TEXT NOT NULL, n INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (queue, n)) STRICT, WITHOUT ROWID;
`,
];

/** "RPst": tells our files from other SQLite databases. */
export const APPLICATION_ID = 0x52507374;
