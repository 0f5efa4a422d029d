import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Refusal } from '../refusal.js';
import type { Place } from './place.js';
import type { Answer, Question } from './question.js';

/** The file is evaluated and its steps are packaged: seconds at most. One that never ends is killed. */
const PATIENCE_MS = 60_000;
const MOST_AT_ONCE = 4;

let asking = 0;

/** Asks a process of its own, which is killed when nobody waits for the answer any more. */
export async function ask(question: Question, place: Place, signal: AbortSignal): Promise<Answer> {
  if (asking >= MOST_AT_ONCE)
    throw new Refusal(503, 'busy', 'the server is evaluating other files; try again in a moment');
  asking++;
  try {
    return await answerOf(question, place, signal);
  } finally {
    asking--;
  }
}

function answerOf(question: Question, place: Place, signal: AbortSignal): Promise<Answer> {
  const child = fork(fileURLToPath(new URL('./question.js', import.meta.url)), {
    ...place,
    execArgv: [],
    serialization: 'json',
    // What the file prints is of no interest here.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const kill = (): void => void child.kill('SIGKILL');
  const timer = setTimeout(kill, PATIENCE_MS);
  signal.addEventListener('abort', kill, { once: true });
  return new Promise<Answer>((done, fail) => {
    child.once('message', (message) => done(message as Answer));
    child.once('error', fail);
    // `exit` may come before its answer was read; `close` comes after.
    child.once('close', () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', kill);
      done({
        kind: 'failed',
        code: 'no-answer',
        message: 'the file of the pipeline could not be looked at: its evaluation did not come to an end',
        help: 'Try run-pipeline check with it in a terminal.',
      });
    });
    child.send(question);
  });
}
