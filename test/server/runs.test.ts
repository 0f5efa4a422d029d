import { mkdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { RunEvent } from '@run-pipeline/core/model';
import type { Store } from '@run-pipeline/core/ports';
import { foldEvents, viewFromJson } from '@run-pipeline/core/run-view';
import type { RunList, RunSnapshot } from '@run-pipeline/core/wire';
import { watchRun } from '../rig/command.js';
import { writeRun } from '../rig/page-runs.js';
import { PageServer } from '../rig/page-server.js';
import { scratch, type Scratch } from '../rig/scratch.js';
import { openSqliteStore } from '../rig/engine.js';

async function filled(fill: (store: Store) => Promise<void>): Promise<Scratch> {
  const project = scratch({});
  mkdirSync(project.path('.run-pipeline'));
  const store = await openSqliteStore({ file: project.path('.run-pipeline', 'state.db') });
  await fill(store);
  await store.close();
  return project;
}

const list = (server: PageServer, query: Readonly<Record<string, string>> = {}): Promise<RunList> =>
  server.get(`/api/runs?${new URLSearchParams(query).toString()}`);

/** All pages of a list. */
async function all(server: PageServer, query: Readonly<Record<string, string>>): Promise<RunList['runs']> {
  const runs: RunList['runs'][number][] = [];
  for (let cursor: string | undefined; ;) {
    const page = await list(server, { ...query, ...(cursor === undefined ? {} : { cursor }) });
    runs.push(...page.runs);
    cursor = page.next;
    if (cursor === undefined) return runs;
  }
}

const PIPELINE = {
  'train.ts': `
import { Pipeline, Parameter, Step, currentTask } from 'run-pipeline';

@Pipeline({ name: 'train', project: 'examples', version: '1.2.3' })
export class Train {
  @Parameter() lr = 0.1;

  @Step({ returns: ['rows'] })
  load(): number[] {
    console.log('loading');
    return [1, 2, 3];
  }

  @Step({ inputs: ['$<load.rows>', '$<pipeline.lr>'], returns: ['model'] })
  fit(rows: number[], lr: number): { sum: number } {
    currentTask().logger.reportSingleValue('accuracy', lr * 9);
    currentTask().logger.reportScalar({ title: 'loss', series: 'train', value: 0.5, iteration: 1 });
    if (lr > 1) throw new TypeError('lr is too large\\nsecond line');
    return { sum: rows.length };
  }
}
`,
};

test('no runs at all are an empty list', async () => {
  const server = await PageServer.start({ cwd: scratch({}).directory });
  expect(await list(server)).toEqual({
    runs: [],
    total: 0,
    projects: [],
    names: { parameters: [], metrics: [] },
    problems: [],
  });
});

test('a line of the list says how a real run went, and a snapshot is the fold of its events', async () => {
  const project = scratch(PIPELINE);
  const good = await watchRun(['train.ts'], { cwd: project.directory });
  const bad = await watchRun(['train.ts', '--param', 'lr=2'], { cwd: project.directory });
  const server = await PageServer.start({ cwd: project.directory });
  const { runs, total, projects } = await list(server);
  expect({ total, projects }).toEqual({ total: 2, projects: ['examples'] });
  expect(runs).toEqual([
    {
      id: bad.events[0]!.run,
      pipeline: 'train',
      project: 'examples',
      version: '1.2.3',
      number: 2,
      status: 'failed',
      source: 'train.ts#Train',
      createdAt: expect.any(String),
      startedAt: bad.events[0]!.ts,
      finishedAt: bad.events.at(-1)!.ts,
      durationMs: (bad.events.at(-1) as Extract<RunEvent, { type: 'run.end' }>).durationMs,
      parameters: { lr: 2 },
      counts: {
        created: 0,
        queued: 0,
        running: 0,
        completed: 1,
        failed: 1,
        aborted: 0,
        cached: 0,
        skipped: 0,
      },
      metrics: { accuracy: 18 },
      error: 'fit: lr is too large',
    },
    expect.objectContaining({
      id: good.events[0]!.run,
      status: 'completed',
      parameters: { lr: 0.1 },
      metrics: { accuracy: 0.9 },
    }),
  ]);
  const snapshot = await server.get<RunSnapshot>(`/api/runs/${good.events[0]!.run}`);
  expect(viewFromJson(snapshot.view)).toEqual(foldEvents(good.events));
  expect(snapshot.item).toEqual(runs[1]);
  expect(snapshot.siblings.map(({ number, status }) => [number, status])).toEqual([
    [2, 'failed'],
    [1, 'completed'],
  ]);
  expect(snapshot).not.toHaveProperty('resume');
});

test('pages of the list hold every run once, newest first', async () => {
  const ids: string[] = [];
  const project = await filled(async (store) => {
    for (let i = 0; i < 23; i++)
      ids.unshift(
        await writeRun(store, {
          project: i % 2 === 0 ? 'even' : 'odd',
          steps: [{ name: 'a' }],
          status: 'completed',
        }),
      );
  });
  const server = await PageServer.start({ cwd: project.directory });
  expect((await all(server, { limit: '5' })).map(({ id }) => id)).toEqual(ids);
  const odd = await all(server, { limit: '4', project: 'odd' });
  expect(odd.map(({ id }) => id)).toEqual(ids.filter((_, index) => index % 2 === 1));
  const first = await list(server, { limit: '23' });
  expect(first).not.toHaveProperty('next');
  expect(first).toMatchObject({ total: 23, projects: ['even', 'odd'] });
});

test('the query bar filters by status, names, values and words; what means nothing is told', async () => {
  const project = await filled(async (store) => {
    for (let i = 0; i < 60; i++) {
      await writeRun(store, {
        pipeline: i % 3 === 0 ? 'my pipe' : 'other',
        status: i % 4 === 0 ? 'failed' : 'completed',
        parameters: { lr: i / 100, name: `n${i}`, 'a:b': i },
        steps: [
          {
            name: 'a',
            status: i % 4 === 0 ? 'failed' : 'completed',
            ...(i % 4 === 0 ? { error: { name: 'Error', message: `boom ${i}` } } : {}),
            reports: [{ kind: 'single-value', name: 'accuracy', value: 1 - i / 100 }],
          },
        ],
      });
    }
  });
  const server = await PageServer.start({ cwd: project.directory });
  const count = async (q: string): Promise<number> => (await all(server, { q, limit: '7' })).length;
  expect(await count('')).toBe(60);
  expect(await count('status:failed')).toBe(15);
  expect(await count('status:failed status:completed')).toBe(60);
  expect(await count('status:lost')).toBe(0);
  expect(await count('pipeline:"my pipe"')).toBe(20);
  expect(await count('lr<0.05')).toBe(5);
  expect(await count('lr<=0.05 lr>0.03')).toBe(2);
  expect(await count('accuracy>=0.9 status:failed')).toBe(3);
  expect(await count('name=n7')).toBe(1);
  expect(await count('name!=n7')).toBe(59);
  expect(await count('number>18')).toBe(2 + 22);
  expect(await count('nope=1')).toBe(0);
  expect(await count('"boom 8"')).toBe(1);
  expect(await count('other#3')).toBe(1 + 10);
  expect(await count('source:written.ts')).toBe(60);
  const { problems, runs } = await list(server, { q: 'status:done pipeline:my lr<abc size: nope:x' });
  expect(problems).toEqual([
    'status:done is none of queued, running, completed, failed, aborted, lost',
    'lr<abc compares with no number',
    expect.stringMatching(/^there is no field size: one of status, project/),
    expect.stringMatching(/^there is no field nope/),
  ]);
  expect(runs).toHaveLength(20);
  expect((await list(server)).names).toEqual({ parameters: ['a:b', 'lr', 'name'], metrics: ['accuracy'] });
});

test('names that mean harm are data in lists and snapshots', async () => {
  const names = [
    '__proto__',
    'constructor',
    'score[0]',
    '../x',
    '<script>alert(1)</script>',
    'a/b',
    'ü, "q"',
  ];
  const project = await filled(async (store) => {
    await writeRun(store, {
      pipeline: '<img src=x onerror=alert(1)>',
      project: '__proto__',
      parameters: JSON.parse('{"__proto__": 1, "constructor": "<b>"}') as Record<string, unknown>,
      steps: names.map((name) => ({
        name,
        reports: [{ kind: 'single-value', name: '__proto__', value: 1 }],
        logs: [{ stream: 'stdout', text: `${name}\n` }],
      })),
      status: 'completed',
    });
  });
  const server = await PageServer.start({ cwd: project.directory });
  const { runs, projects } = await list(server);
  expect(projects).toEqual(['__proto__']);
  expect(Object.entries(runs[0]!.parameters)).toEqual([
    ['__proto__', 1],
    ['constructor', '<b>'],
  ]);
  expect(Object.keys(runs[0]!.metrics).sort()).toEqual(names.map((name) => `${name}.__proto__`).sort());
  const { view } = await server.get<RunSnapshot>(`/api/runs/${runs[0]!.id}`);
  expect(view.steps.map(({ name }) => name)).toEqual(names);
  for (const name of names) {
    const path = `/api/runs/${runs[0]!.id}/steps/${encodeURIComponent(name)}`;
    expect(await server.get(`${path}/logs`)).toMatchObject({ lines: [{ text: name }] });
    expect(await server.get(`${path}/inputs`)).toEqual({ inputs: [], consumers: [] });
    expect(await server.get(`${path}/why`)).toMatchObject({ why: ['it has not run before'] });
  }
  for (const name of ['toString', 'valueOf'])
    expect((await server.refused('GET', `/api/runs/${runs[0]!.id}/steps/${name}/inputs`)).code).toBe(
      'unknown-step',
    );
});

test('a long series is thinned out in a snapshot; its last point and everything else stay', async () => {
  let id = '';
  const project = await filled(async (store) => {
    id = await writeRun(store, {
      steps: [
        {
          name: 'a',
          reports: [
            ...Array.from({ length: 5_001 }, (_, iteration) => ({
              kind: 'scalar' as const,
              title: 'loss',
              series: 'train',
              value: iteration,
              iteration,
            })),
            { kind: 'text', text: 'note' },
            { kind: 'scalar', title: 'loss', series: 'test', value: 1, iteration: 0 },
          ],
        },
      ],
      status: 'completed',
    });
  });
  const server = await PageServer.start({ cwd: project.directory });
  const { view } = await server.get<RunSnapshot>(`/api/runs/${id}`);
  const { reports } = view.steps[0]!;
  const train = reports.filter((report) => report.kind === 'scalar' && report.series === 'train');
  expect(train.length).toBeLessThanOrEqual(1_001);
  expect(train.length).toBeGreaterThan(500);
  expect(train[0]).toMatchObject({ iteration: 0 });
  expect(train.at(-1)).toMatchObject({ iteration: 5_000 });
  expect(reports.filter((report) => !train.includes(report))).toHaveLength(2);
});

test('what is shown of a run that ended is kept, and made anew when the run went on', async () => {
  const project = scratch({
    'fail.ts': `
import { existsSync } from 'node:fs';
import { Pipeline, Step } from 'run-pipeline';
@Pipeline({ name: 'fail', project: 'examples' })
export class Fail {
  @Step() a(): number { return 1; }
  @Step({ inputs: ['$<a.result>'] }) b(a: number): number {
    if (!existsSync('go')) throw new Error('not yet');
    return a + 1;
  }
}
`,
  });
  const { events } = await watchRun(['fail.ts'], { cwd: project.directory });
  const run = events[0]!.run;
  const server = await PageServer.start({ cwd: project.directory });
  expect((await list(server)).runs[0]).toMatchObject({
    status: 'failed',
    counts: { completed: 1, failed: 1 },
  });
  project.write({ go: '' });
  await watchRun(['resume', run], { cwd: project.directory });
  expect((await list(server)).runs[0]).toMatchObject({
    status: 'completed',
    counts: { completed: 2, failed: 0 },
  });
  const again = await PageServer.start({ cwd: project.directory });
  const line = (await list(again)).runs[0]!;
  expect(line).toMatchObject({ status: 'completed', counts: { completed: 2, failed: 0 } });
  expect(line).not.toHaveProperty('error');
});
