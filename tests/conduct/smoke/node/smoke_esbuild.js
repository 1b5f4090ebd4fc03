// SPDX-License-Identifier: Apache-2.0
'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');
const esbuild = require('esbuild');

(async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'smoke-'));
  fs.writeFileSync(path.join(folder, 'a.ts'), 'export const a: number = 1;');
  fs.writeFileSync(path.join(folder, 'b.ts'), "import {a} from './a'; console.log(a + 1);");
  console.log((await esbuild.transform('let x: number = 1 + 2;', {loader: 'ts', minify: true})).code);
  const done = await esbuild.build({
    entryPoints: [path.join(folder, 'b.ts')],
    bundle: true,
    write: false,
    minify: true,
  });
  console.log(done.outputFiles[0].text);
  console.log(esbuild.transformSync('<a/>', {loader: 'jsx'}).code);
  await esbuild.transform('let let').catch((error) => console.log(error.errors[0].text));
  fs.rmSync(folder, {recursive: true});
  if (esbuild.stop) await esbuild.stop();
})();
