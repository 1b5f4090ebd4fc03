// SPDX-License-Identifier: Apache-2.0
'use strict';

const {S3Client, PutObjectCommand, GetObjectCommand} = require('@aws-sdk/client-s3');
const {server} = require('./loopback');

(async () => {
  const {url, close} = await server();
  const client = new S3Client({
    endpoint: url,
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: {accessKeyId: 'a', secretAccessKey: 'b'},
  });
  const put = await client.send(new PutObjectCommand({Bucket: 'b', Key: 'k', Body: 'content'.repeat(1000)}));
  console.log(put.$metadata.httpStatusCode);
  const got = await client.send(new GetObjectCommand({Bucket: 'b', Key: 'k'}));
  console.log((await got.Body.transformToString()).length);
  await client
    .send(new GetObjectCommand({Bucket: 'b', Key: 'none'}))
    .catch((error) => console.log(error.$metadata.httpStatusCode));
  client.destroy();
  close();
})();
