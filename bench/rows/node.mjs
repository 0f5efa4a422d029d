import { repeat, wholeProcess } from '../measure.mjs';

/** What node itself costs here, now. */
export const node = () => repeat(7, () => wholeProcess(process.execPath, ['-e', '0']));
