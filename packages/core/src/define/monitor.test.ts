import { expect, test } from 'vitest';
import { buildGraph } from '../graph/index.js';
import { PipelineController } from './controller.js';
import { each } from './each.js';
import type { MonitorDeclaration } from './monitor.js';
import { step, stepDefinitionOf } from './step-function.js';
import { pipelineOf } from './subject.js';

const definitionOf = (pipe: object) => pipelineOf(pipe)!.definition();
const demo = () => new PipelineController({ name: 'demo' });
const monitorOf = (declared: MonitorDeclaration) => {
  const pipe = demo();
  pipe.addStep({ name: 'a', baseTaskName: 'x', ...declared });
  return definitionOf(pipe).steps[0]!.options.monitor;
};
const same = (title: string, series?: string) => {
  const name = series === undefined ? { title } : { title, series };
  return { from: name, to: name };
};

test('metrics are a title and a series, or the name of a single value', () => {
  expect(
    monitorOf({
      monitorMetrics: [['test', 'accuracy'], 'seconds', { title: 'rows' }, { title: 'test', series: 'loss' }],
    }).metrics,
  ).toEqual([same('test', 'accuracy'), same('seconds'), same('rows'), same('test', 'loss')]);
});

test('a metric may have another name on the run', () => {
  expect(
    monitorOf({
      monitorMetrics: [
        [
          ['test', 'accuracy'],
          ['best', 'accuracy'],
        ],
        { from: 'seconds', to: 'seconds of train' },
        [{ title: 'rows' }, { title: 'all rows' }],
      ],
    }).metrics,
  ).toEqual([
    { from: { title: 'test', series: 'accuracy' }, to: { title: 'best', series: 'accuracy' } },
    { from: { title: 'seconds' }, to: { title: 'seconds of train' } },
    { from: { title: 'rows' }, to: { title: 'all rows' } },
  ]);
});

test('models are artifacts, both may have another name on the run', () => {
  expect(
    monitorOf({
      monitorArtifacts: ['dataset', ['rows', 'all rows']],
      monitorModels: [{ from: 'model', to: 'best model' }],
    }).artifacts,
  ).toEqual([
    { from: 'dataset', to: 'dataset' },
    { from: 'rows', to: 'all rows' },
    { from: 'model', to: 'best model' },
  ]);
});

test('function steps and steps of pipeline functions take the same options', () => {
  const pipe = demo();
  pipe.addFunctionStep({ name: 'a', function: () => 1, monitorMetrics: [['test', 'accuracy']] });
  expect(definitionOf(pipe).steps[0]!.options.monitor.metrics).toEqual([same('test', 'accuracy')]);
  const train = step({ name: 'train', monitorArtifacts: ['model'] }, () => 1);
  expect(stepDefinitionOf(train)!.options.monitor.artifacts).toEqual([{ from: 'model', to: 'model' }]);
});

test.each<[string, unknown, RegExp]>([
  ['no list', { monitorMetrics: 'accuracy' }, /takes a list as "monitorMetrics", not "accuracy"/],
  [
    'three texts',
    { monitorMetrics: [['a', 'b', 'c']] },
    /something at "monitorMetrics"\[0\] that is no metric/,
  ],
  ['a number', { monitorMetrics: ['a', 7] }, /something at "monitorMetrics"\[1\] that is no metric: 7/],
  [
    'another key',
    { monitorMetrics: [{ title: 'a', serie: 'b' }] },
    /something at "monitorMetrics"\[0\] that is no metric/,
  ],
  [
    'a scalar as a single value',
    { monitorMetrics: [{ from: ['a', 'b'], to: 'c' }] },
    /makes a\/b another kind of metric at "monitorMetrics"\[0\]: c/,
  ],
  ['one target twice', { monitorArtifacts: ['a', ['b', 'a']] }, /gives the name "a" twice/],
  ['an empty name', { monitorModels: [''] }, /something at "monitorModels"\[0\] that is no artifact: ""/],
])('%s is refused at the call', (_what, declared, message) => {
  expect(() => monitorOf(declared as MonitorDeclaration)).toThrow(message);
});

test('two steps that show an artifact under one name are told', () => {
  const pipe = demo();
  pipe.addStep({ name: 'a', baseTaskName: 'x', monitorModels: ['model'] });
  pipe.addStep({ name: 'b', baseTaskName: 'x', monitorModels: ['model'] });
  pipe.addFunctionStep({
    name: 'c',
    function: (n: number) => n,
    functionKwargs: { n: each([1, 2]) },
    monitorArtifacts: ['result'],
  });
  const { graph, diagnostics } = buildGraph(definitionOf(pipe));
  expect(graph).toBeDefined();
  expect(diagnostics.map(({ severity, message }) => [severity, message])).toEqual([
    ['warning', 'steps `a` and `b` both show an artifact `model` on the run: the last one stays'],
    ['warning', 'each element of step `c` shows an artifact `result` on the run: the last one stays'],
  ]);
});
