import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import type { ReportData } from '@run-pipeline/core/wire';
import { ReportPage } from './report-page.js';
import '../design/tokens.css';
import '../design/base.css';

/** The report of one run, as one file: it has its data in itself, and asks nobody for anything. */
const text = document.querySelector('#report-data')?.textContent;
const root = document.querySelector('#root')!;
if (text === undefined || text === null) root.textContent = 'This file holds no run.';
else
  createRoot(root).render(
    <StrictMode>
      <ReportPage data={JSON.parse(text) as ReportData} />
    </StrictMode>,
  );
