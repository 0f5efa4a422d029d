import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as core from '@run-pipeline/core';
import { pipelineOf } from '@run-pipeline/core/define';
import { buildGraph } from '@run-pipeline/core/graph';
import { transformSync } from 'esbuild';
import { expect, test } from 'vitest';

const accepted = fileURLToPath(new URL('../types/accepted/class.ts', import.meta.url));

/** The exports of the type tests' class file, with the decorators of one of the two standards. */
function load(experimentalDecorators: boolean): Record<string, unknown> {
  const { code } = transformSync(readFileSync(accepted, 'utf8'), {
    loader: 'ts',
    format: 'cjs',
    target: 'node20',
    tsconfigRaw: { compilerOptions: { experimentalDecorators } },
  });
  const module = { exports: {} };
  new Function('module', 'exports', 'require', code)(module, module.exports, () => core);
  return module.exports;
}

test.each([true, false])('what the compiler accepts is a graph without errors (legacy: %s)', (legacy) => {
  const { Iris, Overridden, OnlyTheGraphKnows } = load(legacy);
  const findings = (subject: unknown): readonly string[] =>
    buildGraph(pipelineOf(subject)!.definition()).diagnostics.map((finding) => finding.code);
  expect(findings(Iris)).toEqual([]);
  expect(findings(Overridden)).toEqual([]);
  expect(findings(OnlyTheGraphKnows)).toEqual(['unknown-return']);
});
