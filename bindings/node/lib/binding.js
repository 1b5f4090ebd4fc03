// SPDX-License-Identifier: Apache-2.0
//
// Finds and loads the addon and, through it, libapp_protect.so.
//
//   const native = require('./binding');   // throws an Error that names what was tried
'use strict';

// Where both files are: in a layer, in a package built from a checkout (npm install), beside the sources.
const parent = __dirname.slice(0, __dirname.lastIndexOf('/'));
const PLACES = [
  {addon: `${__dirname}/app_protect.node`, library: `${parent}/lib/libapp_protect.so`},
  {addon: `${parent}/native/app_protect.node`, library: `${parent}/native/libapp_protect.so`},
];

function load() {
  const tried = [];
  for (const {addon, library} of PLACES) {
    let native;
    try {
      // Not require(): a loader hook of someone else's has no business with this file, and this is quicker.
      const module = {exports: {}};
      process.dlopen(module, addon);
      native = module.exports;
    } catch (error) {
      tried.push(`${addon}: ${String(error.message).split('\n')[0]}`);
      continue;
    }
    const trouble =
      native.loadLibrary === undefined ? 'the addon has been given to somebody else' : native.loadLibrary(library);
    if (trouble === '') return native;
    tried.push(`${library}: ${trouble}`);
  }
  // glibc's own loader is not there, or musl's says what it misses of glibc.
  if (/ld-linux-|Error relocating /.test(tried[0])) {
    throw new Error('trend_app_protect: this Node.js runs on musl (Alpine), this build of App Protect needs glibc');
  }
  throw new Error(
    `trend_app_protect: no native code for ${process.platform} ${process.arch}, tried ${tried.join('; ')}`,
  );
}

module.exports = load();
// The bundle calls this before it reads a file that a start does not need; the sources read all of them at once.
if (__filename.endsWith('/binding.js')) module.exports.complete();
