"""State directory and settings, as each verb that needs them reads them."""

from pathlib import Path
from typing import TYPE_CHECKING

from api.cli.output import WRONG_USE, CommandError

if TYPE_CHECKING:
    from api.settings import Settings


def read_settings() -> "tuple[Path, Settings]":
    """State directory and settings of this member; wrong use when they cannot be read."""
    from api.settings import SettingsError, load_settings, state_directory

    home = state_directory()
    try:
        return home, load_settings(home)
    except SettingsError as error:
        raise CommandError(str(error), f"mend it in {home / 'cangdan.toml'} or the environment", WRONG_USE) from None
