// packages/runtime/src/package/create-packager.ts
import { join as join9 } from "node:path";

// packages/runtime/src/package/assets.ts
import { readdirSync, statSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
function findAssets(options) {
  const { patterns, sourceFile, root: root2, step, at } = options;
  const found = /* @__PURE__ */ new Map();
  const diagnostics = [];
  const fail = (code, message, help) => {
    diagnostics.push({ code, severity: "error", message, at, help });
  };
  for (const pattern of patterns) {
    const files = filesOf(
      resolve(dirname(sourceFile), fixedPart(pattern)),
      resolve(dirname(sourceFile), pattern),
      pattern
    );
    if (files.length === 0) {
      fail(
        "asset-missing",
        `step ${step} declares the asset "${pattern}", which does not exist`,
        `paths are relative to ${dirname(sourceFile)}`
      );
    }
    for (const file2 of files) {
      const path = relative(root2, file2).split(sep).join("/");
      if (path.startsWith("../") || path === "..") {
        fail(
          "asset-outside",
          `the asset "${pattern}" of step ${step} lies outside of the project`,
          `assets must lie below ${root2}`
        );
        break;
      }
      found.set(path, { source: file2, path });
    }
  }
  return { assets: [...found.values()].sort((a, b) => a.path < b.path ? -1 : 1), diagnostics };
}
var isGlob = (pattern) => /[*?{[]/.test(pattern);
function fixedPart(pattern) {
  if (!isGlob(pattern)) return pattern;
  const parts = pattern.split("/");
  return parts.slice(0, parts.findIndex(isGlob)).join("/") || ".";
}
function filesOf(base2, full, pattern) {
  const stats = statSync(base2, { throwIfNoEntry: false });
  if (stats?.isFile() === true) return [base2];
  if (stats?.isDirectory() !== true) return [];
  const matcher = isGlob(pattern) ? globExpression(full.split(sep).join("/")) : void 0;
  return filesBelow(base2).filter((file2) => matcher === void 0 || matcher.test(file2.split(sep).join("/")));
}
function filesBelow(directory) {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory())
      return entry.name === "node_modules" || entry.name === ".git" ? [] : filesBelow(path);
    return entry.isFile() ? [path] : [];
  });
}
function globExpression(glob) {
  let source = "";
  let depth = 0;
  for (let at = 0; at < glob.length; at += 1) {
    const character = glob[at];
    if (glob.startsWith("**/", at)) {
      source += "(?:.*/)?";
      at += 2;
    } else if (glob.startsWith("**", at)) {
      source += ".*";
      at += 1;
    } else if (character === "*") source += "[^/]*";
    else if (character === "?") source += "[^/]";
    else if (character === "{") {
      source += "(?:";
      depth += 1;
    } else if (character === "}" && depth > 0) {
      source += ")";
      depth -= 1;
    } else if (character === "," && depth > 0) source += "|";
    else if (character === "[" || character === "]") source += character;
    else source += character.replace(/[.+^$()|\\]/g, "\\$&");
  }
  return new RegExp(`^${source}$`);
}

// packages/runtime/src/package/bundle/bundle.ts
import { createHash } from "node:crypto";
import { basename, dirname as dirname2, join as join2 } from "node:path";

// packages/runtime/src/package/slice/emit.ts
import { relative as relative2, sep as sep2 } from "node:path";

// packages/runtime/src/package/module/syntax.ts
var decoratorsOf = (node) => node.decorators ?? [];
function startOf(node) {
  const first = decoratorsOf(node)[0];
  return first === void 0 ? node.start : Math.min(node.start, first.start);
}
function isFunctionNode(node) {
  return node.type === "FunctionDeclaration" || node.type === "FunctionExpression" || node.type === "ArrowFunctionExpression";
}
var bindsThis = (node) => isFunctionNode(node) && node.type !== "ArrowFunctionExpression";
var isClassNode = (node) => node.type === "ClassDeclaration" || node.type === "ClassExpression";
function isNode(value) {
  return typeof value === "object" && value !== null && typeof value.type === "string";
}
function children(node) {
  const found = [];
  for (const value of Object.values(node)) {
    if (Array.isArray(value)) {
      for (const item of value) if (isNode(item)) found.push(item);
    } else if (isNode(value)) found.push(value);
  }
  return found;
}
function walk(node, visit, parent) {
  if (visit(node, parent) === false) return;
  for (const child of children(node)) walk(child, visit, node);
}
function patternNames(pattern, names = []) {
  switch (pattern?.type) {
    case "Identifier":
      names.push(pattern.name);
      break;
    case "ObjectPattern":
      for (const property of pattern.properties) {
        patternNames(property.type === "RestElement" ? property.argument : property.value, names);
      }
      break;
    case "ArrayPattern":
      for (const element of pattern.elements) patternNames(element, names);
      break;
    case "AssignmentPattern":
      patternNames(pattern.left, names);
      break;
    case "RestElement":
      patternNames(pattern.argument, names);
      break;
  }
  return names;
}
function keyName(node) {
  const key = node.key;
  if (key.type === "PrivateIdentifier") return `#${key.name}`;
  if (node.computed === true) return void 0;
  if (key.type === "Identifier") return key.name;
  return key.type === "Literal" ? String(key.value) : void 0;
}
function memberName(node) {
  if (node.type !== "MemberExpression") return void 0;
  const { property } = node;
  if (property.type === "PrivateIdentifier") return `#${property.name}`;
  if (!node.computed) return property.type === "Identifier" ? property.name : void 0;
  return property.type === "Literal" && typeof property.value === "string" ? property.value : void 0;
}
function literalString(node) {
  const syntax = node;
  if (syntax?.type === "Literal" && typeof syntax.value === "string") return syntax.value;
  if (syntax?.type === "TemplateLiteral" && syntax.expressions.length === 0) {
    return syntax.quasis[0]?.value.cooked ?? void 0;
  }
  return void 0;
}

// packages/runtime/src/package/module/drivers.ts
var DRIVERS = /* @__PURE__ */ new Set([
  "Pipeline",
  "PipelineController",
  "Parameter",
  "Step",
  "defineConfig",
  "each",
  "parameter",
  "pipeline",
  "run",
  "step"
]);
var Drivers = class {
  #program;
  #reaches = /* @__PURE__ */ new Map();
  #open = /* @__PURE__ */ new Set();
  constructor(program) {
    this.#program = program;
  }
  /** The framework's name behind a decorator, else undefined: it is the user's own. */
  decoratorName(module, decorator) {
    let expression = decorator.expression;
    if (expression.type === "CallExpression") expression = expression.callee;
    const path = [];
    while (expression.type === "MemberExpression") {
      if (expression.property.type === "Identifier") path.unshift(expression.property.name);
      expression = expression.object;
    }
    if (expression.type !== "Identifier") return void 0;
    return this.#program.frameworkName(module, { name: expression.name, member: path[0] });
  }
  isFrameworkDecorator(module, decorator) {
    return this.decoratorName(module, decorator) !== void 0;
  }
  isDriver(module, reference) {
    const name = this.#program.frameworkName(module, reference);
    return name !== void 0 && (DRIVERS.has(name) || name === "*");
  }
  /** A variable that holds a pipeline, a step or something made with them. */
  holdsPipeline(item) {
    return (item.kind === "variable" || item.kind === "default") && !isFunctionValue(item) && this.reaches(item);
  }
  /** `const train = step(…)`: the call, else undefined. */
  stepCall(item) {
    const value = valueOf(item);
    if (value?.type !== "CallExpression") return void 0;
    const callee = value.callee;
    const reference = calleeReference(callee);
    return reference !== void 0 && this.#program.frameworkName(item.module, reference) === "step" ? value : void 0;
  }
  /** Evaluating the item (or, for a function, calling it) may define or start a pipeline. */
  reaches(item) {
    const known = this.#reaches.get(item);
    if (known !== void 0) return known;
    if (this.#open.has(item)) return false;
    this.#open.add(item);
    const found = item.references.some((reference) => this.#leadsToDriver(item, reference));
    this.#open.delete(item);
    if (found || this.#open.size === 0) this.#reaches.set(item, found);
    return found;
  }
  #leadsToDriver(item, reference) {
    if (reference.decorator !== void 0) return false;
    if (item.kind === "variable" && !isFunctionValue(item) && reference.deferred) return false;
    if (item.importing !== void 0 && item.importing.viaRequire) return false;
    if (this.isDriver(item.module, reference)) return true;
    const followed = this.#program.follow(item.module, reference.name);
    return (followed?.items ?? []).some((target) => {
      if (target === item) return false;
      if (target.kind === "function" || target.kind === "class" || isFunctionValue(target))
        return this.reaches(target);
      return this.holdsPipeline(target);
    });
  }
};
function stepArgument(call) {
  return call.type === "CallExpression" ? call.arguments[call.arguments.length > 1 ? 1 : 0] : void 0;
}
function valueOf(item) {
  if (item.kind === "default") return item.node;
  return item.node.type === "VariableDeclarator" ? item.node.init ?? void 0 : void 0;
}
function isFunctionValue(item) {
  const value = valueOf(item);
  return value !== void 0 && (isFunctionNode(value) || value.type === "ClassExpression");
}
function calleeReference(callee) {
  if (callee.type === "Identifier") return { name: callee.name, member: void 0 };
  if (callee.type === "MemberExpression" && callee.object.type === "Identifier" && !callee.computed && callee.property.type === "Identifier") {
    return { name: callee.object.name, member: callee.property.name };
  }
  return void 0;
}

// packages/runtime/src/package/slice/class-members.ts
function classNode(item) {
  if (item.kind === "class") return item.node;
  const value = valueOf(item);
  return value?.type === "ClassExpression" ? value : void 0;
}
function classShape(item, drivers) {
  const node = classNode(item);
  if (node === void 0) return void 0;
  const names = /* @__PURE__ */ new Set([...item.declares, ...node.id == null ? [] : [node.id.name]]);
  const members = node.body.body.map((element) => member(item, element, names, drivers));
  const byName = /* @__PURE__ */ new Map();
  for (const each of members) {
    if (each.name !== void 0) byName.set(each.name, [...byName.get(each.name) ?? [], each]);
  }
  return {
    item,
    node,
    members,
    byName,
    decorators: decoratorsOf(node).filter(
      (decorator) => !drivers.isFrameworkDecorator(item.module, decorator)
    )
  };
}
var referencesWithin = (item, node) => within(item.references, node);
var factsWithin = (item, node) => within(item.facts, node);
function within(sorted, node) {
  const start = startOf(node);
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = low + high >> 1;
    if (sorted[middle].offset < start) low = middle + 1;
    else high = middle;
  }
  const found = [];
  for (let at = low; at < sorted.length && sorted[at].offset < node.end; at += 1) found.push(sorted[at]);
  return found;
}
function member(item, node, names, drivers) {
  const framework = decoratorsOf(node).map((decorator) => drivers.decoratorName(item.module, decorator));
  const frameworkDecorators = new Set(
    decoratorsOf(node).filter((_decorator, index2) => framework[index2] !== void 0)
  );
  const isStatic = "static" in node && node.static === true;
  return {
    node,
    name: node.type === "StaticBlock" ? void 0 : keyName(node),
    static: isStatic || node.type === "StaticBlock",
    kind: kindOf(node),
    step: framework.includes("Step"),
    parameter: framework.includes("Parameter"),
    decorators: decoratorsOf(node).filter((decorator) => !frameworkDecorators.has(decorator)),
    uses: usesIn(node, isStatic, names, frameworkDecorators)
  };
}
function kindOf(node) {
  if (node.type === "StaticBlock") return "static-block";
  if (node.type !== "MethodDefinition") return "field";
  if (node.kind === "constructor") return "constructor";
  return node.kind === "method" ? "method" : "accessor";
}
function usesIn(element, isStatic, names, skipped) {
  const uses = [];
  const self = isStatic || element.type === "StaticBlock" ? "class" : "this";
  const escapes = (kind, offset) => {
    uses.push({ kind: `${kind}-escapes`, offset });
  };
  const parents = /* @__PURE__ */ new Map();
  const visit = (node, parent, hidden) => {
    if (parent !== void 0) parents.set(node, parent);
    if (node.type === "Decorator" && skipped.has(node)) return;
    if (node.type === "ThisExpression" && !hidden) use(node, self, parent);
    else if (node.type === "Super" && !hidden) superUse(node, parent);
    else if (node.type === "PrivateIdentifier" && parent?.type === "MemberExpression" && parent.object.type !== "ThisExpression") {
      uses.push({ kind: self, name: `#${node.name}`, change: "none", offset: node.start });
    } else if (node.type === "Identifier" && names.has(node.name) && !isPropertyName(node, parent)) {
      use(node, "class", parent);
    }
    const hides = bindsThis(node) && !(parent === element && element.type === "MethodDefinition") || isClassNode(node) && node !== element;
    walkChildren(node, (child) => visit(child, node, hidden || hides));
  };
  const use = (node, kind, parent) => {
    if (parent?.type === "MemberExpression" && parent.object === node) {
      const name = memberName(parent);
      if (name === void 0) return escapes(kind, node.start);
      if (kind === "this" && name === "constructor") return escapes("class", node.start);
      if (kind === "class" && name === "prototype") return escapes("class", node.start);
      uses.push({ kind, name, change: changeOf(parent, parents), offset: node.start });
      return;
    }
    if (parent?.type === "VariableDeclarator" && parent.init === node && parent.id.type === "ObjectPattern") {
      const keys = parent.id.properties.map(
        (property) => property.type === "Property" ? keyName(property) : void 0
      );
      if (keys.every((key) => key !== void 0)) {
        for (const name of keys) uses.push({ kind, name, change: "none", offset: node.start });
        return;
      }
    }
    escapes(kind, node.start);
  };
  const superUse = (node, parent) => {
    if (parent?.type === "CallExpression") uses.push({ kind: "super-call", offset: node.start });
    const name = parent === void 0 ? void 0 : memberName(parent);
    if (name !== void 0) uses.push({ kind: "super", name, change: "none", offset: node.start });
    else if (parent?.type === "MemberExpression") escapes("this", node.start);
  };
  visit(element, void 0, false);
  return uses;
}
function walkChildren(node, visit) {
  walk(node, (child) => {
    if (child === node) return true;
    visit(child);
    return false;
  });
}
function isPropertyName(node, parent) {
  if (parent?.type === "MemberExpression") return parent.property === node && !parent.computed;
  if (parent?.type === "Property") return parent.key === node && !parent.computed && !parent.shorthand;
  if (parent?.type === "MethodDefinition" || parent?.type === "PropertyDefinition") {
    return parent.key === node && !parent.computed;
  }
  return parent !== void 0 && isClassNode(parent) && parent.id === node;
}
function changeOf(access, parents) {
  let at = access;
  let parent = parents.get(at);
  let depth = 0;
  while (parent?.type === "MemberExpression" && parent.object === at) {
    at = parent;
    parent = parents.get(at);
    depth += 1;
  }
  const changed = depth === 0 ? "assigned" : "mutated";
  switch (parent?.type) {
    case "AssignmentExpression":
      return parent.left === at ? changed : "none";
    case "UpdateExpression":
      return changed;
    case "UnaryExpression":
      return parent.operator === "delete" ? changed : "none";
    case "ArrayPattern":
    case "RestElement":
      return changed;
    case "AssignmentPattern":
      return parent.left === at ? changed : "none";
    case "Property":
      return parents.get(parent)?.type === "ObjectPattern" ? changed : "none";
    case "ForOfStatement":
    case "ForInStatement":
      return parent.left === at ? changed : "none";
    case "CallExpression":
      return parent.callee === at && depth > 0 && CHANGING.has(memberName(at) ?? "") ? "mutated" : "none";
    default:
      return "none";
  }
}
var CHANGING = /* @__PURE__ */ new Set([
  "push",
  "pop",
  "shift",
  "unshift",
  "splice",
  "sort",
  "reverse",
  "fill",
  "set",
  "add",
  "delete",
  "clear"
]);
var isAccessor = (node) => node.accessor === true;

// packages/runtime/src/package/slice/purity.ts
var Purity = class {
  #slice;
  #program;
  #known = /* @__PURE__ */ new Map();
  constructor(slice, program) {
    this.#slice = slice;
    this.#program = program;
  }
  target(target) {
    switch (target.kind) {
      case "local":
      case "namespace":
        return this.module(target.module) && target.via.every((module) => this.module(module));
      case "opaque":
        return target.file.endsWith(".json");
      case "external":
        return target.resolution.kind !== "npm" || this.#declaresNoSideEffects(target.resolution.package.directory);
      case "unresolved":
        return true;
    }
  }
  module(module) {
    const known = this.#known.get(module);
    if (known !== void 0) return known;
    this.#known.set(module, true);
    const slice = this.#slice.modules.get(module);
    const pure = slice === void 0 || [...slice.items].every((item) => this.#item(item, slice)) && slice.evaluated.every(
      (each) => each.kind === "module" ? this.module(each.module) : this.target(each.target)
    );
    this.#known.set(module, pure);
    return pure;
  }
  #item(item, slice) {
    if (item.kind === "import") return this.target(this.#program.target(item));
    if (item.kind === "function" || item.kind === "bare-import") return true;
    if (slice.stepFunctions.has(item)) return true;
    const shape = classNode(item);
    if (shape !== void 0) {
      const kept = slice.classes.get(item);
      const members = kept === void 0 ? shape.body.body : [...kept.kept].map((member2) => member2.node);
      const isDecorated = kept === void 0 ? [shape, ...members].some((node) => decoratorsOf(node).length > 0) : kept.shape.decorators.length > 0 || [...kept.kept].some((member2) => member2.decorators.length > 0);
      const hasStatics = members.some(
        (member2) => member2.type === "StaticBlock" || member2.type === "PropertyDefinition" && member2.static
      );
      return !isDecorated && !hasStatics && (shape.superClass == null || shape.superClass.type === "Identifier");
    }
    const value = valueOf(item);
    return item.kind !== "statement" && (value === void 0 ? item.kind === "variable" : isPure(value));
  }
  #declaresNoSideEffects(directory) {
    return this.#program.files.readJson(`${directory}/package.json`)?.["sideEffects"] === false;
  }
};
var EMPTY_COLLECTIONS = /* @__PURE__ */ new Set(["Map", "Set", "WeakMap", "WeakSet"]);
function isPure(node) {
  const all = (nodes) => nodes.every((each) => each == null || isPure(each));
  switch (node.type) {
    case "Literal":
    case "Identifier":
    case "FunctionExpression":
    case "ArrowFunctionExpression":
      return true;
    case "TemplateLiteral":
      return all(node.expressions);
    case "ArrayExpression":
      return all(node.elements);
    case "ObjectExpression":
      return node.properties.every(
        (property) => property.type === "Property" && !property.computed && isPure(property.value)
      );
    case "UnaryExpression":
      return node.operator !== "delete" && all([node.argument]);
    case "BinaryExpression":
    case "LogicalExpression":
      return all([node.left, node.right]);
    case "ConditionalExpression":
      return all([node.test, node.consequent, node.alternate]);
    case "NewExpression":
      return node.callee.type === "Identifier" && EMPTY_COLLECTIONS.has(node.callee.name) && node.arguments.length === 0;
    default:
      return false;
  }
}

// packages/runtime/src/package/slice/text-writer.ts
import { TraceMap as TraceMap2, decodedMappings, encodedMappings } from "@jridgewell/trace-mapping";

