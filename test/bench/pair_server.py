#!/usr/bin/env python3
"""One film by the command and by the server, in turns: how much slower is the server?

    python3 test/bench/pair_server.py [--pairs 8] [--seconds 2] [--watch] [--prompt WORDS] PROGRAM

Drawing is all from a loaded model to a whole file: of the command the time from the end of "loading
the model" to its own, of the server zoetrope_drawing_seconds_total of /metrics. Beside it the time
that a caller waits (the command opens the model, the server has it) and processor time. --watch: a client reads the events and fetches
each preview meanwhile. The films must be the same bit for bit. Needs Python's own library alone.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request


def ask(url, body=None):
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=300) as answer:
        return answer.read()


def processor_s(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def drawn_s(url):
    for line in ask(url + "/metrics").decode().splitlines():
        if line.startswith("zoetrope_drawing_seconds_total "):
            return float(line.split()[1])
    sys.exit("no drawing_seconds_total in /metrics")


def by_command(a, folder, seed):
    out = os.path.join(folder, "command.mp4")
    begin, before = time.monotonic(), os.times()
    command = subprocess.Popen(
        [a.program, "-p", a.prompt, "--seconds", str(a.seconds), "--seed", str(seed), "-y",
         "-o", out, "--json"], stdout=subprocess.PIPE, text=True)
    loaded = None
    for line in command.stdout:
        if loaded is None and json.loads(line)["stage"] not in ("plan", "loading the model"):
            loaded = time.monotonic()
    if command.wait():
        sys.exit(f"the command failed: {line}")
    end, after = time.monotonic(), os.times()
    used = after.children_user + after.children_system
    used -= before.children_user + before.children_system
    with open(out, "rb") as f:
        return end - loaded, end - begin, used, f.read()


def by_server(a, url, pid, seed):
    wish = {"prompt": a.prompt, "seconds": str(a.seconds), "seed": seed}
    before, used = drawn_s(url), processor_s(pid)
    begin = time.monotonic()
    film = json.loads(ask(url + "/v1/videos", wish))
    with urllib.request.urlopen(url + "/v1/events", timeout=300) as events:
        for line in events:
            if not line.startswith(b"data:"):
                continue
            now = json.loads(line[5:])
            if now.get("id") != film["id"]:
                continue
            if a.watch and now.get("preview_url"):
                ask(now["preview_url"])
            if now["status"] == "completed":
                break
            if now["status"] == "failed":
                sys.exit(f"the film failed: {now['error']}")
    waited = time.monotonic() - begin
    used = processor_s(pid) - used
    took = drawn_s(url) - before
    return took, waited, used, ask(f"{url}/v1/videos/{film['id']}/content")


def start(a, folder):
    server = subprocess.Popen([a.program, "serve", "--listen", "127.0.0.1:0", "--data",
                               os.path.join(folder, "data")], stdout=subprocess.PIPE, text=True)
    url = server.stdout.readline().split()[-1]
    threading.Thread(target=server.stdout.read, daemon=True).start()
    return server, url.rstrip("/")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("program")
    p.add_argument("--pairs", type=int, default=8)
    p.add_argument("--seconds", type=float, default=2)
    p.add_argument("--prompt", default="a red ball rolls from left to right")
    p.add_argument("--watch", action="store_true")
    a = p.parse_args()
    a.seconds = f"{a.seconds:g}"
    with tempfile.TemporaryDirectory() as folder:
        server, url = start(a, folder)
        try:
            by_server(a, url, server.pid, 0)  # opens the model
            by_command(a, folder, 0)
            ratio = []
            for i in range(1, a.pairs + 1):
                run = {}
                for who in ("command", "server") if i % 2 else ("server", "command"):
                    run[who] = by_command(a, folder, i) if who == "command" else \
                        by_server(a, url, server.pid, i)
                c, s = run["command"], run["server"]
                ratio.append([x / y for x, y in zip(s[:3], c[:3])])
                same = "same" if c[3] == s[3] else f"NOT THE SAME ({len(c[3])}, {len(s[3])} bytes)"
                print(f"{i}: drawing {c[0]:.3f} {s[0]:.3f} s, waiting {c[1]:.3f} {s[1]:.3f} s, "
                      f"processor {c[2]:.2f} {s[2]:.2f} s, film {same}", flush=True)
            for k, what in enumerate(("drawing", "waiting", "processor")):
                r = sorted(x[k] for x in ratio)
                print(f"{what}: server / command {statistics.median(r):.3f} "
                      f"({r[0]:.3f} to {r[-1]:.3f})")
        finally:
            server.terminate()
            server.wait()


main()
