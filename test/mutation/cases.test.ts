import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CASES } from './cases.js';
import { compare, type Comparison } from './compare.js';
import { ProjectDirectory } from './project-directory.js';

// All cases are steps of one pipeline: three runs in all.
const LINKS = { 'node_modules/@acme/linked': '../../linked' };
const stepName = (index: number): string => `case_${index}`;
const directoryOf = (index: number): string => `cases/${index}/`;

function pipeline(): string {
  const imports = CASES.map(
    (_, index) => `import { step as ${stepName(index)} } from './${directoryOf(index)}step.js';`,
  );
  const steps = CASES.map(
    (_, index) =>
      `pipe.addFunctionStep({ name: '${stepName(index)}', function: ${stepName(index)}, functionReturn: ['value'], cacheExecutedStep: true });`,
  );
  return [
    `import { PipelineController } from 'run-pipeline';`,
    ...imports,
    `export const pipe = new PipelineController({ name: 'cases', project: 'mutation', version: '1.0.0' });`,
    ...steps,
    '',
  ].join('\n');
}

/** The files of all cases, before or after their edits. */
function files(isEdited: boolean): Map<string, string> {
  const tree = new Map([
    ['package.json', '{ "name": "cases", "version": "1.0.0", "type": "module" }'],
    ['tsconfig.json', '{}'],
    ['pipeline.ts', pipeline()],
  ]);
  const put = (below: string, changed: Readonly<Record<string, string | undefined>>): void => {
    for (const [name, text] of Object.entries(changed)) {
      if (text === undefined) tree.delete(below + name);
      else tree.set(below + name, text);
    }
  };
  for (const [index, each] of CASES.entries()) {
    put(directoryOf(index), each.files);
    if (each.project !== undefined) put('', each.project.files);
    if (!isEdited) continue;
    put(directoryOf(index), each.edit);
    if (each.project !== undefined) put('', each.project.edit);
  }
  return tree;
}

let project: ProjectDirectory;
let before: Comparison;
let after: Comparison;
let back: Comparison;

beforeAll(async () => {
  project = new ProjectDirectory(LINKS);
  const run = async (isEdited: boolean): Promise<Comparison> => {
    const tree = files(isEdited);
    project.write(tree);
    return compare(project, 'pipeline.ts', { files: tree, environment: {}, parameters: {} });
  };
  before = await run(false);
  after = await run(true);
  back = await run(false);
}, 180_000);

afterAll(() => project.remove());

test('the runs complete', () => {
  expect([before, after, back].map((each) => each.refused ?? each.unfounded)).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

describe('a step depends on', () => {
  test.each(CASES.map((each, index) => [each.name, stepName(index)] as const))('%s', (_name, step) => {
    expect(before.wrongResults).not.toContain(step);
    expect(after.values![step]).not.toEqual(before.values![step]); // the edit means something
    // It may be cached: two cases can come to the same code, and share their results.
    expect([...after.wrongHits, ...after.wrongResults]).not.toContain(step);
    expect(back.wrongHits).not.toContain(step);
  });
});

test('taking all edits back finds the first results again', () => {
  expect(CASES.map((_, index) => back.ends[stepName(index)]?.status)).toEqual(CASES.map(() => 'cached'));
});
