"""Drives the page in headless Chromium: run.py PROGRAM FOLDER [NAME...]; FOLDER/model is a small model.

Each test is a function; it passes when it returns. NAME: only tests whose name begins so.
"""
import json
import subprocess
import sys
import time
import traceback
import urllib.request

from selenium.webdriver import ActionChains

from browser import LONG, QUICK, Browser, Server


def page_makes_a_film_and_plays_it(b, server):
    b.order("a red ball and a dragon", **QUICK, seed=7)
    b.mode("film")
    b.until("the film plays", "document.querySelector('#stage video').currentTime > 0.2")
    ready, paused = b.js("const v = document.querySelector('#stage video'); return [v.readyState, v.paused]")
    assert ready >= 2 and not paused, (ready, paused)
    assert "dragon" in b.text(".understanding mark") and "ball" in b.text(".understanding code")
    assert "Seed 7" in b.text(".facts"), b.text(".facts")
    where = "return document.querySelector('#stage video').currentTime"
    places = [b.js(where) for _ in range(2) if not time.sleep(0.3)]
    assert places[0] != places[1], places
    b.click("#stage video")
    b.until("a click stops it", "document.querySelector('#stage video').paused")
    b.js("""const r = document.querySelector('#stage input[type=range]');
            r.value = 500; r.dispatchEvent(new Event('input'))""")
    b.until("the slits lead to its middle", """(() => { const v = document.querySelector('#stage video');
            return Math.abs(v.currentTime / v.duration - 0.5) < 0.1 })()""")


def page_shows_progress_and_previews(b, server):
    server.film("a green ball", **{**LONG, "seconds": 4})
    b.mode("work")
    seen = set()
    end = time.monotonic() + 40
    while time.monotonic() < end and len(seen) < 4:
        seen.add(b.js("return document.querySelector('#stage .progress').getAttribute('aria-valuenow')"))
        time.sleep(0.2)
    assert len(seen) >= 4, seen
    b.until("it counts steps", "/Step \\d+ of 1000/.test(document.querySelector('.status-now').textContent)")
    assert "%" in b.title, b.title
    b.mode("film")


def page_cancels(b, server):
    b.order("a blue cone", **LONG)
    b.mode("work")
    b.click("#queue [data-act=cancel]")
    b.mode("broken")
    b.until("the queue is empty", "document.querySelector('#queue').hidden")
    b.until("the card says it", "document.querySelector('.card[data-state=cancelled]')")
    assert server.call("GET", "/v1/videos")[1]["data"][0]["error"]["code"] == "cancelled"


def page_survives_a_reload(b, server):
    b.order("a yellow cylinder", **LONG)
    b.until("a step is done", "/Step/.test(document.querySelector('.status-now').textContent)")
    b.js("document.querySelector('#prompt').value = 'a draft'; "
         "document.querySelector('#composer').dispatchEvent(new Event('input'))")
    b.refresh()
    b.mode("work")
    b.until("it is the same film", "document.querySelector('.prompt-said')?.textContent === 'a yellow cylinder'")
    b.until("steps go on", "/Step/.test(document.querySelector('.status-now').textContent)")
    assert b.js("return document.querySelector('#prompt').value") == "a draft"


def page_reorders_the_queue(b, server):
    server.film("the first", **LONG)
    server.film("the second")
    third = server.film("the third")
    b.until("three rows", "document.querySelectorAll('.job').length === 3")
    rows = "[...document.querySelectorAll('.job-prompt')].map((p) => p.textContent).join()"
    b.until("in their order", f"{rows} === 'the first,the second,the third'")
    b.click(f".job[data-id={third['id']}] [data-act=sooner]")
    b.until("the third before the second", f"{rows} === 'the first,the third,the second'")
    assert server.call("GET", f"/v1/videos/{third['id']}")[1]["queue_position"] == 0


def page_in_two_tabs(b, server):
    first = b.current_window_handle
    b.switch_to.new_window("tab")
    b.get(server.url)
    second = b.current_window_handle
    b.order("a white box", **QUICK)
    b.mode("film")
    b.switch_to.window(first)
    b.until("the other tab has it too", "document.querySelector('.card[data-state=done]')")
    b.js("document.querySelector('.card-open').click()")
    b.until("it opens", "document.querySelector('#viewer').open")
    for _ in range(2):
        b.js("document.querySelector('#viewer [data-act=remove]').click()")
    b.until("it closes", "!document.querySelector('#viewer').open")
    b.switch_to.window(second)
    b.until("it is gone there", "!document.querySelector('.card')")
    b.close()
    b.switch_to.window(first)


