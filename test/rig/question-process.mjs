// A process that answers one question after the other, each as `run-pipeline ARGS` would in a process of its
// own: the built program is imported anew (the query makes it another module; what it imports stays loaded),
// with the words, the directory and the environment of the question.
import { pathToFileURL } from 'node:url';

const [program] = process.argv.slice(2);
const exit = process.exit.bind(process);
let turn = Promise.resolve();
let number = 0;

process.on('disconnect', () => exit(0));
process.on('message', (question) => {
  turn = turn.then(async () => process.send(await answer(question)));
});

async function answer({ id, args, cwd, env }) {
  process.chdir(cwd);
  process.env = env;
  process.argv = [process.execPath, program, ...args];
  const [stdout, stderr] = [hear(process.stdout), hear(process.stderr)];
  const code = await new Promise((resolve, reject) => {
    process.exit = resolve;
    number += 1;
    import(`${pathToFileURL(program).href}?question=${number}`).catch(reject);
  });
  for (const event of ['exit', 'uncaughtException']) process.removeAllListeners(event);
  process.chdir('/'); // tests remove their directories
  return { id, code, stdout: stdout(), stderr: stderr() };
}

/** What is written to the stream, and no longer goes there; heard until it is asked for. */
function hear(stream) {
  const { write } = stream;
  const chunks = [];
  stream.write = (chunk, ...rest) => {
    chunks.push(Buffer.from(chunk));
    rest.find((item) => typeof item === 'function')?.();
    return true;
  };
  return () => {
    stream.write = write;
    stream.removeAllListeners('error');
    return Buffer.concat(chunks).toString('utf8');
  };
}
