/** What of the graph is seen: `screen = world * k + (x, y)`. */
export interface Viewport {
  readonly x: number;
  readonly y: number;
  readonly k: number;
}
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

const LEAST = 0.04;
const MOST = 2;
const MARGIN = 24;

export const bounded = (k: number): number => Math.min(MOST, Math.max(LEAST, k));

/** Larger or smaller, with the point (on the screen) staying where it is. */
export function zoom(
  view: Viewport,
  factor: number,
  at: { readonly x: number; readonly y: number },
): Viewport {
  const k = bounded(view.k * factor);
  const scale = k / view.k;
  return { k, x: at.x - (at.x - view.x) * scale, y: at.y - (at.y - view.y) * scale };
}

/** All of it, not larger than life. Small graphs stand at the top, where one looks first. */
export function fit(
  size: { readonly width: number; readonly height: number },
  screen: { readonly width: number; readonly height: number },
): Viewport {
  const k = bounded(
    Math.min(
      1,
      (screen.width - 2 * MARGIN) / Math.max(1, size.width),
      (screen.height - 2 * MARGIN) / Math.max(1, size.height),
    ),
  );
  return {
    k,
    x: (screen.width - size.width * k) / 2,
    y: Math.max(
      MARGIN,
      (screen.height - size.height * k) / 2 - (screen.height > size.height * k + 200 ? 40 : 0),
    ),
  };
}

/** Moved as little as needed for the box (in the world) to be seen. */
export function reveal(
  view: Viewport,
  box: Box,
  screen: { readonly width: number; readonly height: number },
): Viewport {
  const shift = (low: number, high: number, size: number): number => {
    if (low < MARGIN) return MARGIN - low;
    if (high > size - MARGIN) return Math.max(size - MARGIN - high, MARGIN - low);
    return 0;
  };
  return {
    k: view.k,
    x: view.x + shift(box.left * view.k + view.x, box.right * view.k + view.x, screen.width),
    y: view.y + shift(box.top * view.k + view.y, box.bottom * view.k + view.y, screen.height),
  };
}

export const centre = (
  view: Viewport,
  box: Box,
  screen: { readonly width: number; readonly height: number },
): Viewport => ({
  k: view.k,
  x: screen.width / 2 - ((box.left + box.right) / 2) * view.k,
  y: screen.height / 2 - ((box.top + box.bottom) / 2) * view.k,
});

/** Moved so far that no side shows emptiness while there is more of the graph on the other one. */
export function filled(
  view: Viewport,
  size: { readonly width: number; readonly height: number },
  screen: { readonly width: number; readonly height: number },
): Viewport {
  const place = (at: number, length: number, room: number): number =>
    length <= room - 2 * MARGIN
      ? (room - length) / 2
      : Math.min(MARGIN, Math.max(room - MARGIN - length, at));
  return {
    k: view.k,
    x: place(view.x, size.width * view.k, screen.width),
    y: place(view.y, size.height * view.k, screen.height),
  };
}

/** The part of the world that is on the screen, and some around it. */
export function seen(
  view: Viewport,
  screen: { readonly width: number; readonly height: number },
  around: number,
): Box {
  const width = screen.width / view.k;
  const height = screen.height / view.k;
  const left = -view.x / view.k;
  const top = -view.y / view.k;
  return {
    left: left - width * around,
    top: top - height * around,
    right: left + width * (1 + around),
    bottom: top + height * (1 + around),
  };
}

export const contains = (outer: Box, inner: Box): boolean =>
  outer.left <= inner.left &&
  outer.top <= inner.top &&
  outer.right >= inner.right &&
  outer.bottom >= inner.bottom;
