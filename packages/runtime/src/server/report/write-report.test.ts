import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { ReportData } from '@run-pipeline/core/wire';
import { reportHtml } from './write-report.js';

const data = (text: string): ReportData => ({ format: 1, omitted: [text] }) as unknown as ReportData;

function template(content: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'report-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'report.html');
  writeFileSync(file, content);
  return file;
}

test.each([
  '</script><script>alert(1)</script>',
  '<!--<script>',
  "$& $' $`",
  '\u2028 \u0000 "quoted"',
  '<!--report-data-->',
])('data stay data in the file: %s', (text) => {
  const html = reportHtml(data(text), template('<body><!--report-data--><script src></script></body>'));
  const match =
    /^<body><script type="application\/json" id="report-data">([^<]*)<\/script><script src><\/script><\/body>$/.exec(
      html,
    );
  expect(JSON.parse(match![1]!)).toEqual(data(text));
});

test('a template that is missing or has no place for the data is told', () => {
  expect(() => reportHtml(data(''), template('<body>'))).toThrow('missing or damaged');
  expect(() => reportHtml(data(''), '/nowhere/report.html')).toThrow('/nowhere/report.html');
});
