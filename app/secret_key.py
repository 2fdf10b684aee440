"""The secret key: what makes one good enough, and the one that a demonstration makes for itself."""

import os
import secrets
from pathlib import Path

SHORTEST_SECRET_KEY = 32
_FEWEST_DISTINCT_CHARACTERS = 8
_PLACEHOLDERS = ("changeme", "change-me", "change_me", "change me", "thisismyscretkey", "your-secret", "your_secret")


def is_guessable(key: str) -> bool:
    """Whether a secret key is short, repetitive or a placeholder of some example."""
    placeholder = any(word in key.lower() for word in _PLACEHOLDERS)
    return placeholder or len(key) < SHORTEST_SECRET_KEY or len(set(key)) < _FEWEST_DISTINCT_CHARACTERS


def kept_secret_key(path: Path) -> str:
    """The key in `path`, made on first use; of two processes that start at once, both get the same."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(secrets.token_urlsafe(48))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
