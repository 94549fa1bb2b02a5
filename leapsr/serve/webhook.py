"""Telling another program that a request has ended; only where the server's owner allows its host.

Signed as https://www.standardwebhooks.com says: the receiver computes the HMAC-SHA256 of
`{webhook-id}.{webhook-timestamp}.{body}` with the secret that it shares with this server, and compares.
"""

import base64
import hashlib
import hmac
import json
import logging
import re
import time
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from .problems import Problem

logger = logging.getLogger(__name__)

PAUSES = (0.0, 5.0, 60.0, 600.0)
"""Seconds before each try."""
SECONDS = 10.0
"""For an answer."""


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Another host may be where it leads."""


_opener = build_opener(_NoRedirects)


def check(address: str | None, hosts: tuple[str, ...]) -> None:
    """Raises Problem for an address that may not be told."""
    if address is None:
        return
    try:
        parts = urlsplit(address)
        known = parts.netloc.lower() in (host.lower() for host in hosts)
        allowed = parts.scheme in ("http", "https") and known and re.fullmatch("[!-~]+", address) is not None
    except ValueError:
        allowed = False
    if not allowed:
        listed = f"these are {', '.join(hosts)}" if hosts else "there are none"
        raise Problem(
            422, f"webhook is the address of a host that this server may tell; {listed}.", "WebhookRefused"
        )


def signature(secret: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    content = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.digest(secret, content, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def send(address: str, secret: bytes, message_id: str, status: dict[str, Any]) -> bool:
    """Whether it was taken."""
    body, now = json.dumps({"type": f"request.{status['status']}", "data": status}).encode(), int(time.time())
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(now),
        "webhook-signature": signature(secret, message_id, now, body),
    }
    try:
        with _opener.open(Request(address, body, headers), timeout=SECONDS):
            return True
    except HTTPError as error:
        logger.warning("The webhook of a request was answered with %d.", error.code)
    except (OSError, HTTPException) as error:
        logger.warning("The webhook of a request could not be sent: %s.", error)
    return False
