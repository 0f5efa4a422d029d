import type { ComponentType } from 'react';
import { TABS, type TabId } from '../address/links.js';
import { oneOf, useQueryState } from '../address/search.js';
import { useSeconds } from '../data/clock.js';
import { useStep, type LiveRun } from '../data/live-run.js';
import { count, duration, elapsed } from '../design/amounts.js';
import { IconButton } from '../design/button.js';
import { EmptyState } from '../design/empty-state.js';
import { CloseIcon } from '../design/icons.js';
import { lazily } from '../design/lazily.js';
import { Status } from '../design/status-icon.js';
import { Tabs, tabId, type Tab } from '../design/tabs.js';
import { isStageName } from '../graph/cards.js';
import { useKeys } from '../keyboard/keys.js';
import { AttemptSelect } from '../step-tab/attempt.js';
import { InfoTab } from './info-tab.js';
import { StagePanel } from './stage-panel.js';
import type { StepTabProps } from '../step-tab/step-tab.js';
import styles from './step-panel.module.css';

const LABELS: Readonly<Record<TabId, string>> = {
  info: 'Info',
  inputs: 'Inputs',
  artifacts: 'Artifacts',
  console: 'Console',
  code: 'Code',
  plots: 'Plots',
  why: 'Why',
  packages: 'Packages',
};

/** Each tab is read when it is first shown. */
const CONTENT: Readonly<Record<TabId, ComponentType<StepTabProps>>> = {
  info: InfoTab,
  inputs: lazily('inputs', () => import('./inputs-tab.js')),
  artifacts: lazily('artifacts', () => import('../artifacts/artifacts-tab.js')),
  console: lazily('the console', () => import('../console/console-tab.js')),
  code: lazily('code', () => import('./code-tab.js')),
  plots: lazily('plots', () => import('../plots/plots-tab.js')),
  why: lazily('why', () => import('./why-tab.js')),
  packages: lazily('packages', () => import('./packages-tab.js')),
};
const PANEL = 'step-tab';

/** What there is to know of one step. */
export function StepPanel(props: {
  readonly live: LiveRun;
  readonly name: string;
  readonly onSelect: (step: string) => void;
  readonly onClose: () => void;
}) {
  const { live, name } = props;
  const step = useStep(live, name);
  if (step === undefined && isStageName(name)) return <StagePanel {...props} />;
  if (step === undefined)
    return (
      <section aria-label={name} className={styles.panel}>
        <header className={styles.head}>
          <h2 className={styles.name}>{name}</h2>
          <IconButton label="Close the step" keys="Esc" onClick={props.onClose}>
            <CloseIcon />
          </IconButton>
        </header>
        <EmptyState title="This run has no such step" small live>
          {live.view.status === 'running' ? 'It may still come.' : undefined}
        </EmptyState>
      </section>
    );
  return <Known {...props} step={step} />;
}

function Known(
  props: Parameters<typeof StepPanel>[0] & { readonly step: NonNullable<ReturnType<typeof useStep>> },
) {
  const { live, name, step } = props;
  const [address, change] = useQueryState();
  const tab = oneOf(TABS, address.get('tab'));
  const show = (id: TabId): void =>
    change({ tab: id === 'info' ? undefined : id, artifact: undefined, line: undefined });
  useKeys(Object.fromEntries(TABS.map((id, index) => [String(index + 1), () => show(id)])));
  const now = useSeconds(step.status === 'running' && live.view.status !== 'lost');
  const tabs: readonly Tab<TabId>[] = TABS.map((id) => ({ id, label: LABELS[id], count: countOf(id, step) }));
  const Content = CONTENT[tab];
  return (
    <section aria-label={`Step ${name}`} className={styles.panel}>
      <header className={styles.head}>
        <h2 className={styles.name} title={name}>
          {name}
        </h2>
        <Status status={step.status} className={styles.status ?? ''} />
        <span className={styles.took}>
          {step.status === 'running' && live.view.status === 'lost'
            ? 'interrupted'
            : step.status === 'running' && step.attemptStartedAt !== undefined
              ? elapsed(now - Date.parse(step.attemptStartedAt))
              : step.durationMs === undefined || step.status === 'cached' || step.status === 'skipped'
                ? ''
                : duration(step.durationMs)}
        </span>
        <AttemptSelect step={step} />
        <IconButton label="Close the step" keys="Esc" onClick={props.onClose} className={styles.close}>
          <CloseIcon />
        </IconButton>
      </header>
      <Tabs label={`About ${name}`} tabs={tabs} selected={tab} onSelect={show} panel={PANEL} />
      <div
        id={PANEL}
        role="tabpanel"
        aria-labelledby={tabId(PANEL, tab)}
        tabIndex={0}
        className={styles.content}
        data-tab={tab}
      >
        {/* Another step is another content: nothing of the one before stays. */}
        <Content key={name} live={live} step={step} onSelect={props.onSelect} />
      </div>
    </section>
  );
}

function countOf(tab: TabId, step: NonNullable<ReturnType<typeof useStep>>): number | undefined {
  const value =
    tab === 'artifacts'
      ? step.artifacts.length
      : tab === 'packages'
        ? Object.keys(step.dependencies ?? {}).length
        : tab === 'plots'
          ? step.reports.length
          : 0;
  return value === 0 ? undefined : Number(count(value).replaceAll(',', ''));
}
