// SPDX-License-Identifier: Apache-2.0
/// <reference types="node" />
import {EventEmitter} from 'events';

/** The error of a denied operation: an ordinary EPERM, delivered as the called API always delivers its errors. */
export interface TrendAppProtectDenied extends NodeJS.ErrnoException {
  name: 'TrendAppProtectDenied';
  code: 'EPERM';
  errno: number;
  syscall: string;
  path?: string;
  dest?: string;
  address?: string;
  port?: number;
  hostname?: string;
  spawnargs?: string[];
}

export interface Transaction {
  readonly type: string;
  readonly id: string;
}

export interface Agent extends EventEmitter {
  /** False when switched off by TREND_AP_AGENT_ENABLED, or where there is no native code for this platform. */
  readonly enabled: boolean;
  start(): this;
  currentTransaction(): Transaction | null;
  startTransaction(type?: string, id?: string): Transaction;
  /** True when the policy blocked something in the transaction (`on_deny: block`). */
  finishTransaction(): boolean;
  withTransaction<T>(type: string, fn: () => T): T;
  /** Kept as a name: runs `fn`, whose operations are judged like any other. */
  ignoreHooks<T>(fn: () => T): T;
}

export declare const api: {
  readonly aws_lambda: {
    /** Wraps a Lambda handler of any form (async, callback, streaming); arity, name and symbols are kept. */
    protectHandler<T extends (...args: any[]) => any>(handler: T): T;
  };
  readonly azure_function: {
    protectFunction<T extends (...args: any[]) => any>(handler: T): T;
  };
};

export declare const agent: Agent;

/** What is enforced, from which source, and what was counted so far. */
export declare function status(): Record<string, unknown>;
