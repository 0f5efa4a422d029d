const LONGEST = 200;

/**
 * Why this cannot be the name of a queue; undefined: it can. A queue's name is data, never a path; this keeps out what
 * nobody could type or see, and so no agent could serve.
 */
export function queueNameProblem(name: string): string | undefined {
  if (name.trim() === '') return 'it is empty';
  if (name.length > LONGEST) return `it is longer than ${LONGEST} characters`;
  return name !== name.trim() || /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(name)
    ? 'it begins or ends with a space, or holds characters that cannot be seen'
    : undefined;
}
