import { PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ConsoleStream } from './console-stream.js';
import { createMasker } from './mask.js';
import { useWorkers } from './worker-rig.js';

const rig = await useWorkers();

test('bytes cut anywhere come out as the text of their task', async () => {
  const texts = fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(texts, fc.integer({ min: 1, max: 9 }), async (tasks, step) => {
      const source = new PassThrough();
      const stream = new ConsoleStream(source);
      for (const [index, text] of tasks.entries()) {
        const mark = `\u0000\u001emark-${index}\u001e\u0000`;
        let shown = '';
        const output = stream.begin({ mark, masker: createMasker([]), sink: (part) => void (shown += part) });
        const bytes = Buffer.concat([Buffer.from(text), Buffer.from(mark), Buffer.from('left over')]);
        for (let at = 0; at < bytes.length; at += step) source.write(bytes.subarray(at, at + step));
        await output.finished;
        await turn();
        expect(shown).toBe(Buffer.from(text).toString());
      }
    }),
    { numRuns: 60 },
  );
});

test('the output of tasks on one worker is told apart, native children’s too', async () => {
  const pool = await rig.pool({ size: 1 });
  const request = await rig.request(
    `import { execFileSync } from 'node:child_process';
     import { writeSync } from 'node:fs';
     export default (n) => {
       console.log('task', n);
       execFileSync('sh', ['-c', 'echo child ' + n + '; echo error ' + n + ' >&2'], { stdio: 'inherit' });
       writeSync(1, 'raw ' + n);
     };`,
  );
  for (const n of [1, 2, 3]) {
    const { stdout, stderr } = await rig.execute(pool, {
      ...request,
      arguments: { kind: 'positional', values: [await rig.encoded(n)] },
    });
    expect({ stdout, stderr }).toEqual({ stdout: `task ${n}\nchild ${n}\nraw ${n}`, stderr: `error ${n}\n` });
  }
});

test('a flood of output waits for its reader instead of filling the memory', async () => {
  const pool = await rig.pool();
  const total = 100 * 1024 * 1024;
  const request = await rig.request(
    `export default () => {
       const line = 'y'.repeat(65535) + '\\n';
       for (let sent = 0; sent < ${total}; sent += line.length) process.stdout.write(line);
       return process.memoryUsage.rss();
     };`,
  );
  let length = 0;
  let waiting = 0;
  let mostWaiting = 0;
  const { outcome } = await pool
    .execute({
      request,
      isolation: 'process',
      closureKey: 'closure',
      ownWorker: false,
      signal: new AbortController().signal,
      onStart: async () => {},
      onReport: () => {},
      onLog: async ({ text }) => {
        length += text.length;
        waiting += text.length;
        mostWaiting = Math.max(mostWaiting, waiting);
        await turn();
        waiting -= text.length;
      },
    })
    .then((ended) => ({ outcome: ended }));
  expect(length).toBe(total);
  expect(mostWaiting).toBeLessThan(4 * 1024 * 1024);
  if (outcome.status !== 'completed') throw new Error(JSON.stringify(outcome));
  expect(await rig.decoded(outcome.artifacts[0])).toBeLessThan(200 * 1024 * 1024);
});

test('secrets are masked in console and errors, whatever writes them', async () => {
  const pool = await rig.pool();
  const secret = 'correct horse battery staple';
  const request = await rig.request(
    `import { execFileSync } from 'node:child_process';
     export default async () => {
       const { TOKEN } = process.env;
       for (const part of [TOKEN.slice(0, 9), TOKEN.slice(9)]) {
         process.stdout.write(part);
         await new Promise((resolve) => setTimeout(resolve, 5));
       }
       console.log(Buffer.from('user:' + TOKEN).toString('base64'), encodeURIComponent(TOKEN), JSON.stringify({ TOKEN }));
       execFileSync('sh', ['-c', 'echo "$TOKEN" >&2'], { stdio: 'inherit' });
       throw new Error('refused ' + TOKEN, { cause: new Error(TOKEN) });
     };`,
    { secrets: [secret], env: { TOKEN: secret, PATH: process.env.PATH ?? '' } },
  );
  const { outcome, stdout, stderr } = await rig.execute(pool, request);
  expect(stderr).toBe('***\n');
  expect(stdout).toContain('***');
  const shown = stdout + JSON.stringify({ ...outcome, thrown: undefined });
  for (const form of [
    secret,
    encodeURIComponent(secret),
    Buffer.from(`user:${secret}`).toString('base64').slice(8, -4),
  ]) {
    expect(shown).not.toContain(form);
  }
  expect(outcome).toMatchObject({
    status: 'failed',
    error: { message: 'refused ***', cause: { message: '***' } },
  });
});

test('secrets are masked in an inline step too', async () => {
  const pool = await rig.pool();
  const request = await rig.request(
    `export default async () => {
       process.stdout.write('hunter2');
       await 1;
       process.stdout.write('-hunter2 and ');
       throw new Error('no hunter2-hunter2');
     };`,
    { secrets: ['hunter2-hunter2'] },
  );
  const { outcome, stdout } = await rig.execute(pool, request, { isolation: 'inline' });
  expect(stdout).toBe('*** and ');
  expect(outcome).toMatchObject({ status: 'failed', error: { message: 'no ***' } });
});

test('a step that ends its standard output still ends itself', async () => {
  const pool = await rig.pool();
  const request = await rig.request(
    `export default () => { process.stdout.write('before'); process.stdout.end(); return 1; };`,
  );
  const { outcome, stdout } = await rig.execute(pool, request);
  expect({ status: outcome.status, stdout }).toEqual({ status: 'completed', stdout: 'before' });
});
