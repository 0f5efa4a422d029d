// Executes a bundled pipeline file: `node truth-child.mjs BUNDLE PARAMETERS`. Every step has a module
// state and an instance of its own, and private copies of its inputs, as in a run.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import superjson from 'superjson';

const [bundle, given] = process.argv.slice(2);
const launch = JSON.parse(given);
const values = {};
const count = (await evaluate(0)).steps.length;
for (let index = 0; index < count; index++) {
  const program = await evaluate(index + 1);
  const step = program.steps[index];
  const returned = await step.call(program.instance, argumentsOf(step, program));
  values[step.name] = namedReturns(step.returns, returned);
}
// Each value as superjson's text, which is how a run stores it.
const texts = Object.entries(values).map(([step, returned]) => [
  step,
  Object.fromEntries(Object.entries(returned).map(([name, value]) => [name, superjson.stringify(value)])),
]);
process.stdout.write(JSON.stringify(Object.fromEntries(texts)));

async function evaluate(time) {
  globalThis.noted = { steps: [], parameters: new Map(), class: undefined };
  const { noted } = globalThis;
  await import(`${pathToFileURL(bundle)}?time=${time}`);
  const instance = noted.class === undefined ? undefined : new noted.class();
  const parameters = {};
  for (const [name, options] of noted.parameters) {
    const initial = instance === undefined ? options.default : instance[name];
    const value = name in launch ? coerce(launch[name], initial) : initial;
    parameters[name] = options.type === 'file' ? fileValue(value) : value;
    if (instance !== undefined) instance[name] = parameters[name];
  }
  return { ...noted, instance, parameters };
}

function coerce(text, initial) {
  return typeof initial === 'number' ? Number(text) : text;
}

function fileValue(path) {
  const absolute = resolve(path);
  const bytes = readFileSync(absolute);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { path: absolute, name: basename(absolute), size: bytes.length, sha256 };
}

function argumentsOf(step, program) {
  const { inputs = [] } = step;
  return Array.isArray(inputs) ? inputs.map((input) => read(input, program)) : [read(inputs, program)];
}

/** References are whole strings here; values are copied. */
function read(input, program) {
  if (Array.isArray(input)) return input.map((each) => read(each, program));
  if (typeof input === 'object' && input !== null)
    return Object.fromEntries(Object.entries(input).map(([key, value]) => [key, read(value, program)]));
  const [, step, name] = /^\$<([^.>]+)\.([^.>]+)>$/.exec(input) ?? [];
  if (step === undefined) return input;
  return structuredClone(step === 'pipeline' ? program.parameters[name] : values[step][name]);
}

function namedReturns(returns, value) {
  if (returns === undefined) return value === undefined ? {} : { result: value };
  if (returns.length === 1) return { [returns[0]]: value };
  return Object.fromEntries(returns.map((name) => [name, value[name]]));
}
