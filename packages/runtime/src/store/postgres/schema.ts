/**
 * The tables of the Postgres store, as a list of migrations: `meta` counts those applied. A released
 * migration is never edited; a change is a new element. They mean what those of SQLite mean
 * (`../schema.ts`), and have the same names.
 *
 * Texts are compared byte by byte (`COLLATE "C"`): ids never fold case, whatever the database's locale.
 * JSON is `text`: `jsonb` would reorder keys and refuse \u0000. Times are milliseconds of the store's
 * clock, except `started_at` and `finished_at` of a run, which are the times of its events, as shown.
 *
 * A row in `blobs` says that the content exists: `bytes` holds small values, NULL means that the blob
 * store has them. What keeps a blob alive are rows in `artifacts`, `run_pins`, `entry_pins`,
 * `task_artifacts` and `task_pins`. There are no foreign keys: they would lock what they refer to.
 */
export const MIGRATIONS: readonly string[] = [
  columns(`
CREATE TABLE secrets (name TEXT PRIMARY KEY, value bytea NOT NULL);
CREATE SEQUENCE fences;

-- The number of the last transaction of each connection: tells after a lost connection whether its
-- COMMIT took place, and changes whenever anybody committed. '' sums up those that are gone.
CREATE TABLE writers (id TEXT PRIMARY KEY, last bigint NOT NULL, seen_at bigint NOT NULL) WITH (fillfactor = 20);

-- Outlives its runs: numbers are never given twice, even after gc.
CREATE TABLE pipelines (
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, project TEXT NOT NULL, name TEXT NOT NULL,
  last_number integer NOT NULL, last_version bigint NOT NULL,
  UNIQUE (project, name)
);

-- n is the order of creation. Rewritten with each commit: room on the page keeps its indexes as they are.
CREATE TABLE runs (
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id TEXT NOT NULL UNIQUE,
  pipeline bigint NOT NULL, number integer NOT NULL, version TEXT NOT NULL,
  source TEXT NOT NULL, parent TEXT,
  created_at bigint NOT NULL, started_at TEXT, finished_at TEXT,
  status TEXT NOT NULL, epoch integer NOT NULL, owner TEXT NOT NULL,
  lease_ms bigint NOT NULL, lease_until bigint NOT NULL,
  last_seq bigint NOT NULL, stop_requested TEXT
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX runs_by_number ON runs (pipeline, number);
-- Those that go on are few among many, and looked for often.
CREATE INDEX runs_open ON runs (n) WHERE status IN ('queued', 'running');

CREATE TABLE events (
  run bigint NOT NULL, seq bigint NOT NULL, type TEXT NOT NULL, step TEXT, body TEXT NOT NULL,
  PRIMARY KEY (run, seq)
);
CREATE INDEX events_by_type ON events (run, type, seq);
CREATE INDEX events_by_step ON events (run, step, type, seq);

CREATE TABLE blobs (hash TEXT PRIMARY KEY, size bigint NOT NULL, bytes bytea);

-- record is NULL when the step's step.end holds the same one.
CREATE TABLE artifacts (
  run bigint NOT NULL, step TEXT NOT NULL, name TEXT NOT NULL, position integer NOT NULL,
  hash TEXT NOT NULL, record TEXT,
  PRIMARY KEY (run, step, name)
);
CREATE INDEX artifacts_by_hash ON artifacts (hash);

CREATE TABLE run_pins (run bigint NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (run, hash));
CREATE INDEX run_pins_by_hash ON run_pins (hash);

CREATE TABLE run_documents (run bigint NOT NULL, name TEXT NOT NULL, bytes bytea NOT NULL, PRIMARY KEY (run, name));

-- The state of execution of every task. A step that its run executes itself has NULL from kind on,
-- but for its times. run and step are NULL of a task of its own; of a run's controller step is.
-- place is the order of arrival in queues, first_attempt the one of the last enqueueing; lost lists
-- attempts that were lost or handed back; outputs counts the rows of the latest attempt's output; resources
-- is JSON with its keys in order, so that equal needs are equal texts.
CREATE TABLE tasks (
  id TEXT PRIMARY KEY, run bigint, step TEXT, attempt integer NOT NULL,
  fence bigint NOT NULL, epoch integer NOT NULL, status TEXT NOT NULL, executor TEXT,
  lease_until bigint NOT NULL, error TEXT, started_at bigint, finished_at bigint,
  kind TEXT, queue TEXT, priority integer, place bigint, queued_at bigint, agent TEXT, identity TEXT,
  first_attempt integer, lost TEXT, stop TEXT, outputs integer, resources TEXT NOT NULL DEFAULT '{}'
) WITH (fillfactor = 70);
CREATE INDEX tasks_by_run ON tasks (run, status);
-- Partial: steps that their run executes itself are in none of them.
-- By kind and needs first: of ten thousand that an agent cannot take, it looks at one.
CREATE INDEX tasks_waiting ON tasks (queue, kind, resources, priority DESC, place) WHERE status = 'queued';
CREATE INDEX tasks_held ON tasks (queue) WHERE status = 'running' AND kind IS NOT NULL;

-- What a record adds to a task. n is the order of creation.
CREATE TABLE task_records (
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id TEXT NOT NULL UNIQUE,
  project TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, tags TEXT NOT NULL, comment TEXT NOT NULL,
  parent TEXT, script TEXT, parameters TEXT NOT NULL, configurations TEXT NOT NULL, progress double precision,
  created_at bigint NOT NULL
);
CREATE INDEX task_records_by_name ON task_records (project, name);

-- 'spec': what to execute; 'ending': what the latest attempt left beside its artifacts. Apart from
-- tasks, so that a heartbeat rewrites a short row.
CREATE TABLE task_documents (task TEXT NOT NULL, name TEXT NOT NULL, bytes bytea NOT NULL, PRIMARY KEY (task, name));
CREATE TABLE task_output (
  task TEXT NOT NULL, attempt integer NOT NULL, seq integer NOT NULL, at bigint NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (task, attempt, seq)
);
-- Of the latest attempt.
CREATE TABLE task_artifacts (
  task TEXT NOT NULL, name TEXT NOT NULL, position integer NOT NULL, hash TEXT NOT NULL, record TEXT NOT NULL,
  PRIMARY KEY (task, name)
);
CREATE INDEX task_artifacts_by_hash ON task_artifacts (hash);
CREATE TABLE task_pins (task TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (task, hash));
CREATE INDEX task_pins_by_hash ON task_pins (hash);

CREATE TABLE agents (
  id TEXT PRIMARY KEY, identity TEXT NOT NULL, queues TEXT NOT NULL, concurrency integer NOT NULL,
  version TEXT NOT NULL, running TEXT NOT NULL, draining integer NOT NULL, lease_ms bigint NOT NULL,
  lease_until bigint NOT NULL, started_at bigint NOT NULL, seen_at bigint NOT NULL,
  resources TEXT NOT NULL DEFAULT '{}'
) WITH (fillfactor = 50);
-- taken: the fence of the job that was last taken from it, 0 when none was. Limits are NULL where there
-- are none. begun counts what was begun while there was a rate.
CREATE TABLE queues (
  name TEXT PRIMARY KEY, created integer NOT NULL, taken bigint NOT NULL,
  concurrency integer, rate_max integer, rate_per_ms bigint, begun bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
-- When the latest rate_max jobs of a queue with a rate were begun: n is what begun was then.
CREATE TABLE queue_begun (queue TEXT NOT NULL, n bigint NOT NULL, at bigint NOT NULL, PRIMARY KEY (queue, n));

-- run is the id of the run that executed it; the entry outlives that run.
CREATE TABLE cache_entries (
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE,
  project TEXT NOT NULL, pipeline TEXT NOT NULL, step TEXT NOT NULL,
  run TEXT NOT NULL, task TEXT NOT NULL, artifacts TEXT NOT NULL, reports TEXT NOT NULL,
  duration_ms double precision NOT NULL, created_at bigint NOT NULL, last_used_at bigint NOT NULL
);
CREATE INDEX cache_entries_by_step ON cache_entries (project, pipeline, step, created_at);
CREATE INDEX cache_entries_by_task ON cache_entries (task);
CREATE TABLE entry_pins (entry bigint NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (entry, hash));
CREATE INDEX entry_pins_by_hash ON entry_pins (hash);

-- Single flight.
CREATE TABLE flights (
  fingerprint TEXT PRIMARY KEY, run TEXT NOT NULL, step TEXT NOT NULL, owner TEXT NOT NULL, lease_until bigint NOT NULL
);
CREATE INDEX flights_by_run ON flights (run);

-- What fingerprints were made of, once a fingerprint. A long list of dependencies is shared by many:
-- it is in shared_parts, and belongs into parts at shared_at.
CREATE TABLE preimages (
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE, parts TEXT NOT NULL,
  shared TEXT, shared_at integer NOT NULL
);
CREATE TABLE shared_parts (hash TEXT PRIMARY KEY, parts TEXT NOT NULL);
CREATE TABLE step_preimages (
  pipeline bigint NOT NULL, step TEXT NOT NULL, run bigint NOT NULL, preimage bigint NOT NULL,
  PRIMARY KEY (pipeline, step, run)
);
CREATE INDEX step_preimages_by_run ON step_preimages (run);
`),
];

/** Every text column compares bytes. */
function columns(sql: string): string {
  return sql.replace(/\bTEXT\b/g, 'text COLLATE "C"');
}
