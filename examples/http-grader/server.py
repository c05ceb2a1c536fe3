"""Tasks and grades over HTTP: python3 server.py [PORT]. See docs/environments.md for the contract."""
import json, random, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

def version(call):
    return {"version": "sums-1"}  # change it with the tasks or the grades: runs then start anew

def task(call):
    rng = random.Random(f"{call['seed']} {call['index']} {call['attempt']}")
    a, b = rng.randrange(10), rng.randrange(10)
    return {"messages": [{"role": "user", "content": f"What is {a} + {b}?"}], "answer": a + b}

def grade(call):
    right = str(call["task"]["answer"])
    return {"grades": [{"rewards": {"correct": float(right in reply.split()),
                                    "short": 1 / (1 + len(reply))}} for reply in call["replies"]]}

class Server(BaseHTTPRequestHandler):
    def do_POST(self):
        call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps({"/version": version, "/task": task, "/grade": grade}[self.path](call)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int((sys.argv + ["8900"])[1])), Server).serve_forever()
