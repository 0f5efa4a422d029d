/** `StorageManager`: local copies of files, URLs and artifacts. Lean: the work is loaded when it is used. */
export {
  createStorageManager,
  type LocalCopyOptions,
  type QueryOptions,
  type StorageEntry,
  type StorageHost,
  type StorageManagerApi,
  type StorageMetadata,
  type UploadOptions,
} from './storage-manager.js';
