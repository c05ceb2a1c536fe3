"""Submits a run, prints its reward after each iteration, and downloads the best checkpoint."""
import hashlib, json, os, sys, tempfile
import grpc
from gumshoe.v1 import run_pb2, run_pb2_grpc

config_file, out = map(os.path.abspath, sys.argv[1:3])
token = os.environ.get("GUMSHOE_TOKEN") or open(".gumshoe/token").read().strip()
metadata = [("authorization", f"Bearer {token}")]
channel = grpc.insecure_channel(os.environ.get("GUMSHOE_ADDRESS", "127.0.0.1:7070"))
service = run_pb2_grpc.RunServiceStub(channel)

def train():
    request = run_pb2.SubmitRunRequest(config=open(config_file).read(), folder=os.path.dirname(config_file))
    run = service.SubmitRun(request, metadata=metadata, timeout=60)
    print(f"run {run.name}: {run.iterations_total} iterations")
    for event in service.WatchRun(run_pb2.WatchRunRequest(name=run.name), metadata=metadata):
        body = json.loads(event.json)
        if event.type == "iteration-sampled" and body["meanReward"] is not None:
            print(f"iteration {body['iteration']}: reward {body['meanReward']:.3f}")
    run = service.GetRun(run_pb2.GetRunRequest(name=run.name), metadata=metadata, timeout=60)
    if run.state != run_pb2.RUN_STATE_DONE:
        sys.exit(f"run {run.name} is {run_pb2.RunState.Name(run.state)}: {run.error}")
    return run.name

def download(run, folder):
    request = run_pb2.DownloadCheckpointRequest(run=run, checkpoint="best")
    for chunk in service.DownloadCheckpoint(request, metadata=metadata):
        if chunk.HasField("checkpoint"):
            checkpoint = chunk.checkpoint
        if chunk.data:
            with open(os.path.join(folder, os.path.basename(chunk.file)), "ab") as file:
                file.write(chunk.data)
    for file in checkpoint.files:
        with open(os.path.join(folder, file.name), "ab+") as content:
            content.seek(0)
            if hashlib.sha256(content.read()).hexdigest() != file.sha256:
                sys.exit(f"{file.name} came broken")
    return checkpoint.iteration

if os.path.exists(out):
    sys.exit(f"{out} is there already")
os.makedirs(os.path.dirname(out), exist_ok=True)
try:
    run = train()
    with tempfile.TemporaryDirectory(dir=os.path.dirname(out)) as partial:
        model = os.path.join(partial, "model")
        os.mkdir(model)
        iteration = download(run, model)
        os.rename(model, out)
    print(f"iteration {iteration} is in {out}")
except grpc.RpcError as error:
    sys.exit(f"{error.code().name}: {error.details()}")
