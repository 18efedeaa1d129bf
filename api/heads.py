"""The head of a request (its line and headers) is short, or it is refused before it is read."""

from __future__ import annotations

import json
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from core.words import words

# Text of 2,000 Thai letters takes 18,000 bytes in an address; cookies and the rest of a head a few thousand.
HEAD_LIMIT_BYTES = 65_536


class ShortHeadProtocol(HttpToolsProtocol):
    """HTTP as uvicorn speaks it, but a head that goes on and on is answered 431 and the connection closed.

    uvicorn's parser joins an endless request line in memory, each piece to all that came before.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._is_in_head = False
        self._head_bytes = 0

    def on_message_begin(self) -> None:
        """A new head begins."""
        super().on_message_begin()
        self._is_in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        """The head was short enough; a body has limits of its own."""
        self._is_in_head = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """The bytes are read, unless they are still a head and too many."""
        super().data_received(data)
        if not self._is_in_head or self.transport.is_closing():
            return
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_LIMIT_BYTES:
            self._refuse()

    def _refuse(self) -> None:
        detail = f"The address and headers of a request may be {HEAD_LIMIT_BYTES:,} bytes long; the rest was not read."
        problem = {
            "type": "urn:faonam:problem:too-large", "title": words("api", "too-large", language="en"),
            "title_th": words("api", "too-large", language="th"), "status": 431, "detail": detail,
        }
        content = json.dumps(problem, ensure_ascii=False).encode()
        self.transport.write(
            b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: application/problem+json\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n%s" % (len(content), content)
        )
        self.transport.close()