// packages/runtime/src/package/source/transform.ts
import { extname } from "node:path";
import { TraceMap, originalPositionFor } from "@jridgewell/trace-mapping";
var LOADERS = {
  ".ts": "ts",
  ".mts": "ts",
  ".cts": "ts",
  ".tsx": "tsx",
  ".jsx": "jsx",
  ".js": "jsx",
  ".mjs": "jsx",
  ".cjs": "jsx"
};
async function transformSource(options) {
  const { transform } = await import("esbuild");
  const { file: file2, text, compilerOptions } = options;
  const run = (legacy) => transform(text, {
    // No `format`: CommonJS stays CommonJS.
    loader: LOADERS[extname(file2)] ?? "js",
    target: "esnext",
    sourcefile: file2,
    sourcemap: "external",
    sourcesContent: false,
    minifyWhitespace: true,
    legalComments: "none",
    charset: "utf8",
    logLevel: "silent",
    tsconfigRaw: {
      compilerOptions: {
        ...compilerOptions.jsx,
        useDefineForClassFields: true,
        experimentalDecorators: legacy,
        ...compilerOptions.verbatimModuleSyntax ? { verbatimModuleSyntax: true } : {}
      }
    }
  });
  const result = await run(false).catch((error) => {
    if (!compilerOptions.experimentalDecorators) throw error;
    return run(true);
  });
  return { code: result.code, map: new TraceMap(JSON.parse(result.map)) };
}
function lineStarts(code) {
  const starts = [0];
  for (let at = code.indexOf("\n"); at !== -1; at = code.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}
function lineAt(starts, offset) {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = low + high + 1 >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}
function originalPlace(options) {
  const line = lineAt(options.starts, options.offset);
  const column = options.offset - (options.starts[line] ?? 0);
  const found = originalPositionFor(options.map, { line: line + 1, column });
  return { file: options.file, line: found.line ?? 1, column: (found.column ?? 0) + 1 };
}

// packages/runtime/src/package/slice/text-writer.ts
var TextWriter = class {
  #module;
  #replacements;
  #pieces = [];
  #lines = [[]];
  #column = 0;
  constructor(module, replacements) {
    this.#module = module;
    this.#replacements = [...replacements].sort((a, b) => a.start - b.start);
  }
  get text() {
    return this.#pieces.join("");
  }
  /** Text of our own: it maps to nothing. */
  write(text) {
    if (text === "") return this;
    this.#lines[this.#lines.length - 1].push([this.#column]);
    return this.#advance(text);
  }
  /** A stretch of the module, with the replacements that lie in it. */
  copy(range) {
    let at = range.start;
    for (const replacement of this.#replacements) {
      if (replacement.start < at || replacement.end > range.end) continue;
      this.#copyAsIs(at, replacement.start);
      this.write(replacement.text);
      at = replacement.end;
    }
    this.#copyAsIs(at, range.end);
    return this;
  }
  #copyAsIs(start, end) {
    const { starts, code } = this.#module;
    const mappings = decodedMappings(this.#module.map);
    let at = start;
    while (at < end) {
      const line = lineAt(starts, at);
      const lineStart = starts[line] ?? 0;
      const stop = Math.min(end, starts[line + 1] ?? code.length);
      const from = at - lineStart;
      const segments = mappings[line] ?? [];
      const target = this.#lines[this.#lines.length - 1];
      for (let index2 = floorSegment(segments, from); index2 < segments.length; index2 += 1) {
        const segment = segments[index2];
        if (segment[0] >= stop - lineStart) break;
        const column = this.#column + Math.max(0, segment[0] - from);
        if (segment.length === 1) target.push([column]);
        else target.push([column, 0, segment[2], segment[3]]);
      }
      this.#advance(code.slice(at, stop));
      at = stop;
    }
  }
  #advance(text) {
    this.#pieces.push(text);
    let from = 0;
    for (let newline = text.indexOf("\n"); newline !== -1; newline = text.indexOf("\n", from)) {
      this.#lines.push([]);
      this.#column = 0;
      from = newline + 1;
    }
    this.#column += text.length - from;
    return this;
  }
  /** A source map whose one source is named as given. */
  map(source) {
    const map = new TraceMap2({ version: 3, names: [], sources: [source], mappings: this.#lines });
    return JSON.stringify({ version: 3, names: [], sources: [source], mappings: encodedMappings(map) });
  }
};
function floorSegment(segments, column) {
  let low = 0;
  let high = segments.length - 1;
  while (low < high) {
    const middle = low + high + 1 >> 1;
    if (segments[middle][0] <= column) low = middle;
    else high = middle - 1;
  }
  return Math.max(low, 0);
}

// packages/runtime/src/package/slice/emit.ts
var SLICE = "run-pipeline-slice:";
var NAMESPACE = "run-pipeline-namespace:";
var FILE = "run-pipeline-file:";
var DEPENDENCY = "run-pipeline-dependency:";
var SOURCE = "run-pipeline-source:";
var PARAMETERS = "globalThis[Symbol.for('run-pipeline.parameters')]";
var PATH_FUNCTION = "__runPipelinePath";
function projectPath(root2, file2) {
  return relative2(root2, file2).split(sep2).join("/");
}
function dependencySpecifier(options) {
  const { resolution, importer } = options.target;
  if (resolution.kind === "builtin") return resolution.specifier;
  if (resolution.kind === "framework") return DEPENDENCY + resolution.specifier;
  const fromRoot = options.resolver.resolve(resolution.specifier, `${options.root}/package.json`);
  const isRoots = fromRoot.kind === "npm" && fromRoot.file === resolution.file;
  const from = projectPath(options.root, importer).split("/").slice(0, -1).join("/");
  return DEPENDENCY + resolution.specifier + (isRoots ? "" : `?from=${from}`);
}
function emitSlice(options) {
  const emitter = new Emitter(options);
  return [...options.slice.modules.values()].flatMap((module) => emitter.module(module));
}
var Emitter = class {
  #slice;
  #program;
  #drivers;
  #root;
  #purity;
  constructor(options) {
    this.#slice = options.slice;
    this.#program = options.program;
    this.#drivers = options.drivers;
    this.#root = options.root;
    this.#purity = new Purity(options.slice, options.program);
  }
  module(slice) {
    const { module } = slice;
    const replacements = this.#replacements(slice);
    const imports = this.#imports(slice);
    const writer = new TextWriter(module, replacements.list);
    if (replacements.usesPath) writer.write(`import{fileURLToPath as ${PATH_FUNCTION}}from"node:url";`);
    for (const statement of imports) writer.write(statement.text);
    let hasClasses = false;
    for (const item of [...slice.items].sort((a, b) => a.index - b.index)) {
      hasClasses ||= classNode(item) !== void 0;
      this.#item(item, slice, writer);
    }
    this.#exports(slice, writer);
    const path = projectPath(this.#root, module.file);
    const ids = [...imports.flatMap((statement) => statement.id ?? []), ...replacements.ids];
    const modules = [
      { id: SLICE + path, text: writer.text, map: writer.map(path), imports: ids, module, hasClasses }
    ];
    if (slice.namespace.size > 0) modules.push(this.#namespace(slice, path));
    return modules;
  }
  #exports(slice, writer) {
    const { entry } = this.#slice;
    const names = [...slice.exported].sort();
    if (names.length > 0) writer.write(`export{${names.join(",")}};`);
    if (entry.module !== slice.module) return;
    switch (entry.kind) {
      case "name":
        writer.write(`export{${entry.name} as default};`);
        return;
      case "method":
        writer.write(`export{${entry.item.declares[0]} as default};`);
        return;
      case "expression":
        this.#expression(entry.node, "export default ", writer);
    }
  }
  /** A method of an object literal becomes a function by being read from an object of its own. */
  #expression(node, before, writer) {
    if (node.type !== "Property") {
      writer.write(`${before}(`).copy(node).write(");");
      return;
    }
    const name = JSON.stringify(keyName(node) ?? "");
    writer.write(`${before}({`).copy(node).write(`})[${name}];`);
  }
  #item(item, slice, writer) {
    const stepFunction = slice.stepFunctions.get(item);
    if (stepFunction !== void 0) {
      writer.write(`const ${item.declares[0]}={fn:`).copy(stepFunction).write("};");
      return;
    }
    const pruned = slice.classes.get(item);
    const prefix = item.anonymous || item.kind === "default" ? `const ${item.declares[0]}=` : "";
    switch (item.kind) {
      case "import":
      case "bare-import":
      case "commonjs-export":
        return;
      case "variable":
        writer.write(`${item.variableKind} `);
        if (pruned === void 0) writer.copy(item);
        else {
          writer.write(`${item.declares[0]}=`);
          this.#class(pruned, writer);
        }
        writer.write(";");
        return;
      case "function":
      case "class":
      case "default":
        writer.write(prefix);
        if (pruned === void 0) writer.copy(item);
        else this.#class(pruned, writer);
        writer.write(prefix === "" ? "\n" : ";");
        return;
      case "statement":
        writer.copy(item).write(";");
    }
  }
  #class(pruned, writer) {
    const { node, decorators } = pruned.shape;
    for (const decorator of decorators) writer.copy(decorator).write(" ");
    writer.write("class ");
    if (node.id != null) writer.copy(node.id);
    if (pruned.heritage && node.superClass != null) writer.write(" extends ").copy(node.superClass);
    writer.write("{");
    for (const member2 of pruned.shape.members) if (pruned.kept.has(member2)) this.#member(member2, writer);
    writer.write("}");
  }
  #member(member2, writer) {
    for (const decorator of member2.decorators) writer.copy(decorator).write(" ");
    const { node } = member2;
    if (!member2.parameter || node.type !== "PropertyDefinition") {
      writer.copy(node).write(member2.kind === "field" ? ";" : "");
      return;
    }
    const name = JSON.stringify(member2.name);
    if (isAccessor(node)) writer.write("accessor ");
    writer.copy(node.key).write(`=${PARAMETERS}?.has(${name})?${PARAMETERS}.get(${name}):`);
    if (node.value == null) writer.write("undefined;");
    else writer.copy(node.value).write(";");
  }
  #imports(slice) {
    const groups = /* @__PURE__ */ new Map();
    const single = [];
    for (const item of slice.items) {
      if (item.kind !== "import") continue;
      const target = this.#program.target(item);
      if (target.kind === "unresolved") continue;
      const from = this.#specifier(target);
      const local = item.declares[0];
      const pure2 = this.#purity.target(target);
      const suffix = target.kind === "external" ? target.attributes : "";
      const id = from.startsWith(SLICE) || from.startsWith(NAMESPACE) ? from : void 0;
      const imported = target.kind === "local" ? target.name : target.kind === "namespace" ? "*" : target.imported;
      if (imported === "*") {
        single.push({
          text: `import*as ${local} from${JSON.stringify(from)}${suffix};`,
          id,
          offset: item.start,
          pure: pure2
        });
        continue;
      }
      const key = `${from}\0${suffix}`;
      const group = groups.get(key) ?? { names: [], id, offset: item.start, pure: pure2, suffix, from };
      group.names.push(imported === local ? local : `${exportName(imported)} as ${local}`);
      group.offset = Math.min(group.offset, item.start);
      groups.set(key, group);
    }
    const named = [...groups.values()].map((group) => ({
      text: `import{${group.names.sort().join(",")}}from${JSON.stringify(group.from)}${group.suffix};`,
      id: group.id,
      offset: group.offset,
      pure: group.pure
    }));
    const evaluated = slice.evaluated.flatMap((each) => {
      if (each.kind === "module") {
        const id = SLICE + projectPath(this.#root, each.module.file);
        return this.#isEmpty(each.module) ? [] : [
          {
            text: `import${JSON.stringify(id)};`,
            id,
            offset: each.offset,
            pure: this.#purity.module(each.module)
          }
        ];
      }
      const from = this.#specifier(each.target);
      return [{ text: `import${JSON.stringify(from)};`, id: void 0, offset: each.offset, pure: false }];
    });
    const via = [...slice.items].flatMap((item) => {
      const target = item.kind === "import" ? this.#program.target(item) : void 0;
      if (target === void 0 || target.kind === "unresolved") return [];
      return target.via.flatMap((module) => {
        const id = SLICE + projectPath(this.#root, module.file);
        return module === slice.module || this.#purity.module(module) ? [] : [{ text: `import${JSON.stringify(id)};`, id, offset: item.start - 0.5, pure: false }];
      });
    });
    const all = unique([...via, ...evaluated, ...single, ...named]);
    const effectful = all.filter((each) => !each.pure).sort((a, b) => a.offset - b.offset);
    const pure = all.filter((each) => each.pure).sort((a, b) => a.text < b.text ? -1 : 1);
    return [...effectful, ...pure];
  }
  #isEmpty(module) {
    const slice = this.#slice.modules.get(module);
    return slice === void 0 || slice.items.size === 0 && slice.evaluated.length === 0;
  }
  #specifier(target) {
    switch (target.kind) {
      case "local":
        return SLICE + projectPath(this.#root, target.module.file);
      case "namespace":
        return NAMESPACE + projectPath(this.#root, target.module.file);
      case "opaque":
        return FILE + projectPath(this.#root, target.file);
      case "external":
        return dependencySpecifier({ target, root: this.#root, resolver: this.#program.resolver });
    }
  }
  #namespace(slice, path) {
    const imports = [];
    const lines = [...slice.namespace].sort(([a], [b]) => a < b ? -1 : 1).map(([name, target]) => {
      if (target.kind === "unresolved") return "";
      const from = this.#specifier(target);
      if (from.startsWith(SLICE) || from.startsWith(NAMESPACE)) imports.push(from);
      const imported = target.kind === "local" ? target.name : target.kind === "namespace" ? "*" : target.imported;
      return imported === "*" ? `export*as ${exportName(name)} from${JSON.stringify(from)};` : `export{${exportName(imported)} as ${exportName(name)}}from${JSON.stringify(from)};`;
    });
    const own = SLICE + path;
    if (!imports.includes(own) && !this.#isEmpty(slice.module)) {
      lines.unshift(`import${JSON.stringify(own)};`);
      imports.push(own);
    }
    return {
      id: NAMESPACE + path,
      text: lines.join(""),
      map: void 0,
      imports,
      module: slice.module,
      hasClasses: false
    };
  }
  #replacements(slice) {
    const list = [];
    const ids = [];
    let usesPath = false;
    const source = JSON.stringify(SOURCE + projectPath(this.#root, slice.module.file));
    for (const { item, node } of slice.parts) {
      for (const fact of factsWithin(item, node)) {
        if (fact.kind === "import-meta" && fact.member !== void 0) {
          const text = metaText(fact.member, source);
          if (text === void 0) continue;
          usesPath ||= fact.member !== "url";
          list.push({ start: fact.node.start, end: fact.node.end, text });
        } else if (fact.kind === "dynamic-import" && fact.specifier !== void 0) {
          const target = this.#program.imported({
            module: slice.module,
            specifier: fact.specifier,
            imported: "*",
            offset: fact.offset
          });
          if (target.kind === "unresolved" || fact.node.type !== "ImportExpression") continue;
          const from = this.#specifier(target);
          if (from.startsWith(NAMESPACE)) ids.push(from);
          list.push({ start: fact.node.source.start, end: fact.node.source.end, text: JSON.stringify(from) });
        }
      }
      if (classNode(item) !== void 0) this.#frameworkDecorators(slice.module, node, list);
    }
    return { list, ids, usesPath };
  }
  #frameworkDecorators(module, node, list) {
    walk(node, (each) => {
      if (isFunctionNode(each) && each !== node) return false;
      for (const decorator of decoratorsOf(each)) {
        if (!this.#drivers.isFrameworkDecorator(module, decorator)) continue;
        list.push({ start: decorator.start, end: decorator.end, text: "" });
      }
      return true;
    });
  }
};
function metaText(member2, source) {
  if (member2 === "url") return source;
  if (member2 === "filename") return `${PATH_FUNCTION}(${source})`;
  return member2 === "dirname" ? `${PATH_FUNCTION}(new URL(".",${source})).slice(0,-1)` : void 0;
}
var exportName = (name) => /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) ? name : JSON.stringify(name);
function unique(statements) {
  const byText2 = /* @__PURE__ */ new Map();
  for (const statement of statements) if (!byText2.has(statement.text)) byText2.set(statement.text, statement);
  return [...byText2.values()];
}

// packages/runtime/src/package/bundle/mappings.ts
import {
  TraceMap as TraceMap3,
  decodedMappings as decodedMappings2,
  encodedMappings as encodedMappings2
} from "@jridgewell/trace-mapping";
function replaceMapped(source, pattern, replacement) {
  const matches = [...source.code.matchAll(pattern)];
  if (matches.length === 0) return source;
  const raw = JSON.parse(source.map);
  const lines = decodedMappings2(new TraceMap3(raw)).map(
    (line2) => line2.map((segment) => [...segment])
  );
  const pieces = [];
  let at = 0;
  let line = 0;
  let lineStart = 0;
  let shift = 0;
  for (const match of matches) {
    const start = match.index ?? 0;
    for (let newline = source.code.indexOf("\n", lineStart); newline !== -1 && newline < start; newline = source.code.indexOf("\n", lineStart)) {
      line += 1;
      lineStart = newline + 1;
      shift = 0;
    }
    const text = replacement(match);
    pieces.push(source.code.slice(at, start), text);
    at = start + match[0].length;
    const grown = text.length - match[0].length;
    const behind = at - lineStart + shift;
    for (const segment of lines[line] ?? []) if (segment[0] >= behind) segment[0] += grown;
    shift += grown;
  }
  pieces.push(source.code.slice(at));
  const mappings = encodedMappings2(new TraceMap3({ ...raw, mappings: lines }));
  return { code: pieces.join(""), map: JSON.stringify({ ...raw, mappings }) };
}
function prependLines(source, lines) {
  const raw = JSON.parse(source.map);
  const mappings = ";".repeat(lines.length) + String(raw.mappings);
  return { code: `${lines.join("\n")}
${source.code}`, map: JSON.stringify({ ...raw, mappings }) };
}

