export { createPackager, type PackagerOptions } from './create-packager.js';
export { contentOf, installedAsPackaged, isContent, isPatched } from './dependencies/installed-content.js';
export { installationMark, stampFiles } from './installation-mark.js';
export { materialisePackage } from './materialise.js';
export { packageScript, type ScriptRequest } from './script/package-script.js';
export { readLock, readPackage, readPackageSources } from './write-packages.js';
export type { PackageSource } from './bundle/kept-sources.js';
export type { MaterialisePackage, PackageRequest, PackageResult, PackageSteps } from './packager.js';
