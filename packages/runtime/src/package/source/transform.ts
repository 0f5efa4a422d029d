import { extname } from 'node:path';
import { TraceMap, originalPositionFor, type EncodedSourceMap } from '@jridgewell/trace-mapping';
import remapping from '@jridgewell/remapping';
import type { SourceLocation } from '@run-pipeline/core/model';
import { LOADERS } from './loaders.js';
import type { CompilerOptions } from './tsconfig.js';

/** JavaScript of one user module, and the way back to what the user wrote. */
export interface TransformedSource {
  readonly code: string;
  readonly map: TraceMap;
}

/**
 * Types off, decorators and class fields as the user wrote them, whatever the project's mode: they are
 * lowered after slicing. Whitespace and comments go here, so that the text of every later stage is
 * canonical.
 */
export async function transformSource(options: {
  readonly file: string;
  readonly text: string;
  readonly compilerOptions: CompilerOptions;
  /** JSON; when the text was made from the file's. */
  readonly inputMap?: string | undefined;
}): Promise<TransformedSource> {
  const { transform } = await import('esbuild');
  const { file, text, compilerOptions } = options;
  const run = (legacy: boolean) =>
    transform(text, {
      // No `format`: CommonJS stays CommonJS.
      loader: LOADERS[extname(file)] ?? 'js',
      target: 'esnext',
      sourcefile: file,
      sourcemap: 'external',
      sourcesContent: false,
      minifyWhitespace: true,
      legalComments: 'none',
      charset: 'utf8',
      logLevel: 'silent',
      tsconfigRaw: {
        compilerOptions: {
          ...compilerOptions.jsx,
          useDefineForClassFields: true,
          experimentalDecorators: legacy,
          ...(compilerOptions.verbatimModuleSyntax ? { verbatimModuleSyntax: true } : {}),
        },
      },
    });
  const result = await run(false).catch((error: unknown) => {
    // Parameter decorators exist in the legacy mode only: esbuild lowers the whole file then, and the
    // slicer recognises the lowered form.
    if (!compilerOptions.experimentalDecorators) throw error;
    return run(true);
  });
  const { inputMap } = options;
  const map =
    inputMap === undefined
      ? (JSON.parse(result.map) as EncodedSourceMap)
      : remapping([result.map, inputMap], () => null);
  return { code: result.code, map: new TraceMap(map as EncodedSourceMap) };
}

/** Offsets at which lines begin. */
export function lineStarts(code: string): number[] {
  const starts = [0];
  for (let at = code.indexOf('\n'); at !== -1; at = code.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

/** The line (from 0) that holds an offset. */
export function lineAt(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The place in the user's source of an offset in the transformed code. */
export function originalPlace(options: {
  readonly file: string;
  readonly map: TraceMap;
  readonly starts: readonly number[];
  readonly offset: number;
}): SourceLocation {
  const line = lineAt(options.starts, options.offset);
  const column = options.offset - (options.starts[line] ?? 0);
  const found = originalPositionFor(options.map, { line: line + 1, column });
  return { file: options.file, line: found.line ?? 1, column: (found.column ?? 0) + 1 };
}
