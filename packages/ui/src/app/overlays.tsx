import { useCallback } from 'react';
import { useLocation } from 'wouter';
import { runHref } from '../address/links.js';
import { useResource } from '../data/queries.js';
import { openOverlay, useOverlay, type Command } from '../keyboard/commands.js';
import { Help } from '../keyboard/help.js';
import { Palette } from '../keyboard/palette.js';

export function Overlays() {
  const overlay = useOverlay();
  const close = useCallback(() => openOverlay(undefined), []);
  if (overlay === 'palette') return <Palette onClose={close} useFound={useFoundRuns} />;
  if (overlay === 'help') return <Help onClose={close} />;
  return null;
}

/** Runs that the server finds for what was typed; the newest ones for nothing. A hook of the palette. */
function useFoundRuns(text: string): readonly Command[] {
  const [, navigate] = useLocation();
  const { data } = useResource('GET /api/runs', { query: { q: text, limit: 8 } }, { keep: true });
  return (data?.runs ?? []).map((run) => ({
    id: `run-${run.id}`,
    label: `${run.pipeline} #${run.number}`,
    group: 'Run',
    hint: `${run.status} · ${run.project}`,
    run: () => navigate(runHref(run.id)),
  }));
}