def page_survives_a_restart(b, server):
    b.order("a purple ball", **LONG)
    b.until("a step is done", "/Step/.test(document.querySelector('.status-now').textContent)")
    server.stop(kill=True)
    b.until("the loss is told", "!document.querySelector('#lost').hidden")
    assert "lost" in b.text("#lost span")
    server.start()
    b.js("document.querySelector('#lost button').click()")
    b.until("and its end", "document.querySelector('#lost').hidden")
    b.until("the film goes on", "/Step/.test(document.querySelector('.status-now').textContent)")
    assert b.text(".prompt-said") == "a purple ball"


def page_asks_for_a_key(b, server):
    key = "sk-0123456789abcdef"
    with open(f"{server.data}-keys.json", "w", encoding="utf-8") as f:
        json.dump({"keys": [{"tenant": "ann", "key": key}]}, f)
    other = Server(server.program, server.model, f"{server.data}-keyed", keys=f"{server.data}-keys.json")
    try:
        b.get(other.url)
        for said, wrong in (("sk-no-such-key-here", False), (key, True)):
            b.until("it asks", "document.querySelector('#key').open")
            assert b.js("return !document.querySelector('.key-wrong').hidden") == wrong
            b.one("#key input").send_keys(said)
            b.js("document.querySelector('#key form').requestSubmit()")
            time.sleep(0.5)
        b.until("it is open", "!document.querySelector('#key').open")
        b.order("a red cone", **QUICK)
        b.mode("film")
        b.until("the film plays", "document.querySelector('#stage video').currentTime > 0.1")
        assert b.js("return sessionStorage.getItem('zoetrope-key')") == key
        assert key not in b.js("return JSON.stringify(localStorage)")
        b.refresh()
        b.until("not asked again", "document.querySelector('.card')")
    finally:
        other.stop()
        b.get(server.url)


def page_takes_text_as_text(b, server):
    evil = "<img src=x onerror=\"document.title='caught'\"><script>document.title='caught'</script> ball"
    server.film(evil)
    server.film(evil, **LONG)
    b.until("the row is there", "document.querySelector('.job')")
    b.until("the card is there", "document.querySelector('.card')")
    b.js("document.querySelector('.card-open').click()")
    b.until("whole", "document.querySelector('#viewer .prompt-said').textContent === arguments[0]", evil)
    assert b.text(".job-prompt") == evil and b.text(".card-prompt") == evil
    assert b.js("return document.querySelectorAll('img').length") == 1  # the mark
    assert "caught" not in b.title


def page_tells_what_is_wrong(b, server):
    b.order("", seed="")
    b.until("words are wanted", "/what should be seen/.test(document.querySelector('#fault').textContent)")
    b.order("a ball", seed="minus one")
    b.until("the field is named", "/seed/.test(document.querySelector('#fault').textContent)")
    assert b.js("return document.querySelector('#seed').getAttribute('aria-invalid')") == "true"
    assert "a ball" not in [v["prompt"] for v in server.call("GET", "/v1/videos")[1]["data"]]


def page_has_keys(b, server):
    for prompt in ("one ball", "two balls", "three balls"):
        server.film(prompt)
    b.until("three cards", "document.querySelectorAll('.card[data-state=done]').length === 3")
    b.js("document.activeElement.blur()")
    b.keys("/")
    b.until("/ goes to the box", "document.activeElement.id === 'prompt'")
    assert b.js("return document.querySelector('#prompt').value") == ""
    b.keys("Escape")
    b.until("Esc leaves it", "document.activeElement.id !== 'prompt'")
    b.js("document.querySelector('.card-open').focus()")
    b.until("the focus makes it play", "!document.querySelector('.card video').paused")
    b.keys("ArrowRight")
    said = "document.activeElement.closest('.card')?.textContent"
    b.until("one further", f"{said} === 'two balls'")
    b.keys("Enter")
    b.js("if (!document.querySelector('#viewer').open) document.activeElement.click()")
    b.until("it opens", "document.querySelector('#viewer .prompt-said')?.textContent === 'two balls'")
    b.keys("ArrowRight")
    b.until("the older one", "document.querySelector('#viewer .prompt-said').textContent === 'one ball'")
    b.keys("Escape")
    b.until("Esc closes", "!document.querySelector('#viewer').open")
    b.until("back at its card", f"{said} === 'one ball'")


