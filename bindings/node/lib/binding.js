// SPDX-License-Identifier: Apache-2.0
//
// Finds and loads the addon and, through it, libapp_protect.so.
//
//   const native = require('./binding');   // throws an Error that names what was tried
'use strict';

const path = require('path');

// Where both files are: in a layer, in a package built from a checkout (npm install), beside the sources.
const PLACES = [
  {addon: 'app_protect.node', library: '../lib/libapp_protect.so'},
  {addon: '../native/app_protect.node', library: '../native/libapp_protect.so'},
];

function load() {
  const tried = [];
  for (const place of PLACES) {
    const addon = path.join(__dirname, place.addon);
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
    const library = path.join(__dirname, place.library);
    const trouble =
      native.loadLibrary === undefined ? 'the addon has been given to somebody else' : native.loadLibrary(library);
    if (trouble === '') return native;
    tried.push(`${library}: ${trouble}`);
  }
  throw new Error(
    `trend_app_protect: no native code for ${process.platform} ${process.arch}, tried ${tried.join('; ')}`,
  );
}

module.exports = load();
