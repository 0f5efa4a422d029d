import { describe, expect, test } from 'vitest';
import type { PackageRequest, PackageResult } from './index.js';
import { ScratchProject } from './scratch-project.test-support.js';
import { callCases, classCases, functionCases, type SlicingCase } from './slicing-cases.test-support.js';

const ENTRY = { class: 'pipeline.ts', controller: 'pipeline.ts', function: 'pipeline.ts' };

async function request(
  project: ScratchProject,
  each: SlicingCase,
  writing: 'class' | 'controller' | 'function',
  key: string,
): Promise<PackageRequest> {
  const file = each.file ?? ENTRY[writing];
  const cached = each.cached ?? false;
  if (writing === 'class') return project.methodStep('P', key, { file, cached });
  return project.functionStep(key, {
    file,
    cached,
    writing,
    ...(each.call === undefined ? {} : { call: each.call }),
    ...(each.function === undefined ? {} : { function: each.function }),
  });
}

async function check(each: SlicingCase, writing: 'class' | 'controller' | 'function'): Promise<void> {
  const file = each.file ?? ENTRY[writing];
  const project = await ScratchProject.create({ ...each.files, [file]: each.source });
  try {
    for (const [from, to] of Object.entries(each.links ?? {})) await project.link(from, to);
    const keys = each.withSibling === true ? ['step_one', 'step_two'] : ['step_one'];
    const make = async (): Promise<PackageResult> =>
      project.package(await Promise.all(keys.map((key) => request(project, each, writing, key))));
    const result = await make();
    const errors = result.diagnostics.filter((found) => found.severity === 'error');
    expect(errors.map((found) => found.code)).toEqual(each.errors ?? []);
    for (const found of result.diagnostics) expect(found.at?.file.startsWith(project.paths.root)).toBe(true);
    expect(
      result.diagnostics.filter((found) => found.severity === 'warning').map((found) => found.code),
    ).toEqual(expect.arrayContaining([...(each.warnings ?? [])]));
    if ((each.warnings ?? []).length === 0)
      expect(result.diagnostics.filter((found) => found.severity === 'warning')).toEqual([]);
    const task = result.packages.get('step_one');
    if (each.errors !== undefined) {
      expect(task).toBeUndefined();
      return;
    }
    const code = await project.code(task!);
    for (const text of each.absent ?? []) expect(code).not.toContain(text);
    expect(code).not.toMatch(/\.start\(/);
    if (each.reachesSibling !== true) expect(code).not.toMatch(/TWO/);
    if (each.dependencies !== undefined) expect(task!.manifest.dependencies).toEqual(each.dependencies);
    if (each.returns !== undefined) expect(await project.run(task!)).toEqual(each.returns);
    // Edits that do not concern the step: its sibling, comments, formatting, new declarations.
    await project.write({ [file]: edited(each.source) });
    const again = (await make()).packages.get('step_one')!;
    const isSame = again.manifest.codeHash === task!.manifest.codeHash;
    expect(isSame).toBe(each.reachesSibling !== true);
  } finally {
    await project.remove();
  }
}

/** The sibling's code changed, comments and lines added, something unrelated declared. */
function edited(source: string): string {
  const changed = source
    .replace(/return 2\b/, 'const zz = 99; return zz + 2 + brandNew()')
    .replace(/'TWO'/, "'TWO' + brandNew()")
    .replace(/return x \+ 7|x \+ 7/, (text) => `${text} + 1`)
    .replace(/(function step_one|step_one\(x)/, '/* a comment */ $1')
    .replaceAll('return ', '  return   ')
    .replaceAll(' => {', ' =>\n  {');
  return `\n\n// before\n${changed}\nfunction brandNew() { return 1 }\nconst df2 = 1;\n`;
}

describe('a function step with', () => {
  test.concurrent.each(Object.entries(functionCases))('%s', async (_name, each) => check(each, 'controller'));
});
describe('a class step with', () => {
  test.concurrent.each(Object.entries(classCases))('%s', async (_name, each) => check(each, 'class'));
});
describe('in a pipeline function', () => {
  test.concurrent.each(Object.entries(callCases))('%s', async (_name, each) => check(each, 'function'));
});
