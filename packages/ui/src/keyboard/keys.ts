import { useEffect, useRef } from 'react';

/** By key as in `KeyboardEvent.key`; `mod+k` is Ctrl or ⌘. */
export type Keys = Readonly<Record<string, (event: KeyboardEvent) => void>>;

const layers: { current: Keys }[] = [];
let listening = false;

/**
 * Shortcuts while mounted. Of several that know a key the one mounted last has it. None while a
 * dialog is open or somebody types, except those with `mod+`.
 */
export function useKeys(keys: Keys): void {
  const ref = useRef(keys);
  useEffect(() => {
    ref.current = keys;
  });
  useEffect(() => {
    if (!listening) addEventListener('keydown', dispatch);
    listening = true;
    layers.push(ref);
    return () => {
      layers.splice(layers.indexOf(ref), 1);
    };
  }, []);
}

function dispatch(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing || event.altKey) return;
  const mod = event.ctrlKey || event.metaKey;
  if (!mod && (isTyping(event.target) || document.querySelector('dialog[open]') !== null)) return;
  const key = mod ? `mod+${event.key.toLowerCase()}` : event.key;
  for (let index = layers.length - 1; index >= 0; index--) {
    const handler = layers[index]?.current[key];
    if (handler === undefined) continue;
    event.preventDefault();
    handler(event);
    return;
  }
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (
    target.isContentEditable ||
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement
  )
    return true;
  return (
    target instanceof HTMLInputElement && !['checkbox', 'radio', 'button', 'range'].includes(target.type)
  );
}

export const isApple = (): boolean => /Mac|iPhone|iPad/.test(navigator.platform);
export const modName = (): string => (isApple() ? '⌘' : 'Ctrl');
