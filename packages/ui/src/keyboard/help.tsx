import { Dialog } from '../design/dialog.js';
import { modName } from './keys.js';
import styles from './help.module.css';

const GROUPS: readonly { readonly title: string; readonly keys: readonly (readonly [string, string])[] }[] = [
  {
    title: 'Everywhere',
    keys: [
      ['MOD K', 'Go to a run, a step or an action'],
      ['/', 'Filter what is shown'],
      ['Esc', 'Close, or leave the filter'],
      ['?', 'This list'],
    ],
  },
  {
    title: 'A run',
    keys: [
      ['g', 'Graph'],
      ['t', 'Table'],
      ['l', 'Timeline'],
      ['f', 'Next failure'],
      ['F', 'Failure before'],
      ['r', 'Run again'],
    ],
  },
  {
    title: 'Graph',
    keys: [
      ['← →', 'Along an edge: to a parent, to a child'],
      ['↑ ↓', 'To the neighbour in the same column'],
      ['Enter', 'Open the step'],
      ['+ − 0', 'Larger, smaller, everything'],
    ],
  },
  {
    title: 'Timeline',
    keys: [
      ['↑ ↓', 'Step before, next step'],
      ['+ − 0', 'A shorter stretch of time, a longer one, all of it'],
      ['← →', 'Earlier, later'],
    ],
  },
  {
    title: 'A step',
    keys: [
      ['1 – 8', 'Info, inputs, artifacts, console, code, plots, why, packages'],
      ['[ ]', 'Attempt before, next attempt'],
      ['Esc', 'Close the step'],
    ],
  },
  {
    title: 'A list',
    keys: [
      ['j k', 'Next, before'],
      ['Enter', 'Open'],
      ['x', 'Choose it for comparing'],
      ['c', 'Compare what is chosen'],
    ],
  },
];

export function Help({ onClose }: { readonly onClose: () => void }) {
  return (
    <Dialog label="Keyboard shortcuts" onClose={onClose} wide>
      <h2 className={styles.title}>Keyboard shortcuts</h2>
      {/* Focus has to be somewhere for arrows to scroll. */}
      <div className={styles.groups} tabIndex={0} role="region" aria-label="Keyboard shortcuts">
        {GROUPS.map(({ title, keys }) => (
          <section key={title} className={styles.group}>
            <h3>{title}</h3>
            <dl>
              {keys.map(([key, does]) => (
                <div key={key} className={styles.row}>
                  <dt>
                    {key
                      .replace('MOD', modName())
                      .split(' ')
                      .map((part) => (
                        <kbd key={part}>{part}</kbd>
                      ))}
                  </dt>
                  <dd>{does}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
