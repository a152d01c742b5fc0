"""A headless Chromium, spoken to over its DevTools protocol."""

import asyncio
import base64
import json
import pathlib
import shutil
import subprocess
import tempfile

import websockets


class Browser:
    """One Chromium process. Use with `async with`."""

    def __init__(self, program="chromium"):
        self.program = program
        self.profile = None
        self.process = None
        self.socket = None
        self.number = 0
        self.waiting = {}
        self.pages = {}

    async def __aenter__(self):
        self.profile = pathlib.Path(tempfile.mkdtemp(prefix="mixdown-chromium-"))
        self.process = subprocess.Popen(
            [
                self.program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--no-first-run", "--disable-extensions", "--disable-background-networking",
                "--force-color-profile=srgb", "--hide-scrollbars", "--remote-debugging-port=0",
                f"--user-data-dir={self.profile}", "about:blank",
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        port = self.profile / "DevToolsActivePort"
        for _ in range(1200):
            if port.exists() and len(port.read_text().splitlines()) == 2:
                break
            await asyncio.sleep(0.1)
        number, path = port.read_text().splitlines()
        self.socket = await websockets.connect(f"ws://127.0.0.1:{number}{path}", max_size=None)
        self.reader = asyncio.create_task(self.read())
        return self

    async def __aexit__(self, *_):
        self.reader.cancel()
        await self.socket.close()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    async def read(self):
        async for text in self.socket:
            message = json.loads(text)
            if "id" in message:
                future = self.waiting.pop(message["id"])
                if "error" in message:
                    future.set_exception(RuntimeError(message["error"]["message"]))
                else:
                    future.set_result(message["result"])
            elif message.get("sessionId") in self.pages:
                self.pages[message["sessionId"]].heard(message["method"], message["params"])

    async def send(self, method, session=None, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        future = self.waiting[self.number] = asyncio.get_running_loop().create_future()
        await self.socket.send(json.dumps(message))
        return await asyncio.wait_for(future, 240)

    async def page(self, width, theme, scripts=True):
        """A new page of this width that prefers this theme."""
        target = (await self.send("Target.createTarget", url="about:blank"))["targetId"]
        session = (await self.send("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        page = self.pages[session] = Page(self, session, target)
        for domain in ["Page", "Runtime", "Log", "Network"]:
            await page.send(f"{domain}.enable")
        await page.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500)
        await page.send(
            "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
        await page.send("Emulation.setScriptExecutionDisabled", value=not scripts)
        return page


class Page:
    def __init__(self, browser, session, target):
        self.browser = browser
        self.session = session
        self.target = target
        self.loaded = asyncio.Event()
        # What went wrong, and what was asked of anybody.
        self.errors = []
        self.requests = []

    def heard(self, method, parameters):
        if method == "Page.loadEventFired":
            self.loaded.set()
        elif method == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(parameters["exceptionDetails"])[:500])
        elif method == "Runtime.consoleAPICalled":
            self.errors.append(json.dumps(parameters)[:500])
        elif method == "Log.entryAdded":
            self.errors.append(json.dumps(parameters["entry"])[:500])
        elif method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])

    async def send(self, method, **parameters):
        return await self.browser.send(method, self.session, **parameters)

    async def open(self, path):
        self.loaded.clear()
        await self.send("Page.navigate", url=pathlib.Path(path).absolute().as_uri())
        await asyncio.wait_for(self.loaded.wait(), 240)

    async def evaluate(self, expression):
        """The value of an expression of JavaScript; a promise is waited for."""
        result = await self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(json.dumps(result["exceptionDetails"])[:800])
        return result["result"].get("value")

    async def press(self, key, code=None):
        for kind in ["keyDown", "keyUp"]:
            await self.send(
                "Input.dispatchKeyEvent", type=kind, key=key, code=code or key,
                windowsVirtualKeyCode={"Tab": 9, "ArrowRight": 39, "ArrowDown": 40, "Enter": 13}.get(key, 0))

    async def picture(self, path):
        """The whole page as a PNG."""
        size = (await self.send("Page.getLayoutMetrics"))["cssContentSize"]
        result = await self.send(
            "Page.captureScreenshot", format="png", captureBeyondViewport=True,
            clip={"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1})
        pathlib.Path(path).write_bytes(base64.b64decode(result["data"]))

    async def close(self):
        await self.browser.send("Target.closeTarget", targetId=self.target)
        self.browser.pages.pop(self.session, None)
