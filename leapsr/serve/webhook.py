"""Telling another program that a request has ended; signed, and only where the server's owner allows it."""

from urllib.parse import urlsplit

from .problems import Problem


def check_webhook(address: str | None, hosts: tuple[str, ...]) -> None:
    """Raises Problem for one that may not be told."""
    if address is None:
        return
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or parts.hostname not in hosts:
        raise Problem(
            422,
            "webhook is an address of a host that this server may tell; "
            + (f"these are {', '.join(hosts)}." if hosts else "there are none."),
            "WebhookRefused",
        )