// packages/runtime/src/package/bundle/bundle.ts
var VIRTUAL = "run-pipeline";
var ENTRY = "run-pipeline-entry:";
var OUT = ".run-pipeline-out";
async function bundle(options) {
  const bundles = /* @__PURE__ */ new Map();
  const diagnostics = /* @__PURE__ */ new Map();
  if (options.requests.length === 0) return { bundles, diagnostics };
  try {
    for (const [key, each] of await build(options, options.requests)) bundles.set(key, each);
  } catch (error) {
    if (!isBuildFailure(error)) throw error;
    if (options.requests.length === 1) {
      const [request] = options.requests;
      diagnostics.set(
        request.key,
        error.errors.map((each) => bundleDiagnostic(each, request))
      );
      return { bundles, diagnostics };
    }
    for (const request of options.requests) {
      const alone = await bundle({ ...options, requests: [request] });
      for (const [key, each] of alone.bundles) bundles.set(key, each);
      for (const [key, each] of alone.diagnostics) diagnostics.set(key, each);
    }
  }
  return { bundles, diagnostics };
}
async function build(context, requests2) {
  const { build: run, transform } = await import("esbuild");
  const modules = /* @__PURE__ */ new Map();
  const entries = requests2.map((request, index2) => virtualModules(request, index2, modules));
  const plugin = {
    name: "run-pipeline",
    setup(setup) {
      setup.onResolve({ filter: /.*/ }, (args) => resolveInBuild(args, { context, modules, entries }));
      setup.onLoad({ filter: /.*/, namespace: VIRTUAL }, async (args) => {
        const { sliced } = modules.get(args.path);
        return loadSliced(sliced, transform);
      });
    }
  };
  const buildOptions = {
    entryPoints: requests2.map((_request, index2) => ({ in: `${ENTRY}${index2}`, out: String(index2) })),
    absWorkingDir: context.root,
    outdir: OUT,
    bundle: true,
    splitting: false,
    format: "esm",
    platform: "node",
    target: "node20",
    write: false,
    metafile: true,
    treeShaking: true,
    minifyWhitespace: true,
    sourcemap: "external",
    sourcesContent: false,
    legalComments: "none",
    charset: "utf8",
    logLevel: "silent",
    tsconfigRaw: {},
    plugins: [plugin]
  };
  const result = await run(buildOptions);
  return collect(context, requests2, result);
}
function collect(context, requests2, result) {
  const texts = new Map(result.outputFiles.map((file2) => [basename(file2.path), file2.text]));
  return new Map(
    requests2.map((request, index2) => {
      const output = result.metafile.outputs[`${OUT}/${index2}.js`];
      let mapped = {
        code: texts.get(`${index2}.js`) ?? "",
        map: texts.get(`${index2}.js.map`) ?? "{}"
      };
      mapped = { ...mapped, map: relativeSources(mapped.map) };
      if (mapped.code.includes("__require(")) mapped = prependLines(mapped, [REQUIRE]);
      const dependencies = output.imports.filter((each) => each.path.startsWith(DEPENDENCY)).map((each) => each.path);
      const files = Object.keys(output.inputs).filter((input) => !input.startsWith(`${VIRTUAL}:`)).map((input) => join2(context.root, input));
      return [
        request.key,
        { ...mapped, dependencies: [...new Set(dependencies)].sort(), files: files.sort() }
      ];
    })
  );
}
var REQUIRE = 'import{createRequire as __runPipelineRequire}from"node:module";import{fileURLToPath as __runPipelineFile}from"node:url";const require=(base=>Object.assign(id=>base(id.startsWith("file:")?__runPipelineFile(id):id),base))(__runPipelineRequire(import.meta.url));';
function relativeSources(text) {
  const map = JSON.parse(text);
  map.sources = map.sources.map(
    (source) => source.replace(/^\.\.\//, "").replace(/^run-pipeline:/, "").replace(/\?[0-9a-f.]+$/, "")
  );
  return JSON.stringify(map);
}
function virtualModules(request, index2, all) {
  const byId = new Map(request.modules.map((module) => [module.id, module]));
  const keys = /* @__PURE__ */ new Map();
  const open2 = /* @__PURE__ */ new Set();
  let isCyclic = false;
  const keyOf2 = (id) => {
    const known = keys.get(id);
    if (known !== void 0) return known;
    const module = byId.get(id);
    if (module === void 0 || open2.has(id)) {
      isCyclic = true;
      return "";
    }
    open2.add(id);
    const hash = createHash("sha256").update(id).update("\0").update(module.text);
    for (const child of module.imports) hash.update("\0").update(keyOf2(child));
    open2.delete(id);
    const key = hash.digest("hex").slice(0, 16);
    keys.set(id, key);
    return key;
  };
  for (const module of request.modules) keyOf2(module.id);
  if (isCyclic) {
    const hash = createHash("sha256");
    for (const id of [...byId.keys()].sort())
      hash.update(id).update("\0").update(byId.get(id).text).update("\0");
    const key = hash.digest("hex").slice(0, 16);
    for (const id of byId.keys()) keys.set(id, key);
  }
  const isImported = request.modules.some((module) => module.imports.includes(request.entry));
  const pathOf = (id) => {
    const path = id.startsWith(SLICE) ? id.slice(SLICE.length) : `namespace/${id.slice(NAMESPACE.length)}`;
    return `${path}?${keys.get(id)}${id === request.entry && !isImported ? `.${index2}` : ""}`;
  };
  for (const module of request.modules) {
    const path = pathOf(module.id);
    const children2 = new Map(module.imports.map((id) => [id, byId.has(id) ? pathOf(id) : ""]));
    if (!all.has(path)) all.set(path, { sliced: module, children: children2 });
  }
  return pathOf(request.entry);
}
function resolveInBuild(args, build2) {
  const { context, modules, entries } = build2;
  if (args.path.startsWith(ENTRY))
    return { path: entries[Number(args.path.slice(ENTRY.length))], namespace: VIRTUAL };
  if (args.path.startsWith(DEPENDENCY)) return { path: args.path, external: true };
  if (args.path.startsWith(FILE)) return { path: join2(context.root, args.path.slice(FILE.length)) };
  const importing = args.namespace === VIRTUAL ? modules.get(args.importer) : void 0;
  if (args.path.startsWith(SLICE) || args.path.startsWith(NAMESPACE)) {
    const path = importing?.children.get(args.path);
    return path === void 0 || path === "" ? { path: args.path, namespace: "run-pipeline-empty" } : { path, namespace: VIRTUAL };
  }
  const importer = importing?.sliced.module.file ?? args.importer;
  const kind = args.kind === "require-call" || args.kind === "require-resolve" ? "require" : "import";
  const resolution = context.resolver.resolve(args.path, importer, kind);
  switch (resolution.kind) {
    case "builtin":
      return { path: resolution.specifier, external: true };
    case "framework":
      return { path: DEPENDENCY + resolution.specifier, external: true };
    case "npm": {
      const from = projectPath(context.root, dirname2(importer));
      return {
        path: `${DEPENDENCY}${resolution.specifier}?${kind === "require" ? "require&" : ""}from=${from}`,
        external: true
      };
    }
    case "unresolved":
      return { errors: [{ text: `cannot resolve "${args.path}": ${resolution.reason}` }] };
    case "file":
      if (resolution.file.endsWith(".node")) {
        return {
          errors: [
            { text: `"${args.path}" is a native add-on of the project: it must come from an npm package` }
          ]
        };
      }
      context.files.note(resolution.file);
      return { path: resolution.file };
  }
}
async function loadSliced(sliced, transform) {
  const { compilerOptions, file: file2 } = sliced.module;
  const inline = (map) => `
//# sourceMappingURL=data:application/json;base64,${Buffer.from(map).toString("base64")}`;
  const contents = sliced.text + (sliced.map === void 0 ? "" : inline(sliced.map));
  const isLegacy = compilerOptions.experimentalDecorators && sliced.text.includes("@");
  const resolveDir = dirname2(file2);
  if (!sliced.hasClasses || !isLegacy && compilerOptions.useDefineForClassFields) {
    return { contents, loader: "js", resolveDir };
  }
  const lowered = await transform(contents, {
    loader: "ts",
    format: "esm",
    target: "node20",
    sourcefile: basename(file2),
    sourcemap: "inline",
    sourcesContent: false,
    minifyWhitespace: true,
    charset: "utf8",
    tsconfigRaw: {
      compilerOptions: {
        experimentalDecorators: compilerOptions.experimentalDecorators,
        useDefineForClassFields: compilerOptions.useDefineForClassFields,
        verbatimModuleSyntax: true
      }
    }
  });
  return { contents: lowered.code, loader: "js", resolveDir };
}
function isBuildFailure(error) {
  return error instanceof Error && Array.isArray(error.errors);
}
function bundleDiagnostic(error, request) {
  const code = error.text.startsWith("cannot resolve") ? "unresolved-import" : error.text.includes("native add-on") ? "native-relative" : "bundle";
  return { code, severity: "error", message: `step ${request.key}: ${error.text}`, at: request.at };
}

// packages/runtime/src/package/dependencies/closure.ts
import { createHash as createHash3 } from "node:crypto";
import { readFileSync, readdirSync as readdirSync3 } from "node:fs";
import { join as join5, relative as relative4, sep as sep4 } from "node:path";

// packages/runtime/src/package/digest.ts
import { createHash as createHash2 } from "node:crypto";

// packages/core/src/model/ids.ts
function digest(text) {
  if (!/^sha256:[0-9a-f]{64}$/.test(text)) throw new TypeError(`not a digest: ${text.slice(0, 80)}`);
  return text;
}

// packages/core/src/model/errors.ts
var MARK = /* @__PURE__ */ Symbol.for("run-pipeline.error");
var RunPipelineError = class extends Error {
  name = "RunPipelineError";
  kind;
  code;
  at;
  help;
  diagnostics;
  constructor(options) {
    super(options.message, options.cause === void 0 ? void 0 : { cause: options.cause });
    this.kind = options.kind;
    this.code = options.code;
    this.at = options.at;
    this.help = options.help;
    this.diagnostics = options.diagnostics ?? [];
    Object.defineProperty(this, MARK, { value: true });
  }
};

// packages/runtime/src/package/digest.ts
function hashOf(kind, ...parts) {
  const hash = createHash2("sha256").update(`run-pipeline:${kind}:1
`);
  for (const part of parts) {
    const bytes = typeof part === "string" ? Buffer.from(part) : part;
    hash.update(`${bytes.byteLength}:`).update(bytes);
  }
  return digest(`sha256:${hash.digest("hex")}`);
}
var contentHash = (bytes) => digest(`sha256:${createHash2("sha256").update(bytes).digest("hex")}`);

// packages/runtime/src/package/dependencies/lockfile.ts
import { dirname as dirname3, join as join3, relative as relative3, sep as sep3 } from "node:path";
function findLockfile(files, from) {
  for (let at = from; ; at = dirname3(at)) {
    const json = files.readJson(join3(at, "package-lock.json"));
    const packages = json?.["packages"];
    if (typeof packages === "object" && packages !== null) {
      return { directory: at, packages };
    }
    if (dirname3(at) === at) return void 0;
  }
}
function lockedAt(lockfile, directory) {
  return lockfile?.packages[relative3(lockfile.directory, directory).split(sep3).join("/")];
}
function lockedDependency(lockfile, key, name) {
  for (let at = key; ; ) {
    const candidate = at === "" ? `node_modules/${name}` : `${at}/node_modules/${name}`;
    if (candidate in lockfile.packages) return candidate;
    if (at === "") return void 0;
    const above = at.lastIndexOf("/node_modules/");
    at = above === -1 ? at.startsWith("node_modules/") ? "" : parentKey(at) : at.slice(0, above);
  }
}
var parentKey = (key) => key.includes("/") ? key.slice(0, key.lastIndexOf("/")) : "";

// packages/runtime/src/package/dependencies/native.ts
import { existsSync, readdirSync as readdirSync2 } from "node:fs";
import { join as join4 } from "node:path";
var LOADERS2 = [
  "bindings",
  "cmake-js",
  "nan",
  "neon-cli",
  "@neon-rs/load",
  "node-addon-api",
  "node-gyp-build",
  "node-gyp-build-optional-packages",
  "node-pre-gyp",
  "@mapbox/node-pre-gyp",
  "prebuild-install",
  "pkg-prebuilds"
];
function isNative(directory, json) {
  if (json["gypfile"] === true || json["binary"] !== void 0 || json["napi"] !== void 0) return true;
  if (Array.isArray(json["os"]) || Array.isArray(json["cpu"])) return true;
  if (typeof json["main"] === "string" && json["main"].endsWith(".node")) return true;
  const names = Object.keys({
    ...json["dependencies"],
    ...json["optionalDependencies"]
  });
  if (names.some((name) => LOADERS2.includes(name))) return true;
  if (existsSync(join4(directory, "binding.gyp")) || existsSync(join4(directory, "prebuilds"))) return true;
  return [".", "build/Release", "lib", "dist"].some((part) => holdsAddOn(join4(directory, part)));
}
function holdsAddOn(directory) {
  try {
    return readdirSync2(directory).some((name) => name.endsWith(".node"));
  } catch {
    return false;
  }
}

// packages/runtime/src/package/dependencies/closure.ts
var Closures = class {
  #files;
  #resolver;
  #root;
  #lockfile;
  #identities = /* @__PURE__ */ new Map();
  #known = /* @__PURE__ */ new Map();
  constructor(options) {
    this.#files = options.files;
    this.#resolver = options.resolver;
    this.#root = options.root;
    this.#lockfile = findLockfile(options.files, options.root);
    for (const other of ["yarn.lock", "pnpm-lock.yaml"]) options.files.note(join5(options.root, other));
  }
  of(direct) {
    const key = direct.map((each) => each.directory).sort().join("\0");
    let closure = this.#known.get(key);
    if (closure === void 0) {
      closure = this.#walk(direct);
      this.#known.set(key, closure);
    }
    return closure;
  }
  #walk(direct) {
    const found = /* @__PURE__ */ new Map();
    let native = false;
    const queue = [...direct].sort((a, b) => a.name < b.name ? -1 : 1).map((each) => ({ package: each, through: void 0 }));
    for (let next = queue.shift(); next !== void 0; next = queue.shift()) {
      const { package: each, through: through2 } = next;
      if (found.has(each.directory)) continue;
      const integrity = this.#identity(each);
      found.set(each.directory, {
        name: each.name,
        version: each.version,
        ...integrity === void 0 ? {} : { integrity },
        ...through2 === void 0 ? {} : { through: through2 }
      });
      const json = this.#files.readJson(join5(each.directory, "package.json")) ?? {};
      native ||= isNative(each.directory, json);
      for (const name of dependencyNames(json)) {
        const directory = this.#resolver.installedDirectory(name, each.directory);
        const installed = directory === void 0 ? void 0 : this.#resolver.packageAt(this.#files.realPath(directory));
        if (installed !== void 0) queue.push({ package: installed, through: each.name });
      }
    }
    const entries = [...found.values()].sort(byNameAndVersion);
    const lines = entries.map((entry) => `${entry.name}@${entry.version} ${entry.integrity ?? ""}`);
    return {
      entries,
      native,
      hash: hashOf("closure", [...new Set(lines)].join("\n")),
      lock: this.#lock(direct, found)
    };
  }
  /** Integrity from the lockfile, or the hash of the content where none can be trusted. */
  #identity(each) {
    if (this.#identities.has(each.directory)) return this.#identities.get(each.directory);
    const locked = lockedAt(this.#lockfile, each.directory);
    const isVouched = locked?.integrity !== void 0 && !/^(?:git|file:)/.test(locked.resolved ?? "");
    const patch = this.#patch(each);
    const isOutside = !each.directory.includes(`${sep4}node_modules${sep4}`);
    let identity;
    if (patch !== void 0) identity = `${locked?.integrity ?? ""} patch:${patch}`.trim();
    else if (isVouched) identity = locked.integrity;
    else if (isOutside || locked !== void 0) identity = `content:${hashDirectory(each.directory)}`;
    this.#identities.set(each.directory, identity);
    return identity;
  }
  /** patch-package, and pnpm's and yarn's patches. */
  #patch(each) {
    const base2 = each.name.replace("/", "+");
    const manifest = this.#files.readJson(join5(this.#root, "package.json")) ?? {};
    const pnpm = manifest["pnpm"]?.patchedDependencies;
    const declared = pnpm?.[`${each.name}@${each.version}`] ?? pnpm?.[each.name];
    const candidates = [
      join5(this.#root, "patches", `${base2}+${each.version}.patch`),
      ...declared === void 0 ? [] : [join5(this.#root, declared)]
    ];
    const hashes = candidates.flatMap((file2) => this.#files.note(file2) ?? []);
    return hashes.length === 0 ? void 0 : hashes.join(" ");
  }
  /** From package-lock.json with the optional packages of all platforms; else from what is installed. */
  #lock(direct, found) {
    const dependencies = Object.fromEntries(direct.map((each) => [each.name, each.version]).sort());
    const packages = {
      "": { dependencies }
    };
    const lockfile = this.#lockfile;
    const directKeys = direct.map((each) => this.#lockKey(each.directory));
    if (lockfile !== void 0 && directKeys.every((key) => key !== void 0 && key in lockfile.packages)) {
      const queue = directKeys;
      for (let key = queue.shift(); key !== void 0; key = queue.shift()) {
        if (key in packages) continue;
        const locked = lockfile.packages[key];
        packages[key] = withoutRegistry(locked);
        const names = { ...locked.dependencies, ...locked.optionalDependencies, ...locked.peerDependencies };
        for (const name of Object.keys(names)) {
          const dependency = lockedDependency(lockfile, key, name);
          if (dependency !== void 0) queue.push(dependency);
        }
      }
    } else {
      for (const [directory, entry] of found) {
        const isHash = entry.integrity?.startsWith("sha") === true;
        const place = relative4(this.#root, directory).split(sep4).join("/");
        packages[place] = { version: entry.version, ...isHash ? { integrity: entry.integrity } : {} };
      }
    }
    const sorted = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => a < b ? -1 : 1));
    return { name: "task", lockfileVersion: 3, requires: true, packages: sorted };
  }
  #lockKey(directory) {
    return this.#lockfile === void 0 ? void 0 : relative4(this.#lockfile.directory, directory).split(sep4).join("/");
  }
};
var byNameAndVersion = (a, b) => a.name === b.name ? a.version < b.version ? -1 : 1 : a.name < b.name ? -1 : 1;
function dependencyNames(json) {
  const names = ["dependencies", "optionalDependencies", "peerDependencies"].flatMap(
    (key) => Object.keys(json[key] ?? {})
  );
  return [...new Set(names)].sort();
}
function withoutRegistry(locked) {
  const { resolved, ...rest } = locked;
  return resolved !== void 0 && /^(?:git|file:)/.test(resolved) ? { ...rest, resolved: resolved.replace(/\/\/[^/@]*@/, "//") } : rest;
}
function hashDirectory(directory) {
  const hash = createHash3("sha256");
  const visit = (at) => {
    for (const entry of readdirSync3(at, { withFileTypes: true }).sort((a, b) => a.name < b.name ? -1 : 1)) {
      if (entry.name === "node_modules" || entry.name === ".git") continue;
      const path = join5(at, entry.name);
      if (entry.isDirectory()) visit(path);
      else if (entry.isFile()) {
        const bytes = readFileSync(path);
        hash.update(`${relative4(directory, path)}\0${bytes.byteLength}\0`).update(bytes);
      }
    }
  };
  visit(directory);
  return hash.digest("hex");
}

// packages/runtime/src/package/find/find-step.ts
import { existsSync as existsSync2, readFileSync as readFileSync2 } from "node:fs";
import { dirname as dirname4, extname as extname2, resolve as resolve2 } from "node:path";
import { fileURLToPath } from "node:url";

// packages/runtime/src/package/find/captures.ts
function captures(key, entry) {
  const { module, node } = entry;
  const outer = /* @__PURE__ */ new Map();
  for (let at = module.parents.get(node), inner = node; at !== void 0; inner = at, at = module.parents.get(at)) {
    if (at.type === "Program") break;
    for (const [name, offset] of declaredIn(at, inner)) if (!outer.has(name)) outer.set(name, offset);
  }
  for (const name of entry.item.declares) outer.delete(name);
  if (outer.size === 0) return void 0;
  const used = firstFree(node, outer);
  if (used === void 0) return void 0;
  return {
    code: "captures-local",
    severity: "error",
    message: `the function of step ${key} uses \`${used.name}\`, a local variable of the code around it`,
    at: module.locate(used.offset),
    related: [{ message: `\`${used.name}\` is declared here`, at: module.locate(outer.get(used.name)) }],
    help: "pass it as an input of the step, or declare it at the top level of the module"
  };
}
function declaredIn(scope, inner) {
  const found = [];
  const add = (pattern) => {
    for (const name of patternNames(pattern)) found.push([name, pattern?.start ?? scope.start]);
  };
  const addDeclarations = (node) => {
    if (node.type === "VariableDeclaration") for (const each of node.declarations) add(each.id);
    if ((node.type === "FunctionDeclaration" || node.type === "ClassDeclaration") && node.id != null) {
      found.push([node.id.name, node.start]);
    }
  };
  if (isFunctionNode(scope)) {
    for (const parameter of scope.params) add(parameter);
    if (scope.type === "FunctionExpression" && scope.id != null) found.push([scope.id.name, scope.id.start]);
  }
  if (scope.type === "BlockStatement" || scope.type === "StaticBlock") {
    for (const statement of scope.body) addDeclarations(statement);
  }
  if (scope.type === "CatchClause") add(scope.param);
  if (/^For(?:In|Of)?Statement$/.test(scope.type)) {
    for (const child of children(scope)) if (child !== inner) addDeclarations(child);
  }
  return found;
}
function firstFree(root2, outer) {
  let found;
  const visit = (node, parent, hidden) => {
    if (found !== void 0) return;
    if (node.type === "Identifier" && outer.has(node.name) && !hidden.has(node.name) && isUse(node, parent)) {
      found = { name: node.name, offset: node.start };
      return;
    }
    const names = scopeNames(node);
    const inside = names.length === 0 ? hidden : /* @__PURE__ */ new Set([...hidden, ...names]);
    for (const child of children(node)) visit(child, node, inside);
  };
  visit(root2, void 0, /* @__PURE__ */ new Set());
  return found;
}
function scopeNames(node) {
  const names = [];
  if (isFunctionNode(node)) {
    for (const parameter of node.params) patternNames(parameter, names);
    if (node.id != null) names.push(node.id.name);
    if (bindsThis(node)) names.push("arguments");
    walk(node, (each) => {
      if (each !== node && isFunctionNode(each)) return false;
      if (each.type === "VariableDeclaration" && each.kind === "var") {
        for (const declarator of each.declarations) patternNames(declarator.id, names);
      }
      return true;
    });
  }
  if (isClassNode(node) && node.id != null) names.push(node.id.name);
  if (node.type === "CatchClause") patternNames(node.param, names);
  const statements = node.type === "BlockStatement" || node.type === "StaticBlock" ? node.body : /^For(?:In|Of)?Statement$/.test(node.type) ? children(node) : [];
  for (const each of statements) {
    const statement = each;
    if (statement.type === "VariableDeclaration")
      for (const one of statement.declarations) patternNames(one.id, names);
    if ((statement.type === "FunctionDeclaration" || statement.type === "ClassDeclaration") && statement.id != null) {
      names.push(statement.id.name);
    }
  }
  return names;
}
function isUse(node, parent) {
  switch (parent?.type) {
    case "MemberExpression":
      return parent.object === node || parent.computed;
    case "Property":
      return parent.value === node || parent.computed;
    case "MethodDefinition":
    case "PropertyDefinition":
      return parent.value === node || parent.computed;
    case "LabeledStatement":
    case "BreakStatement":
    case "ContinueStatement":
      return false;
    default:
      return true;
  }
}

// packages/runtime/src/package/find/found-step.ts
var notFound = (options) => ({
  ok: false,
  diagnostic: {
    code: options.code,
    severity: "error",
    message: options.message,
    ...options.at === void 0 ? {} : { at: options.at },
    help: options.help
  }
});

// packages/runtime/src/package/find/find-function.ts
function findFunction(options) {
  const { context, key, code, place, index: index2 } = options;
  const file2 = place?.file ?? options.file;
  if (file2 === void 0) {
    return notFound({
      code: "source-unknown",
      message: `cannot tell in which file step ${key} is written`,
      help: "pass `source: import.meta.url` to the controller or to step()"
    });
  }
  const loaded = context.program.loaded(file2);
  if (loaded?.kind === "failed") return { ok: false, diagnostic: loaded.diagnostic };
  const module = loaded?.kind === "module" ? loaded.module : void 0;
  const call = module === void 0 || place === void 0 ? void 0 : index2.callAt(module, place);
  const argument = module === void 0 || call === void 0 ? void 0 : functionArgument(context, module, call);
  const entry = module === void 0 || argument === void 0 ? void 0 : entryOf(context, module, argument);
  if (entry !== void 0) return checked(key, entry);
  return byText({ ...options, file: file2 });
}
function functionArgument(context, module, call) {
  if (call.type !== "CallExpression" || call.arguments.some((argument) => argument.type === "SpreadElement"))
    return void 0;
  const callee = call.callee;
  const isStepMethod = callee.type === "MemberExpression" && callee.property.type === "Identifier" && callee.property.name === "addFunctionStep";
  if (isStepMethod) {
    const [options] = call.arguments;
    if (options?.type !== "ObjectExpression") return void 0;
    for (const property of options.properties) {
      if (property.type !== "Property" || keyName(property) !== "function") continue;
      return property.method ? property : property.value;
    }
    return void 0;
  }
  const reference = calleeReference(callee);
  const isStep = reference !== void 0 && context.program.frameworkName(module, reference) === "step";
  return isStep ? stepArgument(call) : void 0;
}
function entryOf(context, module, node) {
  const item = module.itemAt(node.start);
  if (item === void 0) return void 0;
  switch (node.type) {
    case "Identifier":
      return refersToModule(item, node) ? entryOfName(context, module, node.name) : void 0;
    case "MemberExpression":
      return entryOfMember(context, module, item, node);
    case "Property":
      return { kind: "expression", module, item, node, functionNode: node.value };
    case "FunctionExpression":
    case "ArrowFunctionExpression":
      return { kind: "expression", module, item, node, functionNode: node };
    case "CallExpression":
      return { kind: "expression", module, item, node, functionNode: wrappedFunction(node) };
    default:
      return void 0;
  }
}
var refersToModule = (item, node) => referencesWithin(item, node).some((reference) => reference.offset === node.start);
function entryOfName(context, module, name) {
  const followed = context.program.follow(module, name);
  if (followed === void 0) return void 0;
  const { target, items } = followed;
  if (target.kind !== "local") return { kind: "name", module, name, functionNode: void 0 };
  const [item] = items;
  if (item === void 0 || item.kind === "statement") return void 0;
  const step = context.drivers.stepCall(item);
  if (step !== void 0) {
    const inner = stepArgument(step);
    return inner === void 0 ? void 0 : entryOf(context, item.module, inner);
  }
  const value = valueOf(item);
  if (value?.type === "Identifier" && refersToModule(item, value))
    return entryOfName(context, item.module, value.name);
  const functionNode = item.kind === "function" ? item.node : value === void 0 ? void 0 : wrappedFunction(value);
  return { kind: "name", module: target.module, name: target.name, functionNode };
}
function entryOfMember(context, module, item, node) {
  const reference = calleeReference(node);
  if (reference?.member === void 0 || node.type !== "MemberExpression") return void 0;
  if (!refersToModule(item, node.object)) return void 0;
  const followed = context.program.follow(module, reference.name);
  if (followed?.target.kind === "namespace") {
    const target = context.program.exported(followed.target.module, reference.member);
    return target?.kind === "local" ? entryOfName(context, target.module, target.name) : void 0;
  }
  const [owner] = followed?.items ?? [];
  if (owner === void 0) return void 0;
  const step = context.drivers.stepCall(owner);
  if (step !== void 0 && reference.member === "fn")
    return entryOfName(context, owner.module, owner.declares[0] ?? "");
  const value = valueOf(owner);
  if (value?.type === "ObjectExpression") {
    const property = value.properties.find(
      (each) => each.type === "Property" && keyName(each) === reference.member
    );
    if (property?.type === "Property" && !readsThis(property.value)) {
      const part = property.method ? property : property.value;
      return entryOf(context, owner.module, part);
    }
  }
  return { kind: "expression", module, item, node, functionNode: void 0 };
}
function readsThis(node) {
  let found = false;
  walk(node, (each) => {
    if (each.type === "ThisExpression" || each.type === "Super") found = true;
    return !found;
  });
  return found;
}
function wrappedFunction(node) {
  if (isFunctionNode(node)) return node;
  if (node.type !== "CallExpression" || node.callee.type === "MemberExpression") return void 0;
  return node.arguments.map((argument) => argument).find(isFunctionNode);
}
function checked(key, entry) {
  const diagnostic = entry.kind === "expression" ? captures(key, entry) : void 0;
  return diagnostic === void 0 ? { ok: true, entry, warnings: [] } : { ok: false, diagnostic };
}
function byText(options) {
  const { key, code, place, index: index2 } = options;
  const help = "pass the function itself, declared at the top level of a module, as `function:`";
  const matches = index2.like(code.function);
  const at = place ?? { file: options.file, line: 1, column: 1 };
  if (matches.length === 0) {
    return notFound({
      code: "function-not-found",
      message: `cannot find the source of the function of step ${key}`,
      at,
      help
    });
  }
  const [first, second] = matches;
  if (second !== void 0) {
    return {
      ok: false,
      diagnostic: {
        code: "ambiguous-function",
        severity: "error",
        message: `several functions have the text of the function of step ${key}`,
        at,
        related: matches.map((match) => ({
          message: "one is here",
          at: match.module.locate(match.node.start)
        })),
        help
      }
    };
  }
  return checked(key, entryOfFunction(first));
}
function entryOfFunction(match) {
  const { module, item, node, property } = match;
  const isDeclared = item.node === node || isFunctionValue(item) && valueOf(item) === node;
  const name = item.declares[0];
  if (isDeclared && name !== void 0) return { kind: "name", module, name, functionNode: node };
  return { kind: "expression", module, item, node: property ?? node, functionNode: node };
}

// packages/runtime/src/package/find/find-method.ts
function findMethod(options) {
  const { context, code, key } = options;
  const item = classItem(context, code.className, options.files);
  if (item === void 0) {
    const file2 = options.files[0];
    return notFound({
      code: "class-not-found",
      message: `cannot find the class ${code.className} of step ${key}${file2 === void 0 ? "" : ` at the top level of ${file2}`}`,
      at: file2 === void 0 ? void 0 : { file: file2, line: 1, column: 1 },
      help: "declare the class at the top level of its module; if its file cannot be told from the call, pass `source: import.meta.url`"
    });
  }
  const chain = classChain(context, item);
  const member2 = chain.flatMap((shape) => shape.byName.get(code.method) ?? []).find((candidate) => !candidate.static);
  if (member2 === void 0) {
    return notFound({
      code: "method-not-found",
      message: `the class ${code.className} has no method ${code.method} in its source`,
      at: item.module.locate(item.start),
      help: "steps are methods written in the class or in a base class of the project"
    });
  }
  const functionNode = member2.node.value ?? void 0;
  return {
    ok: true,
    entry: { kind: "method", module: item.module, item, method: code.method, chain, functionNode },
    warnings: []
  };
}
function classItem(context, className, files) {
  const modules = files.flatMap((file2) => {
    const loaded = context.program.loaded(file2);
    return loaded?.kind === "module" ? [loaded.module] : [];
  });
  const names = [
    className,
    className.replace(/^_+/, ""),
    className.replace(/\d+$/, ""),
    className.replace(/^_+|\d+$/g, "")
  ];
  for (const candidates of [modules, context.program.modules]) {
    for (const name of names) {
      for (const module of candidates) {
        const found = classIn(module, name);
        if (found !== void 0) return found;
      }
    }
  }
  return modules.flatMap((module) => module.items).find((item) => item.anonymous && classNode(item) !== void 0);
}
function classIn(module, name) {
  const bound = module.bindings.get(name)?.find((item) => classNode(item) !== void 0);
  return bound ?? module.items.find((item) => classNode(item)?.id?.name === name);
}
function classChain(context, first) {
  const chain = [];
  let item = first;
  while (item !== void 0) {
    const shape = context.shapes(item);
    if (shape === void 0 || chain.includes(shape)) break;
    chain.push(shape);
    const base2 = shape.node.superClass;
    if (base2?.type !== "Identifier") break;
    item = context.program.follow(item.module, base2.name)?.items.find((each) => classNode(each) !== void 0);
  }
  return chain;
}

// packages/runtime/src/package/find/find-step.ts
var TYPESCRIPT = /* @__PURE__ */ new Set([".ts", ".tsx", ".mts", ".cts"]);
function placeOf(code, mapToSource) {
  if (code.kind === "function" && code.call !== void 0) {
    const call = isSource(code.call.file) ? { ...code.call, file: toPath(code.call.file) } : mapToSource(code.call);
    return { call, files: [call.file] };
  }
  if (code.file === void 0) return { call: void 0, files: [] };
  const file2 = toPath(code.file);
  if (isSource(file2)) return { call: void 0, files: [file2] };
  const mapped = mapToSource({ file: code.file, line: 1, column: 1 }).file;
  return {
    call: void 0,
    files: [.../* @__PURE__ */ new Set([mapped, ...mappedSources(file2), file2])].filter((each) => existsSync2(each))
  };
}
var isSource = (file2) => TYPESCRIPT.has(extname2(file2));
var toPath = (file2) => file2.startsWith("file:") ? fileURLToPath(file2) : file2;
function mappedSources(file2) {
  try {
    const url = /\/\/# sourceMappingURL=(\S+)\s*$/.exec(readFileSync2(file2, "utf8"))?.[1];
    if (url === void 0) return [];
    const data = /^data:application\/json[^,]*;base64,(.*)$/.exec(url)?.[1];
    const base2 = data === void 0 ? resolve2(dirname4(file2), decodeURIComponent(url)) : file2;
    const text = data === void 0 ? readFileSync2(base2, "utf8") : Buffer.from(data, "base64").toString("utf8");
    const map = JSON.parse(text);
    return (map.sources ?? []).map(
      (source) => resolve2(dirname4(base2), toPath(map.sourceRoot ?? ""), toPath(source))
    );
  } catch {
    return [];
  }
}
function findStep(options) {
  const { context, key, code, place, index: index2 } = options;
  const [file2] = place.files;
  if (file2 === void 0) {
    return notFound({
      code: "source-unknown",
      message: `cannot tell in which file step ${key} is written`,
      help: "pass `source: import.meta.url`"
    });
  }
  const loaded = context.program.loaded(file2);
  if (loaded?.kind === "failed") return { ok: false, diagnostic: loaded.diagnostic };
  return code.kind === "method" ? findMethod({ context, key, code, files: place.files }) : findFunction({ context, key, code, place: place.call, file: file2, index: index2 });
}

// packages/runtime/src/package/find/function-index.ts
import { originalPositionFor as originalPositionFor2 } from "@jridgewell/trace-mapping";

// packages/runtime/src/package/module/parser.ts
import { Parser, TokenType, tokTypes } from "acorn";
var Base = Parser;
var AT = new TokenType("@");
var AT_CODE = 64;
var DecoratorParser = class extends Base {
  getTokenFromCode(code) {
    if (code !== AT_CODE) return super.getTokenFromCode(code);
    this.pos += 1;
    this.finishToken(AT);
  }
  parseStatement(context, topLevel, exports) {
    if (this.type !== AT) return super.parseStatement(context, topLevel, exports);
    const start = this.start;
    const decorators = this.decorators();
    const statement = super.parseStatement(context, topLevel, exports);
    const declared = statement.type === "ClassDeclaration" ? statement : statement["declaration"];
    if (declared?.type.startsWith("Class") !== true)
      this.raise(start, "a decorator must stand before a class");
    this.decorate(declared, decorators);
    return statement;
  }
  shouldParseExportStatement() {
    return this.type === AT || super.shouldParseExportStatement();
  }
  parseExportDeclaration(node) {
    return this.type === AT ? this.parseStatement(null) : super.parseExportDeclaration(node);
  }
  parseExportDefaultDeclaration() {
    if (this.type !== AT) return super.parseExportDefaultDeclaration();
    const decorators = this.decorators();
    return this.decorate(this.parseClass(this.startNode(), "nullableID"), decorators);
  }
  parseExprAtom(...rest) {
    if (this.type !== AT) return super.parseExprAtom(...rest);
    const decorators = this.decorators();
    return this.decorate(this.parseClass(this.startNode(), false), decorators);
  }
  parseClassElement(constructorAllowsSuper) {
    if (this.type !== AT) return super.parseClassElement(constructorAllowsSuper);
    const decorators = this.decorators();
    const element = this.parseClassElement(constructorAllowsSuper);
    return element === null ? null : this.decorate(element, decorators);
  }
  parseClassElementName(element) {
    if (this.isContextual("accessor") && /^[ \t]*[#[\w$"']/.test(this.input.slice(this.pos, this.pos + 64))) {
      this.next();
      element["accessor"] = true;
    }
    super.parseClassElementName(element);
  }
  decorate(node, decorators) {
    const known = node["decorators"] ?? [];
    node["decorators"] = [...decorators, ...known];
    return node;
  }
  decorators() {
    const found = [];
    while (this.type === AT) {
      const node = this.startNode();
      this.next();
      node["expression"] = this.type === tokTypes.parenL ? this.parseParenAndDistinguishExpression(false) : this.decoratorPath();
      found.push(this.finishNode(node, "Decorator"));
    }
    return found;
  }
  /** `a.b.c` with at most one call at its end. */
  decoratorPath() {
    const { start, startLoc } = this;
    let expression = this.parseIdent(true);
    while (this.eat(tokTypes.dot)) {
      const member2 = this.startNodeAt(start, startLoc);
      member2["object"] = expression;
      member2["computed"] = false;
      member2["optional"] = false;
      member2["property"] = this.type === tokTypes.privateId ? this.parsePrivateIdent() : this.parseIdent(true);
      expression = this.finishNode(member2, "MemberExpression");
    }
    if (!this.eat(tokTypes.parenL)) return expression;
    const call = this.startNodeAt(start, startLoc);
    call["callee"] = expression;
    call["optional"] = false;
    call["arguments"] = this.parseExprList(tokTypes.parenR, true);
    return this.finishNode(call, "CallExpression");
  }
};
function parseModule(code) {
  return DecoratorParser.parse(code, {
    ecmaVersion: "latest",
    sourceType: "module",
    ranges: true,
    allowHashBang: true,
    allowReturnOutsideFunction: true
  });
}

// packages/runtime/src/package/find/normal-form.ts
function normalForm(node, mode) {
  return JSON.stringify(simplify(node, mode, true));
}
var LEFT_OUT = /* @__PURE__ */ new Set([
  "start",
  "end",
  "range",
  "loc",
  "raw",
  "optional",
  "directive",
  "expression",
  "decorators"
]);
function simplify(value, mode, top) {
  if (Array.isArray(value)) return value.map((item) => simplify(item, mode, false));
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof RegExp) return String(value);
  if (typeof value !== "object" || value === null) return value ?? null;
  const node = value;
  if (node["type"] === "CallExpression" && node["callee"].name === "__name") {
    return simplify(node["arguments"][0], mode, top);
  }
  if (node["type"] === "Identifier" && mode === "loose") return "_";
  if (node["type"] === "ExpressionStatement") return { statement: simplify(node["expression"], mode, false) };
  if (node["type"] === "ArrowFunctionExpression" || isFunctionNode(value)) {
    return {
      type: node["type"] === "ArrowFunctionExpression" ? "arrow" : "function",
      async: node["async"] === true,
      generator: node["generator"] === true,
      params: simplify(node["params"], mode, false),
      body: simplify(node["body"], mode, false),
      ...top ? {} : { id: simplify(node["id"] ?? null, mode, false) }
    };
  }
  const result = {};
  for (const [key, child] of Object.entries(node)) {
    if (LEFT_OUT.has(key) || mode === "loose" && key === "shorthand") continue;
    result[key] = simplify(child, mode, false);
  }
  return result;
}
function parseFunctionText(text) {
  if (/\{\s*\[native code\]\s*\}\s*$/.test(text)) return void 0;
  const shapes = [
    ["(", ")"],
    ["({", "})"],
    ["(class { ", " })"]
  ];
  for (const [before, after] of shapes) {
    try {
      const [statement] = parseModule(before + text + after).body;
      const expression = statement?.type === "ExpressionStatement" ? statement.expression : void 0;
      const found = expression === void 0 ? void 0 : firstFunction(expression);
      if (found !== void 0) return found;
    } catch {
    }
  }
  return void 0;
}
function firstFunction(node) {
  if (isFunctionNode(node)) return node;
  if (node.type === "ObjectExpression") {
    const [property] = node.properties;
    return property?.type === "Property" ? firstFunction(property.value) : void 0;
  }
  if (node.type === "ClassExpression") {
    const [element] = node.body.body;
    return element?.type === "MethodDefinition" ? element.value : void 0;
  }
  return void 0;
}

// packages/runtime/src/package/find/function-index.ts
var FunctionIndex = class {
  #program;
  #calls = /* @__PURE__ */ new Map();
  #functions;
  constructor(program) {
    this.#program = program;
  }
  /**
   * The call whose callee stands at a place in the user's source. V8 reports `a.b()` at `b`, which is
   * where a source map has an entry as well.
   */
  callAt(module, place) {
    const inLine = this.#callsOf(module).get(place.line) ?? [];
    const exact = inLine.find((each) => each.column === place.column);
    if (exact !== void 0) return exact.call;
    const registering = inLine.filter((each) => isRegistering(each.call));
    return registering.filter((each) => each.column <= place.column).at(-1)?.call ?? (registering.length === 1 ? registering[0].call : void 0);
  }
  #callsOf(module) {
    const known = this.#calls.get(module);
    if (known !== void 0) return known;
    const byLine = /* @__PURE__ */ new Map();
    walk(module.program, (node) => {
      if (node.type !== "CallExpression") return;
      const callee = node.callee;
      const place = originalOf(
        module,
        callee.type === "MemberExpression" ? callee.property.start : callee.start
      );
      if (place === void 0) return;
      const calls = byLine.get(place.line) ?? [];
      calls.push({ column: place.column + 1, call: node });
      byLine.set(place.line, calls);
    });
    for (const calls of byLine.values()) calls.sort((a, b) => a.column - b.column);
    this.#calls.set(module, byLine);
    return byLine;
  }
  /** The functions of the user's with the text of a live function; its name breaks ties. */
  like(live) {
    const parsed = parseFunctionText(Function.prototype.toString.call(live));
    if (parsed === void 0) return [];
    this.#functions ??= this.#index();
    const exact = this.#functions.exact.get(normalForm(parsed, "exact")) ?? [];
    const matches = exact.length > 0 ? exact : this.#functions.loose.get(normalForm(parsed, "loose")) ?? [];
    const named = matches.filter((match) => nameOf(match) === live.name);
    return named.length > 0 ? named : matches;
  }
  #index() {
    const exact = /* @__PURE__ */ new Map();
    const loose = /* @__PURE__ */ new Map();
    const add = (map, key, match) => {
      const known = map.get(key);
      if (known === void 0) map.set(key, [match]);
      else known.push(match);
    };
    for (const module of this.#program.modules) {
      walk(module.program, (node, parent) => {
        if (!isFunctionNode(node)) return;
        const item = module.itemAt(node.start);
        if (item === void 0) return;
        const isMethod = parent?.type === "Property" && (parent.method || parent.kind !== "init");
        const match = { module, item, node, property: isMethod ? parent : void 0 };
        add(exact, normalForm(node, "exact"), match);
        add(loose, normalForm(node, "loose"), match);
      });
    }
    return { exact, loose };
  }
};
function isRegistering(call) {
  if (call.type !== "CallExpression") return false;
  const callee = call.callee;
  const name = callee.type === "MemberExpression" ? callee.property : callee;
  return name.type === "Identifier" && (name.name === "addFunctionStep" || name.name === "step");
}
function nameOf(match) {
  const id = match.node.id;
  if (id != null) return id.name;
  const parent = match.property ?? match.module.parents.get(match.node);
  if (parent?.type === "Property") return keyName(parent);
  return parent?.type === "VariableDeclarator" && parent.id.type === "Identifier" ? parent.id.name : void 0;
}
function originalOf(module, offset) {
  const line = lineAt(module.starts, offset);
  const found = originalPositionFor2(module.map, {
    line: line + 1,
    column: offset - (module.starts[line] ?? 0)
  });
  return found.line === null ? void 0 : { line: found.line, column: found.column };
}

