import { constants, existsSync } from 'node:fs';
import { access, readdir, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isRunPipelineError } from '@run-pipeline/core/model';
import type { ProjectPaths } from '../../project/project.js';
import type { Finding } from '../../doctor/index.js';
import { asTyped } from '../../project/as-typed.js';
import { resolvePaths } from '../../project/paths.js';
import { readSigner, readTrust } from '../../signing/index.js';
import { readSettings } from '../../engine/open-project.js';
import { MIGRATIONS as POSTGRES_MIGRATIONS } from '../../store/postgres/schema.js';
import { MIGRATIONS } from '../../store/schema.js';
import { printableWord } from '../../terminal/sanitise.js';
import { count, formatBytes } from '../../terminal/units.js';
import { printJson, printLines, type Context } from '../context.js';
import { openExisting } from '../project-access.js';
import { runName, shownStatus } from '../select-run.js';
import { VERSION } from '../version.js';

const LOW_SPACE = 1024 ** 3;
const VERY_LOW_SPACE = 100 * 1024 ** 2;
const DAY_MS = 86_400_000;

/** `run-pipeline doctor`: looks, changes nothing. Exit code 4 when something will not work. */
export async function doctorCommand(context: Context): Promise<number> {
  const paths = resolvePaths(context);
  const findings = [
    nodeVersion(),
    { check: 'run-pipeline', status: 'ok', message: VERSION } satisfies Finding,
    await bundler(),
    await diskSpace(paths),
    ...(await services(context, paths)),
    await leftovers(paths),
  ];
  const failed = findings.some((finding) => finding.status === 'error');
  if (context.json) printJson(context, { ok: !failed, home: paths.home, findings });
  else
    printLines(
      context.out,
      findings.flatMap((finding) => lines(context, finding)),
    );
  return failed ? 4 : 0;
}

function lines(context: Context, finding: Finding): readonly string[] {
  const { style } = context;
  const symbol = { ok: style.good('✔'), warning: style.warn('▲'), error: style.bad('✖') }[finding.status];
  const line = `${symbol} ${style.bold(finding.check)} ${printableWord(asTyped(finding.message))}`;
  return finding.help === undefined
    ? [line]
    : [line, `  ${style.info('→')} ${printableWord(asTyped(finding.help))}`];
}

function nodeVersion(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const enough = major > 20 || (major === 20 && minor >= 19);
  const message = `${process.version} on ${process.platform} ${process.arch}`;
  return enough
    ? { check: 'node', status: 'ok', message }
    : {
        check: 'node',
        status: 'error',
        message: `${message} is too old`,
        help: 'install Node 20.19 or newer',
      };
}

async function bundler(): Promise<Finding> {
  try {
    const esbuild = await import('esbuild');
    const { code } = await esbuild.transform('const answer: number = 42', { loader: 'ts' });
    await esbuild.stop();
    if (!code.includes('answer = 42')) throw new Error('it gave a wrong answer');
    return { check: 'esbuild', status: 'ok', message: esbuild.version };
  } catch (error) {
    const message = `does not work: ${(error as Error).message.split('\n')[0]}`;
    return {
      check: 'esbuild',
      status: 'error',
      message,
      help: 'its binary is an optional dependency: npm install --include=optional',
    };
  }
}

async function diskSpace(paths: ProjectPaths): Promise<Finding> {
  const place = firstExisting(paths.home);
  const { bavail, bsize } = await statfs(place);
  const free = bavail * bsize;
  const message = `${formatBytes(free)} free for ${paths.home}`;
  const help = 'run-pipeline gc --max-age 30d frees what is old';
  if (free < VERY_LOW_SPACE) return { check: 'disk', status: 'error', message, help };
  return free < LOW_SPACE
    ? { check: 'disk', status: 'warning', message, help }
    : { check: 'disk', status: 'ok', message };
}

function firstExisting(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : firstExisting(dirname(path));
}