def page_uses_films_again(b, server):
    b.order("a red ball", **QUICK, seed=11)
    b.mode("film")
    b.order("something else", seed="")
    b.mode("film")
    b.js("[...document.querySelectorAll('.card-open')].at(-1).click()")
    b.until("the viewer", "document.querySelector('#viewer').open")
    b.js("document.querySelector('#viewer [data-act=again]').click()")
    box = b.js("const e = document.querySelector('#composer').elements; "
               "return [e.prompt.value, e.seed.value, e.steps.value]")
    assert box == ["a red ball", "11", "2"], box
    b.until("the second is there", "document.querySelector('#stage .prompt-said')?.textContent === 'something else' && "
            "document.querySelector('#stage [data-act=useLast]')")
    b.js("document.querySelector('#stage [data-act=useLast]').click()")
    b.until("a picture is in its place", "document.querySelector('#slot-first').dataset.filled === 'yes'")
    b.js("document.querySelector('#slot-first button').click()")
    b.until("and out", "document.querySelector('#slot-first').dataset.filled !== 'yes'")
    b.js("document.querySelector('#stage [data-act=extend]').click()")
    b.until("a film that goes on", "document.querySelectorAll('.card, .job').length === 3")
    assert server.call("GET", "/v1/videos")[1]["data"][0]["remixed_from_video_id"]
    b.until("it can be taken again", "document.querySelector('#stage [data-act=take]')")
    before = len(server.call("GET", "/v1/videos")[1]["data"])
    b.js("document.querySelector('#stage [data-act=take]').click()")
    b.until("another take", "document.querySelectorAll('.card, .job').length === arguments[0]", before + 1)
    newest = server.call("GET", "/v1/videos")[1]["data"][0]
    assert newest["prompt"] == "something else" and newest["steps"] == 2, newest


def page_moves_the_camera(b, server):
    b.click("#camera-button")
    b.js("document.querySelector('[data-axis=pan]').focus()")
    for _ in range(3):
        b.keys("ArrowLeft")
    ActionChains(b).move_to_element_with_offset(b.one("[data-pad=camMove] .pad-field"), 60, 0).click().perform()
    said = b.js("return document.querySelector('#composer').elements.camera.value")
    assert said.startswith("pan left 3, truck right "), said
    assert b.js("return document.querySelector('[data-axis=pan]').getAttribute('aria-valuetext')") == "pan left 3"
    b.click("[data-move=down_back]")
    assert b.js("return document.querySelector('[data-axis=pan]').value") == "0"
    b.order("a red ball", **QUICK, motion="1.5", fps="16", camera="tilt up 2, zoom out")
    values = b.js("return [...document.querySelectorAll('[data-axis]')].map((n) => n.dataset.axis + n.value).join()")
    assert values == "pan0,tilt2,horizontal0,vertical0,zoom-5,roll0", values
    b.mode("film")
    film = server.call("GET", "/v1/videos")[1]["data"][0]
    assert (film["camera"], film["motion"], film["fps"]) == ("tilt up 2, zoom out", 1.5, 16), film
    kept = f"{server.data}-camera.mp4"
    urllib.request.urlretrieve(film["url"], kept)
    recipe = subprocess.run([server.program, "info", kept], capture_output=True, text=True, check=True).stdout
    assert "tilt up" in recipe and "zoom out" in recipe, recipe
    b.until("the facts say it", "/tilt up 2, zoom out 5/.test(document.querySelector('.facts').textContent)")


def page_says_what_it_would_be(b, server):
    b.js("""const p = document.querySelector('#prompt'); p.value = 'a ball and a dragon';
            p.dispatchEvent(new Event('input', {bubbles: true}))""")
    b.until("the word is named", "document.querySelector('#hint mark')?.textContent === 'dragon'")
    assert "to draw" in b.text(".hint-facts"), b.text("#hint")
    assert not server.call("GET", "/v1/videos")[1]["data"]


