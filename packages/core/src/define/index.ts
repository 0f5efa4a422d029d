export * from './call-site.js';
export * from './each.js';
export * from './file-value.js';
export * from './host.js';
export * from './issue.js';
export * from './registry.js';
