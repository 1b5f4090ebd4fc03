// SPDX-License-Identifier: Apache-2.0
//
// Finds a handler by its string exactly as the Lambda runtime interface clients do, and reports what is wrong with it in
// their words. Generation 1 (nodejs10 and 12) knows require() alone, generation 3 (nodejs14 to 22) tries it first, generation 4
// (nodejs24, managed instances) import().
//
// Its own look at the file system goes past the hooks: it is the runtime's, not the function's. Without native code there
// are no hooks.
'use strict';

const path = require('path');
const {nodeMajor} = require('./primordials');
const agentLife = require('./agent');

const native = agentLife.isActive()
  ? require('./binding')
  : {exists: require('fs').existsSync, readSmallFile: (file) => require('fs').readFileSync(file, 'utf8')};

const readsModules = nodeMajor >= 14; // the client of older ones only knows require()

const HANDLER = /^([^.]*)\.(.*)$/;

function runtimeError(name, message) {
  class RuntimeError extends Error {}
  Object.defineProperty(RuntimeError, 'name', {value: name});
  Object.defineProperty(RuntimeError.prototype, 'name', {value: `Runtime.${name}`, configurable: true, writable: true});
  return new RuntimeError(message);
}

function parse(text) {
  if (text.includes('..')) {
    throw runtimeError(
      'MalformedHandlerName',
      `'${text}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`,
    );
  }
  const base = path.basename(text);
  const match = base.match(HANDLER);
  if (!match) throw runtimeError('MalformedHandlerName', 'Bad handler');
  return {root: text.substring(0, text.indexOf(base)), module: match[1], property: match[2]};
}

// A module required from where the client itself would have required it, so that messages and module.parent are the same.
function requireOfClient() {
  const main = process.argv[1];
  const from = main && path.isAbsolute(main) ? main : module.filename;
  const {createRequire, createRequireFromPath} = module.constructor;
  return (createRequire || createRequireFromPath)(from); // the latter in Node 10
}

function isModuleFolder(folder) {
  for (; !folder.endsWith('/node_modules'); folder = path.dirname(folder)) {
    const file = path.join(folder, 'package.json');
    if (native.exists(file)) {
      try {
        return JSON.parse(native.readSmallFile(file)).type === 'module';
      } catch (error) {
        console.warn(`${file} cannot be read, it will be ignored for ES module detection purposes.`, error);
        return false;
      }
    }
    if (folder === '/') return false;
  }
  return false;
}

function find(property, object, isGeneration4) {
  return property
    .split('.')
    .reduce(
      (nested, key) => (nested && (!isGeneration4 || typeof nested === 'object') ? nested[key] : undefined),
      object,
    );
}

function resolve(module, property, text, isGeneration4) {
  let handler = find(property, module, isGeneration4);
  if (!handler && isGeneration4 && typeof module === 'object' && module !== null && 'default' in module) {
    handler = find(property, module.default, isGeneration4);
  }
  if (!handler) throw runtimeError('HandlerNotFound', `${text} is undefined or not exported`);
  if (typeof handler !== 'function') throw runtimeError('HandlerNotFound', `${text} is not a function`);
  return handler;
}

const tryRequire = (require, file) => (native.exists(file) ? require(file) : undefined);
const tryImport = async (file) => (native.exists(file) ? import(file) : undefined);

async function module3(require, taskRoot, root, name) {
  const file = path.resolve(taskRoot, root, name);
  const bare = tryRequire(require, file);
  if (bare) return bare;
  const isModule = native.exists(`${file}.js`) && isModuleFolder(path.dirname(`${file}.js`));
  if (!isModule) {
    const loaded = tryRequire(require, `${file}.js`);
    if (loaded) return loaded;
  }
  const loaded =
    (isModule && (await tryImport(`${file}.js`))) ||
    (await tryImport(`${file}.mjs`)) ||
    tryRequire(require, `${file}.cjs`);
  return loaded || require(require.resolve(name, {paths: [taskRoot, root]}));
}

async function module4(require, taskRoot, root, name) {
  root = root.replace(/\/$/, '');
  const file = path.resolve(taskRoot, root, name);
  for (const extension of ['', '.js', '.mjs', '.cjs']) {
    const loaded = await tryImport(`${file}${extension}`);
    if (loaded) return loaded;
  }
  return require(require.resolve(name, {paths: [taskRoot, path.join(taskRoot, root)]}));
}

// The function that handler string `text` names, or the error the client would have raised.
async function load(taskRoot, text) {
  const isGeneration4 = nodeMajor >= 24 || process.env.AWS_LAMBDA_MAX_CONCURRENCY !== undefined;
  const {root, module, property} = parse(text);
  const require = requireOfClient();
  const loaded = await (isGeneration4 ? module4 : module3)(require, taskRoot, root, module);
  return resolve(loaded, property, text, isGeneration4);
}

// The same at once, for a CommonJS handler; undefined when the file is an ES module, which only load() can read.
function loadNow(taskRoot, text) {
  const isGeneration4 = nodeMajor >= 24;
  const {root, module, property} = parse(text);
  const require = requireOfClient();
  const file = path.resolve(taskRoot, root, module);
  let found;
  for (const extension of ['', '.js', '.cjs']) {
    if (!native.exists(file + extension)) continue;
    if (extension === '.js' && readsModules && isModuleFolder(path.dirname(file))) return undefined;
    found = file + extension;
    break;
  }
  if (found === undefined && readsModules && native.exists(`${file}.mjs`)) return undefined;
  found = found || require.resolve(module, {paths: [taskRoot, root]});
  return resolve(require(found), property, text, isGeneration4);
}

module.exports = {load, loadNow};