def page_draws_drafts_and_finishes_them(b, server):
    b.click(".toggle")
    b.order("a red ball", size="native", steps="24", seed="5")
    b.mode("film")
    draft = server.call("GET", "/v1/videos")[1]["data"][0]
    assert draft["draft"] and draft["steps"] == 6, draft
    b.js("document.querySelector('#stage [data-act=finish]').click()")
    b.until("the film itself", "/Steps 24/.test(document.querySelector('#stage .facts')?.textContent)")
    b.mode("film")
    film = server.call("GET", "/v1/videos")[1]["data"][0]
    assert not film["draft"] and film["seed"] == 5 and film["remixed_from_video_id"] == draft["id"], film


LOOK = "document.querySelector('#stage .canvas').toDataURL('image/jpeg', 0.3)"


def page_is_live(b, server):
    def scene():
        return server.call("GET", "/v1/live")[1]["data"][0]

    first = b.current_window_handle
    b.js("document.querySelector('#prompt').value = 'a red ball and a dragon'")
    b.click("#live-button")
    b.mode("live")
    b.until("pictures come", "document.querySelector('.status-now').textContent === 'Live'")
    seen = {b.js(f"return {LOOK}") for _ in range(8) if not time.sleep(0.2)}
    assert len(seen) >= 3, len(seen)
    assert "dragon" in b.text("#stage .understanding mark")
    b.js("document.querySelector('#prompt').value = 'a blue box'; document.querySelector('#prompt').focus()")
    b.keys("Enter")
    b.until("the words arrive", "/Seen after/.test(document.querySelector('.status-left').textContent)")
    assert scene()["prompt"] == "a blue box" and scene()["seen"] == 1, scene()
    b.js("document.querySelector('#stage [data-act=usePicture]').click()")
    b.until("its picture begins the next film", "document.querySelector('#slot-first').dataset.filled === 'yes'")
    b.js("document.querySelector('#slot-first button').click(); document.activeElement.blur()")
    b.keys("ArrowRight")
    b.until("a key moves the camera",
            "document.querySelector('[data-key=ArrowRight]').getAttribute('aria-pressed') === 'true'")
    b.switch_to.new_window("tab")
    b.get(server.url)
    b.until("the other tab is told", "!document.querySelector('.live-row').hidden")
    b.click("[data-act=watchLive]")
    b.until("and sees it", "document.querySelector('.status-now').textContent === 'Live'")
    assert scene()["watchers"] == 2 and scene()["camera"] == "pan right 5", scene()
    b.refresh()
    b.mode("live")
    b.close()
    b.switch_to.window(first)
    b.get("about:blank")
    end = time.monotonic() + 25
    while scene()["status"] != "ended" and time.monotonic() < end:
        time.sleep(0.2)
    assert scene()["ended"]["code"] == "unwatched", scene()
    b.get(server.url)
    server.film("a green ball", **LONG)
    b.mode("work")
    b.js("document.querySelector('#prompt').value = 'a ball'; document.querySelector('#live-button').click()")
    b.until("busy is said", "/being drawn/.test(document.querySelector('#fault').textContent)")


def page_speaks_two_languages(b, server):
    assert b.js("return document.documentElement.lang") == "en"
    b.click("#lang")
    assert b.text("#make span") == "生成" and b.text(".stage-title") == "让文字动起来"
    b.refresh()
    b.until("it is kept", "document.querySelector('#make span').textContent === '生成'")
    left = b.js("""const texts = [...document.querySelectorAll('[data-t], [data-t-label], [data-t-hint]')];
                   return texts.filter((n) => !(n.textContent || n.getAttribute('aria-label') || n.placeholder))
                               .map((n) => n.outerHTML)""")
    assert not left, left
    b.click("#lang")
    assert b.text("#make span") == "Make"


