import type { ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { queuesHref, runsHref, tasksHref } from '../address/links.js';
import { useSession } from '../data/queries.js';
import { IconButton } from '../design/button.js';
import { cx } from '../design/class-names.js';
import { AutoIcon, HelpIcon, MoonIcon, SearchIcon, SunIcon } from '../design/icons.js';
import { Notice } from '../design/notice.js';
import { openOverlay, useCommands } from '../keyboard/commands.js';
import { modName, useKeys } from '../keyboard/keys.js';
import { Connection } from './connection.js';
import { Overlays } from './overlays.js';
import { useScheme, type Scheme } from './scheme.js';
import styles from './shell.module.css';

const PLACES = [
  { name: 'Runs', href: runsHref(), under: /^\/(?:$|p\/|runs\/|compare)/ },
  { name: 'Tasks', href: tasksHref(), under: /^\/tasks/ },
  { name: 'Queues', href: queuesHref(), under: /^\/queues/ },
] as const;

const SCHEME_WORD: Readonly<Record<Scheme, string>> = {
  system: 'Colours: as the system',
  light: 'Colours: light',
  dark: 'Colours: dark',
};

export function Shell({ children }: { readonly children: ReactNode }) {
  const [path, navigate] = useLocation();
  const [scheme, nextScheme] = useScheme();
  const session = useSession();
  useKeys({
    'mod+k': () => openOverlay('palette'),
    '?': () => openOverlay('help'),
  });
  useCommands(() => [
    ...PLACES.map(({ name, href }) => ({
      id: `place-${name}`,
      label: name,
      group: 'Go to',
      run: () => navigate(href),
    })),
    { id: 'scheme', label: 'Change colours', group: 'Page', hint: SCHEME_WORD[scheme], run: nextScheme },
    { id: 'help', label: 'Keyboard shortcuts', group: 'Page', keys: '?', run: () => openOverlay('help') },
  ]);
  return (
    <div className={styles.shell}>
      <a className={styles.skip} href="#main">
        Skip to the content
      </a>
      <header className={styles.bar}>
        <Link href="/" className={styles.home ?? ''} title={session.data?.root}>
          <svg aria-hidden="true" width="20" height="20" viewBox="0 0 32 32">
            <path
              d="M7 8h7a5 5 0 0 1 5 5v6a5 5 0 0 0 5 5h1"
              fill="none"
              stroke="currentColor"
              strokeWidth="3"
              strokeLinecap="round"
            />
            <circle cx="7" cy="8" r="4.5" fill="currentColor" />
            <circle cx="25" cy="24" r="4.5" fill="currentColor" />
          </svg>
          <span className={styles.name}>{session.data?.project ?? 'run-pipeline'}</span>
        </Link>
        <nav aria-label="Screens" className={styles.nav}>
          {PLACES.map(({ name, href, under }) => (
            <Link
              key={name}
              href={href}
              className={cx(styles.place, under.test(path) && styles.here)}
              aria-current={under.test(path) ? 'page' : undefined}
            >
              {name}
            </Link>
          ))}
        </nav>
        <div className={styles.end}>
          <button
            type="button"
            className={styles.find}
            onClick={() => openOverlay('palette')}
            title="Go to a run, a step or an action"
          >
            <SearchIcon size={14} />
            <span className={styles.findWord}>Go to…</span>
            <kbd>{modName()} K</kbd>
          </button>
          <IconButton label={SCHEME_WORD[scheme]} onClick={nextScheme}>
            {scheme === 'system' ? <AutoIcon /> : scheme === 'light' ? <SunIcon /> : <MoonIcon />}
          </IconButton>
          <IconButton label="Keyboard shortcuts" keys="?" onClick={() => openOverlay('help')}>
            <HelpIcon />
          </IconButton>
        </div>
      </header>
      <Connection />
      <main id="main" className={styles.main} tabIndex={-1}>
        {children}
      </main>
      <Overlays />
      <Notice />
    </div>
  );
}
