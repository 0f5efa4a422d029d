// A process that executes one command line after the other, each as `run-pipeline ARGS` would in a process of
// its own: the built program is imported anew (the query makes it another module; what it imports stays loaded),
// with the words, the directory and the environment of the command.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [binary, program] = process.argv.slice(2);
const exit = process.exit.bind(process);
/** What pipelines declare themselves in. */
const REGISTRY = Symbol.for('run-pipeline.registry');
let number = 0;

// It starts its service in the directory where it was loaded, which must not be one that a test removes.
process.chdir('/');
createRequire(program)('esbuild');

process.on('disconnect', () => exit(0));
process.on('message', async (question) => process.send(await answer(question)));

async function answer({ args, cwd, env }) {
  process.chdir(cwd);
  process.env = env;
  process.argv = [process.execPath, binary, ...args];
  const [stdout, stderr] = [hear(process.stdout), hear(process.stderr)];
  const code = await new Promise((resolve, reject) => {
    process.exit = (code = process.exitCode ?? 0) => {
      for (const listener of process.listeners('exit')) listener(code);
      resolve(code);
    };
    number += 1;
    import(`${pathToFileURL(program).href}?question=${number}`).catch(reject);
  });
  for (const event of ['exit', 'uncaughtException']) process.removeAllListeners(event);
  process.exitCode = undefined;
  delete globalThis[REGISTRY];
  process.chdir('/'); // tests remove their directories
  return { code, stdout: stdout(), stderr: stderr() };
}

/** What is written to the stream, and no longer goes there; heard until it is asked for. */
function hear(stream) {
  const { write } = stream;
  const chunks = [];
  stream.write = (chunk, ...rest) => {
    chunks.push(Buffer.from(chunk, typeof rest[0] === 'string' ? rest[0] : undefined));
    rest.find((item) => typeof item === 'function')?.();
    return true;
  };
  return () => {
    stream.write = write;
    stream.removeAllListeners('error');
    return Buffer.concat(chunks).toString('utf8');
  };
}
