export { cachedCommit, hashFile, MAIN, modelCacheFolder, snapshotFolder } from "./cache.js";
export { CachedModelError, HubAwayError, HubHashError, HubRefusedError } from "./errors.js";
export {
  type FetchedModel,
  fetchModel,
  type FetchOptions,
  type FetchProgress,
  resolveCommit,
} from "./fetch-model.js";
export { hubCacheFolder, type HubSettings, readHubSettings } from "./settings.js";
export { uploadFolder, type UploadedFolder, type UploadOptions } from "./upload-folder.js";
