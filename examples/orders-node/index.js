// SPDX-License-Identifier: Apache-2.0
// Order intake: prices an order, asks the stock service, keeps a receipt.
//
// The last four steps are the mistakes that real functions have: a file, an address and a command that come from the
// order. The code handles their errors like any other; that they fail is the work of app_protect.json.
'use strict';

const {exec} = require('child_process');
const fs = require('fs');
const http = require('http');
const path = require('path');
const {promisify} = require('util');

const PRICES = path.join(__dirname, 'prices.json');
const RECEIPTS = '/tmp/orders-node';
const STOCK_SERVICE = process.env.STOCK_SERVICE || '127.0.0.1:18080';

function request(url, method, body) {
  return new Promise((resolve, reject) => {
    const sent = http.request(url, {method, agent: false, timeout: 5000}, (response) => {
      let text = '';
      response.on('data', (data) => (text += data));
      response.on('end', () => resolve(method === 'GET' ? text : response.statusCode));
    });
    sent.on('timeout', () => sent.destroy(new Error('timeout')));
    sent.on('error', reject);
    sent.end(body);
  });
}

const steps = {
  async price(order) {
    const prices = JSON.parse(fs.readFileSync(PRICES, 'utf8'));
    return order.items.reduce((sum, item) => sum + prices[item], 0);
  },

  stock: (order) => request(`http://${STOCK_SERVICE}/stock/${order.id}`, 'GET'),

  async receipt(order) {
    await fs.promises.mkdir(RECEIPTS, {recursive: true});
    await fs.promises.writeFile(path.join(RECEIPTS, `${order.id}.json`), JSON.stringify(order));
    return true;
  },

  // Path traversal: the order says which file its note is in.
  note: (order) => fs.promises.readFile(path.resolve('/tmp/notes', order.note), 'utf8'),

  // Server-side request forgery: the order says whom to tell.
  callback: (order) => request(order.callback, 'POST', JSON.stringify({...order, region: process.env.AWS_REGION})),

  // The same, to a bare address.
  mirror: (order) => steps.callback({...order, callback: order.mirror}),

  // Command injection: the order says what is printed.
  label: async (order) => (await promisify(exec)(`echo ${order.label}`)).stdout,
};

exports.handler = async (event) => {
  const summary = {};
  for (const [name, step] of Object.entries(steps)) {
    try {
      summary[name] = await step(event);
    } catch (error) {
      summary[name] = {failed: error.code || error.name, because: error.message};
    }
  }
  return {order: event.id, steps: summary};
};