// packages/runtime/src/package/module/program.ts
import { extname as extname3 } from "node:path";

// packages/runtime/src/package/module/analyse.ts
import { analyze } from "eslint-scope";

// packages/runtime/src/package/module/impure.ts
var MEMBERS = {
  Math: /* @__PURE__ */ new Set(["random"]),
  Date: /* @__PURE__ */ new Set(["now"]),
  performance: /* @__PURE__ */ new Set(["now"]),
  process: /* @__PURE__ */ new Set(["hrtime", "uptime"]),
  crypto: /* @__PURE__ */ new Set(["randomUUID", "getRandomValues", "randomBytes", "randomInt"])
};
var FROM_CRYPTO = /* @__PURE__ */ new Set(["randomUUID", "randomBytes", "randomInt", "getRandomValues"]);
var ID_PACKAGES = /* @__PURE__ */ new Set(["uuid", "nanoid", "ulid", "cuid", "@paralleldrive/cuid2", "ksuid"]);
function impureCall(node, specifierOf) {
  if (node.type === "NewExpression") {
    const isNow = node.callee.type === "Identifier" && node.callee.name === "Date" && node.arguments.length === 0;
    return isNow ? "new Date()" : void 0;
  }
  if (node.type !== "CallExpression") return void 0;
  const callee = node.callee;
  if (callee.type === "Identifier") {
    const specifier = specifierOf(callee.name);
    if (specifier === void 0) return callee.name === "Date" ? "Date()" : void 0;
    const isImpure = /^(?:node:)?crypto$/.test(specifier) && FROM_CRYPTO.has(callee.name) || ID_PACKAGES.has(specifier.split("/")[0] ?? "");
    return isImpure ? `${callee.name}()` : void 0;
  }
  const member2 = memberName(callee);
  if (callee.type !== "MemberExpression" || member2 === void 0) return void 0;
  const object = callee.object;
  const name = object.type === "Identifier" ? object.name : memberName(object);
  return name !== void 0 && MEMBERS[name]?.has(member2) === true ? `${name}.${member2}()` : void 0;
}

// packages/runtime/src/package/module/items.ts
var DEFAULT_NAME = "__default";
function itemsOf(program) {
  const collector = new Collector();
  for (const statement of program.body) collector.top(statement);
  return {
    items: collector.items,
    exports: collector.exports,
    starExports: collector.starExports,
    reexported: collector.reexported,
    commonJs: collector.commonJs(program)
  };
}
var Collector = class {
  items = [];
  exports = /* @__PURE__ */ new Map();
  starExports = [];
  reexported = [];
  commonJs(program) {
    return !program.body.some(
      (statement) => statement.type.startsWith("Import") || statement.type.startsWith("Export")
    ) && this.items.some((item) => item.kind === "commonjs-export" || item.importing?.viaRequire === true);
  }
  top(statement) {
    switch (statement.type) {
      case "ImportDeclaration":
        return this.importDeclaration(statement);
      case "ExportNamedDeclaration":
        if (statement.declaration != null) {
          this.declaration(statement.declaration);
          for (const name of declaredNames(statement.declaration))
            this.exports.set(name, { kind: "local", name });
          return;
        }
        for (const specifier of statement.specifiers) {
          const local = nameOf2(specifier.local);
          const source = statement.source == null ? void 0 : literalString(statement.source);
          this.exports.set(
            nameOf2(specifier.exported),
            source === void 0 ? { kind: "local", name: local } : { kind: "from", specifier: source, imported: local, offset: specifier.start }
          );
        }
        if (statement.source != null) this.reexported.push(literalString(statement.source) ?? "");
        return;
      case "ExportAllDeclaration": {
        const specifier = literalString(statement.source) ?? "";
        this.reexported.push(specifier);
        if (statement.exported == null) this.starExports.push(specifier);
        else {
          const exported = nameOf2(statement.exported);
          this.exports.set(exported, { kind: "from", specifier, imported: "*", offset: statement.start });
        }
        return;
      }
      case "ExportDefaultDeclaration":
        return this.defaultExport(statement.declaration);
      case "VariableDeclaration":
      case "FunctionDeclaration":
      case "ClassDeclaration":
        return this.declaration(statement);
      case "EmptyStatement":
        return;
      default:
        if (!this.commonJsExport(statement)) this.add({ kind: "statement", node: statement });
    }
  }
  importDeclaration(statement) {
    const specifier = literalString(statement.source) ?? "";
    const attributes = attributesOf(statement);
    const importing = (imported) => ({
      specifier,
      imported,
      attributes,
      viaRequire: false
    });
    if (statement.specifiers.length === 0) {
      this.add({ kind: "bare-import", node: statement, importing: importing("") });
    }
    for (const node of statement.specifiers) {
      const imported = node.type === "ImportDefaultSpecifier" ? "default" : node.type === "ImportNamespaceSpecifier" ? "*" : nameOf2(node.imported);
      this.add({ kind: "import", node, declares: [node.local.name], importing: importing(imported) });
    }
  }
  declaration(node) {
    if (node.type === "VariableDeclaration") return this.variables(node);
    const kind = node.type === "ClassDeclaration" ? "class" : "function";
    this.add({ kind, node, declares: [node.id.name] });
  }
  variables(declaration) {
    for (const node of declaration.declarations) {
      const required = requiredSpecifier(node.init);
      const declares = patternNames(node.id);
      this.add({
        kind: "variable",
        node,
        declares,
        variableKind: declaration.kind,
        ...required === void 0 ? {} : { importing: { specifier: required, imported: "*", attributes: "", viaRequire: true } }
      });
    }
  }
  defaultExport(node) {
    if (node.type === "Identifier") {
      this.exports.set("default", { kind: "local", name: node.name });
      return;
    }
    const kind = node.type.startsWith("Class") ? "class" : node.type === "FunctionDeclaration" ? "function" : "default";
    const id = kind === "default" ? void 0 : node.id;
    const name = id?.name ?? DEFAULT_NAME;
    this.add({ kind, node, declares: [name], anonymous: id == null });
    this.exports.set("default", { kind: "local", name });
  }
  /** `exports.x = …`, `module.exports = …`, tsc's `Object.defineProperty(exports, '__esModule', …)`. */
  commonJsExport(statement) {
    if (statement.type !== "ExpressionStatement") return false;
    const { expression } = statement;
    if (expression.type === "CallExpression" && isExportsObject(expression.arguments[0])) {
      this.add({ kind: "commonjs-export", node: statement });
      return true;
    }
    if (expression.type !== "AssignmentExpression") return false;
    const target = expression.left;
    const name = target.type === "MemberExpression" && isExportsObject(target.object) ? keyOf(target) : void 0;
    if (name === void 0 && !isExportsObject(target)) return false;
    this.add({ kind: "commonjs-export", node: statement });
    if (name !== void 0 && expression.right.type === "Identifier") {
      this.exports.set(name, { kind: "local", name: expression.right.name });
    }
    if (name === void 0 && expression.right.type === "ObjectExpression") {
      for (const property of expression.right.properties) {
        if (property.type !== "Property" || property.value.type !== "Identifier") continue;
        const key = keyName(property);
        if (key !== void 0) this.exports.set(key, { kind: "local", name: property.value.name });
      }
    }
    return true;
  }
  add(options) {
    this.items.push({
      module: void 0,
      kind: options.kind,
      index: this.items.length,
      start: startOf(options.node),
      end: options.node.end,
      node: options.node,
      anonymous: options.anonymous ?? false,
      declares: options.declares ?? [],
      variableKind: options.variableKind,
      importing: options.importing,
      references: [],
      facts: []
    });
  }
};
function declaredNames(declaration) {
  return declaration.type === "VariableDeclaration" ? declaration.declarations.flatMap((declarator) => patternNames(declarator.id)) : [declaration.id.name];
}
var nameOf2 = (node) => {
  const syntax = node;
  return syntax.type === "Identifier" ? syntax.name : syntax.type === "Literal" ? String(syntax.value) : "";
};
var keyOf = (node) => node.type === "MemberExpression" && !node.computed && node.property.type === "Identifier" ? node.property.name : void 0;
function attributesOf(statement) {
  const entries = statement.attributes.map(
    (attribute) => `${nameOf2(attribute.key)}:${JSON.stringify(attribute.value.value)}`
  );
  return entries.length === 0 ? "" : `with{${entries.sort().join(",")}}`;
}
function requiredSpecifier(init) {
  if (init?.type !== "CallExpression" || init.callee.type !== "Identifier") return void 0;
  if (init.callee.name === "require") return literalString(init.arguments[0]);
  return /^__(?:importDefault|importStar|toESM)$/.test(init.callee.name) ? requiredSpecifier(init.arguments[0]) : void 0;
}
function isExportsObject(node) {
  if (node?.type === "Identifier") return node.name === "exports";
  return node?.type === "MemberExpression" && node.object.type === "Identifier" && node.object.name === "module" && keyOf(node) === "exports";
}

