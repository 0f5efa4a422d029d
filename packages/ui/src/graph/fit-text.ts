/** SVG has no ellipsis: text is cut to its room, by measured widths. */
const cache = new Map<string, string>();
const MOST_KEPT = 20_000;
let context: CanvasRenderingContext2D | null | undefined;

export function fitText(text: string, width: number, font: string): string {
  const key = `${font}\n${width}\n${text}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const cut = cutTo(text, width, font);
  if (cache.size >= MOST_KEPT) cache.clear();
  cache.set(key, cut);
  return cut;
}

export function textWidth(text: string, font: string): number {
  context ??= document.createElement('canvas').getContext('2d');
  if (context === null) return 0;
  context.font = font;
  return context.measureText(text).width;
}

function cutTo(text: string, width: number, font: string): string {
  const fits = (candidate: string): boolean => textWidth(candidate, font) <= width;
  // Nobody reads more, and measuring a novel takes time.
  const start = text.length > 300 ? text.slice(0, 300) : text;
  if (start === text && fits(text)) return text;
  // Names are told apart by their ends as often as by their beginnings.
  const characters = [...start];
  let low = 0;
  let high = characters.length;
  const shown = (kept: number): string => {
    const tail = Math.floor(kept * 0.35);
    return `${characters.slice(0, kept - tail).join('')}…${tail === 0 ? '' : characters.slice(-tail).join('')}`;
  };
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(shown(middle))) low = middle;
    else high = middle - 1;
  }
  return shown(low);
}
