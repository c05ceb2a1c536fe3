/**
 * The server process of `gumshoe bench wire`: it holds a vector and serves it at two addresses, by
 * streaming at the first and by shared-memory files at the second. For a tensor's run and name it
 * publishes the vector, like a reducer with new weights. Ends with its parent.
 */
import { RpcServer } from "@gumshoe/rpc";
import { TensorService } from "@gumshoe/protocol";
import { MemoryFiles, serveTensor, shareAhead } from "@gumshoe/tensors";

/** The tensor to publish. */
export interface PublishedTensor {
  readonly run: string;
  readonly name: string;
}

const [token = "", elements = "0"] = process.argv.slice(2);
const held = { start: 0, values: new Float32Array(Number(elements)).fill(1.5) };
const files = new MemoryFiles();

const addresses: string[] = [];
for (const shared of [undefined, files]) {
  const server = new RpcServer({ token });
  server.serve(TensorService, { pullTensor: (request) => serveTensor(request, held, shared) });
  addresses.push(await server.listen("127.0.0.1:0"));
}
process.on("disconnect", () => process.exit(0));
process.on("message", (tensor: PublishedTensor) => shareAhead(files, tensor, held));
process.send?.(addresses);
