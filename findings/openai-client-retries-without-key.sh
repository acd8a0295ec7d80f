#!/bin/sh
# OpenAI's Python client repeats `videos.create` after a lost answer, makes a key for it, and never sends the key.
#
# The client retries failed requests twice by default, posts included, and its source draws an idempotency key "reused between
# requests". One expects the key in a header, so that a server whose answer was lost (a proxy's 502, a time-out) can tell a repeat from
# a second order. Measured with openai 3.57.0: three posts of one create reach the server, equal but for the random boundary of the form and
# the header x-stainless-retry-count (0, 1, 2); no Idempotency-Key nor anything else that two orders would not share. A key given as
# an extra header does go out with each of them.
# A server that starts its job before it answers starts three of them.
. "$(dirname "$0")/desk.sh"
desk_install openai==3.57.0
desk_python <<'PY'
import http.server
import json
import sys
import threading
import openai

posts = []


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        posts.append({k.lower(): v for k, v in self.headers.items()})
        lost = len(posts) % 3 != 0
        body = json.dumps({"error": {"message": "the answer was lost"}} if lost else
                          {"id": "video_1", "object": "video", "model": "sora-2", "created_at": 1,
                           "progress": 0, "seconds": "4", "size": "1280x720",
                           "status": "queued"}).encode()
        self.send_response(502 if lost else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = openai.OpenAI(api_key="any", base_url=f"http://127.0.0.1:{server.server_port}/v1")
client.videos.create(prompt="a red ball rolls", model="sora-2")
plain = list(posts)
client.videos.create(prompt="a red ball rolls", model="sora-2",
                     extra_headers={"Idempotency-Key": "order-7"})
told = posts[3:]
varies = sorted(k for k in plain[0] if len({p.get(k) for p in plain}) > 1)
counts = [p.get("x-stainless-retry-count") for p in plain]
keys = [p.get("idempotency-key") for p in told]
named = [k for p in plain for k in p if "idempot" in k]
print("openai", openai.__version__, "| posts of one create:", len(plain), "| retry counts:", counts)
print("headers that differ:", varies, "| key headers:", named, "| key when given:", keys)
if (len(plain) != 3 or counts != ["0", "1", "2"] or named or keys != ["order-7"] * 3
        or varies != ["content-type", "x-stainless-retry-count"]):
    sys.exit("the behaviour has changed")
PY
