import { type FileValue, Parameter, Pipeline, Step, each, run } from 'run-pipeline';

interface Row {
  a: number;
}

export class Iris {
  url = 'x';
  names = ['a'];
  settings = { rate: 0.1 };
  maybe: number | undefined = 1;

  @Step({ inputs: ['$<pipeline.url>'], returns: ['data_frame'] }) async step_one(
    url: string,
  ): Promise<Row[]> {
    return [{ a: url.length }];
  }
  @Step({ returns: ['train', 'test'] }) step_two(): { train: Row[]; test: Row[] } {
    return { train: [], test: [] };
  }

  // Names
  // @ts-expect-error says: inputs[0]: there is no step `step_nine`
  @Step({ inputs: ['$<step_nine.data_frame>'] }) bad_step(n: Row[]) {
    return n;
  }
  // @ts-expect-error says: inputs[0]: there is no step `step_nine`
  @Step({ inputs: ['${step_nine.data_frame}'] }) bad_step_in_braces(n: Row[]) {
    return n;
  }
  // @ts-expect-error says: inputs[0]: there is no step `step_nine`
  @Step({ inputs: ['$<step_nine.data_frame>'] }) bad_step_unknown(n: unknown) {
    return n;
  }
  // @ts-expect-error says: inputs[0]: there is no parameter `nope`
  @Step({ inputs: ['x $<pipeline.nope> y'] }) bad_interpolation(o: string): number {
    return o.length;
  }
  // @ts-expect-error says: inputs[0]: `step_one` is a step and not a parameter
  @Step({ inputs: ['$<pipeline.step_one>'] }) bad_parameter_is_method(o: unknown) {
    return o;
  }
  // @ts-expect-error says: inputs[0]: `url` is a field and not a step; a parameter is `pipeline.url`
  @Step({ inputs: ['$<url.x>'] }) bad_step_is_field(o: unknown) {
    return o;
  }
  // @ts-expect-error says: inputs[0]: `url` is neither STEP.RETURN nor pipeline.PARAMETER
  @Step({ inputs: ['$<url>'] }) bad_form(o: unknown) {
    return o;
  }
  // @ts-expect-error says: inputs[0]: `$<` without `>`
  @Step({ inputs: ['$<step_one.data_frame'] }) bad_unclosed(o: string) {
    return o;
  }
  // @ts-expect-error says: inputs[0]: an artifact has no `urll`
  @Step({ inputs: ['$<step_one.artifacts.data_frame.urll>'] }) bad_attribute(o: string) {
    return o;
  }
  // @ts-expect-error says: inputs[0].deep[0].rows: there is no step `step_nine`
  @Step({ inputs: [{ deep: [{ rows: '$<step_nine.x>' }] }] }) bad_nested(o: unknown) {
    return o;
  }

  // Arity
  // @ts-expect-error says: the method takes inputs, and none are given
  @Step({ inputs: [] }) bad_too_few(o: Row[]): number {
    return o.length;
  }
  // @ts-expect-error says: the method takes inputs, and none are given
  @Step({ returns: ['x'] }) bad_no_inputs(o: Row[]): number {
    return o.length;
  }
  // @ts-expect-error says: the method does not take 2 inputs
  @Step({ inputs: ['$<step_one.data_frame>', 1] }) bad_too_many(o: Row[]): number {
    return o.length;
  }
  // @ts-expect-error says: the method takes no inputs
  @Step({ inputs: [1] }) bad_takes_none(): number {
    return 1;
  }
  // @ts-expect-error says: the method does not take 1 input
  @Step({ inputs: [1] }) bad_rest(a: number, b: number, ...rest: number[]): number[] {
    return [a, b, ...rest];
  }
  // @ts-expect-error says: the method takes no inputs
  @Step({ inputs: { a: 1 } }) bad_named_none() {
    return 1;
  }
  // @ts-expect-error says: inputs by name need a method with one object parameter; give a list
  @Step({ inputs: { a: 1, b: 2 } }) bad_named_two({ a }: { a: number }, b: number) {
    return a + b;
  }