// packages/runtime/src/package/module/module.ts
var Module = class {
  /** Absolute. */
  file;
  /** As `analyse` prints it: types, comments and whitespace gone. All offsets are into it. */
  code;
  program;
  compilerOptions;
  items;
  /** By declared name; several for repeated `var`s. */
  bindings;
  exports;
  /** `export * from`. */
  starExports;
  /** Specifiers of `export … from`, in order: their modules are evaluated with this one. */
  reexported;
  parents;
  /** CommonJS: `require` and `module` are its own. */
  commonJs;
  #source;
  #starts;
  constructor(parts) {
    this.file = parts.file;
    this.code = parts.source.code;
    this.program = parts.program;
    this.compilerOptions = parts.compilerOptions;
    this.items = parts.items;
    this.bindings = parts.bindings;
    this.exports = parts.exports;
    this.starExports = parts.starExports;
    this.reexported = parts.reexported;
    this.parents = parts.parents;
    this.commonJs = parts.commonJs;
    this.#source = parts.source;
    for (const item of parts.items) item.module = this;
    this.#starts = lineStarts(parts.source.code);
  }
  get map() {
    return this.#source.map;
  }
  get starts() {
    return this.#starts;
  }
  /** The place in the user's source of an offset. */
  locate(offset) {
    return originalPlace({ file: this.file, map: this.#source.map, starts: this.#starts, offset });
  }
  text(node) {
    return this.code.slice(node.start, node.end);
  }
  /** The item that holds an offset. */
  itemAt(offset) {
    return itemAt(this.items, offset);
  }
};
function itemAt(items, offset) {
  let low = 0;
  let high = items.length - 1;
  while (low <= high) {
    const middle = low + high >> 1;
    const item = items[middle];
    if (offset < item.start) high = middle - 1;
    else if (offset >= item.end) low = middle + 1;
    else return item;
  }
  return void 0;
}

// packages/runtime/src/package/module/analyse.ts
function analyseModule(options) {
  const { code } = options.source;
  const program = parseModule(code);
  const found = itemsOf(program);
  const parents = /* @__PURE__ */ new Map();
  walk(program, (node, parent) => {
    if (parent !== void 0) parents.set(node, parent);
  });
  const bindings = bindingsOf(program, found.items, parents);
  return new Module({ ...options, program, parents, bindings, ...found });
}
function bindingsOf(program, items, parents) {
  const scopes = analyze(program, { ecmaVersion: 2022, sourceType: "module" });
  const moduleScope = scopes.scopes.find((scope) => scope.type === "module");
  if (moduleScope === void 0) throw new Error("a module without a module scope");
  const bindings = /* @__PURE__ */ new Map();
  const bind = (name, item) => {
    const known = bindings.get(name);
    if (known === void 0) bindings.set(name, [item]);
    else if (!known.includes(item)) known.push(item);
  };
  for (const item of items) for (const name of item.declares) bind(name, item);
  for (const variable of moduleScope.variables) {
    for (const definition of variable.defs) {
      const item = itemAt(items, definition.name.start);
      if (item?.kind !== "statement") continue;
      bind(variable.name, item);
      if (!item.declares.includes(variable.name)) item.declares.push(variable.name);
    }
  }
  const recorder = new Recorder({ items, parents, bindings });
  for (const scope of scopes.scopes) recorder.scope(scope, moduleScope);
  recorder.walk(program);
  for (const item of items) {
    item.references.sort((a, b) => a.offset - b.offset);
    item.facts.sort((a, b) => a.offset - b.offset);
  }
  return bindings;
}
var MUTATORS = new Set(
  "push pop shift unshift splice sort reverse fill copyWithin set add delete clear append emit on once off register use assign defineProperty defineProperties setPrototypeOf extend config listen start init".split(
    " "
  )
);
var Recorder = class {
  #items;
  #parents;
  #bindings;
  constructor(options) {
    this.#items = options.items;
    this.#parents = options.parents;
    this.#bindings = options.bindings;
  }
  scope(scope, moduleScope) {
    for (const reference of scope.references) this.reference(reference, moduleScope);
  }
  reference(reference, moduleScope) {
    const node = reference.identifier;
    const item = itemAt(this.#items, node.start);
    if (item === void 0) return;
    const variable = reference.resolved;
    const deferred = this.isDeferred(node, item);
    const use = reference.isWrite() && reference.init !== true ? "write" : this.use(node);
    if (variable === null || variable.scope.type === "global") {
      item.facts.push({ kind: "global", name: node.name, offset: node.start, deferred, use, node });
      return;
    }
    if (variable.scope !== moduleScope) return;
    if (reference.init === true && reference.isWrite() && item.declares.includes(variable.name)) return;
    item.references.push({
      name: variable.name,
      offset: node.start,
      use,
      deferred,
      lazy: this.isLazy(node),
      decorator: void 0,
      member: this.member(node)
    });
  }
  walk(program) {
    walk(program, (node, parent) => {
      switch (node.type) {
        case "Decorator":
          this.decorator(node);
          break;
        case "ImportExpression":
          this.fact(
            node,
            (item) => item.facts.push({
              kind: "dynamic-import",
              offset: node.start,
              node,
              specifier: literalString(node.source)
            })
          );
          break;
        case "CallExpression":
        case "NewExpression":
          this.call(node);
          break;
        case "MetaProperty":
          if (node.meta.name !== "import") break;
          this.fact(
            node,
            (item) => item.facts.push({
              kind: "import-meta",
              offset: node.start,
              node: parent !== void 0 && memberName(parent) !== void 0 ? parent : node,
              member: parent === void 0 ? void 0 : memberName(parent)
            })
          );
          break;
        case "MemberExpression":
          if (isProcess(node.object) && memberName(node) === "env") this.env(node);
          break;
        case "VariableDeclarator":
          if (node.init != null && isProcess(node.init) && node.id.type === "ObjectPattern") {
            for (const property of node.id.properties) {
              if (property.type === "Property" && property.key.type === "Identifier" && property.key.name === "env") {
                this.envPattern(node, property.value);
              }
            }
          }
          break;
      }
    });
    this.importedEnv();
  }
  call(node) {
    const impure = impureCall(node, (name) => this.#bindings.get(name)?.[0]?.importing?.specifier);
    if (impure !== void 0) {
      this.fact(
        node,
        (item) => item.facts.push({
          kind: "impure",
          offset: node.start,
          text: impure,
          deferred: this.isDeferred(node, item)
        })
      );
    }
    if (node.type !== "CallExpression" || node.callee.type !== "Identifier" || node.callee.name !== "require")
      return;
    this.fact(
      node,
      (item) => item.facts.push({
        kind: "require",
        offset: node.start,
        node,
        specifier: literalString(node.arguments[0])
      })
    );
  }
  /** What is done with `process.env` as written at `node`. */
  env(node) {
    const parent = this.#parents.get(node);
    if (parent?.type === "MemberExpression" && parent.object === node) {
      const name = memberName(parent);
      return this.fact(node, (item) => item.facts.push({ kind: "env", offset: node.start, name }));
    }
    if (parent?.type === "VariableDeclarator" && parent.init === node)
      return this.envPattern(node, parent.id);
    if (parent?.type === "BinaryExpression" && parent.operator === "in" && parent.right === node) {
      const name = literalString(parent.left);
      return this.fact(node, (item) => item.facts.push({ kind: "env", offset: node.start, name }));
    }
    this.fact(node, (item) => item.facts.push({ kind: "env", offset: node.start, name: void 0 }));
  }
  /** `const { A, B = 'x' } = process.env`. */
  envPattern(node, pattern) {
    const properties = pattern.type === "ObjectPattern" ? pattern.properties : void 0;
    this.fact(node, (item) => {
      for (const property of properties ?? []) {
        const name = property.type === "Property" && !property.computed && property.key.type === "Identifier" ? property.key.name : void 0;
        item.facts.push({ kind: "env", offset: property.start, name });
      }
      if (properties === void 0) item.facts.push({ kind: "env", offset: node.start, name: void 0 });
    });
  }
  /** `import { env } from 'node:process'`, `import process from 'process'`. */
  importedEnv() {
    const names = /* @__PURE__ */ new Map();
    for (const [name, [item]] of this.#bindings) {
      const importing = item?.importing;
      if (importing === void 0 || !/^(?:node:)?process$/.test(importing.specifier)) continue;
      if (importing.imported === "env") names.set(name, "env");
      else if (importing.imported === "default" || importing.imported === "*") names.set(name, "process");
    }
    if (names.size === 0) return;
    for (const item of this.#items) {
      for (const reference of item.references) {
        if (names.get(reference.name) !== "env") continue;
        item.facts.push({ kind: "env", offset: reference.offset, name: reference.member });
      }
    }
  }
  /** eslint-scope does not look into decorators. Local names there are rare enough to be ignored. */
  decorator(decorator) {
    this.fact(decorator, (item) => {
      walk(decorator.expression, (node, parent) => {
        if (node.type !== "Identifier" || !this.#bindings.has(node.name)) return;
        if (parent?.type === "MemberExpression" && parent.property === node && !parent.computed) return;
        if (parent?.type === "Property" && parent.key === node && !parent.computed && !parent.shorthand)
          return;
        item.references.push({
          name: node.name,
          offset: node.start,
          use: "read",
          deferred: false,
          lazy: false,
          decorator,
          member: parent === void 0 || parent.type !== "MemberExpression" ? void 0 : memberName(parent)
        });
      });
    });
  }
  fact(node, add) {
    const item = itemAt(this.#items, node.start);
    if (item !== void 0) add(item);
  }
  isDeferred(node, item) {
    for (let at = this.#parents.get(node); at !== void 0; at = this.#parents.get(at)) {
      if (at === item.node) return isFunctionNode(at);
      if (isFunctionNode(at) && !this.isImmediatelyCalled(at)) return true;
      if (at.type === "PropertyDefinition" && !at.static && at.value != null && node.start >= at.value.start)
        return true;
    }
    return false;
  }
  isImmediatelyCalled(node) {
    const parent = this.#parents.get(node);
    return parent?.type === "CallExpression" && parent.callee === node;
  }
  isLazy(node) {
    let at = node;
    let parent = this.#parents.get(at);
    while (parent?.type === "MemberExpression" && parent.object === at) {
      at = parent;
      parent = this.#parents.get(at);
    }
    return parent?.type === "AssignmentExpression" && parent.left === at && /^(?:\?\?|\|\|)=$/.test(parent.operator);
  }
  member(node) {
    const parent = this.#parents.get(node);
    return parent?.type === "MemberExpression" && parent.object === node ? memberName(parent) : void 0;
  }
  use(node) {
    const parent = this.#parents.get(node);
    if (parent === void 0) return "read";
    let at = node;
    let above = parent;
    let depth = 0;
    while (above !== void 0 && (above.type === "MemberExpression" && above.object === at || above.type === "ChainExpression")) {
      if (above.type === "MemberExpression") depth += 1;
      at = above;
      above = this.#parents.get(at);
    }
    if (above === void 0) return "read";
    if (depth === 0) {
      if (above.type === "UpdateExpression") return "write";
      if (above.type === "CallExpression" || above.type === "NewExpression") {
        return above.callee === at ? "invoke" : this.argumentOf(above.callee);
      }
      if (above.type === "TaggedTemplateExpression") return "invoke";
      return above.type === "SpreadElement" ? "argument" : "read";
    }
    if (above.type === "AssignmentExpression" && above.left === at) return "mutate";
    if (above.type === "UpdateExpression") return "mutate";
    if (above.type === "UnaryExpression" && above.operator === "delete") return "mutate";
    if (above.type === "CallExpression" && above.callee === at) {
      const method = memberName(at);
      return method !== void 0 && MUTATORS.has(method) ? "mutate" : "call";
    }
    if (above.type !== "CallExpression" && above.type !== "NewExpression") return "read";
    return above.callee === at ? "read" : this.argumentOf(above.callee);
  }
  argumentOf(callee) {
    let root2 = callee;
    while (root2.type === "MemberExpression") root2 = root2.object;
    const [item] = root2.type === "Identifier" ? this.#bindings.get(root2.name) ?? [] : [];
    return item === void 0 || item.importing !== void 0 ? "argument" : "argument-local";
  }
};
function isProcess(node) {
  return node.type === "Identifier" && node.name === "process" || node.type === "MemberExpression" && node.object.type === "Identifier" && node.object.name === "globalThis" && memberName(node) === "process";
}

// packages/runtime/src/package/module/program.ts
var Program = class {
  files;
  resolver;
  #tsconfigs;
  #loaded = /* @__PURE__ */ new Map();
  #targets = /* @__PURE__ */ new WeakMap();
  constructor(options) {
    this.files = options.files;
    this.resolver = options.resolver;
    this.#tsconfigs = options.tsconfigs;
  }
  /** Loads files and every file of the user's that they import, at once. */
  async load(files) {
    let wave = files.filter((file2) => !this.#loaded.has(file2));
    while (wave.length > 0) {
      const loaded = await Promise.all(wave.map(async (file2) => [file2, await this.#loadFile(file2)]));
      for (const [file2, result] of loaded) this.#loaded.set(file2, result);
      const next = /* @__PURE__ */ new Set();
      for (const [, result] of loaded) {
        if (result.kind === "module") for (const file2 of this.#imports(result.module)) next.add(file2);
      }
      wave = [...next].filter((file2) => !this.#loaded.has(file2));
    }
  }
  get modules() {
    return [...this.#loaded.values()].flatMap((loaded) => loaded.kind === "module" ? [loaded.module] : []);
  }
  loaded(file2) {
    return this.#loaded.get(file2);
  }
  async #loadFile(file2) {
    if (!(extname3(file2) in LOADERS)) return { kind: "opaque", file: file2 };
    const text = this.files.read(file2);
    if (text === void 0) {
      return failed("unresolved-import", `there is no file ${file2}`, { file: file2, line: 1, column: 1 });
    }
    const compilerOptions = this.#tsconfigs.of(file2);
    try {
      const source = await transformSource({ file: file2, text, compilerOptions });
      return { kind: "module", module: analyseModule({ file: file2, source, compilerOptions }) };
    } catch (error) {
      return { kind: "failed", diagnostic: syntaxDiagnostic(file2, error) };
    }
  }
  /** Files of the user's that a module names. */
  *#imports(module) {
    const specifiers = new Set(module.reexported);
    for (const declared of module.exports.values())
      if (declared.kind === "from") specifiers.add(declared.specifier);
    for (const item of module.items) {
      if (item.importing !== void 0) specifiers.add(item.importing.specifier);
      for (const fact of item.facts) {
        if (fact.kind === "dynamic-import" && fact.specifier !== void 0) specifiers.add(fact.specifier);
      }
    }
    for (const specifier of specifiers) {
      const resolution = this.resolver.resolve(specifier, module.file);
      if (resolution.kind === "file") yield resolution.file;
    }
  }
  /** Where an import item leads. */
  target(item) {
    const known = this.#targets.get(item);
    if (known !== void 0) return known;
    const importing = item.importing;
    const target = this.imported({
      module: item.module,
      specifier: importing.specifier,
      imported: importing.imported,
      attributes: importing.attributes,
      offset: item.start
    });
    this.#targets.set(item, target);
    return target;
  }
  /** Where `import { imported } from 'specifier'` in a module leads. */
  imported(options) {
    const { module, specifier, imported, offset } = options;
    const attributes = options.attributes ?? "";
    const resolution = this.resolver.resolve(specifier, module.file);
    switch (resolution.kind) {
      case "builtin":
      case "framework":
      case "npm":
        return { kind: "external", resolution, imported, attributes, importer: module.file, via: [] };
      case "unresolved":
        return {
          kind: "unresolved",
          diagnostic: {
            code: "unresolved-import",
            severity: "error",
            message: `cannot resolve "${specifier}": ${resolution.reason}`,
            at: module.locate(offset),
            help: /^[./#]/.test(specifier) ? "check the path" : `install it: npm install ${specifier}`
          }
        };
      case "file": {
        const loaded = this.#loaded.get(resolution.file);
        if (extname3(resolution.file) === ".node")
          return { kind: "unresolved", diagnostic: nativeDiagnostic(module, offset, specifier) };
        if (loaded?.kind === "failed") {
          return { kind: "unresolved", diagnostic: loaded.diagnostic };
        }
        if (loaded === void 0 || loaded.kind === "opaque" || loaded.module.commonJs) {
          return { kind: "opaque", file: resolution.file, imported, attributes, via: [] };
        }
        if (imported === "*") return { kind: "namespace", module: loaded.module, via: [] };
        const found = this.exported(loaded.module, imported, options.seen);
        return found ?? {
          kind: "unresolved",
          diagnostic: {
            code: "unresolved-import",
            severity: "error",
            message: `"${specifier}" has no export ${imported}`,
            at: module.locate(offset)
          }
        };
      }
    }
  }
  /** Where an export of a module leads. */
  exported(module, name, seen = /* @__PURE__ */ new Set()) {
    const key = `${module.file}\0${name}`;
    if (seen.has(key)) return void 0;
    seen.add(key);
    const declared = module.exports.get(name);
    if (declared?.kind === "local") return this.local(module, declared.name, seen);
    if (declared?.kind === "from") {
      const { specifier, imported, offset } = declared;
      return through(module, this.imported({ module, specifier, imported, offset, seen }));
    }
    if (name === "default") return void 0;
    let external;
    for (const specifier of module.starExports) {
      const resolution = this.resolver.resolve(specifier, module.file);
      if (resolution.kind === "file") {
        const loaded = this.#loaded.get(resolution.file);
        if (loaded?.kind === "module" && !loaded.module.commonJs) {
          const found = this.exported(loaded.module, name, seen);
          if (found !== void 0) return through(module, found);
        } else if (loaded !== void 0 && loaded.kind !== "failed") {
          external ??= {
            kind: "opaque",
            file: resolution.file,
            imported: name,
            attributes: "",
            via: [module]
          };
        }
      } else if (resolution.kind !== "unresolved") {
        external ??= {
          kind: "external",
          resolution,
          imported: name,
          attributes: "",
          importer: module.file,
          via: [module]
        };
      }
    }
    return external;
  }
  /** Where a name of a module leads: to itself, or through its import. */
  local(module, name, seen) {
    const [item] = module.bindings.get(name) ?? [];
    if (item === void 0) return void 0;
    if (item.kind !== "import") return { kind: "local", module, name, via: [] };
    if (seen === void 0) return this.target(item);
    const { specifier, imported, attributes } = item.importing;
    return through(
      module,
      this.imported({ module, specifier, imported, attributes, offset: item.start, seen })
    );
  }
  /** Every export of a module, by name; `default` too. */
  exportNames(module, seen = /* @__PURE__ */ new Set()) {
    const names = new Set(module.exports.keys());
    seen.add(module);
    for (const specifier of module.starExports) {
      const resolution = this.resolver.resolve(specifier, module.file);
      const loaded = resolution.kind === "file" ? this.#loaded.get(resolution.file) : void 0;
      if (loaded?.kind !== "module" || seen.has(loaded.module)) continue;
      for (const name of this.exportNames(loaded.module, seen)) if (name !== "default") names.add(name);
    }
    return names;
  }
  /** The items of the user's that a reference leads to, and through which modules. */
  follow(module, name) {
    const target = this.local(module, name);
    if (target === void 0) return void 0;
    const items = target.kind === "local" ? target.module.bindings.get(target.name) ?? [] : [];
    return { target, items };
  }
  /** The framework's own name of what a reference means: `Step`, `PipelineController`; else undefined. */
  frameworkName(module, reference) {
    const [item] = module.bindings.get(reference.name) ?? [];
    if (item === void 0) return void 0;
    if (item.kind === "variable" && item.importing?.viaRequire === true)
      return this.#requiredName(item, reference);
    if (item.kind !== "import") return void 0;
    const target = this.target(item);
    if (target.kind === "external" && target.resolution.kind === "framework") {
      const isNamespace = target.imported === "*" || target.imported === "default";
      return isNamespace ? reference.member ?? "*" : target.imported;
    }
    if (target.kind === "namespace" && reference.member !== void 0) {
      const inner = this.exported(target.module, reference.member);
      if (inner?.kind === "external" && inner.resolution.kind === "framework") return inner.imported;
    }
    return void 0;
  }
  /** `const { Step } = require('run-pipeline')`, `const rp = require('run-pipeline')`. */
  #requiredName(item, reference) {
    const { node } = item;
    if (node.type !== "VariableDeclarator" || item.importing === void 0) return void 0;
    if (this.resolver.resolve(item.importing.specifier, item.module.file, "require").kind !== "framework")
      return void 0;
    if (node.id.type === "Identifier") return reference.member ?? "*";
    if (node.id.type !== "ObjectPattern") return void 0;
    for (const property of node.id.properties) {
      if (property.type !== "Property" || property.key.type !== "Identifier") continue;
      if (property.value.type === "Identifier" && property.value.name === reference.name)
        return property.key.name;
    }
    return void 0;
  }
};
function through(module, target) {
  return target === void 0 || target.kind === "unresolved" ? target : { ...target, via: [module, ...target.via] };
}
function failed(code, message, at) {
  return { kind: "failed", diagnostic: { code, severity: "error", message, at } };
}
var nativeDiagnostic = (module, offset, specifier) => ({
  code: "native-relative",
  severity: "error",
  message: `"${specifier}" is a native add-on of the project: it cannot be bundled`,
  at: module.locate(offset),
  help: "native add-ons must come from an npm package"
});
function syntaxDiagnostic(file2, error) {
  const first = error.errors?.[0];
  return {
    code: "syntax",
    severity: "error",
    message: first?.text ?? (error instanceof Error ? error.message : String(error)),
    at: { file: file2, line: first?.location?.line ?? 1, column: (first?.location?.column ?? 0) + 1 }
  };
}

// packages/runtime/src/package/module/registered.ts
function registeredFunctions(program) {
  const found = /* @__PURE__ */ new Set();
  for (const module of program.modules) {
    walk(module.program, (node) => {
      if (node.type !== "CallExpression" || node.callee.type !== "MemberExpression") return;
      if (node.callee.property.type !== "Identifier" || node.callee.property.name !== "addFunctionStep")
        return;
      const [options] = node.arguments;
      if (options?.type !== "ObjectExpression") return;
      for (const property of options.properties) {
        if (property.type !== "Property" || keyName(property) !== "function") continue;
        const value = property.value;
        if (value.type !== "Identifier") continue;
        for (const item of program.follow(module, value.name)?.items ?? []) found.add(item);
      }
    });
  }
  return found;
}

// packages/runtime/src/package/slice/suggestion.ts
function suggestion(name, candidates) {
  let best;
  let least = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}
function editDistance(a, b) {
  let previous = Array.from({ length: b.length + 1 }, (_value, index2) => index2);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = previous[column - 1] + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(previous[column] + 1, current[column - 1] + 1, replaced));
    }
    previous = current;
  }
  return previous[b.length];
}

// packages/runtime/src/package/slice/binding.ts
function argumentBinding(options) {
  const { request, functionNode, at } = options;
  const { inputs } = request;
  if (inputs.kind !== "named") return { binding: { kind: "positional" } };
  if (functionNode === void 0 || !isFunctionNode(functionNode)) {
    const count = request.code.kind === "function" ? request.code.function.length : 1;
    if (count <= 1) return { binding: { kind: "object" } };
    return problem(
      at,
      "unknown-parameters",
      `the parameter names of step ${request.key} cannot be read from its source`,
      "give it a function that takes one object, or a function written out where it is declared"
    );
  }
  const parameters = functionNode.params.map((parameter) => {
    const target = parameter.type === "AssignmentPattern" ? parameter.left : parameter;
    return target.type === "Identifier" ? target.name : target.type === "ObjectPattern" ? "{}" : void 0;
  });
  if (parameters.length === 1 && parameters[0] === "{}") return { binding: { kind: "object" } };
  const unknown = inputs.names.filter((name) => !parameters.includes(name));
  if (parameters.length === 1 && unknown.length === inputs.names.length && request.writing !== "controller") {
    return { binding: { kind: "object" } };
  }
  const names = parameters.filter((name) => name !== void 0 && name !== "{}");
  if (unknown.length > 0) {
    const hint = suggestion(unknown[0], names);
    return problem(
      at,
      "unknown-argument",
      `step ${request.key} has no parameter ${unknown.map((name) => `"${name}"`).join(", ")}${hint === void 0 ? "" : `; did you mean "${hint}"?`}`,
      names.length === 0 ? "its function takes no parameters by name" : `its parameters are ${names.join(", ")}`
    );
  }
  return { binding: { kind: "by-name", parameters: parameters.map((name) => name ?? "") } };
}
var problem = (at, code, message, help) => ({
  diagnostic: { code, severity: "error", message, at, help }
});

// packages/runtime/src/package/slice/setup.ts
var Setup = class {
  #program;
  #drivers;
  #byModule = /* @__PURE__ */ new Map();
  #isStep;
  #byItem;
  constructor(options) {
    this.#program = options.program;
    this.#drivers = options.drivers;
    this.#isStep = options.isStep;
  }
  of(module) {
    let effects = this.#byModule.get(module);
    if (effects === void 0) {
      effects = module.items.flatMap((item) => this.#effect(item) ?? []);
      this.#byModule.set(module, effects);
    }
    return effects;
  }
  /** Effects, in any module of the program, on an item. */
  on(item) {
    this.#byItem ??= this.#index();
    return this.#byItem.get(item) ?? [];
  }
  #index() {
    const index2 = /* @__PURE__ */ new Map();
    for (const module of this.#program.modules) {
      for (const effect of this.of(module)) {
        for (const item of /* @__PURE__ */ new Set([...effect.changes, ...effect.handsOver])) {
          const known = index2.get(item);
          if (known === void 0) index2.set(item, [effect]);
          else known.push(effect);
        }
      }
    }
    return index2;
  }
  #effect(item) {
    const isStatement = item.kind === "statement";
    if (!isStatement && !hasEffectfulValue(item)) return void 0;
    if (item.importing !== void 0 || isConsoleCall(item.node)) return void 0;
    const drives = isStatement ? this.#drivers.reaches(item) : this.#drivers.holdsPipeline(item);
    const reached = drives ? this.#calledBy(item) : this.#reach(item);
    return {
      item,
      ...reached,
      drives,
      always: isStatement && !drives && !reached.callsStep && reached.changes.size === 0
    };
  }
  #reach(item) {
    const changes = /* @__PURE__ */ new Set();
    const changesDirectly = /* @__PURE__ */ new Set();
    const handsOver = /* @__PURE__ */ new Set();
    let callsStep = false;
    const seen = /* @__PURE__ */ new Set([item]);
    const queue = [item];
    for (let at = queue.pop(); at !== void 0; at = queue.pop()) {
      for (const reference of at.references) {
        if (reference.decorator !== void 0) continue;
        const isWrite = reference.use === "write" || reference.use === "mutate";
        for (const target of this.#program.follow(at.module, reference.name)?.items ?? []) {
          if (target === item) continue;
          if (this.#isStep(target)) callsStep = true;
          const isCode = target.kind === "function" || target.kind === "class" || isFunctionValue(target);
          if (isWrite && (!isCode || at === item)) {
            changes.add(target);
            if (at === item) changesDirectly.add(target);
          } else if (!isCode && isState(target)) {
            if (reference.use === "call" || reference.use === "argument-local") changes.add(target);
            else if (reference.use === "argument") handsOver.add(target);
          }
          if (isCode && !isWrite && !seen.has(target)) {
            seen.add(target);
            queue.push(target);
          }
        }
      }
    }
    return { changes: this.#withAliased(changes), changesDirectly, handsOver, callsStep };
  }
  /**
   * Of a statement that drives pipelines, which never enters a slice: only what it surely changes
   * while it runs. The steps' functions and callbacks that it hands to the pipeline run elsewhere.
   */
  #calledBy(item) {
    const changes = /* @__PURE__ */ new Set();
    const changesDirectly = /* @__PURE__ */ new Set();
    const seen = /* @__PURE__ */ new Set([item]);
    for (const at of seen) {
      for (const reference of at.references) {
        if (reference.decorator !== void 0 || at === item && reference.deferred) continue;
        for (const target of this.#program.follow(at.module, reference.name)?.items ?? []) {
          const isCode = target.kind === "function" || isFunctionValue(target);
          if ((reference.use === "write" || reference.use === "mutate") && target !== item) {
            changes.add(target);
            if (at === item) changesDirectly.add(target);
          } else if (isCode && reference.use === "invoke") seen.add(target);
        }
      }
    }
    return { changes, changesDirectly, handsOver: /* @__PURE__ */ new Set(), callsStep: false };
  }
  /** `const alias = registry; alias.set(…)` changes `registry` too. */
  #withAliased(items) {
    const all = new Set(items);
    for (const item of all) {
      if (item.kind !== "variable" || isFunctionValue(item)) continue;
      for (const reference of item.references) {
        if (reference.deferred) continue;
        for (const target of this.#program.follow(item.module, reference.name)?.items ?? []) {
          if (isState(target) && !this.#drivers.holdsPipeline(target)) all.add(target);
        }
      }
    }
    return all;
  }
};
function isState(item) {
  if (item.kind === "statement") return item.declares.length > 0;
  if (item.kind !== "variable" || item.importing !== void 0 || isFunctionValue(item)) return false;
  const value = valueOf(item);
  return item.variableKind !== "const" || value === void 0 || !isPlainValue(value);
}
function isPlainValue(node) {
  switch (node.type) {
    case "Literal":
      return true;
    case "TemplateLiteral":
      return node.expressions.every((expression) => isPlainValue(expression));
    case "UnaryExpression":
      return isPlainValue(node.argument);
    case "BinaryExpression":
      return isPlainValue(node.left) && isPlainValue(node.right);
    default:
      return false;
  }
}
function hasEffectfulValue(item) {
  const value = valueOf(item);
  if (value === void 0) return false;
  let found = false;
  walk(value, (node) => {
    if (isFunctionNode(node)) return false;
    if (/^(?:Call|New|Assignment|Update|Await)Expression$/.test(node.type)) found = true;
    return !found;
  });
  return found;
}
function isConsoleCall(node) {
  if (node.type !== "ExpressionStatement" || node.expression.type !== "CallExpression") return false;
  const { callee } = node.expression;
  return callee.type === "MemberExpression" && callee.object.type === "Identifier" && callee.object.name === "console";
}

// packages/runtime/src/package/slice/facts.ts
function sliceFacts(options) {
  return new FactsReader(options).read();
}
var FactsReader = class {
  #options;
  #env = /* @__PURE__ */ new Set();
  #diagnostics = [];
  #state = {};
  #changed = {};
  #impure = {};
  #functions = {};
  #readsEnvDynamically = false;
  #ownWorker = false;
  constructor(options) {
    this.#options = options;
  }
  read() {
    const { slice } = this.#options;
    for (const module of slice.modules.values()) {
      for (const part of module.parts) this.#part(part);
      for (const item of module.items) this.#item(item);
    }
    for (const change of slice.classState) {
      const id = `${projectPath(this.#options.root, change.module.file)}#${change.id}`;
      const at = change.module.locate(change.offset);
      this.#state[id] = at;
      this.#changed[id] = { at, lazy: false };
    }
    const { entry } = slice;
    return {
      env: [...this.#env].sort(),
      readsEnvDynamically: this.#readsEnvDynamically,
      ownWorker: this.#ownWorker,
      diagnostics: this.#diagnostics,
      shared: {
        state: this.#state,
        changed: this.#changed,
        impure: this.#impure,
        entry: entry.kind === "name" ? this.#id(entry.module, entry.name) : void 0,
        functions: this.#functions
      }
    };
  }
  #id(module, name) {
    return `${projectPath(this.#options.root, module.file)}#${name}`;
  }
  #item(item) {
    const [name] = item.declares;
    if (name === void 0) return;
    const isStateful = isState(item);
    for (const each of item.declares) {
      if (isStateful) this.#state[this.#id(item.module, each)] = item.module.locate(item.start);
    }
    if (item.kind === "function" || isFunctionValue(item)) {
      this.#functions[this.#id(item.module, name)] = item.module.locate(item.start);
    }
    if (item.kind === "variable" && !isFunctionValue(item)) {
      const impure = this.#impureIn(item, /* @__PURE__ */ new Set());
      if (impure !== void 0) {
        this.#impure[this.#id(item.module, name)] = { at: item.module.locate(item.start), text: impure };
      }
    }
  }
  /** A call that differs each time, in an initialiser or in a function that it calls. */
  #impureIn(item, seen) {
    seen.add(item);
    const isCode = item.kind === "function" || isFunctionValue(item);
    for (const fact of item.facts) if (fact.kind === "impure" && (isCode || !fact.deferred)) return fact.text;
    for (const reference of item.references) {
      if (reference.use !== "invoke" || !isCode && reference.deferred) continue;
      for (const called of this.#options.program.follow(item.module, reference.name)?.items ?? []) {
        if (seen.has(called) || !(called.kind === "function" || isFunctionValue(called))) continue;
        const found = this.#impureIn(called, seen);
        if (found !== void 0) return found;
      }
    }
    return void 0;
  }
  #part(part) {
    for (const reference of referencesWithin(part.item, part.node)) this.#reference(part, reference);
    for (const fact of factsWithin(part.item, part.node)) this.#fact(part, fact);
  }
  #reference(part, reference) {
    const isChange = reference.use === "write" || reference.use === "mutate";
    const { program } = this.#options;
    const { module } = part.item;
    const followed = isChange || !reference.deferred ? program.follow(module, reference.name) : void 0;
    if (followed === void 0) return;
    if (reference.deferred || this.#isEntryPart(part)) {
      if (!isChange) return;
      for (const item of followed.items) {
        if (!isState(item) && !(item.kind === "variable" && reference.use === "write")) continue;
        const id = this.#id(
          item.module,
          item.declares.includes(reference.name) ? reference.name : item.declares[0] ?? ""
        );
        const known = this.#changed[id];
        if (known === void 0 || known.lazy) {
          this.#changed[id] = { at: module.locate(reference.offset), lazy: reference.lazy };
        }
        if (reference.lazy && known === void 0) this.#diagnostics.push(lazyState(module, reference));
      }
      return;
    }
    const isEffect = isChange || part.item.kind === "statement" && (reference.use === "call" || reference.use === "invoke");
    if (isEffect && followed.target.kind === "external" && followed.target.resolution.kind === "npm")
      this.#ownWorker = true;
  }
  /** An inline function is part of the item around it, but runs when the step runs. */
  #isEntryPart(part) {
    const { entry } = this.#options.slice;
    return entry.kind === "expression" && entry.item === part.item && entry.node === part.node;
  }
  #fact(part, fact) {
    const { module } = part.item;
    const at = module.locate(fact.offset);
    switch (fact.kind) {
      case "env":
        if (fact.name !== void 0) this.#env.add(fact.name);
        else this.#dynamicEnv(at);
        return;
      case "import-meta":
        this.#diagnostics.push({
          code: "import-meta",
          severity: "warning",
          message: `files that are read through import.meta${fact.member === void 0 ? "" : `.${fact.member}`} are not part of the package`,
          at,
          help: "name them: assets: ['./file']"
        });
        return;
      case "dynamic-import":
        if (fact.specifier === void 0) {
          this.#diagnostics.push({
            code: "dynamic-import",
            severity: "warning",
            message: "what this import() loads is only known when the step runs: it is neither packaged nor part of the fingerprint",
            at,
            help: "write the path as a literal"
          });
        }
        return;
      case "global":
        this.#global(part, fact, at);
        return;
      case "require":
        if (!module.commonJs) this.#diagnostics.push(commonJsGlobal("require", at));
        return;
      case "impure":
      case "top-level-await":
    }
  }
  #dynamicEnv(at) {
    this.#readsEnvDynamically = true;
    const { cached, step } = this.#options;
    this.#diagnostics.push({
      code: cached ? "dynamic-env-in-cached-step" : "dynamic-env",
      severity: cached ? "error" : "warning",
      message: `step ${step} reads process.env in a way that does not tell which variables`,
      at,
      help: 'read variables by name (process.env.NAME), or declare them: env: ["NAME"] and pass the value on'
    });
  }
  #global(part, fact, at) {
    const { module } = part.item;
    switch (fact.name) {
      case "__dirname":
      case "__filename":
        if (fact.use !== "read" || !isTypeofOperand(module, fact))
          this.#diagnostics.push(commonJsGlobal(fact.name, at));
        return;
      case "module":
      case "exports":
        if (!isTypeofOperand(module, fact)) this.#diagnostics.push(commonJsGlobal(fact.name, at));
        return;
      case "eval":
        this.#diagnostics.push({
          code: "eval",
          severity: "warning",
          message: "code that eval() runs is not seen: what it refers to may be missing from the package",
          at
        });
        return;
      default:
        if (!fact.deferred && !this.#isEntryPart(part) && fact.use === "mutate") this.#ownWorker = true;
    }
  }
};
function isTypeofOperand(module, fact) {
  const parent = module.parents.get(fact.node);
  return parent?.type === "UnaryExpression" && parent.operator === "typeof";
}
var commonJsGlobal = (name, at) => ({
  code: "cjs-global",
  severity: "error",
  message: `\`${name}\` does not exist in a task package, which is an ES module`,
  at,
  help: name === "require" ? "use import, or createRequire from node:module" : name.startsWith("__") ? "use import.meta.dirname or import.meta.url, and name the files as assets" : "use import and export"
});
var lazyState = (module, reference) => ({
  code: "lazy-state",
  severity: "warning",
  message: `\`${reference.name}\` is filled on first use: every step that uses it has one of its own`,
  at: module.locate(reference.offset)
});

