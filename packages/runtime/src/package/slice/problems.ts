import type { Diagnostic } from '@run-pipeline/core/model';
import type { Item, Module, Reference } from '../module/module.js';
import type { Effect } from './setup.js';

/** What can be wrong with a step's code, said with both places. */

interface Crossing {
  readonly from: Item;
  readonly reference: Reference;
  /** What it refers to. */
  readonly item: Item;
}

export function referencesPipeline({ from, reference, item }: Crossing): Diagnostic {
  return {
    code: 'references-pipeline',
    severity: 'error',
    message: `the step reaches \`${reference.name}\`, which belongs to the pipeline itself`,
    at: from.module.locate(reference.offset),
    related: [{ message: `\`${reference.name}\` is made here`, at: item.module.locate(item.start) }],
    help: 'a step runs alone, on any machine: pass what it needs as an input',
  };
}

export function referencesStep({ from, reference, item }: Crossing): Diagnostic {
  return {
    code: 'calls-step',
    severity: 'error',
    message: `the step uses another step, \`${reference.name}\``,
    at: from.module.locate(reference.offset),
    related: [{ message: `\`${reference.name}\` is a step`, at: item.module.locate(item.start) }],
    help: `call it from the pipeline and pass its result as an input, or call \`${reference.name}.fn(…)\` to run its code inside this step`,
  };
}

export function callsStepMethod(options: {
  readonly module: Module;
  readonly offset: number;
  readonly name: string;
  readonly step: number;
  readonly stepModule: Module;
}): Diagnostic {
  return {
    code: 'calls-step',
    severity: 'error',
    message: `a step calls another step, \`this.${options.name}\``,
    at: options.module.locate(options.offset),
    related: [{ message: `\`${options.name}\` is a step`, at: options.stepModule.locate(options.step) }],
    help: `take its result as an input, "$<${options.name}.…>", or move the shared code into a method without @Step`,
  };
}

export function setupDrives(effect: Effect, state: Item): Diagnostic {
  const isDirect = effect.changesDirectly.has(state);
  const name = state.declares[0] ?? 'state';
  return {
    code: 'setup-drives-pipeline',
    severity: isDirect ? 'error' : 'warning',
    message: `this statement changes \`${name}\`, which a step needs, and also drives the pipeline: it is left out of the step`,
    at: effect.item.module.locate(effect.item.start),
    related: [{ message: `\`${name}\` is declared here`, at: state.module.locate(state.start) }],
    help: 'change the state in a statement of its own, before the pipeline is made',
  };
}

export function assignsThis(options: {
  readonly module: Module;
  readonly offset: number;
  readonly name: string;
  readonly change: 'assigned' | 'mutated';
  readonly method: string;
}): Diagnostic {
  const isAssigned = options.change === 'assigned';
  return {
    code: isAssigned ? 'assigns-this' : 'mutates-this',
    severity: isAssigned ? 'error' : 'warning',
    message: `step ${options.method} ${isAssigned ? 'assigns' : 'changes'} \`this.${options.name}\`: every step runs with an object of its own, so no other step sees it`,
    at: options.module.locate(options.offset),
    help: 'return it instead, and take it as an input where it is needed',
  };
}

export function thisEscapes(options: {
  readonly module: Module;
  readonly offset: number;
  readonly className: string;
  readonly what: 'this' | 'class';
}): Diagnostic {
  const what = options.what === 'this' ? '`this`' : `the class ${options.className}`;
  return {
    code: 'this-escapes',
    severity: 'warning',
    message: `${what} is used as a value: the step depends on every member of ${options.className} but its steps`,
    at: options.module.locate(options.offset),
    help: 'read members by name (`this.x`), or pass what is needed',
  };
}
