import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { Workspace } from './rig.js';

const CLASS = `
import { Parameter, Pipeline, Step, each } from 'run-pipeline';

@Pipeline({ name: 'debugged', project: 'examples', cache: true })
export class Debugged {
  @Parameter() factor = 2;

  @Step({ returns: ['rows'] })
  load(): number[] {
    return [1, 2, 3];
  }

  @Step({ inputs: [each('$<load.rows>')], returns: ['scaled'] })
  scale(row: number): number {
    console.log('scaling', row);
    return row * this.factor;
  }

  @Step({ inputs: ['$<scale.scaled>'], returns: ['sum'] })
  sum(rows: number[]): number {
    debugger;
    return rows.reduce((total, row) => total + row, 0);
  }

  @Step({ inputs: ['$<sum.sum>'] })
  fail(sum: number): number {
    throw new RangeError('sum is ' + sum);
  }

  @Step({ inputs: ['$<fail.result>'] })
  after(value: number): number {
    return value;
  }
}
`;

const FUNCTION = `
import { pipeline, step } from 'run-pipeline';
const load = step({ name: 'load', cache: true }, (size: number) => Array.from({ length: size }, (_, index) => index));
const train = step({ name: 'train', cache: true }, (rows: number[], depth: number) => rows.length * depth);
export const scoring = pipeline({ name: 'scoring', project: 'examples', parameters: { depths: [3, 5] } }, async ({ depths }) => {
  const rows = load(10);
  const scores = depths.map((depth) => train(rows, depth));
  if ((await scores[0]!) > 20) await train(rows, 100);
});
`;

const QUICK = ['--no-wait', '--inspect', '0'];

test('debug executes one step with the inputs and the code of the run, and stores nothing', async () => {
  const workspace = new Workspace({ 'pipe.ts': CLASS });
  await workspace.run(['pipe.ts', '--param', 'factor=5']);
  const before = await workspace.json('show', 'latest');
  workspace.write('pipe.ts', CLASS.replaceAll('factor', 'other').replace('total + row', '0'));

  expect(await workspace.json('debug', 'latest', 'sum', ...QUICK)).toMatchObject({
    step: 'sum',
    status: 'completed',
    artifacts: [{ name: 'sum', preview: '30' }],
  });
  const element = await workspace.run(['debug', 'latest', 'scale[1]', ...QUICK]);
  expect(element).toMatchObject({ code: 0 });
  expect(element.stdout).toContain('scaling 2');
  expect(element.stdout).toMatch(/scaled .* 10/);
  const failed = await workspace.run(['debug', 'latest', 'fail', ...QUICK]);
  expect(failed.code).toBe(1);
  expect(failed.stdout).toMatch(/✖ fail failed: RangeError: sum is 30\npipe\.ts:\d+:\d+/);

  expect(await workspace.json('show', 'latest')).toEqual(before);
  expect(await workspace.json('runs')).toHaveLength(1);
});

test('a step whose inputs the run does not have is refused', async () => {
  const workspace = new Workspace({ 'pipe.ts': CLASS });
  await workspace.run(['pipe.ts']);
  const { code, stderr } = await workspace.run(['debug', 'latest', 'after', ...QUICK]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/inputs of after cannot be told: fail has no result/);
  expect(await workspace.run(['debug', 'latest', 'sun', ...QUICK])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('did you mean "sum"?') as string,
  });
});

test('a call of a pipeline function is found by what it was, the values it awaited included', async () => {
  const workspace = new Workspace({ 'pipe.ts': FUNCTION });
  expect((await workspace.run(['pipe.ts'])).code).toBe(0);
  for (const [step, preview] of [
    ['train', '30'],
    ['train_1', '50'],
    ['train_2', '1000'],
  ] as const) {
    expect(await workspace.json('debug', 'latest', step, ...QUICK)).toMatchObject({
      status: 'completed',
      artifacts: [{ preview }],
    });
  }
});

test('the process waits for a debugger, which stops in the user’s own file', async () => {
  const workspace = new Workspace({ 'pipe.ts': CLASS });
  await workspace.run(['pipe.ts']);
  const running = workspace.start(['debug', 'latest', 'sum', '--inspect', '0']);
  await running.printed(/Debugger listening on ws:\/\/127\.0\.0\.1:\d+\/\S+/);
  const [, port, path] = /ws:\/\/127\.0\.0\.1:(\d+)(\/\S+)/.exec(running.stderr)!;
  const inspector = await Inspector.attach(Number(port), path!);
  inspector.send('Debugger.enable');
  // First at our own first line, then at the statement in the step. Node forgets that it may go on when that is said
  // before it waits.
  for (let said = 2; !inspector.text.includes('"Debugger.paused"'); said++) {
    inspector.send('Runtime.runIfWaitingForDebugger');
    await inspector.received(new RegExp(`"Debugger\\.paused"|"id":${said},`));
  }
  inspector.send('Debugger.resume');
  await inspector.received(/"Debugger\.paused"[\s\S]*"Debugger\.paused"/);
  expect(inspector.text).toMatch(/"functionName":"sum"/);
  inspector.send('Debugger.resume');
  await running.printed(/Waiting for the debugger to disconnect/);
  inspector.end();
  expect(await running.ended).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('✔ sum completed') as string,
  });
});

/** The least of a WebSocket client that the inspector needs; what it says is only searched, not parsed. */
class Inspector {
  readonly #socket: Socket;
  #id = 0;
  text = '';
  #waiting: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (data) => {
      this.text += data.toString('latin1');
      for (const look of this.#waiting) look();
    });
  }

  static async attach(port: number, path: string): Promise<Inspector> {
    const socket = connect(port, '127.0.0.1');
    const inspector = new Inspector(socket);
    const key = randomBytes(16).toString('base64');
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
    );
    await inspector.received(/101 Switching Protocols/);
    return inspector;
  }

  send(method: string): void {
    const payload = Buffer.from(JSON.stringify({ id: ++this.#id, method }));
    const mask = randomBytes(4);
    const masked = payload.map((byte, index) => byte ^ mask[index % 4]!);
    this.#socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | payload.length]), mask, masked]));
  }

  received(pattern: RegExp): Promise<void> {
    return new Promise((done) => {
      const look = (): void => {
        if (pattern.test(this.text)) done();
      };
      this.#waiting.push(look);
      look();
    });
  }

  end(): void {
    this.#socket.end();
  }
}