CONTRAST = """
const lum = ([r, g, b]) => [r, g, b].map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
const rgb = (c) => (c.match(/[\\d.]+/g) ?? []).map(Number);
const ground = (n) => { for (; n; n = n.parentElement) { const c = rgb(getComputedStyle(n).backgroundColor);
    if (c.length === 3 || c[3] === 1) return c; if (c[3] > 0.5) return c.map((v, i) => i < 3 ? v * c[3] : 1); }
    return rgb(getComputedStyle(document.documentElement).backgroundColor); };
const bad = [];
for (const n of document.querySelectorAll('body *')) {
    if (!n.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue;
    if (![...n.childNodes].some((c) => c.nodeType === 3 && c.data.trim())) continue;
    if (n.tagName === 'OPTION') continue;
    const a = lum(rgb(getComputedStyle(n).color)), z = lum(ground(n));
    const ratio = (Math.max(a, z) + 0.05) / (Math.min(a, z) + 0.05);
    if (ratio < 4.5) bad.push(`${n.tagName}.${n.className} ${ratio.toFixed(2)}: ${n.textContent.slice(0, 30)}`);
}
return bad;
"""


def page_can_be_read(b, server):
    server.film("a ball and a dragon")
    b.order("a long one", **LONG)
    b.mode("work")
    for scheme in ("dark", "light"):
        b.media(color_scheme=scheme, reduced_motion="reduce")
        b.js("return document.querySelector('.card')") or b.until("a card", "document.querySelector('.card')")
        assert not (bad := b.js(CONTRAST)), (scheme, bad)
        ground = b.js("return getComputedStyle(document.documentElement).backgroundColor")
        assert (ground == "rgb(14, 12, 11)") == (scheme == "dark"), ground
    b.click("#theme")
    assert b.js("return getComputedStyle(document.documentElement).backgroundColor") == "rgb(14, 12, 11)"
    b.js("localStorage.clear(); delete document.documentElement.dataset.theme")
    unnamed = b.js("""return [...document.querySelectorAll('button, a, input, select, textarea')].filter((n) =>
        !(n.textContent.trim() || n.getAttribute('aria-label') || n.labels?.length)).map((n) => n.outerHTML)""")
    assert not unnamed, unnamed
    assert b.js("return document.querySelector('#announce').getAttribute('aria-live')") == "polite"
    assert b.js("return [...document.getAnimations()].length") == 0


def page_fits_a_phone(b, server):
    server.film("a ball")
    b.until("a card", "document.querySelector('.card')")
    b.js("document.querySelector('#more-button').click(); document.querySelector('#camera-button').click()")
    for width in (320, 390, 768):
        b.screen(width, 800)
        time.sleep(0.2)
        wide = b.js("return document.documentElement.scrollWidth")
        assert wide <= width, (width, wide)
        out = b.js("""return [...document.querySelectorAll('main button, main input, main select')].filter((n) => {
            const r = n.getBoundingClientRect(); return r.width && r.right > innerWidth + 1 && !n.closest('.examples')
            }).map((n) => n.outerHTML)""")
        assert not out, (width, out)
    b.js("document.querySelector('.card-open').click()")
    b.screen(390, 800)
    b.until("the viewer fits", "document.querySelector('.viewer-box').getBoundingClientRect().right <= 390")


def tests(only):
    named = [(n, f) for n, f in globals().items() if n.startswith("page_")]
    return [(n, f) for n, f in named if not only or any(n.startswith(o) for o in only)]


def main():
    program, folder, *only = sys.argv[1:]
    server = Server(program, f"{folder}/model", f"{folder}/data")
    browser = Browser()
    try:
        for name, test in tests(only):
            try:
                server.clear()
                browser.screen(1280, 860)
                browser.media()
                browser.get(server.url)
                browser.js("sessionStorage.clear(); localStorage.clear()")
                browser.refresh()
                browser.until("the page is there", "document.querySelector('#make span')?.textContent === 'Make'")
                test(browser, server)
                said = browser.complaints()
                assert not said, said
                print(f"ok {name}", flush=True)
            except Exception as e:  # pylint: disable=broad-except
                where = traceback.extract_tb(e.__traceback__)
                line = [f.lineno for f in where if f.filename.endswith("run.py")][-1]
                print(f"not ok {name}: line {line}: {' '.join(str(e).split())[:400]}", flush=True)
                browser.save_screenshot(f"{folder}/{name}.png")
    finally:
        browser.quit()
        server.stop()


main()
