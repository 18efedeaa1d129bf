"""Who waits for news hears it as the screens do, by server-sent events."""

from __future__ import annotations

import threading

import httpx

from core.logs import get_logger
from demo.actors.desk import Desk

log = get_logger("demo")

AGAIN_AFTER_S = 0.3


class Ear:
    """Listens to the city's news at somebody's desk from now on, in a thread of its own."""

    def __init__(self, desk: Desk, *, topic: str, is_over: threading.Event) -> None:
        """Only events called `topic` count; once `is_over`, a stream that ends is not opened again."""
        self._desk = desk
        self._is_over = is_over
        self._word = f'"name":"{topic}"'
        self._has_heard = threading.Event()
        threading.Thread(target=self._listen, name="ear", daemon=True).start()

    def wait(self, at_most_s: float) -> None:
        """Something has happened since the last wait, or that much time has passed."""
        self._has_heard.wait(at_most_s)
        self._has_heard.clear()

    def _listen(self) -> None:
        while not self._is_over.is_set():
            try:
                for line in self._desk.news():
                    if self._word in line:
                        self._has_heard.set()
            except httpx.HTTPError as exc:
                log.info("storm.news_broke_off", error=type(exc).__name__)
            self._has_heard.set()  # Whatever was missed is found by looking.
            self._is_over.wait(AGAIN_AFTER_S)
