var __defProp = Object.defineProperty;
var __getOwnPropNames = Object.getOwnPropertyNames;
var __esm = (fn, res, err) => function __init() {
  if (err) throw err[0];
  try {
    return fn && (res = (0, fn[__getOwnPropNames(fn)[0]])(fn = 0)), res;
  } catch (e) {
    throw err = [e], e;
  }
};
var __export = (target, all) => {
  for (var name in all)
    __defProp(target, name, { get: all[name], enumerable: true });
};

// ../../../work/wt/discover/packages/runtime/src/project/read-set.ts
import { createHash } from "node:crypto";
import { readFileSync, realpathSync, statSync } from "node:fs";
function isUnchanged(set) {
  for (const [path, hash] of Object.entries(set.files)) {
    try {
      if (contentHash(readFileSync(path)) !== hash) return false;
    } catch {
      return false;
    }
  }
  for (const [path, target] of Object.entries(set.links)) {
    if ((realPath(path) ?? "") !== target) return false;
  }
  return set.present.every(isFile) && !set.absent.some(isFile);
}
function isFile(path) {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  } catch {
    return false;
  }
}
function realPath(path) {
  try {
    return realpathSync(path);
  } catch {
    return void 0;
  }
}
var ReadSetRecorder, contentHash;
var init_read_set = __esm({
  "../../../work/wt/discover/packages/runtime/src/project/read-set.ts"() {
    "use strict";
    ReadSetRecorder = class {
      #files = /* @__PURE__ */ new Map();
      #absent = /* @__PURE__ */ new Set();
      #present = /* @__PURE__ */ new Set();
      #links = /* @__PURE__ */ new Map();
      /** `content`: as it was read and used. */
      file(path, content) {
        if (!this.#files.has(path)) this.#files.set(path, contentHash(content));
      }
      /** Reads and records; undefined (recorded as absent) when there is no such file. */
      read(path) {
        try {
          const content = readFileSync(path);
          this.file(path, content);
          return content.toString("utf8");
        } catch {
          this.#absent.add(path);
          return void 0;
        }
      }
      /** Records whether a file is at `path`, without its content. */
      probe(path) {
        if (this.#files.has(path) || this.#present.has(path)) return true;
        if (this.#absent.has(path)) return false;
        const found = isFile(path);
        (found ? this.#present : this.#absent).add(path);
        return found;
      }
      link(path) {
        if (!this.#links.has(path)) this.#links.set(path, realPath(path) ?? "");
      }
      result() {
        return {
          files: Object.fromEntries(this.#files),
          absent: [...this.#absent].filter((path) => !this.#files.has(path)),
          present: [...this.#present].filter((path) => !this.#files.has(path)),
          links: Object.fromEntries(this.#links)
        };
      }
    };
    contentHash = (content) => createHash("sha256").update(content).digest("hex");
  }
});

// ../../../work/wt/discover/packages/runtime/src/discover/framework.ts
var FRAMEWORK, ownFramework;
var init_framework = __esm({
  "../../../work/wt/discover/packages/runtime/src/discover/framework.ts"() {
    "use strict";
    FRAMEWORK = /^(?:run-pipeline|@run-pipeline\/core)(?:\/|$)/;
    ownFramework = (specifier) => {
      try {
        return import.meta.resolve(specifier);
      } catch {
        return void 0;
      }
    };
  }
});

// ../../../work/wt/discover/packages/runtime/src/source/user-stack.ts
import { fileURLToPath } from "node:url";
import { formatLocation } from "@run-pipeline/core/model";
function userStack(error, options = {}) {
  const map = process.sourceMapsEnabled === true ? void 0 : options.map;
  const frames = [];
  for (const raw of rawFrames(error)) {
    if (isInternalFile(raw.at.file) || options.isInternal?.(raw.at.file) === true) continue;
    const at = map === void 0 ? raw.at : map(raw.at);
    if (isInternalFile(at.file) || options.isInternal?.(at.file) === true) continue;
    frames.push({ call: raw.call, at });
  }
  const text = frames.map(({ call, at }) => {
    const place = formatLocation(at, options.from);
    return call === "" ? `at ${place}` : `at ${call} (${place})`;
  }).join("\n");
  return { frames, at: frames[0]?.at, text };
}
function rawFrames(error) {
  const stack = typeof error === "object" && error !== null ? error.stack : void 0;
  if (typeof stack !== "string") return [];
  const frames = [];
  for (const line of stack.split("\n")) {
    const match = /^\s+at (?:(.*?) \()?(.+?):(\d+):(\d+)\)?$/.exec(line);
    if (match === null) continue;
    const [, call = "", file = "", row, column] = match;
    const bare = file.replace(/^async /, "");
    frames.push({
      call: call.replace(/^(async )?(?:Object\.|Module\.)?<anonymous>$/, "$1").trim(),
      at: { file: toPath(bare), line: Number(row), column: Number(column) }
    });
  }
  return frames;
}
function toPath(file) {
  if (!file.startsWith("file:")) return file;
  try {
    const url = new URL(file);
    url.search = "";
    url.hash = "";
    return fileURLToPath(url);
  } catch {
    return file;
  }
}
function isInternalFile(file) {
  return file.startsWith("node:") || file === "native" || file.startsWith("<") || /[\\/]node_modules[\\/]/.test(file) || installation().some((directory) => file.startsWith(directory));
}
function installation() {
  if (directories === void 0) {
    const own = new URL(".", import.meta.url);
    const runtime = own.pathname.endsWith("/src/source/") ? new URL("..", own) : own;
    const core = coreDirectory();
    directories = [fileURLToPath(runtime), ...core === void 0 ? [] : [core]];
  }
  return directories;
}
function coreDirectory() {
  try {
    return fileURLToPath(new URL(".", import.meta.resolve("@run-pipeline/core")));
  } catch {
    return void 0;
  }
}
var directories;
var init_user_stack = __esm({
  "../../../work/wt/discover/packages/runtime/src/source/user-stack.ts"() {
    "use strict";
  }
});

// ../../../work/wt/discover/packages/runtime/src/discover/map-to-source.ts
import { existsSync as existsSync2, readFileSync as readFileSync2, statSync as statSync2 } from "node:fs";
import { createRequire, findSourceMap } from "node:module";
import { dirname, resolve } from "node:path";
import { fileURLToPath as fileURLToPath2 } from "node:url";
function createMapToSource() {
  const tracers = /* @__PURE__ */ new Map();
  return (place) => {
    const file = toPath(place.file);
    let tracer = tracers.get(place.file);
    if (tracer === void 0 || tracer.stamp !== stampOf(file)) {
      tracer = { stamp: stampOf(file), trace: makeTrace(place.file, file) };
      tracers.set(place.file, tracer);
    }
    return tracer.trace?.(place) ?? { file, line: place.line, column: place.column };
  };
}
function makeTrace(executed, file) {
  const inMemory = findSourceMap(executed) ?? findSourceMap(file);
  if (inMemory !== void 0) {
    return (place) => {
      const entry = inMemory.findEntry(place.line - 1, place.column - 1);
      if (!("originalSource" in entry)) return void 0;
      return existing({
        file: toPath(resolveSource(entry.originalSource, file)),
        line: entry.originalLine + 1,
        column: entry.originalColumn + 1
      });
    };
  }
  const found = readMap(file);
  if (found === void 0) return void 0;
  const { TraceMap: Constructor, traceSegment } = createRequire(import.meta.url)(
    "@jridgewell/trace-mapping"
  );
  let map;
  let isOwn;
  try {
    const json = JSON.parse(found.text);
    isOwn = json[OWN_MAP] === true;
    map = new Constructor(json);
  } catch {
    return void 0;
  }
  return (place) => {
    const segment = traceSegment(map, place.line - 1, place.column - 1);
    if (segment === null || segment.length === 1) return void 0;
    const [, index, line, column] = segment;
    const source = map.sources[index];
    if (typeof source !== "string") return void 0;
    const original = {
      file: sourceFile(source, map.sourceRoot, found.base),
      line: line + 1,
      column: column + 1
    };
    return isOwn ? original : existing(original);
  };
}
function sourceFile(source, sourceRoot, base) {
  const root = sourceRoot === void 0 || sourceRoot === "" ? dirname(base) : resolve(dirname(base), toPath(sourceRoot));
  const plain = source.startsWith("file:") ? toPath(source) : resolve(root, source);
  return existsSync2(plain) ? plain : decode(plain);
}
function readMap(file) {
  const tail = read(file)?.slice(-MAP_COMMENT_LIMIT);
  const urls = tail === void 0 ? [] : [...tail.matchAll(/^[ \t]*\/[/*][#@][ \t]*sourceMappingURL=([^\s'"*]+)/gm)];
  const url = urls.at(-1)?.[1];
  if (url === void 0) return void 0;
  const inline = /^data:application\/json[^,]*?(;base64)?,(.*)$/s.exec(url);
  if (inline !== null) {
    const body = inline[2] ?? "";
    return {
      text: inline[1] === void 0 ? decode(body) : Buffer.from(body, "base64").toString("utf8"),
      base: file
    };
  }
  if (/^https?:/.test(url)) return void 0;
  const path = url.startsWith("file:") ? fileURLToPath2(url) : resolve(dirname(file), decode(url));
  const text = read(path);
  return text === void 0 ? void 0 : { text, base: path };
}
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
function read(path) {
  try {
    return readFileSync2(path, "utf8");
  } catch {
    return void 0;
  }
}
var mapToSource, OWN_MAP, stampOf, resolveSource, existing, MAP_COMMENT_LIMIT;
var init_map_to_source = __esm({
  "../../../work/wt/discover/packages/runtime/src/discover/map-to-source.ts"() {
    "use strict";
    init_user_stack();
    mapToSource = createMapToSource();
    OWN_MAP = "x_run_pipeline";
    stampOf = (file) => statSync2(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    resolveSource = (source, base) => source.startsWith("file:") ? source : resolve(dirname(base), source);
    existing = (place) => existsSync2(place.file) ? place : void 0;
    MAP_COMMENT_LIMIT = 64 * 1024 * 1024;
  }
});

// ../../../work/wt/discover/packages/runtime/src/discover/tsconfig-chain.ts
import { createRequire as createRequire2 } from "node:module";
import { dirname as dirname2, isAbsolute, join as join2, resolve as resolve2 } from "node:path";
function recordTsconfig(directory, reads) {
  for (let at = directory; ; at = dirname2(at)) {
    const file = ["tsconfig.json", "jsconfig.json"].map((name) => join2(at, name)).find((path) => reads.probe(path));
    if (file !== void 0) return mappings(chain(file, reads, /* @__PURE__ */ new Set()));
    if (dirname2(at) === at) return [];
  }
}
function chain(file, reads, seen) {
  if (seen.has(file)) return [];
  seen.add(file);
  const text = reads.read(file);
  const config = text === void 0 ? void 0 : parse(text);
  if (config === void 0) return [];
  const parents = [config["extends"]].flat().filter((item) => typeof item === "string");
  const inherited = parents.flatMap((parent) => {
    const found = findExtended(parent, file, reads);
    return found === void 0 ? [] : chain(found, reads, seen);
  });
  return [...inherited, { file, options: config["compilerOptions"] ?? {} }];
}
function findExtended(parent, from, reads) {
  if (/^\.{1,2}(?:[\\/]|$)/.test(parent) || isAbsolute(parent)) {
    const path = resolve2(dirname2(from), parent);
    return [path, `${path}.json`, join2(path, "tsconfig.json")].find((candidate) => reads.probe(candidate));
  }
  for (let at = dirname2(from); ; at = dirname2(at)) {
    const path = join2(at, "node_modules", parent);
    const found = [path, `${path}.json`, join2(path, "tsconfig.json")].find(
      (candidate) => reads.probe(candidate)
    );
    if (found !== void 0) {
      reads.read(join2(dirname2(found), "package.json"));
      return found;
    }
    if (dirname2(at) === at) break;
  }
  try {
    return createRequire2(from).resolve(parent);
  } catch {
    return void 0;
  }
}
function mappings(configs) {
  let paths = [];
  let base;
  for (const { file, options } of configs) {
    if (typeof options.baseUrl === "string") base = resolve2(dirname2(file), options.baseUrl);
    if (typeof options.paths === "object" && options.paths !== null) {
      const from = base ?? dirname2(file);
      paths = Object.entries(options.paths).map(([pattern, targets]) => ({
        pattern,
        targets: [targets].flat().filter((item) => typeof item === "string").map((item) => resolve2(from, item))
      }));
    }
  }
  return base === void 0 ? paths : [...paths, { pattern: "*", targets: [join2(base, "*")] }];
}
function mappedPaths(specifier, paths) {
  return paths.flatMap(({ pattern, targets }) => {
    const star = pattern.indexOf("*");
    if (star < 0) return pattern === specifier ? targets : [];
    const head = pattern.slice(0, star);
    const tail = pattern.slice(star + 1);
    if (!specifier.startsWith(head) || !specifier.endsWith(tail) || specifier.length < head.length + tail.length)
      return [];
    const matched = specifier.slice(head.length, specifier.length - tail.length);
    return targets.map((target) => target.replace("*", () => matched));
  });
}
function parse(text) {
  const plain = text.replace(/^\ufeff/, "").replace(
    /("(?:[^"\\\n]|\\.)*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
    (_, string) => string ?? ""
  ).replace(/("(?:[^"\\\n]|\\.)*")|,(?=\s*[}\]])/g, (_, string) => string ?? "");
  try {
    const value = JSON.parse(plain);
    return typeof value === "object" && value !== null ? value : void 0;
  } catch {
    return void 0;
  }
}
var init_tsconfig_chain = __esm({
  "../../../work/wt/discover/packages/runtime/src/discover/tsconfig-chain.ts"() {
    "use strict";
  }
});

// ../../../work/wt/discover/packages/runtime/src/discover/look-ups.ts
import { dirname as dirname3, isAbsolute as isAbsolute2, join as join3, resolve as resolve3 } from "node:path";
function recordLookUps(import_, mappings2, reads) {
  const { specifier, importer } = import_;
  const from = dirname3(importer);
  if (isAbsolute2(specifier) || /^\.{1,2}(?:\/|$)/.test(specifier)) {
    recordPath(resolve3(from, specifier), reads);
    return;
  }
  for (const path of mappedPaths(specifier, mappings2)) recordPath(path, reads);
  if (specifier.startsWith("#")) return;
  const name = packageName(specifier);
  for (let at = from; ; at = dirname3(at)) {
    const directory = join3(at, "node_modules", name);
    if (reads.probe(join3(directory, "package.json"))) {
      reads.read(join3(directory, "package.json"));
      reads.link(directory);
      const subpath = specifier.slice(name.length + 1);
      if (subpath !== "") recordPath(join3(directory, subpath), reads);
      return;
    }
    recordPath(join3(at, "node_modules", specifier), reads);
    if (dirname3(at) === at) return;
  }
}
function recordManifests(file, reads) {
  for (let at = dirname3(file); ; at = dirname3(at)) {
    if (reads.probe(join3(at, "package.json"))) {
      reads.read(join3(at, "package.json"));
      return;
    }
    if (dirname3(at) === at) return;
  }
}
function recordPath(path, reads) {
  for (const candidate of candidates(path)) reads.probe(candidate);
  if (reads.probe(join3(path, "package.json"))) reads.read(join3(path, "package.json"));
  for (const candidate of candidates(join3(path, "index"))) reads.probe(candidate);
}
function candidates(path) {
  const list = [path, ...EXTENSIONS.map((extension) => path + extension)];
  for (const [written, sources] of REWRITTEN) {
    if (path.endsWith(written))
      list.push(...sources.map((extension) => path.slice(0, -written.length) + extension));
  }
  return list;
}
function packageName(specifier) {
  const parts = specifier.split("/");
  return specifier.startsWith("@") ? parts.slice(0, 2).join("/") : parts[0] ?? specifier;
}
var EXTENSIONS, REWRITTEN;
var init_look_ups = __esm({
  "../../../work/wt/discover/packages/runtime/src/discover/look-ups.ts"() {
    "use strict";
    init_tsconfig_chain();
    EXTENSIONS = [".tsx", ".ts", ".jsx", ".js", ".mts", ".mjs", ".cts", ".cjs", ".json", ".css"];
    REWRITTEN = [
      [".js", [".ts", ".tsx"]],
      [".jsx", [".tsx", ".ts"]],
      [".mjs", [".mts"]],
      [".cjs", [".cts"]]
    ];
  }
});

// ../../../work/wt/discover/packages/runtime/src/discover/bundle-source.ts
var bundle_source_exports = {};
__export(bundle_source_exports, {
  EXPORTS_HOOK: () => EXPORTS_HOOK,
  NODE_RESOLUTION: () => NODE_RESOLUTION,
  PLACEHOLDER: () => PLACEHOLDER,
  bundleSource: () => bundleSource
});
import { readFileSync as readFileSync3 } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname as dirname4, extname, resolve as resolve4, sep } from "node:path";
import { fileURLToPath as fileURLToPath3, pathToFileURL } from "node:url";
import { RunPipelineError as RunPipelineError3 } from "@run-pipeline/core/model";
async function bundleSource(options) {
  const { build } = await import("esbuild");
  const reads = new ReadSetRecorder();
  const externals = [];
  const lookUps = /* @__PURE__ */ new Map();
  const outfile = resolve4(dirname4(options.file), "bundle.mjs");
  try {
    const result = await build({
      entryPoints: [options.file],
      absWorkingDir: options.root,
      outfile,
      write: false,
      format: "esm",
      ...NODE_RESOLUTION,
      bundle: true,
      target: "node20",
      keepNames: true,
      sourcemap: "external",
      sourcesContent: false,
      legalComments: "none",
      charset: "utf8",
      logLevel: "silent",
      metafile: true,
      treeShaking: false,
      banner: {
        js: `import { createRequire as __rp_createRequire } from 'node:module';
const require = __rp_createRequire(${JSON.stringify(pathToFileURL(options.file).href)});`
      },
      define: {
        "import.meta": "__rp_module",
        "require.resolve": "__rp_module.require.resolve",
        "require.cache": "__rp_module.require.cache",
        "require.main": "__rp_module.require.main",
        __dirname: "__rp_module.dirname",
        __filename: "__rp_module.filename"
      },
      plugins: [userModules({ entry: options.file, reads, externals, lookUps })]
    });
    for (const [input, { imports }] of Object.entries(result.metafile.inputs)) {
      const importer = resolve4(options.root, input);
      for (const { original } of imports) {
        if (original !== void 0 && /^\.{0,2}\//.test(original))
          lookUps.set(`${importer}\0${original}`, { specifier: original, importer });
      }
    }
    recordEverythingElse(reads, lookUps);
    const text = (extension) => result.outputFiles.find(({ path }) => path.endsWith(extension))?.text ?? "";
    return {
      bundle: { code: text(".mjs"), map: absoluteSources(text(".map"), dirname4(outfile)), externals },
      reads: reads.result()
    };
  } catch (error) {
    throw isBuildFailure(error) ? loadError(error, options) : error;
  }
}
function recordEverythingElse(reads, lookUps) {
  const mappings2 = /* @__PURE__ */ new Map();
  const mappingsOf = (file) => {
    const directory = dirname4(file);
    const known = mappings2.get(directory) ?? recordTsconfig(directory, reads);
    mappings2.set(directory, known);
    return known;
  };
  for (const file of Object.keys(reads.result().files)) {
    mappingsOf(file);
    recordManifests(file, reads);
  }
  for (const { specifier, importer } of lookUps.values())
    recordLookUps({ specifier, importer }, mappingsOf(importer), reads);
}
function userModules(context) {
  const { entry, reads, externals, lookUps } = context;
  const indices = /* @__PURE__ */ new Map();
  const external = (item) => {
    const key = `${item.kind}\0${item.file ?? item.specifier}`;
    const index = indices.get(key) ?? externals.push(item) - 1;
    indices.set(key, index);
    return { path: PLACEHOLDER + index, external: true };
  };
  return {
    name: "user-modules",
    setup(build) {
      build.onResolve({ filter: /^[^./]/ }, async (args) => {
        if (args.kind === "entry-point" || args.pluginData === RESOLVING) return void 0;
        if (args.path.startsWith(MODULE_SCHEME))
          return { path: args.path.slice(MODULE_SCHEME.length), namespace: "module" };
        if (args.path === EXPORTS_SCHEME) return { path: args.importer, namespace: "exports" };
        if (isBuiltin(args.path)) return { path: args.path, external: true };
        if (/^(?:data|https?|file):/.test(args.path)) return { path: args.path, external: true };
        const kind = args.kind === "require-call" || args.kind === "require-resolve" ? "require" : "import";
        if (FRAMEWORK.test(args.path)) {
          if (kind === "require") return { path: args.path, namespace: "framework" };
          return external({
            specifier: args.path,
            importer: args.namespace === "framework" ? entry : args.importer,
            kind
          });
        }
        lookUps.set(`${args.importer}\0${args.path}`, { specifier: args.path, importer: args.importer });
        const found = await resolvePackage(build, args);
        if (typeof found !== "string") return found;
        if (isUserSource(found)) return { path: found };
        reads.probe(found);
        return external({ specifier: args.path, importer: args.importer, kind, file: found });
      });
      build.onResolve(
        { filter: /\.node$/ },
        (args) => args.kind === "require-call" ? external({
          specifier: args.path,
          importer: args.importer,
          kind: "require",
          file: resolve4(args.resolveDir, args.path)
        }) : void 0
      );
      build.onLoad({ filter: /.*/, namespace: "file" }, (args) => loadModule(args.path, entry, reads));
      build.onLoad({ filter: /.*/, namespace: "module" }, (args) => ({
        contents: moduleFacts(args.path),
        loader: "js"
      }));
      build.onLoad({ filter: /.*/, namespace: "framework" }, (args) => ({
        contents: `export * from ${JSON.stringify(args.path)};`,
        loader: "js"
      }));
      build.onLoad({ filter: /.*/, namespace: "exports" }, (args) => ({
        contents: `import * as exports from ${JSON.stringify(args.path)};
globalThis[Symbol.for(${JSON.stringify(EXPORTS_HOOK)})]?.(${JSON.stringify(args.path)}, () => exports);`,
        loader: "js",
        resolveDir: dirname4(args.path)
      }));
    }
  };
}
async function resolvePackage(build, args) {
  const { path, errors, external, warnings } = await build.resolve(args.path, {
    importer: args.importer,
    resolveDir: args.resolveDir,
    kind: args.kind,
    pluginData: RESOLVING,
    with: args.with
  });
  if (errors.length === 0 && !external && path !== "") return path;
  if (args.kind !== "import-statement") return { path: args.path, external: true };
  const [name] = args.path.startsWith("@") ? [args.path.split("/", 2).join("/")] : args.path.split("/");
  return {
    warnings,
    errors: errors.map((error) => ({
      ...error,
      detail: args.path.startsWith("#") || args.path.startsWith("@/") || args.path.startsWith("~") ? void 0 : { install: name }
    }))
  };
}
function isUserSource(file) {
  if (file.endsWith(".node")) return false;
  return !file.includes(`${sep}node_modules${sep}`) || TYPESCRIPT.test(file) || file.endsWith(".json");
}
function loadModule(file, entry, reads) {
  const loader = LOADERS[extname(file)];
  if (loader === void 0) return void 0;
  let contents;
  try {
    contents = readFileSync3(file, "utf8");
  } catch (error) {
    return { errors: [{ text: `${file} cannot be read: ${error.message}` }] };
  }
  reads.file(file, contents);
  if (loader === "json") return { contents, loader };
  return { contents: withModuleFacts(file, contents, file === entry), loader, resolveDir: dirname4(file) };
}
function withModuleFacts(file, contents, isEntry) {
  const used = /import\.meta|import\s*\.\s*meta|__dirname|__filename|\brequire\b/.test(contents);
  const specifier = JSON.stringify(MODULE_SCHEME + file);
  if (!isEsm(file, contents)) {
    if (!used) return contents;
    const strict = /^\s*(['"])use strict\1;?/.exec(contents)?.[0] ?? "";
    const shebang = contents.startsWith("#!") ? "//" : "";
    return shebang === "" ? `${strict}var __rp_module=require(${specifier}).module;${contents.slice(strict.length)}` : contents.replace(/^#![^\n]*/, `var __rp_module=require(${specifier}).module;`);
  }
  return contents + (used ? `
import { module as __rp_module } from ${specifier};` : "") + (isEntry ? `
import ${JSON.stringify(EXPORTS_SCHEME)};` : "");
}
function isEsm(file, contents) {
  const extension = extname(file);
  if (extension === ".mts" || extension === ".mjs") return true;
  if (extension === ".cts" || extension === ".cjs")
    return /^\s*(?:import\b(?!\s*\()|export\b)/m.test(contents) && extension === ".cts";
  return /(?:^|[;}*/])\s*(?:import\s*["'{*\w$]|export\s*[{*\w])|import\s*\.\s*meta|^\s*(?:\}\s*)?await\b/m.test(
    contents
  ) || !/\b(?:module\s*\.\s*exports|exports\s*\.|require\s*\()/.test(contents);
}
function moduleFacts(file) {
  const url = pathToFileURL(file).href;
  return [
    `import { createRequire } from 'node:module';`,
    `import { pathToFileURL } from 'node:url';`,
    `const require = createRequire(${JSON.stringify(url)});`,
    `export const module = {`,
    `  url: ${JSON.stringify(url)},`,
    `  filename: ${JSON.stringify(file)},`,
    `  dirname: ${JSON.stringify(dirname4(file))},`,
    `  main: false,`,
    `  resolve: (specifier) => /^(?:\\.{0,2}\\/|file:)/.test(specifier) ? new URL(specifier, ${JSON.stringify(url)}).href`,
    `    : /^node:/.test(specifier) ? specifier : pathToFileURL(require.resolve(specifier)).href,`,
    `  require,`,
    `};`
  ].join("\n");
}
function absoluteSources(text, from) {
  const map = JSON.parse(text);
  map.sources = map.sources.map(
    (source) => /^(?:module|exports|framework):/.test(source) ? source : resolve4(from, source)
  );
  return JSON.stringify({ ...map, [OWN_MAP]: true });
}
function loadError(failure, options) {
  const diagnostics = failure.errors.map((message) => toDiagnostic(message, options.root));
  const first = diagnostics[0];
  return new RunPipelineError3({
    kind: "load",
    code: first?.code ?? "load-failed",
    message: diagnostics.map(({ message }) => message).join("\n") || `${options.file} cannot be loaded`,
    at: first?.at,
    help: first?.help,
    diagnostics
  });
}
function toDiagnostic(message, root) {
  const at = toLocation(message, root);
  const unresolved = /^Could not resolve "(.*)"$/.exec(message.text)?.[1];
  const install = message.detail?.install;
  const related = message.notes.filter(({ location }) => location !== null).map((note) => ({ message: note.text, ...placed(toLocation(note, root)) }));
  return {
    code: unresolved === void 0 ? /cannot be read/.test(message.text) ? "unreadable-file" : "syntax-error" : "unresolved-import",
    severity: "error",
    message: unresolved === void 0 ? message.text : `the import "${unresolved}" cannot be found`,
    ...placed(at),
    ...related.length === 0 ? {} : { related },
    ...unresolved === void 0 ? {} : {
      help: install === void 0 ? "check the path, its letter case and `paths` in tsconfig.json" : `npm install ${install}`
    }
  };
}
function toLocation(message, root) {
  const { location } = message;
  if (location === null) return void 0;
  const file = location.file.startsWith("file:") ? fileURLToPath3(location.file) : resolve4(root, location.file);
  const before = Buffer.from(location.lineText).subarray(0, location.column).toString("utf8").length;
  return { file, line: location.line, column: before + 1 };
}
var PLACEHOLDER, EXPORTS_HOOK, NODE_RESOLUTION, LOADERS, TYPESCRIPT, RESOLVING, MODULE_SCHEME, EXPORTS_SCHEME, isBuildFailure, placed;
var init_bundle_source = __esm({
  "../../../work/wt/discover/packages/runtime/src/discover/bundle-source.ts"() {
    "use strict";
    init_read_set();
    init_framework();
    init_map_to_source();
    init_look_ups();
    init_tsconfig_chain();
    PLACEHOLDER = "run-pipeline-external:";
    EXPORTS_HOOK = "run-pipeline.loading";
    NODE_RESOLUTION = {
      platform: "node",
      conditions: [],
      mainFields: ["main"]
    };
    LOADERS = {
      ".ts": "ts",
      ".mts": "ts",
      ".cts": "ts",
      ".tsx": "tsx",
      ".js": "js",
      ".mjs": "js",
      ".cjs": "js",
      ".jsx": "jsx",
      ".json": "json"
    };
    TYPESCRIPT = /\.[cm]?tsx?$/;
    RESOLVING = /* @__PURE__ */ Symbol("resolving");
    MODULE_SCHEME = "run-pipeline-module:";
    EXPORTS_SCHEME = "run-pipeline-exports";
    isBuildFailure = (error) => error instanceof Error && Array.isArray(error.errors);
    placed = (at) => at === void 0 ? {} : { at };
  }
});

// ../../../work/wt/discover/packages/runtime/src/discover/resolve-again.ts
var resolve_again_exports = {};
__export(resolve_again_exports, {
  resolveAgain: () => resolveAgain
});
import { existsSync as existsSync3 } from "node:fs";
import { dirname as dirname5 } from "node:path";
import { RunPipelineError as RunPipelineError4 } from "@run-pipeline/core/model";
async function resolveAgain(externals, fallback) {
  const { build } = await import("esbuild");
  const found = /* @__PURE__ */ new Map();
  await build({
    ...NODE_RESOLUTION,
    stdin: { contents: "" },
    bundle: true,
    write: false,
    logLevel: "silent",
    plugins: [
      {
        name: "resolve-again",
        setup(context) {
          context.onStart(async () => {
            for (const external of externals) {
              const directory = dirname5(external.importer);
              const { path, errors } = await context.resolve(external.specifier, {
                kind: external.kind === "require" ? "require-call" : "import-statement",
                resolveDir: existsSync3(directory) ? directory : fallback
              });
              if (errors.length > 0 || path === "") throw notFound(external);
              found.set(external, path);
            }
          });
        }
      }
    ]
  }).catch((error) => {
    const missing = externals.find((external) => !found.has(external));
    throw missing === void 0 ? error : notFound(missing);
  });
  return found;
}
var notFound;
var init_resolve_again = __esm({
  "../../../work/wt/discover/packages/runtime/src/discover/resolve-again.ts"() {
    "use strict";
    init_bundle_source();
    notFound = (external) => new RunPipelineError4({
      kind: "load",
      code: "unresolved-import",
      message: `the import "${external.specifier}" of ${external.importer} cannot be found any more`,
      at: { file: external.importer, line: 1, column: 1 },
      help: "install the dependencies of the project again (npm ci)"
    });
  }
});

// ../../../work/wt/discover/packages/runtime/src/discover/load.ts
import { realpathSync as realpathSync2, statSync as statSync3 } from "node:fs";
import { extname as extname3, resolve as resolve5 } from "node:path";
import { registry as registry2, setRunHost as setRunHost2 } from "@run-pipeline/core/define";
import { isRunPipelineError as isRunPipelineError2, RunPipelineError as RunPipelineError7 } from "@run-pipeline/core/model";

// ../../../work/wt/discover/packages/runtime/src/project/home.ts
import { accessSync, constants, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RunPipelineError } from "@run-pipeline/core/model";
function ensureHome(paths) {
  try {
    for (const directory of ["blobs", "packages", "cache", "tmp"]) {
      mkdirSync(join(paths.home, directory), { recursive: true });
    }
    accessSync(paths.home, constants.W_OK);
    const ignore = join(paths.home, ".gitignore");
    if (!existsSync(ignore)) writeFileSync(ignore, "*\n");
  } catch (error) {
    throw cannotWrite(paths, error);
  }
}
function cannotWrite(paths, error) {
  const code = error.code ?? "";
  return new RunPipelineError({
    kind: "store",
    code: "home-not-writable",
    message: `the state of this project cannot be kept in ${paths.home}: ${REASONS[code] ?? error.message}`,
    help: "make the directory writable, or set RUN_PIPELINE_HOME to a directory that is (for example RUN_PIPELINE_HOME=/tmp/run-pipeline)",
    cause: error
  });
}
var REASONS = {
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  ENOTDIR: "a file is in the way",
  EEXIST: "a file is in the way",
  ENOENT: "the directory cannot be created there"
};

// ../../../work/wt/discover/packages/runtime/src/discover/candidates.ts
import { pipelineOf } from "@run-pipeline/core/define";
import { didYouMean, RunPipelineError as RunPipelineError2 } from "@run-pipeline/core/model";
function collectCandidates(found) {
  const candidates2 = /* @__PURE__ */ new Map();
  const add = (declaration, exportName) => {
    if (declaration === void 0 || candidates2.has(declaration.subject)) return;
    candidates2.set(declaration.subject, {
      subject: declaration.subject,
      definition: declaration.definition,
      exportName
    });
  };
  for (const [name, value] of exportedValues(found.exports)) add(pipelineOf(value), name);
  for (const declaration of found.declared) {
    if (typeof declaration.subject === "object") add(declaration, void 0);
  }
  for (const subject of found.started) add(pipelineOf(subject), void 0);
  return [...candidates2.values()];
}
function exportedValues(exports) {
  const { default: byDefault, ...named } = exports;
  const entries = Object.entries(named);
  if (byDefault !== void 0) entries.push(["default", byDefault]);
  if (typeof byDefault === "object" && byDefault !== null && pipelineOf(byDefault) === void 0 && isPlain(byDefault)) {
    entries.push(...Object.entries(byDefault));
  }
  return entries;
}
var isPlain = (value) => {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
};

// ../../../work/wt/discover/packages/runtime/src/discover/evaluate.ts
init_bundle_source();
import { pathToFileURL as pathToFileURL2 } from "node:url";
import { setRunHost } from "@run-pipeline/core/define";
async function evaluate(options) {
  let exportsSoFar = () => ({});
  let startedUnsettled = () => {
  };
  let startedAny = () => {
  };
  const unsettledStart = new Promise((resolve7) => startedUnsettled = resolve7);
  const anyStart = new Promise((resolve7) => startedAny = resolve7);
  const restoreHook = installHook(options.file, (exports) => exportsSoFar = exports);
  setRunHost({
    run(subject, runOptions) {
      startedAny();
      const answer = options.onStart(subject, runOptions, () => settledExports(exportsSoFar()));
      if (answer !== void 0) return answer;
      startedUnsettled();
      return new Promise(() => {
      });
    }
  });
  process.argv = [process.argv[0] ?? process.execPath, options.file, ...options.argv];
  const activeBefore = process.getActiveResourcesInfo().length;
  try {
    const whole = import(
      /* @vite-ignore */
      freshUrl(options.executable)
    );
    const exports = await Promise.race([whole, unsettledStart.then(afterTurns)]);
    if (exports === void 0) {
      whole.catch(() => {
      });
      return { exports: settledExports(exportsSoFar()), finished: false };
    }
    if (options.isIncomplete(exports)) await Promise.race([anyStart, isIdle(activeBefore)]);
    return { exports: { ...exports }, finished: true };
  } finally {
    restoreHook();
  }
}
function freshUrl(executable) {
  const url = pathToFileURL2(executable);
  const count = (evaluations.get(url.href) ?? 0) + 1;
  evaluations.set(url.href, count);
  if (count > 1) url.search = `?run=${count}`;
  return url.href;
}
var evaluations = /* @__PURE__ */ new Map();
async function afterTurns() {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve7) => setImmediate(resolve7));
  return void 0;
}
async function isIdle(before) {
  const deadline = performance.now() + LATE_START_MS;
  do {
    await new Promise((resolve7) => setTimeout(resolve7, 5));
  } while (process.getActiveResourcesInfo().length > before && performance.now() < deadline);
}
var LATE_START_MS = 1e4;
function installHook(file, receive) {
  const holder = globalThis;
  const key = Symbol.for(EXPORTS_HOOK);
  const previous = holder[key];
  holder[key] = (from, exports) => from === file ? receive(exports) : previous?.(from, exports);
  return () => {
    holder[key] = previous;
  };
}
function settledExports(exports) {
  const settled = {};
  for (const name of Object.keys(exports)) {
    try {
      settled[name] = exports[name];
    } catch {
    }
  }
  return settled;
}

// ../../../work/wt/discover/packages/runtime/src/discover/load.ts
init_framework();

// ../../../work/wt/discover/packages/runtime/src/discover/load-cache.ts
init_read_set();
import { createHash as createHash3 } from "node:crypto";
import { existsSync as existsSync5, mkdirSync as mkdirSync3, readFileSync as readFileSync4 } from "node:fs";
import { join as join5 } from "node:path";

// ../../../work/wt/discover/packages/runtime/src/discover/materialise.ts
init_bundle_source();
import { createHash as createHash2 } from "node:crypto";
import { existsSync as existsSync4, mkdirSync as mkdirSync2, renameSync, writeFileSync as writeFileSync2 } from "node:fs";
import { basename, extname as extname2, join as join4 } from "node:path";
import { pathToFileURL as pathToFileURL3 } from "node:url";
import { RunPipelineError as RunPipelineError5 } from "@run-pipeline/core/model";
var loadDirectory = (paths) => join4(paths.home, "cache", "load");
async function materialise(options) {
  const { externals } = options.bundle;
  const moved = externals.filter(({ file }) => file !== void 0 && !existsSync4(file));
  const found = moved.length === 0 ? /* @__PURE__ */ new Map() : await (await Promise.resolve().then(() => (init_resolve_again(), resolve_again_exports))).resolveAgain(moved, options.paths.root);
  const targets = externals.map(
    (external) => targetOf(external, found.get(external) ?? external.file, options.framework)
  );
  const code = options.bundle.code.replace(
    new RegExp(`"${PLACEHOLDER}(\\d+)"`, "g"),
    (literal, index) => {
      const target = targets[Number(index)];
      return target === void 0 ? literal : JSON.stringify(target);
    }
  );
  const hash = createHash2("sha256").update(code).update("\0").update(options.bundle.map).digest("hex").slice(0, 24);
  const directory = loadDirectory(options.paths);
  const path = join4(
    directory,
    `${basename(options.file, extname2(options.file)).replace(/[^\w.-]/g, "_")}-${hash}.mjs`
  );
  if (!existsSync4(path)) {
    mkdirSync2(directory, { recursive: true });
    writeAtomically(`${path}.map`, options.bundle.map);
    writeAtomically(path, `${code}//# sourceMappingURL=${basename(path)}.map
`);
  }
  return path;
}
function targetOf(external, file, framework) {
  if (file !== void 0) return external.kind === "require" ? file : pathToFileURL3(file).href;
  const url = framework(external.specifier);
  if (url === void 0) throw noSuchFramework(external);
  return url;
}
var noSuchFramework = (external) => new RunPipelineError5({
  kind: "load",
  code: "unresolved-import",
  message: `the import "${external.specifier}" cannot be found: run-pipeline has no such entry`,
  at: { file: external.importer, line: 1, column: 1 },
  help: "import from 'run-pipeline'"
});
function writeAtomically(path, content) {
  const temporary = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}.tmp`;
  writeFileSync2(temporary, content);
  renameSync(temporary, path);
}

// ../../../work/wt/discover/packages/runtime/src/discover/load-cache.ts
var FORMAT = 1;
var LoadCache = class {
  #directory;
  #memo;
  /** `installation`: whatever of this installation decides the result (where the framework is). */
  constructor(options) {
    this.#directory = loadDirectory(options.paths);
    const key = createHash3("sha256").update(`load\0${FORMAT}\0${options.paths.root}\0${options.file}\0${options.installation}`).digest("hex").slice(0, 24);
    this.#memo = join5(this.#directory, `${key}.json`);
  }
  find() {
    const memo = readJson(this.#memo);
    if (memo?.format !== FORMAT || !existsSync5(memo.executable) || !isUnchanged(memo.reads)) return void 0;
    const path = join5(this.#directory, memo.bundle);
    if (!existsSync5(path)) return void 0;
    return { executable: memo.executable, bundle: lazyBundle(path) };
  }
  keep(entry) {
    const text = JSON.stringify(entry.bundle);
    const name = `${createHash3("sha256").update(text).digest("hex").slice(0, 24)}.bundle.json`;
    mkdirSync3(this.#directory, { recursive: true });
    writeAtomically(join5(this.#directory, name), text);
    const memo = { format: FORMAT, reads: entry.reads, executable: entry.executable, bundle: name };
    writeAtomically(this.#memo, JSON.stringify(memo));
  }
};
function lazyBundle(path) {
  let read4;
  const bundle = () => read4 ??= JSON.parse(readFileSync4(path, "utf8"));
  return {
    get code() {
      return bundle().code;
    },
    get map() {
      return bundle().map;
    },
    get externals() {
      return bundle().externals;
    }
  };
}
function readJson(path) {
  try {
    return JSON.parse(readFileSync4(path, "utf8"));
  } catch {
    return void 0;
  }
}

// ../../../work/wt/discover/packages/runtime/src/discover/load-error.ts
init_user_stack();
import {
  isRunPipelineError,
  RunPipelineError as RunPipelineError6
} from "@run-pipeline/core/model";
function evaluationError(error, options) {
  if (isRunPipelineError(error)) return mapErrorPlaces(error, options.map);
  const at = userStack(error, { map: options.map }).at ?? syntaxErrorPlace(error, options.map) ?? { file: options.file, line: 1, column: 1 };
  const text = error instanceof Error ? `${error.name}: ${error.message}` : `it threw ${describe(error)}`;
  return new RunPipelineError6({
    kind: "load",
    code: "evaluation-failed",
    message: `${options.file} cannot be loaded: ${text}`,
    at,
    help: adviceFor(error),
    cause: error
  });
}
function mapErrorPlaces(error, map) {
  const place = (at) => at === void 0 ? {} : { at: map(at) };
  const diagnostics = error.diagnostics.map((item) => ({
    ...item,
    ...place(item.at),
    ...item.related === void 0 ? {} : { related: item.related.map((other) => ({ ...other, ...place(other.at) })) }
  }));
  return new RunPipelineError6({
    kind: error.kind,
    code: error.code,
    message: error.message,
    at: place(error.at).at,
    help: error.help,
    diagnostics,
    cause: error.cause ?? error
  });
}
function syntaxErrorPlace(error, map) {
  if (!(error instanceof SyntaxError)) return void 0;
  const match = /^(file:.*?):(\d+)\n/.exec(error.stack ?? "");
  return match === null ? void 0 : map({ file: match[1], line: Number(match[2]), column: 1 });
}
function adviceFor(error) {
  const code = error?.code;
  if (code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND")
    return "install the missing package, or correct the path";
  if (error instanceof SyntaxError && /does not provide an export named/.test(error.message)) {
    return "the package has no such export; if it is a CommonJS package, import its default and take the name from that";
  }
  return void 0;
}
function describe(value) {
  try {
    return typeof value === "string" ? JSON.stringify(value) : String(value);
  } catch {
    return `a value of type ${typeof value}`;
  }
}

// ../../../work/wt/discover/packages/runtime/src/discover/map-definition.ts
function mapDefinition(definition, map) {
  const place = (at) => at === void 0 ? void 0 : map(at);
  const source = place(definition.source);
  return {
    ...definition,
    source,
    parameters: definition.parameters.map((parameter) => ({
      ...parameter,
      source: place(parameter.source)
    })),
    steps: definition.steps.map((step) => mapStep(step, place, source?.file))
  };
}
function mapStep(step, place, ownerFile) {
  const source = place(step.source);
  return { ...step, source, code: mapCode(step.code, place, source, ownerFile) };
}
function mapCode(code, place, source, ownerFile) {
  if (code.kind === "method") return { ...code, file: ownerFile ?? source?.file };
  const call = place(code.call);
  return { ...code, call, file: call?.file ?? source?.file };
}

// ../../../work/wt/discover/packages/runtime/src/discover/load.ts
init_map_to_source();

// ../../../work/wt/discover/packages/runtime/src/discover/name-steps.ts
import { nameStep, registry } from "@run-pipeline/core/define";
var StepCompletion = class {
  #places;
  #done = /* @__PURE__ */ new Set();
  /** Steps that are declared already are somebody else's when `from` is `now`. */
  constructor(places, from) {
    this.#places = places;
    if (from === "now") for (const callable of registry().steps.keys()) this.#done.add(callable);
  }
  complete(exports = {}) {
    const { steps } = registry();
    for (const [callable, definition] of [...steps]) {
      if (!this.#done.has(callable)) {
        this.#done.add(callable);
        if (definition.name === "" && definition.source !== void 0) {
          const variable = this.#places.variableAt(definition.source);
          if (variable !== void 0) nameStep(callable, variable);
        }
        const place = (at) => at === void 0 ? void 0 : this.#places.toSource(at);
        steps.set(callable, Object.freeze(mapStep(steps.get(callable) ?? definition, place, void 0)));
      }
      const exported = Object.entries(exports).find(
        ([key, value]) => value === callable && key !== "default"
      );
      if (exported !== void 0) nameStep(callable, exported[0]);
    }
  }
};

// ../../../work/wt/discover/packages/runtime/src/discover/places.ts
init_user_stack();

// ../../../work/wt/discover/packages/runtime/src/discover/call-place.ts
import { readFileSync as readFileSync5 } from "node:fs";

// ../../../work/wt/discover/packages/runtime/src/discover/variable-name.ts
function variableOf(source, place) {
  const before = textBefore(source, place).replace(/\/\*[\s\S]*?\*\//g, " ").replace(
    /(?:\(\s*0\s*,\s*)?(?:[\w$]+\s*\.\s*)*(?:\w+\s*\)?\s*)?$/,
    (callee) => /[.(]/.test(callee) ? "" : callee
  );
  const assigned = DECLARED.exec(before) ?? LISTED.exec(before) ?? ASSIGNED.exec(before) ?? PROPERTY.exec(before);
  return assigned?.[1];
}
var DECLARED = /^[\s\S]*\b(?:const|let|var|static|readonly|public|private|protected)\s+([A-Za-z_$][\w$]*)\s*[!?]?\s*(?::[^;]*?)?=\s*$/;
var LISTED = /,\s*([A-Za-z_$][\w$]*)\s*[!?]?\s*(?::(?:[^;=]|=>)*)?=\s*$/;
var ASSIGNED = /([A-Za-z_$][\w$]*)\s*=\s*$/;
var PROPERTY = /[{,]\s*["']?([A-Za-z_$][\w$]*)["']?\s*:\s*$/;
var LOOK_BACK = 2e3;
function textBefore(source, place) {
  const at = offsetOf(source, place);
  return source.slice(Math.max(0, at - LOOK_BACK), at);
}
function offsetOf(source, place) {
  let start = 0;
  for (let line = 1; line < place.line; line++) {
    const end = source.indexOf("\n", start);
    if (end < 0) return source.length;
    start = end + 1;
  }
  return Math.min(start + place.column - 1, source.length);
}

// ../../../work/wt/discover/packages/runtime/src/discover/call-place.ts
function mapCallPlace(place, map) {
  const mapped = map(place);
  const source = read2(mapped.file);
  if (source === void 0) return mapped;
  const offset = offsetOf(source, mapped);
  const name = /[A-Za-z_$][\w$]*$/.exec(textBefore(source, mapped))?.[0];
  const isBehindName = name !== void 0 && /^\s*[(<]/.test(source.slice(offset, offset + 20));
  return isBehindName ? { ...mapped, column: mapped.column - name.length } : mapped;
}
function variableAt(place) {
  const source = read2(place.file);
  return source === void 0 ? void 0 : variableOf(source, place);
}
function read2(file) {
  try {
    return readFileSync5(file, "utf8");
  } catch {
    return void 0;
  }
}

// ../../../work/wt/discover/packages/runtime/src/discover/places.ts
var Places = class {
  #executable;
  #path;
  #map;
  #variables;
  #known;
  #isChanged = false;
  /** `variables`: known from when the bundle was made; the source may have changed since. */
  constructor(options) {
    const { executable, map } = options;
    this.#variables = { ...options.variables };
    this.#executable = executable;
    this.#path = `${executable}.places.json`;
    this.#map = map;
    this.#known = { ...readJson(this.#path) };
  }
  /** Also for places in other files; those are mapped every time. */
  toSource = (place) => {
    if (toPath(place.file) !== this.#executable) return mapCallPlace(place, this.#map);
    const [file, line, column] = this.#lookUp(place);
    return { file, line, column };
  };
  /** The variable (or property) that the call at this raw place is assigned to. */
  variableAt(place) {
    if (toPath(place.file) !== this.#executable) return variableAt(mapCallPlace(place, this.#map));
    const key = keyOf(place);
    const known = this.#lookUp(place);
    if (known.length === 3) {
      known.push(
        this.#variables[key] ?? variableAt({ file: known[0], line: known[1], column: known[2] }) ?? ""
      );
      this.#isChanged = true;
    }
    const variable = known[3] === "" ? void 0 : known[3];
    if (variable !== void 0) this.#variables[key] = variable;
    return variable;
  }
  /** All that were asked for, by place: `SourceBundle.variables`. */
  get variables() {
    return this.#variables;
  }
  /** Keeps what was found out since; losing it costs time only. */
  save() {
    if (!this.#isChanged) return;
    this.#isChanged = false;
    try {
      writeAtomically(this.#path, JSON.stringify(this.#known));
    } catch {
    }
  }
  #lookUp(place) {
    const key = keyOf(place);
    let known = this.#known[key];
    if (known === void 0) {
      const { file, line, column } = mapCallPlace(place, this.#map);
      known = [file, line, column];
      this.#known[key] = known;
      this.#isChanged = true;
    }
    return known;
  }
};
var keyOf = (place) => `${place.line}:${place.column}`;

// ../../../work/wt/discover/packages/runtime/src/discover/load.ts
var loadFile = async (options) => {
  const file = checkFile(options.file, options.paths);
  const framework = options.framework ?? ownFramework;
  const { executable, bundle } = await transformed({ paths: options.paths, file, framework });
  return evaluated({ file, executable, bundle, argv: options.argv ?? [], onStart: options.onStart });
};
async function bundleFile(options) {
  const file = checkFile(options.file, options.paths);
  const { bundle } = await transformed({
    paths: options.paths,
    file,
    framework: options.framework ?? ownFramework
  });
  return bundle;
}
var loadBundle = async (options) => {
  const framework = options.framework ?? ownFramework;
  ensureHome(options.paths);
  const executable = await materialise({
    paths: options.paths,
    file: options.file,
    bundle: options.bundle,
    framework
  });
  return evaluated({ file: options.file, executable, bundle: options.bundle, argv: [], onStart: void 0 });
};
async function evaluateModule(options) {
  const file = checkFile(options.file, options.paths);
  const { executable } = await transformed({
    paths: options.paths,
    file,
    framework: options.framework ?? ownFramework
  });
  const argv = process.argv;
  const host = setRunHost2(void 0);
  try {
    const { exports } = await evaluate({
      executable,
      file,
      argv: [],
      onStart: () => void 0,
      isIncomplete: () => false
    });
    return exports;
  } catch (error) {
    throw evaluationError(error, { file, map: mapToSource });
  } finally {
    process.argv = argv;
    setRunHost2(host);
  }
}
var EXTENSIONS2 = /* @__PURE__ */ new Set([".ts", ".mts", ".cts", ".tsx", ".js", ".mjs", ".cjs"]);
function checkFile(given, paths) {
  const path = resolve5(paths.cwd, given);
  const refuse = (code, message, help, cause) => new RunPipelineError7({ kind: "load", code, message: `${given} ${message}`, help, cause });
  let isFile2;
  let file;
  try {
    file = realpathSync2(path);
    isFile2 = statSync3(file).isFile();
  } catch (error) {
    const code = error.code;
    if (code === "ENOENT" || code === "ENOTDIR")
      throw refuse("file-not-found", "does not exist", `looked for ${path}`, error);
    throw refuse(
      "unreadable-file",
      `cannot be read: ${error.message}`,
      "check its permissions",
      error
    );
  }
  if (!isFile2)
    throw refuse("not-a-file", "is not a file", "give the TypeScript file that declares the pipeline");
  if (!EXTENSIONS2.has(extname3(file)))
    throw refuse(
      "not-a-source-file",
      "is neither TypeScript nor JavaScript",
      `files may end in ${[...EXTENSIONS2].join(" ")}`
    );
  return file;
}
async function transformed(options) {
  const installation2 = [
    process.versions.node.split(".")[0],
    options.framework("run-pipeline"),
    options.framework("@run-pipeline/core")
  ].join("\0");
  const cache = new LoadCache({ paths: options.paths, file: options.file, installation: installation2 });
  const hit = cache.find();
  if (hit !== void 0) return hit;
  const { bundleSource: bundleSource2 } = await Promise.resolve().then(() => (init_bundle_source(), bundle_source_exports));
  const { bundle, reads } = await bundleSource2({ file: options.file, root: options.paths.root });
  ensureHome(options.paths);
  const executable = await materialise({ ...options, bundle });
  cache.keep({ executable, bundle, reads });
  return { executable, bundle };
}
async function evaluated(options) {
  const { file } = options;
  const places = new Places({
    executable: options.executable,
    map: mapToSource,
    variables: options.bundle.variables
  });
  const bundle = withVariables(options.bundle, places);
  const { pipelines } = registry2();
  const declaredBefore = pipelines.length;
  const steps = new StepCompletion(places, "now");
  const calls = [];
  const lookAround = (exports) => {
    steps.complete(exports);
    const found = collectCandidates({
      exports,
      declared: pipelines.slice(declaredBefore),
      started: calls.map(({ subject }) => subject)
    });
    const candidates2 = found.map((candidate) => withSourcePlaces(candidate, places));
    const starts = calls.flatMap((call) => {
      const candidate = candidates2.find(({ subject }) => subject === call.subject);
      return candidate === void 0 ? [] : [{ candidate, options: call.options }];
    });
    places.save();
    return { file, candidates: candidates2, bundle, starts };
  };
  try {
    const { exports } = await evaluate({
      executable: options.executable,
      file,
      argv: options.argv,
      onStart: (subject, runOptions, exportsSoFar) => {
        calls.push({ subject, options: runOptions });
        if (options.onStart === void 0) return void 0;
        const loaded = lookAround(exportsSoFar());
        const first = loaded.candidates.filter((candidate) => candidate.subject === subject);
        const others = loaded.candidates.filter((candidate) => candidate.subject !== subject);
        return options.onStart(subject, runOptions, { ...loaded, candidates: [...first, ...others] });
      },
      isIncomplete: (exports2) => collectCandidates({ exports: exports2, declared: pipelines.slice(declaredBefore), started: [] }).length === 0
    });
    return lookAround(exports);
  } catch (error) {
    throw evaluationError(error, { file, map: places.toSource });
  }
}
var withVariables = (bundle, places) => ({
  get code() {
    return bundle.code;
  },
  get map() {
    return bundle.map;
  },
  get externals() {
    return bundle.externals;
  },
  get variables() {
    return places.variables;
  }
});
function withSourcePlaces(candidate, places) {
  return {
    ...candidate,
    definition: () => {
      try {
        return mapDefinition(candidate.definition(), places.toSource);
      } catch (error) {
        throw isRunPipelineError2(error) ? mapErrorPlaces(error, places.toSource) : error;
      } finally {
        places.save();
      }
    }
  };
}

// ../../../work/wt/discover/packages/runtime/src/project/paths.ts
import { existsSync as existsSync6, readFileSync as readFileSync6, realpathSync as realpathSync3, statSync as statSync4 } from "node:fs";
import { dirname as dirname6, join as join6, relative, resolve as resolve6, sep as sep2 } from "node:path";
var HOME_NAME = ".run-pipeline";
function resolvePaths(options) {
  const cwd = real(resolve6(options.cwd));
  const override = options.env["RUN_PIPELINE_HOME"];
  if (override !== void 0 && override !== "") {
    return { cwd, root: workspaceRoot(cwd), home: resolve6(cwd, override) };
  }
  for (const directory of ancestors(cwd)) {
    const home = join6(directory, HOME_NAME);
    if (isDirectory(home)) return { cwd, root: directory, home };
  }
  const root = workspaceRoot(cwd);
  return { cwd, root, home: join6(root, HOME_NAME) };
}
function ancestors(directory) {
  const list = [directory];
  for (let at = directory; dirname6(at) !== at; at = dirname6(at)) list.push(dirname6(at));
  return list;
}
function workspaceRoot(cwd) {
  const above = ancestors(cwd);
  const nearest = above.find((directory) => existsSync6(join6(directory, "package.json")));
  const outermost = above.findLast((directory) => {
    const patterns = workspacePatterns(directory);
    return patterns !== void 0 && (directory === nearest || directory === cwd || covers(patterns, directory, cwd));
  });
  return outermost ?? nearest ?? cwd;
}
function workspacePatterns(directory) {
  const pnpm = read3(join6(directory, "pnpm-workspace.yaml"));
  if (pnpm !== void 0) return pnpmPackages(pnpm);
  const text = read3(join6(directory, "package.json"));
  if (text === void 0) return void 0;
  let manifest;
  try {
    manifest = JSON.parse(text);
  } catch {
    return void 0;
  }
  const workspaces = manifest?.workspaces;
  const list = Array.isArray(workspaces) ? workspaces : workspaces?.packages;
  return Array.isArray(list) ? list.filter((item) => typeof item === "string") : void 0;
}
function pnpmPackages(text) {
  const patterns = [];
  let inside = false;
  for (const line of text.split(/\r?\n/)) {
    const item = /^\s*-\s*(?:'([^']*)'|"([^"]*)"|([^#]*?))\s*(?:#.*)?$/.exec(line);
    if (inside && item !== null) patterns.push((item[1] ?? item[2] ?? item[3] ?? "").trim());
    else if (/^\S/.test(line) && !line.startsWith("#")) inside = /^packages\s*:/.test(line);
  }
  return patterns;
}
function covers(patterns, root, cwd) {
  const parts = relative(root, cwd).split(sep2);
  const prefixes = parts.map((_, index) => parts.slice(0, index + 1).join("/"));
  const matches = (pattern) => {
    const expression = globExpression(pattern);
    return prefixes.some((prefix) => expression.test(prefix));
  };
  const included = patterns.filter((pattern) => !pattern.startsWith("!")).some(matches);
  return included && !patterns.filter((pattern) => pattern.startsWith("!")).some((pattern) => matches(pattern.slice(1)));
}
function globExpression(glob) {
  const trimmed = glob.replace(/^\.\//, "").replace(/\/+$/, "");
  const source = trimmed.replace(/\*\*\/?|[*?{},]|[^*?{},]+/g, (token) => {
    if (token === "**/") return "(?:[^/]+/)*";
    if (token === "**") return ".*";
    if (token === "*") return "[^/]*";
    if (token === "?") return "[^/]";
    if (token === "{") return "(?:";
    if (token === "}") return ")";
    if (token === ",") return "|";
    return token.replace(/[\\^$.|+()[\]]/g, "\\$&");
  });
  try {
    return new RegExp(`^${source}$`);
  } catch {
    return /$^/;
  }
}
function real(path) {
  try {
    return realpathSync3(path);
  } catch {
    return path;
  }
}
function read3(path) {
  try {
    return readFileSync6(path, "utf8");
  } catch {
    return void 0;
  }
}
function isDirectory(path) {
  return statSync4(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

// <stdin>
init_map_to_source();
export {
  HOME_NAME,
  OWN_MAP,
  ancestors,
  bundleFile,
  createMapToSource,
  evaluateModule,
  loadBundle,
  loadFile,
  mapToSource,
  resolvePaths
};
