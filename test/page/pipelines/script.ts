// A task of its own, with one report of every kind.
import { Task } from 'run-pipeline';
const task = await Task.init({ project: 'page', name: 'a script' });
const args = task.connect({ depth: 3, data: 'iris.csv', flags: { fast: true } });
console.log('depth', args.depth);
for (let i = 0; i < 30; i++)
  task.logger.reportScalar({ title: 'accuracy', series: 'dev', value: 1 - 1 / (i + 1), iteration: i });
await task.uploadArtifact('table', [
  { a: 1, b: 'x' },
  { a: 2, b: 'y' },
]);
task.logger.reportConfusionMatrix({
  title: 'confusion',
  matrix: [
    [10, 1, 0],
    [2, 8, 1],
    [0, 0, 12],
  ],
  xLabels: ['setosa', 'versicolor', 'virginica'],
  yLabels: ['setosa', 'versicolor', 'virginica'],
  xAxis: 'predicted',
  yAxis: 'true',
});
task.logger.reportHistogram({
  title: 'ages',
  values: [
    [1, 4, 6, 3],
    [2, 3, 5, 5],
  ],
  labels: ['a', 'b'],
  xLabels: ['10', '20', '30', '40'],
  xAxis: 'age',
  yAxis: 'people',
});
task.logger.reportScatter({
  title: 'points',
  points: Array.from({ length: 80 }, (_, i) => [Math.cos(i) * i, Math.sin(i) * i]),
  xAxis: 'x',
  yAxis: 'y',
});
task.logger.reportText('It went **well**.', { title: 'notes' });
task.logger.reportTable({
  title: 'best',
  table: [
    { model: 'a', score: 0.9 },
    { model: 'b', score: 0.8 },
  ],
});
