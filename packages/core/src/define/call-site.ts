import type { SourceLocation } from '../model/source.js';

/**
 * The place in the *executed* file from which a decorator, a constructor or `addFunctionStep` was
 * called: raw V8 positions, not yet mapped to the user's TypeScript (the runtime does that, and only
 * when it needs to). `inside` is the caller: our own function whose frames are left out.
 */
export function callSite(inside: (...args: never[]) => unknown): SourceLocation | undefined {
  const holder: { stack?: unknown } = {};
  const constructor = Error as unknown as {
    captureStackTrace?: (target: object, inside?: unknown) => void;
    prepareStackTrace?: unknown;
    stackTraceLimit?: number;
  };
  if (constructor.captureStackTrace === undefined) return undefined;
  const { prepareStackTrace, stackTraceLimit } = constructor;
  try {
    constructor.stackTraceLimit = 8;
    constructor.prepareStackTrace = (_error: unknown, frames: unknown) => frames;
    constructor.captureStackTrace(holder, inside);
    const frames = holder.stack;
    return Array.isArray(frames) ? firstUserFrame(frames as readonly Frame[]) : undefined;
  } finally {
    constructor.prepareStackTrace = prepareStackTrace;
    if (stackTraceLimit !== undefined) constructor.stackTraceLimit = stackTraceLimit;
  }
}

interface Frame {
  getFileName(): string | null | undefined;
  getLineNumber(): number | null;
  getColumnNumber(): number | null;
  getFunctionName(): string | null;
}

/** What tsc and esbuild emit to apply decorators: a frame of theirs is not the user's call. */
const DECORATE_HELPERS =
  /^(?:__decorate(?:Class|Element)?|__esDecorate|__runInitializers|DecorateProperty|decorate|Reflect\.decorate)$/;

function firstUserFrame(frames: readonly Frame[]): SourceLocation | undefined {
  for (const frame of frames) {
    const name = frame.getFileName();
    const line = frame.getLineNumber();
    if (typeof name !== 'string' || name.startsWith('node:') || line === null) continue;
    if (DECORATE_HELPERS.test(frame.getFunctionName() ?? '')) continue;
    return { file: name, line, column: frame.getColumnNumber() ?? 1 };
  }
  return undefined;
}
