import { type FileValue, type Handle, file, parameter, pipeline, run, step } from 'run-pipeline';

interface Row {
  a: number;
  when: Date;
}
const load = step(async (url: string, limit?: number): Promise<Row[]> => [
  { a: url.length + (limit ?? 0), when: new Date() },
]);
const prepare = step({ returns: ['train', 'test'] }, (rows: Row[]) => ({ train: rows, test: rows.length }));
const pair = step({ name: 'pair', returns: ['left', 'right'] }, (): [number, string] => [1, 'a']);
const train = step(
  { returns: ['accuracy'], cache: true, retry: 2 },
  async (rows: Row[], depth: number) => rows.length / depth,
);
const publish = step(
  { returns: [], timeout: '1m' },
  (scores: number[], options: { title: string; best: number }) => {
    console.log(scores, options);
  },
);
const size = step((csv: FileValue) => csv.size);

export const scoring = pipeline(
  {
    name: 'scoring',
    project: 'examples',
    parameters: {
      depths: [3, 5, 7],
      url: 'https://example.com',
      data: parameter({ type: 'file', default: 'x.csv' }),
      day: parameter({ type: 'date', description: 'which day' }),
      rate: parameter({ default: 0.1 }),
      name: parameter({}),
    },
  },
  async ({ depths, url, data, day, rate, name }) => {
    const isoDay: string = day.toISOString();
    const label: string = name;
    const doubled: number = rate * 2;
    const split = prepare(load(url));
    const scores = depths.map((depth) => train(split.train, depth));
    const first: Handle<number, 'accuracy'> = scores[0]!;
    const accuracy: number = await first;
    const named: number = await first.accuracy;
    const rows: Row[] = await split.train;
    const both: { train: Row[]; test: number } = await split;
    const parts = pair();
    const left: number = await parts.left;
    const right: string = await parts.right;
    publish(scores, { title: right, best: first });
    publish.with({ name: 'publish again', parents: [split, 'load'] })([1, first], {
      title: parts.right,
      best: 1,
    });
    await size(data);
    await size(file('x.csv'));
    await train([{ a: split.test, when: new Date() }], left);
    const all: number[] = await Promise.all(scores);
    return accuracy > 0.9 ? [isoDay, label, doubled, named, rows, both, all] : undefined;
  },
);

const raw: Promise<number> | number = train.fn([], 1);
void raw;
void run(scoring, { parameters: { depths: [1], day: new Date() }, refresh: ['train'] }).then(
  (ended) => ended.steps['train'],
);
