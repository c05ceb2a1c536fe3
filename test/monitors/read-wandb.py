"""Prints the runs and the steps in the .wandb files of a folder, as JSON.

A .wandb file has a header of 7 bytes, and then the records of LevelDB's log format: in blocks of 32 KiB, each
record with its CRC (u32), length (u16) and type (1 whole, 2 first, 3 middle, 4 last).
"""

import glob
import json
import struct
import sys

from wandb.proto import wandb_internal_pb2

BLOCK = 32768
HEADER = 7


def records(data):
    place, parts = HEADER, b""
    while place + HEADER <= len(data):
        rest = BLOCK - place % BLOCK
        if rest < HEADER:
            place += rest
            continue
        _crc, length, kind = struct.unpack_from("<IHB", data, place)
        if kind == 0:
            return
        parts += data[place + HEADER : place + HEADER + length]
        place += HEADER + length
        if kind in (1, 4):
            yield parts
            parts = b""


runs, steps = set(), []
for file in sorted(glob.glob(sys.argv[1] + "/wandb/offline-run-*/*.wandb")):
    for data in records(open(file, "rb").read()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        if record.run.run_id:
            runs.add((record.run.run_id, record.run.display_name, record.run.project))
        if record.history.item:
            items = record.history.item
            row = {item.key or item.nested_key[0]: json.loads(item.value_json) for item in items}
            steps.append([row["_step"], row["meanReward"], row["_timestamp"]])
print(json.dumps([sorted(runs), sorted(steps)]))
