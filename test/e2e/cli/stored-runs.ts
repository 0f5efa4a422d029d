import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  fingerprint,
  runId,
  stepName,
  type RunEventBody,
  type StoredArtifact,
} from '@run-pipeline/core/model';
import type { PreimagePart, Store } from '@run-pipeline/core/ports';
import type { Workspace } from './rig.js';
import { openSqliteStore, processIdentity } from '../../rig/engine.js';

/** Writes runs straight into a workspace's store, so that queries can be tested on exactly known states. */
export async function storeRuns<T>(
  workspace: Workspace,
  write: (writer: RunWriter) => Promise<T>,
): Promise<T> {
  const home = workspace.path('.run-pipeline');
  for (const directory of ['blobs', 'packages', 'cache', 'tmp'])
    mkdirSync(join(home, directory), { recursive: true });
  const store = await openSqliteStore({ file: join(home, 'state.db') });
  try {
    return await write(new RunWriter(store));
  } finally {
    await store.close();
  }
}

export class RunWriter {
  readonly store: Store;
  readonly #seq = new Map<string, number>();

  constructor(store: Store) {
    this.store = store;
  }

  async create(
    id: string,
    options: { readonly pipeline?: string; readonly project?: string; readonly owner?: 'this' | 'gone' } = {},
  ): Promise<void> {
    const owner = processIdentity();
    await this.store.createRun({
      id: runId(id),
      pipeline: options.pipeline ?? 'iris',
      project: options.project ?? 'examples',
      version: undefined,
      owner: options.owner === 'gone' ? { ...owner, startTime: '1' } : owner,
      leaseMs: 60_000,
      source: 'pipe.ts#IrisPipeline',
    });
  }

  async commit(
    id: string,
    bodies: readonly RunEventBody[],
    more: {
      readonly artifacts?: readonly [step: string, artifact: StoredArtifact][];
      readonly parts?: readonly [step: string, parts: readonly PreimagePart[]][];
    } = {},
  ): Promise<void> {
    const events = bodies.map((body) => {
      const seq = this.#seq.get(id) ?? 0;
      this.#seq.set(id, seq + 1);
      return {
        v: 1 as const,
        seq,
        ts: new Date(Date.UTC(2026, 0, 1) + seq * 1000).toISOString(),
        run: runId(id),
        ...body,
      };
    });
    const result = await this.store.commit({
      run: runId(id),
      epoch: 1,
      events,
      artifacts: (more.artifacts ?? []).map(([step, artifact]) => ({ step: stepName(step), artifact })),
      preimages: (more.parts ?? []).map(([step, parts]) => ({
        step: stepName(step),
        fingerprint: print(step, parts),
        parts,
      })),
    });
    if (!result.ok) throw new Error(result.message);
  }
}

export const print = (step: string, parts: readonly PreimagePart[]) =>
  fingerprint(
    `sha256:${createHash('sha256')
      .update(JSON.stringify([step, parts]))
      .digest('hex')}`,
  );

export const runStart = (
  steps: readonly (readonly [name: string, ...parents: string[]])[],
  parameters: Readonly<Record<string, unknown>> = {},
): RunEventBody => ({
  type: 'run.start',
  pipeline: 'iris',
  project: 'examples',
  version: '1',
  number: 1,
  parameters,
  steps: steps.map(([name, ...parents]) => ({ name: stepName(name), parents: parents.map(stepName) })),
});
