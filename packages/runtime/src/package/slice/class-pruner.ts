import { isPresent } from '../module/syntax.js';
import type { Diagnostic } from '@run-pipeline/core/model';
import type { Module } from '../module/module.js';
import type { ClassShape, Member, MemberUse } from './class-members.js';
import { assignsThis, callsStepMethod, thisEscapes } from './problems.js';
import type { ClassSlice } from './slice.js';

/**
 * Prunes a class and its base classes to what one method reaches: members read through `this`,
 * `super`, the class's name and private names; the constructor and the heritage only when `this` is
 * used. When `this` escapes, everything but the steps stays.
 */
export class ClassPruner {
  readonly diagnostics: Diagnostic[] = [];
  readonly classState: { readonly id: string; readonly offset: number; readonly module: Module }[] = [];
  readonly #chain: readonly ClassShape[];
  readonly #method: string;
  readonly #kept: Set<Member>[];
  readonly #queue: { readonly member: Member; readonly level: number; readonly making: boolean }[] = [];
  #usesInstance = false;
  #escaped = false;
  #wholeClass = false;

  constructor(options: { readonly chain: readonly ClassShape[]; readonly method: string }) {
    this.#chain = options.chain;
    this.#method = options.method;
    this.#kept = options.chain.map(() => new Set());
  }

  /** The classes of the chain that are kept, the class itself first. */
  run(): ClassSlice[] {
    this.#keepByName({ name: this.#method, isStatic: false, from: 0, making: false });
    this.#drain();
    if (this.#usesInstance) this.#keepMaking();
    const reachesBase = this.#kept.map((_members, level) =>
      this.#kept.slice(level + 1).some((kept) => kept.size > 0),
    );
    return this.#chain.flatMap((shape, level) => {
      const heritage = this.#usesInstance || reachesBase[level] === true;
      const needed =
        level === 0 || this.#usesInstance || this.#kept.slice(level).some((kept) => kept.size > 0);
      return needed ? [{ shape, kept: this.#kept[level]!, heritage }] : [];
    });
  }

  get reads(): readonly string[] | 'all' {
    if (this.#escaped) return 'all';
    const names = this.#kept.flatMap((kept) =>
      [...kept].flatMap((member) => (member.parameter ? (member.name ?? []) : [])),
    );
    return [...new Set(names)].sort();
  }

  /** What making an instance runs: constructors, computed members; all of it under an unknown base class. */
  #keepMaking(): void {
    const last = this.#chain[this.#chain.length - 1];
    const hasUnknownBase = isPresent(last?.node.superClass);
    this.#chain.forEach((shape, level) => {
      for (const member of shape.members) {
        if (member.step) continue;
        const isComputed = member.name === undefined && member.kind !== 'static-block';
        if (member.kind === 'constructor' || isComputed || hasUnknownBase) this.#keep(member, level, true);
      }
    });
    this.#drain();
  }

  #drain(): void {
    for (let next = this.#queue.pop(); next !== undefined; next = this.#queue.pop()) {
      const { member, level, making } = next;
      for (const use of member.uses) this.#use(use, member, level, making);
      if (member.static) this.#keepStaticBlocks(level);
    }
  }

  #use(use: MemberUse, member: Member, level: number, making: boolean): void {
    const { module } = this.#chain[level]!.item;
    switch (use.kind) {
      case 'this': {
        this.#usesInstance = true;
        const change = making ? 'none' : use.change;
        if (change !== 'none') {
          this.diagnostics.push(
            assignsThis({ module, offset: use.offset, name: use.name, change, method: this.#method }),
          );
        }
        this.#keepByName({
          name: use.name,
          isStatic: false,
          from: use.name.startsWith('#') ? level : 0,
          making,
          by: { module, offset: use.offset },
        });
        return;
      }
      case 'super':
        if (!member.static) this.#usesInstance = true;
        this.#keepByName({ name: use.name, isStatic: member.static, from: level + 1, making });
        return;
      case 'class':
        if (use.change !== 'none' && member.kind !== 'static-block') {
          this.classState.push({ id: `${this.#className(level)}.${use.name}`, offset: use.offset, module });
        }
        this.#keepByName({ name: use.name, isStatic: true, from: level, making });
        return;
      case 'this-escapes':
        this.#usesInstance = true;
        this.#escape('this', level, use.offset);
        return;
      case 'class-escapes':
        this.#escape('class', level, use.offset);
        return;
      case 'super-call':
        this.#usesInstance = true;
    }
  }

  /** Whether the code that gets `this` calls a member is not known: what members assign is not judged. */
  #escape(what: 'this' | 'class', level: number, offset: number): void {
    if (what === 'this' ? this.#escaped : this.#wholeClass) return;
    this.#escaped = true;
    if (what === 'class') this.#wholeClass = true;
    const { item } = this.#chain[level]!;
    this.diagnostics.push(
      thisEscapes({ module: item.module, offset, className: this.#className(level), what }),
    );
    this.#chain.forEach((shape, at) => {
      for (const member of shape.members) {
        if (!member.step && (!member.static || what === 'class')) this.#keep(member, at, true);
      }
    });
  }

  #keepByName(options: {
    readonly name: string;
    readonly isStatic: boolean;
    readonly from: number;
    readonly making: boolean;
    readonly by?: { readonly module: Module; readonly offset: number };
  }): void {
    const { name, isStatic, from, making, by } = options;
    for (let level = from; level < this.#chain.length; level += 1) {
      const shape = this.#chain[level]!;
      const members = (shape.byName.get(name) ?? []).filter((member) => member.static === isStatic);
      if (members.length === 0) continue;
      for (const member of members) {
        if (member.step && name !== this.#method && by !== undefined) {
          this.diagnostics.push(
            callsStepMethod({ ...by, name, step: member.node.start, stepModule: shape.item.module }),
          );
          continue;
        }
        this.#keep(member, level, making || member.kind === 'field');
      }
      return;
    }
  }

  /** `making`: it runs while an instance is made, where assigning `this.x` is as it should be. */
  #keep(member: Member, level: number, making: boolean): void {
    const kept = this.#kept[level]!;
    if (kept.has(member)) return;
    kept.add(member);
    this.#queue.push({ member, level, making });
  }

  #keepStaticBlocks(level: number): void {
    for (const member of this.#chain[level]!.members) {
      if (member.kind === 'static-block') this.#keep(member, level, true);
    }
  }

  #className(level: number): string {
    const shape = this.#chain[level]!;
    return shape.item.declares[0] ?? shape.node.id?.name ?? 'the class';
  }
}
