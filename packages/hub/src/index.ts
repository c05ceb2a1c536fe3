export {
  cachedCommit,
  dataFilePath,
  hashFile,
  MAIN,
  modelCacheFolder,
  snapshotFolder,
} from "./cache.js";
export { CachedRepoError, HubAwayError, HubHashError, HubRefusedError } from "./errors.js";
export {
  type DataFileOptions,
  type FetchedDataFile,
  fetchDataFile,
  resolveDataCommit,
} from "./fetch-data-file.js";
export { type FetchedModel, fetchModel, type FetchOptions, resolveCommit } from "./fetch-model.js";
export { locateHubFiles } from "./locate-files.js";
export { hubCacheFolder, type HubSettings, readHubSettings } from "./settings.js";
export { uploadFolder, type UploadedFolder, type UploadOptions } from "./upload-folder.js";
export { type DownloadOptions, type FetchProgress } from "./snapshot-fetcher.js";
