import type { Each } from './each.js';
import type { FileValue } from './file-value.js';
import type { Readings, Returned } from './typed-readings.js';
import type { IsAny, IsLiteral, OtherReading, Reading, ReferencesIn, WholeReference } from './typed-text.js';

/**
 * Whether declared inputs fit what a method takes. Everything here gives `never` when all is well and
 * else what a person reads in the compiler's message: a sentence, or a tuple whose texts and types
 * read as one.
 */
export type InputsMistake<This, Inputs, Args extends readonly unknown[]> =
  IsAny<Inputs> extends true
    ? never
    : Inputs extends readonly unknown[]
      ? PositionalMistake<This, Inputs, Args>
      : NamedMistake<This, Inputs, Args>;

type PositionalMistake<
  This,
  Inputs extends readonly unknown[],
  Args extends readonly unknown[],
> = number extends Inputs['length']
  ? never
  : TakesCount<Args, Inputs> extends true
    ? {
        [Place in keyof Inputs]: Place extends `${infer Index extends number}`
          ? InputMistake<This, Inputs[Place], Args[Index], `inputs[${Index}]`>
          : never;
      }[number]
    : Inputs extends readonly []
      ? 'the method takes inputs, and none are given'
      : Args extends readonly []
        ? 'the method takes no inputs'
        : `the method does not take ${Inputs['length'] & number} input${Inputs['length'] extends 1 ? '' : 's'}`;

/** With optional parameters the length is a union; with a rest parameter any number from the required ones. */
type TakesCount<
  Args extends readonly unknown[],
  Inputs extends readonly unknown[],
> = number extends Args['length']
  ? Inputs extends readonly [...Anything<Args>, ...unknown[]]
    ? true
    : false
  : Inputs['length'] extends Args['length']
    ? true
    : false;
type Anything<Args extends readonly unknown[]> = Args extends readonly [unknown, ...infer Rest]
  ? [unknown, ...Anything<Rest>]
  : [];

type NamedMistake<This, Inputs, Args extends readonly unknown[]> = Args extends readonly []
  ? 'the method takes no inputs'
  : Args extends readonly [(infer Only)?, unknown?, ...unknown[]]
    ? Args extends readonly [unknown?, ...infer Others]
      ? [] extends Others
        ? ObjectMistake<This, Inputs, Exclude<Only, undefined>, 'inputs'>
        : 'inputs by name need a method with one object parameter; give a list'
      : never
    : never;

/** One declared input against the type of the parameter that takes it. */
type InputMistake<This, Given, Takes, Place extends string> =
  IsAny<Given> extends true
    ? never
    : Given extends string
      ? TextMistake<This, Given, Takes, Place>
      : Given extends Each<infer List>
        ? EachMistake<This, List, Takes, Place>
        : Given extends readonly unknown[]
          ? ListMistake<This, Given, Takes, Place>
          : Given extends Leaf
            ? ValueMistake<Given, Takes, Place>
            : Given extends object
              ? ObjectMistake<This, Given, Takes, Place>
              : ValueMistake<Given, Takes, Place>;

/** What is never looked into for references. */
export type Leaf =
  | FileValue
  | Date
  | RegExp
  | { readonly href: string; readonly searchParams: unknown }
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | ArrayBufferView
  | ((...args: never[]) => unknown);

type ValueMistake<Given, Takes, Place extends string> =
  Reading<Given> extends Reading<Takes> ? never : [`${Place}: the method takes`, Takes, 'and not', Given];

type TextMistake<This, Given extends string, Takes, Place extends string> =
  IsLiteral<Given> extends false
    ? never
    : [ReferencesIn<Given>] extends [never]
      ? ValueMistake<Given, Takes, Place>
      : [WholeReference<Given>] extends [never]
        ? TemplateMistake<This, ReferencesIn<Given>, Takes, Place>
        : Fits<Returned<This, WholeReference<Given>>, Takes> extends true
          ? never
          : ReferenceMistake<Readings<This, WholeReference<Given>>, WholeReference<Given>, Takes, Place>;

/** A whole reference: some reading has to fit. */
type ReferenceMistake<Found, Inside extends string, Takes, Place extends string> =
  Reading<Found> extends Reading<never>
    ? `${Place}: there is nothing at \`${Inside}\``
    : Reading<Found> extends Reading<string>
      ? `${Place}: ${Found & string}`
      : Fits<Found, Takes> extends true
        ? never
        : [`${Place}: \`${Inside}\` gives`, Main<Found>, 'and the method takes', Takes];

/** Boxed once more, so that a reading with a type parameter does not defer the answer of another one. */
type Fits<Found, Takes> =
  Reading<true> extends Reading<Found extends Reading<Takes> ? true : false> ? true : false;

