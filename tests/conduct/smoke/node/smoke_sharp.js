// SPDX-License-Identifier: Apache-2.0
'use strict';

const {createHash} = require('crypto');
const fs = require('fs');
const os = require('os');
const path = require('path');
const sharp = require('sharp');

(async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'smoke-'));
  const image = sharp({create: {width: 300, height: 200, channels: 3, background: {r: 10, g: 200, b: 90}}});
  for (const form of ['png', 'jpeg', 'webp', 'avif', 'tiff']) {
    const file = path.join(folder, 'x.' + form);
    await image.clone().resize(64, 48).rotate(15).toFormat(form).toFile(file);
    const raw = await sharp(file).raw().toBuffer();
    console.log(
      form,
      (await sharp(file).metadata()).width,
      createHash('sha256').update(raw).digest('hex').slice(0, 16),
    );
  }
  fs.rmSync(folder, {recursive: true});
})();