// packages/runtime/src/package/slice/shared-state.ts
function compareSteps(steps) {
  return [...sharedState(steps), ...impureInitialisers(steps), ...calledSteps(steps)];
}
function index(steps, facts) {
  const byId = /* @__PURE__ */ new Map();
  for (const step of steps) {
    for (const [id, fact] of Object.entries(facts(step))) {
      const known = byId.get(id);
      if (known === void 0) byId.set(id, [{ step, fact }]);
      else known.push({ step, fact });
    }
  }
  return byId;
}
function sharedState(steps) {
  const users = index(steps, (step) => step.shared.state);
  const problems = [];
  for (const [id, changes] of index(steps, (step) => step.shared.changed)) {
    const change = changes.find((each) => !each.fact.lazy);
    const all = new Map([...users.get(id) ?? [], ...changes].map((each) => [each.step.key, each.step]));
    if (change === void 0 || all.size < 2) continue;
    const other = [...all.values()].find((step) => step.key !== change.step.key);
    const name = nameOf3(id);
    const declared = (users.get(id) ?? [])[0]?.fact;
    const otherPlace = other.shared.changed[id]?.at;
    problems.push({
      keys: [...all.keys()],
      diagnostic: {
        code: "shared-module-state",
        severity: "error",
        message: `step ${change.step.key} changes \`${name}\`, which step ${other.key} uses too: every step runs with a \`${name}\` of its own`,
        at: change.fact.at,
        related: [
          ...declared === void 0 ? [] : [{ message: `\`${name}\` is declared here`, at: declared }],
          ...otherPlace === void 0 ? [] : [{ message: `step ${other.key} changes it here`, at: otherPlace }]
        ],
        help: "return the value from one step and take it as an input of the other"
      }
    });
  }
  return problems;
}
function impureInitialisers(steps) {
  const problems = [];
  for (const [id, uses] of index(steps, (step) => step.shared.impure)) {
    const [first, second] = uses;
    if (first === void 0 || second === void 0) continue;
    const name = nameOf3(id);
    problems.push({
      keys: uses.map((each) => each.step.key),
      diagnostic: {
        code: "impure-initialiser",
        severity: "error",
        message: `steps ${first.step.key} and ${second.step.key} use \`${name}\`, but \`${first.fact.text}\` gives each of them another value`,
        at: first.fact.at,
        help: "make the value in one step (or a pipeline parameter) and pass it to the others as an input"
      }
    });
  }
  return problems;
}
function calledSteps(steps) {
  const entries = /* @__PURE__ */ new Map();
  for (const step of steps) if (step.shared.entry !== void 0) entries.set(step.shared.entry, step);
  const problems = [];
  for (const step of steps) {
    for (const [id, at] of Object.entries(step.shared.functions)) {
      const called = entries.get(id);
      if (called === void 0 || called.key === step.key || step.shared.entry === id) continue;
      const isError = step.writing !== "controller";
      problems.push({
        keys: isError ? [step.key] : [],
        diagnostic: {
          code: "calls-step",
          severity: isError ? "error" : "warning",
          message: `step ${step.key} calls \`${nameOf3(id)}\`, which is step ${called.key}: it runs inside ${step.key}, not as a step`,
          at,
          help: `take the result of ${called.key} as an input`
        }
      });
    }
  }
  return problems;
}
var nameOf3 = (id) => id.slice(id.lastIndexOf("#") + 1);

// packages/runtime/src/package/slice/problems.ts
function referencesPipeline({ from, reference, item }) {
  return {
    code: "references-pipeline",
    severity: "error",
    message: `the step reaches \`${reference.name}\`, which belongs to the pipeline itself`,
    at: from.module.locate(reference.offset),
    related: [{ message: `\`${reference.name}\` is made here`, at: item.module.locate(item.start) }],
    help: "a step runs alone, on any machine: pass what it needs as an input"
  };
}
function referencesStep({ from, reference, item }) {
  return {
    code: "calls-step",
    severity: "error",
    message: `the step uses another step, \`${reference.name}\``,
    at: from.module.locate(reference.offset),
    related: [{ message: `\`${reference.name}\` is a step`, at: item.module.locate(item.start) }],
    help: `call it from the pipeline and pass its result as an input, or call \`${reference.name}.fn(\u2026)\` to run its code inside this step`
  };
}
function callsStepMethod(options) {
  return {
    code: "calls-step",
    severity: "error",
    message: `a step calls another step, \`this.${options.name}\``,
    at: options.module.locate(options.offset),
    related: [{ message: `\`${options.name}\` is a step`, at: options.stepModule.locate(options.step) }],
    help: `take its result as an input, "$<${options.name}.\u2026>", or move the shared code into a method without @Step`
  };
}
function setupDrives(effect, state) {
  const isDirect = effect.changesDirectly.has(state);
  const name = state.declares[0] ?? "state";
  return {
    code: "setup-drives-pipeline",
    severity: isDirect ? "error" : "warning",
    message: `this statement changes \`${name}\`, which a step needs, and also drives the pipeline: it is left out of the step`,
    at: effect.item.module.locate(effect.item.start),
    related: [{ message: `\`${name}\` is declared here`, at: state.module.locate(state.start) }],
    help: "change the state in a statement of its own, before the pipeline is made"
  };
}
function assignsThis(options) {
  const isAssigned = options.change === "assigned";
  return {
    code: isAssigned ? "assigns-this" : "mutates-this",
    severity: isAssigned ? "error" : "warning",
    message: `step ${options.method} ${isAssigned ? "assigns" : "changes"} \`this.${options.name}\`: every step runs with an object of its own, so no other step sees it`,
    at: options.module.locate(options.offset),
    help: "return it instead, and take it as an input where it is needed"
  };
}
function thisEscapes(options) {
  const what = options.what === "this" ? "`this`" : `the class ${options.className}`;
  return {
    code: "this-escapes",
    severity: "warning",
    message: `${what} is used as a value: the step depends on every member of ${options.className} but its steps`,
    at: options.module.locate(options.offset),
    help: "read members by name (`this.x`), or pass what is needed"
  };
}

