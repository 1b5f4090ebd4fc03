// SPDX-License-Identifier: Apache-2.0
// The start-up workload: what an empty function costs.
'use strict';
