"""A server and a browser for the tests of the page: what is common to all of them."""
import json
import os
import subprocess
import time
import urllib.error
import urllib.request

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By


class Server:
    """`zoetrope serve` over one data folder; it can be ended and started again on its port."""

    def __init__(self, program, model, data, port=0, keys=None):
        self.program, self.model, self.data, self.keys = program, model, data, keys
        self.port, self.process = port, None
        self.start()

    def start(self):
        command = [self.program, "serve", "--listen", f"127.0.0.1:{self.port}", "--data", self.data,
                   "--model", self.model, "--drain", "0"]
        if self.keys:
            command += ["--keys", self.keys]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = self.process.stdout.readline()
        assert "http://" in line, f"the server says: {line!r}"
        self.url = line[line.index("http://"):].split()[0].rstrip("/")
        self.port = int(self.url.rsplit(":", 1)[1])

    def stop(self, kill=False):
        if kill:
            self.process.kill()
        else:
            self.process.terminate()
        self.process.wait()

    def call(self, method, path, body=None, key=None):
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        data = json.dumps(body).encode() if body is not None else None
        asked = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as e:
            return e.code, None

    def film(self, prompt, **more):
        return self.call("POST", "/v1/videos", {"prompt": prompt, **QUICK, **more})[1]

    def clear(self):
        for video in self.call("GET", "/v1/videos?limit=100")[1]["data"]:
            self.call("DELETE", f"/v1/videos/{video['id']}")


QUICK = {"size": "native", "steps": 2}
LONG = {"size": "native", "steps": 1000, "seconds": 15}  # some ten seconds with the small model, or more


class Browser(webdriver.Chrome):
    def __init__(self, width=1280, height=860, lang="en-US"):
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                         f"--window-size={width},{height}", f"--lang={lang}",
                         "--autoplay-policy=no-user-gesture-required"):
            options.add_argument(argument)
        options.add_experimental_option("prefs", {"intl.accept_languages": lang})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        os.environ["LANGUAGE"] = lang[:2]
        super().__init__(options=options, service=Service("/usr/bin/chromedriver"))
        self.screen(width, height)

    def screen(self, width, height):
        self.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                             {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})

    def media(self, **features):
        told = [{"name": f"prefers-{name.replace('_', '-')}", "value": value} for name, value in features.items()]
        self.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": told})

    def one(self, css):
        return self.find_element(By.CSS_SELECTOR, css)

    def all(self, css):
        return self.find_elements(By.CSS_SELECTOR, css)

    def js(self, code, *args):
        return self.execute_script(code, *args)

    def text(self, css):
        return self.js("return document.querySelector(arguments[0])?.textContent ?? ''", css)

    def click(self, css):
        self.js("document.querySelector(arguments[0]).scrollIntoView({block: 'center'})", css)
        self.one(css).click()

    def until(self, what, code, *args, seconds=60):
        """Wait until the JavaScript expression is true; its value."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                value = self.js(f"return ({code})", *args)
                if value:
                    return value
            except (StaleElementReferenceException, WebDriverException):
                pass
            time.sleep(0.1)
        raise AssertionError(f"not within {seconds} s: {what}")

    def mode(self, mode, seconds=60):
        self.until(f"the stage shows {mode}", "document.querySelector('#stage').dataset.mode === arguments[0]", mode,
                   seconds=seconds)

    def order(self, prompt, **fields):
        """Fill the box and press Ctrl+Enter in it."""
        self.js("if (document.querySelector('#more').hidden) document.querySelector('#more-button').click()")
        for name, value in {"prompt": prompt, **fields}.items():
            self.js("""const field = document.querySelector('#composer').elements[arguments[0]];
                       field.value = arguments[1];
                       field.dispatchEvent(new Event('input', {bubbles: true}))""", name, str(value))
        self.js("document.querySelector('#prompt').focus()")
        self.keys("Enter", ctrl=True)

    def keys(self, key, ctrl=False):
        codes = {"Enter": 13, "Escape": 27, "/": 191, "ArrowRight": 39, "ArrowLeft": 37, "ArrowDown": 40}
        event = {"key": key, "code": key, "windowsVirtualKeyCode": codes[key], "modifiers": 2 if ctrl else 0}
        if key == "/":
            event["text"] = "/"
        self.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": "keyDown", **event})
        self.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": "keyUp", **event})

    def complaints(self):
        """What the console says, but for answers that a test wanted."""
        return [line["message"] for line in self.get_log("browser")
                if "net::ERR_" not in line["message"] and "status of 40" not in line["message"]]