// packages/runtime/src/package/slice/class-pruner.ts
var ClassPruner = class {
  diagnostics = [];
  classState = [];
  #chain;
  #method;
  #kept;
  #queue = [];
  #usesInstance = false;
  #escaped = false;
  #wholeClass = false;
  constructor(options) {
    this.#chain = options.chain;
    this.#method = options.method;
    this.#kept = options.chain.map(() => /* @__PURE__ */ new Set());
  }
  /** The classes of the chain that are kept, the class itself first. */
  run() {
    this.#keepByName({ name: this.#method, isStatic: false, from: 0, making: false });
    this.#drain();
    if (this.#usesInstance) this.#keepMaking();
    const reachesBase = this.#kept.map(
      (_members, level) => this.#kept.slice(level + 1).some((kept) => kept.size > 0)
    );
    return this.#chain.flatMap((shape, level) => {
      const heritage = this.#usesInstance || reachesBase[level] === true;
      const needed = level === 0 || this.#usesInstance || this.#kept.slice(level).some((kept) => kept.size > 0);
      return needed ? [{ shape, kept: this.#kept[level], heritage }] : [];
    });
  }
  get reads() {
    if (this.#escaped) return "all";
    const names = this.#kept.flatMap(
      (kept) => [...kept].flatMap((member2) => member2.parameter ? member2.name ?? [] : [])
    );
    return [...new Set(names)].sort();
  }
  /** What making an instance runs: constructors, computed members; all of it under an unknown base class. */
  #keepMaking() {
    const last = this.#chain[this.#chain.length - 1];
    const hasUnknownBase = last?.node.superClass != null;
    this.#chain.forEach((shape, level) => {
      for (const member2 of shape.members) {
        if (member2.step) continue;
        const isComputed = member2.name === void 0 && member2.kind !== "static-block";
        if (member2.kind === "constructor" || isComputed || hasUnknownBase) this.#keep(member2, level, true);
      }
    });
    this.#drain();
  }
  #drain() {
    for (let next = this.#queue.pop(); next !== void 0; next = this.#queue.pop()) {
      const { member: member2, level, making } = next;
      for (const use of member2.uses) this.#use(use, member2, level, making);
      if (member2.static) this.#keepStaticBlocks(level);
    }
  }
  #use(use, member2, level, making) {
    const { module } = this.#chain[level].item;
    switch (use.kind) {
      case "this": {
        this.#usesInstance = true;
        const change = making ? "none" : use.change;
        if (change !== "none") {
          this.diagnostics.push(
            assignsThis({ module, offset: use.offset, name: use.name, change, method: this.#method })
          );
        }
        this.#keepByName({
          name: use.name,
          isStatic: false,
          from: use.name.startsWith("#") ? level : 0,
          making,
          by: { module, offset: use.offset }
        });
        return;
      }
      case "super":
        if (!member2.static) this.#usesInstance = true;
        this.#keepByName({ name: use.name, isStatic: member2.static, from: level + 1, making });
        return;
      case "class":
        if (use.change !== "none" && member2.kind !== "static-block") {
          this.classState.push({ id: `${this.#className(level)}.${use.name}`, offset: use.offset, module });
        }
        this.#keepByName({ name: use.name, isStatic: true, from: level, making });
        return;
      case "this-escapes":
        this.#usesInstance = true;
        this.#escape("this", level, use.offset);
        return;
      case "class-escapes":
        this.#escape("class", level, use.offset);
        return;
      case "super-call":
        this.#usesInstance = true;
    }
  }
  /** Whether the code that gets `this` calls a member is not known: what members assign is not judged. */
  #escape(what, level, offset) {
    if (what === "this" ? this.#escaped : this.#wholeClass) return;
    this.#escaped = true;
    if (what === "class") this.#wholeClass = true;
    const { item } = this.#chain[level];
    this.diagnostics.push(
      thisEscapes({ module: item.module, offset, className: this.#className(level), what })
    );
    this.#chain.forEach((shape, at) => {
      for (const member2 of shape.members) {
        if (!member2.step && (!member2.static || what === "class")) this.#keep(member2, at, true);
      }
    });
  }
  #keepByName(options) {
    const { name, isStatic, from, making, by } = options;
    for (let level = from; level < this.#chain.length; level += 1) {
      const shape = this.#chain[level];
      const members = (shape.byName.get(name) ?? []).filter((member2) => member2.static === isStatic);
      if (members.length === 0) continue;
      for (const member2 of members) {
        if (member2.step && name !== this.#method && by !== void 0) {
          this.diagnostics.push(
            callsStepMethod({ ...by, name, step: member2.node.start, stepModule: shape.item.module })
          );
          continue;
        }
        this.#keep(member2, level, making || member2.kind === "field");
      }
      return;
    }
  }
  /** `making`: it runs while an instance is made, where assigning `this.x` is as it should be. */
  #keep(member2, level, making) {
    const kept = this.#kept[level];
    if (kept.has(member2)) return;
    kept.add(member2);
    this.#queue.push({ member: member2, level, making });
  }
  #keepStaticBlocks(level) {
    for (const member2 of this.#chain[level].members) {
      if (member2.kind === "static-block") this.#keep(member2, level, true);
    }
  }
  #className(level) {
    const shape = this.#chain[level];
    return shape.item.declares[0] ?? shape.node.id?.name ?? "the class";
  }
};

// packages/runtime/src/package/slice/slicer.ts
var Slicer = class {
  #program;
  #drivers;
  #setup;
  #entry;
  #modules = /* @__PURE__ */ new Map();
  #diagnostics = [];
  #queue = [];
  #reached = /* @__PURE__ */ new Set();
  #reads = [];
  #classState = [];
  #shapes;
  constructor(options) {
    this.#program = options.program;
    this.#drivers = options.drivers;
    this.#setup = options.setup;
    this.#entry = options.entry;
    this.#shapes = options.shapes;
  }
  run() {
    const entry = this.#entry;
    switch (entry.kind) {
      case "name":
        this.#reachModule(entry.module);
        this.#enterName(entry.module, entry.name);
        break;
      case "expression":
        this.#reachModule(entry.module);
        this.#keep(entry.item, entry.node);
        break;
      case "method":
        this.#reachModule(entry.module);
        this.#prune(entry);
        break;
    }
    this.#drain();
    return {
      entry,
      modules: this.#modules,
      diagnostics: this.#diagnostics,
      reads: this.#reads,
      classState: this.#classState
    };
  }
  #drain() {
    for (let next = this.#queue.pop(); next !== void 0; next = this.#queue.pop()) {
      const { item, node } = next;
      for (const reference of referencesWithin(item, node)) {
        const { decorator } = reference;
        if (decorator !== void 0 && this.#drivers.isFrameworkDecorator(item.module, decorator)) continue;
        this.#follow(item, reference);
      }
      for (const fact of factsWithin(item, node)) {
        if (fact.kind === "dynamic-import" && fact.specifier !== void 0) {
          this.#enterDynamic(item, fact.specifier, fact.offset);
        }
      }
    }
  }
  #keep(item, node) {
    const part = { item, node };
    this.#sliceOf(item.module).parts.push(part);
    this.#queue.push(part);
  }
  #keepClass(kept) {
    const { item, node, decorators } = kept.shape;
    for (const decorator of decorators) this.#keep(item, decorator);
    if (kept.heritage && node.superClass != null) this.#keep(item, node.superClass);
    for (const member2 of kept.kept) this.#keep(item, member2.node);
  }
  #prune(entry) {
    const pruner = new ClassPruner({ chain: entry.chain, method: entry.method });
    for (const kept of pruner.run()) {
      const slice = this.#sliceOf(kept.shape.item.module);
      slice.items.add(kept.shape.item);
      slice.classes.set(kept.shape.item, kept);
      this.#reachModule(kept.shape.item.module);
      this.#keepClass(kept);
      this.#effectsOn(kept.shape.item);
    }
    this.#reads = pruner.reads;
    this.#classState = pruner.classState;
    this.#diagnostics.push(...pruner.diagnostics);
  }
  #sliceOf(module) {
    let slice = this.#modules.get(module);
    if (slice === void 0) {
      slice = {
        module,
        items: /* @__PURE__ */ new Set(),
        parts: [],
        classes: /* @__PURE__ */ new Map(),
        stepFunctions: /* @__PURE__ */ new Map(),
        exported: /* @__PURE__ */ new Set(),
        namespace: /* @__PURE__ */ new Map(),
        evaluated: []
      };
      this.#modules.set(module, slice);
    }
    return slice;
  }
  /** What evaluating a module does, whatever of it is used. */
  #reachModule(module) {
    if (this.#reached.has(module)) return;
    this.#reached.add(module);
    const slice = this.#sliceOf(module);
    for (const item of module.items) {
      if (item.kind === "bare-import") this.#evaluate(slice, item.importing.specifier, item.start);
    }
    for (const specifier of module.reexported) this.#evaluate(slice, specifier, 0);
    for (const effect of this.#setup.of(module)) if (effect.always) this.#enter(effect.item);
    for (const item of module.items) if (this.#isRegistration(item)) this.#enter(item);
  }
  #evaluate(slice, specifier, offset) {
    const target = this.#program.imported({ module: slice.module, specifier, imported: "*", offset });
    if (target.kind === "namespace") {
      this.#reachModule(target.module);
      slice.evaluated.push({ kind: "module", module: target.module, offset });
    } else if (target.kind === "unresolved") {
      this.#diagnostics.push(target.diagnostic);
    } else if (!(target.kind === "external" && target.resolution.kind === "framework")) {
      slice.evaluated.push({ kind: "import", target, offset });
    }
  }
  /** `registerCodec(…)`: set-up of the framework that steps need. */
  #isRegistration(item) {
    const { node } = item;
    if (item.kind !== "statement" || node.type !== "ExpressionStatement" || node.expression.type !== "CallExpression") {
      return false;
    }
    return item.references.some(
      (reference) => reference.offset === node.start && this.#program.frameworkName(item.module, reference) === "registerCodec"
    );
  }
  #enterName(module, name) {
    for (const item of module.bindings.get(name) ?? []) {
      if (item.kind === "import") this.#import(item, void 0);
      else this.#enter(item);
    }
  }
  #enter(item) {
    const slice = this.#sliceOf(item.module);
    if (slice.items.has(item)) return;
    slice.items.add(item);
    this.#reachModule(item.module);
    const shape = classNode(item) === void 0 ? void 0 : this.#shapes(item);
    if (shape?.members.some((member2) => member2.step) === true) {
      const kept = new Set(shape.members.filter((member2) => !member2.step));
      const pruned = { shape, kept, heritage: true };
      slice.classes.set(item, pruned);
      this.#keepClass(pruned);
    } else {
      this.#keep(item, item.node);
    }
    this.#effectsOn(item);
  }
  #effectsOn(item) {
    for (const effect of this.#setup.on(item)) {
      if (this.#entry.kind === "expression" && effect.item === this.#entry.item) continue;
      if (!effect.drives) {
        this.#enter(effect.item);
      } else if (effect.changes.has(item)) {
        this.#diagnostics.push(setupDrives(effect, item));
      }
    }
  }
  #follow(from, reference) {
    for (const item of from.module.bindings.get(reference.name) ?? []) {
      if (item.kind === "import") this.#import(item, reference);
      else if (this.#allowed(item, from, reference)) this.#enter(item);
    }
  }
  /** Pipelines and steps stay out: a reference to one is an error. */
  #allowed(item, from, reference) {
    if (!this.#drivers.holdsPipeline(item)) return true;
    const step = this.#drivers.stepCall(item);
    const argument = step === void 0 ? void 0 : stepArgument(step);
    if (step !== void 0 && argument !== void 0 && reference.member === "fn") {
      const slice = this.#sliceOf(item.module);
      if (!slice.stepFunctions.has(item)) {
        slice.items.add(item);
        slice.stepFunctions.set(item, argument);
        this.#reachModule(item.module);
        this.#keep(item, argument);
      }
      return false;
    }
    this.#diagnostics.push(
      step === void 0 ? referencesPipeline({ from, reference, item }) : referencesStep({ from, reference, item })
    );
    return false;
  }
  #import(item, reference) {
    const slice = this.#sliceOf(item.module);
    const target = this.#program.target(item);
    if (target.kind === "unresolved") {
      if (!slice.items.has(item)) this.#diagnostics.push(target.diagnostic);
      slice.items.add(item);
      return;
    }
    for (const module of target.via) this.#reachModule(module);
    if (target.kind === "local") {
      const targets = target.module.bindings.get(target.name) ?? [];
      if (reference !== void 0 && !targets.every((each) => this.#allowed(each, item, { ...reference, name: reference.name }))) {
        if (targets.some((each) => this.#sliceOf(target.module).stepFunctions.has(each)))
          this.#link(slice, item, target);
        return;
      }
      this.#link(slice, item, target);
      for (const each of targets) this.#enter(each);
      return;
    }
    slice.items.add(item);
    if (target.kind !== "namespace") return;
    const member2 = reference?.member;
    this.#reachModule(target.module);
    const names = member2 === void 0 ? this.#program.exportNames(target.module) : /* @__PURE__ */ new Set([member2]);
    for (const name of names) this.#throughNamespace(target.module, name, item, reference);
  }
  #link(slice, item, target) {
    slice.items.add(item);
    this.#reachModule(target.module);
    this.#sliceOf(target.module).exported.add(target.name);
  }
  /** One export of a module that is imported as a namespace, or dynamically. */
  #throughNamespace(module, name, from, reference) {
    const slice = this.#sliceOf(module);
    if (slice.namespace.has(name)) return;
    const target = this.#program.exported(module, name);
    if (target === void 0 || target.kind === "unresolved") return;
    for (const via of target.via) this.#reachModule(via);
    if (target.kind === "local") {
      const targets = target.module.bindings.get(target.name) ?? [];
      if (targets.some((each) => this.#drivers.holdsPipeline(each))) {
        if (reference?.member === name)
          for (const each of targets) this.#allowed(each, from, { ...reference, member: void 0 });
        return;
      }
      slice.namespace.set(name, target);
      this.#sliceOf(target.module).exported.add(target.name);
      for (const each of targets) this.#enter(each);
      return;
    }
    slice.namespace.set(name, target);
    if (target.kind === "namespace") {
      this.#reachModule(target.module);
      for (const inner of this.#program.exportNames(target.module))
        this.#throughNamespace(target.module, inner, from, void 0);
    }
  }
  /** `import('./lazy')` in an item. */
  #enterDynamic(item, specifier, offset) {
    const target = this.#program.imported({ module: item.module, specifier, imported: "*", offset });
    if (target.kind === "unresolved") this.#diagnostics.push(target.diagnostic);
    if (target.kind === "namespace") {
      this.#reachModule(target.module);
      for (const name of this.#program.exportNames(target.module)) {
        this.#throughNamespace(target.module, name, item, void 0);
      }
    }
  }
};

// packages/runtime/src/package/slice/symbols.ts
function sliceSymbols(slice, root2) {
  const symbols = [];
  for (const module of slice.modules.values()) symbols.push(...moduleSymbols(module, slice, root2));
  return symbols;
}
function moduleSymbols(slice, whole, root2) {
  const { module } = slice;
  const file2 = projectPath(root2, module.file);
  const symbol = (name, node) => ({
    name,
    file: file2,
    line: module.locate(node.start).line,
    hash: contentHash(Buffer.from(module.text(node)))
  });
  const symbols = [];
  for (const item of [...slice.items].sort((a, b) => a.index - b.index)) {
    if (item.kind === "import" || item.kind === "bare-import") continue;
    const pruned = slice.classes.get(item);
    const name = item.declares.join(", ") || "top-level statement";
    if (pruned === void 0) {
      symbols.push(
        symbol(name === "__default" ? "default export" : name, slice.stepFunctions.get(item) ?? item)
      );
      continue;
    }
    const heritage = pruned.heritage ? pruned.shape.node.superClass : void 0;
    if (heritage != null) symbols.push(symbol(`${name} extends`, heritage));
    for (const member2 of pruned.shape.members) {
      if (!pruned.kept.has(member2)) continue;
      const label = member2.name ?? (member2.kind === "static-block" ? "static" : "[computed]");
      symbols.push(symbol(`${name}.${label}`, member2.node));
    }
  }
  const { entry } = whole;
  if (entry.kind === "expression" && entry.module === module)
    symbols.push(symbol("the step\u2019s function", entry.node));
  return symbols;
}

// packages/runtime/src/package/source/resolve.ts
import { isBuiltin } from "node:module";
import { dirname as dirname5, extname as extname4, isAbsolute, join as join6, resolve as resolve3, sep as sep5 } from "node:path";
import { fileURLToPath as fileURLToPath2 } from "node:url";

// packages/runtime/src/package/source/package-exports.ts
function resolveInMap(options) {
  const { map, key, conditions } = options;
  if (!isSubpathMap(map)) return key === "." ? pick(map, conditions, "") : void 0;
  if (Object.hasOwn(map, key) && !key.includes("*")) return pick(map[key], conditions, "");
  const patterns = Object.keys(map).filter((pattern) => pattern.includes("*")).sort(bySpecificity);
  for (const pattern of patterns) {
    const [before = "", after = ""] = pattern.split("*");
    if (key.length >= pattern.length && key.startsWith(before) && key.endsWith(after)) {
      return pick(map[pattern], conditions, key.slice(before.length, key.length - after.length));
    }
  }
  return void 0;
}
function isSubpathMap(map) {
  if (typeof map !== "object" || map === null || Array.isArray(map)) return false;
  const [first] = Object.keys(map);
  return first === void 0 || first.startsWith(".") || first.startsWith("#");
}
function bySpecificity(a, b) {
  const difference = b.indexOf("*") - a.indexOf("*");
  return difference === 0 ? b.length - a.length : difference;
}
function pick(target, conditions, star) {
  if (typeof target === "string") return target.replaceAll("*", star);
  if (Array.isArray(target)) {
    for (const item of target) {
      const found = pick(item, conditions, star);
      if (found !== void 0) return found;
    }
    return void 0;
  }
  if (typeof target !== "object" || target === null) return void 0;
  for (const [condition, value] of Object.entries(target)) {
    if (condition !== "default" && !conditions.has(condition)) continue;
    const found = pick(value, conditions, star);
    if (found !== void 0) return found;
  }
  return void 0;
}

// packages/runtime/src/package/source/resolve.ts
var FRAMEWORK_PACKAGES = ["run-pipeline", "@run-pipeline/core"];
var IMPORT = /* @__PURE__ */ new Set(["node", "import", "module-sync"]);
var REQUIRE2 = /* @__PURE__ */ new Set(["node", "require", "module-sync"]);
var EXTENSIONS = [".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs", ".json"];
var COMPILED_FROM = {
  ".js": [".ts", ".tsx"],
  ".jsx": [".tsx"],
  ".mjs": [".mts"],
  ".cjs": [".cts"]
};
var NODE_MODULES = `${sep5}node_modules${sep5}`;
var Resolver = class {
  #files;
  #tsconfigs;
  #known = /* @__PURE__ */ new Map();
  constructor(files, tsconfigs) {
    this.#files = files;
    this.#tsconfigs = tsconfigs;
  }
  resolve(specifier, importer, kind = "import") {
    const key = `${kind}\0${dirname5(importer)}\0${specifier}`;
    let resolution = this.#known.get(key);
    if (resolution === void 0) {
      resolution = this.#find(specifier, importer, kind === "import" ? IMPORT : REQUIRE2);
      this.#known.set(key, resolution);
    }
    return resolution;
  }
  #find(specifier, importer, conditions) {
    if (isBuiltin(specifier)) {
      return { kind: "builtin", specifier: specifier.startsWith("node:") ? specifier : `node:${specifier}` };
    }
    const { name } = splitSpecifier(specifier);
    if (FRAMEWORK_PACKAGES.includes(name)) return { kind: "framework", specifier };
    if (specifier.startsWith("file:")) return this.#asFile(fileURLToPath2(specifier), specifier);
    if (/^\.{0,2}\//.test(specifier) || specifier === "." || specifier === ".." || isAbsolute(specifier)) {
      return this.#asFile(resolve3(dirname5(importer), specifier), specifier);
    }
    const mapped = this.#byTsconfigPaths(specifier, importer);
    if (mapped !== void 0) return { kind: "file", file: this.#files.realPath(mapped) };
    if (specifier.startsWith("#")) return this.#byImportsMap(specifier, importer, conditions);
    return this.#installed(specifier, importer, conditions);
  }
  #asFile(path, specifier) {
    const file2 = this.#file(path);
    return file2 === void 0 ? { kind: "unresolved", reason: `there is no file ${specifier}` } : { kind: "file", file: this.#files.realPath(file2) };
  }
  #file(path) {
    if (this.#files.isFile(path)) return path;
    const extension = extname4(path);
    for (const source of COMPILED_FROM[extension] ?? []) {
      const candidate = path.slice(0, -extension.length) + source;
      if (this.#files.isFile(candidate)) return candidate;
    }
    for (const added of EXTENSIONS) {
      if (this.#files.isFile(path + added)) return path + added;
    }
    if (this.#files.kind(path) !== "directory") return void 0;
    const main = this.#files.readJson(join6(path, "package.json"))?.["main"];
    const fromMain = typeof main === "string" ? this.#file(resolve3(path, main)) : void 0;
    return fromMain ?? EXTENSIONS.map((added) => join6(path, `index${added}`)).find((file2) => this.#files.isFile(file2));
  }
  #byTsconfigPaths(specifier, importer) {
    const { paths: paths2, pathsBase, baseUrl } = this.#tsconfigs.of(importer);
    if (pathsBase !== void 0) {
      const patterns = Object.keys(paths2).sort((a, b) => b.indexOf("*") - a.indexOf("*"));
      for (const pattern of patterns) {
        const [before = "", after] = pattern.split("*");
        const fits = after === void 0 ? specifier === pattern : specifier.length >= before.length + after.length && specifier.startsWith(before) && specifier.endsWith(after);
        if (!fits) continue;
        const star = after === void 0 ? "" : specifier.slice(before.length, specifier.length - after.length);
        for (const target of paths2[pattern] ?? []) {
          const found = this.#file(resolve3(pathsBase, target.replace("*", star)));
          if (found !== void 0 && !found.endsWith(".d.ts")) return found;
        }
      }
    }
    return baseUrl === void 0 ? void 0 : this.#file(resolve3(baseUrl, specifier));
  }
  #byImportsMap(specifier, importer, conditions) {
    const scope = this.#scope(dirname5(importer));
    const target = scope === void 0 ? void 0 : resolveInMap({ map: scope.json["imports"], key: specifier, conditions });
    if (scope === void 0 || target === void 0) {
      return { kind: "unresolved", reason: `no package.json above it maps ${specifier} in "imports"` };
    }
    return target.startsWith(".") ? this.#asFile(resolve3(scope.directory, target), specifier) : this.#find(target, join6(scope.directory, "package.json"), conditions);
  }
  #installed(specifier, importer, conditions) {
    const { name, subpath } = splitSpecifier(specifier);
    const self = this.#scope(dirname5(importer));
    if (self?.json["name"] === name && self.json["exports"] !== void 0) {
      const target = resolveInMap({ map: self.json["exports"], key: subpath, conditions });
      if (target !== void 0) return this.#asFile(resolve3(self.directory, target), specifier);
    }
    const directory = this.installedDirectory(name, dirname5(importer));
    if (directory === void 0) {
      return { kind: "unresolved", reason: `the package ${name} is not installed` };
    }
    const real = this.#files.realPath(directory);
    const file2 = this.#inPackage(real, subpath, conditions);
    if (file2 === void 0) {
      return {
        kind: "unresolved",
        reason: `the package ${name} offers no ${subpath === "." ? "entry" : subpath}`
      };
    }
    const realFile = this.#files.realPath(file2);
    if (!realFile.includes(NODE_MODULES)) return { kind: "file", file: realFile };
    const owner = this.packageAt(real) ?? { name, version: "0.0.0", directory: real };
    return { kind: "npm", specifier, package: owner, file: realFile };
  }
  /** The `node_modules/<name>` that Node would find from a directory. */
  installedDirectory(name, from) {
    for (let at = from; ; at = dirname5(at)) {
      if (!at.endsWith(`${sep5}node_modules`)) {
        const candidate = join6(at, "node_modules", name);
        if (this.#files.kind(candidate) === "directory") return candidate;
      }
      if (dirname5(at) === at) return void 0;
    }
  }
  packageAt(directory) {
    const json = this.#files.readJson(join6(directory, "package.json"));
    if (json === void 0 || typeof json["name"] !== "string") return void 0;
    const version = typeof json["version"] === "string" ? json["version"] : "0.0.0";
    return { name: json["name"], version, directory };
  }
  #inPackage(directory, subpath, conditions) {
    const json = this.#files.readJson(join6(directory, "package.json")) ?? {};
    if (json["exports"] !== void 0 && json["exports"] !== null) {
      const target = resolveInMap({ map: json["exports"], key: subpath, conditions });
      return target === void 0 ? void 0 : this.#file(resolve3(directory, target));
    }
    if (subpath !== ".") return this.#file(resolve3(directory, subpath));
    const main = typeof json["main"] === "string" ? this.#file(resolve3(directory, json["main"])) : void 0;
    return main ?? this.#file(join6(directory, "index"));
  }
  /** The nearest package.json above. */
  #scope(directory) {
    for (let at = directory; ; at = dirname5(at)) {
      const json = this.#files.readJson(join6(at, "package.json"));
      if (json !== void 0) return { directory: at, json };
      if (dirname5(at) === at) return void 0;
    }
  }
};
function splitSpecifier(specifier) {
  const parts = specifier.split("/");
  const name = parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
  const rest = specifier.slice(name.length);
  return { name, subpath: rest === "" ? "." : `.${rest}` };
}