  // Types
  // @ts-expect-error says: ["inputs[0]: `step_one.data_frame` gives", Row[], "and the method takes", { x: number[]; }]
  @Step({ inputs: ['$<step_one.data_frame>'] }) bad_type(n: { x: number[] }) {
    return n;
  }
  // @ts-expect-error says: ["inputs[0]: `step_two.train` gives", Row[], "and the method takes", number]
  @Step({ inputs: ['$<step_two.train>'] }) bad_type_of_return(n: number) {
    return n;
  }
  // @ts-expect-error says: ["inputs[0]: `pipeline.maybe` gives", number | undefined, "and the method takes", number]
  @Step({ inputs: ['$<pipeline.maybe>'] }) bad_undefined(n: number) {
    return n;
  }
  // @ts-expect-error says: inputs[0]: there is nothing at `step_one.data_frame.0.b`
  @Step({ inputs: ['$<step_one.data_frame.0.b>'] }) bad_path(n: number) {
    return n;
  }
  // @ts-expect-error says: inputs[0]: there is nothing at `pipeline.settings.depth`
  @Step({ inputs: ['$<pipeline.settings.depth>'] }) bad_parameter_path(n: number) {
    return n;
  }
  // @ts-expect-error says: ["inputs[0]: `step_one.data_frame.0.a` gives", number, "and the method takes", string]
  @Step({ inputs: ['$<step_one.data_frame.0.a>'] }) bad_type_at_path(n: string) {
    return n;
  }
  // @ts-expect-error says: ["inputs[0]: the method takes", number, "and not", "0.2"]
  @Step({ inputs: ['0.2'] }) bad_literal(n: number) {
    return n;
  }
  // @ts-expect-error says: ["inputs[0]: the method takes", number, "and not text"]
  @Step({ inputs: ['$<pipeline.url>0'] }) bad_text(n: number) {
    return n;
  }
  // @ts-expect-error says: ["inputs[0]: `step_one.data_frame` gives", Row[], "which cannot stand inside text"]
  @Step({ inputs: ['rows: $<step_one.data_frame>'] }) bad_printed(text: string) {
    return text;
  }
  // @ts-expect-error says: ["inputs[0]: `step_one.id` gives", string, "and the method takes", number]
  @Step({ inputs: ['$<step_one.id>'] }) bad_id(n: number) {
    return n;
  }
  // @ts-expect-error a parameter with a number is not a file
  @Step({ inputs: ['$<pipeline.settings>'] }) bad_file(n: FileValue) {
    return n;
  }
  // @ts-expect-error one of the union
  @Step({ inputs: ['adma'] }) bad_choice(kind: 'adam' | 'sgd') {
    return kind;
  }
  // @ts-expect-error says: ["inputs[0]: the method takes", [number, number], "and not 3 items"]
  @Step({ inputs: [[1, 2, 3]] }) bad_tuple(pair: [number, number]) {
    return pair;
  }
  // @ts-expect-error says: ["inputs[0][1]: the method takes", number, "and not", "a"]
  @Step({ inputs: [[1, 'a']] }) bad_item(list: number[]) {
    return list;
  }
  // @ts-expect-error says: ["inputs[0].depth: the method takes", number, "and not", "3"]
  @Step({ inputs: [{ depth: '3' }] }) bad_property(o: { depth: number }) {
    return o;
  }
  // @ts-expect-error says: inputs[0].depth is missing
  @Step({ inputs: [{}] }) bad_missing_property(o: { depth: number }) {
    return o;
  }
  // @ts-expect-error gives Row[]
  @Step({ inputs: { data: '$<step_one.data_frame>' } }) bad_object({ data }: { data: string }) {
    return data;
  }
  // @ts-expect-error says: inputs.dta: the method takes no `dta`
  @Step({ inputs: { dta: '$<step_one.data_frame>' } }) bad_key({ data }: { data: Row[] }) {
    return data;
  }

