import { parameter, pipeline, run, step } from 'run-pipeline';

const prepare = step({ returns: ['train', 'test'] }, (rows: number[]) => ({
  train: rows,
  test: rows.length,
}));
const train = step({ returns: ['accuracy'] }, (rows: number[], depth: number) => rows.length / depth);
const shout = step((text: string) => text.toUpperCase());

// @ts-expect-error says: the step does not return `up`
step({ returns: ['left', 'up'] }, () => ({ left: 1 }));
// @ts-expect-error says: 2 returns, but the returned tuple has 3 places
step({ returns: ['a', 'b'] }, (): [1, 2, 3] => [1, 2, 3]);
// @ts-expect-error no such option
step({ retires: 2 }, () => 1);

export const scoring = pipeline(
  { name: 'scoring', parameters: { depths: [3], day: parameter({ type: 'date' }) } },
  async ({ depths, day }) => {
    const split = prepare([1]);
    // @ts-expect-error not a declared return
    void split.trian;
    // @ts-expect-error a handle is not its value
    void split.train.length;
    // @ts-expect-error of another type
    train(split.test, 1);
    // @ts-expect-error too few
    train(split.train);
    // @ts-expect-error a handle of the whole object
    train(split, 1);
    const shouted = depths.map(() => shout('a'));
    // @ts-expect-error a mapped list of another type
    train(shouted, 1);
    // @ts-expect-error a promise is no handle
    train(Promise.resolve([1]), 1);
    // @ts-expect-error text is no list of numbers
    train(['a'], 1);
    // @ts-expect-error not a parameter
    ({}) satisfies { depth: typeof depth };
    // @ts-expect-error a date
    const wrong: string = day;
    return wrong;
  },
);
// @ts-expect-error run() runs it
scoring({ depths: [1] });
// @ts-expect-error no such flag
void run(scoring, { refersh: true });
// @ts-expect-error no such parameter
void run(scoring, { parameters: { depht: [1] } });
// @ts-expect-error of another type
void run(scoring, { parameters: { depths: ['a'] } });
