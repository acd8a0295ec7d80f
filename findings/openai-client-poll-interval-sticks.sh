#!/bin/sh
# OpenAI's Python client obeys a video server's wish for a polling interval once, and then for ever.
#
# `videos.poll` (and `create_and_poll`) reads the answer's header openai-poll-after-ms. One expects that each answer sets the
# next pause, so that a server can say "in a minute" while a job waits in the queue and "in 100 ms" when it is nearly done. Measured with
# openai 3.57.0: the header of the first answer that says queued or in_progress is kept, later ones are not read at all; without
# the header in the first answer it is 1,000 ms to the end. The request's own header says a custom interval neither way.
# A server that sends its long wait first makes every user wait that long for a film that is ready.
. "$(dirname "$0")/desk.sh"
desk_install openai==3.57.0
desk_python <<'PY'
import http.server
import json
import sys
import threading
import time
import openai

asked = []           # when each question came, and the custom interval that it named
wishes = [300, 20, 20, None]  # what the answers ask for; the last one says completed


class Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        turn = len(asked)
        asked.append((time.monotonic(), self.headers.get("X-Stainless-Custom-Poll-Interval")))
        done = wishes[turn] is None
        body = json.dumps({"id": "video_1", "object": "video", "model": "sora-2", "created_at": 1,
                           "progress": 100 if done else 25 * turn, "seconds": "4",
                           "size": "1280x720",
                           "status": "completed" if done else "in_progress"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if not done:
            self.send_header("openai-poll-after-ms", str(wishes[turn]))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = openai.OpenAI(api_key="any", base_url=f"http://127.0.0.1:{server.server_port}/v1")
film = client.videos.poll("video_1")
pauses = [round(b[0] - a[0], 2) for a, b in zip(asked, asked[1:])]
print("openai", openai.__version__, "| asked for, ms:", wishes[:3], "| pauses, s:", pauses)
if film.status != "completed" or len(pauses) != 3 or min(pauses) < 0.3 or any(a[1] for a in asked):
    sys.exit("the behaviour has changed")
PY
