"""Writes the Parquet files and the Zstandard frames of this folder. Needs pyarrow, and the program zstd."""

import base64
import hashlib
import json
import pathlib
import subprocess

import pyarrow as pa
import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).parent


def questions():
    rows = [(f"What is {i} + {i * i % 97}?", f"{i} + {i * i % 97} is #### {i + i * i % 97}") for i in range(300)]
    roles = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
    chats = [[{"role": "user", "content": a}, {"role": "assistant", "content": b}] for a, b in rows]
    columns = {"question": [a for a, _ in rows], "answer": [b for _, b in rows], "messages": pa.array(chats, roles)}
    return pa.table(columns)


def random_bytes(count, limit):
    state, out = 1, bytearray()
    while len(out) < count:
        state = (state * 1103515245 + 12345) % 2**31
        out.append((state >> 16) % limit)
    return bytes(out)


def contents():
    text = "".join(f"{i}: {i * i % 97} apples, {i * 7 % 13} pears and {i % 5} plums; " for i in range(200))
    letters = bytes(97 + byte for byte in random_bytes(3000, 16))
    return {
        "empty": b"",
        "short": b"a few letters",
        "text": text.encode(),
        "letters": letters,
        "noise": random_bytes(500, 256),
        "run": b"z" * 300_000,
        "mixed": (text.encode() + letters + b"\0" * 5000) * 12,
    }


def frame(content, *options):
    done = subprocess.run(["zstd", "-q", "-c", *options], input=content, stdout=subprocess.PIPE, check=True)
    return done.stdout


def main():
    table = questions()
    pq.write_table(table, HERE / "zstd.parquet", compression="zstd", row_group_size=100)
    pq.write_table(
        table, HERE / "zstd-v2.parquet", compression="zstd", compression_level=19, data_page_version="2.0"
    )
    frames = []
    for name, content in contents().items():
        for options in (["-3"], ["-1", "--no-check"], ["-19", "--no-check"]):
            made = base64.b64encode(frame(content, *options)).decode()
            digest = hashlib.sha256(content).hexdigest()
            of = {"name": f"{name} {' '.join(options)}", "bytes": len(content), "sha256": digest, "frame": made}
            frames.append(of)
    (HERE / "frames.json").write_text(json.dumps(frames, indent=1) + "\n")


main()
