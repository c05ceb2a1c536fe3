import { type MethodDefinition } from "@grpc/grpc-js";

/** A method as the generated service tables and the hand-written codec describe it. */
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

/** A service: methods by name. Its messages are known to the type system only. */
export type RpcService = Readonly<Record<string, AnyMethod>>;

// Method parameters are compared both ways, so that every concrete method is one of these.
interface AnyMethod {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  requestSerialize(value: never): Buffer;
  requestDeserialize(bytes: Buffer): unknown;
  responseSerialize(value: never): Buffer;
  responseDeserialize(bytes: Buffer): unknown;
}

/** The request of a method. */
export type RequestOf<M extends AnyMethod> = ReturnType<M["requestDeserialize"]>;

/** The response of a method, or one item of its stream. */
export type ResponseOf<M extends AnyMethod> = ReturnType<M["responseDeserialize"]>;
