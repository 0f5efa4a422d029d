import { rmSync } from 'node:fs';
import { afterAll } from 'vitest';
import { CrashProject } from '../rig/crash.js';
import { scratch } from '../rig/scratch.js';
import { PIPELINES } from './pipelines.js';

/** Shared, so that every pipeline runs once without a crash, to compare with. Cases have a state of their own. */
const directory = scratch(PIPELINES, { keep: true });
export const project = new CrashProject(directory);
export const writePipelines = (files: Readonly<Record<string, string>>): void => directory.write(files);

afterAll(() => rmSync(directory.directory, { recursive: true, force: true, maxRetries: 5 }));
