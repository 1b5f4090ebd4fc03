// SPDX-License-Identifier: Apache-2.0
'use strict';

const axios = require('axios');
const {server} = require('./loopback');

(async () => {
  const {url, close} = await server();
  await axios.put(url + '/x', 'abc');
  console.log((await axios.get(url + '/x')).data, (await axios.post(url, {a: 1})).data);
  await axios.get(url + '/none').catch((error) => console.log(error.code, error.response.status));
  await axios.get('http://127.0.0.1:1/').catch((error) => console.log(error.code));
  close();
})();
