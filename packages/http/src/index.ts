export { BodyTooLargeError } from "./errors.js";
export { EventStream } from "./event-stream.js";
export {
  HttpListener,
  type HttpListenerOptions,
  type HttpTls,
  type TlsIdentity,
} from "./http-listener.js";
export { type DescribeMalformed } from "./malformed-request.js";
export { parseJson, readBody } from "./read-body.js";
export { setSecurityHeaders } from "./security-headers.js";
