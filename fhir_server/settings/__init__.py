"""Settings: environment variables with the prefix `OSTEON_`, typed, each documented.

One file for the settings of each room; `settings.py` puts them together and loads them, `listing.py` tells
what they mean. `osteon settings` lists them with their values; `docs/settings.md` is generated from them.
"""

from fhir_server.settings.settings import Settings, SettingsError, load_settings

__all__ = ["Settings", "SettingsError", "load_settings"]
