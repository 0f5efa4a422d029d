#!/usr/bin/env node
import * as module from 'node:module';

// From Node 22 on: a second start compiles nothing.
module.enableCompileCache?.();
await import('../dist/cli.js');
