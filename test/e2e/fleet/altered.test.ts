import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { query, runPipeline, watchRun } from '../../rig/command.js';
import { startPostgres, withoutPostgres, type PostgresServer } from '../../rig/postgres.js';
import { scratch } from '../../rig/scratch.js';

const missing = withoutPostgres();
if (missing !== undefined) console.warn(`NOT TESTED: rows that somebody else has altered: ${missing}`);

const PIPELINE = `
import { Pipeline, Step } from 'run-pipeline';
@Pipeline({ name: 'altered', project: 'p', cache: true }) export class Altered {
  @Step() one() { return 'one'; }
  @Step({ inputs: ['$<one.result>'] }) two(text: string) { return { text, length: text.length }; }
}
`;
const RESULT = { text: 'one', length: 3 };

/** Whoever may write to Postgres may forge results; what is cut or half changed must not be taken for one. */
describe.skipIf(missing !== undefined)('rows that somebody else has altered', () => {
  let postgres: PostgresServer;
  beforeAll(async () => {
    postgres = await startPostgres();
  }, 120_000);
  afterAll(() => postgres?.dispose());

  async function project() {
    const { directory: cwd } = scratch({ 'pipe.ts': PIPELINE });
    const url = postgres.fresh();
    const schema = new URL(url).searchParams.get('schema')!;
    const options = { cwd, env: { RUN_PIPELINE_STORE: url } };
    const first = await watchRun(['pipe.ts'], options);
    expect(first.by).toEqual({ completed: ['one', 'two'] });
    return {
      run: () => watchRun(['pipe.ts'], options),
      get: (step: string) => query(['get', 'latest', step], options),
      ask: (...words: readonly string[]) => runPipeline(words, options),
      sql: (text: string) => postgres.query(text.replaceAll('SCHEMA', schema)),
      alter: (table: string, change: string) => postgres.query(`UPDATE ${schema}.${table} SET ${change}`),
    };
  }

  test('an entry of the cache that is cut, or no list of artifacts, is none: steps are executed, and replace it', async () => {
    const it = await project();
    for (const artifacts of [
      '[{',
      '{}',
      '[null]',
      '[{"name":"result","hash":"../../etc/passwd","size":1}]',
    ]) {
      await it.alter('cache_entries', `artifacts = '${artifacts}'`);
      expect([artifacts, (await it.run()).by]).toEqual([artifacts, { completed: ['one', 'two'] }]);
    }
    expect((await it.run()).by).toEqual({ cached: ['one', 'two'] });
    expect(await it.get('two')).toEqual(RESULT);
  });

  test('a small value that was changed is no hit: its step is executed, and what it returns is kept anew', async () => {
    const it = await project();
    await it.alter('blobs', `bytes = convert_to(replace(convert_from(bytes, 'UTF8'), 'one', 'two'), 'UTF8')`);
    expect((await it.ask('get', 'latest', 'two')).stderr).toMatch(/is damaged: its bytes do not match/);
    expect((await it.run()).by).toEqual({ completed: ['one', 'two'] });
    expect(await it.get('two')).toEqual(RESULT);
    expect((await it.run()).by).toEqual({ cached: ['one', 'two'] });
  });

  test('tables that are gone, or are there without their version, are told', async () => {
    const it = await project();
    const told = expect.stringMatching(
      /✖ the tables of the store .* are not as run-pipeline made them .*\n→ .*backup/,
    );
    await it.sql('UPDATE SCHEMA.meta SET run_pipeline_version = 0');
    expect(await it.ask('runs')).toMatchObject({ code: 4, stderr: told });
    await it.sql('UPDATE SCHEMA.meta SET run_pipeline_version = 1');
    await it.sql('DROP TABLE SCHEMA.events CASCADE');
    for (const words of [['show', 'latest'], ['pipe.ts']]) {
      const { code, stdout, stderr } = await it.ask(...words);
      expect([words, code, stdout + stderr]).toEqual([words, 4, told]);
    }
    await it.sql('UPDATE SCHEMA.meta SET run_pipeline_version = 99');
    expect((await it.ask('runs')).stderr).toMatch(
      /written by a newer run-pipeline \(store version 99; .*\n→ Nothing was changed/,
    );
  });

  test('what cannot be read is said to be damaged, by every question', async () => {
    const it = await project();
    await it.alter('run_documents', `bytes = '\\x00ff'`);
    expect(await it.ask('rerun', 'latest')).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/✖ what run \w+ was launched with is damaged in the store\n→ Start/),
    });
    await it.alter('events', `body = '{"half'`);
    for (const words of [
      ['show', 'latest'],
      ['logs', 'latest'],
      ['follow', 'latest'],
      ['why', 'latest', 'two'],
    ]) {
      const { code, stdout, stderr } = await it.ask(...words);
      expect([words, code, stdout + stderr]).toEqual([
        words,
        4,
        expect.stringMatching(
          /✖ the store is damaged: an event of a run in it cannot be read .*\n→ .*backup/,
        ),
      ]);
      expect(stdout + stderr).not.toMatch(/unexpected;|    at /);
    }
    // What does not need them works on.
    expect((await it.ask('runs')).code).toBe(0);
    expect((await it.run()).by).toEqual({ cached: ['one', 'two'] });
  });
});
