// SPDX-License-Identifier: Apache-2.0
//
// A small HTTP server on loopback that keeps what is put, for the smoke tests.
'use strict';

const http = require('http');

function server() {
  const kept = new Map();
  const serving = http.createServer((request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      let body = Buffer.concat(parts);
      const path = request.url.split('?')[0];
      if (request.method === 'PUT') {
        if (/aws-chunked/.test(request.headers['content-encoding'] || '')) {
          const size = parseInt(body.toString('latin1'), 16);
          const at = body.indexOf('\r\n') + 2;
          body = body.subarray(at, at + size);
        }
        kept.set(path, body);
        return response.writeHead(200, {etag: '"1"'}).end();
      }
      if (request.method === 'POST') return response.end('posted ' + body);
      if (!kept.has(path)) return response.writeHead(404).end('none');
      response.writeHead(200, {'content-length': kept.get(path).length, etag: '"1"'}).end(kept.get(path));
    });
  });
  return new Promise((resolve) =>
    serving.listen(0, '127.0.0.1', () =>
      resolve({url: `http://127.0.0.1:${serving.address().port}`, close: () => serving.close()}),
    ),
  );
}

module.exports = {server};
