import { MagicString } from 'magic-string';
import { parseModule } from '../module/parser.js';
import { raiseCommonJs } from './commonjs.js';
import { raiseLegacyDecorators } from './legacy-decorators.js';
import { raiseStandardDecorators } from './standard-decorators.js';

/**
 * Compiled JavaScript (tsc's, and what follows its shapes) is put back into the shape of its source:
 * decorators where they stood, `import` and `export` for CommonJS. The slicer then needs to know one
 * shape only. This is for deployed `dist/` directories without the TypeScript they were made from.
 */
export interface RaisedSource {
  readonly code: string;
  /** JSON; back to the compiled file. */
  readonly map: string;
  /** The mode that decorators of the user's own were compiled in. */
  readonly decorators: 'legacy' | 'standard' | undefined;
}

export type Raised =
  | { readonly ok: true; readonly raised: RaisedSource | undefined }
  /** A shape that cannot be taken apart. */
  | { readonly ok: false; readonly what: string };

const COMPILED = /\b(?:__decorate(?:Class)?|_ts_decorate|__esDecorate)\s*\(|"__esModule"|'__esModule'/;
/** Shapes of other compilers: esbuild's and Babel's standard decorators. */
const FOREIGN = /\b(?:__decorateElement|__decoratorStart|_applyDecs\w*|_decorate)\s*\(/;

export function raiseCompiled(options: {
  readonly file: string;
  readonly text: string;
  /** Does a specifier lead to an npm package in CommonJS? */
  readonly isCommonJsPackage: (specifier: string) => boolean;
}): Raised {
  const { file, text } = options;
  const foreign = FOREIGN.exec(text);
  if (foreign !== null) return { ok: false, what: foreign[0].replace(/\s*\($/, '') };
  if (!COMPILED.test(text)) return { ok: true, raised: undefined };
  const program = parseModule(text);
  const edit = new MagicString(text);
  const legacy = raiseLegacyDecorators(program, text, edit);
  const standard = raiseStandardDecorators(program, text, edit);
  raiseCommonJs({ program, edit, isCommonJsPackage: options.isCommonJsPackage });
  return {
    ok: true,
    raised: {
      code: edit.toString(),
      map: edit.generateMap({ source: file, hires: 'boundary' }).toString(),
      decorators: legacy ? 'legacy' : standard ? 'standard' : undefined,
    },
  };
}
