// SPDX-License-Identifier: Apache-2.0
//
// What attribution.js needs from before user code runs: the methods of call sites, and which directories are whose.
'use strict';

const {defineProperty, deleteProperty, endsWith, Error, getOwnPropertyDescriptor} = require('./primordials');

// The class of call sites is reachable for user code (its own prepareStackTrace gets them): take the methods now.
const callSite = (() => {
  const saved = getOwnPropertyDescriptor(Error, 'prepareStackTrace');
  const savedLimit = Error.stackTraceLimit;
  let prototype;
  Error.stackTraceLimit = 1;
  defineProperty(Error, 'prepareStackTrace', {
    __proto__: null,
    configurable: true,
    writable: true,
    value: (_, sites) => {
      prototype = Object.getPrototypeOf(sites[0]);
      return '';
    },
  });
  void new Error().stack;
  if (saved) defineProperty(Error, 'prepareStackTrace', saved);
  else deleteProperty(Error, 'prepareStackTrace');
  Error.stackTraceLimit = savedLimit;
  return (
    prototype && {
      fileName: prototype.getFileName,
      line: prototype.getLineNumber,
      functionName: prototype.getFunctionName,
      typeName: prototype.getTypeName,
      evalOrigin: prototype.getEvalOrigin,
    }
  );
})();

function setApplicationDirectory(directory) {
  exports.applicationDirectory = directory === '' || endsWith(directory, '/') ? directory : directory + '/';
}

exports.callSite = callSite; // undefined: there are no stacks here
exports.ownDirectory = __filename.slice(0, __filename.lastIndexOf('/') + 1); // the bundle stands above the rest
exports.applicationDirectory = '';
exports.setApplicationDirectory = setApplicationDirectory;
