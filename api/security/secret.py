"""Keys derived by purpose from the secret of this API process."""

import hmac


def derive(secret: bytes, purpose: str) -> bytes:
    """A key for one purpose: HMAC-SHA-256 of the purpose under the secret."""
    return hmac.digest(secret, purpose.encode(), "sha256")
