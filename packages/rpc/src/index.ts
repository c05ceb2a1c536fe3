export { isBearer } from "./auth.js";
export { type CallOptions, type ChannelOptions, RpcChannel, type RpcClient } from "./channel.js";
export {
  ListenError,
  RequestTooLargeError,
  RpcError,
  UnreadableRequestError,
  WrongTokenError,
} from "./errors.js";
export { addressOf, Connections } from "./connections.js";
export { type CallContext, type RpcHandlers } from "./handlers.js";
export { MAX_CONFIG_BYTES, MAX_MESSAGE_BYTES, WATCH_GATHER_MS } from "./limits.js";
export { isLoopback, warnIfPlaintext } from "./plaintext-warning.js";
export { RefusalLog } from "./refusal-log.js";
export { RpcServer } from "./server.js";
export { type RequestOf, type ResponseOf, type RpcService } from "./service.js";
export { fromGrpcFailure, type GrpcFailure, toGrpcFailure } from "./status.js";
