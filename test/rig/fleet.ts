import { AgentProcess } from './agents.js';
import { FaultyHttp } from './network/faulty-http.js';
import { Machine } from './network/machine.js';
import { startPostgres, withoutPostgres, type PostgresServer } from './postgres.js';
import { startRedis, withoutRedis, type RedisServer } from './redis.js';
import { startS3, type TestS3 } from './s3-server.js';

type Env = Readonly<Record<string, string | undefined>>;

/** Why no fleet can be brought up here; undefined: it can. With CI=true it is an error instead. */
export const withoutFleet = (): string | undefined => withoutPostgres() ?? withoutRedis();

/** The three services of a fleet, and machines that reach nothing else. */
export class FleetServices {
  readonly postgres: PostgresServer;
  readonly redis: RedisServer;
  /** What machines know as the S3 server. */
  readonly s3: FaultyHttp;
  readonly #s3: TestS3;
  readonly #machines: Machine[] = [];
  readonly #agents: AgentProcess[] = [];
  #used = 0;

  private constructor(postgres: PostgresServer, redis: RedisServer, s3: TestS3, faulty: FaultyHttp) {
    this.postgres = postgres;
    this.redis = redis;
    this.#s3 = s3;
    this.s3 = faulty;
  }

  /** @param options.durable Whether Postgres waits for the disk, as a real one does. */
  static async start(options: { readonly durable?: boolean } = {}): Promise<FleetServices> {
    const [postgres, redis, s3] = await Promise.all([startPostgres(options), startRedis(), startS3()]);
    const services = new FleetServices(
      postgres,
      redis,
      s3,
      await FaultyHttp.before(Number(new URL(s3.url).port)),
    );
    // The SDK reads its settings from the process; this one looks at what runs have left.
    Object.assign(process.env, services.#aws);
    return services;
  }

  get #aws(): Env {
    const { RUN_PIPELINE_BLOBS: _, ...aws } = this.#s3.env();
    return { ...aws, AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${this.s3.port}` };
  }

  /** The settings of a project that nobody has used. */
  settings(): Env {
    this.#used += 1;
    return {
      ...this.#s3.env(`p${this.#used}`),
      ...this.#aws,
      RUN_PIPELINE_STORE: this.postgres.fresh(),
      RUN_PIPELINE_QUEUE: this.redis.url,
    };
  }

  async machine(name: string): Promise<Machine> {
    const ports = [Number(new URL(this.postgres.url).port), this.redis.port, this.s3.port];
    const machine = await Machine.start(name, ports);
    this.#machines.push(machine);
    return machine;
  }

  /** Starts one on a machine, and waits until it takes jobs. */
  async agent(machine: Machine, args: readonly string[], env: Env): Promise<AgentProcess> {
    const agent = new AgentProcess(args, {
      cwd: machine.directory,
      // Without a network npm has what this machine has downloaded before: the project's own packages.
      env: {
        ...env,
        RUN_PIPELINE_HOME: machine.home,
        ...(machine.hasNetwork && { npm_config_offline: 'true' }),
      },
      through: machine.through,
    });
    this.#agents.push(agent);
    await agent.told('agent.start');
    return agent;
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.remove()));
    await Promise.all(this.#machines.map((machine) => machine.remove()));
    await this.s3.close();
    await Promise.all([this.#s3.stop(), this.redis.dispose(), this.postgres.dispose()]);
  }
}
