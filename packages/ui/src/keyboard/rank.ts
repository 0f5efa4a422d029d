import type { Command } from './commands.js';

/** Those that hold the letters in this order; whole words first, then parts, then scattered letters. */
export function rank(commands: readonly Command[], text: string): readonly Command[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === '') return commands;
  return commands
    .map((command, index) => ({ command, index, score: score(command.label.toLowerCase(), wanted) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score || a.index - b.index)
    .map(({ command }) => command);
}

function score(label: string, wanted: string): number {
  const at = label.indexOf(wanted);
  if (at === 0) return 4 + wanted.length / label.length;
  if (at > 0) return (/[\s_[\]./-]/.test(label[at - 1] ?? '') ? 3 : 2) + wanted.length / label.length;
  let from = 0;
  for (const letter of wanted) {
    const found = label.indexOf(letter, from);
    if (found < 0) return 0;
    from = found + 1;
  }
  return wanted.length / label.length;
}
