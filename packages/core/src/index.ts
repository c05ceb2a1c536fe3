export { bundledEntry } from "./bundled-entry.js";
export { type BackoffDelays, backoffMs } from "./backoff.js";
export { expiryOf } from "./certificate-checks.js";
export { type Clock, systemClock } from "./clock.js";
export {
  replaceFile,
  syncFolder,
  writeDurably,
  writeDurablySync,
  writeWhole,
} from "./durable-file.js";
export { diskError, diskRoom, errnoOf, isDiskError, makeFolder } from "./disk.js";
export {
  ClusterError,
  DiskFullError,
  type DiskRoom,
  ERROR_CODES,
  type ErrorCode,
  errorMessage,
  FolderAwayError,
  InvalidArgumentError,
  InvalidFieldsError,
  joinInvalid,
  LockHeldError,
  WriteFailedError,
} from "./errors.js";
export { handshakeProblem } from "./handshake-problem.js";
export { canonicalJson, hashJson, sha256 } from "./hash.js";
export { jsonProblem } from "./json-problem.js";
export { createLogger, type Logger } from "./log.js";
export { yieldCores } from "./priority.js";
export { printable } from "./printable.js";
export { hasEnded, hostIdentity, ownIdentity, type ProcessIdentity } from "./process-identity.js";
export { ProcessLock } from "./process-lock.js";
export { retry, type RetryNotice, type RetryPolicy } from "./retry.js";
export { philox4x32, Rng, type Words4 } from "./rng.js";
export { readSecret } from "./secret.js";
export { shownValue } from "./shown-value.js";
export { ThreadCalls, type ThreadCallsOptions } from "./thread-calls.js";
export { serveCalls, type ThreadContext, type ThreadHandlers } from "./thread-server.js";
export {
  checkToken,
  isAddress,
  LOG_LEVELS,
  readListenAddress,
  readLogLevel,
  readVariable,
} from "./settings.js";
export {
  readTls,
  readTlsFolder,
  TLS_ROLES,
  type Tls,
  type TlsFiles,
  tlsName,
  type TlsRole,
} from "./tls-files.js";
export { TimeSlice } from "./time-slice.js";