// packages/runtime/src/package/source/tracked-files.ts
import { createHash as createHash4 } from "node:crypto";
import { readFileSync as readFileSync3, realpathSync, statSync as statSync2 } from "node:fs";
var TrackedFiles = class {
  observed = /* @__PURE__ */ new Map();
  #texts = /* @__PURE__ */ new Map();
  #real = /* @__PURE__ */ new Map();
  kind(path) {
    const known = this.observed.get(path);
    if (known !== void 0) return known.kind === "content" ? "file" : known.kind;
    const stats = statSync2(path, { throwIfNoEntry: false });
    const kind = stats?.isFile() === true ? "file" : stats?.isDirectory() === true ? "directory" : "missing";
    this.observed.set(path, { kind });
    return kind;
  }
  isFile(path) {
    return this.kind(path) === "file";
  }
  /** The text, or undefined when there is no such file. */
  read(path) {
    if (this.#texts.has(path)) return this.#texts.get(path);
    if (this.kind(path) !== "file") return void 0;
    const { text, observation } = readContent(path);
    this.observed.set(path, observation);
    this.#texts.set(path, text);
    return text;
  }
  /** Remembers the content of a file that something else reads. */
  note(path) {
    this.read(path);
    const observation = this.observed.get(path);
    return observation?.kind === "content" ? observation.hash : void 0;
  }
  /** The bytes of a file that is there. */
  bytes(path) {
    this.note(path);
    return readFileSync3(path);
  }
  readJson(path) {
    const text = this.read(path);
    if (text === void 0) return void 0;
    try {
      const value = JSON.parse(text);
      return typeof value === "object" && value !== null ? value : void 0;
    } catch {
      return void 0;
    }
  }
  realPath(path) {
    let real = this.#real.get(path);
    if (real === void 0) {
      real = realpathSync.native(path);
      this.#real.set(path, real);
    }
    return real;
  }
};
function readContent(path) {
  const { size, mtimeNs } = statSync2(path, { bigint: true });
  const bytes = readFileSync3(path);
  const hash = createHash4("sha256").update(bytes).digest("hex");
  return {
    text: bytes.toString("utf8"),
    observation: { kind: "content", size: Number(size), mtimeNs, hash }
  };
}

// packages/runtime/src/package/source/tsconfig.ts
import { dirname as dirname6, isAbsolute as isAbsolute2, join as join7, resolve as resolve4 } from "node:path";
var NONE = {
  pathsBase: void 0,
  baseUrl: void 0,
  paths: {},
  experimentalDecorators: false,
  useDefineForClassFields: true,
  verbatimModuleSyntax: false,
  jsx: {}
};
var JSX_OPTIONS = ["jsx", "jsxFactory", "jsxFragmentFactory", "jsxImportSource"];
var TsConfigs = class {
  #files;
  #byDirectory = /* @__PURE__ */ new Map();
  constructor(files) {
    this.#files = files;
  }
  of(file2) {
    return this.#inDirectory(dirname6(file2));
  }
  #inDirectory(directory) {
    const known = this.#byDirectory.get(directory);
    if (known !== void 0) return known;
    const config = join7(directory, "tsconfig.json");
    const above = dirname6(directory);
    const options = this.#files.isFile(config) ? complete(this.#read(config, /* @__PURE__ */ new Set())) : above === directory ? NONE : this.#inDirectory(above);
    this.#byDirectory.set(directory, options);
    return options;
  }
  #read(file2, seen) {
    if (seen.has(file2)) return {};
    seen.add(file2);
    const json = parseJsonc(this.#files.read(file2) ?? "{}");
    const own = json["compilerOptions"] ?? {};
    const directory = dirname6(file2);
    const raw = {};
    for (const base2 of [json["extends"]].flat()) {
      const parent = typeof base2 === "string" ? this.#extended(base2, directory) : void 0;
      if (parent !== void 0) Object.assign(raw, this.#read(parent, seen));
    }
    for (const [key, value] of Object.entries(own)) raw[key] = value;
    if (typeof own["baseUrl"] === "string") raw["baseUrl"] = resolve4(directory, own["baseUrl"]);
    if (own["paths"] !== void 0) raw["pathsBase"] = directory;
    return raw;
  }
  #extended(name, directory) {
    if (name.startsWith(".") || isAbsolute2(name)) {
      const file2 = resolve4(directory, name);
      return [file2, `${file2}.json`].find((candidate) => this.#files.isFile(candidate));
    }
    for (let at = directory; ; at = dirname6(at)) {
      const inside = join7(at, "node_modules", name);
      const found = [inside, `${inside}.json`, join7(inside, "tsconfig.json")].find(
        (candidate) => this.#files.isFile(candidate)
      );
      if (found !== void 0 || dirname6(at) === at) return found;
    }
  }
};
function complete(raw) {
  const target = typeof raw["target"] === "string" ? raw["target"].toLowerCase() : void 0;
  const baseUrl = typeof raw["baseUrl"] === "string" ? raw["baseUrl"] : void 0;
  const pathsBase = typeof raw["pathsBase"] === "string" ? raw["pathsBase"] : void 0;
  return {
    baseUrl,
    pathsBase: baseUrl ?? pathsBase,
    paths: raw["paths"] ?? {},
    experimentalDecorators: raw["experimentalDecorators"] === true,
    useDefineForClassFields: typeof raw["useDefineForClassFields"] === "boolean" ? raw["useDefineForClassFields"] : target === void 0 || target === "esnext" || Number(/^es(\d{4})$/.exec(target)?.[1] ?? 0) >= 2022,
    verbatimModuleSyntax: raw["verbatimModuleSyntax"] === true,
    jsx: Object.fromEntries(JSX_OPTIONS.filter((key) => key in raw).map((key) => [key, raw[key]]))
  };
}
function parseJsonc(text) {
  const plain = text.replace(/^\uFEFF/, "").replace(
    /("(?:[^"\\]|\\.)*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
    (_match, string) => string ?? " "
  ).replace(
    /("(?:[^"\\]|\\.)*")|,(\s*[}\]])/g,
    (_match, string, close) => string ?? close
  );
  try {
    const value = JSON.parse(plain);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

// packages/runtime/src/package/write-package.ts
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname as dirname7, join as join8 } from "node:path";
var FILES = ["task.mjs", "task.mjs.map", "manifest.json", "lock.json"];
function packageHash(files) {
  return hashOf("package", ...FILES.map((name) => files[name]));
}
async function writePackage(paths2, content) {
  const files = {
    "task.mjs": content.code,
    "task.mjs.map": content.map,
    "manifest.json": JSON.stringify(content.manifest),
    "lock.json": content.lock
  };
  const hash = packageHash(files);
  const directory = packageDirectory(paths2, hash);
  const existing = await readPackage(paths2, hash);
  if (existing !== void 0) return existing;
  const parent = join8(paths2.home, "packages");
  const temporary = join8(parent, `.tmp-${process.pid}-${randomBytes(6).toString("hex")}`);
  await mkdir(temporary, { recursive: true });
  try {
    await Promise.all(FILES.map((name) => writeSynced(join8(temporary, name), files[name])));
    for (const asset of content.assets) {
      const target = join8(temporary, "assets", asset.path);
      await mkdir(dirname7(target), { recursive: true });
      await copyFile(asset.source, target, constants.COPYFILE_FICLONE);
      await sync(target);
    }
    await sync(temporary);
    await moveInto(temporary, directory);
    await sync(parent);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return { hash, manifest: content.manifest, directory };
}
var packageDirectory = (paths2, hash) => join8(paths2.home, "packages", hash.slice("sha256:".length));
async function readPackage(paths2, hash) {
  const directory = packageDirectory(paths2, hash);
  try {
    const [code, map, manifest, lock] = await Promise.all(
      FILES.map((name) => readFile(join8(directory, name), "utf8"))
    );
    const files = { "task.mjs": code, "task.mjs.map": map, "manifest.json": manifest, "lock.json": lock };
    if (packageHash(files) !== hash) return void 0;
    return { hash, manifest: JSON.parse(manifest), directory };
  } catch (error) {
    if (error.code === "ENOENT") return void 0;
    throw error;
  }
}
async function moveInto(temporary, directory) {
  try {
    await rename(temporary, directory);
  } catch (error) {
    const { code } = error;
    if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
    const aside = `${temporary}-replaced`;
    await rename(directory, aside);
    await rename(temporary, directory).catch((reason) => {
      if (reason.code !== "ENOTEMPTY" && reason.code !== "EEXIST") throw reason;
    });
    await rm(aside, { recursive: true, force: true });
  }
}
async function writeSynced(path, text) {
  const file2 = await open(path, "wx");
  try {
    await file2.writeFile(text);
    await file2.sync();
  } catch (cause) {
    throw new RunPipelineError({
      kind: "store",
      code: "package-write",
      message: `cannot write ${path}: ${cause instanceof Error ? cause.message : String(cause)}`,
      help: "check that the disk has room and that the directory may be written to",
      cause
    });
  } finally {
    await file2.close();
  }
}
async function sync(path) {
  const file2 = await open(path, "r");
  try {
    await file2.sync();
  } finally {
    await file2.close();
  }
}

// packages/runtime/src/package/create-packager.ts
function createPackager(options) {
  return ({ paths: paths2, requests: requests2 }) => new Packaging(paths2, options.mapToSource).run(requests2);
}
var Packaging = class {
  #paths;
  #mapToSource;
  #files = new TrackedFiles();
  #tsconfigs = new TsConfigs(this.#files);
  #resolver = new Resolver(this.#files, this.#tsconfigs);
  #program = new Program({
    files: this.#files,
    resolver: this.#resolver,
    tsconfigs: this.#tsconfigs
  });
  #drivers = new Drivers(this.#program);
  #diagnostics = [];
  #shapes = /* @__PURE__ */ new Map();
  constructor(paths2, mapToSource) {
    this.#paths = paths2;
    this.#mapToSource = mapToSource;
  }
  async run(requests2) {
    const places = new Map(requests2.map((request) => [request, placeOf(request.code, this.#mapToSource)]));
    await this.#program.load([...new Set([...places.values()].flatMap((place) => place.files))]);
    const t1=performance.now();const sliced = this.#withoutConflicts(this.#slice(places));const t2=performance.now();
    const bundled = await this.#bundle(sliced);
    const t3=performance.now();const packages = await this.#write(sliced, bundled);console.log('slice',t2-t1,'bundle',t3-t2,'write',performance.now()-t3);
    return { packages, diagnostics: distinct(this.#diagnostics), memoised: 0 };
  }
  #slice(places) {
    const context = {
      program: this.#program,
      drivers: this.#drivers,
      shapes: (item) => this.#shape(item)
    };
    const index2 = new FunctionIndex(this.#program);
    const registered = registeredFunctions(this.#program);
    const setup = new Setup({
      program: this.#program,
      drivers: this.#drivers,
      isStep: (item) => registered.has(item) || this.#shape(item)?.members.some((member2) => member2.step) === true
    });
    const steps = [];
    for (const [request, place] of places) {
      const found = findStep({ context, key: request.key, code: request.code, place, index: index2 });
      if (!found.ok) {
        this.#diagnostics.push(found.diagnostic);
        continue;
      }
      const { entry } = found;
      const slice = new Slicer({
        program: this.#program,
        drivers: this.#drivers,
        setup,
        entry,
        shapes: context.shapes
      }).run();
      const facts = sliceFacts({
        slice,
        program: this.#program,
        drivers: this.#drivers,
        root: this.#paths.root,
        step: request.key,
        cached: request.cached
      });
      const at = entryPlace(entry);
      const bound = argumentBinding({ request, functionNode: entry.functionNode, at });
      const own = [
        ...found.warnings,
        ...slice.diagnostics,
        ...facts.diagnostics,
        ..."diagnostic" in bound ? [bound.diagnostic] : []
      ];
      this.#diagnostics.push(...own);
      if ("diagnostic" in bound || own.some((each) => each.severity === "error")) continue;
      steps.push({ request, slice, facts: { ...facts, diagnostics: own }, binding: bound.binding, at });
    }
    return steps;
  }
  #shape(item) {
    if (!this.#shapes.has(item)) this.#shapes.set(item, classShape(item, this.#drivers));
    return this.#shapes.get(item);
  }
  /** Leaves out steps that cannot stand beside each other. */
  #withoutConflicts(steps) {
    const compared = steps.map((step) => ({
      key: step.request.key,
      writing: step.request.writing,
      shared: step.facts.shared
    }));
    const refused = /* @__PURE__ */ new Set();
    for (const problem2 of compareSteps(compared)) {
      this.#diagnostics.push(problem2.diagnostic);
      if (problem2.diagnostic.severity === "error") for (const key of problem2.keys) refused.add(key);
    }
    return steps.filter((step) => !refused.has(step.request.key));
  }
  async #bundle(steps) {
    const { root: root2 } = this.#paths;
    const requests2 = steps.map(({ request, slice, at }) => ({
      key: request.key,
      at,
      entry: SLICE + projectPath(root2, slice.entry.module.file),
      modules: emitSlice({ slice, program: this.#program, drivers: this.#drivers, root: root2 })
    }));
    const { bundles, diagnostics } = await bundle({
      requests: requests2,
      root: root2,
      resolver: this.#resolver,
      files: this.#files
    });
    for (const each of diagnostics.values()) this.#diagnostics.push(...each);
    return bundles;
  }
  async #write(steps, bundles) {
    const closures = new Closures({ files: this.#files, resolver: this.#resolver, root: this.#paths.root });
    const packages = /* @__PURE__ */ new Map();
    const written = await Promise.all(
      steps.map(async (step) => {
        const bundled = bundles.get(step.request.key);
        return bundled === void 0 ? void 0 : [step.request.key, await this.#package(step, bundled, closures)];
      })
    );
    for (const each of written) if (each?.[1] !== void 0) packages.set(each[0], each[1]);
    return packages;
  }
  async #package(step, bundled, closures) {
    const { request, slice, facts, at } = step;
    const { root: root2 } = this.#paths;
    const { assets, diagnostics } = findAssets({
      patterns: request.assets,
      sourceFile: slice.entry.module.file,
      root: root2,
      step: request.key,
      at
    });
    if (diagnostics.length > 0) {
      this.#diagnostics.push(...diagnostics);
      return void 0;
    }
    const { externals, packages } = this.#externals(bundled.dependencies);
    const placeholders = new Map(
      bundled.dependencies.map((specifier, index2) => [specifier, `${DEPENDENCY}${index2}`])
    );
    const numbered = replaceMapped(
      bundled,
      new RegExp(`"(${DEPENDENCY}[^"]+)"`, "g"),
      (match) => JSON.stringify(placeholders.get(match[1]) ?? match[1])
    );
    const closure = closures.of(packages);
    const { entry } = slice;
    const manifest = {
      format: 1,
      id: `${projectPath(root2, entry.module.file)}#${entryName(entry, request.key)}`,
      entry: entry.kind === "method" ? { kind: "method", method: entry.method, parameters: keptParameters(slice) } : { kind: "function" },
      binding: step.binding,
      // With specifiers in place of indexes: what is imported counts, not where it stands in a list.
      codeHash: hashOf("code", bundled.code),
      dependencies: Object.fromEntries(packages.map((each) => [each.name, each.version]).sort()),
      externals,
      closureHash: closure.hash,
      closure: closure.entries,
      native: closure.native,
      env: facts.env,
      readsEnvDynamically: facts.readsEnvDynamically,
      reads: slice.reads,
      assets: assets.map((asset) => {
        const bytes = this.#files.bytes(asset.source);
        return { path: `assets/${asset.path}`, hash: contentHash(bytes), size: bytes.byteLength };
      }),
      symbols: [
        ...sliceSymbols(slice, root2),
        ...bundled.files.map((file2) => ({
          name: projectPath(root2, file2),
          file: projectPath(root2, file2),
          line: 1,
          hash: contentHash(this.#files.bytes(file2))
        }))
      ],
      ownWorker: facts.ownWorker,
      warnings: facts.diagnostics.map((each) => ({
        code: each.code,
        message: each.message,
        ...each.at === void 0 ? {} : { at: `${projectPath(root2, each.at.file)}:${each.at.line}:${each.at.column}` }
      })),
      source: { file: projectPath(root2, entry.module.file), line: at.line, endLine: endLine(entry) }
    };
    return writePackage(this.#paths, {
      manifest,
      code: numbered.code,
      map: numbered.map,
      lock: JSON.stringify(closure.lock),
      assets
    });
  }
  /** What the placeholders of a bundle stand for. */
  #externals(specifiers) {
    const packages = /* @__PURE__ */ new Map();
    const externals = specifiers.map((text) => {
      const [specifier = "", query = ""] = text.slice(DEPENDENCY.length).split("?");
      if (FRAMEWORK_PACKAGES.includes(splitSpecifier(specifier).name))
        return { specifier, kind: "framework" };
      const from = /(?:^|&)from=(.*)$/.exec(query)?.[1] ?? "";
      const kind = query.startsWith("require") ? "require" : "import";
      const resolution = this.#resolver.resolve(
        specifier,
        join9(this.#paths.root, from, "package.json"),
        kind
      );
      if (resolution.kind !== "npm") throw new Error(`${specifier} no longer resolves from ${from}`);
      packages.set(resolution.package.directory, resolution.package);
      const { name, version, directory } = resolution.package;
      return {
        specifier,
        package: { name, version },
        file: projectPath(directory, resolution.file),
        ...from === "" ? {} : { from },
        kind: "npm"
      };
    });
    return { externals, packages: [...packages.values()] };
  }
};
function entryPlace(entry) {
  if (entry.functionNode !== void 0) {
    const module = entry.kind === "method" ? methodModule(entry) : entry.module;
    return module.locate(entry.functionNode.start);
  }
  if (entry.kind === "expression") return entry.module.locate(entry.node.start);
  const item = entry.kind === "method" ? entry.item : entry.module.bindings.get(entry.name)?.[0];
  return entry.module.locate(item?.start ?? 0);
}
function endLine(entry) {
  const node = entry.functionNode ?? (entry.kind === "expression" ? entry.node : entry.kind === "name" ? entry.module.bindings.get(entry.name)?.[0] : entry.item);
  const module = entry.kind === "method" ? methodModule(entry) : entry.module;
  return node === void 0 ? 1 : module.locate(Math.max(node.start, node.end - 1)).line;
}
function methodModule(entry) {
  const shape = entry.chain.find((each) => each.byName.has(entry.method));
  return shape?.item.module ?? entry.module;
}
function entryName(entry, key) {
  if (entry.kind === "method") return `${entry.item.declares[0]}.${entry.method}`;
  return entry.kind === "name" ? entry.name : key;
}
function keptParameters(slice) {
  const names = [...slice.modules.values()].flatMap(
    (module) => [...module.classes.values()].flatMap(
      (kept) => [...kept.kept].flatMap((member2) => member2.parameter ? member2.name ?? [] : [])
    )
  );
  return [...new Set(names)].sort();
}
function distinct(diagnostics) {
  const seen = new Map(diagnostics.map((each) => [JSON.stringify([each.code, each.message, each.at]), each]));
  return [...seen.values()];
}

// packages/runtime/src/package/materialise.ts
var PLACEHOLDERS = new RegExp(`"(?:${DEPENDENCY}(?<index>\\d+)|${SOURCE}(?<path>[^"]+))"`, "g");

// ../../../tmp/perf.ts
import { mkdtempSync, writeFileSync, realpathSync as realpathSync2, rmSync } from "node:fs";
import { join as join10 } from "node:path";
var root = realpathSync2(mkdtempSync("/tmp/perf-"));
var n = Number(process.argv[2] ?? 1e3);
writeFileSync(join10(root, "package.json"), '{"type":"module"}');
writeFileSync(join10(root, "helper.ts"), "export function h(x:number){ return x + 1 }\nexport const unused = 1;");
var src = `import { PipelineController } from 'run-pipeline';
import { h } from './helper.js';
`;
for (let i = 0; i < n; i++) src += `function s${i}(x: number) {
  const y = h(x) + ${i};
  return y * 2;
}
`;
src += "const pipe = new PipelineController();\n";
var base = src.split("\n").length;
for (let i = 0; i < n; i++) src += `pipe.addFunctionStep({ name: 's${i}', function: s${i} });
`;
var file = join10(root, "pipeline.ts");
writeFileSync(file, src);
var requests = Array.from({ length: n }, (_, i) => ({ key: `s${i}`, code: { kind: "function", function: () => 0, call: { file, line: base + i, column: 6 }, file }, inputs: { kind: "none" }, assets: [], cached: false, writing: "controller" }));
var paths = { cwd: root, root, home: join10(root, ".run-pipeline") };
for (let k = 0; k < 2; k++) {
  if (k === 1 && process.argv[3]) writeFileSync(file, src.replace("const y = h(x) + 5;", "const y = h(x) + 6;"));
  const p = createPackager({ mapToSource: (x) => x });
  const t = performance.now();
  const r = await p({ paths, requests });
  console.log(n, Math.round(performance.now() - t), r.packages.size, r.diagnostics.length, r.memoised);
}
rmSync(root, { recursive: true, force: true });
//# sourceMappingURL=perf.mjs.map
