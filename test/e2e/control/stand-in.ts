import { join } from 'node:path';
import {
  openProject,
  settleController,
  startController,
} from '../../../packages/runtime/src/engine/index.js';
import type { ControllerProcess } from '../../../packages/runtime/src/engine/index.js';
import { processIdentity } from '../../../packages/runtime/src/project/process-identity.js';
import type { Project } from '../../../packages/runtime/src/project/project.js';
import { repository } from '../../rig/scratch.js';
import { userEnvironment } from '../../rig/command.js';

const LEASE_MS = 60_000;

/** What an agent does with controllers, in the test's own process: so that it can stop between any two steps. */
export class StandIn {
  readonly project: Project;
  readonly #env: NodeJS.ProcessEnv;

  constructor(project: Project, env: NodeJS.ProcessEnv) {
    this.project = project;
    this.#env = env;
  }

  static async open(cwd: string, env: Readonly<Record<string, string>> = {}): Promise<StandIn> {
    const project = await openProject({ cwd, env });
    return new StandIn(project, userEnvironment(env));
  }

  async register(queues: readonly string[] = ['services']): Promise<void> {
    await this.project.store.registerAgent({
      id: 'stand-in',
      identity: processIdentity(),
      queues,
      concurrency: 1,
      leaseMs: LEASE_MS,
      version: '0.0.0',
    });
  }

  /** Takes the next controller as soon as there is one. */
  async take(queue = 'services'): Promise<Taken> {
    const { store, cwd } = this.project;
    for (;;) {
      const job = await store.nextQueued({ queues: [queue], order: 'given' });
      const { task, attempt } = job ?? {};
      const claimed =
        task !== undefined &&
        (await store.claimQueued({
          task,
          attempt: attempt!,
          executor: processIdentity(),
          agent: 'stand-in',
          leaseMs: LEASE_MS,
        }));
      if (claimed && claimed.ok) {
        const output: string[] = [];
        const controller = startController({
          task: task!,
          cwd,
          env: this.#env,
          concurrency: undefined,
          graceMs: 1000,
          file: join(repository, 'packages/runtime/dist/controller.js'),
          onOutput: ({ stream, text }) => {
            output.push(text);
            void store.appendTaskOutput({
              task: task!,
              fence: claimed.fence,
              entries: [{ kind: 'log', stream, text }],
            });
          },
        });
        return new Taken({ project: this.project, task: task!, fence: claimed.fence, controller, output });
      }
      await new Promise<void>((resolve) => {
        const unwatch = store.watch(() => (unwatch(), resolve()));
      });
    }
  }
}

export class Taken {
  readonly task;
  readonly controller: ControllerProcess;
  readonly output: readonly string[];
  readonly #project: Project;
  readonly #fence: number;

  constructor(options: {
    readonly project: Project;
    readonly task: Parameters<typeof startController>[0]['task'];
    readonly fence: number;
    readonly controller: ControllerProcess;
    readonly output: readonly string[];
  }) {
    this.#project = options.project;
    this.#fence = options.fence;
    this.task = options.task;
    this.controller = options.controller;
    this.output = options.output;
  }

  async settle(stopped?: string) {
    const end = await this.controller.ended;
    return settleController({ project: this.#project, task: this.task, fence: this.#fence, end, stopped });
  }
}
