import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { scratch } from '../rig/scratch.js';
import { query, runPipeline } from '../rig/command.js';

const GOOD = `
import { Parameter, Pipeline, Step } from 'run-pipeline';
@Pipeline({ name: 'good', cache: true })
export class Good {
  @Parameter({ type: 'integer' }) n = 1;
  @Parameter() flag = false;
  @Parameter({ type: 'date' }) day = new Date(0);
  @Parameter() list = [1];
  @Step({ inputs: ['$<pipeline.n>'] }) step_one(n: number): number { return n; }
}
`;
const step = (body: string): string => `
import { PipelineController } from 'run-pipeline';
import { readFileSync } from 'node:fs';
${body}
export const pipe = new PipelineController({ name: 'pipe' });
`;

const FILES = {
  'good.ts': GOOD,
  'empty.ts': '',
  'no-pipeline.ts': 'export const x = 1;\n',
  'syntax.ts': 'export const x: = 1;\n',
  'throws.ts': 'export const x = 1;\nthrow new Error("at the top");\n',
  'missing-import.ts': `import { x } from './not-there';\n${GOOD.replace('return n;', 'return x(n);')}`,
  'missing-package.ts': `import { x } from 'not-installed';\n${GOOD.replace('return n;', 'return x(n);')}`,
  'binary.ts': '\u0000\u0001\u0002',
  'notes.txt': 'no code',
  'capture.ts': `${step('')}
function add(path: string): void {
  pipe.addFunctionStep({ name: 'read', function: () => readFileSync(path, 'utf8') });
}
add('x');
`,
  'references-pipe.ts': `${step('')}
pipe.addFunctionStep({ name: 'self', function: () => pipe.name });
`,
  'calls-step.ts': `
import { Pipeline, Step } from 'run-pipeline';
@Pipeline({ name: 'calls' })
export class Calls {
  @Step() one(): number { return 1; }
  @Step() two(): number { return this.one() + 1; }
}
`,
  'shared-state.ts': `
import { Pipeline, Step } from 'run-pipeline';
let counter = 0;
@Pipeline({ name: 'shared' })
export class Shared {
  @Step() one(): number { return ++counter; }
  @Step() two(): number { return ++counter; }
}
`,
  'assigns.ts': `
import { Parameter, Pipeline, Step } from 'run-pipeline';
@Pipeline({ name: 'assigns' })
export class Assigns {
  @Parameter() n = 1;
  @Step() one(): void { this.n = 2; }
}
`,
  'option.ts': GOOD.replace('cache: true', 'cahce: true'),
  'option-type.ts': GOOD.replace('cache: true', "timeout: 'soon'"),
};

const CASES: readonly (readonly [args: readonly string[], code: number, message: RegExp])[] = [
  [['missing.ts'], 3, /missing\.ts does not exist/],
  [['empty.ts'], 2, /no pipeline/],
  [['no-pipeline.ts'], 2, /no pipeline/],
  [['syntax.ts'], 3, /syntax\.ts:1:17/],
  [['throws.ts'], 3, /at the top[\s\S]*throws\.ts:2:7/],
  [['missing-import.ts'], 3, /\.\/not-there[\s\S]*missing-import\.ts:1/],
  [['missing-package.ts'], 3, /not-installed[\s\S]*missing-package\.ts:1/],
  [['binary.ts'], 3, /binary\.ts/],
  [['notes.txt'], 3, /notes\.txt[\s\S]*\.ts/],
  [['.'], 3, /is not a file/],
  [['capture.ts'], 3, /`path`[\s\S]*capture\.ts:\d+[\s\S]*capture\.ts:\d+/],
  [['references-pipe.ts'], 3, /`pipe`[\s\S]*references-pipe\.ts:\d+/],
  [['calls-step.ts'], 3, /one[\s\S]*calls-step\.ts:6/],
  [['shared-state.ts'], 3, /`counter`[\s\S]*shared-state\.ts:\d+/],
  [
    ['assigns.ts'],
    3,
    /this\.n[\s\S]*return it instead[\s\S]*assigns\.ts:6|assigns\.ts:6[\s\S]*return it instead/,
  ],
  [['option.ts'], 2, /cahce[\s\S]*cache/],
  [['option-type.ts'], 2, /'10m'.*"timeout", not "soon"/],
  [['good.ts', '--param', 'm=1'], 2, /`?m`?[\s\S]*`?n`?/],
  [['good.ts', '--param', 'n=1.5'], 2, /n[\s\S]*integer/],
  [['good.ts', '--param', 'flag=yes'], 2, /flag[\s\S]*true/],
  [['good.ts', '--param', 'day=2026-02-30'], 2, /day[\s\S]*date/],
  [['good.ts', '--param', 'list={}'], 2, /list[\s\S]*array/],
  [['good.ts', '--param', 'list=[1'], 2, /list[\s\S]*JSON/],
  [['good.ts', '--paramm', 'n=1'], 2, /--paramm[\s\S]*--param/],
  [['good.ts', '--concurrency', 'two'], 2, /concurrency/],
  [['good.ts', 'more.ts'], 2, /more\.ts/],
  [['good.ts#Godo'], 2, /Godo[\s\S]*Good/],
  [['shwo', 'latest'], 2, /shwo[\s\S]*show/],
  [['show'], 2, /RUN/],
  [['show', 'latest'], 2, /no runs/],
  [['get', 'latest'], 2, /STEP/],
  [['plan', 'missing.ts'], 3, /missing\.ts does not exist/],
];

