import { useSyncExternalStore } from 'react';

/** A token's colour as a canvas understands it: of the scheme that the element is shown in. */
export function resolvedColour(element: HTMLElement, token: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${token})`;
  probe.style.display = 'none';
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

const dark = matchMedia('(prefers-color-scheme: dark)');

/** Changes when light becomes dark: what was drawn on a canvas has to be drawn anew. */
export const useSchemeChange = (): string =>
  useSyncExternalStore(
    (listener) => {
      dark.addEventListener('change', listener);
      const observer = new MutationObserver(listener);
      observer.observe(document.documentElement, { attributes: true, attributeFilter: ['data-scheme'] });
      return () => {
        dark.removeEventListener('change', listener);
        observer.disconnect();
      };
    },
    () => `${document.documentElement.dataset['scheme'] ?? ''} ${dark.matches}`,
  );
