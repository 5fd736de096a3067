"""The password in a store's address, which no log, mark or console may show."""

from urllib.parse import unquote, urlsplit


def without_password(text: str, uri: str) -> str:
    """``text`` with stars in place of the password of ``uri``, as it stands there or decoded."""
    password = urlsplit(uri).password
    for secret in {password, unquote(password)} if password else ():
        text = text.replace(secret, "***")
    return text