test('bad input is one clear message and its exit code, and nothing is left behind', async () => {
  const project = scratch(FILES);
  const options = { cwd: project.directory };
  const wrong: unknown[] = [];
  const queue = [...CASES];
  const check = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [args, code, message] = next;
      const ended = await runPipeline(args, options);
      const said = `${args.join(' ')}: ${ended.stderr}`;
      // A message, not a stack.
      const stack = /^\s+at .*(node:|dist[\\/])/m.test(said);
      if (ended.code !== code || ended.stdout !== '' || !message.test(said) || stack)
        wrong.push([said, ended.code, code]);
    }
  };
  await Promise.all([check(), check()]);
  expect(wrong).toEqual([]);
  expect(await query(['runs'], options)).toEqual([]);
}, 180_000);

test('an error of the file shows where: a capture and a broken line with a code frame at both places', async () => {
  const project = scratch(FILES);
  const { stderr } = await runPipeline(['capture.ts'], { cwd: project.directory });
  expect(stderr).toMatch(/> 8 │ .*readFileSync\(path/);
  expect(stderr).toMatch(/> 7 │ function add\(path: string\)/);
  const throwing = await runPipeline(['throws.ts'], { cwd: project.directory });
  expect(throwing.stderr).toMatch(/> 2 │ throw new Error\("at the top"\);/);
});

// The owner of all files writes everywhere.
test.skipIf(process.getuid?.() === 0 || process.platform === 'win32')(
  'in a read-only directory the reason is said, with exit code 4',
  async () => {
    const project = scratch({ 'good.ts': GOOD });
    chmodSync(project.directory, 0o555);
    try {
      const { code, stderr } = await runPipeline(['good.ts'], { cwd: project.directory });
      expect(code).toBe(4);
      expect(stderr).toMatch(/permission denied|read-only/);
      expect(existsSync(project.path('.run-pipeline'))).toBe(false);
    } finally {
      chmodSync(project.directory, 0o755);
    }
  },
);

test('where the state cannot be kept, or is not ours, the reason is said with exit code 4', async () => {
  const project = scratch({ 'good.ts': GOOD });
  const options = { cwd: project.directory };
  // A file where a directory has to be: nobody can write there, not even root.
  writeFileSync(project.path('occupied'), '');
  const occupied = await runPipeline(['good.ts'], {
    ...options,
    env: { RUN_PIPELINE_HOME: project.path('occupied/home') },
  });
  expect([occupied.code, occupied.stdout]).toEqual([4, '']);
  expect(occupied.stderr).toMatch(/occupied/);

  mkdirSync(project.path('.run-pipeline'), { recursive: true });
  writeFileSync(
    project.path('.run-pipeline/state.db'),
    'this is no database, whatever its name says\n'.repeat(100),
  );
  const foreign = await runPipeline(['good.ts'], options);
  expect([foreign.code, foreign.stdout]).toEqual([4, '']);
  expect(foreign.stderr).toMatch(/state\.db.*(damaged|no store)/s);

  if (process.platform !== 'linux') return;
  symlinkSync('/proc/self', project.path('unwritable'));
  const unwritable = await runPipeline(['good.ts'], {
    ...options,
    env: { RUN_PIPELINE_HOME: project.path('unwritable/home') },
  });
  expect(unwritable.code).toBe(4);
});