/** The reading to show in a message. */
type Main<Found> = Found extends OtherReading<unknown> ? never : Found extends Reading<infer T> ? T : never;

/** Text with references inside: each has to be known, and to have a reading that can be text. */
type TemplateMistake<This, Inside extends string, Takes, Place extends string> =
  | (Inside extends unknown ? InterpolationMistake<Readings<This, Inside>, Inside, Place> : never)
  | (string extends Takes ? never : [`${Place}: the method takes`, Takes, 'and not text']);

type InterpolationMistake<Found, Inside extends string, Place extends string> =
  Reading<Found> extends Reading<never>
    ? `${Place}: there is nothing at \`${Inside}\``
    : Reading<Found> extends Reading<string>
      ? `${Place}: ${Found & string}`
      : Fits<Found, Printable> extends true
        ? never
        : [`${Place}: \`${Inside}\` gives`, Main<Found>, 'which cannot stand inside text'];

type Printable = string | number | bigint | boolean | null | undefined | Date;

type EachMistake<This, List, Takes, Place extends string> = List extends string
  ? [WholeReference<List>] extends [never]
    ? `${Place}: each() takes one reference or an array`
    : EachReferenceMistake<Readings<This, WholeReference<List>>, WholeReference<List>, Takes, Place>
  : List extends readonly (infer Item)[]
    ? InputMistake<This, Item, Takes, Place>
    : never;

type EachReferenceMistake<Found, Inside extends string, Takes, Place extends string> =
  Reading<Found> extends Reading<never>
    ? `${Place}: there is nothing at \`${Inside}\``
    : Reading<Found> extends Reading<string>
      ? `${Place}: ${Found & string}`
      : Fits<Found, readonly Takes[]> extends true
        ? never
        : [`${Place}: \`${Inside}\` gives`, Main<Found>, 'and each() needs a list of', Takes];

type ListMistake<This, Given extends readonly unknown[], Takes, Place extends string> = [
  Extract<Takes, readonly unknown[]>,
] extends [never]
  ? unknown extends Takes
    ? ItemMistakes<This, Given, readonly unknown[], Place>
    : ValueMistake<Writable<Given>, Takes, Place>
  : ItemMistakes<This, Given, Extract<Takes, readonly unknown[]>, Place>;

type Writable<List extends readonly unknown[]> = { -readonly [Place in keyof List]: List[Place] };

type ItemMistakes<
  This,
  Given extends readonly unknown[],
  Takes extends readonly unknown[],
  Place extends string,
> = Given['length'] extends Takes['length']
  ? {
      [Index in keyof Given]: InputMistake<
        This,
        Given[Index],
        Item<Takes, Index>,
        `${Place}[${Index & string}]`
      >;
    }[number]
  : number extends Given['length']
    ? never
    : [`${Place}: the method takes`, Takes, `and not ${Given['length']} items`];

type Item<List extends readonly unknown[], Index> = List extends unknown
  ? Index extends keyof List
    ? List[Index]
    : List[number]
  : never;

type ObjectMistake<This, Given, Takes, Place extends string> =
  IsAny<Takes> extends true
    ? ValueMistakes<This, Given, unknown, Place>
    : unknown extends Takes
      ? ValueMistakes<This, Given, unknown, Place>
      : [Extract<Takes, object>] extends [never]
        ? ValueMistake<Given, Takes, Place>
        : | ValueMistakes<This, Given, Extract<Takes, object>, Place>
          | MissingKey<Given, Extract<Takes, object>, Place>;

type ValueMistakes<This, Given, Takes, Place extends string> = {
  [Key in keyof Given & string]: unknown extends Takes
    ? InputMistake<This, Given[Key], unknown, `${Place}.${Key}`>
    : [KeysOf<Takes>] extends [never]
      ? InputMistake<This, Given[Key], unknown, `${Place}.${Key}`>
      : Key extends KeysOf<Takes>
        ? InputMistake<This, Given[Key], Value<Takes, Key>, `${Place}.${Key}`>
        : `${Place}.${Key}: the method takes no \`${Key}\``;
}[keyof Given & string];

/** Of a union: all keys that one of its members has. */
type KeysOf<T> = T extends unknown ? keyof T : never;
type Value<T, Key> = T extends unknown ? (Key extends keyof T ? T[Key] : never) : never;

/** A required key that is not given. Of a union of objects, those that all members require. */
type MissingKey<Given, Takes, Place extends string> =
  Exclude<RequiredKeys<Takes>, keyof Given> extends infer Missing extends string
    ? [Missing] extends [never]
      ? never
      : `${Place}.${Missing} is missing`
    : never;
type RequiredKeys<T> = { [Key in keyof T & string]: {} extends Pick<T, Key> ? never : Key }[keyof T & string];
