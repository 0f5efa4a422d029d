const EACH = Symbol.for('run-pipeline.each');

/** The declaration `each(list)` makes: one node per element of the list. */
export interface Each<List> {
  readonly each: List;
}

/**
 * One node per element of a list: `score[0]`, `score[1]`, … Several `each` in one step zip; unequal
 * lengths fail. A reference to the mapped step gives the list of its returns, in order.
 *
 * @param list An array, or a reference to one.
 * @example
 * ```ts
 * import { Step, each } from 'run-pipeline';
 *
 * export class Scores {
 *   names = ['a', 'b'];
 *
 *   @Step({ inputs: [each('$<pipeline.names>'), each([1, 2])] })
 *   score(name: string, weight: number) {
 *     return name.length * weight;
 *   }
 *
 *   @Step({ inputs: ['$<score.result>'] })
 *   sum(scores: number[]) {
 *     return scores.reduce((a, b) => a + b, 0);
 *   }
 * }
 * ```
 */
export function each<const List extends string | readonly unknown[]>(list: List): Each<List> {
  return Object.freeze({ each: list, [EACH]: true });
}

export function isEach(value: unknown): value is Each<unknown> {
  return typeof value === 'object' && value !== null && EACH in value;
}
