import { readFileSync } from 'node:fs';
import type { ReportData } from '@run-pipeline/core/wire';
import { RunPipelineError } from '@run-pipeline/core/model';

/** Where the data go in the template that the page's build makes. */
const PLACE = '<!--report-data-->';

/** The report as one HTML file. */
export function reportHtml(data: ReportData, templateFile: string): string {
  const template = readTemplate(templateFile);
  const at = template.indexOf(PLACE);
  if (at === -1) throw noTemplate(templateFile);
  // Nothing in the data can end the element, nor open a comment in it.
  const json = JSON.stringify(data).replaceAll('<', '\\u003c');
  return `${template.slice(0, at)}<script type="application/json" id="report-data">${json}</script>${template.slice(at + PLACE.length)}`;
}

function readTemplate(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw noTemplate(file);
    throw error;
  }
}

const noTemplate = (file: string): RunPipelineError =>
  new RunPipelineError({
    kind: 'store',
    code: 'no-report-template',
    message: `the template of reports is missing or damaged: ${file}`,
    help: 'Install run-pipeline again; from its sources, npm run build makes it.',
  });
