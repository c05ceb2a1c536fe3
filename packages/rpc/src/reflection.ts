/**
 * The standard server reflection: lets grpcurl and similar tools call services without .proto
 * files.
 *
 * Served as v1 and as v1alpha, which many tools still require; the messages are the same.
 */
import { createFileRegistry, type DescFile, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { status } from "@grpc/grpc-js";
import {
  DESCRIPTOR_SET,
  type ServerReflectionRequest,
  ServerReflectionResponse,
  ServerReflectionService,
} from "@gumshoe/protocol";

import type { RpcHandlers } from "./handlers.js";

/** The v1alpha service, for older tools. */
export const ServerReflectionAlphaService = {
  serverReflectionInfo: {
    ...ServerReflectionService.serverReflectionInfo,
    path: "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo" as const,
  },
};

/** The handlers of reflection; `services` are the full names of the served services. */
export function reflectionHandlers(
  services: ReadonlySet<string>,
): RpcHandlers<typeof ServerReflectionService> {
  const catalogue = new ProtoCatalogue();
  return {
    serverReflectionInfo: async function* (requests) {
      for await (const request of requests) {
        const message = answer(request, services, catalogue);
        yield ServerReflectionResponse.create({ originalRequest: request, ...message });
      }
    },
  };
}

function answer(
  request: ServerReflectionRequest,
  services: ReadonlySet<string>,
  catalogue: ProtoCatalogue,
): Partial<ServerReflectionResponse> {
  if (request.listServices !== undefined) {
    const service = [...services].sort().map((name) => ({ name }));
    return { listServicesResponse: { service } };
  }
  const file =
    request.fileByFilename !== undefined
      ? catalogue.fileNamed(request.fileByFilename)
      : catalogue.fileDefining(request.fileContainingSymbol ?? "");
  if (file === null) {
    return { errorResponse: { errorCode: status.NOT_FOUND, errorMessage: "not known here" } };
  }
  return { fileDescriptorResponse: { fileDescriptorProto: catalogue.withImports(file) } };
}

/** The descriptors of the project's protos, parsed on first use. */
class ProtoCatalogue {
  #registry: ReturnType<typeof createFileRegistry> | null = null;

  get registry() {
    const bytes = () => Buffer.from(DESCRIPTOR_SET, "base64");
    return (this.#registry ??= createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes())));
  }

  fileNamed(name: string): DescFile | null {
    return this.registry.getFile(name) ?? null;
  }

  /** Finds `package.Service`, `package.Service.Method`, `package.Message` or `package.Message.field`. */
  fileDefining(symbol: string): DescFile | null {
    const alpha = symbol.replace("grpc.reflection.v1alpha.", "grpc.reflection.v1.");
    const found = this.registry.get(alpha) ?? this.registry.get(parentOf(alpha));
    return found !== undefined && "file" in found ? found.file : null;
  }

  /** Returns a file and all its transitive imports, serialized. */
  withImports(file: DescFile): Buffer[] {
    const files = new Set<DescFile>();
    const add = (one: DescFile): void => {
      if (files.has(one)) return;
      files.add(one);
      one.dependencies.forEach(add);
    };
    add(file);
    return [...files].map(({ proto }) => Buffer.from(toBinary(FileDescriptorProtoSchema, proto)));
  }
}

function parentOf(symbol: string): string {
  return symbol.slice(0, Math.max(0, symbol.lastIndexOf(".")));
}
