#!/bin/sh
# OpenAI's Python client types references to pictures and films in its video calls, and refuses to send any.
#
# `input_reference` of videos.create is declared as a file or {"file_id": ...} or {"image_url": ...}, `video` of videos.extend and videos.edit as
# a file or {"id": ...}: a film that the service made itself is named, not uploaded again. Measured with openai 3.57.0: each of
# the four dictionaries raises RuntimeError ("Expected entry at ... to be bytes ...") before anything is sent, because every value of these
# fields is taken out of the body as an upload. The one way through is extra_body with a file argument that it replaces; the
# form then has a field named video[id]. So a server learns an extension by the film's bytes, or by a field in brackets that its
# documentation of JSON does not show. Type checkers are content with all four calls.
. "$(dirname "$0")/desk.sh"
desk_install openai==3.57.0
desk_python <<'PY'
import re
import sys
import httpx2
import openai

forms = []


def answer(request):
    forms.append(re.findall(rb'; name="([^"]+)"', request.read()))
    return httpx2.Response(200, json={"id": "video_2", "object": "video", "created_at": 1, "status": "queued",
                                      "model": "sora-2", "progress": 0, "seconds": "4", "size": "1280x720"})


client = openai.OpenAI(api_key="k", base_url="http://127.0.0.1/v1", max_retries=0,
                       http_client=httpx2.Client(transport=httpx2.MockTransport(answer)))
v = client.videos
calls = {
    "create, image_url": lambda: v.create(prompt="a", input_reference={"image_url": "https://example.com/a.png"}),
    "create, file_id": lambda: v.create(prompt="a", input_reference={"file_id": "file_1"}),
    "extend, id": lambda: v.extend(prompt="a", seconds="4", video={"id": "video_1"}),
    "edit, id": lambda: v.edit(prompt="a", video={"id": "video_1"}),
    "extend, bytes": lambda: v.extend(prompt="a", seconds="4", video=b"film"),
    "extend, extra_body": lambda: v.extend(prompt="a", seconds="4", video=b"",
                                           extra_body={"video": {"id": "video_1"}}),
}
print("openai", openai.__version__)
refused = []
for name, call in calls.items():
    before = len(forms)
    try:
        call()
        print(f"{name}: sent {[f.decode() for f in forms[-1]]}")
    except RuntimeError as e:
        refused.append(name)
        print(f"{name}: {type(e).__name__}: {str(e)[:60]}... ({len(forms) - before} requests)")
if refused != list(calls)[:4] or b"video[id]" not in forms[-1]:
    sys.exit("the behaviour has changed")
PY
