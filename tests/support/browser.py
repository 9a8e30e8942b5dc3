"""A headless Chromium, driven as a person would drive it: by keyboard, without scripts, at a given width.

It uses the browser's own protocol (CDP), so it needs no driver. Without Chromium the tests are skipped with the reason;
in CI they fail.
"""

import asyncio
import base64
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.leaving_out import left_out
from tests.support.patience import PATIENCE

NAMES = ("chromium", "chromium-browser", "google-chrome")
# Debian's command of this name is a script that starts this program, and the browser outlives the script.
_WITHOUT_WINDOW = Path("/usr/lib/chromium/chromium-headless-shell")
_KEYS = {"Tab": 9, "Enter": 13, " ": 32}


def executable() -> str:
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        left_out("no Chromium here: apt-get install chromium")
    return found


def without_window() -> str:
    """Return the windowless Chromium if it is installed. It draws the same pages at half the cost, but keeps no profile
    and accepts no extensions."""
    return str(_WITHOUT_WINDOW) if _WITHOUT_WINDOW.exists() else executable()


class Browser:
    """One tab. `requests` lists the addresses that the tab tried to load.

    `scripts` decides whether pages may run scripts; only the API description needs them. `whole` keeps the browser's
    own background features on.
    """

    def __init__(self, profile: Path, *, scripts: bool = False, whole: bool = False) -> None:
        self._executable = executable() if whole else without_window()
        self._profile = profile
        self._scripts = scripts
        self._next = 0
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._loaded = asyncio.Event()
        self.requests: list[str] = []
        self.bytes = 0

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            self._executable, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            "--no-first-run", "--disable-extensions", "--disable-background-networking",
            "--remote-debugging-port=0", f"--user-data-dir={self._profile}", "about:blank",
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        port_file = self._profile / "DevToolsActivePort"
        for _ in range(600):
            if port_file.exists() and port_file.read_text().count("\n"):
                break
            await asyncio.sleep(0.05)
        port = port_file.read_text().split("\n")[0]
        self._http = aiohttp.ClientSession()
        for _ in range(100):
            async with self._http.get(f"http://127.0.0.1:{port}/json") as answer:
                tabs = [t for t in await answer.json() if t["type"] == "page"]
            if tabs:
                break
            await asyncio.sleep(0.05)
        self._socket = await self._http.ws_connect(tabs[0]["webSocketDebuggerUrl"], max_msg_size=0)
        self._reader = asyncio.create_task(self._read())
        for domain in ("Page", "Network", "Accessibility", "DOM"):
            await self.call(f"{domain}.enable")
        await self.call("Emulation.setScriptExecutionDisabled", value=not self._scripts)

    async def close(self) -> None:
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await self._socket.close()
        await self._http.close()
        # The command may be Debian's script, which ends before the browser.
        os.killpg(self._process.pid, signal.SIGTERM)
        await self._process.wait()

    async def _read(self) -> None:
        async for message in self._socket:
            event = message.json()
            if "id" in event:
                self._waiting.pop(event["id"]).set_result(event)
            elif event["method"] == "Network.requestWillBeSent":
                self.requests.append(event["params"]["request"]["url"])
            elif event["method"] == "Network.loadingFinished":
                self.bytes += int(event["params"]["encodedDataLength"])
            elif event["method"] == "Page.loadEventFired":
                self._loaded.set()

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._next += 1
        waiting = self._waiting[self._next] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": self._next, "method": method, "params": parameters})
        answer = await asyncio.wait_for(waiting, PATIENCE)
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    async def evaluate(self, expression: str) -> Any:
        """Evaluate a JavaScript expression on the page; its value must be plain data."""
        answer = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def width(self, pixels: int) -> None:
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=pixels, height=740, deviceScaleFactor=1, mobile=pixels < 600,
        )  # fmt: skip

    async def open(self, url: str) -> None:
        self.requests.clear()
        self.bytes = 0
        self._loaded.clear()
        await self.call("Page.navigate", url=url)
        await asyncio.wait_for(self._loaded.wait(), PATIENCE)

    async def press(self, key: str, *, leaves: bool = False) -> None:
        """Press a key; with `leaves`, wait for the next page."""
        if leaves:
            self._loaded.clear()
        code = _KEYS[key]
        common = {"key": key, "code": key if key != " " else "Space", "windowsVirtualKeyCode": code}
        text = {"text": "\r"} if key == "Enter" else {"text": " "} if key == " " else {}
        await self.call("Input.dispatchKeyEvent", type="keyDown", **common, **text)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **common)
        if leaves:
            await asyncio.wait_for(self._loaded.wait(), PATIENCE)

    async def type(self, text: str) -> None:
        await self.call("Input.insertText", text=text)

    async def accessible(self) -> list[tuple[str, str, bool]]:
        """Return (role, name, focused) for everything that a screen reader reads, in order."""
        nodes = (await self.call("Accessibility.getFullAXTree"))["nodes"]
        found = []
        for node in nodes:
            if node.get("ignored"):
                continue
            focused = any(
                p["name"] == "focused" and p["value"].get("value")
                for p in node.get("properties", [])
            )
            role = node.get("role", {}).get("value", "")
            found.append((role, str(node.get("name", {}).get("value", "")), focused))
        return found

    async def tab_to(self, name: str, limit: int = 60) -> None:
        """Press Tab until the control with this accessible name has the focus."""
        for _ in range(limit):
            await self.press("Tab")
            if any(
                focused and name in each
                for role, each, focused in await self.accessible()
                if role not in ("RootWebArea", "document")
            ):
                return
        raise AssertionError(f"{name!r} is not reached by the keyboard")

    async def text(self) -> str:
        html = await self.html()
        import re

        return " ".join(re.sub(r"<[^>]+>", " ", html).split())

    async def html(self) -> str:
        root = (await self.call("DOM.getDocument", depth=-1))["root"]
        outer = await self.call("DOM.getOuterHTML", nodeId=root["nodeId"])
        return str(outer["outerHTML"])

    async def too_wide(self) -> bool:
        """Return whether the page scrolls sideways."""
        metrics = await self.call("Page.getLayoutMetrics")
        page, seen = metrics["cssContentSize"], metrics["cssLayoutViewport"]
        return bool(page["width"] > seen["clientWidth"] + 1)

    async def picture(self, path: Path) -> None:
        """Save a screenshot of the whole page, including the part below the screen."""
        size = (await self.call("Page.getLayoutMetrics"))["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        shot = await self.call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        await asyncio.to_thread(path.write_bytes, base64.b64decode(shot["data"]))
