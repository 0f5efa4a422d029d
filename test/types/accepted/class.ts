import { type FileValue, Parameter, Pipeline, Step, each, file, run } from 'run-pipeline';

interface Row {
  a: number;
  label?: string;
}
type Model = { predict(row: Row): number };

@Pipeline({ name: 'base' })
export class Base {
  @Parameter() seed = 4;
  @Step({ returns: ['base'] }) base_step() {
    return new Map<string, number>();
  }
}

@Pipeline({ name: 'iris', project: 'examples', version: '1.0.0', cache: true, retry: { retries: 1 } })
export class Iris extends Base {
  @Parameter({ type: 'file', description: 'the CSV' }) data = 'iris.csv';
  @Parameter({ type: 'directory' }) images: string | undefined = undefined;
  @Parameter() url = 'x';
  @Parameter() names = ['a'];
  @Parameter() since = new Date(0);
  @Parameter() day?: string;
  @Parameter() settings = { depth: 3, tags: ['a'], nested: { rate: 0.1 } };
  @Parameter() model = file('model.bin');

  @Step({ inputs: ['$<pipeline.data>'] }) ok_file(csv: FileValue): number {
    return csv.size;
  }
  @Step({ inputs: ['$<pipeline.data>'] }) ok_file_as_text(csv: string): string {
    return csv;
  }
  @Step({ inputs: ['$<pipeline.model>', file('x.csv')] }) ok_files(model: FileValue, csv: FileValue) {
    return [model, csv];
  }
  @Step({ inputs: ['$<pipeline.url>'], returns: ['data_frame'] })
  async step_one(url: string): Promise<Row[]> {
    return [{ a: url.length }];
  }
  @Step({ inputs: ['$<step_one.data_frame>', 0.2], returns: ['train', 'test'] })
  step_two(df: Row[], size: number): { train: Row[]; test: Row[] } {
    return { train: df.slice(size), test: df };
  }
  @Step({ inputs: { data: '$<step_two.train>' }, returns: ['model'] })
  ok_object({ data, k = 3 }: { data: Row[]; k?: number }): number {
    return data.length + k;
  }
  @Step({ inputs: { data: [] } }) ok_optional_object({ data }: { data?: Row[] } = {}) {
    return data;
  }
  @Step({ inputs: ['$<step_two.train>'], returns: ['model'] }) ok_multi(data: Row[]): number {
    return data.length;
  }
  @Step({ inputs: [[1, 2, 3]] }) ok_literal_array(xs: number[]): number {
    return xs.length;
  }
  @Step({ inputs: [[1, 'a']] }) ok_literal_tuple(pair: [number, string]) {
    return pair;
  }
  @Step({ inputs: [new Set(['a'])] }) ok_iterable(names: Iterable<string>) {
    return [...names];
  }
  @Step({ inputs: [{ depth: 3, names: ['a'] }] }) ok_literal_object(o: {
    depth: number;
    names: string[];
  }): number {
    return o.depth;
  }
  @Step({ inputs: [{ rows: '$<step_one.data_frame>' }] }) ok_nested(o: { rows: Row[] }): number {
    return o.rows.length;
  }
  @Step({ inputs: [['$<step_one.data_frame>', '$<step_two.test>']] }) ok_list_of_references(
    all: Row[][],
  ): number {
    return all.length;
  }
  @Step({ inputs: ['$<pipeline.url>-$<pipeline.url>'] }) ok_two_in_one(o: string): number {
    return o.length;
  }
  @Step({ inputs: ['since $<pipeline.since>, ${pipeline.seed}, $<pipeline.settings.nested.rate>'] })
  ok_interpolated(text: string) {
    return text;
  }
  @Step({ inputs: ['${step_one.data_frame}', '${HOME}', '${a b}/x ${home}', 'a $ b $$ < c'] })
  ok_braces(rows: Row[], home: string, text: string, dollars: string) {
    return [rows, home, text, dollars];
  }
  @Step({ inputs: ['$<step_one.data_frame.0.a>'] }) ok_path(o: number): number {
    return o;
  }
  @Step({ inputs: ['$<step_two.train.0.a>', '$<pipeline.settings.tags.0>'] }) ok_path_in_return(
    o: number,
    tag: string,
  ) {
    return [o, tag];
  }
  @Step({ inputs: ['$<step_one.id>'] }) ok_id(o: string): number {
    return o.length;
  }
  @Step({ inputs: ['$<step_one.artifacts.data_frame.url>', '$<step_one.artifacts.data_frame.size>'] })
  ok_attributes(url: string, size: number): number {
    return url.length + size;
  }
  @Step({ inputs: ['$<step_one.parameters.General/lr>'] }) ok_task_parameter(lr: number) {
    return lr;
  }
  @Step({ inputs: ['$<step_one.data_frame>'] }) ok_optional(o: Row[], size?: number, seed = 4): number {
    return o.length + (size ?? seed);
  }
  @Step({ inputs: ['$<step_one.data_frame>', '$<step_two.test>'] }) ok_rest(...all: Row[][]): number {
    return all.length;
  }
  @Step({ inputs: ['$<base_step.base>', '$<pipeline.seed>'] }) ok_inherited(
    m: Map<string, number>,
    s: number,
  ): number {
    return m.size + s;
  }
  @Step({ inputs: [each('$<pipeline.names>'), each([1, 2])] }) score(name: string, depth: number): number {
    return name.length + depth;
  }
  @Step({ inputs: ['$<score.result>', '$<score[0].result>', '$<score.result.0>'] })
  ok_mapped(all: number[], first: number, again: number): number {
    return all.length + first + again;
  }
  @Step({ inputs: [each('$<score.result>')] }) ok_mapped_twice(score: number) {
    return score;
  }
  @Step({ inputs: [each('$<step_two.train>')] }) ok_each_of_return(row: Row) {
    return row;
  }
  @Step({ inputs: ['$$<not.ref>', '$$$<pipeline.url>'] }) ok_escaped(n: string, m: string): number {
    return n.length + m.length;
  }
  @Step({ inputs: ['$<ok_multi.model>'] }) inferred(n: number) {
    return { v: n };
  }
  @Step({ inputs: ['$<inferred.result>'] }) inferred2(n: { v: number }) {
    return n.v;
  }
  @Step({ inputs: ['$<inferred.result.v>'] }) inferred3(n: number) {
    return n;
  }
  @Step() ok_nothing() {
    return 1;
  }
  @Step({ inputs: [] }) ok_nothing_given(depth = 3) {
    return depth;
  }
  @Step({ inputs: ['$<step_one.data_frame>'] }) ok_generic<T>(n: T[]): T {
    return n[0]!;
  }
  @Step({ returns: ['left', 'right'] }) ok_tuple(): [number, string] {
    return [1, 'a'];
  }
  @Step({ inputs: ['$<ok_tuple.left>', '$<ok_tuple.right>'] }) ok_tuple_returns(left: number, right: string) {
    return [left, right];
  }
  @Step({
    inputs: [
      '$<ok_tuple_of_rows.left.0.a>',
      '$<base_step.base.key>',
      '$<pipeline.data.size>',
      '$<ok_unknowns.result.x>',
    ],
  })
  ok_paths(a: number, b: number, size: number, unknowns: unknown) {
    return [a, b, size, unknowns];
  }
  @Step({ returns: ['left', 'right'] }) ok_tuple_of_rows(): [Row[], number] {
    return [[], 1];
  }
  @Step() ok_unknowns(): unknown {
    return 1;
  }
  @Step({ returns: ['a', 'b'] }) async ok_record(): Promise<Record<string, number>> {
    return { a: 1, b: 2 };
  }
  @Step({ returns: [] }) ok_void(): void {}
  @Step({ inputs: ['adam', true, null] }) ok_union(
    kind: 'adam' | 'sgd',
    fast: boolean | undefined,
    limit: number | null,
  ) {
    return [kind, fast, limit];
  }
  @Step({ inputs: ['$<step_one.data_frame>', '$<nowhere>'.slice(1), 4] }) ok_unknown(
    rows: unknown,
    text: string,
    any: any,
  ) {
    return [rows, text, any];
  }
  @Step({ inputs: [`$<step_${'one' as string}.data_frame>`] }) ok_computed(rows: Row[]) {
    return rows;
  }
  @Step() ok_any(): any {
    return 1;
  }
  @Step({ inputs: ['$<ok_any.result>', '$<ok_any.result.deep.0>'] }) ok_from_any(rows: Row[], deep: Date) {
    return [rows, deep];
  }
  @Step() model_step(): Model {
    return { predict: (row) => row.a };
  }
  @Step({
    inputs: ['$<model_step.result>'],
    env: ['API'],
    secrets: ['TOKEN'],
    isolation: 'fresh',
    timeout: '10m',
  })
  ok_options(model: Model) {
    return model;
  }
  @Step({
    inputs: { file: '$<pipeline.data>', rate: '$<pipeline.settings.nested.rate>' },
    cache: { ttl: '1d', version: 2, key: (inputs) => inputs },
    retry: { retries: 3, backoff: '1s', when: (error, attempt) => error.name !== 'X' && attempt < 3 },
    preExecuteCallback: (_pipe, _node, parameters) => parameters['rate'] !== 0,
  })
  ok_callbacks(options: { file: FileValue; rate: number }) {
    return options.rate;
  }
}

