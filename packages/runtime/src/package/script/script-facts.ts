import type { Diagnostic, SourceLocation } from '@run-pipeline/core/model';
import { passesEnvironmentOn } from '../module/environment-reads.js';
import type { ItemFact, Module } from '../module/module.js';
import {
  commonJsGlobal,
  evaluatedText,
  filesNotPackaged,
  isTypeofOperand,
  unknownImport,
} from '../slice/facts.js';
import { mainComparison } from './emit-module.js';

/** What is known of a script's code beyond its text. */
export interface ScriptFacts {
  /** Names of `process.env` read statically, sorted. */
  readonly env: readonly string[];
  readonly readsEnvDynamically: boolean;
  readonly diagnostics: readonly Diagnostic[];
}

export function scriptFacts(modules: Iterable<Module>): ScriptFacts {
  const env = new Set<string>();
  const diagnostics: Diagnostic[] = [];
  let readsEnvDynamically = false;
  for (const module of modules) {
    const passedOn = passesEnvironmentOn(module);
    if (passedOn !== undefined) {
      readsEnvDynamically = true;
      diagnostics.push(dynamicEnv(module.locate(passedOn)));
    }
    for (const item of module.items) {
      for (const fact of item.facts) {
        if (fact.kind === 'env' && fact.name !== undefined) env.add(fact.name);
        readsEnvDynamically ||= fact.kind === 'env' && fact.name === undefined;
        const finding = findingOf(module, fact, module.locate(fact.offset));
        if (finding !== undefined) diagnostics.push(finding);
      }
    }
  }
  return { env: [...env].sort(), readsEnvDynamically, diagnostics };
}

function findingOf(module: Module, fact: ItemFact, at: SourceLocation): Diagnostic | undefined {
  switch (fact.kind) {
    case 'env':
      return fact.name === undefined ? dynamicEnv(at) : undefined;
    case 'import-meta':
      return fact.member === 'main'
        ? undefined
        : filesNotPackaged(`import.meta${fact.member === undefined ? '' : `.${fact.member}`}`, at);
    case 'dynamic-import':
      return fact.specifier === undefined ? unknownImport('import', 'script', at) : undefined;
    case 'require':
      return fact.specifier === undefined ? unknownImport('require', 'script', at) : undefined;
    case 'global':
      return globalFinding(module, fact, at);
    case 'impure':
    case 'top-level-await':
      return undefined;
  }
}

function globalFinding(
  module: Module,
  fact: Extract<ItemFact, { kind: 'global' }>,
  at: SourceLocation,
): Diagnostic | undefined {
  switch (fact.name) {
    case 'eval':
      return evaluatedText(at);
    case '__dirname':
    case '__filename':
      return isTypeofOperand(module, fact) ? undefined : filesNotPackaged(fact.name, at);
    case 'module':
    case 'exports': {
      const isModuleSyntax = module.program.body.some((statement) => /^(?:Im|Ex)port/.test(statement.type));
      return !isModuleSyntax || isTypeofOperand(module, fact) || isInMainComparison(module, fact)
        ? undefined
        : commonJsGlobal(fact.name, at);
    }
    default:
      return undefined;
  }
}

function isInMainComparison(module: Module, fact: Extract<ItemFact, { kind: 'global' }>): boolean {
  const parent = module.parents.get(fact.node);
  if (parent?.type !== 'BinaryExpression') return false;
  const other = parent.left === fact.node ? parent.right : parent.left;
  return (
    other.type === 'MemberExpression' &&
    other.object.type === 'Identifier' &&
    other.object.name === 'require' &&
    mainComparison(module, other.object) !== undefined
  );
}

const dynamicEnv = (at: SourceLocation): Diagnostic => ({
  code: 'dynamic-env',
  severity: 'warning',
  message: 'the script reads process.env in a way that does not tell which variables',
  at,
  help: 'read variables by name: process.env.NAME',
});
