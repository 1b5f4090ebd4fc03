// SPDX-License-Identifier: Apache-2.0
'use strict';

const bcrypt = require('bcrypt');

(async () => {
  console.log(bcrypt.hashSync('word', '$2b$06$abcdefghijklmnopqrstuu'));
  const hashes = await Promise.all(Array.from({length: 8}, (_, i) => bcrypt.hash('word' + i, 5)));
  console.log(
    await Promise.all(hashes.map((hash, i) => bcrypt.compare('word' + i, hash))),
    await bcrypt.compare('x', hashes[0]),
  );
})();