/** What the settings name, before anything of it is opened: what does not answer is not waited for twice. */
async function services(context: Context, paths: ProjectPaths): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  try {
    const settings = await readSettings(paths, context.env);
    const { checkServices } = await import('../../doctor/index.js');
    findings.push(...(await checkServices(settings, context)));
  } catch (error) {
    return [failure('settings', error)];
  }
  findings.push(...signing(context));
  return findings.some(({ status }) => status === 'error')
    ? findings
    : [...findings, ...(await store(context, paths))];
}

function signing({ env }: Context): readonly Finding[] {
  try {
    const [signer, trust] = [readSigner(env), readTrust(env)];
    return [
      ...(signer === undefined
        ? []
        : [
            {
              check: 'signing',
              status: 'ok',
              message: `packages are signed by ${signer.publicKey}`,
            } as const,
          ]),
      ...(trust === undefined
        ? []
        : [
            {
              check: 'signatures',
              status: 'ok',
              message: `required: ${count(trust.keys.length, 'key')} trusted`,
            } as const,
          ]),
    ];
  } catch (error) {
    return [failure('signing', error)];
  }
}

function failure(check: string, error: unknown): Finding {
  if (!isRunPipelineError(error)) throw error;
  const { message, help } = error;
  return { check, status: 'error', message, ...(help === undefined ? {} : { help }) };
}

async function store(context: Context, paths: ProjectPaths): Promise<readonly Finding[]> {
  try {
    const project = await openExisting(context);
    if (project === undefined) {
      return [await canBeMade(paths)];
    }
    try {
      const runs = await project.store.findRuns({});
      // One that opens has been brought to this version.
      const { place, version } = await opened(context, paths);
      const lost = runs.filter((row) => shownStatus(row) === 'lost');
      const findings: Finding[] = [
        {
          check: 'store',
          status: 'ok',
          message: `${place} opens, version ${version}, ${count(runs.length, 'run')}`,
        },
      ];
      for (const row of lost.slice(0, 5)) {
        findings.push({
          check: 'run',
          status: 'warning',
          message: `${runName(row)} is lost: its process is gone`,
          help: `run-pipeline resume ${row.id} continues it`,
        });
      }
      if (lost.length > 5)
        findings.push({ check: 'run', status: 'warning', message: `${lost.length - 5} more runs are lost` });
      return findings;
    } finally {
      await project.close();
    }
  } catch (error) {
    return [failure('store', error)];
  }
}

async function opened(
  context: Context,
  paths: ProjectPaths,
): Promise<{ readonly place: string; readonly version: number }> {
  const { store: setting } = await readSettings(paths, context.env);
  switch (setting.driver) {
    case 'sqlite':
      return { place: paths.home, version: MIGRATIONS.length };
    case 'postgres':
      return { place: setting.url.toString(), version: POSTGRES_MIGRATIONS.length };
    default:
      return setting satisfies never;
  }
}

async function canBeMade(paths: ProjectPaths): Promise<Finding> {
  try {
    const place = firstExisting(paths.home);
    await access(place, constants.W_OK);
    if (!(await stat(place)).isDirectory()) throw new Error(`${place} is a file`);
    return { check: 'store', status: 'ok', message: `none yet; the first run makes it in ${paths.home}` };
  } catch {
    return {
      check: 'store',
      status: 'error',
      message: `${paths.home} cannot be written`,
      help: 'make it writable, or set RUN_PIPELINE_HOME to a directory that is',
    };
  }
}

/** What processes that were killed left in `tmp`. */
async function leftovers(paths: ProjectPaths): Promise<Finding> {
  const directory = join(paths.home, 'tmp');
  const names = await readdir(directory).catch(() => []);
  let old = 0;
  for (const name of names) {
    const found = await stat(join(directory, name)).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > DAY_MS) old += 1;
  }
  if (old === 0) return { check: 'leftovers', status: 'ok', message: 'none' };
  return {
    check: 'leftovers',
    status: 'warning',
    message: `${count(old, 'file')} of killed processes`,
    help: 'run-pipeline gc removes them',
  };
}
