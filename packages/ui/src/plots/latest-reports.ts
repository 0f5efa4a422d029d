import type { Report } from '@run-pipeline/core/model';

/** Of what was reported again the latest; texts all, in their order. */
export function latestReports(reports: readonly Report[]) {
  const values = new Map<string, Extract<Report, { readonly kind: 'single-value' }>>();
  const plots = new Map<string, Extract<Report, { readonly kind: 'plot' }>>();
  const tables = new Map<string, Extract<Report, { readonly kind: 'table' }>>();
  const images = new Map<string, Extract<Report, { readonly kind: 'image' | 'media' }>>();
  const texts: Extract<Report, { readonly kind: 'text' }>[] = [];
  for (const report of reports) {
    if (report.kind === 'single-value') values.set(report.name, report);
    else if (report.kind === 'text') texts.push(report);
    else if (report.kind === 'plot') plots.set(`${report.title}\n${report.series}`, report);
    else if (report.kind === 'table') tables.set(`${report.title}\n${report.series}`, report);
    else if (report.kind === 'image' || report.kind === 'media')
      images.set(`${report.title}\n${report.series}`, report);
  }
  return {
    values: [...values.values()],
    plots: [...plots.values()],
    tables: [...tables.values()],
    images: [...images.values()],
    texts,
  };
}
