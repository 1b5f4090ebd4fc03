// SPDX-License-Identifier: Apache-2.0
// The start-up workload: what an empty function costs. Prints no count of modules, and the resident pages.
'use strict';
console.log(0, process.memoryUsage().rss / 4096);
