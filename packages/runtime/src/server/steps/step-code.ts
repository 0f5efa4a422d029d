import { extname } from 'node:path';
import type { RunId } from '@run-pipeline/core/model';
import type { RunRow } from '@run-pipeline/core/ports';
import type { StepCodeView, StepPackages } from '@run-pipeline/core/wire';
import { requireRun } from '../runs/run-snapshot.js';
import type { ServerContext } from '../server-context.js';
import { requireStep } from './require-step.js';
import { codeOf, packageOfStep, type StepPackage } from './step-package.js';

type Piece = StepCodeView['pieces'][number];

/** Earlier runs whose code is compared, until one differs. */
const MOST_BEFORE = 20;

export async function stepCode(context: ServerContext, run: string, step: string): Promise<StepCodeView> {
  const row = await requireRun(context, run);
  const { name, error } = requireStep(await context.views.get(row), step);
  const found = await packageOfStep(context, row.id, name);
  if (found === undefined) return { pieces: [], assets: [] };
  const before = await codeBefore(context, row, name, found);
  return {
    pieces: piecesOf(found, error?.at),
    ...(before === undefined ? {} : { before }),
    assets: found.manifest.assets.map(({ path, size }) => ({ path, size })),
    package: found.hash,
  };
}

/** The same step in the latest earlier run where its code was another. */
async function codeBefore(
  context: ServerContext,
  row: RunRow,
  step: string,
  now: StepPackage,
): Promise<StepCodeView['before']> {
  const { store } = context.project;
  let beforeRun: RunId = row.id;
  for (let look = 0; look < MOST_BEFORE; look++) {
    const preimage = await store.latestPreimage({
      project: row.project,
      pipeline: row.pipeline,
      step,
      beforeRun,
    });
    if (preimage === undefined) return undefined;
    beforeRun = preimage.run;
    if (codeOf(preimage.parts) === now.manifest.codeHash) continue;
    const earlier = await store.getRun(preimage.run);
    if (earlier === undefined) return undefined;
    const found = await packageOfStep(context, earlier.id, step);
    return found === undefined
      ? undefined
      : { run: earlier.id, number: earlier.number, pieces: piecesOf(found, undefined) };
  }
  return undefined;
}

function piecesOf({ sources }: StepPackage, failedAt: string | undefined): readonly Piece[] {
  return sources.map(({ file, line, name, text }): Piece => {
    const failed = failedLine(failedAt, file);
    const inside = failed !== undefined && failed >= line && failed < line + text.split('\n').length;
    return { file, line, name, text, language: languageOf(file), ...(inside ? { failed } : {}) };
  });
}

/** `at` is relative to where the command was given, the file to the project's root: one ends with the other. */
function failedLine(at: string | undefined, file: string): number | undefined {
  const match = /^(.*?):(\d+)(?::\d+)?$/.exec(at ?? '');
  if (match === null) return undefined;
  const place = match[1]!.replaceAll('\\', '/').replace(/^(?:\.\.?\/)+/, '');
  const same = place === file || place.endsWith(`/${file}`) || file.endsWith(`/${place}`);
  return same ? Number(match[2]) : undefined;
}

function languageOf(file: string): Piece['language'] {
  const extension = extname(file);
  if (extension === '.json') return 'json';
  if (extension === '.tsx' || extension === '.jsx') return 'tsx';
  return /^\.[cm]?ts$/.test(extension) ? 'typescript' : 'javascript';
}

export async function stepPackages(context: ServerContext, run: string, step: string): Promise<StepPackages> {
  const row = await requireRun(context, run);
  const view = requireStep(await context.views.get(row), step);
  const found = await packageOfStep(context, row.id, view.name);
  const preimage = await context.project.store.readPreimage(row.id, view.name);
  const node = preimage?.parts.find(({ kind }) => kind === 'platform')?.shown;
  const recorded = Object.entries(view.dependencies ?? found?.manifest.dependencies ?? {});
  const closure = found?.manifest.closure ?? [];
  const direct = recorded.map(([name, version]) => ({ name, version, direct: true }));
  const indirect = closure
    .filter(({ through }) => through !== undefined)
    .map(({ name, version, through }) => ({ name, version, direct: false, through: through! }));
  return { dependencies: [...direct, ...indirect], ...(node === undefined ? {} : { node }) };
}
