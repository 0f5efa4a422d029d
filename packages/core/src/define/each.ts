const EACH = Symbol.for('run-pipeline.each');

/** The declaration `each(list)` makes: one node per element of the list. */
export interface Each<List> {
  readonly each: List;
}

/**
 * One node per element: `inputs: [each('$<load.files>')]` makes `score[0]`, `score[1]`, … Several
 * `each` in one step zip; unequal lengths fail.
 */
export function each<const List extends string | readonly unknown[]>(list: List): Each<List> {
  return Object.freeze({ each: list, [EACH]: true });
}

export function isEach(value: unknown): value is Each<unknown> {
  return typeof value === 'object' && value !== null && EACH in value;
}
