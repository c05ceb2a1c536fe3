/**
 * The other side of `gumshoe bench wire`: a process that holds a vector in a region, and serves it. Ends with
 * its parent.
 */
import { RpcServer } from "@gumshoe/rpc";
import { TensorService } from "@gumshoe/protocol";
import { heldVector, Region, serveTensor } from "@gumshoe/tensors";

const [token = "", elements = "0"] = process.argv.slice(2);
const region = Region.create(Number(elements), { isShared: true });
const held = { ...heldVector(0, region.values.fill(1.5)), file: region.file };

const server = new RpcServer({ token });
server.serve(TensorService, { pullTensor: (request) => serveTensor(request, held) });
process.on("disconnect", () => process.exit(0));
process.send?.(await server.listen("127.0.0.1:0"));
