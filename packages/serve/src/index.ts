export { type AdaptedFolders, loadAdapted, openMatchingAdapter } from "./engine/adapted-model.js";
export { type SamplerThreadData } from "./engine/calls.js";
export { SamplerThread } from "./engine/sampler-thread.js";
export { ServedModel } from "./engine/served-model.js";
export { OtherBaseError, SamplerLostError } from "./errors.js";
export { ModelServer, type ModelServerOptions, SERVER_LIMITS } from "./http/model-server.js";
