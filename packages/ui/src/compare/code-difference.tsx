import { useQueries } from '@tanstack/react-query';
import type { StepCodeView } from '@run-pipeline/core/wire';
import { ask } from '../data/api.js';
import { many } from '../design/amounts.js';
import { Loading } from '../design/empty-state.js';
import { Failed } from '../design/failed.js';
import { CodeDifferences } from '../step/code-lines.js';
import type { Comparison } from './comparison.js';
import styles from './compare.module.css';

type Piece = StepCodeView['pieces'][number];

/** The code of so many steps is read; elements of a mapped step have one code. */
const MOST = 24;

/** Every piece of code that differs between two runs, once, whichever steps reach it. */
export function CodeDifference(props: {
  readonly comparison: Comparison;
  readonly base: number;
  readonly other: number;
}) {
  const { comparison, base, other } = props;
  const steps = stepsWithOtherResults(comparison, base, other);
  const read = steps.slice(0, MOST);
  const codes = useQueries({
    queries: read.flatMap((step) =>
      [base, other].map((index) => {
        const path = { run: comparison.runs[index]!.item.id, step };
        return {
          queryKey: ['GET /api/runs/:run/steps/:step/code', path, null],
          queryFn: ({ signal }: { readonly signal: AbortSignal }) =>
            ask('GET /api/runs/:run/steps/:step/code', { path, signal }),
        };
      }),
    ),
  });
  const failed = codes.find(({ error }) => error !== null);
  if (failed !== undefined && failed.error !== null)
    return <Failed error={failed.error} what="the code" onRetry={() => void failed.refetch()} small />;
  if (codes.some(({ data }) => data === undefined)) return <Loading what="the code" />;
  const before = pieces(codes.filter((_, index) => index % 2 === 0).map(({ data }) => data));
  const now = pieces(codes.filter((_, index) => index % 2 === 1).map(({ data }) => data));
  const texts = new Map([...before].map(([key, { text }]) => [key, text]));
  const differ = new Set(
    [...new Set([...before.keys(), ...now.keys()])].filter((key) => texts.get(key) !== now.get(key)?.text),
  );
  const only = (all: ReadonlyMap<string, Piece>): readonly Piece[] =>
    [...all].filter(([key]) => differ.has(key)).map(([, piece]) => piece);
  return (
    <>
      {differ.size === 0 ? (
        <p className={styles.note}>The code is the same in both.</p>
      ) : (
        <CodeDifferences before={only(before)} now={only(now)} />
      )}
      {steps.length > MOST ? (
        <p className={styles.note}>
          {many(steps.length - MOST, 'more step')} differ; their code was not read.
        </p>
      ) : null}
    </>
  );
}

/** Of elements of a mapped step the first. */
function stepsWithOtherResults({ steps }: Comparison, base: number, other: number): readonly string[] {
  const seen = new Set<string>();
  const found: string[] = [];
  for (const { name, cells } of steps) {
    const [before, now] = [cells[base], cells[other]];
    if (before?.step === undefined || now?.step === undefined || before.same === now.same) continue;
    const { of } = now.step;
    if (of !== undefined && seen.has(of)) continue;
    if (of !== undefined) seen.add(of);
    found.push(name);
  }
  return found;
}

/** By file and name: several steps reach the same helper. */
function pieces(codes: readonly (StepCodeView | undefined)[]): ReadonlyMap<string, Piece> {
  const found = new Map<string, Piece>();
  for (const code of codes)
    for (const piece of code?.pieces ?? []) found.set(`${piece.file}\n${piece.name}`, piece);
  return found;
}
