export { createPackager, type PackagerOptions } from './create-packager.js';
export { installationMark } from './installation-mark.js';
export { materialisePackage } from './materialise.js';
export { packageScript, type ScriptRequest } from './script/package-script.js';
export { ensurePackage, PACKAGE_IDLE_MS, publishPackages } from './shared-packages.js';
export { readLock, readPackage, readPackageSources } from './write-packages.js';
export type { PackageSource } from './bundle/kept-sources.js';
export type { MaterialisePackage, PackageRequest, PackageResult, PackageSteps } from './packager.js';
