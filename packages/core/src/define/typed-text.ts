/**
 * The grammar of references at the level of types: which references stand in a literal text. The exact
 * grammar, for every writing, is checked when the graph is built; here a mistake may slip through, but
 * what is right must never be rejected.
 */

/** The insides of all `$<…>` and `${…}` of a text; never when there are none (or the text is not a literal). */
export type ReferencesIn<Text extends string> = AngleReferences<Text> | BraceReferences<Text>;

/** The inside of a text that is one reference as a whole, so that the value keeps its type. */
export type WholeReference<Text extends string> = Text extends `$<${infer Inside}>`
  ? Inside extends `${string}>${string}`
    ? never
    : Inside
  : Text extends `\${${infer Inside}}`
    ? Inside extends `${string}}${string}`
      ? never
      : DottedName<Inside>
    : never;

/** `$$<` is literal text; a `$<` that is never closed gives an empty inside. */
type AngleReferences<Text extends string> = Text extends `${infer Before}$<${infer Rest}`
  ? IsEscaped<Before> extends true
    ? AngleReferences<Rest>
    : Rest extends `${infer Inside}>${infer After}`
      ? Inside | AngleReferences<After>
      : ''
  : never;

/** `${HOME}` is literal text: in braces only what looks like a reference is one. */
type BraceReferences<Text extends string> = Text extends `${infer Before}\${${infer Rest}`
  ? IsEscaped<Before> extends true
    ? BraceReferences<Rest>
    : Rest extends `${infer Inside}}${infer After}`
      ? DottedName<Inside> | BraceReferences<After>
      : never
  : never;

/** Dollars before a reference are read in pairs, each pair a dollar of text. */
type IsEscaped<Before extends string> = Before extends `${infer Rest}$$`
  ? IsEscaped<Rest>
  : Before extends `${string}$`
    ? true
    : false;

type DottedName<Inside extends string> = Inside extends `${string}.${string}`
  ? Inside extends `${string}${' ' | '(' | ')' | '"' | "'" | '`' | '$' | '{' | '?' | '+' | ',' | ':'}${string}`
    ? never
    : Inside
  : never;

/** The type at a path inside a value, `rows.0.name`; never when there is nothing. */
export type At<T, Path extends string> = Path extends `${infer Head}.${infer Rest}`
  ? At<Property<T, Head>, Rest>
  : Property<T, Path>;

type Property<T, Name extends string> = unknown extends T
  ? T
  : T extends ReadonlyMap<unknown, infer Value>
    ? Value
    : T extends object
      ? Name extends keyof T
        ? T[Name]
        : Name extends `${number}`
          ? T extends ArrayLike<infer Item>
            ? Item
            : never
          : never
      : never;

/**
 * One way in which a reference may be read. A box, so that the alternatives of a union stay together
 * while the readings are told apart; an object, so that a type parameter inside does not defer the check.
 */
export interface Reading<T> {
  readonly value: T;
}

/** A reading that is possible but would not explain a mistake. */
export interface OtherReading<T> extends Reading<T> {
  readonly other: true;
}

/** Not `string`, nor a template with a hole that only the run fills: nothing is known of those. */
export type IsLiteral<Text extends string> = {} extends Record<Text, true> ? false : true;

export type IsAny<T> = 0 extends 1 & T ? true : false;

/** What `STEP.artifacts.NAME.ATTRIBUTE` gives. */
export interface ArtifactAttributes {
  readonly url: string;
  readonly hash: string;
  readonly size: number;
  readonly type: string;
  readonly name: string;
  readonly preview: string;
  readonly createdAt: string;
}
