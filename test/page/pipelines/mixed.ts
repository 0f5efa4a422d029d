// Everything a page can show of a step: console, reports, artifacts of many kinds, a retry, a failure.
import { Pipeline, Step, Parameter, currentTask, each } from 'run-pipeline';

@Pipeline({ name: 'mixed', project: 'page', cache: true })
export class Mixed {
  @Parameter({ description: 'How fast it learns' })
  lr = 0.01;

  @Parameter({ description: 'Break the evaluation' })
  broken = true;

  @Step({ returns: ['rows', 'notes'] })
  load() {
    console.log('\u001B[32mloaded\u001B[0m 500 rows');
    console.log('\u001B[35ma colour that\ngoes on over the end of its line\u001B[0m');
    console.log('one very long line: ' + Array.from({ length: 80 }, (_, id) => `word${id}`).join(' '));
    console.error('one column has no name');
    const rows = Array.from({ length: 500 }, (_, id) => ({
      id,
      name: `row ${id}`,
      score: Math.sin(id) * 10,
      kept: id % 3 === 0,
      none: null,
    }));
    return { rows, notes: '# Notes\n\nPlain text, with <b>no</b> markup.\n' };
  }

  @Step({ inputs: ['$<load.rows>'], returns: ['parts'] })
  split(rows: readonly { readonly id: number }[]): number[][] {
    return Array.from({ length: 4 }, (_, part) =>
      rows.filter(({ id }) => id % 4 === part).map(({ id }) => id),
    );
  }

  @Step({ inputs: [each('$<split.parts>'), '$<pipeline.lr>'], returns: ['loss'] })
  train(part: number[], lr: number): number {
    const { logger } = currentTask();
    for (let iteration = 0; iteration < 60; iteration++) {
      logger.reportScalar({
        title: 'loss',
        series: 'train',
        value: Math.exp(-iteration * lr * 8) + 0.02 * Math.sin(iteration + part.length),
        iteration,
      });
      logger.reportScalar({
        title: 'loss',
        series: 'test',
        value: Math.exp(-iteration * lr * 6) + 0.05,
        iteration,
      });
    }
    logger.reportSingleValue('rows', part.length);
    return Math.exp(-lr * 480);
  }

  @Step({
    inputs: ['$<train.loss>'],
    returns: ['best'],
    retry: { retries: 1, backoff: '50ms' },
    cache: false,
  })
  choose(losses: number[]): number {
    console.log('attempt with', losses.length, 'losses');
    if (this.broken) throw new RangeError('no loss is small enough: the smallest is ' + Math.min(...losses));
    return Math.min(...losses);
  }

  @Step({ inputs: ['$<choose.best>'] })
  publish(best: number): string {
    return `published ${best}`;
  }

  @Step({ inputs: ['$<load.notes>'] })
  report(notes: string): string {
    return notes.toUpperCase();
  }
}
