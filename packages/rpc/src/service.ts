import type { MethodDefinition } from "@grpc/grpc-js";

/** A method, as described by the generated service tables and the hand-written codec. */
export type RpcMethod<Request, Response> = Pick<
  MethodDefinition<Request, Response>,
  | "path"
  | "requestStream"
  | "responseStream"
  | "requestSerialize"
  | "requestDeserialize"
  | "responseSerialize"
  | "responseDeserialize"
>;

/** A service: methods by name. Its message types exist in the type system only. */
export type RpcService = Readonly<Record<string, AnyMethod>>;

// Method syntax makes the parameters bivariant, so that every concrete method is assignable.
interface AnyMethod {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  requestSerialize(value: never): Buffer;
  requestDeserialize(bytes: Buffer): unknown;
  responseSerialize(value: never): Buffer;
  responseDeserialize(bytes: Buffer): unknown;
}

/** The request type of a method. */
export type RequestOf<M extends AnyMethod> = ReturnType<M["requestDeserialize"]>;

/** The response type of a method, or of one item of its stream. */
export type ResponseOf<M extends AnyMethod> = ReturnType<M["responseDeserialize"]>;
