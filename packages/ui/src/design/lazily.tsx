import { useEffect, useReducer, useState, type ComponentType } from 'react';
import { Loading } from './empty-state.js';

/** A component whose file is read when it is first shown, or earlier: `load` may be called ahead. */
export type Lazily<Props> = ComponentType<Props> & { load(): Promise<void> };

/**
 * Like React's own `lazy`, without Suspense: that one keeps a fallback on the screen for a third of a second,
 * however soon the file is there, and shows one even for a file that is there already.
 */
export function lazily<Props extends object>(
  what: string,
  read: () => Promise<{ readonly default: ComponentType<Props> }>,
): Lazily<Props> {
  let Known: ComponentType<Props> | undefined;
  const load = async (): Promise<void> => {
    Known ??= (await read()).default;
  };
  function Lazy(props: Props) {
    const [, drawAgain] = useReducer((times: number) => times + 1, 0);
    const [error, setError] = useState<Error>();
    useEffect(() => {
      if (Known !== undefined) return undefined;
      let left = false;
      load().then(
        () => left || drawAgain(),
        (reason: Error) => left || setError(reason),
      );
      return () => {
        left = true;
      };
    }, []);
    if (error !== undefined) throw error;
    return Known === undefined ? <Loading what={what} /> : <Known {...props} />;
  }
  return Object.assign(Lazy, { load });
}