  // each
  // @ts-expect-error says: ["inputs[0]: `pipeline.names` gives", string[], "and each() needs a list of", number]
  @Step({ inputs: [each('$<pipeline.names>')] }) bad_each(n: number) {
    return n;
  }
  // @ts-expect-error not a list
  @Step({ inputs: [each('$<pipeline.url>')] }) bad_each_of_text(n: string) {
    return n;
  }
  // @ts-expect-error elements of a literal list
  @Step({ inputs: [each(['a'])] }) bad_each_of_literals(n: number) {
    return n;
  }
  // @ts-expect-error says: inputs[0]: each() takes one reference or an array
  @Step({ inputs: [each('abc')] }) bad_each_of_no_reference(n: string) {
    return n;
  }
  // @ts-expect-error says: inputs[0]: there is no step `scroe`
  @Step({ inputs: [each('$<scroe.result>')] }) bad_each_of_unknown(n: string) {
    return n;
  }

  // returns
  // @ts-expect-error says: the step does not return `tset`
  @Step({ returns: ['train', 'tset'] }) bad_returns(): { train: number; test: number } {
    return { train: 1, test: 2 };
  }
  // @ts-expect-error says: the step does not return `tset`
  @Step({ returns: ['train', 'tset'] }) async bad_async_returns(): Promise<{ train: number }> {
    return { train: 1 };
  }
  // @ts-expect-error says: 2 returns, but the returned tuple has 3 places
  @Step({ returns: ['a', 'b'] }) bad_tuple_returns(): [number, number, number] {
    return [1, 2, 3];
  }
  // @ts-expect-error says: 2 returns need a tuple of that length, not a list
  @Step({ returns: ['a', 'b'] }) bad_list_returns(): number[] {
    return [1, 2];
  }
  // @ts-expect-error says: ["several returns are the keys of an object, and the step returns", number]
  @Step({ returns: ['a', 'b'] }) bad_number_returns(): number {
    return 1;
  }
}

// Places
export class Places {
  // @ts-expect-error says: @Step stands on instance methods, not on static ones
  @Step() static on_static() {
    return 1;
  }
  // @ts-expect-error a static method is no step
  @Step({ inputs: ['$<on_static.x>'] }) uses_static(n: number) {
    return n;
  }
  // @ts-expect-error says: @Step stands on methods: write `name() { … }`
  @Step() arrow = () => 1;
  // @ts-expect-error says: @Step stands on methods: write `name() { … }`
  @Step() get accessor() {
    return 1;
  }
  // @ts-expect-error says: @Step stands on public methods
  @Step() private hidden() {
    return 1;
  }
  // @ts-expect-error a private method is no step
  @Step({ inputs: ['$<hidden.x>'] }) uses_hidden(n: number) {
    return this.hidden() + n;
  }
  // @ts-expect-error says: @Parameter stands on instance fields: write `name = default`
  @Parameter() method() {
    return 1;
  }
  // @ts-expect-error says: @Parameter stands on instance fields: write `name = default`
  @Parameter() static shared = 1;
  // @ts-expect-error says: @Parameter stands on public fields
  @Parameter() private secret = 1;
  // @ts-expect-error says: @Step stands on methods with a name, not on symbols
  @Step() [Symbol.iterator]() {
    return this.secret;
  }
}

// @ts-expect-error constructed without arguments
@Pipeline({ name: 'x' })
export class NeedsArguments {
  constructor(readonly url: string) {}
}

export class Options {
  // @ts-expect-error no such option
  @Step({ retires: 2 }) unknown_option() {}
  // @ts-expect-error not a list of names
  @Step({ returns: 'x' }) returns_text() {}
  // @ts-expect-error no such isolation
  @Step({ isolation: 'proces' }) unknown_isolation() {}
  // @ts-expect-error no such type
  @Parameter({ type: 'nubmer' }) depth = 1;
  // @ts-expect-error without parentheses
  @Step bare() {}
}

export class Fields {
  // @ts-expect-error says: ["a parameter of type `number` holds", number, "and the field", string]
  @Parameter({ type: 'number' }) depth = '3';
  // @ts-expect-error says: ["a parameter of type `file` holds", string | FileValue, "and the field", number]
  @Parameter({ type: 'file' }) data = 3;
}

// @ts-expect-error no such parameter
void run(Iris, { parameters: { ulr: 'y' } });
// @ts-expect-error of another type
void run(Iris, { parameters: { names: 'a' } });
// @ts-expect-error no pipeline
void run({ name: 'x' });