/** A decorator cannot see what another one says: only the graph knows the names of the returns. */
export class OnlyTheGraphKnows {
  @Step({ returns: ['model'] }) fit(): number {
    return 1;
  }
  @Step({ inputs: ['$<fit.modle>'] }) use(model: number) {
    return model;
  }
}

export abstract class Loads<T> {
  abstract load(): T;
  @Step({ returns: ['raw'] }) raw(): T {
    return this.load();
  }
  @Step({ inputs: ['$<raw.raw>'] }) next(t: T) {
    return t;
  }
  @Step({ returns: ['raw'] }) async later(): Promise<T> {
    return this.load();
  }
  @Step({ inputs: ['$<later.raw>'] }) afterwards(t: T) {
    return t;
  }
}

export class Overridden {
  @Step({ returns: ['a'] }) one(): number[] {
    return [];
  }
  @Step({ inputs: ['$<one.a>'] }) two(n: number[]) {
    return n;
  }
}
export class Sub extends Overridden {
  url = 'x';
  @Step({ inputs: ['$<pipeline.url>'], returns: ['a'] }) override one(url?: string): number[] {
    return [url?.length ?? 0];
  }
}

export const notCalled = () => {
  // A direct call stays a method call with the method's own types.
  const rows: Promise<Row[]> = new Iris().step_one('x');
  void rows;
  void run(Iris, {
    parameters: { data: file('other.csv'), url: 'y', names: ['b'], model: 'model.bin', day: '1' },
    concurrency: 2,
  });
  void run(Sub);
};

const schema = {
  '~standard': { version: 1, vendor: 'own', validate: (value: unknown) => ({ value }) },
} as const;
export class Fields {
  @Parameter({ type: 'integer' }) depth = 3;
  @Parameter({ type: 'number' }) rate?: number;
  @Parameter({ type: 'date' }) day!: Date;
  @Parameter({ type: 'json' }) settings = { a: 1 };
  @Parameter({ type: 'file' }) data: FileValue = file('x.csv');
  @Parameter({ schema }) checked = 'x';
  @Parameter({ schema, type: 'number' }) checkedToo = 'x';
}
