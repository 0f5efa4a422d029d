import { expect, test } from 'vitest';
import { plotData } from './plot-data.js';

test('a histogram of several groups', () => {
  expect(
    plotData('histogram', {
      values: [
        [1, 2],
        [3, 4],
      ],
      labels: ['a', 'b'],
      xAxis: 'size',
    }),
  ).toEqual({
    kind: 'bars',
    groups: [
      [1, 2],
      [3, 4],
    ],
    labels: ['a', 'b'],
    xLabels: [],
    xAxis: 'size',
    yAxis: '',
  });
});

test('points that are none are left out', () => {
  const data = plotData('scatter', {
    points: [
      [1, 2],
      [null, 3],
      ['x', 1],
      [4, 5, 6],
    ],
    mode: 'markers',
  });
  expect(data.kind === 'points' && data.sets[0]?.points).toEqual([
    [1, 2],
    [4, 5],
  ]);
});

test('lines and bars of a Plotly figure; what else it has is not drawn', () => {
  const lines = plotData('custom', {
    data: [{ y: [3, 4], name: 'a' }],
    layout: { xaxis: { title: { text: 'epoch' } } },
  });
  expect(lines).toEqual({
    kind: 'points',
    sets: [
      {
        name: 'a',
        points: [
          [0, 3],
          [1, 4],
        ],
        labels: [],
        lines: true,
        markers: false,
      },
    ],
    xAxis: 'epoch',
    yAxis: '',
  });
  expect(plotData('custom', { data: [{ type: 'sunburst' }] }).kind).toBe('other');
  expect(plotData('custom', null).kind).toBe('other');
  expect(plotData('confusion-matrix', { matrix: 'no' }).kind).toBe('other');
});
