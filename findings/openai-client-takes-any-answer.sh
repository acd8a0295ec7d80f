#!/bin/sh
# OpenAI's Python client takes whatever JSON comes with status 200 for a film, a picture or a list of them.
#
# Its answers are pydantic models, so one expects an answer without the required fields to be refused. Measured with openai
# 3.57.0 against another service's answer on the same address (a task: {"code": 0, "data": {"task_id": ...}}):
# videos.create gives a Video whose id, status and all others are None; images.generate gives an ImagesResponse whose data is a
# dictionary, not a list of images; a loop over videos.list gives the names of the fields, as str, where Videos are declared.
# Only create_and_poll notices, at its second request, with "Expected a non-empty value for `video_id` but received None". So a
# gateway that speaks another API below the same path fails far from where it is wrong; a server has to refuse such a
# client itself (its libraries send the header X-Stainless-Lang). The client validates only with
# _strict_response_validation=True, whose name says that it is private.
. "$(dirname "$0")/desk.sh"
desk_install openai==3.57.0
desk_python <<'PY'
import sys
import httpx2
import openai

task = {"code": 0, "message": "SUCCEED", "request_id": "r", "data": {"task_id": "1", "task_status": "submitted"}}


def client(**more):
    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, json=task))
    return openai.OpenAI(api_key="k", base_url="http://127.0.0.1/v1", max_retries=0,
                         http_client=httpx2.Client(transport=transport), **more)


print("openai", openai.__version__)
c = client()
film = c.videos.create(prompt="a")
print(f"videos.create: {type(film).__name__}, id {film.id!r}, status {film.status!r}")
pictures = c.images.generate(prompt="a")
print(f"images.generate: {type(pictures).__name__}, data {pictures.data!r}")
films = list(c.videos.list())
print(f"videos.list: {films!r}")
try:
    c.videos.create_and_poll(prompt="a")
    noticed = "nothing"
except ValueError as e:
    noticed = str(e)
print(f"create_and_poll: {noticed}")
try:
    client(_strict_response_validation=True).videos.create(prompt="a")
    strict = "nothing"
except openai.APIResponseValidationError as e:
    strict = type(e).__name__
print(f"videos.create, validating strictly: {strict}")
if film.id is not None or not isinstance(pictures.data, dict) or films != ["task_id", "task_status"] \
        or "video_id" not in noticed or strict == "nothing":
    sys.exit("the behaviour has changed")
PY
